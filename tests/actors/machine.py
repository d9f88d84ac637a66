"""A small machine for tests: one guest, one passed-through 3390, all in memory."""

from ccw_actors.actors.protocol import Instruct, ModifySubchannel
from ccw_actors.channel import Ccw, Orb, Pmcw
from ccw_actors.devices import Geometry, Track
from ccw_actors.machine import Program
from ccw_actors.runtime import System
from ccw_actors.scenarios import PassThroughMachine

GEOMETRY = Geometry("3390", cylinders=1, heads=15, track_size=56832)
RECORDS = (b"first record".ljust(80), bytes(range(256)) * 16)
STORAGE_SIZE = 1 << 16

DATA = (0x2000, 0x3000)
PROGRAM_AT = 0x1000
READ_BOTH = Orb.command(PROGRAM_AT, intparm=0x77)

VALID = Pmcw.of_device(0x190)
ENABLED = VALID.with_flag(Pmcw.enabled, on=True).with_isc(3)
ENABLE = Instruct(0, ModifySubchannel(ENABLED))


def channel_program() -> bytes:
    """Return the program at `PROGRAM_AT`: DEFINE EXTENT, LOCATE RECORD, 2 READ DATA.

    The second READ DATA has an IDAW list.
    """
    extent, location, idaws = PROGRAM_AT + 0x100, PROGRAM_AT + 0x110, PROGRAM_AT + 0x120
    ccws = (
        Ccw(0x63, 0x40, 16, extent),
        Ccw(0x47, 0x40, 16, location),
        Ccw(0x06, 0x60, 4096, DATA[0]),
        Ccw(0x06, 0x24, 4096, idaws),
    )
    words = b"".join(ccw.to_bytes(1) for ccw in ccws)
    parameters = (
        bytes.fromhex("c0c00000 00000000 00000000 0000000e"),
        bytes.fromhex("06000002 00000000 00000000 01000000"),
        DATA[1].to_bytes(8, "big"),
    )
    return words.ljust(0x100, b"\0") + b"".join(parameters)


def new_machine(
    system: System, *programs: Program, ends: bool = True
) -> PassThroughMachine:
    """Make the machine in a System; a CPU "cpu0", "cpu1", ... for each program.

    With `ends` the emulator resets the subchannel when all programs have ended.
    """
    return PassThroughMachine(
        system,
        *programs,
        guest_pmcw=VALID,
        content=channel_program(),
        storage_size=STORAGE_SIZE,
        image=Track.of_data(*RECORDS).to_image(GEOMETRY.track_size),
        ends=ends,
    )
