"""The engine that visits every state once, nearest first."""

from array import array
from collections.abc import Hashable
from itertools import pairwise
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

from ccw_actors.explore.model import Model
from ccw_actors.explore.result import Limits, Progress, Step, Tick

__all__ = ["Found", "explore_states"]

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

_CLOCK_EVERY = 256


class Found(NamedTuple):
    """What an engine has found; see `Result`. `limit` names what was reached, if so.

    `final` are the states that nothing leads out of.
    """

    violation: str
    path: tuple[Step, ...]
    limit: str
    states: int | None
    steps: int
    schedules: int | None
    classes: int | None
    blocked: int
    final: frozenset[Any]


class _Search(Generic[S, A]):
    """The states met, by number in the order in which they were found.

    Those before `at` have been left by every way there is. The ways out of state n are
    `targets[starts[n]:starts[n + 1]]`; `parents` says from where each was found.
    """

    def __init__(self, model: Model[S, A]) -> None:
        self.model = model
        self.numbers: dict[S, int] = {}
        self.order: list[S] = []
        self.parents = array("q")
        self.targets = array("q")
        self.starts = array("q")
        self.final: list[S] = []
        self.at = self.steps = 0
        self.violation = ""
        self.culprit = -1
        for state in model.initial():
            if state not in self.numbers and not self.violation:
                self._meet(state, -1)
        self._begin = len(self.order)

    def _meet(self, state: S, parent: int) -> int:
        number = self.numbers[state] = len(self.order)
        self.order.append(state)
        self.parents.append(parent)
        violation = self.model.violation(state)
        if violation:
            self.violation, self.culprit = violation, number
        return number

    def expand(self) -> None:
        """Take every step out of the next state."""
        model, numbers, targets = self.model, self.numbers, self.targets
        state = self.order[self.at]
        self.starts.append(len(targets))
        moves = model.moves(state)
        for _, after in moves:
            number = numbers.get(after)
            if number is None:
                number = self._meet(after, self.at)
                if self.violation:
                    return
            targets.append(number)
        steps = len(targets) - self.starts[-1]
        self.steps += steps
        if not steps:
            self.final.append(state)
            self.violation = model.rest(state)
            self.culprit = self.at
        self.at += 1

    def path(self) -> tuple[Step, ...]:
        """Return the steps that lead to the first state that is wrong."""
        model, order = self.model, self.order
        way = [self.culprit]
        while self.parents[way[-1]] >= 0:
            way.append(self.parents[way[-1]])
        steps: list[Step] = []
        for one, other in pairwise(reversed(way)):
            before, after = order[one], order[other]
            action = next(act for act, state in model.moves(before) if state == after)
            steps.append(model.step(before, action))
        return tuple(steps)

    def schedules(self) -> int | None:
        """Return how many ways lead from a beginning to an end.

        None if there is a cycle, for then there is no end of ways.
        """
        targets, starts = self.targets, [*self.starts, len(self.targets)]
        ways = [int(state < self._begin) for state in range(len(self.order))]
        left = [0] * len(ways)
        for target in targets:
            left[target] += 1
        ready = [state for state, count in enumerate(left) if not count]
        total = done = 0
        while ready:
            state = ready.pop()
            done += 1
            begins, ends = starts[state], starts[state + 1]
            if begins == ends:
                total += ways[state]
            for target in targets[begins:ends]:
                ways[target] += ways[state]
                left[target] -= 1
                if not left[target]:
                    ready.append(target)
        return total if done == len(ways) else None


def explore_states(
    model: Model[S, A], limits: Limits, tick: Tick | None = None
) -> Found:
    """Visit the states of a model, those first that take the fewest steps.

    The first violation met is therefore as near as any.
    """
    began = perf_counter()
    search = _Search(model)
    limit = ""
    while search.at < len(search.order) and not search.violation:
        limit = _limit(limits, search, began)
        if limit:
            break
        search.expand()
        if tick is not None and search.at % _CLOCK_EVERY == 0:
            found = len(search.order)
            tick(Progress("states", found, search.steps, found - search.at))
    whole = not search.violation and not limit
    return Found(
        search.violation,
        search.path() if search.violation else (),
        limit,
        len(search.order),
        search.steps,
        search.schedules() if whole else None,
        None,
        0,
        frozenset(search.final),
    )


def _limit(limits: Limits, search: _Search[S, A], began: float) -> str:
    if len(search.order) >= limits.states:
        return f"{limits.states} states"
    if search.steps >= limits.steps:
        return f"{limits.steps} steps"
    if search.at % _CLOCK_EVERY == 0 and perf_counter() - began >= limits.seconds:
        return f"{limits.seconds:g} seconds"
    return ""
