"""Storage in a process's memory: its ranges, its pages, its end."""

import ctypes
import errno
import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ccw_actors.actors.protocol import (
    Area,
    Piece,
    ReadStorage,
    StorageData,
    StorageWritten,
    WriteStorage,
)
from ccw_actors.channel import Ccw, StorageCheck
from ccw_actors.vfio import ClientProcess
from ccw_actors.vfio._memory import ProcessMemory, read_memory, write_memory
from tests.vfio.programs import IOVA, SIZE, opened, put_program, put_read, put_sense_id
from tests.vfio.rig import PAGE, Rig, descriptors, rig

_MPROTECT, _NONE, _READ, _BOTH = 10, 0, 1, 3
_SENSE_ID: Final = 0xE4
_LAST_PID: Final = Path("/proc/sys/kernel/ns_last_pid")


class Own:
    """Memory of this process, whose pages may be protected."""

    def __init__(self, pages: int) -> None:
        self._area = mmap.mmap(-1, pages * PAGE)
        self._view = (ctypes.c_char * (pages * PAGE)).from_buffer(self._area)
        self.address = ctypes.addressof(self._view)

    def protect(self, page: int, access: int) -> None:
        """Set the protection of a page."""
        libc = ctypes.CDLL(None, use_errno=True)
        at = ctypes.c_void_p(self.address + page * PAGE)
        assert libc.mprotect(at, ctypes.c_size_t(PAGE), access) == 0

    def close(self) -> None:
        """Unmap the memory."""
        del self._view
        self._area.close()


# -- memory ----------------------------------------------------------------------------


def test_spans() -> None:
    """Spans are read and written one behind the other, more than IOV_MAX of them."""
    own = Own(4)
    spans = [(own.address + at * 5, 3) for at in range(2500)]
    data = bytes(range(250)) * 30
    assert write_memory(os.getpid(), spans, data) == len(data)
    assert read_memory(os.getpid(), spans) == data
    assert read_memory(os.getpid(), [(own.address, 5)]) == data[:3] + bytes(2)
    own.close()


