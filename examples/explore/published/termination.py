"""Has all work on a ring ended? A token goes round and asks (Dijkstra, EWD 840).

Source: E. W. Dijkstra, W. H. J. Feijen, A. J. M. van Gasteren, EWD 840. The repository
tlaplus/Examples records 302 states for three nodes
(specifications/ewd840/manifest.json, EWD840.cfg): all begin active or not, black or
white, with the token anywhere and black. A node that does not turn black when it gives
work to one the token has passed breaks it.

python examples/explore/published/termination.py
"""

from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

from msgspec import Struct

from ccw_actors.explore import TransitionSystem, explore

NONE: Final = -1

Action = tuple[str, int, int]
"""The kind of the action, its node, and the other node."""


class State(NamedTuple):
    """Which nodes are active and black, where the token is, and whether it is black."""

    active: tuple[bool, ...]
    black: tuple[bool, ...]
    token: int
    token_is_black: bool


class Ring(Struct, frozen=True):
    """A ring of nodes; honest ones turn black when they give work backwards."""

    nodes: int = 3
    honest: bool = True

    def actions(self, state: State) -> Iterator[Action]:
        """Yield the step of the token, then the steps of the nodes."""
        active, black, token, stained = state
        if token == 0:
            if stained or black[0]:
                yield "begin", 0, NONE
        elif not active[token] or black[token] or stained:
            yield "pass on", token, NONE
        for one in range(self.nodes):
            if active[one]:
                yield "end", one, NONE
                for other in range(self.nodes):
                    if other != one:
                        yield "give work", one, other

    def next_state(self, state: State, action: Action) -> State:
        """Return the state after an action."""
        what, one, other = action
        active, black = state.active, state.black
        match what:
            case "begin":
                return state._replace(
                    black=_put(black, 0, to=False),
                    token=self.nodes - 1,
                    token_is_black=False,
                )
            case "pass on":
                return state._replace(
                    black=_put(black, one, to=False),
                    token=state.token - 1,
                    token_is_black=state.token_is_black or black[one],
                )
            case "end":
                return state._replace(active=_put(active, one, to=False))
            case _:
                if other > one and self.honest:
                    black = _put(black, one, to=True)
                return state._replace(active=_put(active, other, to=True), black=black)

    def system(self) -> TransitionSystem[State, Action]:
        """Return the transition system."""
        flags = [*product((False, True), repeat=self.nodes)]
        return TransitionSystem[State, Action](
            [
                State(active, black, token, token_is_black=True)
                for active, black, token in product(flags, flags, range(self.nodes))
            ],
            self.actions,
            self.next_state,
            invariants={
                "nobody works when the end is detected": lambda s: (
                    not _is_detected(s) or not any(s.active)
                )
            },
            sometimes={"the end is detected": _is_detected},
            summary=f"Termination of {self.nodes} nodes, as a transition system.",
        )


def _is_detected(state: State) -> bool:
    seen = not state.active[0] and not state.black[0]
    return state.token == 0 and not state.token_is_black and seen


def _put(flags: tuple[bool, ...], one: int, *, to: bool) -> tuple[bool, ...]:
    return (*flags[:one], to, *flags[one + 1 :])


termination = Ring().system()
dishonest = Ring(honest=False).system()


def main() -> None:
    """Count the states, and refute nodes that stay white when they give work back."""
    result = explore(termination)
    print(result.states, "states;", result)
    print("Dishonest:", explore(dishonest))


if __name__ == "__main__":
    main()
