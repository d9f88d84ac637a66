"""The page of the fields that a host's subchannel has, and of their combinations."""

import itertools
from collections.abc import Sequence
from typing import Final, get_args

from ccw_actors.actors.hardware._subchannel_work import (
    EVENTS,
    UNREACHABLE,
    Attachment,
    Awaited,
    Owed,
    Signal,
    Work,
)
from tools.markdown import GENERATED, table
from tools.subchannel_states import Found, Row

__all__ = ["as_markdown"]

_FIELDS: Final = {
    "awaited": Awaited,
    "owed": Owed,
    "signal": Signal,
    "attachment": Attachment,
}
_HEAD: Final = """\
# What a subchannel is waiting for

The SCSW says how far each function is, and [the life cycle](life-cycle.md) what changes
it. The host's `Subchannel` also keeps what it waits for and what it has still to show:
four fields in `ccw_actors.actors.hardware._subchannel_work`.
"""
_MEANINGS: Final = (
    ("awaited", "the answer it waits for: to a command, to an access, after a restart"),
    ("owed", "the status that it has still to show"),
    ("signal", "the clear signal or reset signal that the device has still to answer"),
    ("attachment", "whether the device is there; leaving: its loss is not told yet"),
)
_EVENTS: Final = """\
## Events

What each event changes. An empty cell leaves the field as it is.
"""
_COMBINATIONS: Final = """\
## Combinations

An exploration of one subchannel, with every instruction, every answer, resets, losses
and crashes at any time, reaches {reached} of {all} combinations. The last column is a
shortest way to each. A combination without one exists only while a message is handled.
"""
_NOT: Final = """\
## What cannot be

An assertion refuses every other combination, for one of these reasons:
"""


def as_markdown(found: Found) -> str:
    """Render the page."""
    every = sorted({*found.between, *found.within}, key=_order)
    total = 2 * len(list(itertools.product(*map(get_args, _FIELDS.values()))))
    return "\n".join(
        [
            GENERATED,
            _HEAD,
            table(("field", "what it says"), _MEANINGS),
            "",
            _EVENTS,
            table(("event", *_FIELDS), _events()),
            "",
            _COMBINATIONS.format(all=total, reached=len(every)),
            table(("program", *_FIELDS, "reached by"), [_row(r, found) for r in every]),
            "",
            _NOT,
            *(f"- {rule.why}" for rule in UNREACHABLE),
            "",
        ]
    )


def _events() -> list[Sequence[str]]:
    return [
        (event.name, *(getattr(event, field) or "" for field in _FIELDS))
        for event in EVENTS
    ]


def _row(row: Row, found: Found) -> Sequence[str]:
    way = found.between.get(row)
    reached = "" if way is None else ", ".join(way) or "at first"
    return "yes" if row.runs else "no", *_values(row.work), reached


def _order(row: Row) -> tuple[object, ...]:
    values = zip(_FIELDS.values(), _values(row.work), strict=True)
    return (row.runs, *(get_args(field).index(value) for field, value in values))


def _values(work: Work) -> tuple[str, str, str, str]:
    return work.awaited, work.owed, work.signal, work.attachment
