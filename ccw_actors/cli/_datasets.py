"""The datasets of a volume: as a list, and their records as bytes or text."""

import codecs
import importlib
import re
from collections.abc import Callable, Iterable
from typing import Any

import typer

from ccw_actors.actors.hardware.image import ImageFile
from ccw_actors.cli._printing import say, say_json, visible
from ccw_actors.devices.dataset import dataset_records, member_records, members
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.devices.volume_label import VolumeLabel
from ccw_actors.devices.vtoc import Dataset, datasets
from ccw_actors.errors import ImageError

__all__ = ["as_row", "converter", "records_of", "show_datasets", "show_members"]

_COLUMNS = (
    *("dataset", "organisation", "format", "record", "block", "tracks", "created"),
    "extents",
)
_LINE = "{}  {:12}  {:6}  {:>6}  {:>6}  {:>6}  {:8}  {}"
_NAME = re.compile(r"(?P<dataset>[^()]+)(?:\((?P<member>[^()]+)\))?")


def as_row(volume: Geometry, found: Dataset) -> dict[str, Any]:
    """Return a dataset as a JSON object; the order of keys is that of the columns."""
    return {
        "name": found.name,
        "organisation": found.organisation,
        "record_format": found.record_format,
        "record_length": found.record_length,
        "block_length": found.block_length,
        "tracks": sum(len(extent.tracks(volume)) for extent in found.extents),
        "created": "{}.{:03}".format(*found.created) if found.created else "",
        "extents": [str(extent) for extent in found.extents],
    }


def show_datasets(
    label: VolumeLabel,
    device_type: str,
    size: str,
    rows: list[dict[str, Any]],
    *,
    as_json: bool,
) -> None:
    """Print the volume, and a table of its datasets."""
    if as_json:
        about = {"volume": label.serial, "type": device_type, "datasets": rows}
        say_json(about)
        return
    say(f"volume {label.serial}, {device_type}, {size}")
    if rows:
        table = [_COLUMNS, *map(_cells, rows)]
        width = max(len(name) for name, *_ in table)
        for name, *cells in table:
            say(_LINE.format(f"{name:{width}}", *cells))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return a dataset as a row under `_COLUMNS`."""
    *cells, extents = row.values()
    return (*map(str, cells), " ".join(extents))


def show_members(
    volume: Geometry, file: ImageFile, name: str, *, as_json: bool
) -> None:
    """Print the names of a dataset's members, one a line."""
    found = members(volume, file.read, _dataset(volume, file, name))
    if as_json:
        say_json({"members": [member.name for member in found]})
        return
    for member in found:
        say(f"{member.name}{'  alias' if member.alias else ''}")


def records_of(file: ImageFile, name: str) -> Iterable[bytes]:
    """Return the records of a dataset, A.B.C, or of a member of one, A.B(C).

    Raises:
        ImageError: There is no dataset or member of that name.
    """
    volume = file.geometry
    match = _NAME.fullmatch(name.strip().upper())
    if match is None or not isinstance(volume, Geometry):
        raise ImageError(f"dataset {name!r}, expected A.B.C or A.B.C(MEMBER)")
    found = _dataset(volume, file, match["dataset"])
    if match["member"]:
        return member_records(volume, file.read, found, match["member"])
    return dataset_records(volume, file.read, found)


def converter(encoding: str) -> Callable[[bytes], bytes]:
    """Return a function that turns a record in EBCDIC into a line with its end."""
    importlib.import_module("ebcdic")  # registers code pages that Python lacks
    try:
        codec = codecs.lookup(encoding)
    except LookupError as error:
        raise typer.BadParameter(
            f"unknown code page {encoding!r}, expected one such as cp1047 or cp037",
            param_hint="--encoding",
        ) from error

    def convert(record: bytes) -> bytes:
        line = codec.decode(record, "replace")[0].rstrip(" ")
        return f"{visible(line, keep=chr(9))}\n".encode()

    return convert


def _dataset(volume: Geometry, file: ImageFile, name: str) -> Dataset:
    known = {found.name: found for found in datasets(volume, file.read)}
    if name not in known:
        listed = ", ".join(known) or "none"
        raise ImageError(f"no dataset {name} on the volume, expected one of {listed}")
    return known[name]
