"""The interpreter executes channel programs as the architecture says."""

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ccw_actors.channel import Cstat, Dstat, Orb
from ccw_actors.channel.actions import (
    Action,
    Answer,
    Continue,
    End,
    FetchData,
    Fetched,
    FetchWords,
    Interrupt,
    Perform,
    Stored,
    StoreData,
    Suspend,
)
from ccw_actors.channel.ccw import Ccw
from ccw_actors.channel.command import OPEN_COUNT, CommandEnd, DeviceCommand
from ccw_actors.channel.execution import Execution, Rules
from ccw_actors.channel.program import answered, begin
from tests.channel.driver import FakeStorage, performed, step

CD = Ccw.chain_data.mask
CC = Ccw.chain_command.mask
SLI = Ccw.suppress_length.mask
SKIP = Ccw.skip.mask
PCI = Ccw.program_controlled.mask
IDA = Ccw.indirect.mask
MIDA = Ccw.midaw.mask
S = Ccw.suspend.mask

CE_DE = Dstat.CHANNEL_END | Dstat.DEVICE_END
NOOP, READ, WRITE, TIC, BACKWARD = 0x03, 0x02, 0x01, 0x08, 0x0C
CPA = 0x1000
STORAGE = 0x20000


@dataclass
class Tape:
    """A device whose record is `record`: it reads and writes from its start."""

    record: bytes = bytes(range(1, 101))
    status: int = CE_DE
    commands: list[DeviceCommand] = field(default_factory=list[DeviceCommand])

    def __call__(self, command: DeviceCommand) -> CommandEnd:
        """Answer any command; 03 is immediate."""
        self.commands.append(command)
        length = len(self.record)
        moved = min(length, command.count)
        match command.code & 3:
            case 3:
                return CommandEnd(self.status, immediate=True)
            case 1:
                return CommandEnd(self.status, transferred=moved, length=length)
            case _:
                return CommandEnd(self.status, self.record[:moved], moved, length)


def loaded(*ccws: Ccw, fmt: int = 1) -> FakeStorage:
    """Return storage with a channel program at `CPA`."""
    storage = FakeStorage(STORAGE)
    storage.write(CPA, b"".join(ccw.to_bytes(fmt) for ccw in ccws))
    return storage


def ran(
    storage: FakeStorage, device: Tape, orb: Orb | None = None, limit: int = 2000
) -> End:
    """Run the program at `CPA` to its end."""
    execution = begin(orb or Orb.command(CPA))
    for _ in range(limit):
        if isinstance(execution.action, End):
            return execution.action
        execution = step(execution, storage, device)
    raise AssertionError(f"no end after {limit} actions")


def outcome(end: End) -> tuple[int, int, int, int]:
    """Return device status, subchannel status, residual count and number of the CCW."""
    return end.dstat, end.cstat, end.count, (end.cpa - CPA) // 8


def test_read_stores_its_data() -> None:
    """After one read its bytes are in storage, and the residual count is 0."""
    tape = Tape()
    storage = loaded(Ccw(READ, 0, 100, 0x8000))
    assert outcome(ran(storage, tape)) == (CE_DE, 0, 0, 1)
    assert storage.read(0x8000, 101) == tape.record + b"\0"
    assert tape.commands == [DeviceCommand(READ, 100)]


def test_write_gives_its_data() -> None:
    """After one write the device has the bytes."""
    storage = loaded(Ccw(WRITE, 0, 100, 0x8000))
    storage.write(0x8000, b"\xc1" * 100)
    tape = Tape()
    assert outcome(ran(storage, tape)) == (CE_DE, 0, 0, 1)
    assert tape.commands == [DeviceCommand(WRITE, 100, b"\xc1" * 100)]


def test_commands_are_chained() -> None:
    """Only the first command of a program is not chained."""
    tape = Tape()
    end = ran(loaded(Ccw(NOOP, CC | SLI, 1), Ccw(NOOP, CC), Ccw(NOOP)), tape)
    assert outcome(end) == (CE_DE, 0, 0, 3)
    assert [command.chained for command in tape.commands] == [False, True, True]


@pytest.mark.parametrize("count", [99, 100, 101])
@pytest.mark.parametrize("flags", [0, SLI, CC, CC | SLI])
def test_incorrect_length(count: int, flags: int) -> None:
    """A wrong length is shown and ends the chain, unless SLI suppresses it."""
    tape = Tape()
    end = ran(loaded(Ccw(READ, flags, count, 0x8000), Ccw(NOOP)), tape)
    wrong = count != len(tape.record) and not flags & SLI
    chained = flags & CC and not wrong
    residual = 0 if chained else max(0, count - len(tape.record))
    cstat = Cstat.INCORRECT_LENGTH if wrong else 0
    assert outcome(end) == (CE_DE, cstat, residual, 2 if chained else 1)


