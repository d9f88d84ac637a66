"""Which messages the layers handle in which of their phases, over all scenarios.

    python -m tools.coverage_page > docs/generated/coverage.md

It takes about a minute.
"""

import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from ccw_actors.actors import Cio, Device, GuestSubchannel, Subchannel, VfioCcw
from ccw_actors.explore import Combination, Scenario, explore
from ccw_actors.runtime import Actor, spec_of
from ccw_actors.scenarios import MAKERS
from tools.unreached import REASONS, Reason

__all__ = ["Table", "as_markdown", "explored", "reason_for"]

LAYERS: Final[dict[str, type[Actor[Any]]]] = {
    "guest-subchannel": GuestSubchannel,
    "vfio-ccw": VfioCcw,
    "cio": Cio,
    "subchannel": Subchannel,
    "device": Device,
}
"""The actors that are told about, by their paths."""

_HEAD: Final = """\
# What the scenarios reach

For each layer: which messages it handles in which of its phases, in some order of some
scenario of `ccw-actors explore --list`. A phase is named by
`ccw_actors/scenarios/_phases.py`. Made by `python -m tools.coverage_page`; a test holds
this page to it.

A cell is ✔, or the number of the reason below why no scenario gets there.
"""


class Table(NamedTuple):
    """What was handled, and what could have been but never was."""

    handled: frozenset[Combination]
    missed: frozenset[Combination]


def explored(scenarios: Mapping[str, Scenario]) -> Table:
    """Explore scenarios, and put together what they handle and miss."""
    handled: set[Combination] = set()
    missed: set[Combination] = set()
    for scenario in scenarios.values():
        coverage = explore(scenario).coverage
        assert coverage is not None, "actors were explored"
        handled.update(filter(_is_told, coverage.handled))
        missed.update(filter(_is_told, coverage.missed))
    return Table(frozenset(handled), frozenset(missed - handled))


def reason_for(one: Combination) -> int:
    """Return the number of the first reason why it is not reached, 0 if none is."""
    for number, reason in enumerate(REASONS, 1):
        if _fits(reason, one):
            return number
    return 0


def as_markdown(table: Table) -> str:
    """Render a page: a table for each layer, and the reasons."""
    parts = [_HEAD]
    for path, kind in LAYERS.items():
        parts += [f"## {path}", _layer(path, kind, table)]
    reached = len(table.handled)
    total = reached + len(table.missed)
    parts += [
        "## Why not",
        f"{reached} of {total} combinations are reached.",
        _rows(
            ["", "reason"],
            ([str(n), reason.why] for n, reason in enumerate(REASONS, 1)),
        ),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _layer(path: str, kind: type[Actor[Any]], table: Table) -> str:
    """Render which messages a layer handles in which of its phases."""
    cells = {c for c in (*table.handled, *table.missed) if c.actor == path}
    states = sorted({c.state for c in cells})
    messages = sorted(message.__name__ for message in spec_of(kind).always)
    marks = {c: "✔" if c in table.handled else _mark(c) for c in cells}
    rows = (
        [state, *(marks[Combination(path, state, m)] for m in messages)]
        for state in states
    )
    return _rows(["in", *messages], rows)


def _is_told(one: Combination) -> bool:
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


def _rows(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the page."""
    scenarios = {name: maker(None) for name, maker in MAKERS.items()}
    sys.stdout.write(as_markdown(explored(scenarios)))


if __name__ == "__main__":
    main()
