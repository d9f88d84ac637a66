"""The control interface of a running machine: its messages, and their order.

Both directions are streams of msgpack values. Each value is one message: an array of
its type's name and its fields.

| client | machine | |
|---|---|---|
| connects | Refused, end | another user's process, or too many connections |
| Hello | Welcome | |
| | Refused, end | another format or version |
| a request | its answer | the machine reads the next request after that |
| | RequestFailed | an unknown request, or one that failed; the next may follow |
| any other bytes | Refused, end | a damaged stream, or one value too large |

`Hello` and `Refused` are the same in every version.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from ccw_actors.runtime import Dump
from ccw_actors.transport import Message, Request

__all__ = [
    "CONTROL_FORMAT",
    "CONTROL_VERSION",
    "REQUEST_SIZE_MAX",
    "DescribeMachine",
    "DeviceDescription",
    "DumpActors",
    "DumpedActors",
    "GuestDescription",
    "GuestState",
    "Hello",
    "MachineDescription",
    "Refused",
    "RequestFailed",
    "StopMachine",
    "Stopping",
    "Welcome",
]

CONTROL_FORMAT: Final = "ccw-actors control"
CONTROL_VERSION: Final = 1
REQUEST_SIZE_MAX: Final = 1 << 16
"""Bytes of one request."""


GuestState: TypeAlias = Literal["starting", "running", "finished", "failed"]


class Hello(Message, frozen=True):
    """The first message of a client: the format and version that it speaks."""

    format: str = CONTROL_FORMAT
    version: int = CONTROL_VERSION


class Welcome(Message, frozen=True):
    """The machine's name and process, and the names of the requests it answers."""

    name: str
    pid: int
    requests: tuple[str, ...]


class Refused(Message, frozen=True):
    """The last message of a connection, and why it ends.

    `code` is "peer" (not the machine's user), "version", "damaged" (a stream that
    cannot be read), or "busy" (too many connections).
    """

    code: str
    reason: str


class RequestFailed(Message, frozen=True):
    """The answer to a request that failed: the type of the error, and its text."""

    kind: str
    reason: str


class GuestDescription(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    """A guest and its state."""

    name: str
    state: GuestState


class DeviceDescription(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    """A device of the machine, and the guest that it is passed to, if any.

    `number` is the host's, `guest_number` the guest's, as in "0.0.0150".
    """

    number: str
    type: str
    guest: str | None = None
    guest_number: str | None = None


class MachineDescription(Message, frozen=True):
    """A running machine; `seconds` since its start, `messages` handled so far."""

    name: str
    pid: int
    seconds: float
    messages: int
    guests: tuple[GuestDescription, ...]
    devices: tuple[DeviceDescription, ...]


class DescribeMachine(Request[MachineDescription], frozen=True):
    """Describe the machine, its guests and its devices."""


class DumpedActors(Message, frozen=True):
    """What each actor of the machine is doing, and who waits for whom."""

    dump: Dump


class DumpActors(Request[DumpedActors], frozen=True):
    """Say what each actor of the machine is doing."""


class Stopping(Message, frozen=True):
    """The machine stops; the connection ends when it has stopped."""


class StopMachine(Request[Stopping], frozen=True):
    """Stop every guest where it is, and end the run in order."""
