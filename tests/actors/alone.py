"""One actor alone with probes for the others, and scripts of events.

A script has a word for each event, with the result of each. A message of the actor to
itself has its own word, so that other events may come before it.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from ccw_actors.actors.protocol import ConditionCode, Stored, Tested
from ccw_actors.channel import Scsw, lifecycle
from ccw_actors.channel._table import KEEP, Row
from ccw_actors.runtime import Choice, Message
from ccw_actors.testkit import SteppingSystem

__all__ = ["answer_word", "changed_row", "deliver", "played", "row_name"]


def deliver(system: SteppingSystem, path: str) -> None:
    """Deliver all messages except those that the actor at a path sends itself."""

    def others(choice: Choice) -> bool:
        return (choice.recipient, choice.sender) != (path, path)

    while arrived := next(filter(others, system.steps.enabled()), None):
        system.steps.step(arrived)


def played(script: str, happens: Callable[[str], str]) -> str:
    """Play a script; return it with the results: "SSCH=0 go STSCH=..."."""
    said: list[str] = []
    for what in script.split():
        name = what.partition("=")[0]
        seen = happens(name)
        said.append(f"{name}={seen}" if seen else name)
    return " ".join(said)


def _word(scsw: Scsw) -> str:
    """Return word 0: the flags, FC, AC and SC."""
    return scsw.to_bytes()[:4].hex()


def answer_word(message: Message) -> str:
    """Return the word for an answer: a condition code, or the stored status."""
    match message:
        case ConditionCode(cc=cc):
            return str(cc)
        case Tested(cc=0, irb=irb):
            return _word(irb.scsw)
        case Tested(cc=cc):
            return f"cc{cc}"
        case Stored(schib=schib):
            return _word(schib.scsw)
        case _:
            return type(message).__name__


def row_name(number: int) -> str:
    """Return the name of a row of the life cycle."""
    return f"{lifecycle.TABLE[number].event} {number}"


def _changed(row: Row) -> Row:
    """Return a changed row: a refusal that accepts, or a row that changes nothing."""
    if row.cc:
        return replace(row, cc=0)
    if row == Row(row.event, row.when, row.cc):
        return replace(row, cc=2)
    return replace(row, fctl=KEEP, actl=KEEP, stctl=KEEP, flags=KEEP)


@contextmanager
def changed_row(number: int) -> Generator[None]:
    """Replace a row of the life cycle by a changed one."""
    tables: dict[str, Any] = lifecycle.__dict__["_BY_EVENT"]
    forget = lifecycle.__dict__["_effect"].cache_clear
    row = lifecycle.TABLE[number]
    rows = tables[row.event]
    with pytest.MonkeyPatch.context() as patch:
        others = tuple(_changed(one) if one is row else one for one in rows)
        patch.setitem(tables, row.event, others)
        forget()
        try:
            yield
        finally:
            forget()
