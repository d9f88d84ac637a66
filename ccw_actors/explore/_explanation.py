"""What a counterexample comes down to, as data and in words."""

from typing import NamedTuple

import msgspec

from ccw_actors.explore._result import Step

__all__ = ["Explanation", "Overtaking"]

_LINES_MAX = 10


class Overtaking(NamedTuple):
    """Step `by` handles a message sent after that of step `overtaken`, which is later.

    Steps count from 1.
    """

    by: int
    overtaken: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a counterexample comes down to.

    `steps` is a shortest way to the fault if one was found, in an order with few
    `overtakings`; `causes` are the numbers (from 0) of the steps that sent what each
    handles, -1 for what was there at first. `needed` are the numbers of those that the
    fault cannot do without. `race` are two numbers, None if no race decides. `passing`
    are the steps of the nearest order without a fault, to its end, empty if none was
    found. After `no_return` steps every continuation meets a fault; None if that is not
    known, and 0 if it was so from the start. `way_out` is a step that would have led
    past it. `not_found` says of each part that was given up what it was, and after how
    many states or seconds.
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
        """Return what is to be said, with at most so many of the steps needed."""
        shown = self.needed[-steps_max:]
        hidden = len(self.steps) - len(shown)
        lines = [f"REFUTED: {self.violation}"]
        if hidden:
            lines.append(f"     ({hidden} steps are left out)")
        lines += [f"{number + 1:4} {self.steps[number]}" for number in shown]
        return lines + self.remarks()

    def remarks(self) -> list[str]:
        """Return what is to be said of the steps."""
        lines: list[str] = []
        if self.race is not None:
            one, other = (self.steps[number] for number in self.race)
            first, second = (number + 1 for number in self.race)
            lines.append(
                f"the race at {one.actor}: step {first}, {_short(one)}, and step"
                f" {second}, {_short(other)}; the other way round nothing is wrong"
            )
        lines += [f"step {by} overtakes step {late}" for by, late in self.overtakings]
        if self.no_return is not None and self.steps:
            lines.append(_no_return(self.no_return, len(self.steps), self.way_out))
        return lines + list(self.not_found)


def _short(step: Step) -> str:
    what = step.message.partition("(")[0]
    if step.timer:
        return f"timer {step.timer} with {what}"
    return f"{what} from {step.sender or 'outside'}"


def _no_return(number: int, count: int, out: Step | None) -> str:
    if number == 0:
        return "every order there is meets a fault"
    when = "with the last step" if number == count else f"after step {number}"
    instead = "" if out is None else f"; before it, {out.name} would have led past it"
    return f"{when} no continuation is right any more{instead}"
