"""A Linux with two CPUs under the debugger, by the symbols of its vmlinux.

CCW_ACTORS_KERNEL names a folder of `ccw-actors kernel build`, CCW_ACTORS_QEMU another
QEMU than that on PATH.
"""

import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import pytest
from msgspec import Struct

from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.boot import Executable, archive
from ccw_actors.kernel.debugger import (
    CpuStop,
    Debugger,
    Symbols,
    kernel_slide,
    running_slide,
)
from tests.kernel.machines import BARE, COMPILER, debugged

pytestmark = pytest.mark.kernel

BOOT = 60.0
"""Seconds after which a kernel counts as hung, many times what one needs."""

GETPPID, GETUID = "__s390x_sys_getppid", "__s390x_sys_getuid"


class Kernel(Struct, frozen=True):
    """A kernel's folder and its symbols, at the addresses where it runs."""

    folder: Path
    symbols: Symbols


@pytest.fixture(scope="module")
def kernel() -> Generator[Kernel]:
    """Return the kernel under test."""
    folder = Path(os.environ.get("CCW_ACTORS_KERNEL", ""))
    if not (folder / "vmlinux").exists():
        pytest.skip("CCW_ACTORS_KERNEL is no folder of `ccw-actors kernel build`")
    with Symbols(folder / "vmlinux", kernel_slide(folder / "config")) as symbols:
        yield Kernel(folder, symbols)


@pytest.fixture(scope="module")
def initramfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an initramfs with init.c."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"apt-get install gcc-s390x-linux-gnu: there is no {COMPILER}")
    folder = tmp_path_factory.mktemp("initramfs")
    program = folder / "init"
    source = BARE / "init.c"
    subprocess.run([COMPILER, "-static", "-O1", "-o", program, source], check=True)
    target = folder / "init.cpio"
    target.write_bytes(archive({"/init": Executable(program.read_bytes())}))
    return target


@asynccontextmanager
async def booted(
    folder: Path, kernel: Kernel, initramfs: Path, append: str = ""
) -> AsyncGenerator[Debugger]:
    """Start the kernel on two CPUs, stopped before its first instruction."""
    arguments = (
        *("-smp", "2", "-kernel", kernel.folder / "bzImage", "-initrd", initramfs),
        *("-append", f"nokaslr panic=-1 {append}"),
    )
    qemu = os.environ.get("CCW_ACTORS_QEMU", "")
    async with debugged(folder, arguments, qemu) as (debugger, _):
        yield debugger


async def reach(debugger: Debugger, address: int, *cpus: int) -> CpuStop:
    """Let CPUs run until one is about to execute the instruction at an address."""
    await debugger.break_at(address)
    await debugger.resume(cpus or None)
    stop = await debugger.stopped(BOOT)
    assert stop is not None, "not reached"
    assert (stop.pc, stop.why) == (address, "breakpoint")
    await debugger.clear(address)
    return stop


@pytest.mark.asyncio
async def test_a_kernel_begins(tmp_path: Path, kernel: Kernel, initramfs: Path) -> None:
    """Functions of a kernel are reached in order, from its first on, by their names."""
    symbols = kernel.symbols
    async with booted(tmp_path, kernel, initramfs) as debugger:
        stop = await reach(debugger, symbols.address("start_kernel"))
        assert stop.cpu == 0
        assert symbols.where(stop.pc).startswith("start_kernel at init/main.c:")
        for name in ("rest_init", "kernel_init", "schedule"):
            await reach(debugger, symbols.address(name))
        assert await running_slide(debugger, symbols) == symbols.slide


@pytest.mark.asyncio
async def test_calls_and_inlined_bodies(
    tmp_path: Path, kernel: Kernel, initramfs: Path
) -> None:
    """A call leads to its callee and comes back behind; an inlined body is executed."""
    symbols = kernel.symbols
    async with booted(tmp_path, kernel, initramfs) as debugger:
        (call,) = symbols.calls("kernel_init", "kernel_init_freeable")
        (after,) = symbols.after_calls("kernel_init", "kernel_init_freeable")
        cpu = (await reach(debugger, call)).cpu
        stop = await debugger.step(cpu)
        assert stop == CpuStop(cpu, symbols.address("kernel_init_freeable"), "step")
        assert (await debugger.registers(cpu)).general[14] == after
        bodies = symbols.entries("do_basic_setup")
        assert len(bodies) == 1
        await reach(debugger, bodies[0])
        await reach(debugger, after)


