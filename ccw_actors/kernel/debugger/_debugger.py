"""Stops, resumes and reads CPUs of a QEMU, through its gdbstub.

What QEMU 7.2 and 10.0 do for s390x without KVM, where each CPU is a thread, and the
test in tests/kernel that shows it, of test_gdbstub.py or (K) test_debugged_kernel.py:

- `vCont;c` with some threads resumes those alone; the others keep their registers.
  `test_only_named_cpus_run`, K `test_one_cpu_alone`
- Time goes on for all while one runs: a stopped CPU's clock comparator comes due,
  pends, and interrupts it when it runs. `test_timers_of_stopped_cpus_pend`
- An I/O interruption goes to a CPU that runs and is enabled, and pends if there is
  none. `test_io_interruptions_go_to_a_running_cpu`
- A stop reply names the CPU that reached the breakpoint. `test_a_stop_names_the_cpu`
- If more than one reaches it at once, QEMU reports the last alone. The others are
  reported when they are resumed. `test_no_arrival_is_lost`
- A step takes no interruption and ignores breakpoints, so that none has to be removed
  to step over it. `test_a_step_is_one_instruction`
- A step of a waiting CPU does not end. After an interrupt such a CPU would be stepped
  later, if it were not the one that `Hc` names: an interruption wakes it, and it then
  executes what is behind its wait. `test_a_waiting_cpu_executes_nothing`
- A breakpoint (`Z1`) is an address that QEMU compares. Storage is unchanged, so that a
  function that the kernel traces and patches may have one at its entry.
  `test_a_breakpoint_is_no_change_of_storage`, K `test_a_traced_function`
- An address may be one that no CPU can reach yet. K `test_a_kernel_begins`
- While CPUs run, any byte stops all, and QEMU drops the request it begins; QEMU 10 then
  sends no stop reply either, but for an interrupt.
  `test_a_request_while_cpus_run_is_lost`
- QEMU has no `QStartNoAckMode`: each packet is acknowledged.
  `test_a_request_while_cpus_run_is_lost`
- Storage is read as the CPU would: not the kernel's by a CPU in user mode. K
  `test_a_cpu_in_user_mode`
- A second debugger is connected, and gets no answer. `test_a_second_debugger`
- Breakpoints outlive a closed connection. `test_breakpoints_outlive_a_connection`
- Numbers of registers: 0 is the PSW's mask, 1 its address, 2 to 17 are general
  registers. `test_numbers_of_registers`
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.debugger._connection import Connection

__all__ = ["CpuStop", "Debugger", "Registers", "Why"]

Why: TypeAlias = Literal["breakpoint", "step", "interrupt", "other"]
"""Why CPUs stopped.

| why | when |
|---|---|
| breakpoint | the CPU is about to execute an instruction with a breakpoint |
| step | the CPU has executed one instruction |
| interrupt | `Debugger.interrupt` stopped all |
| other | something else stopped QEMU, for example its monitor |
"""

_REGISTERS = 18
_DIGITS = 16
"""Of a register: 8 bytes, the most significant first."""

_PART = 1024
"""Bytes in one request for storage; QEMU's packets have 4096 at most."""

_INTERRUPTED = 2
"""The signal of a stop reply after an interrupt: SIGINT."""


class CpuStop(Struct, frozen=True):
    """All CPUs stopped because of `cpu`, which executes the instruction at `pc` next.

    `cpu` has no meaning after an interrupt.
    """

    cpu: int
    pc: int
    why: Why


class Registers(Struct, frozen=True):
    """Registers of a CPU: the PSW's mask and address, general registers 0 to 15."""

    psw_mask: int
    pc: int
    general: tuple[int, ...]

    @property
    def waits(self) -> bool:
        """Whether the CPU waits for an interruption: bit 14 of the PSW."""
        return bool(self.psw_mask >> 49 & 1)

    @property
    def is_user(self) -> bool:
        """Whether the CPU executes a program, not the kernel: bit 15 of the PSW."""
        return bool(self.psw_mask >> 48 & 1)


