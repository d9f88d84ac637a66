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

A group has one device and can be opened once. It is there until its descriptor and
those of its device are closed, a container until its descriptor is closed and no group
is in it. When the last group has left a container, its ranges are unmapped. A range
that has pinned pages is unmapped when those who use it have given them up, and nothing
is done to their devices until then; the ioctl is answered after that.

What is not as Linux has it: one container of a client has an IOMMU, a second that wants
one gets ENODEV; type 1 is as type 1 v2; there is no tracking of dirty pages (ENOTTY),
no change of a range's `vaddr`, and no capability of the IOMMU. While more calls wait
than there are threads in any emulator, others end in EAGAIN.

Source: Linux drivers/vfio/container.c, group.c, vfio_iommu_type1.c.
"""

import errno
import struct
from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import UnmapDma
from ccw_actors.runtime import ActorRef
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._device_front import Change, DeviceFront
from ccw_actors.vfio._dma import ADDRESS_END
from ccw_actors.vfio._memory import process_of
from ccw_actors.vfio._messages import (
    ClientToStorage,
    IoctlCalled,
    MapRange,
    RangeMapped,
    RangeUnmapped,
    UnmapRange,
)
from ccw_actors.vfio._system_calls import SystemCalls
from ccw_actors.vfio._uapi import DmaFlag, Extension, Ioctl

__all__ = ["ContainerFront", "Group"]

_EXTENSIONS: Final = frozenset(Extension)
_IOMMUS: Final = (Extension.TYPE1_IOMMU, Extension.TYPE1V2_IOMMU)
_ROUNDS_MAX: Final = 10
_WAITING_MAX: Final = 256


class Container(Struct, eq=False):
    """A container, which may have an IOMMU."""

    has_iommu: bool = False


class Group(Struct, eq=False):
    """A group that is there: its one device, by index, and its container.

    Its descriptor is open, or its device's is.
    """

    device: int
    container: Container | None = None
    is_open: bool = True


class _Unmap(Struct):
    """Ranges being unmapped: for a call, or because their container is no more.

    Nothing is done to the `held` devices meanwhile.
    """

    wanted: UnmapRange
    call: IoctlCalled | None = None
    held: list[DeviceFront] = []
    rounds: int = 0


class ContainerFront:
    """What a client has open besides its `devices`; ranges are kept by `storage`."""

    def __init__(
        self,
        calls: SystemCalls,
        storage: ActorRef[ClientToStorage],
        devices: Mapping[int, DeviceFront],
    ) -> None:
        self._calls = calls
        self._storage = storage
        self._devices = devices
        self.containers: dict[int, Container] = {}
        self.groups: dict[int, Group] = {}
        self._there: dict[int, Group] = {}
        self._maps: list[IoctlCalled] = []
        self._unmaps: list[_Unmap] = []
        self._waits_for_iommu: list[tuple[IoctlCalled, Container]] = []

    # -- open and closed ---------------------------------------------------------------

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What is open: groups first."""
        return (*self.groups, *self.containers)

    @property
    def is_unmapping(self) -> bool:
        """Whether there are ranges that are on their way out."""
        return bool(self._unmaps)

    def open_container(self, key: int) -> None:
        """Answer open(2) of a new container."""
        descriptor = self._calls.hand_out(key)
        if descriptor is not None:
            self.containers[descriptor] = Container()

    def open_group(self, key: int, device: int) -> None:
        """Answer open(2) of a device's group."""
        if device in self._there:
            self._calls.answer(key, -errno.EBUSY)
            return
        descriptor = self._calls.hand_out(key)
        if descriptor is not None:
            self.groups[descriptor] = self._there[device] = Group(device)

    def close(self, descriptor: int) -> None:
        """Give up what was open."""
        if group := self.groups.pop(descriptor, None):
            group.is_open = False
            self.device_closed(group.device)
        else:
            self.containers.pop(descriptor, None)

    def device_closed(self, index: int) -> None:
        """Give a group up if neither it nor its device is open any more."""
        group = self._there.get(index)
        if group is not None and not group.is_open and not self._is_used(group):
            del self._there[index]
            self._leave(group)

    def _is_used(self, group: Group) -> bool:
        device = self._devices.get(group.device)
        return device is not None and device.opened > 0

    def _has_groups(self, container: Container) -> bool:
        return any(one.container is container for one in self._there.values())

    def _leave(self, group: Group) -> None:
        left, group.container = group.container, None
        if left is not None and left.has_iommu and not self._has_groups(left):
            left.has_iommu = False
            self._unmap(_Unmap(UnmapRange(0, 0, everything=True)))

    # -- ioctls of a container ---------------------------------------------------------

    def ioctl(self, call: IoctlCalled) -> None:
        """Answer an ioctl on a container's descriptor."""
        answer: int | None = -errno.EINVAL
        container = self.containers[call.descriptor]
        match call.request - uapi.request_of(Ioctl(0)):
            case Ioctl.GET_API_VERSION:
                answer = uapi.API_VERSION
            case Ioctl.CHECK_EXTENSION:
                answer = int(
                    call.address in _EXTENSIONS
                    or (container.has_iommu and call.address == uapi.DMA_CC_IOMMU)
                )
            case Ioctl.SET_IOMMU:
                answer = self._set_iommu(call, container)
            case _ if not container.has_iommu:
                pass
            case Ioctl.IOMMU_GET_INFO:
                answer = self._iommu_info(call)
            case Ioctl.IOMMU_MAP_DMA:
                answer = self._map_dma(call)
            case Ioctl.IOMMU_UNMAP_DMA:
                answer = self._unmap_dma(call)
            case _:
                answer = -errno.ENOTTY
        if answer is not None:
            self._calls.answer(call.key, answer)

    def _set_iommu(self, call: IoctlCalled, container: Container) -> int | None:
        """Return the answer, or None if it comes later."""
        if not self._has_groups(container) or container.has_iommu:
            return -errno.EINVAL
        if call.address not in _IOMMUS:
            return -(errno.EINVAL if call.address in _EXTENSIONS else errno.ENODEV)
        if any(one.call is None for one in self._unmaps):
            # What another container has left has to be gone first.
            if len(self._waits_for_iommu) >= _WAITING_MAX:
                return -errno.EAGAIN
            self._waits_for_iommu.append((call, container))
            return None
        groups = self._there.values()
        if any(one.container and one.container.has_iommu for one in groups):
            return -errno.ENODEV
        container.has_iommu = True
        return 0

    def _iommu_info(self, call: IoctlCalled) -> int:
        if len(call.argument) < uapi.IOMMU_INFO_SIZE:
            return -errno.EFAULT
        argsz: int = struct.unpack_from("=I", call.argument)[0]
        if argsz < uapi.IOMMU_INFO_SIZE:
            return -errno.EINVAL
        return self._calls.store(call, uapi.iommu_info(argsz, PAGE_SIZE))

    def _map_dma(self, call: IoctlCalled) -> int | None:
        """Return the answer, or None if it comes from storage."""
        if len(call.argument) < uapi.MAP_SIZE:
            return -errno.EFAULT
        wanted = uapi.DmaMap.read(call.argument)
        if wanted.argsz < uapi.MAP_SIZE:
            return -errno.EINVAL
        if len(self._maps) >= _WAITING_MAX:
            return -errno.EAGAIN
        try:
            process = process_of(call.thread)
        except ProcessLookupError:
            process = 0
        if not process or not self._calls.is_waiting(call.key):
            return -errno.ESRCH  # nobody is there to see it
        self._maps.append(call)
        self._storage.tell(
            MapRange(wanted.iova, wanted.size, wanted.vaddr, wanted.flags, process)
        )
        return None

    def mapped(self, message: RangeMapped) -> None:
        """Answer MAP_DMA; they are answered in the order in which they came."""
        if self._maps:
            self._calls.answer(self._maps.pop(0).key, -message.errno)

    def _unmap_dma(self, call: IoctlCalled) -> int | None:
        """Return the answer, or None if it comes from storage."""
        if len(call.argument) < uapi.UNMAP_SIZE:
            return -errno.EFAULT
        wanted = uapi.DmaUnmap.read(call.argument)
        everything = wanted.flags == DmaFlag.ALL
        if (
            wanted.argsz < uapi.UNMAP_SIZE
            or (wanted.flags and not everything)
            or (everything and (wanted.iova or wanted.size))
            or (wanted.iova | wanted.size) % PAGE_SIZE
            or not (everything or wanted.size)
            or wanted.iova + wanted.size > ADDRESS_END
        ):
            return -errno.EINVAL
        if len(self._unmaps) >= _WAITING_MAX:
            return -errno.EAGAIN
        request = UnmapRange(wanted.iova, wanted.size, everything=everything)
        self._unmap(_Unmap(request, call))
        return None

    def _unmap(self, unmap: _Unmap) -> None:
        self._unmaps.append(unmap)
        if len(self._unmaps) == 1:
            self._storage.tell(unmap.wanted)

    def unmapped(self, message: RangeUnmapped) -> None:
        """Have who uses a range give it up, or answer."""
        if not self._unmaps:
            return
        unmap = self._unmaps[0]
        if message.users:
            self._give_up(message.users, unmap)
            return
        del self._unmaps[0]
        for device in unmap.held:
            device.release()
        if unmap.call is not None:
            answer = -message.errno
            if not message.errno:
                wanted = uapi.DmaUnmap.read(unmap.call.argument)
                done = wanted._replace(size=message.size)
                answer = self._calls.store(unmap.call, done.to_bytes())
            self._calls.answer(unmap.call.key, answer)
        if self._unmaps:
            self._storage.tell(self._unmaps[0].wanted)
        self._set_iommus()

    def _set_iommus(self) -> None:
        """Go on with SET_IOMMU that has waited."""
        waiting, self._waits_for_iommu = self._waits_for_iommu, []
        for call, container in waiting:
            answer = self._set_iommu(call, container)
            if answer is not None:
                self._calls.answer(call.key, answer)

    def _give_up(self, users: tuple[str, ...], unmap: _Unmap) -> None:
        """Have all users of a range give it up; then try to unmap it again.

        Those who have given it up begin nothing new before it is unmapped, so that this
        ends. Only one whose actor has failed meanwhile may be asked again.
        """
        concerned = [
            device
            for device in self._devices.values()
            if device.shown.regions.path in users
        ]
        assert concerned, f"{users} are no devices of this client"
        wanted = unmap.wanted
        again = [device for device in concerned if device in unmap.held]
        unmap.rounds += bool(again)
        assert unmap.rounds <= _ROUNDS_MAX, f"{users} keep pages of {wanted}"
        for device in again:
            unmap.held.remove(device)
            device.release()
        left = len(concerned)

        def given_up(device: DeviceFront, _reason: int) -> None:
            nonlocal left
            device.hold()
            unmap.held.append(device)
            left -= 1
            if not left:
                self._storage.tell(wanted)

        size = ADDRESS_END - 1 if wanted.everything else wanted.size
        for device in concerned:
            done = partial(given_up, device)
            device.change(Change(UnmapDma(wanted.iova, size), done))

    def fail(self) -> None:
        """Answer all that waits with EIO: storage has failed."""
        for call in self._maps:
            self._calls.answer(call.key, -errno.EIO)
        for unmap in self._unmaps:
            if unmap.call is not None:
                self._calls.answer(unmap.call.key, -errno.EIO)
        for call, _ in self._waits_for_iommu:
            self._calls.answer(call.key, -errno.EIO)
        self._maps.clear()
        self._unmaps.clear()
        self._waits_for_iommu.clear()

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
        return group.container is not None and group.container.has_iommu

    def _group_status(self, call: IoctlCalled, group: Group) -> int:
        if len(call.argument) < uapi.GROUP_STATUS_SIZE:
            return -errno.EFAULT
        argsz: int = struct.unpack_from("=I", call.argument)[0]
        if argsz < uapi.GROUP_STATUS_SIZE:
            return -errno.EINVAL
        status = uapi.group_status(argsz, has_container=group.container is not None)
        return self._calls.store(call, status)

    def _set_container(self, call: IoctlCalled, group: Group) -> int:
        if len(call.argument) < uapi.ARGUMENT_SIZE[Ioctl.GROUP_SET_CONTAINER]:
            return -errno.EFAULT
        number: int = struct.unpack_from("=i", call.argument)[0]
        descriptor = self._calls.find(call.thread, number)
        if descriptor is None and not self._calls.has(call.thread, number):
            return -errno.EBADF
        if group.container is not None:
            return -errno.EINVAL
        if descriptor not in self.containers:
            return -errno.EBADFD
        group.container = self.containers[descriptor]
        return 0

    def _unset_container(self, group: Group) -> int:
        if group.container is None:
            return -errno.EINVAL
        if self._is_used(group):
            return -errno.EBUSY
        self._leave(group)
        return 0
