"""Carries out an order: lets CPUs run from place to place."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct

from ccw_actors.channel import Schib
from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.boot import KernelMachine
from ccw_actors.kernel.debugger import Debugger
from ccw_actors.kernel.lab._host_side import BOOT, HostSide
from ccw_actors.kernel.lab._kernel_code import KernelCode
from ccw_actors.kernel.lab._order import (
    KERNEL_CPU,
    Begin,
    Follow,
    LookAtTask,
    OrderStep,
    Place,
    ReadState,
    Release,
    Until,
)

__all__ = ["OrderEnd", "OrderRunner"]

_STACK: Final = 1536
"""Bytes of a stack that are searched for return addresses."""
_STACK_END: Final = 4096
"""A stack ends at a multiple of this address."""
_CALLS_MAX: Final = 12
_FIRST_ARGUMENT: Final = 2
"""The general register that has a function's first argument: the s390x ELF ABI."""


class OrderEnd(Struct, frozen=True):
    """How an order ended.

    `steps` are what was done. `failed` says what was not possible, "" if the order ran
    to its end. `excluded` says why the kernel does not let it happen, if it does not.
    `states`, `schibs` and `tasks` are what it has looked at.
    """

    steps: tuple[str, ...]
    states: tuple[str, ...] = ()
    schibs: tuple[Schib, ...] = ()
    tasks: tuple[str, ...] = ()
    failed: str = ""
    excluded: str = ""

    @property
    def ran(self) -> bool:
        """Whether each step was carried out."""
        return not self.failed and not self.excluded


