"""Calls that no emulator makes are answered, and stop nobody else."""

import errno
import os
import resource
import signal
import struct
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._region_layouts import offset_of
from ccw_actors.vfio._shown_files import uuid_of
from ccw_actors.vfio._uapi import Ioctl
from tests.vfio.programs import (
    IOVA,
    SIZE,
    opened,
    put_read,
    put_sense_id,
)
from tests.vfio.rig import (
    ASYNC,
    HSCH,
    IO,
    PAGE,
    SCHIB,
    Rig,
    descriptors,
    io_region,
    rig,
    rigs,
)

pytestmark = pytest.mark.asyncio

_WRITE, _SHUTDOWN, _USERFAULTFD, _GETPID_32 = 1, 48, 323, 20
_X32 = 1 << 30
_FULL = (1 << 64) - 1


async def works(made: Rig, device: int, memory: int, index: int = 0) -> bool:
    """Return whether a program of the device runs and is signalled."""
    event = await made.event(device, 0)
    orb = await put_sense_id(made, memory)
    assert await made.write_io(device, orb, index) == 124
    assert await made.do("wait", event) == 1
    return (await made.read_irb(device, index)).scsw.dstat == 0x0C


def irqs(source: int, flags: int, number: int = 1, data: bytes = b"") -> bytes:
    """Return a struct vfio_irq_set."""
    return struct.pack("=IIIII", 20 + len(data), flags, source, 0, number) + data


# -- paths and arguments ---------------------------------------------------------------


async def test_path_that_is_no_text(tmp_path: Path) -> None:
    """One of our paths that is not UTF-8, or has no end, is refused."""
    async with rig(tmp_path) as made:
        assert await made.do("open", "/dev/vfio/\udcff\udc80") == -errno.ENOENT
        memory = await made.do("map", 2 * PAGE)
        path = b"/dev/vfio/0".ljust(16, b"x")
        await made.do("poke", memory + PAGE - 16, path.hex())
        await made.do("munmap", memory + PAGE, PAGE)
        assert await made.do("call", 2, memory + PAGE - 16, 0) == -errno.EFAULT
        await made.do("poke", memory, (b"/dev/vfio/" + bytes(1)).hex())
        assert await made.do("call", 2, memory, 0) == -errno.ENOENT
        assert await made.do("call", 2, _FULL - 3, 0) == -errno.EFAULT


async def test_size_of_a_link(tmp_path: Path) -> None:
    """The size in readlink is an int."""
    link = f"/sys/bus/css/devices/0.0.0000/{uuid_of(0)}/iommu_group"
    async with rig(tmp_path) as made:
        assert await made.do("link", link, 0) == -errno.EINVAL
        assert await made.do("link", link, 1 << 31) == -errno.EINVAL
        assert await made.do("link", link, -1) == -errno.EINVAL
        assert await made.do("link", link, 1 << 40 | 4) == "../."


async def test_name_of_a_device(tmp_path: Path) -> None:
    """A device's name has to end within a page of accessible memory."""
    async with rig(tmp_path) as made:
        _, group = await made.open_container()
        name = uuid_of(0).encode()
        wanted = uapi.request_of(Ioctl.GROUP_GET_DEVICE_FD)
        assert await made.do("ioctl", group, wanted, 8) == -errno.EFAULT
        long, _ = await made.ioctl(group, Ioctl.GROUP_GET_DEVICE_FD, b"x" * PAGE)
        assert long == -errno.EINVAL
        memory = await made.do("map", 2 * PAGE)
        await made.do("munmap", memory + PAGE, PAGE)
        at = memory + PAGE - len(name)
        await made.do("poke", at, name.hex())
        assert await made.do("ioctl", group, wanted, at) == -errno.EFAULT


async def test_container_of_a_group(tmp_path: Path) -> None:
    """A group can join only a container, and only one."""
    async with rig(tmp_path) as made:
        container = await made.do("open", "/dev/vfio/vfio")
        group = await made.do("open", "/dev/vfio/0")

        async def join(number: int) -> int:
            raw = struct.pack("=i", number)
            return int((await made.ioctl(group, Ioctl.GROUP_SET_CONTAINER, raw))[0])

        assert await join(await made.do("eventfd")) == -errno.EBADFD
        assert await join(group) == -errno.EBADFD
        assert await join(999) == await join(-1) == -errno.EBADF
        assert await join(container) == 0
        assert await join(group) == -errno.EINVAL
        assert await join(999) == -errno.EBADF


