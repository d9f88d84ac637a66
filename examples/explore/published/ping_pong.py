"""Two players hit a numbered ball over a network that loses and doubles messages.

Source: Stateright 0.31.0, src/actor/actor_test_util.rs and the tests in
src/actor/model.rs: 14 states up to 1 and 4,094 up to 5 where messages are lost and
doubled, 11 up to 5 where neither happens. A message can arrive again and again until it
is lost; then it never arrives again. The network records its last delivery. States with
a count above the highest are left out. Where nothing is lost or doubled the players are
actors, which stop when each has hit so often: then there is one schedule, with one
state more than there are balls. A player who hits whatever ball comes breaks it.

python examples/explore/published/ping_pong.py
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from ccw_actors.explore import Scenario, TransitionSystem, World, explore
from ccw_actors.runtime import Actor, ActorRef, Message, receive

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""
HIGHEST = 5

Sent = tuple[Literal["ping", "pong"], int]
"""The sender of the ball, and its number."""


class State(NamedTuple):
    """How often each has hit, the messages in the network, and the last delivery."""

    counts: tuple[int, int]
    network: frozenset[Sent]
    last: Sent | None


def rallies(
    highest: int = HIGHEST, *, losing: bool = True, careless: bool = False
) -> TransitionSystem[State, tuple[str, Sent]]:
    """Return a system of two players; a careless one hits whatever ball comes."""

    def actions(state: State) -> Iterator[tuple[str, Sent]]:
        for ball in sorted(state.network):
            yield "deliver", ball
            if losing:
                yield "lose", ball

    def next_state(state: State, action: tuple[str, Sent]) -> State | None:
        counts, network, last = state
        what, ball = action
        if what == "lose":
            return State(counts, network - {ball}, last)
        kind, number = ball
        hitter = 1 if kind == "ping" else 0
        if number != counts[hitter] and not careless:
            return None
        hit: Sent = ("pong", number) if kind == "ping" else ("ping", number + 1)
        then = counts[0] + 1 - hitter, counts[1] + hitter
        return State(then, network | {hit}, ball) if max(then) <= highest else None

    return TransitionSystem[State, tuple[str, Sent]](
        [State((0, 0), frozenset({("ping", 0)}), None)],
        actions,
        next_state,
        invariants={
            "one is at most one ahead": lambda s: abs(s.counts[0] - s.counts[1]) <= 1
        },
        sometimes={"the highest is reached": lambda s: s.counts == (highest, highest)},
        summary="Two that hit a ball over a bad network, as a transition system.",
    )


bad_network = rallies()
careless = rallies(careless=True)


class Ball(Message, frozen=True):
    """The ball, which has been hit so many times."""

    hits: int


class PlayerState(Struct):
    """How many balls a player has hit."""

    hits: int = 0


class Player(Actor[Ball]):
    """Hits the ball back to its sender, until it has been hit `last` times."""

    state: PlayerState

    def __init__(self, last: int, opponent: ActorRef[Ball]) -> None:
        self.state = PlayerState()
        self._last = last
        self._opponent = opponent

    @receive
    def ball(self, message: Ball) -> None:
        """Hit the ball back."""
        self.state.hits += 1
        if message.hits < self._last:
            self._opponent.tell(Ball(message.hits + 1))


def games(hits: int) -> Scenario:
    """Return a scenario of two players and a ball."""

    def scenario(world: World) -> None:
        """Two that hit a ball to each other over a good network."""
        ping, pong = (world.system.ref(path) for path in ("ping", "pong"))
        world.spawn(Player(hits, pong), "ping")
        world.spawn(Player(hits, ping), "pong")
        world.inject(ping, Ball(1))
        world.system_invariant(
            "they take turns",
            lambda view: 0 <= view[ping].hits - view[pong].hits <= 1,
        )
        world.sometimes(
            "all balls were hit",
            lambda view: view[ping].hits + view[pong].hits == hits,
        )

    return scenario


ping_pong = games(2 * HIGHEST)


def main() -> None:
    """Explore a bad network and a good one, and a careless player."""
    for highest in (1, HIGHEST):
        print("Up to", highest, "there are", explore(rallies(highest)).states, "states")
    print("Without a loss:", explore(ping_pong, **HOW).states, "states")
    print("A careless player:", explore(careless))


if __name__ == "__main__":
    main()
