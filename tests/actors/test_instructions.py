"""Instructions and resets that no golden vector has."""

from pathlib import Path
from typing import Any

import pytest

from ccw_actors.actors.protocol import (
    ClearSubchannel,
    ConditionCode,
    ExecuteCommand,
    Instruct,
    ModifySubchannel,
    Piece,
    ResetSubchannel,
    StartSubchannel,
    StoreSubchannel,
    TestSubchannel,
    WriteStorage,
)
from ccw_actors.channel import (
    Ccw,
    Crw,
    Cstat,
    DeviceCommand,
    Dstat,
    Erc,
    Fctl,
    Irb,
    Orb,
    Pmcw,
    Rsc,
    Scsw,
    Stctl,
)
from ccw_actors.channel.crw import queued
from ccw_actors.conformance import Instruction, Observation, Script, VectorMachine, play
from tests.actors.machine import READ_BOTH

IMAGES = Path(__file__).parents[1] / "data" / "images"
RNG = {"qemu_args": ["-device", "virtio-rng-ccw,devno=fe.0.0120"]}
DISK = {
    "devices": [
        {
            "subchannel": "00010000",
            "devno": "0120",
            "type": "3390",
            "image": "ckd3390.img",
        }
    ]
}
SCHIB, ORB, PROGRAM, DATA = 0x40000, 0x40100, 0x40200, 0x50000
START = Instruct(0, StartSubchannel(READ_BOTH))
SENSE_ID = Ccw(0xE4, Ccw.suppress_length.mask, 7, DATA)
NO_OPERATION = Ccw(0x03, Ccw.chain_command.mask | Ccw.suppress_length.mask, 1)


def run(
    scratch: Path, steps: list[tuple[str, int, int | None]], **contents: Any
) -> Observation:
    """Run instructions (name, register 1, operand) on a virtual device."""
    pmcw = Pmcw(flags=Pmcw.enabled.mask | contents.pop("flags", 0), lpm=0x80, pom=0xFF)
    orb = Orb.command(PROGRAM, **contents.pop("orb", {}))
    orb = Orb(
        orb.intparm, orb.flags | contents.pop("orb_flags", 0), orb.lpm, 0, orb.cpa
    )
    ccws = contents.pop("ccws", (SENSE_ID,))
    storage = {
        f"{SCHIB:x}": pmcw.to_bytes().ljust(52, b"\0").hex(),
        f"{ORB:x}": orb.to_bytes().hex(),
        f"{PROGRAM:x}": b"".join(ccw.to_bytes(1) for ccw in ccws).hex(),
        **contents.pop("storage", {}),
    }
    assert not contents
    instructions = tuple(
        Instruction(op, f"{gr1:08x}", None if address is None else f"{address:x}")
        for op, gr1, address in (("MSCH", 0x10000, SCHIB), *steps)
    )
    return play(Script(RNG, storage, instructions), IMAGES, scratch)


def scsw_of(observation: Observation) -> Scsw:
    """Return the status that the last instruction stored."""
    irb = observation.entries[-1].irb
    assert irb is not None
    return Irb.from_bytes(bytes.fromhex(irb)).scsw


def test_cancel_a_suspended_program(tmp_path: Path) -> None:
    """XSCH withdraws the program without status; another START is accepted."""
    suspended = Ccw(SENSE_ID.code, SENSE_ID.flags | Ccw.suspend.mask, 7, DATA)
    seen = run(
        tmp_path,
        [
            ("SSCH", 0x10000, ORB),
            ("XSCH", 0x10000, None),
            ("TSCH", 0x10000, None),
            ("SSCH", 0x10000, ORB),
        ],
        orb={"suspend": True, "suppress_suspended": True},
        ccws=(NO_OPERATION, suspended),
    )
    assert [entry.cc for entry in seen.entries] == [0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("mode", "limit", "meets"),
    [(1, 0x60000, True), (1, 0x40000, False), (2, 0x40000, True), (2, 0x60000, False)],
)
def test_address_limit(tmp_path: Path, mode: int, limit: int, *, meets: bool) -> None:
    """Mode 1 requires data at or above the limit, mode 2 below it."""
    seen = run(
        tmp_path,
        [("SAL", limit, None), ("SSCH", 0x10000, ORB), ("TSCH", 0x10000, None)],
        flags=mode << 5,
        orb_flags=Orb.address_limit.mask,
    )
    assert bool(scsw_of(seen).cstat & Cstat.PROGRAM_CHECK) is meets


def test_measurement_block_counts_starts(tmp_path: Path) -> None:
    """Each accepted START adds one to the halfword of its block."""
    start: list[tuple[str, int, int | None]] = [
        ("SSCH", 0x10000, ORB),
        ("TSCH", 0x10000, None),
    ]
    seen = run(tmp_path, [("SCHM", 2, 0x60000), *start, *start], flags=0x10)
    assert seen.storage[0x20000:0x20004].hex() == "00020000"


def test_describe_subchannels(tmp_path: Path) -> None:
    """CHSC 0004 has 32 bytes for each subchannel of the range, zeros for no device."""
    request = {"60000": "00100004000000000000000100000000"}
    seen = run(tmp_path, [("CHSC", 0, 0x60000)], storage=request)
    answer = seen.storage[0x20010:0x20060]
    assert answer[:4].hex() == "00480001"
    assert answer[8:16].hex() == "c020012080000000"
    assert not any(answer[40:72])


