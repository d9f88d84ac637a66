"""What QEMU's gdbstub does for s390x: the table in the debugger's docstring."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.debugger import CpuStop, Debugger, Symbols
from tests.kernel.fake_stub import packet
from tests.kernel.machines import compile_bare, debugged

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio]

Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CPUS = (0, 1, 2)
LONG = 0.3
"""Seconds in which a CPU counts far, and its clock comparator comes often."""

ENOUGH = 10.0
"""Seconds after which a stop that must come counts as lost."""


class Three:
    """The program three.c, with its counters."""

    def __init__(self, debugger: Debugger, program: Path) -> None:
        self.debugger = debugger
        self.symbols = Symbols(program)
        self.count = self.symbols.address("count")

    def variable(self, name: str) -> int:
        """Return where a variable is."""
        return self.symbols.variable(name)

    async def values(self, name: str) -> list[int]:
        """Return one doubleword for each CPU."""
        data = await self.debugger.read(0, self.variable(name), 24)
        return [int.from_bytes(data[at : at + 8], "big") for at in (0, 8, 16)]

    async def set(self, name: str) -> None:
        """Set a variable to 1."""
        await self.debugger.write(0, self.variable(name), (1).to_bytes(8, "big"))

    async def run(self, cpus: tuple[int, ...] = CPUS) -> CpuStop | None:
        """Let CPUs run for a while, then stop all."""
        await self.debugger.resume(cpus)
        stop = await self.debugger.stopped(LONG)
        assert stop is None, stop
        return await self.debugger.interrupt()

    async def change(self, name: str, cpus: tuple[int, ...]) -> list[int]:
        """Return how far each CPU counts while these run."""
        before = await self.values(name)
        await self.run(cpus)
        return [b - a for a, b in zip(before, await self.values(name), strict=True)]


@asynccontextmanager
async def three(folder: Path) -> AsyncGenerator[Three]:
    """Start three.c on three CPUs, and let each count."""
    program = compile_bare("three", folder)
    device = ("-device", "virtio-rng-ccw,devno=fe.0.0001")
    arguments = ("-smp", "3", "-kernel", program, *device)
    qemu = os.environ.get("CCW_ACTORS_QEMU", "")
    async with AsyncExitStack() as stack:
        debugger, _ = await stack.enter_async_context(debugged(folder, arguments, qemu))
        machine = Three(debugger, program)
        stack.callback(machine.symbols.close)
        await machine.run()
        assert all(await machine.values("counters"))
        yield machine


async def test_only_named_cpus_run(tmp_path: Path) -> None:
    """A CPU that is not resumed executes nothing, and its registers stay."""
    async with three(tmp_path) as machine:
        assert machine.debugger.cpus == CPUS
        for cpu in CPUS:
            others = [one for one in CPUS if one != cpu]
            before = [await machine.debugger.registers(one) for one in others]
            counted = await machine.change("counters", (cpu,))
            after = [await machine.debugger.registers(one) for one in others]
            assert counted[cpu] > 0
            assert [counted[one] for one in others] == [0, 0]
            assert before == after


async def test_timers_of_stopped_cpus_pend(tmp_path: Path) -> None:
    """A stopped CPU's clock comparator comes due, and interrupts that CPU alone."""
    async with three(tmp_path) as machine:
        await machine.debugger.break_at(machine.count)
        await machine.debugger.resume([0])
        assert await machine.debugger.stopped(ENOUGH) is not None
        await machine.debugger.clear(machine.count)
        ticks = await machine.change("ticks", (1,))
        assert ticks[1] > 1
        assert (ticks[0], ticks[2]) == (0, 0)
        # CPU 0 stands before its next count, and is interrupted there at once.
        before = await machine.values("counters")
        await machine.debugger.break_at(machine.symbols.address("tick"))
        await machine.debugger.resume([0])
        stop = await machine.debugger.stopped(ENOUGH)
        assert stop == CpuStop(0, machine.symbols.address("tick"), "breakpoint")
        assert await machine.values("counters") == before


