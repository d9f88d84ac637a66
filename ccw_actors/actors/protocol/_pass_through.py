"""Messages between Cio, VfioCcw and a guest's subchannel."""

from typing import TypeAlias

from ccw_actors.actors.protocol._storage import Piece
from ccw_actors.actors.protocol._subchannel import (
    CioToSubchannel,
    GuestToSubchannel,
    SubchannelToSink,
)
from ccw_actors.channel import Irb, Orb, Schib
from ccw_actors.channel.execution import NO_LIMIT
from ccw_actors.runtime import Message

__all__ = [
    "Accepted",
    "Cancel",
    "CancelRequest",
    "CioMessage",
    "CioToVfioCcw",
    "Clear",
    "ClearRequest",
    "Completed",
    "Detach",
    "Found",
    "Gone",
    "GuestSubchannelMessage",
    "GuestSubchannelToVfioCcw",
    "Halt",
    "HaltRequest",
    "HostOperation",
    "Interrupt",
    "IoEvent",
    "IoRequest",
    "Look",
    "LookRequest",
    "Refused",
    "Resume",
    "ResumeRequest",
    "SenseConcurrently",
    "Start",
    "VfioCcwMessage",
    "VfioCcwToCio",
    "VfioCcwToGuestSubchannel",
]


class Start(Message, frozen=True):
    """Start operation `number`; `program` goes to the channel with the ORB.

    With `acknowledge` an `Accepted` answers it, unless it is refused.
    """

    number: int
    orb: Orb
    program: tuple[Piece, ...] = ()
    acknowledge: bool = False


class Halt(Message, frozen=True):
    """Halt, as operation `number`; `acknowledge` as in `Start`."""

    number: int
    acknowledge: bool = False


class Clear(Message, frozen=True):
    """Clear, as operation `number`; `acknowledge` as in `Start`."""

    number: int
    acknowledge: bool = False


class Resume(Message, frozen=True):
    """Resume, as operation `number`; `program` replaces what came with Start."""

    number: int
    program: tuple[Piece, ...]


class Cancel(Message, frozen=True):
    """Withdraw the START, as operation `number`."""

    number: int


class Look(Message, frozen=True):
    """Take the status that is pending, then store the subchannel, as `number`."""

    number: int


class SenseConcurrently(Message, frozen=True):
    """Have sense data in the IRB from now on, or not: S of the guest's PMCW."""

    wanted: bool


class Detach(Message, frozen=True):
    """Give up the host's subchannel: the sender has lost its state. `Gone` follows."""


class Accepted(Message, frozen=True):
    """The host's subchannel has accepted the operation: condition code 0.

    It is sent if the operation asked for it, before any status of the operation.
    """

    number: int


class Completed(Message, frozen=True):
    """The result of a Resume, a Cancel or a request for one.

    The condition code is that of the instruction: 2 where it does not apply. With 1,
    the pending status has been sent before.
    """

    number: int
    cc: int


class Found(Message, frozen=True):
    """The SCHIB that a Look or LookRequest has found; all status is sent before it."""

    number: int
    schib: Schib


class Refused(Message, frozen=True):
    """The operation never ran. `errno` is positive, one of `errno.E*`.

    EBUSY means condition code 2. EACCES means condition code 3 while the subchannel is
    there. ENODEV means that it is not: `Gone` also comes. ECANCELED means that a later
    CLEAR overtook the operation.
    """

    number: int
    errno: int


class Gone(Message, frozen=True):
    """The host's subchannel is gone, and none of its work is in progress.

    The operations that it had accepted have ended; no status follows.
    """


class Interrupt(Message, frozen=True):
    """Status taken from a subchannel, in the addresses of the host.

    `answers` are the operations it reports on (none if it is unsolicited), `ends`
    those that it ends, `after` is the newest operation the subchannel had accepted when
    Cio took the status.
    """

    answers: tuple[int, ...]
    ends: tuple[int, ...]
    after: int
    irb: Irb


class IoRequest(Message, frozen=True):
    """Run the guest's channel program, as operation `number`.

    `program` is what came with its START: see `StartSubchannel`. Its data must be at
    guest addresses from `low` up to, but not including, `high`. `taken` says how many
    events that end an operation the sender has taken since its last request.
    """

    number: int
    orb: Orb
    program: tuple[Piece, ...] = ()
    low: int = 0
    high: int = NO_LIMIT
    taken: int = 0


class HaltRequest(Message, frozen=True):
    """Halt, as operation `number`; `taken` as in `IoRequest`."""

    number: int
    taken: int = 0


class ClearRequest(Message, frozen=True):
    """Clear, as operation `number`; `taken` as in `IoRequest`."""

    number: int
    taken: int = 0


class ResumeRequest(Message, frozen=True):
    """Resume the guest's channel program, as operation `number`.

    `program`, if there is any, replaces what came with START. `taken` is as in
    `IoRequest`.
    """

    number: int
    program: tuple[Piece, ...] = ()
    taken: int = 0


class CancelRequest(Message, frozen=True):
    """Withdraw the guest's START, as operation `number`; `taken` as in `IoRequest`."""

    number: int
    taken: int = 0


class LookRequest(Message, frozen=True):
    """Ask for the SCHIB of the host's subchannel, as operation `number`.

    `taken` is as in `IoRequest`.
    """

    number: int
    taken: int = 0


class IoEvent(Message, frozen=True):
    """Status for the emulator, in guest addresses; fields as in `Interrupt`.

    It has its own type so that no status goes up untranslated: type checkers let no Cio
    send it, and a guest's subchannel takes no `Interrupt`.
    """

    answers: tuple[int, ...]
    ends: tuple[int, ...]
    after: int
    irb: Irb


HostOperation: TypeAlias = (
    Start | Halt | Clear | Resume | Cancel | Look | SenseConcurrently
)
"""The operations for which a Cio issues instructions, one at a time."""

VfioCcwToCio: TypeAlias = HostOperation | Detach
"""What a VfioCcw sends to the Cio that drives the host's subchannel."""

CioMessage: TypeAlias = VfioCcwToCio | SubchannelToSink
"""What a Cio takes: from above, and from the subchannel that it drives."""

CioToVfioCcw: TypeAlias = Interrupt | Refused | Accepted | Completed | Found | Gone
"""What a Cio answers, and the status that it has taken from the subchannel."""

GuestSubchannelToVfioCcw: TypeAlias = (
    IoRequest
    | HaltRequest
    | ClearRequest
    | ResumeRequest
    | CancelRequest
    | LookRequest
    | SenseConcurrently
    | Detach
)
"""What a guest's subchannel asks of the host's."""

VfioCcwMessage: TypeAlias = GuestSubchannelToVfioCcw | CioToVfioCcw
"""What a VfioCcw takes: from above, and from the Cio below."""

VfioCcwToGuestSubchannel: TypeAlias = IoEvent | Refused | Completed | Found | Gone
"""What a VfioCcw answers, and the status and loss of the host's subchannel."""

GuestSubchannelMessage: TypeAlias = (
    CioToSubchannel | GuestToSubchannel | VfioCcwToGuestSubchannel
)
"""What a GuestSubchannel takes.

Instructions come from a Guest, or from the Cio of a guest that passes the device on.
"""
