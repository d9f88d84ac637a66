"""Messages between Cio, VfioCcw and a guest's subchannel."""

from ccw_actors.actors.protocol.storage import Piece
from ccw_actors.channel import Irb, Orb
from ccw_actors.runtime import Message

__all__ = [
    "Accepted",
    "Clear",
    "ClearRequest",
    "Halt",
    "HaltRequest",
    "Interrupt",
    "IoEvent",
    "IoRequest",
    "Refused",
    "Start",
    "Taken",
]


class Start(Message, frozen=True):
    """Start operation `number`; `program` goes to the channel with the ORB."""

    number: int
    orb: Orb
    program: tuple[Piece, ...] = ()


class Halt(Message, frozen=True):
    """Halt, as operation `number`."""

    number: int


class Clear(Message, frozen=True):
    """Clear, as operation `number`."""

    number: int


class Accepted(Message, frozen=True):
    """The subchannel answered the operation's instruction with condition code 0."""

    number: int


class Refused(Message, frozen=True):
    """The operation never ran. `errno` is positive, one of `errno.E*`.

    EBUSY means condition code 2, ENODEV condition code 3; ECANCELED that a later CLEAR
    overtook the operation.
    """

    number: int
    errno: int


class Interrupt(Message, frozen=True):
    """Status taken from a subchannel.

    `answers` are the operations it reports on (none if it is unsolicited), `ends`
    those that are over with it, `after` is the newest operation the subchannel had
    accepted when the status was taken.
    """

    answers: tuple[int, ...]
    ends: tuple[int, ...]
    after: int
    irb: Irb


class IoRequest(Message, frozen=True):
    """Run the guest's channel program, as operation `number`."""

    number: int
    orb: Orb


class HaltRequest(Message, frozen=True):
    """Halt, as operation `number`."""

    number: int


class ClearRequest(Message, frozen=True):
    """Clear, as operation `number`."""

    number: int


class IoEvent(Message, frozen=True):
    """Status for the emulator, in guest addresses; fields as in `Interrupt`."""

    answers: tuple[int, ...]
    ends: tuple[int, ...]
    after: int
    irb: Irb


class Taken(Message, frozen=True):
    """The emulator has taken the `IoEvent` that ended these operations."""

    ends: tuple[int, ...]
