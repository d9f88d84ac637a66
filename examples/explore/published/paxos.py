"""Single-decree Paxos: servers agree on one value, whichever of them lead.

A server to which a client puts a value leads a round: it prepares a majority (itself
included), takes over the newest value that one of these has accepted, and asks them to
accept it. A client puts one value, gets it back from another server, and is done. The
answers to the clients have to be linearizable.

Source: Stateright 0.31.0, examples/paxos.rs, whose test asserts the number of states of
two clients and three servers. A leader that proposes its own value, even if another was
accepted before, breaks it.

python examples/explore/published/paxos.py
"""

import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, ActorRef, Message, receive

if __name__ != "examples.explore.published.paxos":  # run, from anywhere
    sys.path.insert(0, str(Path(__file__).parents[3]))

from examples.explore.published.register import Get, GetOk, Put, PutOk, watch_clients

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""

Ballot = tuple[int, int]
"""A count, and the number of the server that leads."""
Proposal = tuple[int, str, str]
"""The number of a request, the path of its client, and the value to be put."""
Past = tuple[Ballot, Proposal]
"""The round of an accepted proposal, and the proposal."""


class Prepare(Message, frozen=True):
    """Begins a round."""

    ballot: Ballot


class Prepared(Message, frozen=True):
    """Promises to take part in no older round, and has the last accepted proposal."""

    ballot: Ballot
    last: Past | None


class Accept(Message, frozen=True):
    """Asks for a proposal to be accepted."""

    ballot: Ballot
    proposal: Proposal


class Accepted(Message, frozen=True):
    """Says that the proposal was accepted."""

    ballot: Ballot


class Decided(Message, frozen=True):
    """The proposal that a majority has accepted."""

    ballot: Ballot
    proposal: Proposal


class ServerState(Struct):
    """The state of a server; `promises` by server, None for one without a past."""

    ballot: Ballot = (0, 0)
    candidate: Proposal | None = None
    promises: dict[int, Past | None] = {}
    backers: set[int] = set()
    past: Past | None = None
    decided: bool = False


class Server(Actor):
    """Leads rounds, and takes part in those of others.

    A `hasty` one proposes its own value, even if the others accepted one before.
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
        """Answer if the server knows the decision."""
        state = self.state
        if state.decided and self.sender is not None:
            assert state.past is not None, "what is decided was accepted"
            self.sender.tell(GetOk(message.request, state.past[1][2]))

    @receive
    def prepare(self, message: Prepare) -> None:
        """Promise, unless the round is too old."""
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
        assert state.candidate is not None, "a server that prepares has a proposal"
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
        assert state.candidate is not None, "a server that counts has a proposal"
        for peer in self._peers():
            peer.tell(Decided(message.ballot, state.candidate))
        self.system.ref(state.candidate[1]).tell(PutOk(state.candidate[0]))

    @receive
    def decided(self, message: Decided) -> None:
        """Learn the decision."""
        state = self.state
        if state.decided:
            return
        state.ballot = message.ballot
        state.past = (message.ballot, message.proposal)
        state.decided = True


def registers(*, clients: int = 2, servers: int = 3, hasty: bool = False) -> Scenario:
    """Return a scenario of a register; `hasty` leaders propose their own value."""

    def scenario(world: World) -> None:
        """Clients of a register that servers agree on by Paxos see one register."""
        for number in range(servers):
            world.spawn(Server(number, servers, hasty=hasty), f"s{number}")
        watch_clients(world, servers, clients)

    return scenario


paxos = registers()
hasty = registers(hasty=True)


def main() -> None:
    """Verify the algorithm, and refute a leader that ignores accepted proposals."""
    result = explore(paxos, **HOW)
    print(result.states, "states;", result)
    print("A hasty leader:", explore(hasty, **HOW))


if __name__ == "__main__":
    main()