# -- descriptors -----------------------------------------------------------------------


async def test_nothing_is_said_over_a_descriptor(tmp_path: Path) -> None:
    """A write to a descriptor or a shutdown of it does not count as a close."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        for one in (container, device):
            assert await made.do("call", _WRITE, one, memory, 0) == -errno.EBADF
            assert await made.do("call", _WRITE, one, memory, 64) == -errno.EBADF
            assert await made.do("call", _SHUTDOWN, one, 2) == -errno.ENOTSOCK
            assert await made.do("call", 0, one, memory, 64) == -errno.EAGAIN
            again = await made.do("open", f"/proc/self/fd/{one}", os.O_WRONLY)
            assert await made.do("call", _WRITE, again, memory, PAGE) == PAGE
            assert await made.do("close", again) == 0
        assert await works(made, device, memory)


async def test_offsets_outside_of_regions(tmp_path: Path) -> None:
    """Calls at offsets in no region end as the module's table says."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        assert await made.do("pread", device, 4, 0) == -errno.ESPIPE
        assert await made.do("pwrite", device, "00", 124) == -errno.ESPIPE
        assert await made.do("pread", container, 4, offset_of(0, IO)) == -errno.EINVAL
        for index, at in ((0, 124), (0, 1), (1, 0), (0, 0xF000), (0, 0x8000)):
            offset = offset_of(index, IO) + at
            assert await made.do("pread", device, 124, offset) == -errno.EINVAL
            assert await made.do("pwrite", device, "00" * 124, offset) == -errno.EINVAL
        size = 1 << 63
        offset = offset_of(0, IO)
        assert await made.do("pread_at", device, memory, size, offset) == -errno.EINVAL
        assert await made.do("pwrite_at", device, memory, size, offset) == -errno.EINVAL


async def test_descriptors_are_bounded(tmp_path: Path) -> None:
    """A client that opens many files gets a limited number of descriptors."""
    async with rig(tmp_path) as made:
        before = descriptors()
        opens = await made.every([["open", "/dev/vfio/vfio"]] * 200)
        assert opens.count(-errno.EMFILE) > 100
        assert all(one >= 0 or one == -errno.EMFILE for one in opens)
        assert descriptors() - before < 100
        await made.every([["close", one] for one in opens if one >= 0])
        _, device, memory = await opened(made)
        assert await works(made, device, memory)


async def test_no_descriptors_left(tmp_path: Path) -> None:
    """The answer is EMFILE if the client or this process has no more descriptors."""
    async with rig(tmp_path) as made:
        before = descriptors()
        most = await made.do("descriptors_max", 0)
        chpids = "/sys/bus/css/devices/0.0.0000/chpids"
        assert await made.do("open", "/dev/vfio/vfio") == -errno.EMFILE
        assert await made.do("open", chpids, 0) == -errno.EMFILE
        await made.do("descriptors_max", most)
        assert descriptors() == before
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (before - 1, hard))
        try:
            assert await made.do("open", "/dev/vfio/vfio") == -errno.EMFILE
            assert await made.do("open", chpids, 0) == -errno.EMFILE
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert await made.do("open", "/dev/vfio/vfio") >= 0


async def test_descriptors_end_at_exec(tmp_path: Path) -> None:
    """An exec closes a client's devices, and ends their I/O."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        assert not await made.do("is_inherited", container)
        assert not await made.do("is_inherited", device)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        await made.send(["exec"])
        assert await made.do("pid") == made.pid
        _, device, memory = await opened(made)  # waits until the old program has ended
        assert (await made.host_schib()).scsw.actl == 0
        assert (await made.pins()).pages == 0
        assert await works(made, device, memory)


async def test_exec_under_a_call(tmp_path: Path) -> None:
    """An exec of one thread may end another that waits for an answer."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        reset = ["ioctl", device, uapi.request_of(Ioctl.DEVICE_RESET)]
        await made.send("threads", [reset] * 20, [reset] * 20, [["exec"]])
        assert await made.do("pid") == made.pid
        _, device, memory = await opened(made)
        assert await works(made, device, memory)


