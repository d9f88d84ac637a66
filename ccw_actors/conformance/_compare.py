"""The differences between two observations of one script."""

from typing import Final, TypeAlias

from msgspec import Struct

from ccw_actors.channel import SCSW_LENGTH, Schib, Scsw
from ccw_actors.conformance._play import WATCHED, Observation
from ccw_actors.conformance._vectors import Case, Entry, address_of
from ccw_actors.errors import VectorError

__all__ = ["GRANULE", "Difference", "compare", "expectation"]

GRANULE: Final = 16
_SCSW_IN_SCHIB: Final = slice(28, 40)
_SHOWN: Final = 24

Part: TypeAlias = tuple[str, str, str]


class Difference(Struct, frozen=True):
    """One value that differs, and for a structure the parts of it that differ.

    `where` is an instruction ("3 TSCH") or an address. Each part is (field, expected,
    found), decoded.
    """

    where: str
    field: str
    expected: str
    found: str
    parts: tuple[Part, ...] = ()


def expectation(case: Case) -> Observation:
    """Return the observation that a golden vector records.

    Raises:
        VectorError: It has storage outside the watched range.
    """
    storage = bytearray(len(WATCHED))
    before, after = _pieces(case, case.storage), _pieces(case, case.storage_after)
    for address, content in (*before, *after):
        start = address - WATCHED.start
        if start >= 0:
            storage[start : start + len(content)] = content
    for address, content in after:
        if not (WATCHED.start <= address <= WATCHED.stop - len(content)):
            raise VectorError(
                f"{case.name}: storage at {address:#x} is not in"
                f" {WATCHED.start:#x}-{WATCHED.stop - 1:#x}"
            )
    return Observation(case.observed, bytes(storage[: len(WATCHED)]), after)


def _pieces(case: Case, storage: dict[str, str]) -> tuple[tuple[int, bytes], ...]:
    try:
        return tuple(
            (address_of(address), bytes.fromhex(content))
            for address, content in storage.items()
        )
    except ValueError as error:
        raise VectorError(f"{case.name}: storage: {error}") from error


def compare(expected: Observation, found: Observation) -> tuple[Difference, ...]:
    """Compare field by field, and storage granule by granule."""
    differences: list[Difference] = []
    pairs = zip(expected.entries, found.entries, strict=True)
    for number, (one, other) in enumerate(pairs, 1):
        where = f"{number} {one.op}"
        differences += (
            Difference(where, field, _text(a), _text(b), _parts(field, a, b))
            for field in Entry.__struct_fields__
            if (a := getattr(one, field)) != (b := getattr(other, field))
        )
    differences += _storage(expected, found)
    return tuple(differences)


def _storage(expected: Observation, found: Observation) -> list[Difference]:
    """Compare granule by granule, then the pieces that are stated one by one."""
    changed = expected.storage != found.storage
    granules = [
        (WATCHED.start + at, expected.storage[at : at + GRANULE])
        for at in (range(0, len(WATCHED), GRANULE) if changed else ())
    ]
    differences: list[Difference] = []
    for address, wanted in (*granules, *expected.stated):
        start = address - WATCHED.start
        got = found.storage[start : start + len(wanted)]
        if wanted != got:
            where = f"{address:#x}"
            differences.append(Difference(where, "storage", wanted.hex(), got.hex()))
    return differences


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)


def _parts(field: str, expected: object, found: object) -> tuple[Part, ...]:
    """Return the fields of an IRB or SCHIB that differ."""
    if not (isinstance(expected, str) and isinstance(found, str)):
        return ()
    wanted, got = bytes.fromhex(expected), bytes.fromhex(found)
    if field == "irb":
        return (
            *_scsw_parts(wanted[:SCSW_LENGTH], got[:SCSW_LENGTH]),
            *_bytes("ESW", wanted[12:32], got[12:32]),
            *_bytes("ECW", wanted[32:64], got[32:64]),
            *_bytes("EMW", wanted[64:], got[64:]),
        )
    if field == "schib":
        one, other = Schib.from_bytes(wanted).pmcw, Schib.from_bytes(got).pmcw
        return (
            *(
                (f"PMCW {name}", _number(a), _number(b))
                for name in type(one).__struct_fields__
                if (a := getattr(one, name)) != (b := getattr(other, name))
            ),
            *_scsw_parts(wanted[_SCSW_IN_SCHIB], got[_SCSW_IN_SCHIB]),
            *_bytes("measurement", wanted[40:], got[40:]),
        )
    return ()


def _scsw_parts(wanted: bytes, got: bytes) -> tuple[Part, ...]:
    one, other = Scsw.from_bytes(wanted), Scsw.from_bytes(got)
    return tuple(
        (f"SCSW {name}", one.names_of(name), other.names_of(name))
        for name in Scsw.__struct_fields__
        if getattr(one, name) != getattr(other, name)
    )


def _bytes(name: str, wanted: bytes, got: bytes) -> tuple[Part, ...]:
    if wanted == got:
        return ()
    return ((name, _short(wanted), _short(got)),)


def _short(raw: bytes) -> str:
    text = raw.hex()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _number(value: object) -> str:
    return f"{value:#x}" if isinstance(value, int) else str(value)
