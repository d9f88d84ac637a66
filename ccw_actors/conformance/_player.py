"""The processor that runs the script of a golden vector on a `VectorMachine`.

A `Deviation` is a respect in which a real system departs from the architecture. With
deviations, the same processor gets the values of the real system.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol, TypeAlias, cast

from ccw_actors.actors.guest import Cpu
from ccw_actors.actors.guest import instructions as execute
from ccw_actors.actors.protocol import Operate, Operation, Outcome
from ccw_actors.channel import Schib
from ccw_actors.conformance._vector_machine import VectorMachine
from ccw_actors.conformance._vectors import Entry, Instruction, address_of
from ccw_actors.errors import ProgramInterruptionError, VectorError

__all__ = ["IRB_SHOWN", "LOWCORE", "SCHIB_SHOWN", "Deviation", "Handler", "Player"]

_PRIVATE: Final = 0x3E000
_SCHIB_HERE: Final = 0x3D000
_UNTOUCHED: Final = 0xEE
LOWCORE: Final = slice(184, 196)
IRB_SHOWN: Final = 96
SCHIB_SHOWN: Final = 52
_CR6_AT_FIRST: Final = 0xFF00_0000
_POLLS: Final = {"TSCHPOLL", "TPIPOLL", "WAITIO"}
_STEPS_MAX: Final = 2000


_Patch: TypeAlias = tuple[int, bytes, bytes]
Handler: TypeAlias = Callable[["Player", Instruction, int], Entry]
"""Executes an instruction of a script; the address is that of its operand."""


class Deviation(Protocol):
    """One respect in which a real system departs from the architecture.

    `options` are those that the devices of the host get.
    """

    options: ClassVar[tuple[tuple[str, str], ...]]

    def before(self, player: "Player", one: Instruction, address: int, /) -> None:
        """Change the state before the instruction."""
        ...

    def instead(
        self, player: "Player", one: Instruction, address: int, /
    ) -> Entry | None:
        """Return what is observed if the real system does something else; else None."""
        ...

    def shown(self, player: "Player", one: Instruction, entry: Entry, /) -> Entry:
        """Return the values that the real system shows for the instruction."""
        ...

    def finish(self, player: "Player", /) -> None:
        """Change storage at the end."""
        ...


class Player:
    """A processor that runs a script; `cr6`, `cc` and the time are its state.

    `handlers` has a function for each instruction of a script. The processor is
    `prompt` when it has just taken an interruption: then it acts at once.
    """

    def __init__(
        self,
        machine: VectorMachine,
        handlers: Mapping[str, Handler],
        deviations: Sequence[Deviation] = (),
    ) -> None:
        self.machine = machine
        self._handlers = handlers
        self._deviations = deviations
        self._patches: list[_Patch] = []
        self._lasting_patches: list[_Patch] = []
        self.cr6 = _CR6_AT_FIRST
        self.cc = 0
        self.time_us = 0
        self.prompt = False
        personality = machine.personality
        self._cpu = Cpu(
            format_1_measurement=personality.format_1_measurement,
            midaws=personality.midaws,
        )
        self.store(LOWCORE.start, bytes([_UNTOUCHED]) * 12)

    def run(
        self, program: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any
    ) -> Any:
        """Run a program for a processor, while the channel does nothing."""
        coroutine = program(self._cpu, *arguments)
        outcome: Outcome | None = None
        while True:
            try:
                operation = cast("Operation", coroutine.send(outcome))
            except StopIteration as stop:
                return stop.value
            cpu = self.machine.system.ref("cpu0")
            outcome = cpu.ask(Operate(operation), block=True)

    def store(self, address: int, data: bytes) -> None:
        """Store bytes at an address."""
        self.run(_store, address, data)

    def fetch(self, address: int, length: int) -> bytes:
        """Fetch bytes from an address."""
        return cast("bytes", self.run(_fetch, address, length))

    def patch(self, address: int, data: bytes, *, lasting: bool = False) -> None:
        """Store bytes for the next instruction only, or until the end."""
        patches = self._lasting_patches if lasting else self._patches
        patches.append((address, data, self.fetch(address, len(data))))
        self.store(address, data)

    def schib(self, schid: int) -> Schib:
        """Return what STORE SUBCHANNEL shows now; zeros if it is not operational."""
        self.store(_SCHIB_HERE, bytes(SCHIB_SHOWN))
        self.run(execute.store_subchannel, schid, _SCHIB_HERE)
        return Schib.from_bytes(self.fetch(_SCHIB_HERE, SCHIB_SHOWN))

    def settle(self) -> None:
        """Let the channel work until it rests, or for a while if it never does."""
        self.machine.pace.settle(_STEPS_MAX)

    def finish(self) -> None:
        """Let the channel work until it rests, and undo lasting patches."""
        self.settle()
        for deviation in self._deviations:
            deviation.finish(self)
        self._undo(self._lasting_patches)

    def observe(self, one: Instruction) -> Entry:
        """Execute one instruction."""
        if one.op not in self._handlers:
            known = ", ".join(sorted(self._handlers))
            raise VectorError(f"instruction {one.op!r}: expected one of {known}")
        self._let_channel_work(one)
        address = _PRIVATE if one.addr is None else address_of(one.addr)
        for deviation in self._deviations:
            deviation.before(self, one, address)
        if one.addr is None:
            self.store(_PRIVATE, bytes([_UNTOUCHED]) * IRB_SHOWN)
        entry = self._execute(one, address)
        self._undo(self._patches)
        shown = self._shown(one, entry)
        if isinstance(shown.cc, int):
            self.cc = shown.cc
        return shown

    def _let_channel_work(self, one: Instruction) -> None:
        """Let the channel rest before an instruction that does not wait for it."""
        waits = one.op in _POLLS or self.prompt
        if self.machine.personality.synchronous or not waits:
            self.settle()
        self.prompt = False

    def _shown(self, one: Instruction, entry: Entry) -> Entry:
        """Return what the real system shows, and store it like the real system."""
        shown = entry
        for deviation in self._deviations:
            shown = deviation.shown(self, one, shown)
        if shown != entry and one.addr is not None:
            content = shown.irb or shown.schib or ""
            self.store(address_of(one.addr), bytes.fromhex(content))
        return shown

    def _execute(self, one: Instruction, address: int) -> Entry:
        for deviation in self._deviations:
            entry = deviation.instead(self, one, address)
            if entry is not None:
                return entry
        try:
            return self._handlers[one.op](self, one, address)
        except ProgramInterruptionError as error:
            return Entry(one.op, program_interruption=f"{error.code:04x}")

    def _undo(self, patches: list[_Patch]) -> None:
        """Put back the bytes that patches replaced, unless they have changed since."""
        while patches:
            address, data, old = patches.pop()
            if self.fetch(address, len(data)) == data:
                self.store(address, old)


async def _store(cpu: Cpu, address: int, data: bytes) -> None:
    await cpu.storage.write(address, data)


async def _fetch(cpu: Cpu, address: int, length: int) -> bytes:
    return await cpu.storage[address : address + length]
