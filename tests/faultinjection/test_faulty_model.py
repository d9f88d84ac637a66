"""FaultyModel: ends as it is told, sense data, and the place of a command."""

import pytest

from ccw_actors.channel import CommandEnd, DeviceCommand, Dstat
from ccw_actors.devices import (
    BLOCK_SIZE,
    BlockGeometry,
    DeviceConfiguration,
    Failure,
    Geometry,
    NeedTrack,
    Outcome,
    Track,
    device_model,
)
from ccw_actors.faults import FaultyModel, FaultyState
from ccw_actors.faults._model import place_in, show, where
from ccw_actors.faults._place import Place

DISK = Geometry("3390", cylinders=1, heads=15, track_size=56832)
BLOCKS = BlockGeometry("3370", blocks=64)
NORMAL = Dstat.CHANNEL_AND_DEVICE_END
CHECK = NORMAL | Dstat.UNIT_CHECK

TRACK_0 = (bytes(4),)
EXTENT = bytes.fromhex("c0c00000 00000000 00000000 0000000e")
LOCATE = bytes.fromhex("06000002 00000000 00000000 01000000")
BLOCK_EXTENT = bytes.fromhex("c0000000 00000000 00000000 0000003f")
BLOCK_LOCATE = bytes.fromhex("06000003 00000005")


class Drive:
    """A device with a model, which keeps its state between commands."""

    def __init__(self, geometry: Geometry | BlockGeometry) -> None:
        kind = geometry.device_type
        self.model = FaultyModel(
            device_model(DeviceConfiguration(kind, geometry)), geometry
        )
        self.state = self.model.initial()
        records = Track.of_data(b"first".ljust(80), b"second".ljust(80))
        self.images = {0: records.to_image(DISK.track_size)}
        if isinstance(geometry, BlockGeometry):
            self.images = {one: bytes(8 * BLOCK_SIZE) for one in range(8)}

    def do(self, command: DeviceCommand) -> CommandEnd:
        """Execute a command that needs no track beyond those that are there."""
        found = self.model.execute(self.state, command, self.images)
        assert isinstance(found, Outcome)
        self.state = found.state
        return found.end

    def give(self, code: int, data: bytes = b"", count: int = 80) -> CommandEnd:
        """Execute a chained command."""
        size = len(data) or count
        return self.do(DeviceCommand(code, size, data, chained=True, chaining=True))

    def place(self, code: int) -> Place | None:
        """Return where a chained command goes."""
        before = self.state
        end = self.do(where(DeviceCommand(code, 80, chained=True)))
        assert self.state == before
        return place_in(end)


@pytest.fixture
def disk() -> Drive:
    """Return a disk with two records on its first track."""
    return Drive(DISK)


def test_unit_check(disk: Drive) -> None:
    """A status is shown with sense data, which SENSE reads once."""
    assert disk.do(show(CHECK, "data check")) == CommandEnd(CHECK)
    assert disk.model.sense(disk.state)[:2] == b"\x08\x00"
    assert disk.give(0x04, count=32).data[:2] == b"\x08\x00"
    assert disk.give(0x04, count=32).data[:2] == b"\x00\x00"


def test_sense_of_another_command(disk: Drive) -> None:
    """Sense data of a fault do not outlast the next command."""
    disk.do(show(CHECK, "data check"))
    disk.give(0x03, count=1)
    assert disk.give(0x04, count=32).data[:2] == b"\x00\x00"


def test_sense_of_an_older_check(disk: Drive) -> None:
    """Conditions of an older unit check, whose sense nobody read, are not shown."""
    assert disk.give(0xFF).status == CHECK
    disk.do(show(CHECK, "end of cylinder"))
    assert disk.give(0x04, count=32).data[:2] == b"\x00\x20"


def test_size_of_sense(disk: Drive) -> None:
    """SENSE moves as many bytes as the device has, and as the count allows."""
    disk.do(show(CHECK, "08"))
    end = disk.give(0x04, count=8)
    assert (end.data[0], len(end.data), end.length) == (0x08, 8, 32)


def test_status_ends_the_chain(disk: Drive) -> None:
    """After a shown status, a command that needs the old chain is refused."""
    disk.give(0x63, EXTENT)
    disk.do(show(NORMAL))
    assert disk.give(0x47, LOCATE).status == CHECK


def test_place_of_a_read(disk: Drive) -> None:
    """A read goes to its track, and to the record that it reads."""
    assert disk.place(0xE4) == Place()
    disk.give(0x63, EXTENT)
    disk.give(0x47, LOCATE)
    assert disk.place(0x06) == Place(((0, 0),), 1)
    assert disk.give(0x06).data == b"first".ljust(80)
    assert disk.place(0x06) == Place(((0, 0),), 2)


def test_place_needs_the_track(disk: Drive) -> None:
    """Before the place is known, the track has to be read."""
    disk.give(0x63, EXTENT)
    locate = DeviceCommand(0x47, 16, LOCATE, chained=True)
    assert disk.model.execute(disk.state, where(locate), {}) == NeedTrack(0)


def test_place_of_blocks() -> None:
    """A read of blocks goes to those that were located."""
    disk = Drive(BLOCKS)
    disk.give(0x63, BLOCK_EXTENT)
    assert disk.give(0x43, BLOCK_LOCATE).status == NORMAL
    assert disk.place(0x42) == Place(blocks=(5, 3))
    assert disk.place(0x03) == Place()


def test_track_that_cannot_be_read(disk: Drive) -> None:
    """A failed read during a `where` has no place, and is a check of the model."""
    read = where(DeviceCommand(0x06, 80, chained=True))
    end = disk.model.failed(disk.state, read, Failure.EQUIPMENT).end
    assert end.status == CHECK
    assert place_in(end) is None


def test_state_type(disk: Drive) -> None:
    """The type of the state has that of the model's state."""
    inner = device_model(DeviceConfiguration("3390", DISK))
    assert disk.model.state_type == FaultyState[inner.state_type]  # type: ignore[name-defined]
