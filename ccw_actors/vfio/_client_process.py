"""ClientProcess: another process that is a guest, by its system calls.

It stands where the emulator of a guest is: who waits for the guest's end is answered
when the process is over and nothing of its devices is at work any more.

| event | next |
|---|---|
| open of one of our paths | a descriptor of a container or group; a file of sysfs |
| readlink of one | the link that leads to a device's group |
| ioctl, pread, pwrite | to the container, group or device that the descriptor is |
| last close of a device | CloseDevice: nothing of it is at work, nothing pinned |
| Signalled, ReportSignalled, DeviceRequested | an eventfd is counted up |
| the process ends | its descriptors are closed; then it has ended |

A process whose memory fails is killed, and so is one whose storage, or the actor behind
whose device, is no more: its end says why. What has waited for them is answered EIO.
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

"""What an actor behind a device's regions has to say."""

_SOURCES: Final[dict[type, EventSource]] = {
    Signalled: EventSource.IO,
    ReportSignalled: EventSource.CRW,
    DeviceRequested: EventSource.REQUEST,
}
_OF_A_DEVICE: Final = 8
_CODES: Final = {"2": errno.EBUSY, "3": errno.ENODEV}


class ClientProcess(Actor[ClientProcessMessage]):
    """A process `pid`, whose system calls are `calls` and whose storage is `storage`.

    `files` show its `devices`.
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
        """Take the process's calls."""
        with contextlib.suppress(ProcessLookupError):
            self._process = os.pidfd_open(self._pid)
        self.watch(self._storage)
        for device in self._first_devices:
            self._add(device)
        self._calls.begin(self.ref.tell)

    def on_stop(self) -> None:
        """Leave nothing behind: the process ends, if it has not."""
        self._kill()
        if self._process is not None:
            os.close(self._process)
            self._process = None
        self._calls.end()
        for device in self._devices.values():
            device.events.forget()
        self._descriptors.close()

    def on_failure(self, error: BaseException) -> None:  # noqa: ARG002 - the base's
        """Do the same."""
        self.on_stop()

    # -- which devices there are -------------------------------------------------------

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
        """Show it no more, and answer when it is closed."""
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
        """Tell where a link leads."""
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
        """Answer for what the descriptor is."""
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
            self._calls.answer(message.key, -errno.EBADF)  # closed under way

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
        """Answer a call for a region where there is none, or that was closed since."""
        there = descriptor in self._containers.descriptors
        self._calls.answer(key, -(errno.EINVAL if there else errno.EBADF))

    @receive
    def region_written(self, message: RegionWritten) -> None:
        """Write to a region of the device that the descriptor is."""
        if device := self._opened.get(message.descriptor):
            device.write(message)
        else:
            self._refuse(message.key, message.descriptor)

    @receive
    def region_read(self, message: RegionRead) -> None:
        """Read a region of the device that the descriptor is."""
        if device := self._opened.get(message.descriptor):
            device.read(message)
        else:
            self._refuse(message.key, message.descriptor)

    @receive
    def closed(self, message: DescriptorClosed) -> None:
        """Give up what was open."""
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
        """Answer UNMAP_DMA, or have the range given up first."""
        self._containers.unmapped(message)
        self._end_if_over()

    @receive
    def storage_lost(self, message: StorageLost) -> None:
        """Kill the process: its devices cannot be trusted to have what they show.

        If it is gone itself, its end says why.
        """
        if self._status is None and message.gone != self._pid:
            self._reason = self._reason or message.reason
            self._kill()

    # -- from behind the regions -------------------------------------------------------

    @property
    def _device(self) -> DeviceFront | None:
        """The device whose actor has sent the message being handled."""
        sender = self.sender
        return None if sender is None else self._by_regions.get(sender.path)

    @receive
    def written(self, message: Written) -> None:
        """Go on with the device."""
        if device := self._device:
            device.changed(message.errno)
            self._end_if_over()

    @receive
    def was_read(self, message: IoRead | SchibRead | ReportRead) -> None:
        """Give it to who reads."""
        if device := self._device:
            device.was_read(message)

    @receive
    def event(self, message: RegionsToClient) -> None:
        """Signal the event's descriptor."""
        if device := self._device:
            device.events.signalled(_SOURCES[type(message)])

    @receive
    def failed(self, message: Failure) -> None:
        """Let nobody wait for what an actor has failed of."""
        for device in self._devices.values():
            if device.shown.regions.path == message.actor:
                device.failed(message.request)
        self._end_if_over()

    @receive
    def ended(self, message: Terminated) -> None:
        """End the process: an actor that it cannot be without is no more."""
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
        """Close all that is open still."""
        self._status = message.status
        self._calls.end()
        for descriptor in (*self._opened, *self._containers.descriptors):
            self._close(descriptor)
        self._end_if_over()

    @receive
    def wait(self, _message: AwaitGuest) -> GuestReport | None:
        """Answer when the process is over and nothing of its devices is at work."""
        if self._is_over:
            return self._report()
        self._waiting = (*self._waiting, self.reply_to)
        return None

    @receive
    def progress(self, _message: ReportProgress) -> GuestReport:
        """Tell what there is so far."""
        return self._report()

    def _kill(self) -> None:
        """Kill the process, and no other that has its number by now."""
        if self._status is None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def _end_if_over(self) -> None:
        """Answer who waits for the end, if it has come."""
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
