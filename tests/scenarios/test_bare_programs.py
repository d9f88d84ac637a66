"""Channel programs, valid or not, end for a guest as on a bare subchannel."""

from typing import Final

import pytest
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    AwaitStatus,
    Fetch,
    HaltSubchannel,
    Instruct,
    InstructSubsystem,
    ModifySubchannel,
    Operation,
    SetAddressLimit,
    StartSubchannel,
)
from ccw_actors.actors.protocol import TestSubchannel as Test
from ccw_actors.channel import Ccw, Orb, Pmcw
from ccw_actors.explore import Reference, World, explore, refines
from ccw_actors.scenarios import (
    BUFFER,
    ENABLED,
    PROGRAM,
    PassThroughMachine,
    bare_scenario,
)
from ccw_actors.scenarios._history import visible

NOP, READ, TIC, REJECTED = 0x03, 0x02, 0x08, 0xFF
SIZE = 0x3000
CC, CD, SLI = (
    Ccw.chain_command.mask,
    Ccw.chain_data.mask,
    Ccw.suppress_length.mask,
)
SKIP, PCI, IDA = Ccw.skip.mask, Ccw.program_controlled.mask, Ccw.indirect.mask
SUSPEND, MIDA = Ccw.suspend.mask, Ccw.midaw.mask
LIST = PROGRAM + 0x40
START = Instruct(0, StartSubchannel(Orb.command(PROGRAM, intparm=1)))
TEST, HALT = Instruct(0, Test()), Instruct(0, HaltSubchannel())


def program(*ccws: tuple[int, int, int, int], idaws: tuple[int, ...] = ()) -> bytes:
    """Return format-1 CCWs, followed by a list of format-1 IDAWs if one is given."""
    words = b"".join(Ccw(*ccw).to_bytes(1) for ccw in ccws)
    if not idaws:
        return words
    return words.ljust(LIST - PROGRAM, b"\0") + b"".join(
        idaw.to_bytes(4) for idaw in idaws
    )


CONTENT: Final = {
    "read": program((READ, SLI, 24, BUFFER)),
    "no operation": program((NOP, SLI, 1, 0)),
    "command 0": program((0, 0, 1, BUFFER)),
    "then command 0": program((NOP, CC | SLI, 1, 0), (0, 0, 1, BUFFER)),
    "count 0": program((READ, SLI, 0, BUFFER)),
    "incorrect length": program((READ, 0, 8, BUFFER)),
    "incorrect length, chained": program((READ, CC, 8, BUFFER), (NOP, SLI, 1, 0)),
    "data at the end of storage": program((READ, SLI, 24, SIZE - 8)),
    "data beyond": program((READ, SLI, 24, 0x7FFFFFF8)),
    "data address of 32 bits": program((READ, SLI, 24, 0x80000000)),
    "TIC first": program((TIC, 0, 0, PROGRAM + 8), (READ, SLI, 24, BUFFER)),
    "TIC": program(
        (NOP, CC | SLI, 1, 0),
        (TIC, 0, 0, PROGRAM + 24),
        (0, 0, 0, 0),
        (READ, SLI, 24, BUFFER),
    ),
    "TIC to TIC": program(
        (NOP, CC | SLI, 1, 0), (TIC, 0, 0, PROGRAM + 16), (TIC, 0, 0, PROGRAM)
    ),
    "TIC misaligned": program((NOP, CC | SLI, 1, 0), (TIC, 0, 0, PROGRAM + 20)),
    "TIC beyond": program((NOP, CC | SLI, 1, 0), (TIC, 0, 0, SIZE)),
    "TIC far beyond": program((NOP, CC | SLI, 1, 0), (TIC, 0, 0, 0x7FFFFFF8)),
    "IDAW": program((READ, SLI | IDA, 24, LIST), idaws=(BUFFER,)),
    "IDAWs": program((READ, SLI | IDA, 24, LIST), idaws=(BUFFER + 0x7F8, BUFFER)),
    "second IDAW misaligned": program(
        (READ, SLI | IDA, 24, LIST), idaws=(BUFFER + 0x7F8, BUFFER + 8)
    ),
    "IDAW list misaligned": program((READ, SLI | IDA, 24, LIST + 2), idaws=(BUFFER,)),
    "IDAW beyond": program((READ, SLI | IDA, 24, LIST), idaws=(SIZE,)),
    "IDAW list beyond": program((READ, SLI | IDA, 24, SIZE)),
    "data chain": program((READ, CD, 8, BUFFER), (0, SLI, 16, BUFFER + 0x100)),
    "data chain to nowhere": program((READ, CD, 8, BUFFER), (0, SLI, 16, SIZE)),
    "data chain, count 0": program((READ, CD, 8, BUFFER), (0, SLI, 0, BUFFER)),
    "skip": program((READ, SLI | SKIP, 24, 0x7FFFFF00)),
    "suspend": program((NOP, CC | SLI, 1, 0), (READ, SLI | SUSPEND, 24, BUFFER)),
    "MIDAW": program((READ, SLI | MIDA, 24, BUFFER)),
    "rejected": program((REJECTED, CC | SLI, 1, BUFFER), (NOP, SLI, 1, 0)),
    "two reads": program((READ, CC | SLI, 24, BUFFER), (READ, SLI, 8, BUFFER + 8)),
    "chunks": program(*[(NOP, CC | SLI, 1, 0)] * 20, (READ, SLI, 24, BUFFER)),
    "PCI": program((NOP, CC | SLI | PCI, 1, 0), (READ, SLI | PCI, 24, BUFFER)),
}
"""Programs at PROGRAM, by the case that they try."""

