"""ClientProcess: another process as a guest, known by its system calls.

It takes the place of a guest's emulator: it answers `AwaitGuest` when the process has
ended and its devices are idle.

| event | next |
|---|---|
| open of one of our paths | a descriptor of a container or group; a file of sysfs |
| readlink of one of our paths | the link that leads to a device's group |
| ioctl, pread, pwrite | to the descriptor's container, group or device |
| last close of a device | CloseDevice: no I/O of it is left, no page pinned |
| Signalled, ReportSignalled, DeviceRequested | an eventfd is counted up |
| the process ends | its descriptors are closed; then the guest has ended |

A process is killed if its memory fails, or if its storage or the actor behind one of
its devices has ended; the guest's report gives the reason. Calls that wait for that
actor are answered EIO.
"""

import contextlib
import errno
import os
import signal
from collections.abc import Callable
from itertools import count
from typing import Final

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import (
    AwaitGuest,
    DeviceRequested,
    GuestReport,
    IoRead,
    RegionsToClient,
    ReportProgress,
    ReportRead,
    ReportSignalled,
    SchibRead,
    Signalled,
    Written,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    ReplyTo,
    Terminated,
    receive,
)
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._call_reader import DEVICES_FOLDER
from ccw_actors.vfio._changes import Change
from ccw_actors.vfio._container_front import ContainerFront, Group
from ccw_actors.vfio._counts import Counts
from ccw_actors.vfio._device_front import DeviceFront
from ccw_actors.vfio._event_descriptors import EventDescriptors
from ccw_actors.vfio._messages import (
    AddDevice,
    ClientProcessMessage,
    ClientToStorage,
    DescriptorClosed,
    DeviceAdded,
    DeviceRemoved,
    IoctlCalled,
    LinkRead,
    PathOpened,
    ProcessEnded,
    RangeMapped,
    RangeUnmapped,
    RegionRead,
    RegionWritten,
    RemoveDevice,
    StorageLost,
)
from ccw_actors.vfio._shown_files import ShownFiles, uuid_of
from ccw_actors.vfio._system_calls import DESCRIPTORS_MAX, SystemCalls
from ccw_actors.vfio._uapi import EventSource, Ioctl

__all__ = ["ClientProcess"]


_SOURCES: Final[dict[type, EventSource]] = {
    Signalled: EventSource.IO,
    ReportSignalled: EventSource.CRW,
    DeviceRequested: EventSource.REQUEST,
}
_OF_A_DEVICE: Final = 8
_CODES: Final = {"2": errno.EBUSY, "3": errno.ENODEV}