@pytest.mark.asyncio
async def test_one_cpu_alone(tmp_path: Path, kernel: Kernel, initramfs: Path) -> None:
    """A system call on CPU 1 comes again and again while CPU 0 executes nothing."""
    getppid = kernel.symbols.address(GETPPID)
    getuid = kernel.symbols.address(GETUID)
    async with booted(tmp_path, kernel, initramfs) as debugger:
        assert (await reach(debugger, getppid)).cpu in {0, 1}
        assert (await reach(debugger, getuid)).cpu == 0
        assert (await reach(debugger, getppid, 1)).cpu == 1
        before = await debugger.registers(0)
        await debugger.break_at(getppid)
        await debugger.break_at(getuid)
        for _ in range(20):
            await debugger.resume([1])
            assert await debugger.stopped(BOOT) == CpuStop(1, getppid, "breakpoint")
        assert await debugger.registers(0) == before
        await debugger.resume([0])
        assert await debugger.stopped(BOOT) == CpuStop(0, getuid, "breakpoint")


@pytest.mark.asyncio
async def test_a_traced_function(
    tmp_path: Path, kernel: Kernel, initramfs: Path
) -> None:
    """A breakpoint at an entry is hit though the kernel patches the code there."""
    getppid = kernel.symbols.address(GETPPID)
    async with booted(tmp_path, kernel, initramfs) as debugger:
        await reach(debugger, kernel.symbols.address("kernel_init"))
        plain = await debugger.read(0, getppid, 6)
    (tmp_path / "gdb").unlink(missing_ok=True)
    async with booted(tmp_path, kernel, initramfs, "ftrace=function") as debugger:
        stop = await reach(debugger, getppid)
        assert await debugger.read(stop.cpu, getppid, 6) != plain


@pytest.mark.asyncio
async def test_members_of_structures(
    tmp_path: Path, kernel: Kernel, initramfs: Path
) -> None:
    """Variables of the kernel are read by the offsets of their members."""
    symbols = kernel.symbols
    async with booted(tmp_path, kernel, initramfs) as debugger:
        await reach(debugger, symbols.address("kernel_init"))
        task = symbols.variable("init_task")
        member = symbols.member("task_struct", "comm")
        name = await debugger.read(0, task + member.offset, member.size)
        assert name.rstrip(b"\0") == b"swapper/0"
        names = symbols.variable("init_uts_ns")
        place = symbols.offset("uts_namespace", "name.machine")
        assert await debugger.read(0, names + place, 6) == b"s390x\0"


@pytest.mark.asyncio
async def test_a_cpu_in_user_mode(
    tmp_path: Path, kernel: Kernel, initramfs: Path
) -> None:
    """A CPU that executes a program does not reach the kernel's storage."""
    symbols = kernel.symbols
    async with booted(tmp_path, kernel, initramfs) as debugger:
        await reach(debugger, symbols.address(GETUID))
        await reach(debugger, symbols.address(GETPPID), 1)
        for _ in range(5000):
            if (await debugger.registers(1)).is_user:
                break
            await debugger.step(1)
        with pytest.raises(DebuggerError, match=r"CPU 1 cannot read .*: it executes a"):
            await debugger.read(1, symbols.variable("init_task"), 8)
        assert await debugger.read(0, symbols.variable("init_task"), 8)


def test_questions_are_fast(kernel: Kernel) -> None:
    """What a scenario asks for takes less than three seconds, with a new reader."""
    before = perf_counter()
    with Symbols(kernel.folder / "vmlinux") as symbols:
        assert symbols.calls("vfio_ccw_sch_io_todo", "cp_free")
        assert symbols.entries("fsm_io_helper")
        assert symbols.entries("fsm_do_clear")
        state = symbols.member("vfio_ccw_private", "state")
        assert state.size == 4
        assert symbols.offset("vfio_ccw_private", "io_work.data") > state.offset
        assert symbols.member("vfio_ccw_private", "cp.initialized").size == 1
        assert symbols.where(symbols.address("cp_free")).startswith(
            "cp_free at drivers/s390/cio/vfio_ccw_cp.c:"
        )
    assert perf_counter() - before < 3
