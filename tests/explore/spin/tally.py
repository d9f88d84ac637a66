"""Counts what was compared with Spin: `python -m tests.explore.spin.tally --help`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.explore.spin.compare import Comparison, compare
from tests.explore.spin.description import SEMANTICS, Model, Semantics
from tests.explore.spin.strategies import some_models

__all__ = ["MANY", "Tally", "tally"]

MANY = 360
"""How many models are compared, but for those that have too many states."""

RARE = 0.1
LATE = 4


class Tally(msgspec.Struct):
    """What was compared under one semantics.

    `models` have so many `states`, `steps`, `ends` and `properties` together, of which
    `orders` and `brute_force` could check some. Of the properties that are `violated`,
    the `late` ones take at least LATE steps, the `rare` ones are violated in less
    than RARE of the states, or of the ends. `racing` models have more than one end.
    `drops` are steps that change nothing, `twins` models in which two messages that are
    alike are in progress. `different` says where the two differ.
    """

    semantics: Semantics
    models: int = 0
    left_out: int = 0
    states: int = 0
    steps: int = 0
    ends: int = 0
    properties: int = 0
    violated: int = 0
    models_violated: int = 0
    late: int = 0
    rare: int = 0
    racing: int = 0
    drops: int = 0
    twins: int = 0
    orders: int = 0
    brute_force: int = 0
    different: tuple[tuple[Model, tuple[str, ...]], ...] = ()

    def add(self, model: Model, found: Comparison) -> None:
        """Count a model."""
        own, spin = found.own, found.spin
        self.models += 1
        self.states += len(spin.states)
        self.steps += spin.steps
        self.ends += len(spin.ends)
        self.properties += len(model.properties)
        self.violated += len(spin.violated)
        self.models_violated += bool(spin.violated)
        self.late += sum(handled >= LATE for handled in spin.violated.values())
        self.rare += sum(own.bad[number] < RARE for number in spin.violated)
        self.racing += len(spin.ends) > 1
        self.drops += own.drops
        self.twins += own.twins
        self.orders += sum(engine == "orders" for _, engine in own.verdicts)
        self.brute_force += sum(engine == "brute force" for _, engine in own.verdicts)
        if found.differences:
            self.different += ((model, found.differences),)

    def row(self) -> str:
        """Return it as a row of `table`."""
        numbers = (
            self.models,
            self.left_out,
            self.states,
            self.steps,
            self.ends,
            self.properties,
            self.orders,
            self.brute_force,
            self.violated,
            self.models_violated,
            self.late,
            self.rare,
            self.racing,
            self.drops,
            self.twins,
            len(self.different),
        )
        return _line([str(self.semantics), *(f"{number:,}" for number in numbers)])


HEAD = (
    "semantics",
    "models",
    "left out",
    "states",
    "steps",
    "ends",
    "properties",
    "Orders",
    "brute force",
    "violated",
    "models violated",
    "late",
    "rare",
    "races",
    "drops",
    "twins",
    "differences",
)


def tally(semantics: Semantics, count: int, folder: Path) -> Tally:
    """Compare that many models under one semantics."""
    found = Tally(semantics)
    for model in some_models(count):
        compared = compare(model, semantics, folder)
        if compared is None:
            found.left_out += 1
        else:
            found.add(model, compared)
    return found


def page(tallies: Iterator[Tally]) -> str:
    """Return the page of the numbers."""
    rows = (one.row() for one in tallies)
    return "\n".join(
        [
            "# What was compared with Spin",
            "",
            _line(HEAD),
            _line(["---"] * len(HEAD)),
            *rows,
            "",
        ]
    )


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    """Compare, and print the page."""
    parser = argparse.ArgumentParser(
        prog="tests.explore.spin.tally",
        description="Compare the explorer with Spin on generated models.",
    )
    parser.add_argument("--models", type=int, default=MANY, metavar="N")
    names = [str(one) for one in SEMANTICS]
    parser.add_argument("--only", choices=names, action="append", default=[])
    options = parser.parse_args(arguments)
    chosen = [
        one for one in SEMANTICS if str(one) in (options.only or map(str, SEMANTICS))
    ]
    with TemporaryDirectory() as folder:
        tallies = [tally(one, options.models, Path(folder)) for one in chosen]
    say = sys.stdout.write
    say(page(iter(tallies)))
    for one in tallies:
        for model, differences in one.different:
            say("\n  ".join((str(one.semantics), *differences, f"{model}\n")))
    if any(one.different for one in tallies):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