@pytest.mark.parametrize("count", [10, 2500])
def test_span_that_cannot_be_read(count: int) -> None:
    """A read ends at memory that cannot be read, and does not skip it."""
    own = Own(3)
    own.protect(1, _NONE)
    spans = [(own.address + 2 * PAGE, 1)] * count
    spans[count // 2] = (own.address + PAGE, 1)
    assert len(read_memory(os.getpid(), spans)) == count // 2
    written = write_memory(os.getpid(), spans, b"x" * count)
    assert written == count // 2
    assert read_memory(os.getpid(), [(own.address, 2 * PAGE)]) == bytes(PAGE)
    own.close()


def test_page_that_is_protected() -> None:
    """The protection of a process's pages also holds for us."""
    own = Own(3)
    own.protect(1, _READ)
    data = b"\xff" * (3 * PAGE)
    assert write_memory(os.getpid(), [(own.address, 3 * PAGE)], data) == PAGE
    pages = read_memory(os.getpid(), [(own.address, 3 * PAGE)])
    assert pages == data[:PAGE] + bytes(2 * PAGE)
    own.close()


def test_number_of_another_process() -> None:
    """Memory is that of one process, not of another that has its number later."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    memory = ProcessMemory(child.pid)
    assert memory.is_there()
    child.kill()
    child.wait()
    assert child.stdin is not None
    child.stdin.close()
    assert not memory.is_there()
    other = _process_numbered(child.pid)
    try:
        assert not memory.is_there()
        with pytest.raises(ProcessLookupError):
            memory.read([(1 << 12, 1)])
        with pytest.raises(ProcessLookupError):
            memory.write([(1 << 12, 1)], b"x")
    finally:
        memory.close()
        if other is not None:
            os.kill(other, signal.SIGKILL)
            os.waitpid(other, 0)
    if other is None:
        pytest.skip("a pid cannot be used again here; all other checks passed")


_SHARES_ITS_MEMORY = """
import ctypes
libc = ctypes.CDLL(None)
stack = ctypes.create_string_buffer(1 << 16)
top = ctypes.c_void_p(ctypes.addressof(stack) + (1 << 16) & ~15)
pause = ctypes.cast(libc.pause, ctypes.c_void_p)
CLONE_VM, SIGCHLD = 0x100, 17
print(libc.clone(pause, top, CLONE_VM | SIGCHLD, None), flush=True)
input()
"""


def test_memory_that_outlives_its_process() -> None:
    """When the process has ended, its memory is gone, even if another one shares it."""
    with subprocess.Popen(
        [sys.executable, "-c", _SHARES_ITS_MEMORY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        other = int(process.stdout.readline())
        memory = ProcessMemory(process.pid)
        assert memory.is_there()
        process.kill()
        process.wait()
        try:
            os.kill(other, 0)
            assert not memory.is_there()
        finally:
            os.kill(other, signal.SIGKILL)
            memory.close()


def _process_numbered(number: int) -> int | None:
    """Fork a process with that number, if the kernel allows it."""
    for _ in range(50):
        try:
            _LAST_PID.write_text(str(number - 1))
        except OSError:
            return None
        child = os.fork()
        if not child:
            signal.pause()
            os._exit(0)
        if child == number:
            return child
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return None


def test_program_of_a_process() -> None:
    """Memory is that of one program, not of one that the process executes later."""
    with subprocess.Popen(
        ["/bin/sh", "-c", "read line; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        memory = ProcessMemory(process.pid)
        assert memory.is_there()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"go\nit is cat\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"it is cat\n"
        with pytest.raises(ProcessLookupError, match="executed"):
            memory.read([(1 << 12, 1)])
        memory.close()
        process.kill()


def test_process_that_is_not_there() -> None:
    """A process that does not exist is ESRCH."""
    with pytest.raises(ProcessLookupError):
        ProcessMemory(1 << 22)


# -- ranges ----------------------------------------------------------------------------


async def read(made: Rig, *areas: Area) -> StorageData:
    """Read as a channel reads, with its own IOMMU."""
    data: StorageData = await made.storage.ask(ReadStorage(1, areas))
    return data


async def write(made: Rig, *pieces: Piece) -> StorageWritten:
    """Write."""
    written: StorageWritten = await made.storage.ask(WriteStorage(1, pieces))
    return written


async def ranges(made: Rig) -> tuple[int, int]:
    """Map pages 0, 2 and 1 of a memory of 4 at 0, PAGE and 2 * PAGE."""
    container, _ = await made.open_container()
    memory = await made.do("map", 4 * PAGE)
    for at, page in enumerate((0, 2, 1)):
        vaddr = memory + page * PAGE
        assert await made.map(container, at * PAGE, vaddr, PAGE) == 0
    return container, int(memory)


@pytest.mark.asyncio
async def test_across_ranges(tmp_path: Path) -> None:
    """An area across several ranges is read and written as one."""
    async with rig(tmp_path) as made:
        _, memory = await ranges(made)
        data = bytes(range(256)) * 32
        written = await write(made, Piece(PAGE // 2, data))
        assert written == StorageWritten(1, len(data))
        half = PAGE // 2
        assert await made.do("peek", memory + half, half) == data[:half].hex()
        middle = data[half : half + PAGE].hex()
        assert await made.do("peek", memory + 2 * PAGE, PAGE) == middle
        assert await made.do("peek", memory + PAGE, half) == data[half + PAGE :].hex()
        got = await read(made, Area(PAGE // 2, len(data)), Area(PAGE - 1, 2))
        assert got.parts == (data, data[half - 1 : half + 1])
        assert got.check is None


@pytest.mark.asyncio
async def test_what_is_in_no_range(tmp_path: Path) -> None:
    """An area is read up to the first gap; a piece with a gap is not written at all."""
    async with rig(tmp_path) as made:
        _, memory = await ranges(made)
        await made.do("poke", memory + PAGE, "ab" * PAGE)
        got = await read(made, Area(3 * PAGE - 4, 8), Area(0, 2))
        assert got.parts == (b"\xab" * 4, bytes(2))
        assert got.check is StorageCheck.ADDRESSING
        first, second = Piece(0, b"one"), Piece(3 * PAGE - 4, b"not at all")
        written = await write(made, first, second, Piece(8, b"nor this"))
        assert written == StorageWritten(1, 3, StorageCheck.ADDRESSING)
        assert await made.do("peek", memory, 16) == b"one".ljust(16, b"\0").hex()
        assert await made.do("peek", memory + 2 * PAGE - 4, 4) == "ab" * 4


@pytest.mark.asyncio
async def test_range_that_may_not_be_written(tmp_path: Path) -> None:
    """A range without WRITE is not written to, and one without READ not read."""
    async with rig(tmp_path) as made:
        container, _ = await made.open_container()
        memory = await made.do("map", 2 * PAGE)
        assert await made.map(container, 0, memory, PAGE, 1) == 0
        assert await made.map(container, PAGE, memory + PAGE, PAGE, 2) == 0
        written = await write(made, Piece(PAGE - 2, b"four"))
        assert written == StorageWritten(1, 0, StorageCheck.PROTECTION)
        got = await read(made, Area(PAGE - 2, 4))
        assert (got.parts, got.check) == ((bytes(2),), StorageCheck.PROTECTION)
        assert await made.do("peek", memory, 2 * PAGE) == bytes(2 * PAGE).hex()


@pytest.mark.asyncio
@pytest.mark.parametrize("access", [_NONE, _READ])
async def test_page_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: int
) -> None:
    """A page that the process protects is a channel-data check; the process ends.

    Nothing is stored in that page, nor behind it.
    """
    killed: list[ClientProcess] = []

    def kill(client: ClientProcess) -> None:
        killed.append(client)  # the unmapping takes time

    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        other = await made.do("map", 3 * PAGE)
        assert await made.map(container, 0x100000, other, 3 * PAGE) == 0
        event = await made.event(device, 0)
        await made.do("mprotect", other + PAGE, PAGE, access)
        flags = Ccw.suppress_length.mask
        orb = await put_program(
            made, memory, Ccw(_SENSE_ID, flags, 7, 0x100000 + PAGE - 3)
        )
        with monkeypatch.context() as patch:
            patch.setattr(ClientProcess, "_kill", kill)
            assert await made.write_io(device, orb) == 124
            assert await made.do("wait", event) == 1
            irb = await made.read_irb(device)
        assert irb.scsw.cstat & 0x08
        assert killed
        await made.do("mprotect", other + PAGE, PAGE, _BOTH)
        assert await made.do("peek", other + PAGE, 2 * PAGE) == "00" * 2 * PAGE
        os.kill(made.pid, signal.SIGKILL)
        report = await made.ended()
        assert report.error is not None
        assert f"memory of process {made.pid} within a range of MAP_DMA" in report.error


@pytest.mark.asyncio
async def test_process_that_ends_under_way(tmp_path: Path) -> None:
    """Data that arrive after the end of the process are dropped."""
    async with rig(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        os.kill(made.pid, signal.SIGKILL)
        report = await made.ended()
        assert report.error is not None
        await made.let_go()
        assert (await made.host_schib()).scsw.actl == 0


@pytest.mark.asyncio
async def test_unmap_of_another_range(tmp_path: Path) -> None:
    """UNMAP_DMA of a range that a program does not use leaves the program alone."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        other = await made.do("map", PAGE)
        assert await made.map(container, 0x100000, other, PAGE) == 0
        event = await made.event(device, 0)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        assert await made.unmap(container, 0x100000, PAGE) == (0, PAGE)
        assert (await made.host_schib()).scsw.actl
        await made.let_go()
        assert await made.do("wait", event) == 1


@pytest.mark.asyncio
async def test_unmap_and_map_under_way(tmp_path: Path) -> None:
    """A new range at the place of an unmapped one is not touched by the old user."""
    async with rig(tmp_path) as made:
        container, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        assert await made.unmap(container, 0, 0, 2) == (0, SIZE)
        other = await made.do("map", SIZE)
        await made.do("poke", other, "a5" * SIZE)
        await made.do("poke", memory, "5a" * SIZE)
        assert await made.map(container, IOVA, other, SIZE) == 0
        await made.let_go()
        assert await made.do("peek", other, SIZE) == "a5" * SIZE
        assert await made.do("peek", memory, SIZE) == "5a" * SIZE
        await made.read_irb(device)  # of the ended program, if any
        event = await made.event(device, 0)
        orb = await put_sense_id(made, other)
        assert await made.write_io(device, orb) == 124
        assert await made.do("wait", event) == 1


@pytest.mark.asyncio
async def test_many_ranges(tmp_path: Path) -> None:
    """Ranges are found whatever their order, and unmapped by an area of them."""
    async with rig(tmp_path) as made:
        container, _ = await made.open_container()
        memory = await made.do("map", PAGE)
        before = descriptors()
        for at in (7, 3, 5, 1, 9):
            assert await made.map(container, at * PAGE, memory, PAGE) == 0
        assert descriptors() == before + 2  # of the process, and of its memory
        assert await made.map(container, 0, memory, 2 * PAGE) == -errno.EEXIST
        assert await made.unmap(container, 0, 4 * PAGE) == (0, 2 * PAGE)
        assert await made.unmap(container, 5 * PAGE, PAGE) == (0, PAGE)
        assert await made.map(container, 2 * PAGE, memory, PAGE) == 0
        assert await made.unmap(container, 0, 1 << 63) == (0, 3 * PAGE)
        assert descriptors() == before
