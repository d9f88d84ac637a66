"""What is different between two observations of one script."""

from typing import Final

from msgspec import Struct

from ccw_actors.channel import Irb, Schib, Scsw
from ccw_actors.machine.conform.play import WATCHED, Observation
from ccw_actors.machine.conform.vectors import Case, Entry, address_of

__all__ = ["GRANULE", "Difference", "compare", "elsewhere", "expectation"]

GRANULE: Final = 16
_SCSW_LENGTH: Final = 12
_SCSW_IN_SCHIB: Final = slice(28, 40)
_SHOWN: Final = 24


class Difference(Struct, frozen=True):
    """One thing that is different; `parts` name what is, inside a structure.

    `where` is an instruction ("3 TSCH") or an address.
    """

    where: str
    field: str
    expected: str
    found: str
    parts: tuple[str, ...] = ()


def expectation(case: Case) -> Observation:
    """Return what a golden vector says was observed, in the form of an observation."""
    storage = bytearray(len(WATCHED))
    for contents in (case.storage, case.storage_after):
        for address, content in contents.items():
            start, raw = address_of(address) - WATCHED.start, bytes.fromhex(content)
            if 0 <= start < len(WATCHED):
                storage[start : start + len(raw)] = raw
    outside = {area: case.storage_after[area] for area in elsewhere(case)}
    return Observation(case.observed, bytes(storage), outside)


def elsewhere(case: Case) -> tuple[str, ...]:
    """Return the areas outside the watched range that a vector speaks of."""
    areas = case.storage_after
    return tuple(area for area in areas if address_of(area) not in WATCHED)


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
    differences = [
        Difference(f"{WATCHED.start + at:#x}", "storage", wanted.hex(), got.hex())
        for at in range(0, len(WATCHED), GRANULE)
        if (wanted := expected.storage[at : at + GRANULE])
        != (got := found.storage[at : at + GRANULE])
    ]
    for area, wanted_text in expected.elsewhere.items():
        got_text = found.elsewhere.get(area, "")
        if wanted_text[: len(got_text)] != got_text[: len(wanted_text)]:
            differences.append(Difference(area, "storage", wanted_text, got_text))
    return differences


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)


def _parts(field: str, expected: object, found: object) -> tuple[str, ...]:
    """Name the fields of an IRB or SCHIB that are different."""
    if not (isinstance(expected, str) and isinstance(found, str)):
        return ()
    wanted, got = bytes.fromhex(expected), bytes.fromhex(found)
    if field == "irb":
        return (
            *_scsw_parts(wanted[:_SCSW_LENGTH], got[:_SCSW_LENGTH]),
            *_bytes("ESW", wanted[12:32], got[12:32]),
            *_bytes("ECW", wanted[32:64], got[32:64]),
            *_bytes("EMW", wanted[64:], got[64:]),
        )
    if field == "schib":
        one, other = Schib.from_bytes(wanted).pmcw, Schib.from_bytes(got).pmcw
        return (
            *(
                f"PMCW {name}: {_number(a)}, found {_number(b)}"
                for name in type(one).__struct_fields__
                if (a := getattr(one, name)) != (b := getattr(other, name))
            ),
            *_scsw_parts(wanted[_SCSW_IN_SCHIB], got[_SCSW_IN_SCHIB]),
            *_bytes("measurement", wanted[40:], got[40:]),
        )
    return ()


def _scsw_parts(wanted: bytes, got: bytes) -> tuple[str, ...]:
    one, other = Irb(Scsw.from_bytes(wanted)).scsw, Scsw.from_bytes(got)
    return tuple(
        f"SCSW {name}: {one.names_of(name)}, found {other.names_of(name)}"
        for name in Scsw.__struct_fields__
        if getattr(one, name) != getattr(other, name)
    )


def _bytes(name: str, wanted: bytes, got: bytes) -> tuple[str, ...]:
    if wanted == got:
        return ()
    return (f"{name}: {_short(wanted)}, found {_short(got)}",)


def _short(raw: bytes) -> str:
    text = raw.hex()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _number(value: object) -> str:
    return f"{value:#x}" if isinstance(value, int) else str(value)
