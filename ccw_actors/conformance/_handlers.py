"""The instructions in the script of a golden vector: what each does and shows."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ccw_actors.actors.guest import Cpu
from ccw_actors.actors.guest import instructions as execute
from ccw_actors.conformance._player import (
    IRB_SHOWN,
    LOWCORE,
    SCHIB_SHOWN,
    Handler,
    Player,
)
from ccw_actors.conformance._vectors import Entry, Instruction, address_of

__all__ = ["HANDLERS"]

_DATA_SHOWN: Final = 16
_POLLS_MAX: Final = 4000
_ENABLED_PSW: Final = "0200100180000000"
"""The old PSW of the program that ran on the real systems."""


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
    return Entry(one.op, cc, schib=player.fetch(address, SCHIB_SHOWN).hex())


def _tsch(player: Player, one: Instruction, address: int) -> Entry:
    cc = player.run(execute.test_subchannel, _gr1(one), address)
    return Entry(one.op, cc, irb=player.fetch(address, IRB_SHOWN).hex())


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
    lowcore = player.fetch(LOWCORE.start, LOWCORE.stop - LOWCORE.start).hex()
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


HANDLERS: Final[dict[str, Handler]] = {
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
