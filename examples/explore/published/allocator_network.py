"""An allocator and its clients, which send each other messages.

Source: S. Merz, "The Specification Language TLA+" (2008). The repository
tlaplus/Examples records 17,701 states for three clients and two resources
(specifications/allocator/manifest.json, AllocatorImplementation.cfg). The allocator
schedules those that have asked, in any order, and gives what nobody before them in the
schedule waits for. A request of a client whose resources have not come back yet stays
in the network. An allocator that ignores what is taken breaks it.

What an actor may do on its own, at any time, is here a message to itself that is always
on its way: it stays there while it would change nothing, and is sent again when it is
handled.

python examples/explore/published/allocator_network.py
"""

from itertools import combinations, permutations, product
from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explore
from ccw_actors.runtime import Actor, Message, receive

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""


class Ask(Message, frozen=True):
    """A client may ask for these resources: one bit for each."""

    some: int


class GiveBack(Message, frozen=True):
    """A client may give these back."""

    some: int


class Schedule(Message, frozen=True):
    """The allocator may schedule those that have asked, in that order."""

    order: tuple[str, ...]


class Allocate(Message, frozen=True):
    """The allocator may give these to a client."""

    client: str
    some: int


class Request(Message, frozen=True):
    """A client asks."""

    some: int


class Given(Message, frozen=True):
    """Resources for a client."""

    some: int


class Returned(Message, frozen=True):
    """Resources that a client gives back."""

    some: int


class AllocatorState(Struct):
    """What each client waits for and has, and which clients are scheduled, in order."""

    wanted: dict[str, int]
    given: dict[str, int]
    scheduled: tuple[str, ...] = ()


class Allocator(Actor[Schedule | Allocate | Request | Returned]):
    """Gives resources to clients; a careful one gives only free resources."""

    state: AllocatorState

    def __init__(
        self, clients: tuple[str, ...], everything: int, *, careful: bool
    ) -> None:
        self.state = AllocatorState(
            dict.fromkeys(clients, 0), dict.fromkeys(clients, 0)
        )
        self._everything = everything
        self._careful = careful

    def on_start(self) -> None:
        """Allow schedules in any order, and any resources for any client."""
        myself, clients = self.system.ref(self.path), tuple(self.state.wanted)
        for order in permutations(clients):
            myself.tell(Schedule(order))
        for client, some in product(clients, range(1, self._everything + 1)):
            myself.tell(Allocate(client, some))

    def _sender(self) -> str:
        assert self.sender is not None, "clients are actors"
        return self.sender.path

    @receive
    def request(self, message: Request) -> None:
        """Note the resources that a client wants, once it has given back its own."""
        if not self.state.given[self._sender()]:
            self.state.wanted[self._sender()] = message.some

    @receive
    def returned(self, message: Returned) -> None:
        """Take resources back."""
        self.state.given[self._sender()] &= ~message.some

    @receive
    def schedule(self, message: Schedule) -> None:
        """Schedule all clients that want resources and are not scheduled."""
        state = self.state
        new = [
            client
            for client in message.order
            if state.wanted[client] and client not in state.scheduled
        ]
        if new:
            state.scheduled = (*state.scheduled, *new)
            self.system.ref(self.path).tell(message)

    @receive
    def allocate(self, message: Allocate) -> None:
        """Give resources to a client if no other has or awaits them."""
        state, client, some = self.state, message.client, message.some
        if client not in state.scheduled or some & ~state.wanted[client]:
            return
        place = state.scheduled.index(client)
        awaited = any(state.wanted[one] & some for one in state.scheduled[:place])
        taken = any(given & some for given in state.given.values())
        if awaited or (taken and self._careful):
            return
        state.wanted[client] &= ~some
        state.given[client] |= some
        if not state.wanted[client]:
            others = [one for one in state.scheduled if one != client]
            state.scheduled = tuple(others)
        self.system.ref(client).tell(Given(some))
        self.system.ref(self.path).tell(message)


class ClientState(Struct):
    """What a client waits for, and what it has."""

    wanted: int = 0
    held: int = 0


class Client(Actor[Ask | GiveBack | Given]):
    """Asks for resources when it has none, and gives them back some at a time."""

    state: ClientState

    def __init__(self, everything: int) -> None:
        self.state = ClientState()
        self._everything = everything

    def on_start(self) -> None:
        """Allow asking for any resources, and giving any back."""
        myself = self.system.ref(self.path)
        for some in range(1, self._everything + 1):
            myself.tell(Ask(some))
            myself.tell(GiveBack(some))

    @receive
    def ask_for(self, message: Ask) -> None:
        """Ask for resources."""
        if not self.state.wanted and not self.state.held:
            self.state.wanted = message.some
            self.system.ref("allocator").tell(Request(message.some))
            self.system.ref(self.path).tell(message)

    @receive
    def given(self, message: Given) -> None:
        """Take the resources given."""
        self.state.held |= message.some
        self.state.wanted &= ~message.some

    @receive
    def give_back(self, message: GiveBack) -> None:
        """Give some resources back."""
        if not message.some & ~self.state.held:
            self.state.held &= ~message.some
            self.system.ref("allocator").tell(Returned(message.some))
            self.system.ref(self.path).tell(message)


def allocators(
    clients: int = 3, resources: int = 2, *, careful: bool = True
) -> Scenario:
    """Return a scenario of an allocator and its clients."""
    names = tuple(f"client/{number}" for number in range(clients))
    everything = (1 << resources) - 1

    def scenario(world: World) -> None:
        """An allocator and its clients."""
        world.spawn(Allocator(names, everything, careful=careful), "allocator")
        for name in names:
            world.spawn(Client(everything), name)

        def is_exclusive(view: View) -> bool:
            held = [view[name].held for name in names]
            return not any(one & other for one, other in combinations(held, 2))

        world.system_invariant("nothing is held by two", is_exclusive)
        world.sometimes(
            "one has everything",
            lambda view: any(view[name].held == everything for name in names),
        )

    return scenario


allocator_network = allocators()
careless = allocators(careful=False)


def main() -> None:
    """Count the states, and refute an allocator that ignores what is taken."""
    result = explore(allocator_network, **HOW)
    print(result.states, "states;", result)
    print("Careless:", explore(careless, **HOW))


if __name__ == "__main__":
    main()
