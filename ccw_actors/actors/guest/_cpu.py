"""The CPU of a guest program: I/O instructions, waiting, storage.

A program comes in three forms. As data it is a sequence of `Operation`. As `async def
program(cpu)` it awaits the methods of `Cpu`. As plain `def program(cpu)` it calls the
same methods of `BlockingCpu`, which block, and lives in a thread.
"""

import math
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from ccw_actors.actors.protocol import (
    AwaitStatus,
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    Fetch,
    HaltSubchannel,
    InsertKey,
    Instruct,
    Instruction,
    InstructSubsystem,
    Interruption,
    ModifySubchannel,
    NoInterruption,
    Operate,
    Operation,
    Outcome,
    ResumeSubchannel,
    SetKey,
    StartSubchannel,
    Stopped,
    StorageData,
    StorageKey,
    Store,
    Stored,
    StoreSubchannel,
    SubsystemInstruction,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import InterruptionCode, Orb, Pmcw
from ccw_actors.errors import ProgramError, ProgramInterruptionError
from ccw_actors.runtime import ActorRef

__all__ = ["BlockingCpu", "BlockingStorage", "Cpu", "CpuStorage"]

P = ParamSpec("P")
T = TypeVar("T")


@types.coroutine
def _do(operation: Operation) -> Generator[Operation, Outcome, Outcome]:
    outcome = yield operation
    if type(outcome) is Stopped:
        raise ProgramInterruptionError(outcome.code, outcome.reason)
    return outcome


class CpuStorage:
    """The guest's storage; every access is a message to it and an answer.

    Accesses outside the guest's storage raise `ProgramInterruptionError`.
    """

    def __getitem__(self, area: slice) -> Awaitable[bytes]:
        """Read: `await cpu.storage[a:b]` gives the bytes from a up to b."""
        start, length = _bounds(area)
        return self._read(start, length)

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes."""
        await _do(Store(address, data))

    async def set_key(self, address: int, key: int) -> None:
        """SSKE: give the page of an address a key (access control, F, R, C, 0)."""
        await _do(SetKey(address, key))

    async def key(self, address: int) -> int:
        """ISKE: return the key of the page of an address."""
        outcome = await _do(InsertKey(address))
        assert isinstance(outcome, StorageKey)
        assert outcome.key is not None, "a page that does not exist has raised before"
        return outcome.key

    async def _read(self, address: int, length: int) -> bytes:
        outcome = await _do(Fetch(address, length))
        assert isinstance(outcome, StorageData)
        return outcome.parts[0]


class Cpu:
    """A virtual CPU, for programs that are coroutines.

    `subchannel` is a subchannel number (of subchannel set 0), or in general what
    `SubchannelId.index` gives. A condition code is 0 to 3; PoP says under each
    instruction what it means. `ccw_actors.actors.guest.instructions` has the
    instructions with their operands in storage. Without `format_1_measurement` these
    refuse MBFC, and without `midaws` the ORB's D.
    """

    def __init__(
        self, *, format_1_measurement: bool = True, midaws: bool = False
    ) -> None:
        self.storage = CpuStorage()
        self.format_1_measurement = format_1_measurement
        self.midaws = midaws

    async def start(self, subchannel: int, orb: Orb) -> int:
        """START SUBCHANNEL; returns the condition code.

        Raises `ProgramError` for an ORB that is an operand exception.
        """
        return await self._instruct(subchannel, StartSubchannel(orb))

    async def halt(self, subchannel: int) -> int:
        """HALT SUBCHANNEL; returns the condition code."""
        return await self._instruct(subchannel, HaltSubchannel())

    async def clear(self, subchannel: int) -> int:
        """CLEAR SUBCHANNEL; returns the condition code."""
        return await self._instruct(subchannel, ClearSubchannel())

    async def resume(self, subchannel: int) -> int:
        """RESUME SUBCHANNEL; returns the condition code."""
        return await self._instruct(subchannel, ResumeSubchannel())

    async def cancel(self, subchannel: int) -> int:
        """CANCEL SUBCHANNEL; returns the condition code."""
        return await self._instruct(subchannel, CancelSubchannel())

    async def modify(self, subchannel: int, pmcw: Pmcw, mba: int = 0) -> int:
        """MODIFY SUBCHANNEL; returns the condition code.

        Raises `ProgramError` for a PMCW that is an operand exception.
        """
        return await self._instruct(subchannel, ModifySubchannel(pmcw, mba))

    async def test(self, subchannel: int) -> Tested:
        """TEST SUBCHANNEL; with `cc` 1 no status was pending, but `irb` is valid."""
        outcome = await _do(Instruct(subchannel, TestSubchannel()))
        assert isinstance(outcome, Tested)
        return outcome

    async def store(self, subchannel: int) -> Stored:
        """STORE SUBCHANNEL; `cc` 3 if there is no such subchannel."""
        outcome = await _do(Instruct(subchannel, StoreSubchannel()))
        assert isinstance(outcome, Stored)
        return outcome

    async def subsystem(self, instruction: SubsystemInstruction) -> Outcome:
        """Issue an instruction that names no subchannel; return its answer."""
        return await _do(InstructSubsystem(instruction))

    async def wait(
        self, timeout: float | None = None, mask: int = 0xFF
    ) -> InterruptionCode | None:
        """Wait until an I/O interruption is taken, as in an enabled wait.

        Interruption subclasses are enabled by `mask`, bit 0 leftmost of 8. Without a
        `timeout` (in seconds of the System's clock) the wait is endless. Returns None
        after the `timeout`.
        """
        outcome = await _do(AwaitStatus(timeout, mask))
        if type(outcome) is NoInterruption:
            return None
        assert isinstance(outcome, Interruption)
        return outcome.code

    async def _instruct(self, subchannel: int, instruction: Instruction) -> int:
        outcome = await _do(Instruct(subchannel, instruction))
        assert isinstance(outcome, ConditionCode)
        return outcome.cc


class BlockingStorage:
    """The guest's storage, for programs that block."""

    def __init__(self, cpu: "BlockingCpu") -> None:
        self._cpu = cpu

    def __getitem__(self, area: slice) -> bytes:
        """Read the bytes `cpu.storage[a:b]`."""
        start, length = _bounds(area)
        return self._cpu.run(_read, start, length)

    def __setitem__(self, area: slice, data: bytes) -> None:
        """Write `cpu.storage[a:b] = data`; b may be left out."""
        start, length = _bounds(
            area if area.stop is not None else slice(area.start, area.start + len(data))
        )
        if length != len(data):
            raise ProgramError(
                f"got {len(data)} bytes for {length} bytes of storage, expected as many"
            )
        self._cpu.run(_write, start, data)


class BlockingCpu:
    """A virtual CPU, for programs that block in their own thread.

    The methods are those of `Cpu`, without `await`. `guest` executes the operations.
    """

    def __init__(self, guest: ActorRef[Operate]) -> None:
        self._guest = guest
        self._cpu = Cpu()
        self.storage = BlockingStorage(self)

    def run(
        self,
        program: Callable[Concatenate[Cpu, P], Coroutine[Any, Any, T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a program written for `Cpu` on this one, blocking until it has ended."""
        coroutine = program(self._cpu, *args, **kwargs)
        outcome: Outcome | None = None
        while True:
            try:
                operation = cast("Operation", coroutine.send(outcome))
            except StopIteration as stop:
                return cast("T", stop.value)
            timeout = math.inf if isinstance(operation, AwaitStatus) else None
            outcome = self._guest.ask(Operate(operation), block=True, timeout=timeout)

    def start(self, subchannel: int, orb: Orb) -> int:
        """See `Cpu.start`."""
        return self.run(Cpu.start, subchannel, orb)

    def halt(self, subchannel: int) -> int:
        """See `Cpu.halt`."""
        return self.run(Cpu.halt, subchannel)

    def clear(self, subchannel: int) -> int:
        """See `Cpu.clear`."""
        return self.run(Cpu.clear, subchannel)

    def resume(self, subchannel: int) -> int:
        """See `Cpu.resume`."""
        return self.run(Cpu.resume, subchannel)

    def cancel(self, subchannel: int) -> int:
        """See `Cpu.cancel`."""
        return self.run(Cpu.cancel, subchannel)

    def modify(self, subchannel: int, pmcw: Pmcw, mba: int = 0) -> int:
        """See `Cpu.modify`."""
        return self.run(Cpu.modify, subchannel, pmcw, mba)

    def test(self, subchannel: int) -> Tested:
        """See `Cpu.test`."""
        return self.run(Cpu.test, subchannel)

    def store(self, subchannel: int) -> Stored:
        """See `Cpu.store`."""
        return self.run(Cpu.store, subchannel)

    def subsystem(self, instruction: SubsystemInstruction) -> Outcome:
        """See `Cpu.subsystem`."""
        return self.run(Cpu.subsystem, instruction)

    def wait(
        self, timeout: float | None = None, mask: int = 0xFF
    ) -> InterruptionCode | None:
        """See `Cpu.wait`."""
        return self.run(Cpu.wait, timeout, mask)


async def _read(cpu: Cpu, address: int, length: int) -> bytes:
    return await cpu.storage[address : address + length]


async def _write(cpu: Cpu, address: int, data: bytes) -> None:
    await cpu.storage.write(address, data)


def _bounds(area: slice) -> tuple[int, int]:
    start, stop = area.start or 0, area.stop
    if stop is None or area.step is not None or not 0 <= start <= stop:
        raise ProgramError(f"expected storage[a:b] with 0 <= a <= b, got {area}")
    return start, stop - start
