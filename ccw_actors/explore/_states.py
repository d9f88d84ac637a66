"""The engine that visits every state once, nearest first."""

from array import array
from collections.abc import Hashable
from itertools import pairwise
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

from ccw_actors.explore._endless import dead_ends, states_around
from ccw_actors.explore._known import ExactStates, Fingerprints, KnownStates
from ccw_actors.explore._model import Model
from ccw_actors.explore._result import CLOCK_EVERY, Limits, Progress, Step, Tick

__all__ = ["Found", "explore_states"]

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")


class Found(NamedTuple):
    """The findings of an engine; see `Result`. `limit` names the limit reached, if any.

    `final` are the states without possible steps.
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

    All steps of the states before `at` have been taken. Those of state n lead to
    `targets[starts[n]:starts[n + 1]]`, where -1 - m is a step to m that need not be
    taken; `parents` has the state from which each was found. An option leaves out steps
    of the states in `cut`.
    """

    def __init__(
        self, model: Model[S, A], known: KnownStates[S], *, keeps_ends: bool
    ) -> None:
        self.model = model
        self.known = known
        self.parents = array("i")
        self.targets = array("i")
        self.starts = array("q")
        self.final: list[S] = []
        self.cut = array("i")
        self.at = self.steps = 0
        self.violation = ""
        self.culprit = -1
        self._keeps_ends = keeps_ends
        for state in model.initial():
            number, is_new = known.add(state)
            if is_new and not self.violation:
                self._meet(state, number, -1)
        self._begin = len(known)

    def _meet(self, state: S, number: int, parent: int) -> None:
        self.parents.append(parent)
        violation = self.model.violation(state)
        if violation:
            self.violation, self.culprit = violation, number

    def expand(self) -> None:
        """Take every step out of the next state."""
        model, add, targets = self.model, self.known.add, self.targets
        state = self.known.take(self.at)
        self.starts.append(len(targets))
        for action, after in model.moves(state):
            number, is_new = add(after)
            if is_new:
                self._meet(after, number, self.at)
                if self.violation:
                    return
            targets.append(-1 - number if model.is_optional(action) else number)
        steps = len(targets) - self.starts[-1]
        self.steps += steps
        if model.left_out:
            self.cut.append(self.at)
        if not steps and not model.left_out:
            if self._keeps_ends:
                self.final.append(state)
            self.violation = model.rest(state)
            self.culprit = self.at
        self.at += 1

    def look_for_endless(self) -> None:
        """Find actors that wait forever in a run that goes round, once all is known."""
        starts = [*self.starts, len(self.targets)]
        for number in dead_ends(starts, self.targets, self.cut):
            start = self._way(number)[-1][1]
            self.violation = self.model.endless(states_around(self.model, start))
            if self.violation:
                self.culprit = number
                return

    def path(self) -> tuple[Step, ...]:
        """Return the steps that lead to the first fault."""
        way = self._way(self.culprit)
        return tuple(
            self.model.step(before, action)
            for (_, before), (action, _) in pairwise(way)
            if action is not None
        )

    def _way(self, number: int) -> list[tuple[A | None, S]]:
        """Return the states that lead to one, each with the action before it."""
        # The step that led to a state is not kept, as there are millions: it is found
        # again on the one way that is shown.
        model, numbers = self.model, [number]
        while self.parents[numbers[-1]] >= 0:
            numbers.append(self.parents[numbers[-1]])
        is_same = self.known.is_same
        first = numbers.pop()
        state = next(one for one in model.initial() if is_same(one, first))
        way: list[tuple[A | None, S]] = [(None, state)]
        while numbers:
            wanted = numbers.pop()
            action, state = next(
                one for one in model.moves(state) if is_same(one[1], wanted)
            )
            way.append((action, state))
        return way

    def schedules(self) -> int | None:
        """Return how many ways lead from an initial to a final state.

        None if there is a cycle, as then there are infinitely many.
        """
        targets, starts = self.targets, [*self.starts, len(self.targets)]
        # A state is counted when all states before it have been. A state that is never
        # ready is on a cycle, or behind one.
        ways = [int(state < self._begin) for state in range(len(self.known))]
        left = self._steps_into()
        ready = [state for state, count in enumerate(left) if not count]
        total = done = 0
        while ready:
            state = ready.pop()
            done += 1
            begins, ends = starts[state], starts[state + 1]
            if begins == ends:
                total += ways[state]
            for target in targets[begins:ends]:
                to = target if target >= 0 else -1 - target
                ways[to] += ways[state]
                left[to] -= 1
                if not left[to]:
                    ready.append(to)
        return total if done == len(ways) else None

    def _steps_into(self) -> list[int]:
        """Return how many steps lead to each state."""
        count = [0] * len(self.known)
        for target in self.targets:
            count[target if target >= 0 else -1 - target] += 1
        return count


def explore_states(
    model: Model[S, A],
    limits: Limits,
    tick: Tick | None = None,
    *,
    fingerprints: bool = False,
) -> Found:
    """Visit the states of a model, those with the fewest steps first.

    So the first fault has a shortest counterexample. With `fingerprints` the states are
    not kept: then neither final states nor the number of schedules are known.
    """
    began = perf_counter()
    known: KnownStates[S] = (
        Fingerprints(model.fingerprint) if fingerprints else ExactStates()
    )
    search = _Search(model, known, keeps_ends=not fingerprints)
    limit = _visit(search, limits, tick, began)
    schedules = None
    if not search.violation and not limit:
        schedules = None if fingerprints else search.schedules()
        if schedules is None and model.has_waiting:
            search.look_for_endless()
    return Found(
        search.violation,
        search.path() if search.violation else (),
        limit,
        len(known),
        search.steps,
        None if search.violation else schedules,
        None,
        0,
        frozenset(search.final),
    )


def _visit(
    search: _Search[S, A], limits: Limits, tick: Tick | None, began: float
) -> str:
    """Visit states up to a fault, the end, or a limit, which is returned."""
    known = search.known
    while search.at < len(known) and not search.violation:
        limit = _limit(limits, search, began)
        if limit:
            return limit
        search.expand()
        if tick is not None and search.at % CLOCK_EVERY == 0:
            found = len(known)
            tick(Progress("states", found, search.steps, found - search.at))
    return ""


def _limit(limits: Limits, search: _Search[S, A], began: float) -> str:
    if len(search.known) >= limits.states:
        return f"{limits.states} states"
    if search.steps >= limits.steps:
        return f"{limits.steps} steps"
    if search.at % CLOCK_EVERY == 0 and perf_counter() - began >= limits.seconds:
        return f"{limits.seconds:g} seconds"
    return ""
