"""Two that hit a numbered ball to each other over a network that loses and doubles.

Source: Stateright 0.31.0, src/actor/actor_test_util.rs and the tests in
src/actor/model.rs: 14 states up to 1 and 4,094 up to 5 where messages are lost and
doubled, 11 up to 5 where neither happens. What was sent once can come again and again,
unless it is lost; then it never comes again. The network remembers what it has
delivered last. States with a higher count than the highest are left out.

python examples/explore/published/ping_pong.py
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from ccw_actors.explore import TransitionSystem, World, explore
from ccw_actors.runtime import Actor, Message, receive

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""
HIGHEST = 5

Ball = tuple[Literal["ping", "pong"], int]


class State(NamedTuple):
    """How often either has hit, what may be delivered, and what was last."""

    counts: tuple[int, int]
    network: frozenset[Ball]
    last: Ball | None


def rallies(
    highest: int = HIGHEST, *, losing: bool = True, careless: bool = False
) -> TransitionSystem[State, tuple[str, Ball]]:
    """Return the two; a careless one hits whatever ball comes."""

    def actions(state: State) -> Iterator[tuple[str, Ball]]:
        for ball in sorted(state.network):
            yield "deliver", ball
            if losing:
                yield "lose", ball

    def next_state(state: State, action: tuple[str, Ball]) -> State | None:
        counts, network, last = state
        what, ball = action
        if what == "lose":
            return State(counts, network - {ball}, last)
        kind, number = ball
        hitter = 1 if kind == "ping" else 0
        if number != counts[hitter] and not careless:
            return None
        hit: Ball = ("pong", number) if kind == "ping" else ("ping", number + 1)
        then = counts[0] + 1 - hitter, counts[1] + hitter
        return State(then, network | {hit}, ball) if max(then) <= highest else None

    return TransitionSystem[State, tuple[str, Ball]](
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


class Ping(Message, frozen=True):
    """A ball from the one who has served."""

    number: int


class Pong(Message, frozen=True):
    """A ball back."""

    number: int


class Count(Struct):
    """How often one has hit."""

    hits: int = 0


class Server(Actor[Pong]):
    """Serves, and hits back while the count is below the highest."""

    state: Count

    def __init__(self) -> None:
        self.state = Count()

    def on_start(self) -> None:
        """Serve."""
        self.system.ref("other").tell(Ping(0))

    @receive
    def pong(self, message: Pong) -> None:
        """Hit the ball that is expected."""
        if message.number == self.state.hits < HIGHEST:
            self.state.hits += 1
            self.system.ref("other").tell(Ping(message.number + 1))


class Other(Actor[Ping]):
    """Hits back while the count is below the highest."""

    state: Count

    def __init__(self) -> None:
        self.state = Count()

    @receive
    def ping(self, message: Ping) -> None:
        """Hit the ball that is expected."""
        if message.number == self.state.hits < HIGHEST:
            self.state.hits += 1
            self.system.ref("server").tell(Pong(message.number))


def ping_pong(world: World) -> None:
    """Two that hit a ball to each other over a good network."""
    other = world.spawn(Other(), "other")
    server = world.spawn(Server(), "server")
    world.system_invariant(
        "one is at most one ahead",
        lambda view: view[other].hits - view[server].hits in (0, 1),
    )
    world.sometimes("the highest is reached", lambda view: view[server].hits == HIGHEST)


def main() -> None:
    """Explore a bad network and a good one, and a careless player."""
    for highest in (1, HIGHEST):
        print("Up to", highest, "there are", explore(rallies(highest)).states, "states")
    print("Without a loss:", explore(ping_pong, **HOW).states, "states")
    print("A careless player:", explore(careless))


if __name__ == "__main__":
    main()
