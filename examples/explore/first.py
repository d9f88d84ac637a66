"""A first scenario: two clients add to a counter, in every order.

python examples/explore/first.py
"""

from msgspec import Struct

from ccw_actors.explore import World, explore
from ccw_actors.runtime import Actor, Message, receive


class Count(Message, frozen=True):
    """The count."""

    count: int


class Read(Message, frozen=True):
    """Asks for the count."""


class Add(Message, frozen=True):
    """Asks a client to add one."""


class Counted(Struct):
    """The count."""

    count: int = 0


class Counter(Actor[Read | Count]):
    """Answers with its count, and takes a new one."""

    state: Counted

    def __init__(self) -> None:
        self.state = Counted()

    @receive
    def read(self, _message: Read) -> Count:
        """Answer."""
        return Count(self.state.count)

    @receive
    def count(self, message: Count) -> None:
        """Set the count."""
        self.state.count = message.count


class Client(Actor[Add | Count]):
    """Reads the count, and writes one more."""

    @receive
    def add(self, _message: Add) -> None:
        """Read."""
        self.system.ref("counter").tell(Read())

    @receive
    def counted(self, message: Count) -> None:
        """Write."""
        self.system.ref("counter").tell(Count(message.count + 1))


def two_clients(world: World) -> None:
    """Two clients add one each: two are expected in the end."""
    counter = world.spawn(Counter(), "counter")
    for name in ("alice", "bob"):
        world.inject(world.spawn(Client(), name), Add())
    world.final("nothing is lost", lambda view: view[counter].count == 2)


def main() -> None:
    """Explore, and print the counterexample and its explanation."""
    result = explore(two_clients)
    print(result.verdict, "in", result.states, "states")
    print(result)
    assert result.violation == "nothing is lost"


if __name__ == "__main__":
    main()
