"""Paxos without leaders or clients: acceptors and every message that was ever sent.

Source: L. Lamport, "How to Win a Turing Award" (2019). The repository tlaplus/Examples
records 3,921 states for three acceptors, two values and two ballots
(specifications/PaxosHowToWinATuringAward/manifest.json, MCPaxosTiny.cfg). A message
that was sent stays, and may be handled at any time. A leader that proposes its own
value, whatever the acceptors have voted for, breaks it.

python examples/explore/published/ballots.py
"""

from collections.abc import Iterator
from functools import partial
from itertools import combinations, product
from typing import NamedTuple

from msgspec import Struct

from ccw_actors.explore import TransitionSystem, explore

NONE = -1


class Begun(NamedTuple):
    """A ballot was begun."""

    ballot: int


class Promised(NamedTuple):
    """An acceptor takes part in no older ballot, and says what it voted for last."""

    ballot: int
    acceptor: int
    voted: int
    value: int


class Proposed(NamedTuple):
    """The value of a ballot."""

    ballot: int
    value: int


class Voted(NamedTuple):
    """An acceptor votes for the value of a ballot."""

    ballot: int
    acceptor: int
    value: int


Message = Begun | Promised | Proposed | Voted
Action = tuple[Message, int]
"""The message sent, and its acceptor (-1 for a leader)."""


class Acceptor(NamedTuple):
    """The newest ballot it takes part in, the one it voted in last, and for what."""

    ballot: int = NONE
    voted: int = NONE
    value: int = NONE


class State(NamedTuple):
    """The acceptors, and all messages sent."""

    acceptors: tuple[Acceptor, ...]
    sent: frozenset[Message] = frozenset()


class Ballots(Struct, frozen=True):
    """A number of ballots; a leader that `heeds` votes proposes the newest of them."""

    acceptors: int = 3
    values: int = 2
    ballots: int = 2
    heeds: bool = True

    def _quorums(self) -> Iterator[tuple[int, ...]]:
        return combinations(range(self.acceptors), self.acceptors // 2 + 1)

    def actions(self, state: State) -> Iterator[Action]:
        """Yield the messages that leaders may send, then those of acceptors."""
        for ballot in range(self.ballots):
            yield Begun(ballot), NONE
            for value in range(self.values):
                if self._may_propose(state, ballot, value):
                    yield Proposed(ballot, value), NONE
        for number, one in enumerate(state.acceptors):
            for sent in state.sent:
                if isinstance(sent, Begun) and sent.ballot > one.ballot:
                    yield Promised(sent.ballot, number, one.voted, one.value), number
                elif isinstance(sent, Proposed) and sent.ballot >= one.ballot:
                    yield Voted(sent.ballot, number, sent.value), number

    def _may_propose(self, state: State, ballot: int, value: int) -> bool:
        if any(isinstance(m, Proposed) and m.ballot == ballot for m in state.sent):
            return False
        promises = {
            sent.acceptor: (sent.voted, sent.value)
            for sent in state.sent
            if isinstance(sent, Promised) and sent.ballot == ballot
        }
        for quorum in self._quorums():
            if {*quorum} <= {*promises}:
                voted, newest = max(promises[one] for one in quorum)
                if voted == NONE or newest == value or not self.heeds:
                    return True
        return False

    def next_state(self, state: State, action: Action) -> State:
        """Return the state after a message was sent."""
        message, number = action
        every = [*state.acceptors]
        if isinstance(message, Promised):
            every[number] = every[number]._replace(ballot=message.ballot)
        elif isinstance(message, Voted):
            every[number] = Acceptor(message.ballot, message.ballot, message.value)
        return State(tuple(every), state.sent | {message})

    def chosen(self, state: State) -> set[int]:
        """Return the values that a majority has voted for in one ballot."""
        return {
            value
            for ballot, value in product(range(self.ballots), range(self.values))
            for quorum in self._quorums()
            if {Voted(ballot, one, value) for one in quorum} <= state.sent
        }

    def _is_chosen(self, value: int, state: State) -> bool:
        return self.chosen(state) == {value}

    def system(self) -> TransitionSystem[State, Action]:
        """Return the transition system."""
        return TransitionSystem[State, Action](
            [State((Acceptor(),) * self.acceptors)],
            self.actions,
            self.next_state,
            invariants={
                "one value is chosen at most": lambda s: len(self.chosen(s)) <= 1
            },
            sometimes={
                f"{value} is chosen": partial(self._is_chosen, value)
                for value in range(self.values)
            },
            summary="Paxos as acceptors and messages, as a transition system.",
        )


ballots = Ballots().system()
heedless = Ballots(heeds=False).system()


def main() -> None:
    """Count the states, and refute leaders that ignore earlier votes."""
    result = explore(ballots)
    print(result.states, "states;", result)
    print("Heedless:", explore(heedless))


if __name__ == "__main__":
    main()
