"""Messages between a client's system calls, its storage, and its owner."""

from typing import TypeAlias

from ccw_actors.actors.protocol import (
    AwaitGuest,
    ClientToRegions,
    CountPins,
    RegionsToClient,
    ReportProgress,
    SubchannelToStorage,
    VfioCcwToStorage,
)
from ccw_actors.runtime import ActorRef, Message, Request

__all__ = [
    "AddDevice",
    "ClientProcessMessage",
    "ClientToStorage",
    "DescriptorClosed",
    "DeviceAdded",
    "DeviceRemoved",
    "IoctlCalled",
    "LinkRead",
    "MapRange",
    "PathOpened",
    "ProcessEnded",
    "ProcessStorageMessage",
    "RangeMapped",
    "RangeUnmapped",
    "RegionRead",
    "RegionWritten",
    "RemoveDevice",
    "StorageLost",
    "UnmapRange",
]


class PathOpened(Message, frozen=True):
    """open(2) of one of our paths; `key` names the call, as in every such message."""

    key: int
    path: str


class LinkRead(Message, frozen=True):
    """readlink(2) of one of our paths, into `size` bytes at `address`."""

    key: int
    thread: int
    path: str
    address: int
    size: int


class IoctlCalled(Message, frozen=True):
    """ioctl(2) on one of our descriptors.

    `argument` has the bytes at `address`, the ioctl's third argument, if that is a
    pointer; it is too short if the memory ends early.
    """

    key: int
    thread: int
    descriptor: int
    request: int
    address: int
    argument: bytes = b""


class RegionWritten(Message, frozen=True):
    """pwrite(2) on a device's descriptor; `data` is None if it cannot be read."""

    key: int
    descriptor: int
    offset: int
    size: int
    data: bytes | None


class RegionRead(Message, frozen=True):
    """pread(2) on a device's descriptor, into `size` bytes at `address`."""

    key: int
    thread: int
    descriptor: int
    offset: int
    address: int
    size: int


class DescriptorClosed(Message, frozen=True):
    """The last copy of a descriptor was closed."""

    descriptor: int


class ProcessEnded(Message, frozen=True):
    """The client's process has ended: exit status, or a negative signal number."""

    status: int


class RangeMapped(Message, frozen=True):
    """The answer to `MapRange`: 0, or an errno (positive)."""

    errno: int


class MapRange(Request[RangeMapped], frozen=True):
    """Let a device reach `size` bytes from `iova` on: memory of a process at `vaddr`.

    `flags` are READ 1 and WRITE 2, as seen by the device. `process` is a pid.
    """

    iova: int
    size: int
    vaddr: int
    flags: int
    process: int


class RangeUnmapped(Message, frozen=True):
    """The number of bytes unmapped, or an errno (positive).

    With `users`, nothing has been unmapped: these are the paths of actors that have
    pages of the range pinned, and have to give them up first.
    """

    errno: int
    size: int = 0
    users: tuple[str, ...] = ()


class UnmapRange(Request[RangeUnmapped], frozen=True):
    """Remove the ranges within `size` bytes from `iova` on, or everything."""

    iova: int
    size: int
    everything: bool = False


class StorageLost(Message, frozen=True):
    """The memory of a process has failed within a range; `reason` says how.

    `gone` is the process's pid if the process has ended, otherwise 0.
    """

    reason: str
    gone: int = 0


class DeviceAdded(Message, frozen=True):
    """The answer to `AddDevice`: the device's index among those of its client."""

    index: int


class AddDevice(Request[DeviceAdded], frozen=True):
    """Show a device to the client.

    `subchannel` is the number of its subchannel in the host, `regions` the actor behind
    its regions, `chpid` the id of its channel path.
    """

    name: str
    subchannel: int
    regions: ActorRef[ClientToRegions]
    chpid: int


class DeviceRemoved(Message, frozen=True):
    """The device is no longer shown, and the client has closed it."""


class RemoveDevice(Request[DeviceRemoved], frozen=True):
    """Stop showing a device; answered when the client has closed it."""

    name: str


ClientToStorage: TypeAlias = MapRange | UnmapRange
"""Messages from a ClientProcess to the storage of its process."""

ProcessStorageMessage: TypeAlias = (
    ClientToStorage | SubchannelToStorage | VfioCcwToStorage | CountPins
)
"""Messages that a ProcessStorage takes. The process's CPUs access memory directly."""

ClientProcessMessage: TypeAlias = (
    AddDevice
    | RemoveDevice
    | ProcessEnded
    | StorageLost
    | RegionsToClient
    | AwaitGuest
    | ReportProgress
)
"""Messages that a ClientProcess takes: from its owner, its storage, its devices."""
