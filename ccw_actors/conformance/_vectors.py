"""Golden vectors as values: the script of a program, and what a real system showed.

A file is JSON, gzipped or not: a list of cases. Numbers in it are hexadecimal text,
addresses absolute. The `Script` of a case is all that a run of it gets; the observed
values are kept apart.
"""

import gzip
import zlib
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from ccw_actors.errors import VectorError
from ccw_actors.transport import DECODE_ERRORS

__all__ = [
    "VECTORS_SIZE_MAX",
    "Case",
    "Entry",
    "Instruction",
    "Script",
    "address_of",
    "load",
]

VECTORS_SIZE_MAX: Final = 1 << 24
"""Bytes of JSON in a file of vectors, unless its reader says otherwise: 16 MiB."""

_GZIP: Final = b"\x1f\x8b"


class Instruction(Struct, frozen=True):
    """One instruction, or a pseudo-instruction such as TSCHPOLL.

    `addr` is the operand's address, None for the private area of the program. `src` and
    `len` belong to MOVE, `timeout_us` to instructions that wait.
    """

    op: str
    gr1: str = "00000000"
    addr: str | None = None
    timeout_us: int = 0
    src: str | None = None
    len: int = 0


class Entry(Struct, frozen=True, omit_defaults=True):
    """The values observed for one instruction; fields that do not apply are None."""

    op: str
    cc: int | str | None = None
    program_interruption: str | None = None
    irb: str | None = None
    schib: str | None = None
    data: str | None = None
    key: str | None = None
    interrupted: bool | None = None
    interruption_code: str | None = None
    old_psw_mask: str | None = None
    lowcore_184_195: str | None = None


class Script(Struct, frozen=True):
    """All that a run of a case gets."""

    setup: dict[str, Any]
    storage: dict[str, str]
    instructions: tuple[Instruction, ...]


class Case(Struct, frozen=True):
    """One golden vector; other fields of its record are ignored."""

    name: str
    category: str
    setup: dict[str, Any]
    storage: dict[str, str]
    instructions: tuple[Instruction, ...]
    observed: tuple[Entry, ...]
    storage_after: dict[str, str]
    stable: bool = True
    deviation: str | None = None
    volatile: tuple[str, ...] = ()

    @property
    def script(self) -> Script:
        """The part of the case that a run gets."""
        return Script(self.setup, self.storage, self.instructions)


def load(path: Path, *, size_max: int = VECTORS_SIZE_MAX) -> tuple[Case, ...]:
    """Read a file of golden vectors, of that many bytes of JSON at most.

    Raises:
        VectorError: The file is not one; the text says where.
        OSError: The file cannot be read.
    """
    cases = _cases_in(path, size_max)
    names: set[str] = set()
    for case in cases:
        if case.name in names:
            raise VectorError(f"{path}: two cases are named {case.name}")
        names.add(case.name)
        if len(case.instructions) != len(case.observed):
            raise VectorError(
                f"{path}: {case.name}: {len(case.instructions)} instructions, but"
                f" {len(case.observed)} observations"
            )
    return cases


def _cases_in(path: Path, size_max: int) -> tuple[Case, ...]:
    with path.open("rb") as file:
        raw = file.read(size_max + 1)
        try:
            if raw.startswith(_GZIP):
                file.seek(0)
                raw = gzip.GzipFile(fileobj=file).read(size_max + 1)
            if len(raw) > size_max:
                raise VectorError(
                    f"{path}: larger than {size_max} bytes, which is what may be read"
                )
            return msgspec.json.decode(raw, type=tuple[Case, ...])
        except (*DECODE_ERRORS, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise VectorError(f"{path}: expected golden vectors: {error}") from error


def address_of(text: str) -> int:
    """Read an address.

    Raises:
        VectorError: The text is not a hexadecimal number.
    """
    try:
        return int(text, 16)
    except ValueError as error:
        raise VectorError(f"address {text!r}: expected a hexadecimal number") from error
