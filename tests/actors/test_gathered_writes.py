"""Device and its volume: the writes of a chain are gathered by track until its end."""

import pytest

from ccw_actors.actors.protocol import (
    CommandEnded,
    HaltSignal,
    ReadTrack,
    ResetDone,
    ResetSignal,
    TrackFailed,
    WriteHeldTracks,
    WriteTrack,
)
from ccw_actors.channel import CommandEnd, Dstat
from ccw_actors.testkit import ProbeFactory, VirtualSystem
from tests.actors.one_track import DONE, Rig

UNIT_CHECK = DONE | Dstat.UNIT_CHECK


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """A device that holds tracks 5 and 6, and has been given 5 twice."""
    rig = Rig(virtual_system, probe)
    for track, data in ((5, b"5 old"), (6, b"6"), (5, b"5")):
        rig.write(track, data, chaining=True)
        rig.ended(holds=True)
    return rig


def both_written(rig: Rig, first: int) -> None:
    """Expect one write for each held track, the first with that number."""
    rig.written(WriteTrack(first, 6, b"6"))
    rig.written(WriteTrack(first + 1, 5, b"5"))


def test_the_last_command_writes_each_track_once(rig: Rig) -> None:
    """The chain's end comes when they are written; the last image of each counts."""
    rig.write(6, b"6 new")
    rig.written(WriteTrack(4, 6, b"6 new"))
    rig.written(WriteTrack(5, 5, b"5"))
    rig.ended()


def test_held_tracks_are_read_from_the_device(rig: Rig) -> None:
    """A command of the chain sees what one before it has written."""
    rig.read(5)
    both_written(rig, 4)
    rig.ended(b"5")


def test_a_chain_that_ends_early(rig: Rig) -> None:
    """The subchannel has them written; then nothing is held."""
    rig.tell(WriteHeldTracks(1))
    both_written(rig, 4)
    rig.ended()
    rig.tell(WriteHeldTracks(1))
    rig.ended()


def test_a_halted_command_writes_them(rig: Rig) -> None:
    """A halt ends the read of a track early, and writes those that are held."""
    rig.read(9)
    rig.volume.expect_now(ReadTrack(4, 9))
    rig.tell(HaltSignal(1))
    both_written(rig, 5)
    rig.ended()


def test_a_failed_read_writes_them(rig: Rig) -> None:
    """A unit check ends the chain: the tracks before it are written."""
    rig.read(9)
    rig.volume.expect_now(ReadTrack(4, 9))
    rig.volume.reply(TrackFailed(4, "torn"))
    rig.clock.run()
    both_written(rig, 5)
    rig.ended(status=UNIT_CHECK)


def test_a_failed_write_ends_the_chain(rig: Rig) -> None:
    """The unit check comes with the end; the device keeps none of the tracks."""
    rig.tell(WriteHeldTracks(1))
    rig.volume.expect_now(WriteTrack(4, 6, b"6"))
    rig.volume.reply(TrackFailed(4, "full"))
    rig.clock.run()
    rig.ended(status=UNIT_CHECK)
    rig.read(5)
    rig.fetched(ReadTrack(6, 5), b"as it was")


@pytest.mark.parametrize("system", [False, True])
def test_a_reset_does_not_wait(rig: Rig, *, system: bool) -> None:
    """Both are on their way when it is answered, and are read from the volume."""
    rig.tell(ResetSignal(1, system))
    rig.subchannel.expect_now(ResetDone(1, system))
    rig.volume.expect_all_now(
        WriteTrack(4, 6, b"6"), WriteTrack(5, 5, b"5"), in_order=True
    )
    rig.volume.reply(TrackFailed(4, "full"))
    rig.clock.run()
    rig.read(6)
    rig.fetched(ReadTrack(7, 6), b"6")


def test_no_more_are_held_than_kept(rig: Rig) -> None:
    """A chain of many tracks writes as soon as the device holds as many as it keeps."""
    for track in (7, 8):
        rig.write(track, b"x", chaining=True)
        rig.ended(holds=True)
    rig.write(9, b"x", chaining=True)
    for number, (track, data) in enumerate(
        ((6, b"6"), (5, b"5"), (7, b"x"), (8, b"x"), (9, b"x"))
    ):
        rig.written(WriteTrack(6 + number, track, data))
    rig.ended()


def test_without_gathering(virtual_system: VirtualSystem, probe: ProbeFactory) -> None:
    """Each command writes before it ends."""
    rig = Rig(virtual_system, probe, gather=False)
    rig.write(5, b"5", chaining=True)
    rig.written(WriteTrack(1, 5, b"5"))
    rig.subchannel.expect_now(CommandEnded(1, CommandEnd(DONE)))
