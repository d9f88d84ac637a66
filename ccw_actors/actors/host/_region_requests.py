"""The unanswered requests of a client of regions.

A ledger without messages: it numbers requests, and keeps where their answers go.

| errno of a request | because |
|---|---|
| EBUSY | START: a function is in progress, or its end unread |
| EBUSY | HALT: another one or a CLEAR is in progress, or its end unread |
| EACCES | START: condition code 3, and the subchannel is there |
| ENODEV | the subchannel is not there, or HALT, CLEAR: condition code 3 |
| EOPNOTSUPP | START: a transport-mode ORB |
| EINVAL | START: with `limits` "linux", a program that Linux would not take |

For a write without a function Linux returns what the writer left in `ret_code`.
"""

import errno
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    Area,
    IoRead,
    SchibRead,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.runtime import ReplyTo

__all__ = [
    "WRITES",
    "Call",
    "Held",
    "Kind",
    "RegionsAnswer",
    "Requests",
    "errno_of_refusal",
]

Kind: TypeAlias = Literal[
    "start",
    "halt",
    "clear",
    "read",
    "schib",
    "reset",
    "close",
    "unmap",
    "evict",
    "pass",
]
"""The kind of a request. UNMAP becomes "evict" if it needs the device quiesced, else
"pass".
"""

RegionsAnswer: TypeAlias = Written | IoRead | SchibRead
"""The answers to requests that are not answered at once: the kind says which."""

WRITES: Final[tuple[Kind, ...]] = ("start", "halt", "clear")
_NOWHERE: Final = Area(0, 0)


class Call(Struct, frozen=True, array_like=True):
    """An unanswered request with its number; its kind says what answers it."""

    kind: Kind
    number: int
    to: ReplyTo[RegionsAnswer]
    area: Area = _NOWHERE


class Held(Struct, frozen=True, array_like=True):
    """A write that waits until the device has been quiesced."""

    request: WriteIo | WriteAsync
    to: ReplyTo[RegionsAnswer]


class Requests(Struct):
    """The unanswered requests; they outlive a crash.

    `number` was given last. No number is given twice, so that an answer to a request
    from before a crash can be told from others. `held` have no number yet.
    """

    number: int = 0
    calls: tuple[Call, ...] = ()
    held: tuple[Held, ...] = ()

    def next_number(self) -> int:
        """Give a number."""
        self.number += 1
        return self.number

    def enter(
        self, kind: Kind, to: ReplyTo[RegionsAnswer], area: Area = _NOWHERE
    ) -> int:
        """Note a request; return the number that it gets."""
        self.calls = (*self.calls, Call(kind, self.next_number(), to, area))
        return self.number

    def has(self, *kinds: Kind) -> bool:
        """Whether a request of these kinds has not been answered."""
        return any(call.kind in kinds for call in self.calls)

    def of(self, kind: Kind) -> tuple[Call, ...]:
        """Return the requests of a kind."""
        return tuple(call for call in self.calls if call.kind == kind)

    def take(self, *kinds: Kind, number: int = 0) -> tuple[ReplyTo[RegionsAnswer], ...]:
        """Remove requests of these kinds, only that of a number if one is given.

        Returns where their answers go, the oldest request first.
        """
        taken = tuple(
            call
            for call in self.calls
            if call.kind in kinds and number in (0, call.number)
        )
        self.calls = tuple(call for call in self.calls if call not in taken)
        return tuple(call.to for call in taken)

    def become(self, number: int, kind: Kind) -> None:
        """Change the kind of the request of that number."""
        self.calls = tuple(
            replace(call, kind=kind) if call.number == number else call
            for call in self.calls
        )

    def hold(self, request: WriteIo | WriteAsync, to: ReplyTo[RegionsAnswer]) -> None:
        """Keep a write for later."""
        self.held = (*self.held, Held(request, to))

    def release(self) -> tuple[Held, ...]:
        """Remove the writes that were kept, and return them in their order."""
        held, self.held = self.held, ()
        return held

    def drop_asks(self) -> None:
        """Forget the requests that were asks: a restart has failed them."""
        self.calls = tuple(call for call in self.calls if not call.to.ask)
        self.held = tuple(one for one in self.held if not one.to.ask)


def errno_of_refusal(kind: Kind, reason: int) -> int:
    """Return the errno that answers a write of a kind that the host has refused.

    A write that a CLEAR has overtaken is answered as accepted.
    """
    if reason == errno.ECANCELED:
        return 0
    return errno.ENODEV if kind != "start" and reason == errno.EACCES else reason