class ClientProcess(Actor[ClientProcessMessage]):
    """The process `pid`, with its system calls and its storage.

    `devices` are shown to it from the start, by means of `files`.
    """

    def __init__(
        self,
        pid: int,
        calls: SystemCalls,
        storage: ActorRef[ClientToStorage],
        files: ShownFiles,
        devices: tuple[AddDevice, ...] = (),
    ) -> None:
        self._pid = pid
        self._calls = calls
        self._files = files
        self._first_devices = devices
        self._devices: dict[int, DeviceFront] = {}
        self._by_regions: dict[str, DeviceFront] = {}
        self._storage = storage
        self._descriptors = EventDescriptors()
        self._containers = ContainerFront(calls, storage, self._devices)
        self._opened: dict[int, DeviceFront] = {}
        self._before = Counts()  # of devices that have gone
        self._waiting: tuple[ReplyTo, ...] = ()
        self._process: int | None = None
        self._status: int | None = None
        self._reason: str | None = None
        self._is_broken = False
        self._is_over = False

    def on_start(self) -> None:
        """Show the first devices, and start to take the process's calls."""
        with contextlib.suppress(ProcessLookupError):
            self._process = os.pidfd_open(self._pid)
        self.watch(self._storage)
        for device in self._first_devices:
            self._add(device)
        self._calls.begin(self.ref.tell)

    def on_stop(self) -> None:
        """Kill the process if it still runs, and close all descriptors."""
        self._kill()
        if self._process is not None:
            os.close(self._process)
            self._process = None
        self._calls.end()
        for device in self._devices.values():
            device.events.forget()
        self._descriptors.close()

    def on_failure(self, error: BaseException) -> None:  # noqa: ARG002 - the base's
        """Clean up as in `on_stop`."""
        self.on_stop()

    # -- devices -----------------------------------------------------------------------

    @receive
    def add_device(self, message: AddDevice) -> DeviceAdded:
        """Show a device to the process."""
        return DeviceAdded(self._add(message))

    def _add(self, shown: AddDevice) -> int:
        index = next(one for one in count() if one not in self._devices)
        device = DeviceFront(index, shown, self._calls, self._descriptors)
        self._files.add(device.index, shown)
        self._devices[device.index] = self._by_regions[shown.regions.path] = device
        self._calls.descriptors_max = (
            DESCRIPTORS_MAX + len(self._devices) * _OF_A_DEVICE
        )
        self.watch(shown.regions)
        return device.index

    @receive
    def remove_device(self, message: RemoveDevice) -> DeviceRemoved | None:
        """Stop showing a device, and answer when it is closed."""
        found = [
            device
            for device in self._devices.values()
            if device.shown.name == message.name
        ]
        for device in found:
            self._files.remove(device.index)
            device.when_closed(self._removed(device, self.reply_to))
        return None if found else DeviceRemoved()

    def _removed(self, device: DeviceFront, to: ReplyTo) -> Callable[[], None]:
        def removed() -> None:
            if self._devices.pop(device.index, None) is not None:
                self.unwatch(device.shown.regions)
                del self._by_regions[device.shown.regions.path]
                self._before.add(device.counts)
            self.reply(to, DeviceRemoved())

        return removed

    # -- paths -------------------------------------------------------------------------

    @receive
    def opened(self, message: PathOpened) -> None:
        """Hand out a descriptor for a container, a group or a file."""
        content = self._files.content(message.path)
        name = message.path.removeprefix(DEVICES_FOLDER)
        if content is not None:
            self._calls.give_file(message.key, content)
        elif name == "vfio":
            self._containers.open_container(message.key)
        elif (index := self._files.device_of_group(name)) is not None:
            self._containers.open_group(message.key, index)
        else:
            self._calls.answer(message.key, -errno.ENOENT)

    @receive
    def link_read(self, message: LinkRead) -> None:
        """Answer readlink(2): store the target of a link."""
        target = self._files.target(message.path)
        if target is None:
            is_file = self._files.content(message.path) is not None
            self._calls.answer(
                message.key, -(errno.EINVAL if is_file else errno.ENOENT)
            )
        elif not message.size:
            self._calls.answer(message.key, -errno.EINVAL)
        else:
            data = target[: message.size]
            self._calls.answer(message.key, self._calls.store(message, data, len(data)))

    # -- descriptors -------------------------------------------------------------------

    @receive
    def ioctl(self, message: IoctlCalled) -> None:
        """Pass an ioctl to the descriptor's container, group or device."""
        if device := self._opened.get(message.descriptor):
            device.ioctl(message)
        elif group := self._containers.groups.get(message.descriptor):
            if message.request == uapi.request_of(Ioctl.GROUP_GET_DEVICE_FD):
                self._open_device(message, group)
            else:
                self._containers.group_ioctl(message, group)
        elif message.descriptor in self._containers.containers:
            self._containers.ioctl(message)
        else:
            self._calls.answer(message.key, -errno.EBADF)  # closed in the meantime

    def _open_device(self, call: IoctlCalled, group: Group) -> None:
        device = self._devices.get(group.device)
        answer: int | None = None
        if not call.argument.endswith(b"\0"):
            is_long = len(call.argument) >= PAGE_SIZE
            answer = -(errno.EINVAL if is_long else errno.EFAULT)
        elif device is None or call.argument[:-1] != uuid_of(group.device).encode():
            answer = -errno.ENODEV
        elif not self._containers.has_iommu(group):
            answer = -errno.EINVAL
        elif device.changes.is_busy:
            answer = -errno.EAGAIN
        else:
            opened = device
            device.changes.add(Change(None, lambda _: self._hand_out(call.key, opened)))
        if answer is not None:
            self._calls.answer(call.key, answer)

    def _hand_out(self, key: int, device: DeviceFront) -> None:
        descriptor = self._calls.hand_out(key)
        if descriptor is not None:
            device.opened += 1
            self._opened[descriptor] = device

    def _refuse(self, key: int, descriptor: int) -> None:
        """Answer a call on a descriptor that has no regions, or was closed since."""
        there = descriptor in self._containers.descriptors
        self._calls.answer(key, -(errno.EINVAL if there else errno.EBADF))

    @receive
    def region_written(self, message: RegionWritten) -> None:
        """Write to a region of the descriptor's device."""
        if device := self._opened.get(message.descriptor):
            device.write(message)
        else:
            self._refuse(message.key, message.descriptor)

    @receive
    def region_read(self, message: RegionRead) -> None:
        """Read a region of the descriptor's device."""
        if device := self._opened.get(message.descriptor):
            device.read(message)
        else:
            self._refuse(message.key, message.descriptor)

    @receive
    def closed(self, message: DescriptorClosed) -> None:
        """Close the descriptor's container, group or device."""
        self._close(message.descriptor)

    def _close(self, descriptor: int) -> None:
        if device := self._opened.pop(descriptor, None):
            device.close()
            self._containers.device_closed(device.index)
        else:
            self._containers.close(descriptor)

    # -- from storage ------------------------------------------------------------------

    @receive
    def mapped(self, message: RangeMapped) -> None:
        """Answer MAP_DMA."""
        self._containers.dma.mapped(message)

    @receive
    def unmapped(self, message: RangeUnmapped) -> None:
        """Answer UNMAP_DMA, or first make the users of the range give it up."""
        self._containers.unmapped(message)
        self._end_if_over()

    @receive
    def storage_lost(self, message: StorageLost) -> None:
        """Kill the process: its devices may have lost data.

        If the process itself has ended, its exit status is the reason.
        """
        if self._status is None and message.gone != self._pid:
            self._reason = self._reason or message.reason
            self._kill()

    # -- from behind the regions -------------------------------------------------------

    @property
    def _device(self) -> DeviceFront | None:
        """The device whose actor sent the current message."""
        sender = self.sender
        return None if sender is None else self._by_regions.get(sender.path)

    @receive
    def written(self, message: Written) -> None:
        """Continue with the device's next change."""
        if device := self._device:
            device.changed(message.errno)
            self._end_if_over()

    @receive
    def was_read(self, message: IoRead | SchibRead | ReportRead) -> None:
        """Answer the call that reads the region."""
        if device := self._device:
            device.was_read(message)

    @receive
    def event(self, message: RegionsToClient) -> None:
        """Signal the event's descriptor."""
        if device := self._device:
            device.events.signalled(_SOURCES[type(message)])

    @receive
    def failed(self, message: Failure) -> None:
        """Answer the call whose request made a device's actor fail."""
        for device in self._devices.values():
            if device.shown.regions.path == message.actor:
                device.failed(message.request)
        self._end_if_over()

    @receive
    def ended(self, message: Terminated) -> None:
        """Kill the process: its storage, or an actor of a device, has ended."""
        if self._status is None:
            path, why = message.ref.path, message.reason
            self._reason = self._reason or f"{path} has ended: {why}"
            self._kill()
        self._is_broken = True
        self._containers.fail()
        for device in self._devices.values():
            if message.ref in (device.shown.regions, self._storage):
                device.fail()
        self._end_if_over()

    # -- the end -----------------------------------------------------------------------

    @receive
    def process_ended(self, message: ProcessEnded) -> None:
        """Close all descriptors that are still open."""
        self._status = message.status
        self._calls.end()
        for descriptor in (*self._opened, *self._containers.descriptors):
            self._close(descriptor)
        self._end_if_over()

    @receive
    def wait(self, _message: AwaitGuest) -> GuestReport | None:
        """Answer when the process has ended and its devices are idle."""
        if self._is_over:
            return self._report()
        self._waiting = (*self._waiting, self.reply_to)
        return None

    @receive
    def progress(self, _message: ReportProgress) -> GuestReport:
        """Report the counts so far."""
        return self._report()

    def _kill(self) -> None:
        """Kill the process, and no other one that has its number now."""
        if self._status is None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def _end_if_over(self) -> None:
        """Answer those who wait for the end, if it has come."""
        if self._status is None:
            return
        at_work = self._containers.dma.is_unmapping or any(
            device.is_at_work for device in self._devices.values()
        )
        if at_work and not self._is_broken:
            return
        self._is_over = True
        for to in self._waiting:
            self.reply(to, self._report())
        self._waiting = ()

    def _report(self) -> GuestReport:
        all_of_them = Counts()
        for counts in (
            self._before,
            *(device.counts for device in self._devices.values()),
        ):
            all_of_them.add(counts)
        codes = {code: all_of_them.refusals[reason] for code, reason in _CODES.items()}
        codes = {"0": all_of_them.starts, **codes}
        return GuestReport(
            all_of_them.starts,
            all_of_them.signals,
            {code: number for code, number in codes.items() if number},
            {"status": self._status, "system_calls": self._calls.count},
            self._error(),
        )

    def _error(self) -> str | None:
        if self._reason:
            return self._reason
        if not self._status:
            return None
        if self._status < 0:
            name = signal.Signals(-self._status).name
            return f"process {self._pid} was ended by {name}"
        return f"process {self._pid} ended with exit status {self._status}"