@pytest.mark.parametrize(
    ("fmt", "suppress", "flags", "wrong"),
    [
        (0, False, 0, False),
        (0, False, SLI, False),
        (1, False, 0, True),
        (1, False, SLI, False),
        (1, True, 0, False),
    ],
)
def test_immediate_operation(
    fmt: int,
    suppress: bool,  # noqa: FBT001
    flags: int,
    wrong: bool,  # noqa: FBT001
) -> None:
    """An immediate operation with a count has a wrong length, unless suppressed.

    A format-0 program never shows one (SA22-7832, "Incorrect Length").
    """
    orb = Orb.command(CPA, fmt=fmt, suppress_length=suppress)
    end = ran(loaded(Ccw(NOOP, flags, 5), fmt=fmt), Tape(), orb)
    cstat = Cstat.INCORRECT_LENGTH if wrong else 0
    assert outcome(end) == (CE_DE, cstat, 5, 1)


def test_status_modifier_skips_one_ccw() -> None:
    """Channel end, device end and status modifier jump over the next CCW."""
    tape = Tape(status=CE_DE | Dstat.STATUS_MODIFIER)
    ccws = (Ccw(NOOP, CC), Ccw(0x00), Ccw(0x13, CC), Ccw(0x00), Ccw(0x23))
    assert outcome(ran(loaded(*ccws), tape)) == (tape.status, 0, 0, 5)
    assert [command.code for command in tape.commands] == [NOOP, 0x13, 0x23]


@pytest.mark.parametrize(
    "status",
    [
        CE_DE | Dstat.UNIT_CHECK,
        CE_DE | Dstat.UNIT_EXCEPTION,
        CE_DE | Dstat.ATTENTION,
        Dstat.CHANNEL_END,
    ],
)
def test_other_endings_stop_the_chain(status: int) -> None:
    """Anything but channel end with device end ends the program."""
    end = ran(loaded(Ccw(NOOP, CC), Ccw(NOOP)), Tape(status=status))
    assert (*outcome(end), end.deferred_cc) == (status, 0, 0, 1, 0)


@pytest.mark.parametrize("status", [Dstat.UNIT_CHECK, Dstat.BUSY])
def test_refused_first_command(status: int) -> None:
    """A first command without channel end: deferred condition code 1, no length."""
    tape = Tape(status=status)
    end = ran(loaded(Ccw(NOOP, 0, 1)), tape)
    assert (*outcome(end), end.deferred_cc) == (status, 0, 1, 1, 1)


@pytest.mark.parametrize(
    ("ccws", "fmt", "at", "count"),
    [
        ((Ccw(TIC, 0, 0, CPA + 8), Ccw(NOOP)), 1, 1, 0),
        ((Ccw(NOOP, CC), Ccw(TIC, 0, 0, CPA + 16), Ccw(TIC, 0, 0, CPA)), 1, 3, 0),
        ((Ccw(NOOP, CC), Ccw(TIC, CC, 0, CPA)), 1, 2, 0),
        ((Ccw(NOOP, CC), Ccw(TIC, 0, 1, CPA)), 1, 2, 0),
        ((Ccw(NOOP, CC), Ccw(0x18, 0, 0, CPA)), 1, 2, 0),
        ((Ccw(NOOP, CC), Ccw(TIC, 0, 0, CPA + 4)), 1, 2, 0),
        ((Ccw(NOOP, CC), Ccw(TIC, 0, 0, STORAGE)), 1, 2, 0),
        ((Ccw(0x10, 0, 9),), 1, 1, 9),
        ((Ccw(NOOP, 0, 0),), 0, 1, 0),
        ((Ccw(READ, CD, 0),), 1, 1, 0),
        ((Ccw(NOOP, S, 1),), 1, 1, 0),
        ((Ccw(NOOP, Ccw.midaw.mask, 1),), 1, 1, 0),
    ],
)
def test_program_checks(ccws: tuple[Ccw, ...], fmt: int, at: int, count: int) -> None:
    """A wrong CCW is a program check at that CCW, without device status."""
    end = ran(loaded(*ccws, fmt=fmt), Tape(), Orb.command(CPA, fmt=fmt))
    assert outcome(end) == (0, Cstat.PROGRAM_CHECK, count, at)
    assert end.selected == (len(ccws) > 1 and ccws[0].code == NOOP)


