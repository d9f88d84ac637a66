"""Two-phase commit: one manager hears which others are prepared, and decides.

One transaction manager, some resource managers, messages in a set that only grows. A
state is (the phase of each resource manager, that of the transaction manager, whose
Prepared it has had, the messages sent). It is a plain transition system;
two_phase_commit.py in the folder above has actors.

Source: Gray and Lamport, "Consensus on Transaction Commit" (2004), section 3. The
repository tlaplus/Examples records 288 states and 1,146 steps taken by TLC for three
resource managers (specifications/transaction_commit/manifest.json, TwoPhase.cfg), and
Stateright 0.31.0 asserts 288, and 8,832 for five (examples/2pc.rs). A transaction
manager that does not wait for the last of them breaks it.

python examples/explore/published/two_phase.py
"""

from collections.abc import Iterator

from ccw_actors.explore import TransitionSystem, explore

WORKING, PREPARED, COMMITTED, ABORTED = range(4)
COMMIT, ABORT = -1, -2

State = tuple[tuple[int, ...], int, frozenset[int], frozenset[int]]
Action = tuple[str, int]


def actions(state: State) -> Iterator[Action]:
    """Yield the actions of the transaction manager, then of each other manager."""
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


def commits(
    managers: int = 3, *, hasty: bool = False
) -> TransitionSystem[State, Action]:
    """Return a system; a `hasty` manager does not wait for the last of the others."""

    def hasty_actions(state: State) -> Iterator[Action]:
        if state[1] == WORKING and len(state[2]) == managers - 1:
            yield "commit", 0
        yield from actions(state)

    return TransitionSystem[State, Action](
        [((WORKING,) * managers, WORKING, frozenset(), frozenset())],
        hasty_actions if hasty else actions,
        next_state,
        invariants={"all decide the same": lambda state: len(_ends(state)) < 2},
        sometimes={
            "all commit": lambda state: set(state[0]) == {COMMITTED},
            "all abort": lambda state: set(state[0]) == {ABORTED},
        },
        summary=f"Two-phase commit with {managers} managers, as a transition system.",
    )


def _with(managers: tuple[int, ...], one: int, value: int) -> tuple[int, ...]:
    return (*managers[:one], value, *managers[one + 1 :])


def _ends(state: State) -> set[int]:
    return {COMMITTED, ABORTED}.intersection(state[0])


two_phase = commits()
two_phase_of_five = commits(5)
hasty = commits(hasty=True)


def main() -> None:
    """Count the states, and refute a hasty manager."""
    for count, one in ((3, two_phase), (5, two_phase_of_five)):
        result = explore(one)
        print(count, "managers:", result.states, "states,", result.verdict)
    print("A hasty one:", explore(hasty))


if __name__ == "__main__":
    main()
