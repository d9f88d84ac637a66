"""Programs without an operating system on a real QEMU, with a debugger attached."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccw_actors.kernel.debugger import Debugger

__all__ = ["BARE", "COMPILER", "compile_bare", "debugged"]

BARE = Path(__file__).parent / "bare"
COMPILER = "s390x-linux-gnu-gcc"
OPTIONS = (
    *("-g", "-O1", "-march=z900", "-m64", "-ffreestanding", "-fno-pic", "-no-pie"),
    *("-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Wall", "-Werror"),
    *("-nostdlib", "-static", "-Wl,-Ttext=0x20000,--build-id=none"),
)
MACHINE = (
    *("-machine", "s390-ccw-virtio", "-accel", "tcg", "-m", "512"),
    *("-nodefaults", "-display", "none", "-S"),
)
START = 20.0
"""Seconds after which QEMU counts as hung when it starts."""


def compile_bare(name: str, folder: Path) -> Path:
    """Compile a program of tests/kernel/bare, or skip the test."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"apt-get install gcc-s390x-linux-gnu: there is no {COMPILER}")
    target = folder / name
    subprocess.run([COMPILER, *OPTIONS, "-o", target, BARE / f"{name}.c"], check=True)
    return target


@asynccontextmanager
async def debugged(
    folder: Path, arguments: Sequence[str | Path], qemu: Path | str = ""
) -> AsyncGenerator[tuple[Debugger, asyncio.subprocess.Process]]:
    """Start a QEMU whose CPUs are stopped, with a debugger attached; end it after."""
    binary = qemu or shutil.which("qemu-system-s390x")
    if not binary:
        pytest.skip("apt-get install qemu-system-misc: there is no qemu-system-s390x")
    socket = folder / "gdb"
    gdb = ("-gdb", f"unix:{socket},server=on,wait=off")
    process = await asyncio.create_subprocess_exec(binary, *MACHINE, *gdb, *arguments)
    try:
        async with asyncio.timeout(START):
            while not socket.exists():
                assert process.returncode is None, "QEMU has ended"
                await asyncio.sleep(0.02)
        debugger = await Debugger.connect(socket)
        yield debugger, process
        await debugger.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
