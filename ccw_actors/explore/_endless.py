"""Finds where a run goes round forever: parts of the graph without a way out.

A state with nothing left to do is checked on its own. But an actor can also wait in a
run that never comes to rest: a timer goes on forever while the actor waits for an
answer. So the explorer also checks sets of states that lead into each other and, except
for steps that need not happen, nowhere else.
"""

import math
from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from ccw_actors.explore._model import Model

__all__ = ["dead_ends", "endless_at", "states_around"]

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")


def dead_ends(
    starts: Sequence[int], targets: "array[int]", cut: Iterable[int] = ()
) -> list[int]:
    """Return the first state of each set that goes round and is never left.

    The ways out of state n are `targets[starts[n]:starts[n + 1]]`. Negative ones need
    not be taken, and are ignored here. `cut` are the states with more ways out, which
    an option leaves out.
    """
    search = _Components(starts, targets, cut)
    # Only states on a cycle, or behind one, can go round: usually few.
    left = _behind_cycles(starts, targets)
    for root in range(len(starts) - 1):
        if left[root] and not search.number[root]:
            search.visit(root)
    return sorted(search.found)


class _Components:
    """Tarjan's search for sets of states that lead into each other (1972).

    `number` says when a state was met, 0 before that. `lowest` is the first state known
    to be in its set, -1 once the set is complete. `leaves` is 1 if a way leads into
    another set. `found` has the first state of each set that goes round and is never
    left.
    """

    def __init__(
        self, starts: Sequence[int], targets: "array[int]", cut: Iterable[int]
    ) -> None:
        room = bytes(4 * (len(starts) - 1))
        self._starts = starts
        self._targets = targets
        self._lowest = array("i", room)
        self._leaves = bytearray(len(starts) - 1)
        for state in cut:
            self._leaves[state] = 1
        self._stack: list[int] = []
        self._met = 0
        self.number = array("i", room)
        self.found: list[int] = []

    def visit(self, root: int) -> None:
        """Find the sets of all states that follow one."""
        starts, targets = self._starts, self._targets
        path = [(self._meet(root), starts[root])]
        while path:
            state, at = path[-1]
            if at < starts[state + 1]:
                path[-1] = state, at + 1
                target = targets[at]
                if target >= 0 and not self.number[target]:
                    path.append((self._meet(target), starts[target]))
                elif target >= 0:
                    self._note(state, self._lowest[target], self.number[target])
            else:
                path.pop()
                self._leave(state, path[-1][0] if path else None)

    def _leave(self, state: int, before: int | None) -> None:
        """Go back from a state to the one before it, if there is one."""
        if self._lowest[state] == self.number[state]:
            self._close(state)
        if before is not None:
            lowest = self._lowest[state]
            self._note(before, lowest, lowest)

    def _meet(self, state: int) -> int:
        self._met += 1
        self.number[state] = self._lowest[state] = self._met
        self._stack.append(state)
        return state

    def _note(self, state: int, lowest: int, known: int) -> None:
        """Note that a way leads from a state to one of another or of its own set."""
        if lowest > 0:
            self._lowest[state] = min(self._lowest[state], known)
        else:
            self._leaves[state] = 1

    def _close(self, root: int) -> None:
        """Take the states that lead into each other off the stack."""
        members: list[int] = []
        while not members or members[-1] != root:
            members.append(self._stack.pop())
            self._lowest[members[-1]] = -1
        ways = self._targets[self._starts[root] : self._starts[root + 1]]
        goes_round = len(members) > 1 or root in ways
        if goes_round and not any(self._leaves[one] for one in members):
            self.found.append(min(members))


def _behind_cycles(starts: Sequence[int], targets: "array[int]") -> bytearray:
    """Return 1 for each state that is on a cycle, or behind one."""
    count = len(starts) - 1
    into = array("i", bytes(4 * count))
    for target in targets:
        if target >= 0:
            into[target] += 1
    ready = [state for state in range(count) if not into[state]]
    left = bytearray(b"\1" * count)
    while ready:
        state = ready.pop()
        left[state] = 0
        for target in targets[starts[state] : starts[state + 1]]:
            if target >= 0:
                into[target] -= 1
                if not into[target]:
                    ready.append(target)
    return left


def states_around(model: Model[S, A], start: S) -> list[S]:
    """Return all that follows a state by steps that have to be taken."""
    return _reached(start, lambda state: _after(model, state), math.inf) or []


def endless_at(model: Model[S, A], start: S, states_max: int) -> str:
    """Return what waits forever from a state on, "" for nothing.

    That is known if a run goes round there through at most `states_max` states, and
    never leaves.
    """
    ways: dict[S, list[S]] = {}

    def after(state: S) -> Iterable[S]:
        ways[state] = found = _after(model, state)
        return found

    states = _reached(start, after, states_max)
    if states is None:
        return ""
    back = _reversed(ways)
    comes_back = _reached(start, lambda state: back.get(state, ()), math.inf) or []
    goes_round = start in back and len(comes_back) == len(states)
    return model.endless(states) if goes_round else ""


def _reversed(ways: dict[S, list[S]]) -> dict[S, list[S]]:
    """Return for each state the states before it."""
    back: dict[S, list[S]] = {}
    for state, targets in ways.items():
        for target in targets:
            back.setdefault(target, []).append(state)
    return back


def _after(model: Model[S, A], state: S) -> list[S]:
    return [
        after for action, after in model.moves(state) if not model.is_optional(action)
    ]


def _reached(
    start: S, after: Callable[[S], Iterable[S]], states_max: float
) -> list[S] | None:
    """Return all states reachable from one; None if there are more than the maximum."""
    seen = {start: None}
    open_ = [start]
    while open_:
        for state in after(open_.pop()):
            if state not in seen:
                seen[state] = None
                open_.append(state)
        if len(seen) > states_max:
            return None
    return list(seen)
