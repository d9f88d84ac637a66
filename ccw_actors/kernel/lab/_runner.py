"""Carries out an order: lets CPUs run from place to place."""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ccw_actors.channel import Schib
from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.boot import KernelMachine
from ccw_actors.kernel.debugger import Debugger, Registers
from ccw_actors.kernel.lab._harm import scsw_text
from ccw_actors.kernel.lab._kernel_code import KernelCode
from ccw_actors.kernel.lab._order import (
    KERNEL_CPU,
    Attention,
    Begin,
    Hold,
    HostStep,
    Injected,
    LookAtHost,
    Lose,
    Open,
    OrderStep,
    Place,
    ReadState,
    Release,
    Until,
)

__all__ = ["OrderEnd", "OrderRunner"]

_INJECTED: Final = 0.05
"""Seconds that QEMU has to make an interruption pending, once it has read an IRB."""
_BOOT: Final = 90.0
"""Seconds that a kernel has to boot."""
_READ_PATIENCE: Final = 5.0
_STACK: Final = 1536
"""Bytes of a stack that are searched for return addresses."""
_CALLS_MAX: Final = 12
_FIRST_ARGUMENT: Final = 2
"""The general register that has a function's first argument: the s390x ELF ABI."""


class OrderEnd(Struct, frozen=True):
    """How an order ended.

    `steps` are what was done. `failed` says what was not possible, "" if the order ran
    to its end. `excluded` says why the kernel does not let it happen, if it does not.
    `states` and `schibs` are what it has looked at.
    """

    steps: tuple[str, ...]
    states: tuple[str, ...] = ()
    schibs: tuple[Schib, ...] = ()
    failed: str = ""
    excluded: str = ""


class OrderRunner:
    """Carries out one order on a machine whose CPUs stand.

    The code of the kernel is as `code` says.
    """

    def __init__(
        self, machine: KernelMachine, debugger: Debugger, code: KernelCode
    ) -> None:
        self._machine = machine
        self._debugger = debugger
        self._code = code
        self._steps: list[str] = []
        self._states: list[str] = []
        self._schibs: list[Schib] = []
        self._parked: set[int] = set()
        self._driver: int | None = None
        self._reads = 0

    async def run(self, order: Sequence[OrderStep]) -> OrderEnd:
        """Carry out the steps; then no CPU stands and no breakpoint is left."""
        failed = excluded = ""
        for step in order:
            problem = await self._do(step)
            if problem and isinstance(step, Until) and step.why_not:
                excluded = f"{problem}: {step.why_not}"
                break
            if problem:
                failed = problem
                break
        await self._let_go()
        return OrderEnd(
            tuple(self._steps),
            tuple(self._states),
            tuple(self._schibs),
            failed,
            excluded,
        )

    async def _let_go(self) -> None:
        """Let all CPUs run freely."""
        self._machine.open_interrupt()
        self._machine.open_data()
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
            case Injected():
                return await self._injected()
            case ReadState():
                return await self._read_state()
            case LookAtHost():
                schib = await self._machine.schib()
                self._schibs.append(schib)
                self._note(f"SCSW of the host's subchannel: {scsw_text(schib.scsw)}")
            case _:
                # What comes next is counted from here.
                self._reads = (await self._machine.count()).reads
                self._note(self._host_step(step))
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

    def _host_step(self, step: HostStep) -> str:
        """Do what the host's side does; return it in words."""
        machine = self._machine
        action, words = {
            Hold("interrupt"): (machine.hold_interrupt, "interruptions are held"),
            Open("interrupt"): (
                machine.open_interrupt,
                "the interruption goes to the kernel",
            ),
            Hold("data"): (machine.hold_data, "data are held"),
            Open("data"): (machine.open_data, "the channel gets its data"),
            Attention(): (machine.show_attention, "the device shows attention"),
            Lose(): (machine.lose_device, "the device is unplugged"),
        }[step]
        action()
        return words

    def _note(self, words: str) -> None:
        self._steps.append(words)

    async def _injected(self) -> str:
        """Wait until QEMU has read one more IRB."""
        for _ in range(int(_READ_PATIENCE / 0.01)):
            if (await self._machine.count()).reads > self._reads:
                await asyncio.sleep(_INJECTED)
                return ""
            await asyncio.sleep(0.01)
        return "QEMU does not read the IRB"

    async def _begin(self, step: Begin) -> str:
        """Boot until each of these CPUs is parked at its place."""
        return await self._run_until(dict(step.places), _BOOT)

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
            calls = await self._calls(cpu, registers)
            where = f"it is in {' < '.join(calls)}"
        words = f"CPU {cpu} does not reach {place}: {where}"
        self._note(words)
        return words

    async def _calls(self, cpu: int, registers: Registers) -> list[str]:
        """Return the functions that a CPU seems to be in, the innermost first.

        Return addresses are found by what they look like: some may be old.
        """
        stack = await self._debugger.read(cpu, registers.general[15], _STACK)
        words = [
            int.from_bytes(stack[at : at + 8], "big") for at in range(0, _STACK, 8)
        ]
        names = [self._code.function(word) for word in (registers.pc, *words)]
        return list(dict.fromkeys(filter(None, names)))[:_CALLS_MAX]
