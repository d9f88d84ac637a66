"""Rows of a state table over bit fields: their conditions, their changes, their text.

A row is data, so one small function can apply it and documents can show it.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from ccw_actors.channel.fields import bit_list, bit_names

__all__ = [
    "KEEP",
    "Change",
    "Condition",
    "How",
    "Row",
    "first_match",
    "markdown",
    "minus",
    "plus",
    "to",
]

_ALL: Final = 0xFFFF


class How(StrEnum):
    """How a condition compares a field with its mask."""

    ANY = "any of"
    NONE = "none of"
    ALL = "all of"
    NOT_ALL = "not all of"
    EXACTLY = "exactly"


class Condition(Struct, frozen=True):
    """A test of one field, for example "FC any of halt+clear"."""

    field: str
    how: How
    mask: int

    def holds(self, values: Mapping[str, int]) -> bool:
        """Return whether the field in `values` meets the condition."""
        value = values[self.field]
        match self.how:
            case How.ANY:
                return value & self.mask != 0
            case How.NONE:
                return value & self.mask == 0
            case How.ALL:
                return value & self.mask == self.mask
            case How.NOT_ALL:
                return value & self.mask != self.mask
            case How.EXACTLY:
                return value == self.mask


class Change(Struct, frozen=True):
    """A change of a field: the bits of `keep` stay, those of `add` are set."""

    keep: int = _ALL
    add: int = 0

    def __call__(self, value: int) -> int:
        """Return the field's new value."""
        return value & self.keep | self.add

    def describe(self, names: Mapping[int, str]) -> str:
        """Return "+bits", "-bits" or "= bits", or "" if the field is kept."""
        if self.keep == 0:
            return f"= {bit_names(names, self.add)}"
        dropped = bit_list(names, _ALL & ~self.keep)
        added = bit_list(names, self.add)
        return " ".join([f"-{bit}" for bit in dropped] + [f"+{bit}" for bit in added])


KEEP: Final = Change()


def plus(mask: int) -> Change:
    """Set the bits of `mask`."""
    return Change(add=mask)


def minus(mask: int, add: int = 0) -> Change:
    """Clear the bits of `mask`, then set those of `add`."""
    return Change(_ALL & ~mask, add)


def to(value: int) -> Change:
    """Replace the field by `value`."""
    return Change(0, value)


class Row(Struct, frozen=True):
    """One line of a table; the first row whose conditions all hold is applied.

    `cc` is the condition code of an instruction, None for an event inside the
    subchannel. The four changes apply to the SCSW's fields of the same names.
    """

    event: str
    when: tuple[Condition, ...] = ()
    cc: int | None = None
    fctl: Change = KEEP
    actl: Change = KEEP
    stctl: Change = KEEP
    flags: Change = KEEP


def first_match(rows: Iterable[Row], values: Mapping[str, int]) -> Row | None:
    """Find the row that applies to a state given as field values."""
    return next(
        (row for row in rows if all(test.holds(values) for test in row.when)), None
    )


def markdown(
    rows: Iterable[Row],
    titles: Mapping[str, str],
    names: Mapping[str, Mapping[int, str]],
) -> str:
    """Render rows as a Markdown table.

    Args:
        rows: the table, in the order in which its rows are tried.
        titles: the name of each field in a condition.
        names: the bit names of each field.
    """
    lines = [
        "| event | when | cc | FC | AC | SC | flags |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += (f"| {' | '.join(_cells(row, titles, names))} |" for row in rows)
    return "\n".join(lines) + "\n"


def _cells(
    row: Row, titles: Mapping[str, str], names: Mapping[str, Mapping[int, str]]
) -> tuple[str, ...]:
    tests = (
        f"{titles[test.field]} {test.how} {bit_names(names[test.field], test.mask)}"
        for test in row.when
    )
    changes = {
        "fctl": row.fctl,
        "actl": row.actl,
        "stctl": row.stctl,
        "flags": row.flags,
    }
    return (
        row.event,
        ", ".join(tests) or "otherwise",
        "" if row.cc is None else str(row.cc),
        *(change.describe(names[field]) for field, change in changes.items()),
    )
