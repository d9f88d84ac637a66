"""One actor alone with probes for its neighbours, and scripts of what happens to it.

A script is words, one for each thing that happens, and what is seen of each. What an
actor sends itself is a word of its own, so that other things may come before it.
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
    """Have all messages arrive but those that the actor at a path sends itself."""

    def others(choice: Choice) -> bool:
        return (choice.recipient, choice.sender) != (path, path)

    while arrived := next(filter(others, system.steps.enabled()), None):
        system.steps.step(arrived)


def played(script: str, happens: Callable[[str], str]) -> str:
    """Have a script happen; return it with what is seen: "SSCH=0 go STSCH=..."."""
    said: list[str] = []
    for what in script.split():
        name = what.partition("=")[0]
        seen = happens(name)
        said.append(f"{name}={seen}" if seen else name)
    return " ".join(said)


def _word(scsw: Scsw) -> str:
    """Return the flags, and FC, AC and SC, as they stand in word 0."""
    return scsw.to_bytes()[:4].hex()


def answer_word(message: Message) -> str:
    """Return what an answer is called: a condition code, or what is stored."""
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
    """Return what to call a row of the life cycle."""
    return f"{lifecycle.TABLE[number].event} {number}"


def _changed(row: Row) -> Row:
    """Return another row: a refusal that is not one, or what changes nothing."""
    if row.cc:
        return replace(row, cc=0)
    if row == Row(row.event, row.when, row.cc):
        return replace(row, cc=2)
    return replace(row, fctl=KEEP, actl=KEEP, stctl=KEEP, flags=KEEP)


@contextmanager
def changed_row(number: int) -> Generator[None]:
    """Have the life cycle go by another row in place of one."""
    tables: dict[str, Any] = lifecycle.__dict__["_BY_EVENT"]
    row = lifecycle.TABLE[number]
    rows = tables[row.event]
    with pytest.MonkeyPatch.context() as patch:
        others = tuple(_changed(one) if one is row else one for one in rows)
        patch.setitem(tables, row.event, others)
        yield
