"""Guest programs for the tests of the machine."""

import os
from pathlib import Path
from typing import Final

from ccw_actors.actors import BlockingCpu, Cpu
from ccw_actors.actors.protocol import (
    AwaitStatus,
    Fetch,
    Instruct,
    ModifySubchannel,
    StartSubchannel,
    Store,
    StoreSubchannel,
    TestSubchannel,
)
from ccw_actors.channel import Ccw, Command, Orb, Pmcw
from ccw_actors.errors import ProgramError
from ccw_actors.machine._channel_program import Give
from ccw_actors.machine.guest_os import find_devices
from ccw_actors.machine.programs import VolumeContents, read_volume

SENSE_ID_SIZE: Final = 7
_PROGRAM: Final = 0x2000
_DATA: Final = 0x3000
_ENABLED: Final = Pmcw(flags=Pmcw.enabled.mask, lpm=0x80)
_SENSE_ID = Ccw(Command.SENSE_ID, Ccw.suppress_length.mask, SENSE_ID_SIZE, _DATA)
_ORB: Final = Orb.command(_PROGRAM)

AS_DATA = (
    Instruct(0, StoreSubchannel()),
    Instruct(0, ModifySubchannel(_ENABLED)),
    Store(_PROGRAM, _SENSE_ID.to_bytes(1)),
    Instruct(0, StartSubchannel(_ORB)),
    AwaitStatus(),
    Instruct(0, TestSubchannel()),
    Fetch(_DATA, SENSE_ID_SIZE),
)


async def as_coroutine(cpu: Cpu) -> bytes:
    """Do SENSE ID."""
    await cpu.store(0)
    await cpu.modify(0, _ENABLED)
    await cpu.storage.write(_PROGRAM, _SENSE_ID.to_bytes(1))
    await cpu.start(0, _ORB)
    await cpu.wait()
    await cpu.test(0)
    return await cpu.storage[_DATA : _DATA + SENSE_ID_SIZE]


def as_function(cpu: BlockingCpu) -> bytes:
    """Do SENSE ID."""
    cpu.store(0)
    cpu.modify(0, _ENABLED)
    cpu.storage[_PROGRAM:] = _SENSE_ID.to_bytes(1)
    cpu.start(0, _ORB)
    cpu.wait()
    cpu.test(0)
    return cpu.storage[_DATA : _DATA + SENSE_ID_SIZE]


async def write_record(cpu: Cpu, data: str) -> int:
    """Write the first record of cylinder 1, head 0; return its device status."""
    (disk,) = await find_devices(cpu)
    track = bytes([0, 1, 0, 0])
    ending = await disk.run(
        Give(0x63, bytes([0x80, 0xC0]) + bytes(6) + track + track),
        Give(0x47, bytes([1, 0, 0, 1]) + track + track + bytes([1, 0xFF, 0, 0])),
        Give(0x05, data.encode()),
    )
    if not ending.normal:
        raise ProgramError(f"{disk}: write: {ending}")
    return ending.dstat


async def read_volume_cut_short(cpu: Cpu, image: str, size: int) -> VolumeContents:
    """Read a volume whose image is cut to `size` bytes before the first read."""
    os.truncate(Path(image), size)
    return await read_volume(cpu)


async def name_devices(cpu: Cpu) -> list[str]:
    """Return the numbers of the guest's devices."""
    return [str(device) for device in await find_devices(cpu)]


async def fail(cpu: Cpu) -> None:
    """Raise an error of two lines."""
    await cpu.store(0)
    raise RuntimeError("first line\nsecond line")


def fail_in_thread(cpu: BlockingCpu) -> None:
    """Raise an error of two lines."""
    cpu.store(0)
    raise RuntimeError("first line\nsecond line")


def leave(cpu: BlockingCpu) -> None:
    """Raise SystemExit, as scripts do."""
    cpu.store(0)
    raise SystemExit(3)


async def wait_for_ever(cpu: Cpu) -> None:
    """Wait for an interruption that does not come."""
    await cpu.wait()


def wait_for_ever_in_thread(cpu: BlockingCpu) -> None:
    """Wait for an interruption that does not come."""
    cpu.wait()


async def return_nonsense(cpu: Cpu) -> object:
    """Return a value that cannot be encoded."""
    await cpu.store(0)
    return object()


async def await_something_else(cpu: Cpu) -> None:
    """Await an object that is not an operation of the cpu."""
    await cpu.store(0)

    class Other:
        def __await__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
            yield 1

    await Other()