async def test_io_interruptions_go_to_a_running_cpu(tmp_path: Path) -> None:
    """An I/O interruption waits for an enabled CPU that runs, whichever that is."""
    async with three(tmp_path) as machine:
        await machine.set("starts")
        assert await machine.change("statuses", (1,)) == [0, 0, 0]
        assert await machine.change("statuses", (2,)) == [0, 0, 1]
        await machine.set("starts")
        assert await machine.change("statuses", (0, 1)) == [1, 0, 0]


async def test_a_stop_names_the_cpu(tmp_path: Path) -> None:
    """A CPU resumed at a breakpoint executes that instruction, then comes back."""
    async with three(tmp_path) as machine:
        await machine.debugger.break_at(machine.count)
        for cpu in (2, 0, 1, 1):
            before = await machine.values("counters")
            for _ in range(3):
                await machine.debugger.resume([cpu])
                stop = await machine.debugger.stopped(ENOUGH)
                assert stop == CpuStop(cpu, machine.count, "breakpoint")
            after = await machine.values("counters")
            counted = [b - a for a, b in zip(before, after, strict=True)]
            assert counted[cpu] in {2, 3}
            assert sum(counted) == counted[cpu]


async def test_no_arrival_is_lost(tmp_path: Path) -> None:
    """Of CPUs that reach a breakpoint at the same time each is reported once."""
    async with three(tmp_path) as machine:
        await machine.debugger.break_at(machine.count)
        before = await machine.values("counters")
        seen = [0, 0, 0]
        for _ in range(60):
            await machine.debugger.resume()
            stop = await machine.debugger.stopped(ENOUGH)
            assert stop is not None
            seen[stop.cpu] += 1
        after = await machine.values("counters")
        for cpu in CPUS:
            standing = (await machine.debugger.registers(cpu)).pc
            in_count = machine.count < standing < machine.count + 0x20
            # The last arrival has not counted, and another may be on its way to.
            assert 0 <= seen[cpu] - (after[cpu] - before[cpu]) <= 1 + in_count


async def test_a_step_is_one_instruction(tmp_path: Path) -> None:
    """A step ignores breakpoints and interruptions; other CPUs stay stopped."""
    async with three(tmp_path) as machine:
        await machine.debugger.break_at(machine.count)
        await machine.debugger.resume([1])
        await machine.debugger.stopped(ENOUGH)
        await machine.debugger.break_at(machine.count + 6)
        before = await machine.values("ticks"), await machine.values("counters")
        for place in (6, 12, 18, 22, 28):
            stop = await machine.debugger.step(1)
            assert stop == CpuStop(1, machine.count + place, "step")
        for _ in range(200):
            await machine.debugger.step(1)
        ticks, counters = (
            await machine.values("ticks"),
            await machine.values("counters"),
        )
        assert ticks == before[0]
        assert counters[1] > before[1][1]
        assert counters[::2] == before[1][::2]


async def test_a_waiting_cpu_executes_nothing(tmp_path: Path) -> None:
    """A step of a CPU in the wait state is an error, after which all are stopped."""
    async with three(tmp_path) as machine:
        await machine.set("sleeps")
        await machine.run((2,))
        assert (await machine.debugger.registers(2)).waits
        machine.debugger.timeout = LONG
        with pytest.raises(DebuggerError, match="CPU 2 waits: it executes no"):
            await machine.debugger.step(2)
        assert not machine.debugger.running
        # Nor is it stepped later, when an interruption ends its wait.
        await machine.set("starts")
        assert await machine.change("statuses", (1, 2)) == [0, 0, 1]


async def test_a_breakpoint_is_no_change_of_storage(tmp_path: Path) -> None:
    """A breakpoint is at an address, whatever the bytes there."""
    async with three(tmp_path) as machine:
        before = await machine.debugger.read(0, machine.count, 6)
        await machine.debugger.break_at(machine.count)
        assert await machine.debugger.read(0, machine.count, 6) == before
        await machine.debugger.clear(machine.count)
        assert await machine.run((1,)) is not None


async def test_while_cpus_run_only_an_interrupt_is_sent(tmp_path: Path) -> None:
    """A request while CPUs run is an error: QEMU would stop them and drop it."""
    async with three(tmp_path) as machine:
        await machine.debugger.resume([1])
        for call in (
            machine.debugger.break_at(machine.count),
            machine.debugger.registers(1),
            machine.debugger.step(1),
            machine.debugger.resume([2]),
        ):
            with pytest.raises(DebuggerError, match="CPU 1 runs: interrupt"):
                await call
        assert await machine.debugger.stopped(LONG) is None
        stop = await machine.debugger.interrupt()
        assert stop is not None
        assert stop.why == "interrupt"


