"""Two actors that play ping-pong: the smallest scenario there is."""

from msgspec import Struct

from ccw_actors.explore import Scenario, World
from ccw_actors.runtime import Actor, ActorRef, Message, receive

__all__ = ["Ball", "Player", "ping_pong"]


class Ball(Message, frozen=True):
    """The ball, which has been hit so many times."""

    hits: int


class PlayerState(Struct):
    """How many balls a player has hit."""

    hits: int = 0


class Player(Actor[Ball]):
    """Hits the ball back to whom it came from, until it has been hit `last` times."""

    state: PlayerState

    def __init__(self, last: int, opponent: ActorRef[Ball]) -> None:
        self.state = PlayerState()
        self._last = last
        self._opponent = opponent

    @receive
    def ball(self, message: Ball) -> None:
        """Hit it."""
        self.state.hits += 1
        if message.hits < self._last:
            self._opponent.tell(Ball(message.hits + 1))


def ping_pong(hits: int = 6) -> Scenario:
    """Return the scenario of a ball that is hit so many times."""

    def scenario(world: World) -> None:
        """A ball is hit to and fro."""
        ping, pong = (world.system.ref(path) for path in ("ping", "pong"))
        world.spawn(Player(hits, pong), "ping")
        world.spawn(Player(hits, ping), "pong")
        world.inject(ping, Ball(1))
        world.system_invariant(
            "they take turns",
            lambda view: 0 <= view[ping].hits - view[pong].hits <= 1,
        )
        world.final(
            "all balls were hit",
            lambda view: view[ping].hits + view[pong].hits == hits,
        )

    return scenario