async def test_close_in_any_order(tmp_path: Path) -> None:
    """An open device keeps its group and its container, with all ranges."""
    async with rig(tmp_path) as made:
        container, group = await made.open_container()
        device = await made.open_device(group)
        memory = await made.do("map", SIZE)
        assert await made.map(container, IOVA, memory, SIZE) == 0
        assert await made.do("close", group) == 0
        assert await made.do("close", container) == 0
        assert await works(made, device, memory)
        assert await made.do("open", "/dev/vfio/0") == -errno.EBUSY
        assert await made.do("close", device) == 0
        _, device, memory = await opened(made)
        assert await works(made, device, memory)


async def test_opened_again_at_once(tmp_path: Path) -> None:
    """A container's ranges are unmapped before the next one gets an IOMMU."""
    async with rig(tmp_path) as made:
        container, group = await made.open_container()
        device = await made.open_device(group)
        memory = await made.do("map", SIZE)
        assert await made.map(container, IOVA, memory, SIZE) == 0
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        await made.every([["close", one] for one in (device, group, container)])
        _, device, memory = await opened(made)
        assert await works(made, device, memory)


# -- event descriptors -----------------------------------------------------------------


async def test_full_event(tmp_path: Path) -> None:
    """A blocking event descriptor whose count is at the maximum delays nobody."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        event = await made.do("eventfd", _FULL - 1, 0)
        raw = irqs(0, 0x24, data=struct.pack("=i", event))
        assert (await made.ioctl(device, Ioctl.DEVICE_SET_IRQS, raw))[0] == 0
        for _ in range(3):
            assert (await made.ioctl(device, Ioctl.DEVICE_SET_IRQS, irqs(0, 0x21)))[
                0
            ] == 0
        orb = await put_sense_id(made, memory)
        assert await made.write_io(device, orb) == 124
        assert (await made.read_schib(device)).pmcw.devno == 0x190
        assert await made.do("is_blocking", event)
        assert await made.do("count", event) == _FULL


async def given_event(made: Rig, device: int, number: int) -> int:
    """Give a device an event descriptor; return the call's value."""
    raw = irqs(0, 0x24, data=struct.pack("=i", number))
    return int((await made.ioctl(device, Ioctl.DEVICE_SET_IRQS, raw))[0])


def event_steps(device: int, at: int) -> list[list[Any]]:
    """Return the calls that make an event, give it to a device, and trigger it."""
    request = uapi.request_of(Ioctl.DEVICE_SET_IRQS)
    return [
        ["own_files"],
        ["eventfd"],
        ["ioctl", device, request, irqs(0, 0x24, data=struct.pack("=i", at)).hex()],
        ["ioctl", device, request, irqs(0, 0x21).hex()],
        ["count", at],
    ]


async def test_events_that_are_none(tmp_path: Path) -> None:
    """SET_IRQS accepts only event descriptors, and keeps only the last."""
    async with rig(tmp_path) as made:
        container, device, _ = await opened(made)
        assert await given_event(made, device, container) == -errno.EINVAL
        assert await given_event(made, device, 999) == -errno.EBADF
        assert await given_event(made, device, -2) == -errno.EINVAL
        assert await given_event(made, device, -1) == 0
        number = await made.do("eventfd")
        assert await given_event(made, device, number) == 0
        before = descriptors()
        assert await given_event(made, device, number) == 0
        assert await given_event(made, device, -1) == 0
        assert descriptors() == before - 1


@pytest.mark.parametrize("begin", ["in_child", "threads"])
async def test_events_of_the_caller(tmp_path: Path, begin: str) -> None:
    """SET_IRQS takes the eventfd of a child, or of a thread with its own files."""
    async with rig(tmp_path) as made:
        _, device, _ = await opened(made)
        free = await made.do("eventfd")
        await made.do("close", free)
        if begin == "threads":
            at = free
            (results,) = await made.every(["threads", event_steps(device, at)])
        else:
            at = free + 2  # after the descriptor of the pipe for results
            results = await made.do("in_child", event_steps(device, at))
        assert results[:2] == [0, at]
        assert [value for value, _ in results[2:4]] == [0, 0]
        assert results[4] == 1


async def test_events_of_a_device_that_was_closed(tmp_path: Path) -> None:
    """The last close of a device also closes its event descriptors."""
    async with rig(tmp_path) as made:
        _, group = await made.open_container()
        device = await made.open_device(group)
        for source in range(3):
            await made.event(device, source)
        before = descriptors()
        await made.do("close", device)
        await made.open_device(group)
        assert descriptors() == before - 3


# -- regions in parts ------------------------------------------------------------------


