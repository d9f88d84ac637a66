"""ContainerFront: containers and groups as a client sees them, and their ranges.

| descriptor | ioctl | works if |
|---|---|---|
| container | GET_API_VERSION, CHECK_EXTENSION | always |
| container | SET_IOMMU | it has a group, and no IOMMU yet |
| container | IOMMU_GET_INFO, IOMMU_MAP_DMA, IOMMU_UNMAP_DMA | it has an IOMMU |
| group | GET_STATUS | always |
| group | SET_CONTAINER | it has none |
| group | UNSET_CONTAINER | it has one, and its device is not open |
| group | GET_DEVICE_FD | its container has an IOMMU |

A group has one device and can be opened once. One container of a client has an IOMMU:
a second that wants one gets ENODEV. When the last group has left a container, or its
descriptor is closed, its ranges are unmapped. A range that has pinned pages is unmapped
when those who use it have given them up; the ioctl is answered then.

Source: Linux drivers/vfio/container.c, group.c, vfio_iommu_type1.c.
"""

import contextlib
import errno
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ccw_actors.actors.pages import PAGE_SIZE
from ccw_actors.actors.protocol import UnmapDma
from ccw_actors.runtime import ActorRef
from ccw_actors.vfio import uapi
from ccw_actors.vfio.device_front import Change, DeviceFront
from ccw_actors.vfio.messages import (
    IoctlCalled,
    MapRange,
    RangeMapped,
    RangeUnmapped,
    UnmapRange,
)
from ccw_actors.vfio.system_calls import SystemCalls
from ccw_actors.vfio.uapi import DmaFlag, Extension, Ioctl

__all__ = ["ContainerFront", "Group"]

_EXTENSIONS: Final = frozenset(Extension)
_IOMMUS: Final = (Extension.TYPE1_IOMMU, Extension.TYPE1V2_IOMMU)
_END: Final = 1 << 64
_UNMAP_ROUNDS: Final = 10


class Group(Struct):
    """An open group: its one device, by index, and its container's descriptor.

    That is 0 if it has no container.
    """

    device: int
    container: int = 0


class _Unmap(Struct):
    """Ranges being unmapped: for a call, or because their container is no more."""

    wanted: UnmapRange
    call: IoctlCalled | None = None
    rounds: int = 0


