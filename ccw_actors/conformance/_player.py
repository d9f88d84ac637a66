"""The processor that runs the script of a golden vector on a `VectorMachine`.

What a real system does that the architecture does not allow is a `Deviation`: with
those, the same processor gets what the real system gave.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast

from msgspec.structs import replace

from ccw_actors.actors.guest import Cpu
from ccw_actors.actors.guest import instructions as execute
from ccw_actors.actors.protocol import Operate, Operation, Outcome
from ccw_actors.channel import Schib
from ccw_actors.conformance._vector_machine import VectorMachine
from ccw_actors.conformance._vectors import Entry, Instruction, address_of
from ccw_actors.errors import ProgramInterruptionError, VectorError

__all__ = ["Deviation", "Player"]

_PRIVATE: Final = 0x3E000
_SCHIB_HERE: Final = 0x3D000
_UNTOUCHED: Final = 0xEE
_LOWCORE: Final = slice(184, 196)
_IRB_SHOWN: Final = 96
_SCHIB_SHOWN: Final = 52
_DATA_SHOWN: Final = 16
_CR6_AT_FIRST: Final = 0xFF00_0000
_STEPS_MAX: Final = 2000
_POLLS_MAX: Final = 4000
_ENABLED_PSW: Final = "0200100180000000"
"""Old PSW of the program that real systems were observed with."""


_Patch: TypeAlias = tuple[int, bytes, bytes]


class Deviation(Protocol):
    """One respect in which a real system departs from the architecture."""

    def before(self, player: "Player", one: Instruction, address: int, /) -> None:
        """Change what the instruction is about to meet."""
        ...

    def instead(
        self, player: "Player", one: Instruction, address: int, /
    ) -> Entry | None:
        """Give what is observed if the real system does something else altogether."""
        ...

    def shown(self, player: "Player", one: Instruction, entry: Entry, /) -> Entry:
        """Change what is observed of the instruction."""
        ...

    def finish(self, player: "Player", /) -> None:
        """Change what is in storage at the end."""
        ...


class Player:
    """A processor that runs a script; `cr6`, `cc` and the time are its state.

    It is `prompt` when an interruption has just been taken: then it acts at once.
    """

    def __init__(
        self, machine: VectorMachine, deviations: Sequence[Deviation] = ()
    ) -> None:
        self.machine = machine
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
        self.store(_LOWCORE.start, bytes([_UNTOUCHED]) * 12)

    def run(
        self, program: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any
    ) -> Any:
        """Run what is written for a processor; the channel does nothing meanwhile."""
        coroutine = program(self._cpu, *arguments)
        outcome: Outcome | None = None
        while True:
            try:
                operation = cast("Operation", coroutine.send(outcome))
            except StopIteration as stop:
                return stop.value
            cpu = self.machine.system.ref("cpu")
            outcome = cpu.ask(Operate(operation), block=True)

    def store(self, address: int, data: bytes) -> None:
        """Store bytes."""
        self.run(_store, address, data)

    def fetch(self, address: int, length: int) -> bytes:
        """Fetch bytes."""
        return cast("bytes", self.run(_fetch, address, length))

    def patch(self, address: int, data: bytes, *, lasting: bool = False) -> None:
        """Store bytes for the next instruction only, or until the end."""
        patches = self._lasting_patches if lasting else self._patches
        patches.append((address, data, self.fetch(address, len(data))))
        self.store(address, data)

    def schib(self, schid: int) -> Schib:
        """Return what STORE SUBCHANNEL shows now; zeros if it is not operational."""
        self.store(_SCHIB_HERE, bytes(_SCHIB_SHOWN))
        self.run(execute.store_subchannel, schid, _SCHIB_HERE)
        return Schib.from_bytes(self.fetch(_SCHIB_HERE, _SCHIB_SHOWN))

    def settle(self) -> None:
        """Let the channel work until it rests, or for a while if it never does."""
        self.machine.pace.settle(_STEPS_MAX)

    def finish(self) -> None:
        """Let the channel come to rest, and undo what is left of patches."""
        self.settle()
        for deviation in self._deviations:
            deviation.finish(self)
        self._undo(self._lasting_patches)

    def observe(self, one: Instruction) -> Entry:
        """Execute one instruction."""
        if one.op not in _HANDLERS:
            known = ", ".join(sorted(_HANDLERS))
            raise VectorError(f"instruction {one.op!r}: expected one of {known}")
        if self.machine.personality.synchronous or not (
            one.op in _POLLS or self.prompt
        ):
            self.settle()
        self.prompt = False
        address = _PRIVATE if one.addr is None else address_of(one.addr)
        for deviation in self._deviations:
            deviation.before(self, one, address)
        if one.addr is None:
            self.store(_PRIVATE, bytes([_UNTOUCHED]) * _IRB_SHOWN)
        entry = self._execute(one, address)
        self._undo(self._patches)
        shown = entry
        for deviation in self._deviations:
            shown = deviation.shown(self, one, shown)
        if shown != entry and one.addr is not None:
            self.store(address, bytes.fromhex(shown.irb or shown.schib or ""))
        if isinstance(shown.cc, int):
            self.cc = shown.cc
        return shown

    def _execute(self, one: Instruction, address: int) -> Entry:
        for deviation in self._deviations:
            entry = deviation.instead(self, one, address)
            if entry is not None:
                return entry
        try:
            return _HANDLERS[one.op](self, one, address)
        except ProgramInterruptionError as error:
            return Entry(one.op, program_interruption=f"{error.code:04x}")

    def _undo(self, patches: list[_Patch]) -> None:
        """Put back what patches have replaced, if it has not changed since."""
        while patches:
            address, data, old = patches.pop()
            if self.fetch(address, len(data)) == data:
                self.store(address, old)


Handler = Callable[[Player, Instruction, int], Entry]


async def _store(cpu: Cpu, address: int, data: bytes) -> None:
    await cpu.storage.write(address, data)


async def _fetch(cpu: Cpu, address: int, length: int) -> bytes:
    return await cpu.storage[address : address + length]


def _gr1(one: Instruction) -> int:
    return address_of(one.gr1)


def _with_operand(program: Callable[[Cpu, int, int], Any]) -> Handler:
    def handler(player: Player, one: Instruction, address: int) -> Entry:
        return Entry(one.op, player.run(program, _gr1(one), address))

    return handler


def _without_operand(program: Callable[[Cpu, int], Any]) -> Handler:
    def handler(player: Player, one: Instruction, _address: int) -> Entry:
        return Entry(one.op, player.run(program, _gr1(one)))

    return handler


def _stsch(player: Player, one: Instruction, address: int) -> Entry:
    cc = player.run(execute.store_subchannel, _gr1(one), address)
    return Entry(one.op, cc, schib=player.fetch(address, _SCHIB_SHOWN).hex())


def _tsch(player: Player, one: Instruction, address: int) -> Entry:
    cc = player.run(execute.test_subchannel, _gr1(one), address)
    return Entry(one.op, cc, irb=player.fetch(address, _IRB_SHOWN).hex())


def _tsch_poll(player: Player, one: Instruction, address: int) -> Entry:
    """TSCH until there is status; the channel works one step at a time."""
    entry = _tsch(player, one, address)
    for _ in range(_POLLS_MAX):
        if entry.cc == 0:
            return entry
        if not player.machine.pace.run_channel():
            break
        entry = _tsch(player, one, address)
    player.time_us += one.timeout_us
    return replace(entry, cc="timeout")


def _tpi(player: Player, one: Instruction, address: int) -> Entry:
    cc = player.run(execute.test_pending_interruption, player.cr6, address)
    lowcore = player.fetch(_LOWCORE.start, _LOWCORE.stop - _LOWCORE.start).hex()
    return Entry(one.op, cc, lowcore_184_195=lowcore)


def _tpi_poll(player: Player, one: Instruction, address: int) -> Entry:
    entry = _tpi(player, one, address)
    for _ in range(_POLLS_MAX):
        if entry.cc or not player.machine.pace.run_channel():
            break
        entry = _tpi(player, one, address)
    return entry


def _wait(player: Player, one: Instruction, _address: int) -> Entry:
    """Take the next interruption, as soon as the channel has one."""
    for _ in range(_POLLS_MAX):
        taken = _tpi(player, one, 0)
        if taken.cc:
            player.prompt = True
            return Entry(
                one.op,
                interrupted=True,
                interruption_code=taken.lowcore_184_195,
                old_psw_mask=_ENABLED_PSW,
            )
        if not player.machine.pace.run_channel():
            break
    player.time_us += one.timeout_us
    player.machine.operator_acts(player.time_us)
    return Entry(one.op, interrupted=False)


def _delay(player: Player, one: Instruction, _address: int) -> Entry:
    player.time_us += one.timeout_us
    player.machine.operator_acts(player.time_us)
    player.settle()
    return Entry(one.op)


def _move(player: Player, one: Instruction, address: int) -> Entry:
    player.store(address, player.fetch(address_of(one.src or ""), one.len))
    return Entry(one.op)


def _set_key(player: Player, one: Instruction, address: int) -> Entry:
    async def program(cpu: Cpu) -> None:
        await cpu.storage.set_key(address, _gr1(one) & 0xFE)

    player.run(program)
    return Entry(one.op)


def _insert_key(player: Player, one: Instruction, address: int) -> Entry:
    async def program(cpu: Cpu) -> int:
        return await cpu.storage.key(address)

    return Entry(one.op, key=f"{player.run(program):02x}")


def _set_cr6(player: Player, one: Instruction, _address: int) -> Entry:
    player.cr6 = _gr1(one)
    return Entry(one.op)


def _stcrw(player: Player, one: Instruction, address: int) -> Entry:
    cc = player.run(execute.store_channel_report_word, address)
    return Entry(one.op, cc, data=player.fetch(address, _DATA_SHOWN).hex())


def _rchp(player: Player, one: Instruction, address: int) -> Entry:
    cc = player.run(execute.reset_channel_path, _gr1(one))
    return Entry(one.op, cc, data=player.fetch(address, _DATA_SHOWN).hex())


def _sal(player: Player, one: Instruction, _address: int) -> Entry:
    player.run(execute.set_address_limit, _gr1(one))
    return Entry(one.op, player.cc)


def _schm(player: Player, one: Instruction, address: int) -> Entry:
    player.run(execute.set_channel_monitor, _gr1(one), address)
    return Entry(one.op, player.cc)


def _stcps(player: Player, one: Instruction, address: int) -> Entry:
    player.run(execute.store_channel_path_status, address)
    return Entry(one.op, player.cc)


def _chsc(player: Player, one: Instruction, address: int) -> Entry:
    return Entry(one.op, player.run(execute.channel_subsystem_call, address))


_POLLS: Final = {"TSCHPOLL", "TPIPOLL", "WAITIO"}
_HANDLERS: Final[dict[str, Handler]] = {
    "CHSC": _chsc,
    "CR6": _set_cr6,
    "CSCH": _without_operand(execute.clear_subchannel),
    "DELAY": _delay,
    "HSCH": _without_operand(execute.halt_subchannel),
    "ISKE": _insert_key,
    "MOVE": _move,
    "MSCH": _with_operand(execute.modify_subchannel),
    "RCHP": _rchp,
    "RSCH": _without_operand(execute.resume_subchannel),
    "SAL": _sal,
    "SCHM": _schm,
    "SSCH": _with_operand(execute.start_subchannel),
    "SSKE": _set_key,
    "STCPS": _stcps,
    "STCRW": _stcrw,
    "STSCH": _stsch,
    "TPI": _tpi,
    "TPIPOLL": _tpi_poll,
    "TSCH": _tsch,
    "TSCHPOLL": _tsch_poll,
    "WAITIO": _wait,
    "XSCH": _without_operand(execute.cancel_subchannel),
}
