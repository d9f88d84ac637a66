"""The code path of a cell's schedule: functions of the original, by thread."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ccw_actors.explore import Step
from ccw_actors.show._lanes import Lanes
from ccw_actors.show._picture import Code, CodeLine, StateChange
from ccw_actors.verdicts import Line, columns_of, interleaving
from ccw_actors.wording import TypeText

__all__ = ["code_of"]

_LOCK: Final = "mutex"
_CALL: Final = "(): "


def code_of(
    steps: Sequence[Step],
    states: Sequence[StateChange],
    lanes: Lanes,
    types: Sequence[TypeText],
) -> Code | None:
    """Return the code that steps stand for, None if they stand for none."""
    lines = interleaving(steps)
    if not lines:
        return None
    holders = _holders(states, lanes, types)
    threads: dict[str, str] = {}
    found: list[CodeLine] = []
    for line in lines:
        threads[line.sender] = line.column
        holder = _holder_after(holders, line)
        lock = threads.get(holder, holder)
        function, call, what = line.what.partition(_CALL)
        if not call:
            function, what = "", line.what
        found.append(CodeLine(line.number - 1, line.column, function, what, lock))
    return Code(tuple(columns_of(lines)), tuple(found))


def _holders(
    states: Sequence[StateChange], lanes: Lanes, types: Sequence[TypeText]
) -> dict[str, list[tuple[int, str]]]:
    """Return for each actor with a lock which thread has held it after which event."""
    found: dict[str, list[tuple[int, str]]] = {}
    for state in states:
        holder = _holder_in(state.state, types)
        if holder is not None:
            path = lanes.paths[state.actor]
            found.setdefault(path, []).append((state.event, holder))
    return found


def _holder_in(state: bytes, types: Sequence[TypeText]) -> str | None:
    """Return the thread that holds the lock in a state, None if it has no lock."""
    try:
        value: list[Any] = msgspec.json.decode(state, type=list[Any])
    except msgspec.DecodeError:
        return None  # it has ended, or has no fields
    number: int = value[0]
    names = [field.name for field in types[number].fields]
    if _LOCK not in names:
        return None
    return str(value[1 + names.index(_LOCK)])


def _holder_after(holders: dict[str, list[tuple[int, str]]], line: Line) -> str:
    holder = ""
    for event, one in holders.get(line.actor, []):
        if event < line.number:
            holder = one
    return holder
