"""A client sees VFIO as Linux shows it, and its devices really work."""

import errno
import struct
from pathlib import Path

import pytest

from ccw_actors.channel import Ccw, Orb
from ccw_actors.vfio._region_layouts import offset_of
from ccw_actors.vfio._shown_files import uuid_of
from ccw_actors.vfio._uapi import Ioctl
from tests.vfio.programs import (
    IOVA,
    SENSE_ID,
    SIZE,
    opened,
    put_program,
    put_read,
    put_sense_id,
)
from tests.vfio.rig import (
    ASYNC,
    CRW,
    CSCH,
    HSCH,
    IO,
    PAGE,
    SCHIB,
    Rig,
    io_region,
    rig,
)

pytestmark = pytest.mark.asyncio


async def test_sense_id(tmp_path: Path) -> None:
    """A START runs a channel program in the client's memory, and signals its end."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        event = await made.event(device, 0)
        orb = await put_program(
            made, memory, Ccw(SENSE_ID, Ccw.suppress_length.mask, 64, IOVA + PAGE)
        )
        assert await made.write_io(device, orb) == 124
        assert await made.do("wait", event) == 1
        irb = await made.read_irb(device)
        assert (irb.scsw.fctl, irb.scsw.stctl, irb.scsw.dstat) == (4, 7, 0x0C)
        assert irb.scsw.cpa == IOVA + 8
        sense_id = bytes.fromhex(await made.do("peek", memory + PAGE, 6))
        assert (sense_id[:3].hex(), sense_id[4:].hex()) == ("ff3990", "3390")


async def test_schib_is_live(tmp_path: Path) -> None:
    """The SCHIB region shows the host's subchannel as it is now."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        schib = await made.read_schib(device)
        assert (schib.pmcw.devno, schib.pmcw.pim) == (0x190, 0x80)
        assert schib.scsw.actl == 0
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        assert (await made.read_schib(device)).scsw.actl
        assert await made.do("pwrite", device, CSCH, offset_of(0, ASYNC)) == 8


async def test_halt_and_clear(tmp_path: Path) -> None:
    """HALT and CLEAR end a program; a START is refused until their status is read."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        event = await made.event(device, 0)
        orb = await put_read(made, memory)
        for command, fctl in ((HSCH, 6), (CSCH, 1)):
            assert await made.write_io(device, orb) == 124
            assert await made.write_io(device, orb) == -errno.EBUSY
            assert await made.do("pwrite", device, command, offset_of(0, ASYNC)) == 8
            assert await made.do("wait", event) == 1
            assert await made.write_io(device, orb) == -errno.EBUSY
            irb = await made.read_irb(device)
            assert irb.scsw.fctl == fctl


async def test_unmap_of_a_range_in_use(tmp_path: Path) -> None:
    """UNMAP_DMA resets the device that uses the range, which then no longer does."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        assert (await made.pins()).pages
        assert await made.unmap(container, IOVA, SIZE) == (0, SIZE)
        assert (await made.pins()).pages == 0
        assert (await made.host_schib()).scsw.actl == 0
        await made.do("poke", memory, "a5" * SIZE)
        await made.let_go()
        assert await made.do("peek", memory, SIZE) == "a5" * SIZE


async def test_ranges(tmp_path: Path) -> None:
    """MAP_DMA and UNMAP_DMA refuse what Linux refuses."""
    async with rig(tmp_path) as made:
        container, _ = await made.open_container()
        memory = await made.do("map", SIZE)
        assert await made.map(container, IOVA, memory, SIZE) == 0
        assert await made.map(container, IOVA + PAGE, memory, PAGE) == -errno.EEXIST
        assert await made.map(container, 1, memory, PAGE) == -errno.EINVAL
        assert await made.map(container, 0, memory, PAGE + 1) == -errno.EINVAL
        assert await made.map(container, 0, memory, PAGE, 0) == -errno.EINVAL
        assert await made.map(container, 0, memory, 0) == -errno.EINVAL
        assert (await made.unmap(container, IOVA, PAGE))[0] == -errno.EINVAL
        assert (await made.unmap(container, IOVA + PAGE, SIZE))[0] == -errno.EINVAL
        assert await made.unmap(container, 0, PAGE) == (0, 0)
        assert await made.unmap(container, 0, 1 << 40) == (0, SIZE)
        assert await made.map(container, IOVA, memory, SIZE) == 0
        assert await made.unmap(container, 0, 0, 2) == (0, SIZE)


