"""The explanation of a counterexample, as data and in words."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from ccw_actors.explore._result import Step

__all__ = ["Explanation", "Overtaking"]

_LINES_MAX = 10


class Overtaking(NamedTuple):
    """Step `by` handles a message that was sent after that of the later step.

    `overtaken` is the later step. Steps count from 1.
    """

    by: int
    overtaken: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What leads to a fault: the steps needed, the race, the point of no return.

    `steps` is a shortest counterexample if one was found, in an order with few
    `overtakings`. `causes` has for each step the number (from 0) of the step that sent
    its message, -1 for a message that was there at first. `needed` are the numbers of
    the steps without which the fault is not met. `race` is two step numbers, None if no
    race decides. `passing` is the nearest schedule without a fault, empty if none was
    found. After `no_return` steps every continuation meets a fault; None if not known,
    0 if every schedule meets one. `way_out` is a step that, taken instead of step
    `no_return`, could have avoided it. `not_found` names each part whose search was
    given up, and after how many states or seconds.
    """

    violation: str
    steps: tuple[Step, ...]
    causes: tuple[int, ...]
    needed: tuple[int, ...]
    overtakings: tuple[Overtaking, ...]
    race: tuple[int, int] | None
    passing: tuple[Step, ...]
    no_return: int | None
    way_out: Step | None
    not_found: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines(_LINES_MAX))

    def lines(self, steps_max: int) -> list[str]:
        """Return the text, with at most the last `steps_max` of the steps needed."""
        shown = self.needed[-steps_max:]
        hidden = len(self.steps) - len(shown)
        lines = [f"REFUTED: {self.violation}"]
        if hidden:
            lines.append(f"     ({hidden} step{'s' * (hidden > 1)} left out)")
        lines += [f"{number + 1:4} {self.steps[number]}" for number in shown]
        return lines + self.remarks()

    def remarks(self, texts: Mapping[int, str] | None = None) -> list[str]:
        """Return the lines about the steps: the race, the point of no return.

        `texts` has other words for some steps, by number from 1 on.
        """
        lines: list[str] = []
        if self.race is not None:
            lines.append(self._race_line(self.race, texts or {}))
        lines += _overtaking_lines(self.overtakings)
        if self.no_return is not None and self.steps:
            lines.append(_no_return(self.no_return, self.way_out))
        return lines + list(self.not_found)

    def _race_line(self, race: tuple[int, int], texts: Mapping[int, str]) -> str:
        first, second = (
            f"step {number + 1} ({texts.get(number + 1, _short(self.steps[number]))})"
            for number in race
        )
        return (
            f"Race at {self.steps[race[0]].actor}: {first} comes before {second}."
            " The other order can avoid the fault."
        )


def _overtaking_lines(overtakings: Sequence[Overtaking]) -> list[str]:
    """Return a line for each step that is overtaken."""
    by_late: dict[int, list[str]] = {}
    for by, late in overtakings:
        by_late.setdefault(late, []).append(str(by))
    return [
        f"Step{'s' * (len(by) > 1)} {', '.join(by)} overtake{'s' * (len(by) == 1)}"
        f" step {late}, whose message was sent earlier."
        for late, by in by_late.items()
    ]


def _short(step: Step) -> str:
    what = step.message.partition("(")[0]
    if step.timer:
        return f"timer {step.timer} with {what}"
    return f"{what} from {step.sender or 'outside'}"


def _no_return(number: int, out: Step | None) -> str:
    if number == 0:
        return "Every schedule meets a fault."
    line = f"Point of no return: step {number}."
    if out is None:
        return line
    return f"{line} Taking {out.name} instead could have avoided the fault."