@pytest.mark.parametrize(
    ("cpa", "fmt"),
    [(CPA + 1, 1), (CPA + 4, 1), (0x0100_0000, 0), (0x7FFF_FFFC, 1), (STORAGE, 1)],
)
def test_bad_program_address(cpa: int, fmt: int) -> None:
    """A program at a bad address is a program check before the device is selected."""
    end = ran(loaded(), Tape(), Orb.command(cpa, fmt=fmt))
    assert end == End(0, Cstat.PROGRAM_CHECK, 0, cpa + 8, selected=False)


def test_protected_program() -> None:
    """A CCW that the key may not fetch is a protection check."""
    storage = loaded(Ccw(NOOP))
    storage.keys[CPA // 4096] = 0x28
    end = ran(storage, Tape(), Orb.command(CPA, key=1))
    assert outcome(end) == (0, Cstat.PROTECTION_CHECK, 0, 1)


def test_loop_is_endless_calls() -> None:
    """A program that loops asks for one action after another, all of the same size."""
    storage = loaded(Ccw(NOOP, CC), Ccw(TIC, 0, 0, CPA))
    execution = begin(Orb.command(CPA))
    seen: list[Execution] = []
    for _ in range(30):
        seen.append(execution)
        execution = step(execution, storage, Tape())
    assert seen[9] == seen[9 + 3] == seen[9 + 18]


def test_skipped_input_is_not_stored() -> None:
    """With SKIP the device moves its data, but storage keeps its own."""
    storage = loaded(Ccw(READ, SKIP, 100, STORAGE))
    assert outcome(ran(storage, Tape())) == (CE_DE, 0, 0, 1)
    assert storage.read(0x8000, 100) == bytes(100)


def test_read_backward_descends() -> None:
    """The first byte comes to the CCW's address, the next ones below it."""
    tape = Tape()
    storage = loaded(Ccw(BACKWARD, 0, 100, 0x8000))
    assert outcome(ran(storage, tape)) == (CE_DE, 0, 0, 1)
    assert storage.read(0x8001 - 100, 100) == tape.record[::-1]


@pytest.mark.parametrize("length", [10, 100])
def test_read_backward_through_idaws(length: int) -> None:
    """Backward, the first block is filled downwards, the next one from its end."""
    tape = Tape(bytes(range(1, length + 1)))
    storage = loaded(Ccw(BACKWARD, IDA | SLI, 100, 0x2000))
    storage.write(0x2000, bytes.fromhex("0000000000008009 000000000000afff"))
    assert outcome(ran(storage, tape)) == (CE_DE, 0, 100 - length, 1)
    assert storage.read(0x8000, 10) == tape.record[9::-1]
    low = storage.read(0xB000 - 90, 90)
    assert low == tape.record[:9:-1].rjust(90, b"\0")


@pytest.mark.parametrize(
    ("orb", "block", "size"),
    [
        (Orb.command(CPA, idaw_64=False), 2048, 4),
        (Orb.command(CPA), 4096, 8),
        (Orb.command(CPA, idaw_2k=True), 2048, 8),
    ],
)
@pytest.mark.parametrize("offset", [0, 1, 40])
def test_idaws_scatter_and_gather(orb: Orb, block: int, size: int, offset: int) -> None:
    """Input scattered over blocks is gathered again by output."""
    count = 2 * block + 100
    record = bytes(at % 251 for at in range(count))
    addresses = [0x8000 + block - offset, 0xC000, 0x4000, 0xE000]
    if not offset:
        addresses[0] = 0x8000
    idal = b"".join(at.to_bytes(size, "big") for at in addresses)
    tape = Tape(record)
    storage = loaded(Ccw(READ, IDA | CC, count, 0x2000), Ccw(WRITE, IDA, count, 0x2000))
    storage.write(0x2000, idal)
    assert outcome(ran(storage, tape, orb)) == (CE_DE, 0, 0, 2)
    assert tape.commands[1].data == record
    first = offset or block
    assert storage.read(addresses[0], first) == record[:first]
    assert storage.read(0xC000, block) == record[first : first + block]


@pytest.mark.parametrize(
    ("idal", "orb", "stored"),
    [
        ("0000000000008000 0000000000009001", Orb.command(CPA), 4096),
        ("0000000000008000 8000000000009000", Orb.command(CPA), 4096),
        ("0000000000008000 0000000000020000", Orb.command(CPA), 4096),
        ("00008000 80009000 0000a000", Orb.command(CPA, idaw_64=False), 2048),
        ("80008000 00009000 0000a000", Orb.command(CPA, idaw_64=False), 0),
    ],
)
@pytest.mark.parametrize("length", [2000, 5000])
def test_bad_idaw_is_met_when_used(
    idal: str, orb: Orb, stored: int, length: int
) -> None:
    """A wrong IDAW is no error unless the data get there."""
    tape = Tape(bytes(at % 251 for at in range(length)))
    storage = loaded(Ccw(READ, IDA | SLI, 5000, 0x2000))
    storage.write(0x2000, bytes.fromhex(idal))
    cstat = Cstat.PROGRAM_CHECK if length > stored else 0
    assert outcome(ran(storage, tape, orb)) == (CE_DE, cstat, 5000 - length, 1)
    kept = min(length, stored)
    assert storage.read(0x8000, 4097)[: kept + 1] == tape.record[:kept] + b"\0"


@pytest.mark.parametrize("address", [0x2004, STORAGE, 0x8000_2000])
def test_bad_idaw_list(address: int) -> None:
    """A list that is misaligned or missing causes a check when the first byte moves."""
    end = ran(loaded(Ccw(READ, IDA, 100, address)), Tape())
    assert outcome(end) == (CE_DE, Cstat.PROGRAM_CHECK, 0, 1)
    end = ran(loaded(Ccw(NOOP, IDA | SLI, 100, address)), Tape())
    assert outcome(end) == (CE_DE, 0, 100, 1)


WITH_MIDAWS = replace(Orb.command(CPA), flags1=Orb.midaw.mask)


def midaws(*words: tuple[int, int, int]) -> bytes:
    """Return a list of MIDAWs from flags, count and address of each."""
    return b"".join(
        bytes((0, 0, 0, 0, 0, flags)) + count.to_bytes(2) + address.to_bytes(8)
        for flags, count, address in words
    )


def test_midaws_scatter_and_gather() -> None:
    """Input goes where each MIDAW says, output comes from there."""
    record = bytes(range(1, 101))
    tape = Tape(record)
    storage = loaded(Ccw(READ, MIDA | CC, 100, 0x2000), Ccw(WRITE, MIDA, 100, 0x2000))
    words = midaws((0, 7, 0x8FF9), (0, 90, 0xC001), (0x80, 3, 0x4000))
    storage.write(0x2000, words)
    assert outcome(ran(storage, tape, WITH_MIDAWS)) == (CE_DE, 0, 0, 2)
    assert storage.read(0x8FF9, 8) == record[:7] + b"\0"
    assert storage.read(0xC000, 92) == b"\0" + record[7:97] + b"\0"
    assert storage.read(0x4000, 4) == record[97:] + b"\0"
    assert tape.commands[1].data == record


def test_midaws_skip() -> None:
    """The skip flag of a MIDAW keeps input from storage, and its address is free."""
    record = bytes(range(1, 101))
    storage = loaded(Ccw(READ, MIDA, 100, 0x2000))
    words = midaws((0, 10, 0x8000), (0x40, 80, 0xFFFF_FFFF_FFFF), (0x80, 10, 0x9000))
    storage.write(0x2000, words)
    assert outcome(ran(storage, Tape(record), WITH_MIDAWS)) == (CE_DE, 0, 0, 1)
    assert storage.read(0x8000, 11) == record[:10] + b"\0"
    assert storage.read(0x9000, 10) == record[90:]


def test_midaws_read_backward() -> None:
    """Each MIDAW names the last byte of its data."""
    storage = loaded(Ccw(BACKWARD, MIDA, 100, 0x2000))
    storage.write(0x2000, midaws((0, 60, 0x803B), (0x80, 40, 0x9FFF)))
    record = bytes(range(1, 101))
    assert outcome(ran(storage, Tape(record), WITH_MIDAWS)) == (CE_DE, 0, 0, 1)
    assert storage.read(0x8000, 60) == record[:60][::-1]
    assert storage.read(0x9FD8, 40) == record[60:][::-1]


@pytest.mark.parametrize(
    ("words", "stored"),
    [
        (midaws((0, 50, 0x8000), (0x80, 50, 0x9FF0)), 50),
        (midaws((0, 50, 0x8000), (0x80, 49, 0x9000)), 50),
        (midaws((0, 50, 0x8000), (0x80, 51, 0x9000)), 50),
        (midaws((0, 50, 0x8000), (0, 50, 0x9000)), 50),
        (midaws((0, 50, 0x8000), (0, 0, 0x9000), (0x80, 50, 0xA000)), 50),
        (midaws((0, 50, 0x8000), (0x81, 50, 0x9000)), 50),
        (midaws((0, 50, 0x8000), (0xA0, 50, 0x9000)), 50),
        (b"\1" + midaws((0x80, 100, 0x8000))[1:], 0),
    ],
    ids=[
        "leaves its page",
        "sum too small",
        "sum too large",
        "none is last",
        "count of zero",
        "reserved flag",
        "interruption flag",
        "reserved byte",
    ],
)
@pytest.mark.parametrize("length", [40, 100])
def test_bad_midaw_is_met_when_used(words: bytes, stored: int, length: int) -> None:
    """A wrong MIDAW is no error unless the data get there."""
    tape = Tape(bytes(range(1, length + 1)))
    storage = loaded(Ccw(READ, MIDA | SLI, 100, 0x2000))
    storage.write(0x2000, words)
    cstat = Cstat.PROGRAM_CHECK if length > stored else 0
    end = ran(storage, tape, WITH_MIDAWS)
    assert outcome(end) == (CE_DE, cstat, 100 - length, 1)
    kept = min(length, stored)
    assert storage.read(0x8000, 101)[: kept + 1] == tape.record[:kept] + b"\0"


def test_a_list_of_midaws_stays_in_its_page() -> None:
    """A list of MIDAWs ends at the end of its page."""
    storage = loaded(Ccw(READ, MIDA, 100, 0x2FF0))
    storage.write(0x2FF0, midaws((0, 50, 0x8000), (0x80, 50, 0x9000)))
    end = ran(storage, Tape(), WITH_MIDAWS)
    assert outcome(end) == (CE_DE, Cstat.PROGRAM_CHECK, 0, 1)
    assert storage.read(0x8000, 50) == Tape().record[:50]
    assert not any(storage.read(0x9000, 50))


@pytest.mark.parametrize("flags", [MIDA, MIDA | IDA, MIDA | SKIP])
@pytest.mark.parametrize("orb", [Orb.command(CPA), WITH_MIDAWS], ids=["no D", "D"])
def test_midaws_have_to_be_legal(flags: int, orb: Orb) -> None:
    """MIDA needs the ORB's D, and excludes IDA and SKIP."""
    storage = loaded(Ccw(READ, flags, 100, 0x2000))
    storage.write(0x2000, midaws((0x80, 100, 0x8000)))
    legal = orb.midaw and flags == MIDA
    expected = (CE_DE, 0, 0, 1) if legal else (0, Cstat.PROGRAM_CHECK, 0, 1)
    assert outcome(ran(storage, Tape(), orb)) == expected


def test_protected_midaw_data() -> None:
    """Protected data of a MIDAW cause a protection check."""
    storage = loaded(Ccw(READ, MIDA, 100, 0x2000))
    words = midaws((0, 10, 0x8000), (0x40, 30, 0), (0, 20, 0x9000), (0x80, 40, 0xA000))
    storage.write(0x2000, words)
    storage.keys |= {0x8: 0x10, 0x9: 0x10, 0xA: 0x20}
    orb = replace(WITH_MIDAWS, flags=WITH_MIDAWS.flags | 0x1000)
    end = ran(storage, Tape(), orb)
    assert outcome(end) == (CE_DE, Cstat.PROTECTION_CHECK, 0, 1)
    assert storage.read(0x9000, 20) == Tape().record[40:60]


@pytest.mark.parametrize("address", [0x2008, STORAGE, 0x8000_2000])
def test_bad_midaw_list(address: int) -> None:
    """A list that is misaligned or missing causes a check when the first byte moves."""
    end = ran(loaded(Ccw(READ, MIDA, 100, address)), Tape(), WITH_MIDAWS)
    assert outcome(end) == (CE_DE, Cstat.PROGRAM_CHECK, 0, 1)


@pytest.mark.parametrize("wanted", [10, 4096, 4097])
def test_output_is_fetched_as_far_as_it_goes(wanted: int) -> None:
    """Output from missing storage is a check only if the device takes that part."""
    storage = loaded(Ccw(WRITE, IDA | SLI, 5000, 0x2000))
    storage.write(0x2000, bytes.fromhex("0000000000008000 0000000000020000"))
    tape = Tape(bytes(wanted))
    end = ran(storage, tape)
    assert len(tape.commands[0].data) == 4096
    if wanted > 4096:
        assert outcome(end) == (0, Cstat.PROGRAM_CHECK, 0, 1)
    else:
        assert outcome(end) == (CE_DE, 0, 5000 - wanted, 1)


@pytest.mark.parametrize(
    ("counts", "control", "residual"),
    [
        ((40, 40, 20), 3, 0),
        ((40, 40, 30), 3, 10),
        ((40, 40, 10), 3, 0),
        ((40, 90, 10), 2, 30),
        ((60, 40, 10), 3, 10),
    ],
)
@pytest.mark.parametrize("flags", [0, SLI])
@pytest.mark.parametrize(
    ("code", "prefetch"), [(READ, True), (READ, False), (WRITE, True), (WRITE, False)]
)
def test_data_chaining(
    counts: tuple[int, ...],
    control: int,
    residual: int,
    flags: int,
    code: int,
    *,
    prefetch: bool,
) -> None:
    """Three areas act as one; the CCW in control gives SLI, count and address.

    Without the prefetch bit nobody knows the sum of the counts of input.
    """
    tape = Tape()
    chain = (CD | flags, CD | flags, flags)
    ccws = [
        Ccw(code if not number else 0, flag, count, 0x8000 + number * 0x1000)
        for number, (flag, count) in enumerate(zip(chain, counts, strict=True))
    ]
    storage = loaded(*ccws)
    for number in range(3):
        storage.write(0x8000 + number * 0x1000, b"\xee" * 100)
    end = ran(storage, tape, Orb.command(CPA, prefetch=prefetch))
    exact = sum(counts) == len(tape.record)
    wrong = control < 3 or not (exact or flags & SLI)
    assert outcome(end) == (
        CE_DE,
        Cstat.INCORRECT_LENGTH if wrong else 0,
        residual,
        control,
    )
    is_open = code == READ and not prefetch
    assert tape.commands[0].count == (OPEN_COUNT if is_open else sum(counts))
    if code == READ:
        moved = b"".join(
            storage.read(0x8000 + number * 0x1000, count)
            for number, count in enumerate(counts)
        )
        assert moved.rstrip(b"\xee") == tape.record[: sum(counts)]
    else:
        assert tape.commands[0].data == b"\xee" * sum(counts)


@pytest.mark.parametrize(
    "bad", [Ccw(0, 0, 0), Ccw(0, S, 9), Ccw(TIC, 0, 0, STORAGE), Ccw(0, 1, 9)]
)
@pytest.mark.parametrize("length", [39, 40, 41])
@pytest.mark.parametrize("prefetch", [False, True])
def test_broken_data_chain_is_met_when_reached(
    bad: Ccw, length: int, *, prefetch: bool
) -> None:
    """A CCW that cannot continue the data is a check once it is fetched."""
    tape = Tape(bytes(length))
    orb = Orb.command(CPA, prefetch=prefetch)
    end = ran(loaded(Ccw(READ, CD, 40, 0x8000), bad), tape, orb)
    if length < 40:
        assert outcome(end) == (CE_DE, Cstat.INCORRECT_LENGTH, 1, 1)
    else:
        assert outcome(end) == (CE_DE, Cstat.PROGRAM_CHECK, 0, 2)


@pytest.mark.parametrize("prefetch", [False, True])
def test_transfer_in_a_data_chain(*, prefetch: bool) -> None:
    """A transfer in channel leads to the CCW that continues the data."""
    tape = Tape()
    ccws = (
        Ccw(READ, CD, 60, 0x8000),
        Ccw(TIC, 0, 0, CPA + 24),
        Ccw(0),
        Ccw(0, CC, 40, 0x9000),
        Ccw(NOOP),
    )
    storage = loaded(*ccws)
    orb = Orb.command(CPA, prefetch=prefetch)
    assert outcome(ran(storage, tape, orb)) == (CE_DE, 0, 0, 5)
    assert storage.read(0x9000, 40) == tape.record[60:]


@pytest.mark.parametrize("prefetch", [False, True])
def test_endless_data_chain_ends_in_a_chaining_check(*, prefetch: bool) -> None:
    """A data chain into itself is cut at the documented limit."""
    ccws = (Ccw(READ, CD, 1, 0x8000), Ccw(TIC, 0, 0, CPA))
    tape = Tape(bytes(Rules().chain_max + 1))
    orb = Orb.command(CPA, prefetch=prefetch)
    assert ran(loaded(*ccws), tape, orb).cstat == Cstat.CHAINING_CHECK
    assert tape.commands[0].count == (Rules().chain_max if prefetch else OPEN_COUNT)


def test_program_controlled_interruption() -> None:
    """A CCW with PCI is announced before its command, with its address plus 8."""
    storage = loaded(Ccw(NOOP, CC), Ccw(NOOP, PCI))
    execution = begin(Orb.command(CPA))
    kinds: list[str] = []
    while not isinstance(execution.action, End):
        kinds.append(type(execution.action).__name__)
        if isinstance(execution.action, Interrupt):
            assert execution.action.cpa == CPA + 16
        execution = step(execution, storage, Tape())
    assert kinds == ["FetchWords", "Perform", "FetchWords", "Interrupt", "Perform"]


def test_suspended_program_fetches_its_ccw_again() -> None:
    """After a resume the CCW is fetched again, and suspends again if still marked."""
    storage = loaded(Ccw(NOOP, S, 7))
    execution = step(begin(Orb.command(CPA, suspend=True)), storage, Tape())
    assert execution.action == Suspend(CPA + 8, 7)
    execution = step(answered(execution, Continue()), storage, Tape())
    assert execution.action == Suspend(CPA + 8, 7)
    storage.write(CPA, Ccw(NOOP).to_bytes(1))
    execution = step(answered(execution, Continue()), storage, Tape())
    assert execution.action == Perform(DeviceCommand(NOOP, 0, suspendable=True))


def test_a_suspension_ends_the_chain_of_the_device() -> None:
    """The first command after it is not chained (GA22-7000); the next one is."""
    storage = loaded(Ccw(NOOP, CC), Ccw(NOOP, S | CC), Ccw(NOOP, CC), Ccw(NOOP))
    tape = Tape()
    execution = begin(Orb.command(CPA, suspend=True))
    while not isinstance(execution.action, End):
        if isinstance(execution.action, Suspend):
            storage.write(CPA + 8, Ccw(NOOP, CC).to_bytes(1))
            execution = answered(execution, Continue())
        execution = step(execution, storage, tape)
    assert [one.chained for one in tape.commands] == [False, False, True, True]


@pytest.mark.parametrize("prefetch", [False, True])
def test_input_that_changes_its_own_data_chain(*, prefetch: bool) -> None:
    """Without the prefetch bit a CCW is fetched when the data reach it."""
    replaced = Ccw(READ, 0, 92, 0x9000).to_bytes(1)
    storage = loaded(Ccw(READ, CD, 8, CPA + 8), Ccw(READ, 0, 92, 0xA000))
    end = ran(storage, Tape(replaced + b"x" * 92), Orb.command(CPA, prefetch=prefetch))
    assert outcome(end) == (CE_DE, 0, 0, 2)
    used, unused = (0xA000, 0x9000) if prefetch else (0x9000, 0xA000)
    assert storage.read(used, 92) == b"x" * 92
    assert storage.read(unused, 92) == bytes(92)


def test_bytes_that_are_not_used_are_not_checked() -> None:
    """A format-0 area may have bytes behind 16 MiB, if no data get there."""
    storage = FakeStorage(1 << 24)
    storage.write(CPA, Ccw(READ, SLI, 0xFFFF, (1 << 24) - 100).to_bytes(0))
    end = ran(storage, Tape(b"y" * 100), Orb.command(CPA, fmt=0))
    assert outcome(end) == (CE_DE, 0, 0xFFFF - 100, 1)
    end = ran(storage, Tape(b"y" * 101), Orb.command(CPA, fmt=0))
    assert outcome(end) == (CE_DE, Cstat.PROGRAM_CHECK, 0xFFFF - 101, 1)


def test_answer_to_nothing_is_an_error() -> None:
    """An answer that the action does not ask for is refused."""
    execution = begin(Orb.command(CPA))
    with pytest.raises(AssertionError, match="does not answer"):
        answered(execution, Stored(1))


CODES = st.sampled_from([0x01, 0x02, 0x03, 0x04, 0x08, 0x0C, 0x10, 0x18, 0x31, 0xE4])
# Mostly addresses of the program, of IDAWs and of data; sometimes any.
ADDRESSES = st.one_of(
    st.integers(0, 15).map(lambda number: CPA + 8 * number),
    st.sampled_from([0x2000, 0x2004, 0x3000, 0x8000, 0x8FF0, STORAGE - 8, STORAGE]),
    st.integers(0, 0xFFFF_FFFF),
)
COUNTS = st.one_of(st.integers(0, 40), st.sampled_from([2048, 4097, 0xFFFF]))
CCWS = st.builds(Ccw, CODES, st.integers(0, 255), COUNTS, ADDRESSES)
ENDS = st.builds(
    CommandEnd,
    status=st.one_of(
        st.just(CE_DE),
        st.just(CE_DE | Dstat.STATUS_MODIFIER),
        st.integers(0, 255),
    ),
    data=st.binary(max_size=60),
    transferred=st.integers(-1, 70),
    length=st.integers(0, 80),
    immediate=st.booleans(),
)
ORBS = st.builds(
    Orb,
    flags=st.integers(0, 0xFFFF),
    flags1=st.sampled_from([0, 0x40, 0x80, 0xC0]),
    lpm=st.just(0xFF),
    cpa=st.one_of(st.just(CPA), ADDRESSES),
).filter(lambda orb: orb.invalid(midaws=True) is None)


class Watched:
    """The CCWs that a program has had fetched, which bound its end."""

    def __init__(self, orb: Orb) -> None:
        self._fmt = orb.fmt
        self._addresses = {orb.cpa + 8}
        self._counts = {0}

    def note(self, action: Action, answer: Answer) -> None:
        """Note a CCW that is fetched."""
        if isinstance(action, FetchWords) and action.length == 8:
            self._addresses |= {action.address + more for more in (8, 16, 24)}
            if isinstance(answer, Fetched) and len(answer.data) == 8:
                self._counts.add(Ccw.from_bytes(answer.data, self._fmt).count)

    def assert_bounds(self, action: Action) -> None:
        """Assert that an action keeps the bounds of its type."""
        if isinstance(action, End):
            assert any(0 <= action.count <= count for count in self._counts)
            assert action.cpa in self._addresses
        if isinstance(action, Perform):
            assert action.command.count >= len(action.command.data)
        if isinstance(action, FetchData | StoreData):
            assert action.pieces


@given(
    orb=ORBS,
    program=st.lists(CCWS, min_size=1, max_size=12),
    idaws=st.binary(max_size=64),
    ends=st.lists(ENDS, min_size=1, max_size=8),
    key=st.integers(0, 255),
)
def test_hostile_programs_end_in_checks(
    orb: Orb, program: list[Ccw], idaws: bytes, ends: list[CommandEnd], key: int
) -> None:
    """Whatever the program and the device do, the interpreter keeps its bounds.

    No exception; at most one CCW a call; the state survives its encoding; the residual
    count is that of some CCW, or less; the CCW address is that of a CCW fetched plus 8.
    """
    storage = hostile_storage(orb, program, idaws, key)
    execution, watched = begin(orb), Watched(orb)
    given_ends = iter(ends * 3)
    for _ in range(150):
        raw = msgspec.msgpack.encode(execution)
        assert msgspec.msgpack.decode(raw, type=Execution) == execution
        action = execution.action
        watched.assert_bounds(action)
        if isinstance(action, End):
            return
        try:
            answer = performed(action, storage, lambda _: next(given_ends))
        except StopIteration:
            return
        watched.note(action, answer)
        execution = answered(execution, answer)


def hostile_storage(
    orb: Orb, program: list[Ccw], idaws: bytes, key: int
) -> FakeStorage:
    """Return storage with a program, IDAWs, MIDAWs and a key that may protect it."""
    storage = loaded(*program, fmt=orb.fmt)
    storage.write(0x2000, idaws)
    storage.write(0x3000, midaws((0, 9, 0x8FF7), (0x40, 9, 0), (0x80, 22, STORAGE - 9)))
    storage.keys[0x2000 // 4096] = key & 0xF8
    storage.keys[0x8000 // 4096] = key & 0xF8
    return storage


@given(st.lists(CCWS, min_size=1, max_size=6), ENDS)
def test_interpreter_is_deterministic(program: list[Ccw], end: CommandEnd) -> None:
    """The same answers give the same executions; an old execution can be resumed."""
    storage = loaded(*program)
    before = begin(Orb.command(CPA))
    for _ in range(40):
        if isinstance(before.action, End):
            return
        answer = performed(before.action, storage, lambda _: end)
        after = answered(before, answer)
        assert answered(replace(before), answer) == after
        before = after
