"""Single-decree Paxos as actors: servers that keep a register, clients that use it.

A server that a client puts a value to leads a round: it prepares a majority (itself
included), takes over the newest value that one of these has accepted, and has it
accepted. A client puts one value, gets it back from another server, and is done.
"""

from typing import Any, NamedTuple

import msgspec

from ccw_actors.explore import Event, Scenario, World
from ccw_actors.runtime import Actor, ActorRef, Message, receive

__all__ = ["History", "paxos"]

Ballot = tuple[int, int]
Proposal = tuple[int, str, str]
"""The number of a request, the path of who made it, and the value to be put."""
Past = tuple[Ballot, Proposal]


class Put(Message, frozen=True):
    """Has a value written."""

    request: int
    value: str


class Get(Message, frozen=True):
    """Asks for the value."""

    request: int


class PutOk(Message, frozen=True):
    """A value has been written."""

    request: int


class GetOk(Message, frozen=True):
    """The value."""

    request: int
    value: str


class Prepare(Message, frozen=True):
    """Begins a round."""

    ballot: Ballot


class Prepared(Message, frozen=True):
    """Promises to take part in no older round, and tells what was accepted last."""

    ballot: Ballot
    last: Past | None


class Accept(Message, frozen=True):
    """Asks for a proposal to be accepted."""

    ballot: Ballot
    proposal: Proposal


class Accepted(Message, frozen=True):
    """Says that it was."""

    ballot: Ballot


class Decided(Message, frozen=True):
    """Tells what a majority has accepted."""

    ballot: Ballot
    proposal: Proposal


class ServerState(msgspec.Struct):
    """What a server remembers; `promises` by server, None for one without a past."""

    ballot: Ballot = (0, 0)
    candidate: Proposal | None = None
    promises: dict[int, Past | None] = {}
    backers: set[int] = set()
    past: Past | None = None
    decided: bool = False


class Server(Actor):
    """Leads rounds, and takes part in those of others.

    A `hasty` one puts its own value, whatever the others have accepted before.
    """

    state: ServerState

    def __init__(self, number: int, count: int, *, hasty: bool) -> None:
        self.state = ServerState()
        self._number = number
        self._count = count
        self._hasty = hasty

    def _peers(self) -> list[ActorRef[Any]]:
        numbers = [one for one in range(self._count) if one != self._number]
        return [self.system.ref(f"s{one}") for one in numbers]

    def _from(self) -> int:
        assert self.sender is not None, "servers are sent to by servers"
        return int(self.sender.path[1:])

    def _enough(self, count: int) -> bool:
        return count == self._count // 2 + 1

    @receive
    def put(self, message: Put) -> None:
        """Begin a round, as its first member."""
        state = self.state
        if state.decided or state.candidate is not None:
            return
        assert self.sender is not None, "clients are actors"
        state.candidate = (message.request, self.sender.path, message.value)
        state.ballot = (state.ballot[0] + 1, self._number)
        state.promises = {self._number: state.past}
        state.backers = set()
        for peer in self._peers():
            peer.tell(Prepare(state.ballot))

    @receive
    def get(self, message: Get) -> None:
        """Answer if it is known what was decided."""
        state = self.state
        if state.decided and self.sender is not None:
            assert state.past is not None, "what is decided was accepted"
            self.sender.tell(GetOk(message.request, state.past[1][2]))

    @receive
    def prepare(self, message: Prepare) -> None:
        """Promise."""
        state = self.state
        if state.decided or not state.ballot < message.ballot:
            return
        state.ballot = message.ballot
        if self.sender is not None:
            self.sender.tell(Prepared(message.ballot, state.past))

    @receive
    def prepared(self, message: Prepared) -> None:
        """Count promises; propose when they are enough."""
        state = self.state
        if state.decided or message.ballot != state.ballot:
            return
        state.promises[self._from()] = message.last
        state.promises = dict(sorted(state.promises.items()))
        if not self._enough(len(state.promises)):
            return
        heard = [one for one in state.promises.values() if one is not None]
        if heard and not self._hasty:
            state.candidate = max(heard)[1]
        assert state.candidate is not None, "whoever prepares has a proposal"
        state.past = (message.ballot, state.candidate)
        state.backers.add(self._number)
        for peer in self._peers():
            peer.tell(Accept(message.ballot, state.candidate))

    @receive
    def accept(self, message: Accept) -> None:
        """Accept, unless something newer was promised."""
        state = self.state
        if state.decided or not state.ballot <= message.ballot:
            return
        state.ballot = message.ballot
        state.past = (message.ballot, message.proposal)
        if self.sender is not None:
            self.sender.tell(Accepted(message.ballot))

    @receive
    def accepted(self, message: Accepted) -> None:
        """Count acceptances; decide when they are enough."""
        state = self.state
        if state.decided or message.ballot != state.ballot:
            return
        state.backers.add(self._from())
        if not self._enough(len(state.backers)):
            return
        state.decided = True
        assert state.candidate is not None, "whoever counts has a proposal"
        for peer in self._peers():
            peer.tell(Decided(message.ballot, state.candidate))
        self.system.ref(state.candidate[1]).tell(PutOk(state.candidate[0]))

    @receive
    def decided(self, message: Decided) -> None:
        """Learn."""
        state = self.state
        if state.decided:
            return
        state.ballot = message.ballot
        state.past = (message.ballot, message.proposal)
        state.decided = True


