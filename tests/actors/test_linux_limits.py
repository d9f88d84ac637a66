"""The limits of Linux on channel programs, as an option."""

from functools import partial
from typing import Any, Literal

import pytest

from ccw_actors.actors import Cpu, VfioCcw
from ccw_actors.actors.protocol import AwaitGuest
from ccw_actors.channel import Ccw, Cstat, Orb
from ccw_actors.machine import Layers
from ccw_actors.runtime import System, VirtualDispatcher
from ccw_actors.scenarios import PROGRAM, PassThroughMachine

NOP, TIC = 0x03, 0x08
CHAINED = Ccw(NOP, Ccw.chain_command.mask | Ccw.suppress_length.mask, 1)
LAST = Ccw(NOP, Ccw.suppress_length.mask, 1)


class LikeLinux(VfioCcw):
    """Refuses what Linux would refuse."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, limits="linux", **options)


def long_chain(ccws: int) -> bytes:
    """Return so many CCWs in one chain."""
    return b"".join(ccw.to_bytes(1) for ccw in [CHAINED] * (ccws - 1) + [LAST])


def many_chains(chains: int) -> bytes:
    """Return chains of a NOP and a TIC to the next, at a distance."""
    content = b""
    for number in range(chains - 1):
        target = PROGRAM + 32 * (number + 1)
        words = CHAINED.to_bytes(1) + Ccw(TIC, address=target).to_bytes(1)
        content += words.ljust(32, b"\0")
    return content + LAST.to_bytes(1)


async def start(cpu: Cpu) -> int:
    """Run the program; return the subchannel status that it ends with."""
    assert await cpu.start(0, Orb.command(PROGRAM)) == 0
    await cpu.wait()
    return (await cpu.test(0)).irb.scsw.cstat


@pytest.mark.parametrize(
    ("content", "legal"),
    [
        (long_chain(256), True),
        (long_chain(257), False),
        (many_chains(16), True),
        (many_chains(17), False),
    ],
    ids=["256 CCWs", "257 CCWs", "16 chains", "17 chains"],
)
@pytest.mark.parametrize("limits", ["none", "linux"])
def test_limits(
    content: bytes, *, legal: bool, limits: Literal["none", "linux"]
) -> None:
    """Linux refuses a longer program, and the guest finds a program check."""
    system = System(VirtualDispatcher())
    layers = Layers(vfio_ccw=partial(VfioCcw, limits=limits))
    PassThroughMachine(system, start, layers=layers, content=content, ends=True)
    report = system.ref("emulator").ask(AwaitGuest(), block=True)
    assert report.error is None, report.error
    refused = limits == "linux" and not legal
    assert report.result == (Cstat.PROGRAM_CHECK if refused else 0)
