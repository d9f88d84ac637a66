"""Two-phase commit as a plain transition system (Gray and Lamport 2004, section 3).

One transaction manager, n resource managers, messages in a set that only grows. A state
is (what each resource manager is, what the transaction manager is, whose Prepared it
has had, the messages sent).
"""

from collections.abc import Iterator
from typing import TypeAlias

from ccw_actors.explore import TransitionSystem

__all__ = ["two_phase"]

WORKING, PREPARED, COMMITTED, ABORTED = range(4)
COMMIT, ABORT = -1, -2

State: TypeAlias = tuple[tuple[int, ...], int, frozenset[int], frozenset[int]]
Action: TypeAlias = tuple[str, int]


def actions(state: State) -> Iterator[Action]:
    """Yield what may happen: to the transaction manager, then to each other one."""
    managers, decision, ready, sent = state
    if decision == WORKING:
        if len(ready) == len(managers):
            yield "commit", 0
        yield "abort", 0
    for one, manager in enumerate(managers):
        if decision == WORKING and one in sent:
            yield "hear of", one
        if manager == WORKING:
            yield "prepare", one
            yield "give up", one
        if COMMIT in sent:
            yield "obey commit", one
        if ABORT in sent:
            yield "obey abort", one


def next_state(state: State, action: Action) -> State:
    """Return the state after an action."""
    managers, decision, ready, sent = state
    kind, one = action
    match kind:
        case "commit":
            return managers, COMMITTED, ready, sent | {COMMIT}
        case "abort":
            return managers, ABORTED, ready, sent | {ABORT}
        case "hear of":
            return managers, decision, ready | {one}, sent
        case "prepare":
            return _with(managers, one, PREPARED), decision, ready, sent | {one}
        case "obey commit":
            return _with(managers, one, COMMITTED), decision, ready, sent
        case _:
            return _with(managers, one, ABORTED), decision, ready, sent


def two_phase(count: int, *, wrong: bool = False) -> TransitionSystem[State, Action]:
    """Return the system with so many resource managers.

    `wrong` is a transaction manager that does not wait for the last of them.
    """

    def hasty(state: State) -> Iterator[Action]:
        if state[1] == WORKING and len(state[2]) == count - 1:
            yield "commit", 0
        yield from actions(state)

    return TransitionSystem[State, Action](
        [((WORKING,) * count, WORKING, frozenset(), frozenset())],
        hasty if wrong else actions,
        next_state,
        invariants={"all decide the same": lambda state: len(_ends(state)) < 2},
        sometimes={
            "all commit": lambda state: set(state[0]) == {COMMITTED},
            "all abort": lambda state: set(state[0]) == {ABORTED},
        },
        summary=f"Two-phase commit with {count} managers, as a transition system.",
    )


def _with(managers: tuple[int, ...], one: int, value: int) -> tuple[int, ...]:
    return (*managers[:one], value, *managers[one + 1 :])


def _ends(state: State) -> set[int]:
    return {COMMITTED, ABORTED}.intersection(state[0])
