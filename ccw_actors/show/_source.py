"""Tells what a file is, by its content: a trace, a counterexample or a record."""

from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from ccw_actors.errors import CcwActorsError
from ccw_actors.kernel.records import FORMAT, ExecutionRecord

__all__ = ["SourceError", "SourceKind", "kind_of", "load_record"]

SourceKind: TypeAlias = Literal["trace", "counterexample", "record"]

T = TypeVar("T", bound=msgspec.Struct)

_SIZE_MAX: Final = 1 << 24
_BLANK: Final = b" \t\r\n"
_EXPECTED: Final = "expected a trace, a counterexample or a record of a run"


class SourceError(CcwActorsError):
    """A file is nothing that a page can show; the text names it."""


class _Head(msgspec.Struct):
    """The field that marks a file of JSON; all others are skipped."""

    format: str = ""


def kind_of(path: Path) -> SourceKind:
    """Return what a file is. What is no JSON is taken for a trace.

    Raises:
        SourceError: It is JSON, and neither a counterexample nor a record.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        if not file.read(64).lstrip(_BLANK).startswith((b"{", b"[")):
            return "trace"
    named = _decoded(path, _Head).format
    if named == "ccw-actors counterexample":
        return "counterexample"
    if named == FORMAT:
        return "record"
    what = f"JSON of the format {named!r}" if named else "JSON without a format"
    raise SourceError(f"{path}: {what}; {_EXPECTED}")


def load_record(path: Path) -> ExecutionRecord:
    """Read the record of a run on a real kernel or a real QEMU.

    Raises:
        SourceError: It is no record.
        OSError: It cannot be read.
    """
    return _decoded(path, ExecutionRecord)


def _decoded(path: Path, kind: type[T]) -> T:
    """Read a file of at most 16 MiB."""
    with path.open("rb") as file:
        raw = file.read(_SIZE_MAX + 1)
    if len(raw) > _SIZE_MAX:
        raise SourceError(f"{path}: larger than {_SIZE_MAX >> 20} MiB; {_EXPECTED}")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{path}: {error}; {_EXPECTED}") from error