class ClientState(msgspec.Struct):
    """The request that waits for its answer (0 for none), and how many were made."""

    awaits: int = 0
    count: int = 0


class Client(Actor):
    """Puts a value into one server, then gets it from the next."""

    state: ClientState

    def __init__(self, number: int, servers: int) -> None:
        self.state = ClientState()
        self._number = number
        self._servers = servers

    def on_start(self) -> None:
        """Put."""
        number = self._number
        value = chr(ord("A") + number - self._servers)
        self.state = ClientState(number, 1)
        self._server(0).tell(Put(number, value))

    def _server(self, count: int) -> ActorRef[Any]:
        return self.system.ref(f"s{(self._number + count) % self._servers}")

    @receive
    def put_ok(self, message: PutOk) -> None:
        """Get."""
        state = self.state
        if message.request == state.awaits:
            state.awaits = (state.count + 1) * self._number
            self._server(state.count).tell(Get(state.awaits))
            state.count += 1

    @receive
    def get_ok(self, message: GetOk) -> None:
        """Be done."""
        if message.request == self.state.awaits:
            self.state = ClientState(0, self.state.count + 1)


class Operation(NamedTuple):
    """What a client had done: `after` counts the others' operations that were over.

    `result` is what it put or got, "" for a get that is not over; `over` when it is.
    """

    what: str
    after: tuple[tuple[str, int], ...]
    result: str
    over: bool


History = tuple[tuple[str, tuple[Operation, ...]], ...]
"""For each client, by path, its operations in order."""


def record(history: History, event: Event) -> History:
    """Note what has begun and ended in a step."""
    operations = dict(history)
    done = operations.get(event.actor)
    if done is None:
        return history
    message = event.message
    last = done[-1]
    if isinstance(message, PutOk) and last.what == "put" and not last.over:
        done = (*done[:-1], last._replace(over=True))
    elif isinstance(message, GetOk) and last.what == "get" and not last.over:
        done = (*done[:-1], last._replace(result=message.value, over=True))
    for _, sent in event.sent:
        if isinstance(sent, Get):
            after = tuple(
                (path, sum(one.over for one in others))
                for path, others in history
                if path != event.actor and any(one.over for one in others)
            )
            done = (*done, Operation("get", after, "", over=False))
    operations[event.actor] = done
    return tuple(sorted(operations.items()))


def is_linearizable(history: History) -> bool:
    """Whether the operations could have happened one after the other, as they seem."""
    return _fits({path: 0 for path, _ in history}, dict(history), "")


def _fits(
    done: dict[str, int], operations: dict[str, tuple[Operation, ...]], value: str
) -> bool:
    """Whether the operations that are not `done` yet can follow on that value."""
    if all(
        not one.over for path, ones in operations.items() for one in ones[done[path] :]
    ):
        return True
    for path, ones in operations.items():
        if done[path] == len(ones):
            continue
        one = ones[done[path]]
        if any(done[other] < count for other, count in one.after):
            continue
        if one.what == "get" and one.over and one.result != value:
            continue
        then = one.result if one.what == "put" else value
        if _fits(done | {path: done[path] + 1}, operations, then):
            return True
    return False


def paxos(clients: int = 2, servers: int = 3, *, hasty: bool = False) -> Scenario:
    """Return the scenario: so many clients, each of which puts a value and gets it.

    What the clients see has to be linearizable: the monitor is their history.
    """

    def scenario(world: World) -> None:
        """Clients of a register that servers agree on by Paxos see one register."""
        for number in range(servers):
            world.spawn(Server(number, servers, hasty=hasty), f"s{number}")
        begun: list[tuple[str, tuple[Operation, ...]]] = []
        for number in range(servers, servers + clients):
            world.spawn(Client(number, servers), f"c{number}")
            value = chr(ord("A") + number - servers)
            begun.append((f"c{number}", (Operation("put", (), value, over=False),)))
        world.monitor(tuple(begun), record, only_changes=True)
        world.system_invariant(
            "linearizable", lambda view: is_linearizable(view.monitor)
        )
        world.sometimes(
            "a value is read",
            lambda view: any(view[path].count == 3 for path in view if path[0] == "c"),
        )

    return scenario