async def test_irb_in_parts(tmp_path: Path) -> None:
    """Parts are of the same IRB; a read of its first byte takes the next IRB."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_sense_id(made, memory)
        event = await made.event(device, 0)
        assert await made.write_io(device, orb) == 124
        assert await made.do("wait", event) == 1
        offset = offset_of(0, IO)
        assert await made.do("pread", device, 0, offset) == ""
        assert bytes.fromhex(await made.do("pread", device, 4, offset + 120)) == bytes(
            4
        )
        assert await made.write_io(device, orb) == -errno.EBUSY  # an unread IRB
        refused = struct.pack("=i", -errno.EBUSY).hex()
        assert await made.do("pread", device, 4, offset + 120) == refused
        head = await made.do("pread", device, 16, offset + 24)
        tail = await made.do("pread", device, 80, offset + 40)
        again = await made.do("pread", device, 124, offset)
        assert again[48:240] == head + tail
        assert bytes.fromhex(head)[8:9] == b"\x0c"
        assert await made.write_io(device, orb) == 124


async def test_orb_in_parts(tmp_path: Path) -> None:
    """Each write to the I/O region is a request; bytes not written stay the same."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        await put_sense_id(made, memory)
        event = await made.event(device, 0)
        offset = offset_of(0, IO)
        head = struct.pack("<IHBBI", 0, 0x80, 0x80, 0, IOVA).hex()
        assert await made.do("pwrite", device, head, offset) == -errno.EINVAL
        flags = (await made.do("pread", device, 24, offset))[:24]
        assert flags == head
        start = struct.pack("<HH", 0, 4 << 12).hex()
        assert await made.do("pwrite", device, start, offset + 12) == 4
        assert await made.do("wait", event) == 1


# -- memory ----------------------------------------------------------------------------


async def test_memory_that_is_not_there(tmp_path: Path) -> None:
    """Arguments that cannot be read, or results that cannot be stored, are EFAULT."""
    async with rig(tmp_path) as made:
        container, device, _ = await opened(made)
        page = await made.do("map", PAGE, 1)
        offset = offset_of(0, IO)
        for address in (8, page, _FULL - 7, 1 << 47):
            value = await made.do("pread_at", device, address, 124, offset)
            assert value == -errno.EFAULT
        assert await made.do("pwrite_at", device, 8, 124, offset) == -errno.EFAULT
        assert await made.do("pwrite_at", device, 8, 0, offset) == -errno.EINVAL
        for number in uapi.ARGUMENT_SIZE:
            for one in (container, device):
                request = uapi.request_of(number)
                answer = await made.do("ioctl", one, request, _FULL - 7)
                assert answer in (-errno.EFAULT, -errno.ENOTTY)


async def test_range_of_a_program_that_was(tmp_path: Path) -> None:
    """A range is memory of the program that mapped it, and gone with that program."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        page = await made.do("map", PAGE)
        raw = struct.pack("=IIQQQ", 32, 3, page, 0x200000, PAGE).hex()
        map_it = ["ioctl", container, uapi.request_of(Ioctl.IOMMU_MAP_DMA), raw]
        assert (await made.do("in_child", [map_it]))[0][0] == 0
        orb = await put_sense_id(made, memory, 0x200000)
        await made.send(["pwrite", device, io_region(orb), offset_of(0, IO)])
        report = await made.ended()
        assert report.error is not None
        assert "within a range of MAP_DMA: the process has ended" in report.error


# -- processes -------------------------------------------------------------------------


async def test_child_that_outlives_its_parent(tmp_path: Path) -> None:
    """A client ends with its process, even if its children hold descriptors."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        child = await made.do("hold", device)
        try:
            await made.send(["exit", 0])
            report = await made.ended()
            assert report.error is None
            assert (await made.host_schib()).scsw.actl == 0
        finally:
            os.kill(child, signal.SIGKILL)


async def test_stopped_client(tmp_path: Path) -> None:
    """A stopped client does not delay another one, and goes on later."""
    async with rigs(tmp_path, "one", "two") as (one, two):
        _, device, memory = await opened(one)
        orb = await put_read(one, memory)
        assert await one.write_io(device, orb) == 124
        reset = ["ioctl", device, uapi.request_of(Ioctl.DEVICE_RESET)]
        await one.send("threads", *[[reset] * 10 for _ in range(4)])
        os.kill(one.pid, signal.SIGSTOP)
        _, other, memory = await opened(two)
        assert await works(two, other, memory)
        os.kill(one.pid, signal.SIGCONT)
        assert await one.answer() == [[0] * 10] * 4