AT: Final = {
    "nothing there": (SIZE, b""),
    "far beyond": (0x7FFFFFF8, b""),
    "misaligned": (PROGRAM + 4, CONTENT["read"]),
    "last words of storage": (
        SIZE - 16,
        bytes(SIZE - 16 - PROGRAM) + program(*[(NOP, CC | SLI, 1, 0)] * 2),
    ),
}
"""Addresses in the ORB, and the content of storage from PROGRAM on."""


def check(
    content: bytes, cpa: int = PROGRAM, waits: int = 1, ccws_at_once: int = 16
) -> None:
    """Explore a CPU that starts the program, and takes its status."""
    orb = Orb.command(cpa, intparm=1)
    ends: list[Operation] = [
        AwaitStatus(),
        Instruct(0, Test()),
        Fetch(BUFFER, 24),
    ] * waits
    steps: tuple[Operation, ...] = (Instruct(0, StartSubchannel(orb)), *ends)
    reference = Reference(bare_scenario(steps, content=content), visible)

    def scenario(world: World) -> None:
        PassThroughMachine(
            world.system, steps, content=content, ccws_at_once=ccws_at_once
        )
        refines(world, "a real subchannel", reference)

    result = explore(scenario)
    assert result.verdict == "verified", str(result)


@pytest.mark.parametrize("name", ["TIC", "data chain", "two reads", "TIC beyond"])
@pytest.mark.parametrize("ccws_at_once", [1, 2])
def test_however_it_is_copied(name: str, ccws_at_once: int) -> None:
    """The number of CCWs that are read at once makes no difference."""
    check(CONTENT[name], ccws_at_once=ccws_at_once)


@pytest.mark.parametrize("name", CONTENT)
def test_programs_end_as_on_a_bare_subchannel(name: str) -> None:
    """Status, CCW address, residual count and data are those of a bare subchannel."""
    check(CONTENT[name], waits=2 if name == "PCI" else 1)


@pytest.mark.parametrize("name", AT)
def test_programs_that_are_elsewhere(name: str) -> None:
    """So are those of an ORB that leads to the end of storage, or beyond."""
    cpa, content = AT[name]
    check(content, cpa)


SHORT = program((NOP, SLI | PCI, 1, 0))


@pytest.mark.parametrize(
    ("content", "cpus"),
    [
        (SHORT, ((START, HALT), (AwaitStatus(), TEST))),
        (SHORT, ((START, AwaitStatus(), TEST), (HALT,))),
        (CONTENT["PCI"], ((START, AwaitStatus()), (Fetch(BUFFER, 8), START))),
    ],
    ids=["halt", "halt and test", "data first"],
)
def test_program_controlled_interruptions(
    content: bytes, cpus: tuple[tuple[Operation, ...], ...]
) -> None:
    """A PCI may be late, and HSCH withdraws it: a guest sees no other order."""
    reference = Reference(bare_scenario(*cpus, content=content), visible)

    def scenario(world: World) -> None:
        PassThroughMachine(world.system, *cpus, content=content)
        refines(world, "a real subchannel", reference)

    result = explore(scenario)
    assert result.verdict == "verified", str(result)


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("limit", [0x2000, 0x2008, 0x2018, 0x2800, 0x2808])
@pytest.mark.parametrize("name", ["read", "IDAWs", "data chain", "skip"])
def test_address_limits(name: str, mode: int, limit: int) -> None:
    """Data are checked against the guest's own limit, piece by piece."""
    orb = Orb.command(PROGRAM, intparm=1)
    limited = replace(orb, flags=orb.flags | Orb.address_limit.mask)
    pmcw = replace(ENABLED, flags=ENABLED.flags | mode << 5)
    steps: tuple[Operation, ...] = (
        InstructSubsystem(SetAddressLimit(limit)),
        Instruct(0, ModifySubchannel(pmcw)),
        Instruct(0, StartSubchannel(limited)),
        AwaitStatus(),
        TEST,
        Fetch(BUFFER, 24),
    )
    content = CONTENT[name]
    reference = Reference(bare_scenario(steps, content=content), visible)

    def scenario(world: World) -> None:
        PassThroughMachine(world.system, steps, content=content)
        refines(world, "a real subchannel", reference)

    result = explore(scenario)
    assert result.verdict == "verified", str(result)


def test_concurrent_sense() -> None:
    """With S on in the guest's PMCW the sense data come with the status."""
    sensing = ENABLED.with_flag(Pmcw.concurrent_sense, on=True)
    steps: tuple[Operation, ...] = (
        Instruct(0, ModifySubchannel(sensing)),
        START,
        AwaitStatus(),
        TEST,
        Instruct(0, ModifySubchannel(ENABLED)),
        START,
        AwaitStatus(),
        TEST,
    )
    content = CONTENT["rejected"]
    reference = Reference(bare_scenario(steps, content=content), visible)

    def scenario(world: World) -> None:
        PassThroughMachine(world.system, steps, content=content)
        refines(world, "a real subchannel", reference)
        world.sometimes(
            "the guest has sense data",
            lambda view: view["guest-subchannel"].schib.scsw.extended_control,
        )

    result = explore(scenario)
    assert result.verdict == "verified", str(result)
