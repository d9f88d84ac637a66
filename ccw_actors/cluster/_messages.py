"""The messages of an exploration in shares.

| message | from, to | when |
|---|---|---|
| Join | share, coordinator | its process listens; answered when all do |
| Meet | share, share | they are linked now |
| Ready | share, coordinator | linked with all others, with its first states |
| Level | coordinator, shares | the level before has ended in all shares |
| Offered | share, share | marks of states that fall to the other share |
| Wanted | share, share | which of these are new there |
| Given | share, share | those states |
| Received | share, share | the states are there |
| Number | share, coordinator | states without a mark, or missing entries |
| Numbered | coordinator, share | entries of the register |
| Reached | share, coordinator | now and then: how far it has come |
| LevelEnded | share, coordinator | all steps taken, all states given |
| Settle | coordinator, share | all have: every state is where it belongs |
| Settled | share, coordinator | what there is now |
| ReadBefore | coordinator, share | the way to a fault: answered by MarkBefore |
| ReadPart | coordinator, share | all is done: answered by Part |
| Failed | share, coordinator | the scenario cannot be explored |
"""

from typing import Any

from ccw_actors.explore.shares import Numbering, SharePart, TakenStep
from ccw_actors.runtime import ActorRef, Message, Request

__all__ = [
    "Failed",
    "Given",
    "Join",
    "Level",
    "LevelEnded",
    "MarkBefore",
    "Meet",
    "Number",
    "Numbered",
    "Offered",
    "Part",
    "Peers",
    "Reached",
    "ReadBefore",
    "ReadPart",
    "Ready",
    "Received",
    "Settle",
    "Settled",
    "Wanted",
]


class Peers(Message, frozen=True):
    """The addresses at which all shares listen, in their order, and the first entries.

    A share connects to those before it.
    """

    addresses: tuple[str, ...]
    entries: tuple[Numbering, ...]


class Join(Request[Peers], frozen=True):
    """The process of a share listens at an address."""

    share: int
    address: str


class Meet(Message, frozen=True):
    """A share is linked with the recipient: `actor` is its own."""

    share: int
    actor: ActorRef[Any]


class Ready(Message, frozen=True):
    """A share is linked with all others, and has its initial states."""

    share: int
    actor: ActorRef[Any]


class Level(Message, frozen=True):
    """Take the steps of the next level, which has that number (from 1)."""

    number: int


class Offered(Message, frozen=True):
    """States that fall to the recipient: their marks, 64 bits each in native order.

    Steps of that level led to them.
    """

    share: int
    level: int
    batch: int
    marks: bytes


class Wanted(Message, frozen=True):
    """A byte for each mark of a batch that was offered: 1 if the state is new."""

    share: int
    batch: int
    wanted: bytes


class Given(Message, frozen=True):
    """The states of a batch that are wanted, and the marks of the states before them.

    They can be read by a share that knows so many `entries` of the register.
    """

    share: int
    batch: int
    states: tuple[bytes, ...]
    before: bytes
    entries: int


class Received(Message, frozen=True):
    """The states of one message are there."""


class Number(Message, frozen=True):
    """Steps into states without a mark, and how many entries the share knows."""

    share: int
    steps: tuple[TakenStep, ...]
    known: int


class Numbered(Message, frozen=True):
    """The entries of the register that the share did not know."""

    entries: tuple[Numbering, ...]


class Reached(Message, frozen=True):
    """How many states a share has, steps were taken, and states of the level left."""

    share: int
    states: int
    steps: int
    left: int


class LevelEnded(Message, frozen=True):
    """A share has taken all steps of the level, and others have what fell to them.

    It may still get states itself, from shares that have not ended the level.
    """

    share: int


class Settle(Message, frozen=True):
    """All shares have ended the level, so all states have arrived."""


class Settled(Message, frozen=True):
    """What a share has after a level.

    `fault` has the fields of `ShareFault`. `has_next` says whether the next level has
    states here.
    """

    share: int
    states: int
    steps: int
    fault: tuple[int, str, bool] | None
    has_next: bool


class MarkBefore(Message, frozen=True):
    """The mark of the state before; 0 is none."""

    mark: int


class ReadBefore(Request[MarkBefore], frozen=True):
    """Ask the share of a state for the mark of the state before it."""

    mark: int


class Part(Message, frozen=True):
    """What a share has seen."""

    seen: SharePart


class ReadPart(Request[Part], frozen=True):
    """Ask a share for what it has seen."""


class Failed(Message, frozen=True):
    """A share cannot go on: what the error says."""

    share: int
    why: str