@pytest.mark.parametrize(
    ("flags", "code", "cstat"),
    [(1, 0x63, 0), (2, 0x63, 0x10), (3, 0x63, 0), (1, 0xE4, 0x10), (2, 0xE4, 0)],
)
async def test_flags_of_a_range(
    tmp_path: Path, flags: int, code: int, cstat: int
) -> None:
    """A channel fetches only where READ (1) allows it, and stores where WRITE (2)."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        other = await made.do("map", PAGE)
        assert await made.map(container, 0x100000, other, PAGE, flags) == 0
        event = await made.event(device, 0)
        orb = await put_program(
            made, memory, Ccw(code, Ccw.suppress_length.mask, 16, 0x100000)
        )
        assert await made.write_io(device, orb) == 124
        assert await made.do("wait", event) == 1
        assert (await made.read_irb(device)).scsw.cstat == cstat


async def test_what_sysfs_shows(tmp_path: Path) -> None:
    """QEMU finds the group by a link, and paths by files, with either call."""
    async with rig(tmp_path) as made:
        css = "/sys/bus/css/devices/0.0.0000"
        link = f"{css}/{uuid_of(0)}/iommu_group"
        expected = "../../../kernel/iommu_groups/0"
        assert await made.do("link", link) == expected
        assert await made.do("linkat", link) == expected
        assert await made.do("link", link, 5) == expected[:5]
        on_disk = tmp_path / "guest" / "0.0.0000" / uuid_of(0) / "iommu_group"
        assert await made.do("link", str(on_disk)) == expected
        chpids = bytes.fromhex(await made.do("file", f"{css}/chpids"))
        assert chpids == b"40 00 00 00 00 00 00 00\n"
        assert await made.do("file", "/sys/devices/css0/chp0.40/type") == b"1b\n".hex()
        assert await made.do("link", f"{css}/chpids") == -errno.EINVAL
        assert await made.do("open", "/dev/vfio/9") == -errno.ENOENT
        assert await made.do("open", "/nowhere") == -errno.ENOENT
        assert await made.do("link", "/proc/self/exe") != expected


async def test_groups_and_containers(tmp_path: Path) -> None:
    """Calls out of order are refused with Linux' errno."""
    async with rig(tmp_path) as made:
        container = await made.do("openat", "/dev/vfio/vfio")
        assert await made.ioctl(container, Ioctl.GET_API_VERSION) == 0
        answers = [
            await made.ioctl(container, Ioctl.CHECK_EXTENSION, n) for n in range(12)
        ]
        assert [n for n, answer in enumerate(answers) if answer] == [1, 3, 9]
        assert await made.ioctl(container, Ioctl.SET_IOMMU, 3) == -errno.EINVAL
        group = await made.do("open", "/dev/vfio/0")
        assert await made.do("open", "/dev/vfio/0") == -errno.EBUSY
        name = uuid_of(0).encode() + b"\0"
        device, _ = await made.ioctl(group, Ioctl.GROUP_GET_DEVICE_FD, name)
        assert device == -errno.EINVAL
        joined = struct.pack("=i", container)
        assert (await made.ioctl(group, Ioctl.GROUP_SET_CONTAINER, joined))[0] == 0
        again, _ = await made.ioctl(group, Ioctl.GROUP_SET_CONTAINER, joined)
        assert again == -errno.EINVAL
        device, _ = await made.ioctl(group, Ioctl.GROUP_GET_DEVICE_FD, name)
        assert device == -errno.EINVAL
        assert await made.ioctl(container, Ioctl.SET_IOMMU, 7) == -errno.ENODEV
        assert await made.ioctl(container, Ioctl.SET_IOMMU, 3) == 0
        assert await made.ioctl(container, Ioctl.SET_IOMMU, 3) == -errno.EINVAL
        wrong, _ = await made.ioctl(group, Ioctl.GROUP_GET_DEVICE_FD, b"nobody\0")
        assert wrong == -errno.ENODEV
        device = await made.open_device(group)
        assert await made.ioctl(group, Ioctl.GROUP_UNSET_CONTAINER) == -errno.EBUSY
        _, status = await made.ioctl(
            group, Ioctl.GROUP_GET_STATUS, struct.pack("=II", 8, 0)
        )
        assert struct.unpack("=II", status) == (8, 3)
        assert await made.do("close", device) == 0
        assert await made.ioctl(device, Ioctl.DEVICE_RESET) == -errno.EBADF