class Debugger:
    """A client of a QEMU's gdbstub; CPUs have numbers from 0.

    Either all CPUs are stopped, or those last resumed run. While a CPU runs, only
    `stopped`, `interrupt` and `close` are allowed. Every method raises `DebuggerError`
    if QEMU has ended, refuses a request or does not answer in time.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._threads: tuple[str, ...] = ()
        self._running: frozenset[int] = frozenset()
        self._breakpoints: set[int] = set()
        # Where a CPU stood when its stop was reported, until it runs again.
        self._reported: dict[int, int] = {}

    @classmethod
    async def connect(cls, path: Path, timeout: float = 10.0) -> "Debugger":
        """Connect to the gdbstub at a Unix socket, which stops all CPUs.

        `timeout` bounds each wait for an answer, in seconds.
        """
        debugger = cls(await Connection.open(path, timeout))
        try:
            await debugger._begin()
        except BaseException:
            await debugger.close()
            raise
        return debugger

    @property
    def timeout(self) -> float:
        """Seconds that each answer may take."""
        return self._connection.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._connection.timeout = seconds

    @property
    def cpus(self) -> tuple[int, ...]:
        """The numbers of all CPUs."""
        return tuple(range(len(self._threads)))

    @property
    def running(self) -> frozenset[int]:
        """The CPUs that were resumed and have not been reported stopped."""
        return self._running

    @property
    def breakpoints(self) -> frozenset[int]:
        """The addresses of all breakpoints."""
        return frozenset(self._breakpoints)

    async def break_at(self, address: int) -> None:
        """Stop each CPU that is about to execute the instruction at this address.

        Addresses are virtual, of any address space. A CPU that stands there, and whose
        stop at this address was not reported, is reported as soon as it is resumed.
        """
        if address not in self._breakpoints:
            await self._confirmed(f"Z1,{address:x},2")
            self._breakpoints.add(address)

    async def clear(self, address: int) -> None:
        """Remove a breakpoint, if there is one."""
        if address in self._breakpoints:
            await self._confirmed(f"z1,{address:x},2")
            self._breakpoints.discard(address)

    async def resume(self, cpus: Iterable[int] | None = None) -> None:
        """Let these CPUs run, by default all; the others stay stopped.

        A CPU that was reported at a breakpoint first executes that instruction alone,
        without interruptions. A CPU that reached one while another was reported is
        reported now.
        """
        self._check_stopped()
        chosen = self.cpus if cpus is None else tuple(sorted(set(cpus)))
        if not chosen:
            raise DebuggerError("resume() needs at least one CPU")
        actions = "".join(f";c:{self._thread(cpu)}" for cpu in chosen)
        for cpu in chosen:
            if self._reported.get(cpu) in self._breakpoints:
                await self._execute_one(cpu)
            self._reported.pop(cpu, None)
        self._connection.resume(f"vCont{actions}")
        self._running = frozenset(chosen)

    async def step(self, cpu: int) -> CpuStop:
        """Let a CPU execute one instruction, or begin its program interruption.

        Breakpoints do not count, I/O, external and machine-check interruptions stay
        pending. Raise `DebuggerError` if the CPU waits and so executes nothing.
        """
        self._check_stopped()
        stop = await self._execute_one(cpu)
        self._reported[cpu] = stop.pc
        return stop

    async def stopped(self, timeout: float | None = None) -> CpuStop | None:
        """Wait until a running CPU stops all, and say which; None after the timeout.

        `timeout` is in seconds, None waits forever. After None the CPUs run on.
        """
        if not self._running:
            raise DebuggerError("no CPU runs: resume() some first")
        reply = await self._stop_reply(timeout)
        return None if reply is None else await self._handle_stop(reply)

    async def interrupt(self) -> CpuStop | None:
        """Stop all CPUs; return the stop, None if all were stopped.

        If a CPU reached a breakpoint just before, it is that stop.
        """
        if not self._running:
            return None
        self._connection.interrupt()
        reply = await self._stop_reply(self.timeout)
        if reply is None:
            raise self._connection.broken("QEMU does not stop its CPUs")
        return await self._handle_stop(reply)

    async def registers(self, cpu: int) -> Registers:
        """Return the registers of a CPU."""
        await self._select(cpu)
        digits = await self._connection.ask("g")
        values = tuple(
            int(digits[place : place + _DIGITS], 16)
            for place in range(0, _REGISTERS * _DIGITS, _DIGITS)
            if not digits.startswith("E")
        )
        if len(values) != _REGISTERS:
            raise DebuggerError(f"QEMU does not tell the registers of CPU {cpu}")
        return Registers(values[0], values[1], values[2:])

    async def read(self, cpu: int, address: int, length: int) -> bytes:
        """Return storage at an address as the CPU's PSW translates it."""
        await self._select(cpu)
        parts: list[bytes] = []
        for place in range(address, address + length, _PART):
            size = min(_PART, address + length - place)
            digits = await self._connection.ask(f"m{place:x},{size:x}")
            if len(digits) != 2 * size:
                raise await self._unreachable(cpu, f"read {size} bytes at {place:#x}")
            parts.append(bytes.fromhex(digits))
        return b"".join(parts)

    async def write(self, cpu: int, address: int, data: bytes) -> None:
        """Write storage at an address as the CPU's PSW translates it.

        QEMU writes even where the CPU could not, such as in the kernel's text.
        """
        await self._select(cpu)
        for start in range(0, len(data), _PART):
            part = data[start : start + _PART]
            place = address + start
            request = f"M{place:x},{len(part):x}:{part.hex()}"
            if await self._connection.ask(request) != "OK":
                what = f"write {len(part)} bytes at {place:#x}"
                raise await self._unreachable(cpu, what)

    async def detach(self) -> None:
        """Remove all breakpoints, let all CPUs run, and close the connection."""
        await self.interrupt()
        for address in self.breakpoints:
            await self.clear(address)
        await self._confirmed("D")
        await self.close()

    async def close(self) -> None:
        """Close the connection; CPUs and breakpoints stay as they are.

        Use `detach` to leave none.
        """
        self._running = frozenset()
        await self._connection.close()

    async def _begin(self) -> None:
        features = await self._connection.ask("qSupported:vContSupported+")
        if "QStartNoAckMode+" in features.split(";"):
            await self._confirmed("QStartNoAckMode")
            self._connection.acknowledge_no_longer()
        actions = await self._connection.ask("vCont?")
        if not {"c", "s"} <= set(actions.split(";")):
            raise DebuggerError("this gdbstub cannot resume CPUs one by one (vCont)")
        self._connection.resume("?")
        if await self._connection.stop_reply(self.timeout) is None:
            raise self._connection.broken("QEMU does not stop its CPUs")
        self._threads = await self._list_threads()

    async def _list_threads(self) -> tuple[str, ...]:
        threads: list[str] = []
        answer = await self._connection.ask("qfThreadInfo")
        while answer.startswith("m"):
            threads += answer[1:].split(",")
            answer = await self._connection.ask("qsThreadInfo")
        if not threads:
            raise DebuggerError("QEMU lists no CPUs")
        return tuple(sorted(threads, key=lambda thread: int(thread, 16)))

    def _thread(self, cpu: int) -> str:
        if cpu not in self.cpus:
            raise DebuggerError(f"there is no CPU {cpu}: they are {self.cpus}")
        return self._threads[cpu]

    def _check_stopped(self) -> None:
        if self._running:
            names = ", ".join(map(str, sorted(self._running)))
            raise DebuggerError(f"CPU {names} runs: interrupt() first")

    async def _select(self, cpu: int) -> None:
        await self._confirmed(f"Hg{self._thread(cpu)}")

    async def _confirmed(self, request: str) -> None:
        self._check_stopped()
        answer = await self._connection.ask(request)
        if answer != "OK":
            raise DebuggerError(f"QEMU refuses {request!r}: {answer or 'unknown'}")

    async def _unreachable(self, cpu: int, what: str) -> DebuggerError:
        text = f"CPU {cpu} cannot {what}"
        if (await self.registers(cpu)).is_user:
            text += ": it executes a program; ask a CPU that is in the kernel"
        return DebuggerError(text)

    async def _execute_one(self, cpu: int) -> CpuStop:
        # QEMU ends the stepping of this thread alone, if it is interrupted.
        await self._confirmed(f"Hc{self._thread(cpu)}")
        self._connection.resume(f"vCont;s:{self._thread(cpu)}")
        self._running = frozenset((cpu,))
        reply = await self._stop_reply(self.timeout)
        if reply is None:
            await self.interrupt()
            raise DebuggerError(f"CPU {cpu} waits: it executes no instruction")
        stop = await self._handle_stop(reply)
        return CpuStop(stop.cpu, stop.pc, "step")

    async def _stop_reply(self, timeout: float | None) -> str | None:
        try:
            return await self._connection.stop_reply(timeout)
        except DebuggerError:  # no CPU runs any longer
            self._running = frozenset()
            raise

    async def _handle_stop(self, reply: str) -> CpuStop:
        self._running = frozenset()
        if reply.startswith(("W", "X")):
            raise self._connection.broken("QEMU has ended")
        if not reply.startswith(("T", "S")):
            raise DebuggerError(f"QEMU refuses to resume: {reply or 'unknown'}")
        signal = int(reply[1:3], 16)
        fields = dict(
            field.split(":", 1) for field in reply[3:].split(";") if ":" in field
        )
        cpu = self._cpu(fields.get("thread", self._threads[0]))
        pc = (await self.registers(cpu)).pc
        if signal == _INTERRUPTED:
            return CpuStop(cpu, pc, "interrupt")
        self._reported[cpu] = pc
        return CpuStop(cpu, pc, "breakpoint" if pc in self._breakpoints else "other")

    def _cpu(self, thread: str) -> int:
        numbers = [int(one, 16) for one in self._threads]
        number = int(thread, 16)
        if number not in numbers:
            raise DebuggerError(f"QEMU reports a stop of thread {thread}, not a CPU")
        return numbers.index(number)
