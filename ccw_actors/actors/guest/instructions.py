"""I/O instructions as a processor executes them: operands in storage, exceptions.

Each takes the processor, general register 1 if the instruction uses it, and an operand
address. It returns the condition code, or None if the instruction sets none. It raises
`ProgramInterruptionError` with code 5 (addressing), 6 (specification) or 21 (operand)
before it has any effect. The table has the priority of exceptions; all have priority
over condition code 3.

| instruction | first | then | then |
|---|---|---|---|
| SSCH, MSCH | 6: not on a word | 5 | 21: register 1, or the operand |
| STSCH, TSCH | 6: not on a word | 21: register 1 | 5 |
| HSCH, CSCH, RSCH, XSCH | 21: register 1 | | |
| TPI, STCRW | 6: not on a word | 5 | |
| RCHP, SAL, SCHM | 21: the registers | | |
| STCPS | 6: not on 32 bytes | 5 | |
| CHSC | 6: not on a page | 5 | 21: the length of the request |

Source: PoP, chapter "I/O Instructions"; QEMU target/s390x/ioinst.c; Linux
drivers/s390/cio/ioasm.c.
"""

from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

from ccw_actors.actors.guest._cpu import Cpu
from ccw_actors.actors.protocol import (
    CallChannelSubsystem,
    ChannelSubsystemCalled,
    ConditionCode,
    CrwStored,
    Interruption,
    PathStatus,
    ResetChannelPath,
    SetAddressLimit,
    SetChannelMonitor,
    StoreChannelPathStatus,
    StoreChannelReportWord,
    TestPendingInterruption,
)
from ccw_actors.channel import (
    SCHIB_LENGTH,
    Cc,
    Orb,
    ProgramException,
    Schib,
    SubchannelId,
    chsc,
)
from ccw_actors.channel.crw import CRW_LENGTH
from ccw_actors.channel.interruption import LOWCORE_CODE
from ccw_actors.errors import ProgramInterruptionError

__all__ = [
    "INSTRUCTIONS",
    "cancel_subchannel",
    "channel_subsystem_call",
    "clear_subchannel",
    "halt_subchannel",
    "modify_subchannel",
    "reset_channel_path",
    "resume_subchannel",
    "set_address_limit",
    "set_channel_monitor",
    "start_subchannel",
    "store_channel_path_status",
    "store_channel_report_word",
    "store_subchannel",
    "test_pending_interruption",
    "test_subchannel",
]

_ORB_LENGTH = 32
_IRB_LENGTH = 64
_SHORT_CODE_LENGTH = 8
_PATHS_LENGTH = 32
_WORD = 4

_RCHP_RESERVED = 0xFF00_FF00
_SAL_RESERVED = 0x8000_FFFF
_SCHM_RESERVED = 0x0FFF_FFFC
_SCHM_UPDATE = 0x0000_0002
_ORIGIN_RESERVED = 0x1F


async def start_subchannel(cpu: Cpu, gr1: int, address: int) -> int:
    """SSCH with the 32-byte ORB at `address`."""
    raw = await _operand(cpu, address, _ORB_LENGTH)
    index = _subchannel(gr1)
    orb = Orb.from_bytes(raw)
    _refuse(orb.invalid(midaws=cpu.midaws))
    return await cpu.start(index, orb)


async def modify_subchannel(cpu: Cpu, gr1: int, address: int) -> int:
    """MSCH with the 52-byte SCHIB at `address`."""
    raw = await _operand(cpu, address, SCHIB_LENGTH)
    index = _subchannel(gr1)
    schib = Schib.from_bytes(raw)
    _refuse(schib.invalid(format_1_measurement=cpu.format_1_measurement))
    return await cpu.modify(index, schib.pmcw, schib.mba)


async def store_subchannel(cpu: Cpu, gr1: int, address: int) -> int:
    """STSCH: store the SCHIB (52 bytes); with condition code 3 nothing."""
    _aligned(address, _WORD)
    index = _subchannel(gr1)
    await _operand(cpu, address, SCHIB_LENGTH)
    stored = await cpu.store(index)
    if stored.cc == Cc.DONE:
        await cpu.storage.write(address, stored.schib.to_bytes())
    return stored.cc


async def test_subchannel(cpu: Cpu, gr1: int, address: int) -> int:
    """TSCH: store the IRB (64 bytes); with condition code 3 nothing."""
    _aligned(address, _WORD)
    index = _subchannel(gr1)
    await _operand(cpu, address, _IRB_LENGTH)
    tested = await cpu.test(index)
    if tested.cc != Cc.NOT_OPERATIONAL:
        await cpu.storage.write(address, tested.irb.to_bytes())
    return tested.cc


async def halt_subchannel(cpu: Cpu, gr1: int) -> int:
    """HSCH."""
    return await cpu.halt(_subchannel(gr1))


async def clear_subchannel(cpu: Cpu, gr1: int) -> int:
    """CSCH."""
    return await cpu.clear(_subchannel(gr1))


async def resume_subchannel(cpu: Cpu, gr1: int) -> int:
    """RSCH."""
    return await cpu.resume(_subchannel(gr1))


async def cancel_subchannel(cpu: Cpu, gr1: int) -> int:
    """XSCH."""
    return await cpu.cancel(_subchannel(gr1))