class ContainerFront:
    """What a client has open besides its `devices`; ranges are kept by `storage`."""

    def __init__(
        self,
        calls: SystemCalls,
        storage: ActorRef[Any],
        devices: Mapping[int, DeviceFront],
        process: int,
    ) -> None:
        self._calls = calls
        self._storage = storage
        self._devices = devices
        self._process = process
        self._has_iommu: dict[int, bool] = {}
        self.groups: dict[int, Group] = {}
        self._maps: list[IoctlCalled] = []
        self._unmaps: list[_Unmap] = []

    # -- open and closed ---------------------------------------------------------------

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What is open: groups first."""
        return (*self.groups, *self._has_iommu)

    @property
    def is_unmapping(self) -> bool:
        """Whether there are ranges that are on their way out."""
        return bool(self._unmaps)

    def open_container(self, key: int) -> None:
        """Answer open(2) of a new container."""
        descriptor = self._calls.hand_out(key)
        if descriptor is not None:
            self._has_iommu[descriptor] = False

    def open_group(self, key: int, device: int) -> None:
        """Answer open(2) of a device's group."""
        if any(group.device == device for group in self.groups.values()):
            self._calls.answer(key, -errno.EBUSY)
            return
        descriptor = self._calls.hand_out(key)
        if descriptor is not None:
            self.groups[descriptor] = Group(device)

    def close(self, descriptor: int) -> None:
        """Give up what was open."""
        if group := self.groups.pop(descriptor, None):
            self._leave(group)
        elif self._has_iommu.pop(descriptor, False):
            for member in self._members(descriptor):
                member.container = 0
            self._unmap(_Unmap(UnmapRange(0, 0, everything=True)))

    def _members(self, container: int) -> list[Group]:
        return [one for one in self.groups.values() if one.container == container]

    def _leave(self, group: Group) -> None:
        left, group.container = group.container, 0
        if self._has_iommu.get(left) and not self._members(left):
            self._has_iommu[left] = False
            self._unmap(_Unmap(UnmapRange(0, 0, everything=True)))

    # -- ioctls of a container ---------------------------------------------------------

    def ioctl(self, call: IoctlCalled) -> None:
        """Answer an ioctl on a container's descriptor."""
        answer = -errno.EINVAL
        has_iommu = self._has_iommu[call.descriptor]
        match call.request - uapi.request_of(Ioctl(0)):
            case Ioctl.GET_API_VERSION:
                answer = uapi.API_VERSION
            case Ioctl.CHECK_EXTENSION:
                answer = int(call.address in _EXTENSIONS)
            case Ioctl.SET_IOMMU:
                answer = self._set_iommu(call.descriptor, call.address)
            case _ if not has_iommu:
                pass
            case Ioctl.IOMMU_GET_INFO:
                answer = self._iommu_info(call)
            case Ioctl.IOMMU_MAP_DMA:
                self._map_dma(call)
                return
            case Ioctl.IOMMU_UNMAP_DMA:
                self._unmap_dma(call)
                return
            case _:
                answer = -errno.ENOTTY
        self._calls.answer(call.key, answer)

    def _set_iommu(self, container: int, kind: int) -> int:
        if not self._members(container) or self._has_iommu[container]:
            return -errno.EINVAL
        if kind not in _IOMMUS or any(self._has_iommu.values()):
            return -errno.ENODEV
        self._has_iommu[container] = True
        return 0

    def _iommu_info(self, call: IoctlCalled) -> int:
        if len(call.argument) < uapi.IOMMU_INFO_SIZE:
            return -errno.EFAULT
        argsz: int = struct.unpack_from("=I", call.argument)[0]
        if argsz < uapi.IOMMU_INFO_SIZE:
            return -errno.EINVAL
        return self._calls.store(call, uapi.iommu_info(argsz, PAGE_SIZE))

    def _map_dma(self, call: IoctlCalled) -> None:
        if len(call.argument) < uapi.MAP_SIZE:
            self._calls.answer(call.key, -errno.EFAULT)
            return
        wanted = uapi.DmaMap.read(call.argument)
        if wanted.argsz < uapi.MAP_SIZE:
            self._calls.answer(call.key, -errno.EINVAL)
            return
        self._maps.append(call)
        process = _process_of(call.thread, self._process)
        self._storage.tell(
            MapRange(wanted.iova, wanted.size, wanted.vaddr, wanted.flags, process)
        )

    def mapped(self, message: RangeMapped) -> None:
        """Answer MAP_DMA; they are answered in the order in which they came."""
        self._calls.answer(self._maps.pop(0).key, -message.errno)

    def _unmap_dma(self, call: IoctlCalled) -> None:
        if len(call.argument) < uapi.UNMAP_SIZE:
            self._calls.answer(call.key, -errno.EFAULT)
            return
        wanted = uapi.DmaUnmap.read(call.argument)
        everything = wanted.flags == DmaFlag.ALL
        if (
            wanted.argsz < uapi.UNMAP_SIZE
            or (wanted.flags and not everything)
            or (everything and (wanted.iova or wanted.size))
            or (wanted.iova | wanted.size) % PAGE_SIZE
            or not (everything or wanted.size)
            or wanted.iova + wanted.size > _END
        ):
            self._calls.answer(call.key, -errno.EINVAL)
            return
        request = UnmapRange(wanted.iova, wanted.size, everything=everything)
        self._unmap(_Unmap(request, call))

    def _unmap(self, unmap: _Unmap) -> None:
        self._unmaps.append(unmap)
        if len(self._unmaps) == 1:
            self._storage.tell(unmap.wanted)

    def unmapped(self, message: RangeUnmapped) -> None:
        """Have who uses a range give it up, or answer."""
        unmap = self._unmaps[0]
        if message.users:
            # New programs may name the range as long as it is there; whoever makes
            # them is asked again, as the kernel does, but not without end.
            assert unmap.rounds < _UNMAP_ROUNDS, f"{message.users} keep {unmap.wanted}"
            unmap.rounds += 1
            self._give_up(message.users, unmap.wanted)
            return
        del self._unmaps[0]
        if unmap.call is not None:
            answer = -message.errno
            if not message.errno:
                wanted = uapi.DmaUnmap.read(unmap.call.argument)
                done = wanted._replace(size=message.size)
                answer = self._calls.store(unmap.call, done.to_bytes())
            self._calls.answer(unmap.call.key, answer)
        if self._unmaps:
            self._storage.tell(self._unmaps[0].wanted)

    def _give_up(self, users: tuple[str, ...], wanted: UnmapRange) -> None:
        """Have all users of a range give it up; then try to unmap it again."""
        concerned = [
            device
            for device in self._devices.values()
            if device.shown.regions.path in users
        ]
        assert concerned, f"{users} are no devices of this client"
        left = len(concerned)

        def given_up(_reason: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                self._storage.tell(wanted)

        size = _END - 1 if wanted.everything else wanted.size
        for device in concerned:
            device.change(Change(UnmapDma(wanted.iova, size), given_up))

    # -- ioctls of a group -------------------------------------------------------------

    def group_ioctl(self, call: IoctlCalled, group: Group) -> None:
        """Answer an ioctl on a group's descriptor, but for GET_DEVICE_FD."""
        answer = -errno.ENOTTY
        match call.request - uapi.request_of(Ioctl(0)):
            case Ioctl.GROUP_GET_STATUS:
                answer = self._group_status(call, group)
            case Ioctl.GROUP_SET_CONTAINER:
                answer = self._set_container(call, group)
            case Ioctl.GROUP_UNSET_CONTAINER:
                answer = self._unset_container(group)
            case _:
                pass
        self._calls.answer(call.key, answer)

    def has_iommu(self, group: Group) -> bool:
        """Whether the group's device can be opened: its container has an IOMMU."""
        return self._has_iommu.get(group.container, False)

    def _group_status(self, call: IoctlCalled, group: Group) -> int:
        if len(call.argument) < uapi.GROUP_STATUS_SIZE:
            return -errno.EFAULT
        argsz: int = struct.unpack_from("=I", call.argument)[0]
        if argsz < uapi.GROUP_STATUS_SIZE:
            return -errno.EINVAL
        status = uapi.group_status(argsz, has_container=bool(group.container))
        return self._calls.store(call, status)

    def _set_container(self, call: IoctlCalled, group: Group) -> int:
        if len(call.argument) < uapi.ARGUMENT_SIZE[Ioctl.GROUP_SET_CONTAINER]:
            return -errno.EFAULT
        number: int = struct.unpack_from("=i", call.argument)[0]
        if number < 0 or group.container:
            return -errno.EINVAL
        container = self._calls.find(call.thread, number)
        if container in self._has_iommu:
            group.container = container
            return 0
        there = os.path.lexists(f"/proc/{call.thread}/fd/{number}")
        return -(errno.EINVAL if there else errno.EBADF)

    def _unset_container(self, group: Group) -> int:
        if not group.container:
            return -errno.EINVAL
        device = self._devices.get(group.device)
        if device is not None and device.opened:
            return -errno.EBUSY
        self._leave(group)
        return 0


def _process_of(thread: int, otherwise: int) -> int:
    """Return the process that a thread belongs to."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path(f"/proc/{thread}/status").read_text().splitlines()
        return int(next(one for one in lines if one.startswith("Tgid:")).split()[1])
    return otherwise