async def test_a_dead_qemu(tmp_path: Path) -> None:
    """Every call after QEMU's end raises one error that says so, at once."""
    program = compile_bare("three", tmp_path)
    arguments = ("-smp", "3", "-kernel", program)
    async with debugged(tmp_path, arguments) as (debugger, process):
        await debugger.resume()
        process.kill()
        with pytest.raises(DebuggerError, match="QEMU has ended"):
            await debugger.stopped(ENOUGH)
        with pytest.raises(DebuggerError, match="QEMU has ended"):
            await debugger.registers(0)
        await process.wait()
        with pytest.raises(DebuggerError, match="no gdbstub answers"):
            await Debugger.connect(tmp_path / "gdb")


async def _talk(stream: Stream, request: str) -> bytes:
    """Send a request as it is, and return the payload of what comes first."""
    stream[1].write(packet(request))
    return await _payload(stream)


async def _payload(stream: Stream) -> bytes:
    reader, writer = stream
    async with asyncio.timeout(ENOUGH):
        await reader.readuntil(b"$")
        payload = (await reader.readuntil(b"#"))[:-1]
        await reader.readexactly(2)
    writer.write(b"+")
    return payload


async def test_a_request_while_cpus_run_is_lost(tmp_path: Path) -> None:
    """QEMU stops all CPUs for a request's first byte, and does not answer it."""
    async with three(tmp_path) as machine:
        await machine.debugger.close()
        stream = await asyncio.open_unix_connection(tmp_path / "gdb")
        assert b"QStartNoAckMode" not in await _talk(stream, "qSupported")
        stream[1].write(packet("vCont;c"))
        await asyncio.sleep(LONG)
        stream[1].write(packet(f"Z1,{machine.count:x},2"))
        await asyncio.sleep(LONG)
        answer = await _talk(stream, "qqemu.PhyMemMode")
        if answer.startswith(b"T02"):  # before QEMU 10
            answer = await _payload(stream)
        # That is of the second request. All CPUs are stopped, without a breakpoint.
        assert answer == b"0"
        stream[1].close()
        machine.debugger = await Debugger.connect(tmp_path / "gdb")
        assert await machine.run() is not None
        await machine.debugger.close()


async def test_a_second_debugger(tmp_path: Path) -> None:
    """QEMU talks to one debugger; another waits without a result, and is told so."""
    async with three(tmp_path) as machine:
        with pytest.raises(DebuggerError, match="no answer to 'qSupported"):
            await Debugger.connect(tmp_path / "gdb", timeout=LONG)
        assert await machine.run() is not None


async def test_breakpoints_outlive_a_connection(tmp_path: Path) -> None:
    """Breakpoints stay after `close`, and `detach` leaves none."""
    async with three(tmp_path) as machine:
        await machine.debugger.break_at(machine.count)
        await machine.debugger.close()
        machine.debugger = await Debugger.connect(tmp_path / "gdb")
        await machine.debugger.resume([1])
        stop = await machine.debugger.stopped(ENOUGH)
        assert stop == CpuStop(1, machine.count, "other")
        await machine.debugger.break_at(machine.count)
        await machine.debugger.detach()
        machine.debugger = await Debugger.connect(tmp_path / "gdb")
        assert await machine.run() is not None
        await machine.debugger.close()


async def test_numbers_of_registers(tmp_path: Path) -> None:
    """QEMU describes its registers in the order in which the debugger reads them."""
    async with three(tmp_path) as machine:
        await machine.debugger.close()
        stream = await asyncio.open_unix_connection(tmp_path / "gdb")
        await _talk(stream, "qSupported:qXfer:features:read+")
        request = "qXfer:features:read:s390x-core64.xml:0,ffb"
        names = re.findall(
            rb'<reg name="(\w+)" bitsize="64"', await _talk(stream, request)
        )
        general = [b"r%d" % number for number in range(16)]
        assert names == [b"pswm", b"pswa", *general]
        stream[1].close()