def test_unknown_request(tmp_path: Path) -> None:
    """CHSC answers an unknown command with a response code, a bad length not at all."""
    seen = run(tmp_path, [("CHSC", 0, 0x60000)], storage={"60000": "00107777"})
    assert seen.storage[0x20010:0x20014].hex() == "00080004"
    seen = run(tmp_path, [("CHSC", 0, 0x60000)], storage={"60000": "00120010"})
    assert seen.entries[-1].program_interruption == "0015"


def test_reports_that_do_not_fit() -> None:
    """A full queue loses the newest report, and its last one says so."""
    crws = tuple(Crw(Rsc.SUBCHANNEL, Erc.AVAILABLE, number) for number in range(3))
    queue = queued(queued(queued((), crws[0], 2), crws[1], 2), crws[2], 2)
    assert queue == (crws[0], crws[1].with_flag(Crw.overflow))
    assert Crw.from_bytes(queue[1].to_bytes()) == queue[1]
    assert queue[1].to_bytes().hex() == "23010001"


@pytest.mark.parametrize("steps", range(0, 40, 3))
@pytest.mark.parametrize("initialize", [False, True])
def test_reset_at_any_time(tmp_path: Path, steps: int, *, initialize: bool) -> None:
    """A reset ends an endless program, and no work of it is in progress then."""
    host = VectorMachine(DISK, IMAGES, tmp_path)
    ref = host.system.ref
    subchannel = ref("subchannel0")
    loop = NO_OPERATION.to_bytes(1) + Ccw(0x08, address=PROGRAM).to_bytes(1)
    ref("storage").ask(WriteStorage(0, (Piece(PROGRAM, loop),)), block=True)
    enabled = Pmcw(flags=Pmcw.enabled.mask, lpm=0x80, pom=0xFF)
    subchannel.ask(ModifySubchannel(enabled), block=True)
    started = subchannel.ask(StartSubchannel(Orb.command(PROGRAM)), block=True)
    assert started == ConditionCode(0)
    for _ in range(steps):
        assert host.pace.run_channel()
    subchannel.ask(ResetSubchannel(initialize), block=True)
    assert host.pace.settle(50)
    tested = subchannel.ask(TestSubchannel(), block=True)
    if initialize:
        assert tested.cc == 3
        return
    assert tested.cc == 0
    assert tested.irb.scsw.fctl == Fctl.START
    assert tested.irb.scsw.cstat == Cstat.INTERFACE_CONTROL_CHECK
    assert tested.irb.scsw.stctl & Stctl.ALERT


@pytest.mark.parametrize("initialize", [False, True])
@pytest.mark.parametrize("steps", [None, 0, 1, 2, 3, 4])
def test_reset_ends_a_reservation(
    tmp_path: Path, steps: int | None, *, initialize: bool
) -> None:
    """A path reset ends a reservation, also some steps after a CLEAR.

    The clear signal, which keeps the reservation, may be in progress when the reset
    comes.
    """
    host = VectorMachine(DISK, IMAGES, tmp_path)
    subchannel = host.system.ref("subchannel0")
    device = host.system.ref("device0")
    reserved = device.ask(ExecuteCommand(0, DeviceCommand(0xB4, 32)), block=True)
    assert reserved.end.status == Dstat.CHANNEL_END | Dstat.DEVICE_END
    enabled = Pmcw(flags=Pmcw.enabled.mask, lpm=0x80, pom=0xFF)
    subchannel.ask(ModifySubchannel(enabled), block=True)
    if steps is not None:
        cleared = subchannel.ask(ClearSubchannel(), block=True)
        assert cleared == ConditionCode(0)
        for _ in range(steps):
            host.pace.run_channel()
    subchannel.tell(ResetSubchannel(initialize))
    assert host.pace.settle(50)
    state = device.ask(ExecuteCommand(0, DeviceCommand(0x34, 12)), block=True)
    assert state.end.data == bytes(12)
    stored = subchannel.ask(StoreSubchannel(), block=True)
    assert not stored.schib.scsw.actl


def test_clear_keeps_a_reservation(tmp_path: Path) -> None:
    """After CSCH SENSE PATH GROUP ID also says "reserved to this path"."""
    host = VectorMachine(DISK, IMAGES, tmp_path)
    subchannel = host.system.ref("subchannel0")
    device = host.system.ref("device0")
    device.ask(ExecuteCommand(0, DeviceCommand(0xB4, 32)), block=True)
    enabled = Pmcw(flags=Pmcw.enabled.mask, lpm=0x80, pom=0xFF)
    subchannel.ask(ModifySubchannel(enabled), block=True)
    subchannel.ask(ClearSubchannel(), block=True)
    assert host.pace.settle(50)
    assert subchannel.ask(TestSubchannel(), block=True).irb.scsw.fctl == Fctl.CLEAR
    state = device.ask(ExecuteCommand(0, DeviceCommand(0x34, 12)), block=True)
    assert state.end.data == b"\x30" + bytes(11)
