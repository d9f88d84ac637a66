"""Your own guest program: do SENSE ID on the first device, by hand."""

from ccw_actors.actors import Cpu
from ccw_actors.channel import Ccw, Command, Orb, Pmcw
from ccw_actors.errors import ProgramError

PROGRAM = 0x2000
DATA = 0x3000
SENSE_ID_SIZE = 7


async def identify(cpu: Cpu, repetitions: int = 1) -> dict[str, str]:
    """Enable subchannel 0, do SENSE ID `repetitions` times, return the types in hex.

    Raises:
        ProgramError: SSCH gave another condition code than 0.
    """
    pmcw = (await cpu.store(0)).schib.pmcw
    await cpu.modify(0, pmcw.with_flag(Pmcw.enabled, on=True))
    ccw = Ccw(Command.SENSE_ID, Ccw.suppress_length.mask, SENSE_ID_SIZE, DATA)
    await cpu.storage.write(PROGRAM, ccw.to_bytes(1))
    for _ in range(repetitions):
        if (cc := await cpu.start(0, Orb.command(PROGRAM))) != 0:
            raise ProgramError(f"SSCH: condition code {cc}")
        await cpu.wait()
        await cpu.test(0)
    data = await cpu.storage[DATA : DATA + SENSE_ID_SIZE]
    return {"control unit": data[1:3].hex(), "device": data[4:6].hex()}
