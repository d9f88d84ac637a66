"""Guest programs that end their process at a point of an I/O, for good."""

import os
import signal
from collections.abc import Callable
from typing import Final

from ccw_actors.actors import BlockingCpu, Cpu
from ccw_actors.channel import Actl, Ccw, Command, Orb, Pmcw, Scsw

_PROGRAM: Final = 0x2000
_DATA: Final = 0x3000
_SENSE_ID: Final = Ccw(Command.SENSE_ID, Ccw.suppress_length.mask, 7, _DATA)
_SUSPENDED: Final = Ccw(
    Command.SENSE_ID, Ccw.suppress_length.mask | Ccw.suspend.mask, 7, _DATA
)


def end_process() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


async def dies(cpu: Cpu, point: str) -> None:
    """Let the process die when the I/O on subchannel 0 has come to that point."""
    pmcw = (await cpu.store(0)).schib.pmcw
    await cpu.modify(0, pmcw.with_flag(Pmcw.enabled, on=True))
    ccw = _SUSPENDED if point == "suspended" else _SENSE_ID
    await cpu.storage.write(_PROGRAM, ccw.to_bytes(1))
    if point == "idle":
        end_process()
    await cpu.start(0, Orb.command(_PROGRAM, suspend=point == "suspended"))
    if point == "started":
        end_process()
    await _reached(cpu, _SHOWS[point])
    if point == "halting":
        await cpu.halt(0)
    if point == "clearing":
        await cpu.clear(0)
    end_process()


def dies_blocking(cpu: BlockingCpu, point: str) -> None:
    """Do what `dies` does, on its own thread."""
    cpu.run(dies, point)


def _active(scsw: Scsw) -> bool:
    return bool(scsw.actl & Actl.DEVICE_ACTIVE)


def _suspended(scsw: Scsw) -> bool:
    return bool(scsw.actl & Actl.SUSPENDED)


_SHOWS: Final[dict[str, Callable[[Scsw], object]]] = {
    "active": _active,
    "halting": _active,
    "clearing": _active,
    "suspended": _suspended,
    "pending": lambda scsw: scsw.pending,
}
"""What the SCSW shows at a point."""


async def _reached(cpu: Cpu, shows: Callable[[Scsw], object]) -> None:
    while not shows((await cpu.store(0)).schib.scsw):
        pass
