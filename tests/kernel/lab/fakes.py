"""A machine and a debugger that do what a test says, in the places of real ones."""

from collections.abc import Sequence
from typing import Any

from ccw_actors.channel import Pmcw, Schib
from ccw_actors.errors import ActorStoppedError, DebuggerError, UnknownSymbolError
from ccw_actors.kernel.debugger import CpuStop, Member, Registers
from ccw_actors.kernel.gates import EventsCounted
from ccw_actors.kernel.lab._kernel_code import TaskOffsets
from ccw_actors.kernel.lab._order import Place

WAITS = 1 << 49
_DEVICES = 2


class FakeMachine:
    """Notes what it is told."""

    def __init__(self, devices: int = 1) -> None:
        self.devices = devices
        self.told: list[str] = []
        self.reads = 0
        self.has_begun = True
        self.has_ended = False

    def __getattr__(self, name: str) -> Any:
        return lambda device=0: self.told.append(
            f"{name} {device}" * bool(device) or name
        )

    async def count(self, device: int) -> EventsCounted:
        """Count; each look at device 0 or 1 finds one more signal and IRB read."""
        if device >= 2 * _DEVICES:
            raise ActorStoppedError("the machine has ended")
        self.reads += device < _DEVICES
        return EventsCounted(self.reads, self.reads)

    async def ended(self, timeout: float) -> bool:
        """Tell whether it has come to its end."""
        del timeout
        return self.has_ended

    async def report_path(self, *, comes: bool, device: int) -> None:
        """Note a report."""
        self.told.append(f"path of {device} {'comes' if comes else 'goes'}")

    async def schib(self, device: int) -> Schib:
        """Return an idle subchannel."""
        return Schib(Pmcw(devno=0x190 + device))


class FakeDebugger:
    """CPUs that come to the addresses that `stops` lists, one after the other."""

    cpus = (0, 1, 2)

    def __init__(self, stops: Sequence[tuple[int, int]], mask: int = 0) -> None:
        self._stops = list(stops)
        self._mask = mask
        self.resumed: list[set[int]] = []
        self.breakpoints: set[int] = set()
        self.is_detached = False
        self.memory: dict[int, bytes] = {}
        self.unreadable: set[int] = set()

    async def break_at(self, address: int) -> None:
        """Note a breakpoint."""
        self.breakpoints.add(address)

    async def clear(self, address: int) -> None:
        """Forget it."""
        self.breakpoints.discard(address)

    async def resume(self, cpus: set[int]) -> None:
        """Note which CPUs run."""
        self.resumed.append(cpus)

    async def stopped(self, timeout: float) -> CpuStop | None:
        """Return the next stop."""
        del timeout
        return CpuStop(*self._stops.pop(0), "breakpoint") if self._stops else None

    async def interrupt(self) -> None:
        """Stop all."""

    async def registers(self, cpu: int) -> Registers:
        """Return registers in which general register 2 has 0x5000."""
        del cpu
        return Registers(self._mask, 0x40, (0, 0, 0x5000, *[0] * 13))

    async def read(self, cpu: int, address: int, length: int) -> bytes:
        """Return memory."""
        del cpu
        if address in self.unreadable:
            raise DebuggerError(f"cannot read {length} bytes at {address:#x}")
        return self.memory.get(address, bytes(length))

    async def detach(self) -> None:
        """Note that all CPUs run freely."""
        self.is_detached = True


class FakeCode:
    """A kernel whose places have the addresses of `places`, by their function."""

    state_offset = 0x10
    task_offsets = TaskOffsets(0x340, 0x20, Member(0x30, 1))

    def __init__(self, places: dict[str, int]) -> None:
        self._places = places

    def find(self, place: Place) -> list[int]:
        """Return the address of a place; raise `UnknownSymbolError` if it has none."""
        if place.function not in self._places:
            raise UnknownSymbolError(place.function, f"there is no {place.function}")
        return [self._places[place.function]]

    def function(self, address: int) -> str:
        """Return a function for two addresses."""
        return {0x40: "mutex_lock", 0x80: "vfio_ccw_sch_io_todo"}.get(address, "")

    def state_name(self, value: int) -> str:
        """Return a state's name."""
        return f"state {value}"
