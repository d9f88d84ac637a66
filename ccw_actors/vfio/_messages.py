"""Messages between a client's system calls, its storage and who waits for it."""

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
    """open(2) of one of our paths; `key` is the call's, as in every message here."""

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

    `argument` is what was read at `address`, the ioctl's third argument, if that points
    to something; shorter than it should be if there is no more.
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
    """The client's process is over: its exit status, or a negative signal number."""

    status: int


class RangeMapped(Message, frozen=True):
    """0, or an errno (positive)."""

    errno: int


class MapRange(Request[RangeMapped], frozen=True):
    """Let a device reach `size` bytes from `iova` on: memory of a process at `vaddr`.

    `flags` are READ 1 and WRITE 2, as seen by the device.
    """

    iova: int
    size: int
    vaddr: int
    flags: int
    process: int


class RangeUnmapped(Message, frozen=True):
    """What was unmapped, in bytes, or an errno.

    With `users`, the paths of actors that have pages of the range pinned, nothing has
    been unmapped: they have to give them up first.
    """

    errno: int
    size: int = 0
    users: tuple[str, ...] = ()


class UnmapRange(Request[RangeUnmapped], frozen=True):
    """Take back what lies within `size` bytes from `iova` on, or everything."""

    iova: int
    size: int
    everything: bool = False


class StorageLost(Message, frozen=True):
    """The memory of a process has failed within a range; `reason` says how.

    `gone` is the process if there is none any more.
    """

    reason: str
    gone: int = 0


class DeviceAdded(Message, frozen=True):
    """The device's index among those of its client."""

    index: int


class AddDevice(Request[DeviceAdded], frozen=True):
    """Show a device: `subchannel` is the number of its subchannel in the host.

    `regions` answers for its regions, `chpid` is that of its path.
    """

    name: str
    subchannel: int
    regions: ActorRef[ClientToRegions]
    chpid: int


class DeviceRemoved(Message, frozen=True):
    """The device is shown no more, and nobody has it open."""


class RemoveDevice(Request[DeviceRemoved], frozen=True):
    """Show a device no more; answered when the client has closed it."""

    name: str


ClientToStorage: TypeAlias = MapRange | UnmapRange
"""What a ClientProcess has to say to the storage of its process."""

ProcessStorageMessage: TypeAlias = (
    ClientToStorage | SubchannelToStorage | VfioCcwToStorage | CountPins
)
"""What a ProcessStorage takes. The process's CPUs reach their memory by themselves."""

ClientProcessMessage: TypeAlias = (
    AddDevice
    | RemoveDevice
    | ProcessEnded
    | StorageLost
    | RegionsToClient
    | AwaitGuest
    | ReportProgress
)
"""What a ClientProcess takes: from who runs it, its storage, and its devices."""