class OrderRunner:
    """Carries out one order on a machine whose CPUs stand.

    The code of the kernel is as `code` says.
    """

    def __init__(
        self, machine: KernelMachine, debugger: Debugger, code: KernelCode
    ) -> None:
        self._machine = machine
        self._host = HostSide(machine)
        self._debugger = debugger
        self._code = code
        self._states: list[str] = []
        self._tasks: list[str] = []
        self._parked: set[int] = set()
        self._driver: int | None = None
        self._task: int | None = None
        self._task_cpu = KERNEL_CPU

    async def run(self, order: Sequence[OrderStep]) -> OrderEnd:
        """Carry out the steps; then no CPU stands and no breakpoint is left."""
        try:
            failed, excluded = await self._do_all(order)
        except DebuggerError as error:
            failed, excluded = str(error), ""
        await self._let_go()
        return OrderEnd(
            tuple(self._host.steps),
            tuple(self._states),
            tuple(self._host.schibs),
            tuple(self._tasks),
            failed,
            excluded,
        )

    async def _do_all(self, order: Sequence[OrderStep]) -> tuple[str, str]:
        """Carry out the steps; return why that failed, and why it is excluded."""
        for step in order:
            problem = await self._do(step)
            if problem and isinstance(step, Until) and step.why_not:
                return "", f"{problem}: {step.why_not}"
            if problem:
                return problem, ""
        return "", ""

    async def _let_go(self) -> None:
        """Let all CPUs run freely."""
        self._machine.open_all()
        await self._debugger.detach()

    async def _do(self, step: OrderStep) -> str:
        """Carry out a step; return what went wrong, "" if nothing."""
        match step:
            case Begin():
                return await self._begin(step)
            case Until():
                return await self._until(step)
            case Release(cpu):
                self._parked.discard(cpu)
            case ReadState():
                return await self._read_state()
            case Follow(cpu):
                await self._follow(cpu)
            case LookAtTask():
                return await self._look_at_task()
            case _:
                return await self._host.do(step)
        return ""

    async def _read_state(self) -> str:
        """Note the driver's state."""
        if self._driver is None:
            return "no place of the order has the driver's state at hand"
        address = self._driver + self._code.state_offset
        word = await self._debugger.read(KERNEL_CPU, address, 4)
        state = self._code.state_name(int.from_bytes(word, "big"))
        self._states.append(state)
        self._note(f"private->state is {state}")
        return ""

    def _note(self, words: str) -> None:
        self._host.steps.append(words)

    async def _begin(self, step: Begin) -> str:
        """Boot until each of these CPUs is parked at its place."""
        return await self._run_until(dict(step.places), BOOT)

    async def _until(self, step: Until) -> str:
        """Let a CPU run until it is parked at a place."""
        return await self._run_until({step.cpu: step.place}, step.patience)

    async def _run_until(self, wanted: dict[int, Place], patience: float) -> str:
        """Let these CPUs run until all are parked; return why they are not."""
        debugger = self._debugger
        found = {cpu: self._code.find(place) for cpu, place in wanted.items()}
        self._parked -= set(wanted)
        addresses = {address for places in found.values() for address in places}
        for address in addresses:
            await debugger.break_at(address)
        try:
            await self._park(wanted, found, patience)
        finally:
            for address in addresses:
                await debugger.clear(address)
        late = next((cpu for cpu in wanted if cpu not in self._parked), None)
        return "" if late is None else await self._not_reached(late, wanted[late])

    async def _park(
        self,
        wanted: dict[int, Place],
        found: dict[int, Sequence[int]],
        patience: float,
    ) -> None:
        """Let CPUs run, and park those that reach their places, for a time."""
        debugger = self._debugger
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while not set(wanted) <= self._parked and loop.time() < end:
            await debugger.resume(set(debugger.cpus) - self._parked)
            stop = await debugger.stopped(end - loop.time())
            if stop is None:
                stop = await debugger.interrupt()
            if stop is not None and stop.pc in found.get(stop.cpu, ()):
                self._parked.add(stop.cpu)
                place = wanted[stop.cpu]
                self._note(f"CPU {stop.cpu} is at {place}")
                await self._note_driver(stop.cpu, place)

    async def _note_driver(self, cpu: int, place: Place) -> None:
        """Note where the driver's state is, if the place has it in a register."""
        if not place.calls and place.function.startswith("fsm_"):
            registers = await self._debugger.registers(cpu)
            self._driver = registers.general[_FIRST_ARGUMENT]

    async def _not_reached(self, cpu: int, place: Place) -> str:
        """Say where the CPU is that has not come to its place."""
        try:
            registers = await self._debugger.registers(cpu)
        except DebuggerError as error:
            return str(error)
        if registers.waits:
            where = "it waits"
        else:
            calls = await self._calls(cpu, registers.general[15], registers.pc)
            where = f"it is in {calls}"
        words = f"CPU {cpu} does not reach {place}: {where}"
        self._note(words)
        return words

    async def _calls(self, cpu: int, stack: int, pc: int = 0) -> str:
        """Return the functions that a stack seems to be of, the innermost first.

        `cpu` can read the stack. Return addresses are found by what they look like:
        some may be old.
        """
        # A task's stack ends with a page, and nothing may be behind it.
        size = min(_STACK, _STACK_END - stack % _STACK_END)
        content = await self._debugger.read(cpu, stack, size)
        with suppress(DebuggerError):
            content += await self._debugger.read(cpu, stack + size, _STACK - size)
        words = [
            int.from_bytes(content[at : at + 8], "big")
            for at in range(0, len(content), 8)
        ]
        names = [self._code.function(word) for word in (pc, *words)]
        return " < ".join(list(dict.fromkeys(filter(None, names)))[:_CALLS_MAX])

    # -- tasks -------------------------------------------------------------------------

    async def _follow(self, cpu: int) -> None:
        """Remember the task of a CPU that is in the kernel."""
        self._task_cpu = cpu
        self._task = await self._word(cpu, self._code.task_offsets.current)

    async def _look_at_task(self) -> str:
        """Note what the remembered task is in."""
        if self._task is None:
            return "the order remembers no task"
        reader = min(self._parked, default=self._task_cpu)
        offsets = self._code.task_offsets
        flag = offsets.is_executing
        executing = await self._word(reader, self._task + flag.offset, flag.size)
        if executing:
            registers = await self._debugger.registers(self._task_cpu)
            stack, pc = registers.general[15], registers.pc
        else:
            stack, pc = await self._word(reader, self._task + offsets.stack_pointer), 0
        calls = await self._calls(reader, stack, pc)
        state = "executes" if executing else "sleeps"
        self._tasks.append(calls)
        self._note(f"the task that is followed {state}: it is in {calls}")
        return ""

    async def _word(self, cpu: int, address: int, length: int = 8) -> int:
        """Return a number of the kernel's storage."""
        return int.from_bytes(await self._debugger.read(cpu, address, length), "big")