async def test_pending_interruption(cpu: Cpu, cr6: int, address: int) -> int:
    """TPI with the subclasses that control register 6 (its low word) enables.

    The code goes to `address` (8 bytes), or to absolute location B8 (12 bytes) if that
    is zero.
    """
    _aligned(address, _WORD)
    if address:
        await _operand(cpu, address, _SHORT_CODE_LENGTH)
    found = await cpu.subsystem(TestPendingInterruption(cr6 >> 24))
    if not isinstance(found, Interruption):
        return 0
    code = found.code.to_bytes()
    if address:
        await cpu.storage.write(address, code[:_SHORT_CODE_LENGTH])
    else:
        await cpu.storage.write(LOWCORE_CODE, code)
    return 1


async def store_channel_report_word(cpu: Cpu, address: int) -> int:
    """STCRW: store a CRW (4 bytes), or zeros with condition code 1."""
    _aligned(address, _WORD)
    await _operand(cpu, address, CRW_LENGTH)
    stored = await cpu.subsystem(StoreChannelReportWord())
    assert isinstance(stored, CrwStored)
    raw = bytes(CRW_LENGTH) if stored.crw is None else stored.crw.to_bytes()
    await cpu.storage.write(address, raw)
    return stored.cc


async def reset_channel_path(cpu: Cpu, gr1: int) -> int:
    """RCHP: register 1 has the channel subsystem in byte 1, the path in byte 3."""
    if gr1 & _RCHP_RESERVED:
        _refuse(f"channel-path id {gr1:#010x}: bytes 0 and 2 must be zero")
    if gr1 >> 16:
        return Cc.NOT_OPERATIONAL
    outcome = await cpu.subsystem(ResetChannelPath(gr1 & 0xFF))
    assert isinstance(outcome, ConditionCode)
    return outcome.cc


async def set_address_limit(cpu: Cpu, gr1: int) -> None:
    """SAL: the limit is a multiple of 64 KiB below 2 GiB."""
    if gr1 & _SAL_RESERVED:
        _refuse(f"address limit {gr1:#010x}: bits 0 and 16-31 must be zero")
    await cpu.subsystem(SetAddressLimit(gr1))


async def set_channel_monitor(cpu: Cpu, gr1: int, gr2: int) -> None:
    """SCHM: register 2 is the measurement-block origin, if blocks are updated.

    Only the count of START and RESUME is updated; times are not measured.
    """
    if gr1 & _SCHM_RESERVED:
        _refuse(f"SCHM register 1 {gr1:#010x}: bits 4-29 must be zero")
    updates = bool(gr1 & _SCHM_UPDATE)
    if updates and gr2 & _ORIGIN_RESERVED:
        _refuse(f"measurement-block origin {gr2:#x}: expected a multiple of 32")
    await cpu.subsystem(SetChannelMonitor(gr2 if updates else None))


async def store_channel_path_status(cpu: Cpu, address: int) -> None:
    """STCPS: store which channel paths are active (32 bytes)."""
    _aligned(address, _PATHS_LENGTH)
    await _operand(cpu, address, _PATHS_LENGTH)
    status = await cpu.subsystem(StoreChannelPathStatus())
    assert isinstance(status, PathStatus)
    await cpu.storage.write(address, status.data)


async def channel_subsystem_call(cpu: Cpu, address: int) -> int:
    """CHSC with the request at `address`; the response is stored behind it."""
    _aligned(address, chsc.BLOCK_LENGTH)
    block = await _operand(cpu, address, chsc.BLOCK_LENGTH)
    _refuse(chsc.invalid(block))
    called = await cpu.subsystem(CallChannelSubsystem(block))
    assert isinstance(called, ChannelSubsystemCalled)
    await cpu.storage.write(address + int.from_bytes(block[:2]), called.data)
    return 0


def _aligned(address: int, boundary: int) -> None:
    if address % boundary:
        raise ProgramInterruptionError(
            ProgramException.SPECIFICATION,
            f"operand at {address:#x}: expected a multiple of {boundary}",
        )


async def _operand(cpu: Cpu, address: int, length: int) -> bytes:
    _aligned(address, _WORD)
    return await cpu.storage[address : address + length]


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise ProgramInterruptionError(ProgramException.OPERAND, reason)


def _subchannel(gr1: int) -> int:
    schid = SubchannelId.from_word(gr1)
    if schid is None:
        raise ProgramInterruptionError(
            ProgramException.OPERAND, f"{SubchannelId.invalid(gr1)}"
        )
    return schid.index


INSTRUCTIONS: Mapping[str, Callable[..., Coroutine[Any, Any, Any]]] = MappingProxyType(
    {
        "CHSC": channel_subsystem_call,
        "CSCH": clear_subchannel,
        "HSCH": halt_subchannel,
        "MSCH": modify_subchannel,
        "RCHP": reset_channel_path,
        "RSCH": resume_subchannel,
        "SAL": set_address_limit,
        "SCHM": set_channel_monitor,
        "SSCH": start_subchannel,
        "STCPS": store_channel_path_status,
        "STCRW": store_channel_report_word,
        "STSCH": store_subchannel,
        "TPI": test_pending_interruption,
        "TSCH": test_subchannel,
        "XSCH": cancel_subchannel,
    }
)
"""All of them, by mnemonic."""
