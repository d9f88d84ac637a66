"""`ccw-actors dasd`: makes images of disks, looks into them, and checks them."""

import codecs
import importlib
import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.progress import Progress

from ccw_actors.actors.hardware.image import (
    ImageFile,
    create_blocks,
    create_tracks,
    open_image,
    recover_image,
)
from ccw_actors.cli._printing import complain, new_console, say, say_json, visible
from ccw_actors.devices.ckd_types import CYLINDERS_MAX, ckd_type, ckd_volume
from ccw_actors.devices.dataset import dataset_records, member_records, members
from ccw_actors.devices.fba_image import FBA_TYPES, fba_blocks
from ccw_actors.devices.volume_check import damages
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.devices.volume_label import VolumeLabel, volume_serial
from ccw_actors.devices.vtoc import Dataset, datasets
from ccw_actors.errors import ImageError

__all__ = ["dasd"]

dasd = typer.Typer(
    help="Images of disks: make them, look into them, check them.",
    no_args_is_help=True,
)

_BLOCKS_MAX = (1 << 32) - 1  # what four bytes in a locate command can say
_NAME = re.compile(r"(?P<dataset>[^()]+)(?:\((?P<member>[^()]+)\))?")

Image = Annotated[
    Path, typer.Argument(metavar="FILE", help="An image.", show_default=False)
]
BlockType = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="What a raw image of blocks is of, as in 3370: it does not say itself.",
        show_default=False,
    ),
]


_Cylinders: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=CYLINDERS_MAX,
        help="Cylinders, if not those of the model.",
    ),
]
_Blocks: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=2, max=_BLOCKS_MAX, help="Blocks, if not those of the model."
    ),
]


@dasd.command()
def init(
    image: Annotated[
        Path, typer.Argument(metavar="FILE", help="The new image.", show_default=False)
    ],
    device_type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Disk type and model, as in 3390-3, 3380-K or 3370-A2.",
        ),
    ],
    volser: Annotated[str, typer.Option(metavar="SERIAL", help="The volume serial.")],
    *,
    cylinders: _Cylinders = None,
    blocks: _Blocks = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that exists.")
    ] = False,
) -> None:
    """Make the image of an empty disk, with a label and an empty VTOC.

    Hercules can use it, and its dasdls shows it. Of a track never written to
    the host's disk keeps one block.
    """
    serial = volume_serial(volser)
    if device_type[:4] in FBA_TYPES:
        _refuse(cylinders, "--cylinders", device_type, "--blocks")
        kind, usual = fba_blocks(device_type)
        create_blocks(image, kind, blocks or usual, serial, replace=force)
        return
    _refuse(blocks, "--blocks", device_type, "--cylinders")
    disk, model_cylinders = ckd_type(device_type)
    volume = ckd_volume(disk, cylinders or model_cylinders)
    with _progress("tracks", volume.tracks) as show:
        create_tracks(image, volume, serial, replace=force, progress=show)


def _refuse(value: int | None, option: str, device_type: str, better: str) -> None:
    if value is not None:
        raise typer.BadParameter(
            f"a {device_type} has none, expected {better}", param_hint=option
        )


@dasd.command()
def ls(
    image: Image,
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="[DATASET]",
            help="A partitioned dataset, to list its members.",
            show_default=False,
        ),
    ] = "",
    *,
    device_type: BlockType = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, nothing else.")
    ] = False,
) -> None:
    """List the datasets of a volume, or the members of one.

    The columns are name, organisation, record format, record and block length, tracks,
    creation date (year.day) and extents (cylinder.head).
    """
    with _open(image, device_type) as file:
        volume = file.geometry
        if not isinstance(volume, Geometry):
            label = VolumeLabel.in_blocks(file.read(0))
            _list(label, volume.device_type, f"{volume.blocks} blocks", [], as_json)
            return
        if dataset:
            _list_members(volume, file, dataset.upper(), as_json=as_json)
            return
        label = VolumeLabel.on_track(file.read(0))
        rows = [_row(volume, found) for found in datasets(volume, file.read)]
        _list(label, volume.device_type, f"{volume.cylinders} cylinders", rows, as_json)