async def test_killed_while_it_is_stopped(tmp_path: Path) -> None:
    """A stopped client can be killed."""
    async with rig(tmp_path) as made:
        _, device, _ = await opened(made)
        reset = ["ioctl", device, uapi.request_of(Ioctl.DEVICE_RESET)]
        await made.send("threads", *[[reset] * 1000 for _ in range(4)])
        os.kill(made.pid, signal.SIGSTOP)
        os.kill(made.pid, signal.SIGKILL)
        report = await made.ended()
        assert report.error is not None
        assert "SIGKILL" in report.error


async def test_calls_of_other_kinds(tmp_path: Path) -> None:
    """Calls of 32-bit programs, and x32 ones, are left to the kernel."""
    async with rig(tmp_path) as made:
        memory = await made.do("map", PAGE, 7)
        await made.do("poke", memory, b"/dev/vfio/vfio\0".hex())
        x32 = await made.do("call", _X32 | 2, memory, 0)
        assert x32 in (-errno.ENOSYS, -errno.ENOENT)
        getpid = b"\xb8" + struct.pack("<I", _GETPID_32) + b"\xcd\x80\xc3"
        await made.do("poke", memory, getpid.hex())
        done = await made.do("in_child", [["pid"], ["run", memory]])
        # A kernel without 32-bit programs ends the child by a signal.
        assert done == [signal.SIGSEGV] or (len(done) == 2 and done[0] == done[1])
        assert await made.do("call", _USERFAULTFD, 0) == -errno.EPERM


# -- simultaneous calls ----------------------------------------------------------------


async def test_unmap_beside_starts(tmp_path: Path) -> None:
    """UNMAP_DMA ends while two devices are started again and again."""
    async with rig(tmp_path, devices=2) as made:
        container, device, memory = await opened(made)
        group = await made.do("open", "/dev/vfio/1")
        joined = struct.pack("=i", container)
        assert (await made.ioctl(group, Ioctl.GROUP_SET_CONTAINER, joined))[0] == 0
        second = await made.open_device(group, 1)
        orb = await put_read(made, memory)
        starts = [
            [["pwrite", one, io_region(orb), offset_of(index, IO)]] * 30
            for index, one in ((0, device), (0, device), (1, second), (1, second))
        ]
        halts = [["pwrite", device, HSCH, offset_of(0, ASYNC)]] * 30
        raw = struct.pack("=IIQQ", 24, 0, IOVA, SIZE).hex()
        unmap = ["ioctl", container, uapi.request_of(Ioctl.IOMMU_UNMAP_DMA), raw]
        raw = struct.pack("=IIQQQ", 32, 3, memory, IOVA, SIZE).hex()
        again = ["ioctl", container, uapi.request_of(Ioctl.IOMMU_MAP_DMA), raw]
        results = await made.every(["threads", *starts, halts, [unmap, again] * 10])
        assert [value for value, _ in results[-1]] == [0] * 20
        assert {v for some in results[:4] for v in some} <= {
            124,
            -errno.EBUSY,
            -errno.EAGAIN,
        }
        for index, one in enumerate((device, second)):
            assert await made.ioctl(one, Ioctl.DEVICE_RESET) == 0
            assert (await made.host_schib(index)).scsw.actl == 0


async def test_reset_beside_everything(tmp_path: Path) -> None:
    """RESET, CLEAR, reads and a close during a START are all answered."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        copy = await made.do("dup", device)
        orb = await put_sense_id(made, memory)
        work = [
            [["pwrite", device, io_region(orb), offset_of(0, IO)]] * 30,
            [["pread", device, 124, offset_of(0, IO)]] * 30,
            [["pwrite", device, "0200000000000000", offset_of(0, ASYNC)]] * 30,
            [["ioctl", device, uapi.request_of(Ioctl.DEVICE_RESET)]] * 30,
            [["pread", device, 52, offset_of(0, SCHIB)]] * 30,
            [["close", copy]],
        ]
        results = await made.every(["threads", *work])
        assert [len(some) for some in results] == [30] * 5 + [1]
        assert set(results[3]) == {0}
        assert all(isinstance(one, str) for one in (*results[1], *results[4]))
        assert (
            await made.ioctl(device, Ioctl.DEVICE_RESET) == 0
        )  # a status may be unread
        assert await works(made, device, memory)
