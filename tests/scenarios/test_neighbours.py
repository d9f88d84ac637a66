"""A crash of one guest's layer changes nothing for another guest."""

from contextlib import suppress
from typing import Any

import pytest

from ccw_actors.actors import Cpu
from ccw_actors.actors.protocol import AwaitGuest, CountPins, GuestReport
from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import Choice, SteppingDispatcher, System
from examples.pass_through.machine import Machine, enable, read_label

LAYERS = (
    "disk0",
    "disk0/subchannel",
    "disk0/cio",
    "alice/disk0/vfio-ccw",
    "alice/disk0",
)


async def reads(cpu: Cpu) -> list[str]:
    """Read the label three times, while there is a disk."""
    await enable(cpu)
    return [await read_label(cpu) for _ in range(3)]


def bobs_report(crash_at: int) -> tuple[GuestReport, bool]:
    """Run both guests; crash the layer of alice's that handles that message.

    Returns what bob reports, and whether something has crashed.
    """
    dispatcher = SteppingDispatcher("channel")
    system = System(dispatcher)
    machine = Machine(system, disks=2)
    machine.guest("alice", reads, 0)
    machine.guest("bob", reads, 1)
    step = 0
    crashed = False
    while choices := [one for one in dispatcher.enabled() if not one.timer]:
        choice: Choice = choices[step % len(choices)]
        if step >= crash_at and not crashed and choice.recipient in LAYERS:
            choice = choice._replace(crash=True)
            crashed = True
        with suppress(ActorFailedError):
            dispatcher.step(choice)
        step += 1
    assert len(system.failures) == int(crashed), "nothing else fails"
    pins: Any = system.ref("bob/storage").ask(CountPins(), block=True)
    assert pins.pages == 0
    alice = system.ref("alice/storage").ask(CountPins(), block=True)
    assert alice.pages == 0
    return system.ref("bob/emulator").ask(AwaitGuest(), block=True), crashed


@pytest.mark.parametrize("crash_at", range(0, 228, 4))
def test_no_other_guest_notices(crash_at: int) -> None:
    """The other guest's results and counts of I/Os and interruptions are the same."""
    undisturbed, _ = bobs_report(10**9)
    report, crashed = bobs_report(crash_at)
    assert crashed
    assert report == undisturbed
    assert report.result == ["this is disk1"] * 3