def _row(volume: Geometry, found: Dataset) -> dict[str, Any]:
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


def _list(
    label: VolumeLabel,
    device_type: str,
    size: str,
    rows: list[dict[str, Any]],
    as_json: bool,  # noqa: FBT001
) -> None:
    if as_json:
        about = {"volume": label.serial, "type": device_type, "datasets": rows}
        say_json(about)
        return
    say(f"volume {label.serial}, {device_type}, {size}")
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        say(
            f"{row['name']:{width}}  {row['organisation']:3} {row['record_format']:4}"
            f" {row['record_length']:5} {row['block_length']:5} {row['tracks']:6}"
            f"  {row['created']:8}  {' '.join(row['extents'])}"
        )


def _list_members(
    volume: Geometry, file: ImageFile, name: str, *, as_json: bool
) -> None:
    found = members(volume, file.read, _dataset(volume, file, name))
    if as_json:
        say_json({"members": [member.name for member in found]})
        return
    for member in found:
        say(f"{member.name}{'  alias' if member.alias else ''}")


@dasd.command()
def cat(
    image: Image,
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET", help="A dataset, A.B.C, or a member of one, A.B(C)."
        ),
    ],
    *,
    text: Annotated[
        bool,
        typer.Option(
            "--text", help="Convert from EBCDIC, and put each record on a line."
        ),
    ] = False,
    encoding: Annotated[
        str, typer.Option(metavar="CODEC", help="The EBCDIC code page for --text.")
    ] = "cp1047",
) -> None:
    """Write the records of a dataset to standard output.

    Without --text they come as they are, one after another.
    """
    with _open(image, "") as file:
        convert = _converter(encoding) if text else bytes
        volume = file.geometry
        match = _NAME.fullmatch(dataset.strip().upper())
        if match is None or not isinstance(volume, Geometry):
            raise ImageError(f"dataset {dataset!r}, expected A.B.C or A.B.C(MEMBER)")
        found = _dataset(volume, file, match["dataset"])
        if match["member"]:
            records = member_records(volume, file.read, found, match["member"])
        else:
            records = dataset_records(volume, file.read, found)
        for record in records:
            sys.stdout.buffer.write(convert(record))
        sys.stdout.buffer.flush()


def _converter(encoding: str) -> Callable[[bytes], bytes]:
    importlib.import_module("ebcdic")  # tells `codecs` what Python does not know
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


@dasd.command()
def verify(image: Image, *, device_type: BlockType = "") -> None:
    """Check every track, the label and the VTOC; say what is damaged, and where.

    The exit code is 1 if anything is. Nothing is changed.
    """
    with _open(image, device_type) as file:
        with _progress("tracks", file.geometry.tracks) as show:
            found = list(damages(file.geometry, file.read, show))
        for damage in found:
            say(f"{image}: {damage}")
        if found:
            raise typer.Exit(1)
        say(f"{image}: {file.geometry.tracks} tracks, nothing is damaged")


@dasd.command()
def recover(
    image: Image,
    *,
    device_type: BlockType = "",
    copied: Annotated[
        bool,
        typer.Option(
            "--copied",
            help="Image and journal are copies: believe the journal, which names the"
            " original.",
        ),
    ] = False,
) -> None:
    """Undo a write that was cut short when the process that wrote it died.

    Opening an image to write it does the same.
    """
    done = recover_image(image, device_type=device_type, copied=copied)
    say(f"{image}: {done}")


@contextmanager
def _open(image: Path, device_type: str) -> Generator[ImageFile]:
    file = open_image(image, device_type=device_type, read_only=True)
    try:
        if file.notice:
            complain(f"{image}: {file.notice}")
        yield file
    finally:
        file.close()


@contextmanager
def _progress(what: str, total: int) -> Generator[Callable[[int], None]]:
    """Show a bar on a terminal while this lasts; give what moves it."""
    console = new_console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(what, total=total)

        def show(done: int) -> None:
            bar.update(task, completed=done)

        yield show
