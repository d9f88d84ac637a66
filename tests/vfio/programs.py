"""Set-up of a client for a test: its memory, and a channel program in it."""

from ccw_actors.channel import Ccw, Orb
from tests.vfio.rig import PAGE, Rig

IOVA = 0x10000
SIZE = 16 * PAGE
SENSE_ID = 0xE4


async def opened(made: Rig, index: int = 0) -> tuple[int, int, int]:
    """Open container and device with 16 pages at `IOVA`; return also their address."""
    container, group = await made.open_container(index)
    device = await made.open_device(group, index)
    memory = await made.do("map", SIZE)
    assert await made.map(container, IOVA, memory, SIZE) == 0
    return container, device, memory


async def put_program(made: Rig, memory: int, *ccws: Ccw) -> Orb:
    """Store a channel program in the first page."""
    raw = b"".join(ccw.to_bytes(1) for ccw in ccws)
    await made.do("poke", memory, raw.hex())
    return Orb.command(IOVA, lpm=0x80)


async def put_sense_id(made: Rig, memory: int, at: int = IOVA + PAGE) -> Orb:
    """Store a program that ends at once: it stores 7 bytes at an address."""
    return await put_program(
        made, memory, Ccw(SENSE_ID, Ccw.suppress_length.mask, 64, at)
    )


async def put_read(made: Rig, memory: int) -> Orb:
    """Store a program that reads a record into the third page: it waits for a track."""
    extent = "c0c00000 00000000 00000000 0000000e".replace(" ", "")
    location = "06000001 00000000 00000000 01000000".replace(" ", "")
    await made.do("poke", memory + 0x100, extent)
    await made.do("poke", memory + 0x110, location)
    chain = Ccw.chain_command.mask
    return await put_program(
        made,
        memory,
        Ccw(0x63, chain, 16, IOVA + 0x100),
        Ccw(0x47, chain, 16, IOVA + 0x110),
        Ccw(0x06, Ccw.suppress_length.mask, 4096, IOVA + 2 * PAGE),
    )
