"""A register that servers keep together: ask a majority, then tell a majority.

Source: the algorithm is that of Attiya, Bar-Noy and Dolev, "Sharing Memory Robustly in
Message-Passing Systems" (1995); the number of states is asserted by the test in
Stateright 0.31.0, examples/linearizable-register.rs: two clients, two servers. A server
that is busy with one request leaves the next one in the network.

python examples/explore/published/abd.py
"""

import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, ActorRef, Message, receive

if __name__ != "examples.explore.published.abd":  # run, from anywhere
    sys.path.insert(0, str(Path(__file__).parents[3]))

from examples.explore.published.register import Get, GetOk, Put, PutOk, watch_clients

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""

Version = tuple[int, int]
"""A count, and the number of the server that counted."""


class Query(Message, frozen=True):
    """Asks which value a server has."""

    request: int


class Queried(Message, frozen=True):
    """The value that a server has, and its version."""

    request: int
    version: Version
    value: str


class Record(Message, frozen=True):
    """Asks a server to take a value over if it is newer."""

    request: int
    version: Version
    value: str


class Recorded(Message, frozen=True):
    """Acknowledges a `Record`."""

    request: int


class Asking(Struct):
    """A request whose server asks which value is the newest.

    `writes` is the value to be put, None for a get. `answers` is by server.
    """

    request: int
    client: str
    writes: str | None
    answers: dict[int, tuple[Version, str]]


class Telling(Struct):
    """A request whose server tells the others of a value; `reads` is it for a get."""

    request: int
    client: str
    reads: str | None
    told: set[int]


class Kept(Struct):
    """The value that a server has, and what it is doing for a client."""

    version: Version
    value: str = ""
    asking: Asking | None = None
    telling: Telling | None = None


class Server(Actor[Put | Get | Query | Queried | Record | Recorded]):
    """Serves one request at a time; `servers` counts all, itself included."""

    state: Kept

    def __init__(self, number: int, count: int, quorum: int) -> None:
        self.state = Kept((0, number))
        self._number = number
        self._count = count
        self._quorum = quorum

    def _tell_others(self, message: Message) -> None:
        for number in range(self._count):
            if number != self._number:
                self.system.ref(f"s{number}").tell(message)

    def _sender(self) -> ActorRef[Any]:
        assert self.sender is not None, "only actors send here"
        return self.sender

    def _from(self) -> int:
        return int(self._sender().path[1:])

    @receive
    def put(self, message: Put) -> None:
        """Begin to write."""
        self._ask(message.request, message.value)

    @receive
    def get(self, message: Get) -> None:
        """Begin to read."""
        self._ask(message.request, None)

    def _ask(self, request: int, writes: str | None) -> None:
        state = self.state
        if state.asking is not None or state.telling is not None:
            return
        mine = {self._number: (state.version, state.value)}
        state.asking = Asking(request, self._sender().path, writes, mine)
        self._tell_others(Query(request))
        self._choose()

    @receive
    def query(self, message: Query) -> Queried:
        """Answer."""
        return Queried(message.request, self.state.version, self.state.value)

    @receive
    def queried(self, message: Queried) -> None:
        """Count an answer."""
        asking = self.state.asking
        if asking is None or asking.request != message.request:
            return
        answers = asking.answers | {self._from(): (message.version, message.value)}
        asking.answers = dict(sorted(answers.items()))
        self._choose()

    def _choose(self) -> None:
        """Take the newest value, or a newer one, to the others if enough answered."""
        state, asking = self.state, self.state.asking
        if asking is None or len(asking.answers) != self._quorum:
            return
        version, value = max(asking.answers.values())
        reads: str | None = value
        if asking.writes is not None:
            version, value, reads = (version[0] + 1, self._number), asking.writes, None
        state.asking = None
        state.telling = Telling(asking.request, asking.client, reads, {self._number})
        self._take(version, value)
        self._tell_others(Record(asking.request, version, value))
        self._finish()

    def _take(self, version: Version, value: str) -> None:
        if version > self.state.version:
            self.state.version, self.state.value = version, value

    @receive
    def record(self, message: Record) -> Recorded:
        """Take a value over."""
        self._take(message.version, message.value)
        return Recorded(message.request)

    @receive
    def recorded(self, message: Recorded) -> None:
        """Count the servers that have the value."""
        telling = self.state.telling
        if telling is None or telling.request != message.request:
            return
        telling.told.add(self._from())
        self._finish()

    def _finish(self) -> None:
        """Answer the client if enough have the value."""
        telling = self.state.telling
        if telling is None or len(telling.told) != self._quorum:
            return
        client = self.system.ref(telling.client)
        if telling.reads is None:
            client.tell(PutOk(telling.request))
        else:
            client.tell(GetOk(telling.request, telling.reads))
        self.state.telling = None


def registers(clients: int = 2, servers: int = 2, *, alone: bool = False) -> Scenario:
    """Return a scenario; servers that are `alone` ask no other server."""

    def scenario(world: World) -> None:
        """Clients of a register that servers keep together."""
        quorum = 1 if alone else servers // 2 + 1
        for number in range(servers):
            world.spawn(Server(number, servers, quorum), f"s{number}")
        watch_clients(world, servers, clients)

    return scenario


abd = registers()
alone = registers(alone=True)


def main() -> None:
    """Verify the register, and refute one whose servers ask no other."""
    result = explore(abd, **HOW)
    print(result.states, "states;", result)
    print("Each alone:", explore(alone, **HOW))


if __name__ == "__main__":
    main()
