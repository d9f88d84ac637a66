"""Emulator alone, between the CPUs of a guest and its subchannels."""

from ccw_actors.actors import Emulator
from ccw_actors.actors.protocol import (
    AwaitGuest,
    GuestEnded,
    GuestReport,
    ResetSubchannel,
    SubchannelReset,
)
from ccw_actors.testkit import ProbeFactory, VirtualSystem

ONE = GuestReport(2, 1, {"0": 3}, error="bad")
OTHER = GuestReport(1, 1, {"0": 1, "2": 4}, result="good")
BOTH = GuestReport(3, 2, {"0": 4, "2": 4}, "good", "bad")


def test_end(virtual_system: VirtualSystem, probe: ProbeFactory) -> None:
    """Subchannels are reset when the last CPU has ended; then the guest ends."""
    subchannels = [probe(ResetSubchannel), probe(ResetSubchannel)]
    early, late = probe(GuestReport), probe(GuestReport)
    emulator = virtual_system.spawn(Emulator(2, [one.ref for one in subchannels]))
    early.tell(emulator, AwaitGuest())
    emulator.tell(GuestEnded(ONE))
    virtual_system.clock.run()
    for one in subchannels:
        one.expect_nothing_now()
    emulator.tell(GuestEnded(OTHER))
    virtual_system.clock.run()
    for one in subchannels:
        early.expect_nothing_now()
        one.expect_now(ResetSubchannel())
        one.reply(SubchannelReset(0))
        virtual_system.clock.run()
    early.expect_now(BOTH)
    late.tell(emulator, AwaitGuest())
    virtual_system.clock.run()
    late.expect_now(BOTH)


def test_end_without_subchannels(
    virtual_system: VirtualSystem, probe: ProbeFactory
) -> None:
    """Without subchannels the guest ends with its last CPU."""
    asker = probe(GuestReport)
    emulator = virtual_system.spawn(Emulator(1, []))
    emulator.tell(GuestEnded(ONE))
    asker.tell(emulator, AwaitGuest())
    virtual_system.clock.run()
    asker.expect_now(ONE)
