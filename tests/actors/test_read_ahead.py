"""Device and its volume: a kept track costs no message, sequential ones come ahead."""

from pathlib import Path

import pytest

from ccw_actors.actors import FileVolume, MemoryVolume
from ccw_actors.actors.hardware.image import open_image
from ccw_actors.actors.protocol import (
    HaltSignal,
    ReadTrack,
    TrackFailed,
    TrackRead,
    WriteTrack,
)
from ccw_actors.channel import Dstat
from ccw_actors.devices import Geometry
from ccw_actors.runtime import System
from ccw_actors.testkit import ProbeFactory, VirtualSystem
from tests.actors.images import VOLUME, new_image
from tests.actors.one_track import DONE, Rig


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """A device that has read no track."""
    return Rig(virtual_system, probe)


def test_kept_tracks_need_no_volume(rig: Rig) -> None:
    """A track that was read or written is read again without the volume."""
    rig.read(5)
    rig.fetched(ReadTrack(1, 5), b"five")
    rig.read(5)
    rig.ended(b"five")
    rig.write(9, b"new")
    rig.written(WriteTrack(4, 9, b"new"))
    rig.ended()
    rig.read(9)
    rig.ended(b"new")


def test_the_next_track_brings_those_behind_it(rig: Rig) -> None:
    """After a track and the next one, two more come ahead, and so on."""
    rig.read(5)
    rig.fetched(ReadTrack(1, 5), b"5")
    rig.read(6)
    rig.fetched(ReadTrack(3, 6, ahead=2), b"6", b"7", b"8")
    for track in (7, 8):
        rig.read(track)
        rig.ended(f"{track}".encode())
    rig.read(9)
    rig.fetched(ReadTrack(7, 9, ahead=2), b"9", b"10", b"11")


def test_other_tracks_come_alone(rig: Rig) -> None:
    """Neither the first access to a volume nor a random one reads ahead."""
    rig.read(0)
    rig.fetched(ReadTrack(1, 0), b"0")
    rig.read(7)
    rig.fetched(ReadTrack(3, 7), b"7")
    rig.read(6)
    rig.fetched(ReadTrack(5, 6), b"6")


def test_the_oldest_tracks_are_dropped(rig: Rig) -> None:
    """No more than `tracks_max` are kept, those that came ahead among them."""
    for number, track in enumerate((20, 30)):
        rig.read(track)
        rig.fetched(ReadTrack(1 + 2 * number, track), b"x")
    rig.read(31)
    rig.fetched(ReadTrack(5, 31, ahead=2), b"31", b"32", b"33")
    rig.read(30)
    rig.ended(b"x")
    rig.read(20)
    rig.fetched(ReadTrack(8, 20), b"x")


def test_a_failure_is_of_the_track_that_is_needed(rig: Rig) -> None:
    """A track that did not come ahead is asked for, and fails then."""
    rig.read(5)
    rig.fetched(ReadTrack(1, 5), b"5")
    rig.read(6)
    rig.fetched(ReadTrack(3, 6, ahead=2), b"6")
    rig.read(7)
    rig.volume.expect_now(ReadTrack(5, 7, ahead=2))
    rig.volume.reply(TrackFailed(5, "torn"))
    rig.clock.run()
    rig.ended(status=DONE | Dstat.UNIT_CHECK)


def test_tracks_that_come_after_a_halt_are_not_kept(rig: Rig) -> None:
    """What a halted command had asked for is asked for again."""
    rig.read(5)
    rig.volume.expect_now(ReadTrack(1, 5))
    rig.tell(HaltSignal(1))
    rig.ended()
    rig.volume.reply(TrackRead(1, b"late", (b"late",)))
    rig.clock.run()
    rig.read(5)
    rig.fetched(ReadTrack(3, 5), b"5")


def test_a_memory_volume_ends(virtual_system: VirtualSystem) -> None:
    """What is ahead ends with the volume."""
    tracks = {number: bytes([number + 65]) for number in range(4)}
    volume = virtual_system.spawn(MemoryVolume(Geometry("3390", 1, 4, 1), tracks))
    found = volume.ask(ReadTrack(1, 1, ahead=9), block=True)
    assert found == TrackRead(1, b"B", (b"C", b"D"))
    assert volume.ask(ReadTrack(2, 3, ahead=9), block=True) == TrackRead(2, b"D")


@pytest.mark.asyncio
async def test_a_file_volume_ends(tmp_path: Path) -> None:
    """An image gives the tracks up to its last one."""
    image = new_image(tmp_path)
    tracks = VOLUME.cylinders * VOLUME.heads
    with_open = open_image(image, read_only=True)
    last = [with_open.read(number) for number in range(tracks - 3, tracks)]
    with_open.close()
    async with System() as system:
        volume = system.spawn_thread(FileVolume(image, read_only=True), "volume")
        found = await volume.ask(ReadTrack(1, tracks - 3, ahead=7))
    assert found == TrackRead(1, last[0], tuple(last[1:]))
