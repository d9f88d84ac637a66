"""ContainerFront: containers and groups as a client sees them.

| descriptor | ioctl | works if |
|---|---|---|
| container | GET_API_VERSION, CHECK_EXTENSION | always |
| container | SET_IOMMU | it has a group, and no IOMMU yet |
| container | IOMMU_GET_INFO, IOMMU_MAP_DMA, IOMMU_UNMAP_DMA | it has an IOMMU |
| group | GET_STATUS | always |
| group | SET_CONTAINER | it has none |
| group | UNSET_CONTAINER | it has one, and its device is not open |
| group | GET_DEVICE_FD | its container has an IOMMU |

A group has one device and can be opened once. It exists until its descriptor and those
of its device are closed, a container until its descriptor is closed and no group is in
it. When the last group has left a container, its ranges are unmapped.

Differences from Linux: only one container of a client can have an IOMMU, a second one
gets ENODEV. Type 1 is the same as type 1 v2. Dirty pages are not tracked (ENOTTY), and
the IOMMU has no capability. While `WAITING_MAX` calls wait, others end in EAGAIN.

Source: Linux drivers/vfio/container.c, group.c, vfio_iommu_type1.c.
"""

import errno
import struct
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.runtime import ActorRef
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._changes import WAITING_MAX
from ccw_actors.vfio._device_front import DeviceFront
from ccw_actors.vfio._dma_calls import DmaCalls
from ccw_actors.vfio._messages import ClientToStorage, IoctlCalled, RangeUnmapped
from ccw_actors.vfio._system_calls import SystemCalls
from ccw_actors.vfio._uapi import Extension, Ioctl

__all__ = ["ContainerFront", "Group"]

_EXTENSIONS: Final = frozenset(Extension)
_IOMMUS: Final = (Extension.TYPE1_IOMMU, Extension.TYPE1V2_IOMMU)


class Container(Struct, eq=False):
    """A container, which may have an IOMMU."""

    has_iommu: bool = False


class Group(Struct, eq=False):
    """A group in use: the index of its device, and its container.

    Its descriptor or its device's descriptor is open.
    """

    device: int
    container: Container | None = None
    is_open: bool = True


class ContainerFront:
    """A client's open containers and groups; `dma` handles its ranges."""

    def __init__(
        self,
        calls: SystemCalls,
        storage: ActorRef[ClientToStorage],
        devices: Mapping[int, DeviceFront],
    ) -> None:
        self._calls = calls
        self._devices = devices
        self.dma = DmaCalls(calls, storage, devices)
        self.containers: dict[int, Container] = {}
        self.groups: dict[int, Group] = {}
        self._there: dict[int, Group] = {}
        self._waits_for_iommu: list[tuple[IoctlCalled, Container]] = []

    # -- open and closed ---------------------------------------------------------------

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All open descriptors, those of groups first."""
        return (*self.groups, *self.containers)

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
        """Close a group or container."""
        if group := self.groups.pop(descriptor, None):
            group.is_open = False
            self.device_closed(group.device)
        else:
            self.containers.pop(descriptor, None)

    def device_closed(self, index: int) -> None:
        """Remove a group if neither it nor its device is open any longer."""
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
            self.dma.clear()

    # -- ioctls of a container ---------------------------------------------------------

    def ioctl(self, call: IoctlCalled) -> None:
        """Answer an ioctl on a container's descriptor."""
        container = self.containers[call.descriptor]
        answer: int | None
        match call.request - uapi.request_of(Ioctl(0)):
            case Ioctl.GET_API_VERSION:
                answer = uapi.API_VERSION
            case Ioctl.CHECK_EXTENSION:
                answer = int(_has_extension(container, call.address))
            case Ioctl.SET_IOMMU:
                answer = self._set_iommu(call, container)
            case number if container.has_iommu:
                answer = self._iommu_ioctl(call, number)
            case _:
                answer = -errno.EINVAL
        if answer is not None:
            self._calls.answer(call.key, answer)

    def _iommu_ioctl(self, call: IoctlCalled, number: int) -> int | None:
        """Return the answer to an ioctl of an IOMMU, None if it comes later."""
        match number:
            case Ioctl.IOMMU_GET_INFO:
                return self._iommu_info(call)
            case Ioctl.IOMMU_MAP_DMA:
                return self.dma.map(call)
            case Ioctl.IOMMU_UNMAP_DMA:
                return self.dma.unmap(call)
            case _:
                return -errno.ENOTTY

    def _set_iommu(self, call: IoctlCalled, container: Container) -> int | None:
        """Return the answer, or None if it comes later."""
        if not self._has_groups(container) or container.has_iommu:
            return -errno.EINVAL
        if call.address not in _IOMMUS:
            return -(errno.EINVAL if call.address in _EXTENSIONS else errno.ENODEV)
        if self.dma.is_clearing:
            # The ranges of another container have to be unmapped first.
            if len(self._waits_for_iommu) >= WAITING_MAX:
                return -errno.EAGAIN
            self._waits_for_iommu.append((call, container))
            return None
        if any(map(self.has_iommu, self._there.values())):
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

    def unmapped(self, message: RangeUnmapped) -> None:
        """Continue with calls that wait for a range to be unmapped or given up."""
        if self.dma.unmapped(message):
            self._set_iommus()

    def _set_iommus(self) -> None:
        """Continue with each SET_IOMMU that has waited."""
        waiting, self._waits_for_iommu = self._waits_for_iommu, []
        for call, container in waiting:
            answer = self._set_iommu(call, container)
            if answer is not None:
                self._calls.answer(call.key, answer)

    def fail(self) -> None:
        """Answer all waiting calls with EIO: storage has failed."""
        self.dma.fail()
        for call, _ in self._waits_for_iommu:
            self._calls.answer(call.key, -errno.EIO)
        self._waits_for_iommu.clear()

    # -- ioctls of a group -------------------------------------------------------------

    def group_ioctl(self, call: IoctlCalled, group: Group) -> None:
        """Answer an ioctl on a group's descriptor, except GET_DEVICE_FD."""
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
        """Return whether the group's container has an IOMMU, to open its device."""
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


def _has_extension(container: Container, number: int) -> bool:
    """Return whether a container has an extension; DMA_CC_IOMMU needs an IOMMU."""
    if number == uapi.DMA_CC_IOMMU:
        return container.has_iommu
    return number in _EXTENSIONS