async def test_device_and_region_info(tmp_path: Path) -> None:
    """A device has four regions and three event sources, and can be reset."""
    async with rig(tmp_path) as made:
        _, device, _ = await opened(made)
        info = struct.pack("=IIII", 16, 0, 0, 0)
        value, after = await made.ioctl(device, Ioctl.DEVICE_GET_INFO, info)
        assert value == 0
        assert struct.unpack("=IIII", after) == (16, 0x11, 4, 3)
        sizes: list[int] = []
        for index in range(4):
            ask = struct.pack("=IIIIQQ", 48, 0, index, 0, 0, 0).ljust(48, b"\0")
            value, after = await made.ioctl(device, Ioctl.DEVICE_GET_REGION_INFO, ask)
            assert value == 0
            _, _, _, cap, size, offset = struct.unpack_from("=IIIIQQ", after)
            assert offset == offset_of(0, (IO, ASYNC, SCHIB, CRW)[index])
            subtype = struct.unpack_from("=I", after, cap + 12)[0] if cap else 0
            assert subtype == index
            sizes.append(size)
        assert sizes == [124, 8, 52, 8]
        ask = struct.pack("=IIIIQQ", 32, 0, 4, 0, 0, 0)
        value, _ = await made.ioctl(device, Ioctl.DEVICE_GET_REGION_INFO, ask)
        assert value == -errno.EINVAL
        ask = struct.pack("=IIIIQQ", 32, 0, 2, 0, 0, 0)
        value, after = await made.ioctl(device, Ioctl.DEVICE_GET_REGION_INFO, ask)
        assert (value, struct.unpack_from("=I", after)[0]) == (0, 48)
        assert await made.ioctl(device, Ioctl.DEVICE_RESET) == 0


@pytest.mark.parametrize("how", ["dup", "hold", "pass"])
async def test_last_close(tmp_path: Path, how: str) -> None:
    """A device is closed when the last copy of its descriptor is, in any process."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        copy = await made.do(how, device)
        if how != "pass":
            assert await made.do("close", device) == 0
        assert (await made.host_schib()).scsw.actl
        if how == "pass":
            copy = await made.do("receive")
            assert await made.ioctl(copy, Ioctl.DEVICE_RESET) == 0
            assert await made.write_io(copy, orb) == 124
        assert (await made.host_schib()).scsw.actl
        if how == "dup":
            assert (await made.read_schib(copy)).scsw.actl
        await made.do("release" if how == "hold" else "close", copy)
        for _ in range(1000):  # the close is noticed, then CLEAR ends the program
            if not (await made.host_schib()).scsw.actl:
                break
        assert (await made.host_schib()).scsw.actl == 0
        assert (await made.pins()).pages == 0


async def test_number_of_a_closed_descriptor(tmp_path: Path) -> None:
    """A call is ours because of its descriptor's file, not because of the number."""
    async with rig(tmp_path) as made:
        container, _ = await made.open_container()
        assert await made.do("close", container) == 0
        event = await made.do("eventfd")
        assert event == container
        assert await made.ioctl(event, Ioctl.GET_API_VERSION) == -errno.ENOTTY


@pytest.mark.parametrize("end", ["exit", "die"])
async def test_end_under_way(tmp_path: Path, end: str) -> None:
    """A client that ends with a program in progress leaves nothing behind."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        await made.send((end, 3) if end == "exit" else (end,))
        report = await made.ended()
        assert report.error is not None
        assert ("SIGKILL" if end == "die" else "exit status 3") in report.error


async def test_memory_that_fails(tmp_path: Path) -> None:
    """Memory that goes away within a range ends the client, and the report says so."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        other = await made.do("map", PAGE)
        assert await made.map(container, 0x100000, other, PAGE) == 0
        assert await made.do("munmap", other, PAGE) == 0
        orb = await put_program(
            made, memory, Ccw(SENSE_ID, Ccw.suppress_length.mask, 16, 0x100000)
        )
        await made.send(("pwrite", device, io_region(orb), offset_of(0, IO)))
        report = await made.ended()
        assert report.error is not None
        assert "within a range of MAP_DMA" in report.error


async def start(made: Rig, device: int, orb: Orb) -> None:
    """Start a program as soon as the one before has ended."""
    value = -errno.EBUSY
    for _ in range(1000):
        value = await made.write_io(device, orb)
        if value != -errno.EBUSY:
            break
    assert value == 124


async def test_event_that_nobody_heard(tmp_path: Path) -> None:
    """A program that ends before there is an eventfd does not block later signals."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_sense_id(made, memory)
        for _ in range(2):  # no eventfd, as before a driver asks for interrupts
            await start(made, device, orb)
        event = await made.event(device, 0)
        await start(made, device, orb)
        assert await made.do("wait", event)
        assert (await made.read_irb(device)).scsw.dstat == 0x0C


async def test_event_that_was_heard_and_not_read(tmp_path: Path) -> None:
    """A RESET between signal and read does not block later signals."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        event = await made.event(device, 0)
        orb = await put_sense_id(made, memory)
        for _ in range(2):
            assert await made.write_io(device, orb) == 124
            assert await made.do("wait", event) == 1
            assert await made.ioctl(device, Ioctl.DEVICE_RESET) == 0
        assert await made.write_io(device, orb) == 124
        assert await made.do("wait", event) == 1
        assert (await made.read_irb(device)).scsw.dstat == 0x0C
