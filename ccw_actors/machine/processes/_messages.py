"""The messages between the parent and the processes of a machine."""

import math
from typing import Any, Final

import msgspec

from ccw_actors import errors
from ccw_actors.errors import ActorFailedError, CcwActorsError
from ccw_actors.machine._results import GuestProgress, GuestResult
from ccw_actors.runtime import ActorRef, Message, Request
from ccw_actors.runtime.links import LinkOptions

__all__ = [
    "DESK",
    "HOST_PARTS",
    "LINK",
    "PARENT",
    "TAKES_NO_DISKS",
    "Admitted",
    "AwaitPartGuest",
    "DescribePart",
    "EndPart",
    "Joined",
    "Notice",
    "PartEnd",
    "PartGuestEnded",
    "PartState",
    "asked",
    "progress_of",
    "result_of",
]

PARENT: Final = "host"
"""The name of the parent's System; no process has it."""

DESK: Final = "host/processes"
"""The path of the parent's actor, and above those of the processes."""

HOST_PARTS: Final = "host/parts"
"""The path of the parent's actor that has the host's parts, if it shares them."""

TAKES_NO_DISKS: Final = (
    "a machine in several processes takes no disks while it runs; expected one in one"
    " process"
)
"""Why `AttachDisk` is refused."""

_FOREVER: Final = 1e6
LINK: Final = LinkOptions(timeout=60.0, heartbeat=_FOREVER, links_max=1 << 16)
"""A guest may keep its event loop for long, and the kernel tells when a process ends.

So a silent link is no lost one."""


class Admitted(Message, frozen=True):
    """The process may begin."""


class Joined(Request[Admitted], frozen=True):
    """A process has started: its name and id, and the actor that answers for it.

    `origin` is when its System's clock began, by the clock of its event loop, which all
    processes of a computer share.
    """

    process: str
    pid: int
    origin: float
    part: ActorRef[Any]


class Notice(Message, frozen=True):
    """A line of the log of a process."""

    logger: str
    level: int
    text: str


class PartGuestEnded(Message, frozen=True):
    """The `GuestResult` of a guest, in msgpack."""

    result: bytes


class AwaitPartGuest(Request[PartGuestEnded], frozen=True):
    """Answer when that guest has ended."""

    guest: str


class PartState(Message, frozen=True):
    """Messages handled by type, and the `GuestProgress` of each guest, in msgpack."""

    messages: dict[str, int]
    guests: bytes


class DescribePart(Request[PartState], frozen=True):
    """Say how far the guests have come."""


class PartEnd(Message, frozen=True):
    """The process ends: messages handled, and the bytes missing in its trace.

    `trace_error` is why its trace is incomplete, "" if it is not.
    """

    messages: dict[str, int]
    trace_cut: int
    trace_error: str


class EndPart(Request[PartEnd], frozen=True):
    """Stop the guests where they are, and end the process."""


async def asked(actor: ActorRef[Any], request: Request[Any]) -> Any:
    """Return the answer of an actor in another process, however long it takes.

    Raises:
        CcwActorsError: The handler has raised it, or the actor cannot answer.
    """
    try:
        return await actor.ask(request, timeout=math.inf)
    except ActorFailedError as error:
        kind, _, reason = error.reason.partition(": ")
        made: Any = getattr(errors, kind, None)
        if made is None:
            raise CcwActorsError(error.reason) from error
        raise made(reason) from error


def result_of(ended: PartGuestEnded) -> GuestResult:
    """Return the result in a message."""
    return msgspec.msgpack.decode(ended.result, type=GuestResult)


def progress_of(state: PartState) -> dict[str, GuestProgress]:
    """Return the progress in a message, by guest."""
    return msgspec.msgpack.decode(state.guests, type=dict[str, GuestProgress])
