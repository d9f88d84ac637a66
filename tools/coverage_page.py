"""The page of the messages that the layers handle in each phase, in any scenario."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from ccw_actors.actors import Cio, Device, GuestSubchannel, Subchannel, VfioCcw
from ccw_actors.explore import Combination, Scenario, explore
from ccw_actors.runtime import Actor, spec_of
from tools.markdown import GENERATED, table
from tools.unreached import REASONS, Reason

__all__ = ["LAYERS", "Coverage", "as_markdown", "explored", "reason_for"]

LAYERS: Final[dict[str, type[Actor[Any]]]] = {
    "guest-subchannel": GuestSubchannel,
    "vfio-ccw": VfioCcw,
    "cio": Cio,
    "subchannel": Subchannel,
    "device": Device,
}
"""The actors that have a table, by their paths."""

_HEAD: Final = f"""\
{GENERATED}
# What the scenarios reach

For each layer, the messages that it handles in each of its phases, in some schedule of
some scenario of `ccw-actors explore --list`. `ccw_actors/scenarios/_phases.py` names
the phases.

A cell is ✔, or the number of the reason below why no scenario reaches it.
"""


class Coverage(NamedTuple):
    """The combinations that were handled, and those that never were."""

    handled: frozenset[Combination]
    missed: frozenset[Combination]


def explored(scenarios: Mapping[str, Scenario]) -> Coverage:
    """Explore scenarios; return what they handle and miss together."""
    handled: set[Combination] = set()
    missed: set[Combination] = set()
    for scenario in scenarios.values():
        coverage = explore(scenario).coverage
        assert coverage is not None, "actors were explored"
        handled.update(filter(_has_cell, coverage.handled))
        missed.update(filter(_has_cell, coverage.missed))
    return Coverage(frozenset(handled), frozenset(missed - handled))


def reason_for(one: Combination) -> int:
    """Return the number of the first reason why it is not reached, 0 for none."""
    for number, reason in enumerate(REASONS, 1):
        if _fits(reason, one):
            return number
    return 0


def as_markdown(coverage: Coverage) -> str:
    """Render a page: a table for each layer, and the reasons."""
    parts = [_HEAD]
    for path, kind in LAYERS.items():
        parts += [f"## {path}", _layer(path, kind, coverage)]
    reached = len(coverage.handled)
    total = reached + len(coverage.missed)
    parts += [
        "## Why not",
        f"{reached} of {total} combinations are reached.",
        table(("", "reason"), ((n, one.why) for n, one in enumerate(REASONS, 1))),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _layer(path: str, kind: type[Actor[Any]], coverage: Coverage) -> str:
    """Render the messages that a layer handles in each of its phases."""
    cells = {c for c in (*coverage.handled, *coverage.missed) if c.actor == path}
    states = sorted({c.state for c in cells})
    messages = sorted(message.__name__ for message in spec_of(kind).always)
    marks = {c: "✔" if c in coverage.handled else _mark(c) for c in cells}
    rows = (
        [state, *(marks[Combination(path, state, m)] for m in messages)]
        for state in states
    )
    return table(["in", *messages], rows)


def _has_cell(one: Combination) -> bool:
    kind = LAYERS.get(one.actor)
    if kind is None or not one.state:
        return False
    return one.message in {message.__name__ for message in spec_of(kind).always}


def _fits(reason: Reason, one: Combination) -> bool:
    return any(
        fnmatchcase(one.actor, actor)
        and fnmatchcase(one.state, state)
        and fnmatchcase(one.message, message)
        for actor, state, message in reason.cells
    )


def _mark(one: Combination) -> str:
    return str(reason_for(one) or "?")
