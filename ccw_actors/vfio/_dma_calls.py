"""DmaCalls: the ranges that a client maps and unmaps, by MAP_DMA and UNMAP_DMA.

A range that has pinned pages is unmapped when its users have given them up. No change
of their devices begins until then, and the ioctl is answered after that. A range's
`vaddr` cannot be changed.

Source: Linux drivers/vfio/vfio_iommu_type1.c.
"""

import errno
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import UnmapDma
from ccw_actors.runtime import ActorRef
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._changes import WAITING_MAX, Change
from ccw_actors.vfio._device_front import DeviceFront
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
from ccw_actors.vfio._uapi import DmaFlag

__all__ = ["DmaCalls"]

_ROUNDS_MAX: Final = 10


class _Unmap(Struct):
    """Ranges being unmapped: for a call, or because their container has gone.

    No change of the `held` devices begins during that time.
    """

    wanted: UnmapRange
    call: IoctlCalled | None = None
    held: list[DeviceFront] = []
    rounds: int = 0


class DmaCalls:
    """Handles map and unmap calls with `storage`, which keeps the ranges."""

    def __init__(
        self,
        calls: SystemCalls,
        storage: ActorRef[ClientToStorage],
        devices: Mapping[int, DeviceFront],
    ) -> None:
        self._calls = calls
        self._storage = storage
        self._devices = devices
        self._maps: list[IoctlCalled] = []
        self._unmaps: list[_Unmap] = []

    @property
    def is_unmapping(self) -> bool:
        """Whether ranges are being unmapped."""
        return bool(self._unmaps)

    @property
    def is_clearing(self) -> bool:
        """Whether ranges of a container that has gone are being unmapped."""
        return any(one.call is None for one in self._unmaps)

    def map(self, call: IoctlCalled) -> int | None:
        """IOMMU_MAP_DMA; return the answer, or None if it comes from storage."""
        if len(call.argument) < uapi.MAP_SIZE:
            return -errno.EFAULT
        wanted = uapi.DmaMap.read(call.argument)
        if wanted.argsz < uapi.MAP_SIZE:
            return -errno.EINVAL
        if len(self._maps) >= WAITING_MAX:
            return -errno.EAGAIN
        process = self._caller(call)
        if process is None:
            return -errno.ESRCH  # no caller is left to see it
        self._maps.append(call)
        self._storage.tell(
            MapRange(wanted.iova, wanted.size, wanted.vaddr, wanted.flags, process)
        )
        return None

    def _caller(self, call: IoctlCalled) -> int | None:
        """Return the pid of a call's process, None if it has gone."""
        try:
            process = process_of(call.thread)
        except ProcessLookupError:
            return None
        return process if process and self._calls.is_waiting(call.key) else None

    def mapped(self, message: RangeMapped) -> None:
        """Answer the oldest MAP_DMA that waits."""
        if self._maps:
            self._calls.answer(self._maps.pop(0).key, -message.errno)

    def unmap(self, call: IoctlCalled) -> int | None:
        """IOMMU_UNMAP_DMA; return the answer, or None if it comes from storage."""
        if len(call.argument) < uapi.UNMAP_SIZE:
            return -errno.EFAULT
        wanted = uapi.DmaUnmap.read(call.argument)
        if not _is_valid(wanted):
            return -errno.EINVAL
        if len(self._unmaps) >= WAITING_MAX:
            return -errno.EAGAIN
        request = UnmapRange(
            wanted.iova, wanted.size, everything=wanted.flags == DmaFlag.ALL
        )
        self._unmap(_Unmap(request, call))
        return None

    def clear(self) -> None:
        """Unmap all ranges: their container has gone."""
        self._unmap(_Unmap(UnmapRange(0, 0, everything=True)))

    def _unmap(self, unmap: _Unmap) -> None:
        self._unmaps.append(unmap)
        if len(self._unmaps) == 1:
            self._storage.tell(unmap.wanted)

    def unmapped(self, message: RangeUnmapped) -> bool:
        """Answer, or make users of the range give it up; return whether it is gone."""
        if not self._unmaps:
            return False
        unmap = self._unmaps[0]
        if message.users:
            self._give_up(message.users, unmap)
            return False
        del self._unmaps[0]
        for device in unmap.held:
            device.changes.release()
        if unmap.call is not None:
            self._calls.answer(unmap.call.key, self._answer(unmap.call, message))
        if self._unmaps:
            self._storage.tell(self._unmaps[0].wanted)
        return True

    def _answer(self, call: IoctlCalled, message: RangeUnmapped) -> int:
        """Store the number of bytes unmapped; return the value for UNMAP_DMA."""
        if message.errno:
            return -message.errno
        wanted = uapi.DmaUnmap.read(call.argument)
        done = wanted._replace(size=message.size)
        return self._calls.store(call, done.to_bytes())

    def _give_up(self, users: tuple[str, ...], unmap: _Unmap) -> None:
        """Make all users of a range give it up; then try to unmap it again.

        Users that have given it up begin no change before it is unmapped, so this ends.
        A user is asked again only if its actor has failed in between.
        """
        concerned = [
            device
            for device in self._devices.values()
            if device.shown.regions.path in users
        ]
        assert concerned, f"{users} are no devices of this client"
        again = [device for device in concerned if device in unmap.held]
        unmap.rounds += bool(again)
        assert unmap.rounds <= _ROUNDS_MAX, f"{users} keep pages of {unmap.wanted}"
        for device in again:
            unmap.held.remove(device)
            device.changes.release()
        self._have_given_up(concerned, unmap)

    def _have_given_up(self, devices: Sequence[DeviceFront], unmap: _Unmap) -> None:
        """Make these devices give a range up, and hold them; then try again."""
        wanted = unmap.wanted
        left = len(devices)

        def given_up(device: DeviceFront, _reason: int) -> None:
            nonlocal left
            device.changes.hold()
            unmap.held.append(device)
            left -= 1
            if not left:
                self._storage.tell(wanted)

        size = ADDRESS_END - 1 if wanted.everything else wanted.size
        for device in devices:
            done = partial(given_up, device)
            device.changes.add(Change(UnmapDma(wanted.iova, size), done))

    def fail(self) -> None:
        """Answer all waiting calls with EIO: storage has failed."""
        for call in self._maps:
            self._calls.answer(call.key, -errno.EIO)
        for unmap in self._unmaps:
            if unmap.call is not None:
                self._calls.answer(unmap.call.key, -errno.EIO)
        self._maps.clear()
        self._unmaps.clear()


def _is_valid(wanted: uapi.DmaUnmap) -> bool:
    """Return whether the call names whole pages, or everything."""
    if wanted.argsz < uapi.UNMAP_SIZE or wanted.flags not in (0, DmaFlag.ALL):
        return False
    if wanted.flags == DmaFlag.ALL:
        return not wanted.iova and not wanted.size
    is_aligned = not (wanted.iova | wanted.size) % PAGE_SIZE
    return is_aligned and 0 < wanted.size <= ADDRESS_END - wanted.iova
