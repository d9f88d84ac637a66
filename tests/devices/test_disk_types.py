"""Every disk type in all its sizes: what it says of itself, and how full a track is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ccw_actors.actors.hardware.image import open_image
from ccw_actors.cli import app
from ccw_actors.devices import (
    BlockGeometry,
    DeviceConfiguration,
    Geometry,
    Record,
    Track,
    device_model,
)
from ccw_actors.devices.ckd_types import CKD_TYPES, CkdType, ckd_type, ckd_volume
from ccw_actors.devices.fba_image import FBA_TYPES, fba_blocks
from ccw_actors.devices.volume_check import damages
from tests.devices.chain_runner import Disk

DATA = Path(__file__).parents[1] / "data"
SAID: list[dict[str, Any]] = json.loads(
    (DATA / "hercules-disk-types.json").read_text(encoding="utf-8")
)
CKD_NAMES = [f"{kind.name}-{model}" for kind in CKD_TYPES for model in kind.models]
FBA_NAMES = [
    f"{kind}-{model}".removesuffix("-")
    for kind, models in FBA_TYPES.items()
    for model in models
]

SENSE, SENSE_ID, CHARACTERISTICS, SEEK, SET_SECTOR = 0x04, 0xE4, 0x64, 0x07, 0x23
READ_RECORD_ZERO, READ_COUNT, READ_DATA = 0x16, 0x12, 0x06
SEARCH_ID, WRITE_COUNT = 0x31, 0x1D
DEFINE_EXTENT, PATH_GROUP = 0x63, 0x34
NORMAL, CHECKED = 0x0C, 0x0E
REJECTED, INVALID_TRACK_FORMAT, END_OF_CYLINDER = "8000", "0040", "0020"


class FreshTracks(dict[int, bytes]):
    """Tracks of a volume in memory, each with its R0 until it is written."""

    def __init__(self, volume: Geometry) -> None:
        super().__init__()
        self.volume = volume

    def __missing__(self, number: int) -> bytes:
        """Return a track without records but R0."""
        cylinder, head = divmod(number, self.volume.heads)
        first = Record(cylinder, head, 0, b"", bytes(8))
        raw = Track(0, cylinder, head, (first,), b"").to_bytes()
        return raw.ljust(self.volume.track_size, b"\0")


def tracks_disk(volume: Geometry, devno: int = 0x120) -> Disk:
    """Return a disk with a new volume."""
    settings = DeviceConfiguration(volume.device_type, volume, devno=devno)
    return Disk(device_model(settings), FreshTracks(volume))


def small(name: str) -> Disk:
    """Return a disk of this type and model."""
    kind, cylinders = ckd_type(name)
    return tracks_disk(ckd_volume(kind, cylinders))


def read(disk: Disk, code: int) -> str | None:
    """Return all that a command reads, in hex; None if it is rejected."""
    (end,) = disk.run((code, 256))
    if end.status == CHECKED:
        assert disk.run((SENSE, 2))[0].data.hex() == REJECTED
        return None
    assert end.status == NORMAL
    return end.data.hex()


def sensed(disk: Disk) -> str:
    """Return sense bytes 0 and 1."""
    return disk.run((SENSE, 2))[0].data.hex()


def volume_of(row: dict[str, Any]) -> Geometry | BlockGeometry:
    """Return the volume that Hercules had."""
    if "blocks" in row:
        return BlockGeometry(row["type"], row["blocks"], 120)
    sizes = {kind.track_size for kind in CKD_TYPES if kind.name == row["type"]}
    wanted = row.get("track_size", min(sizes))
    (kind,) = (
        one for one in CKD_TYPES if (one.name, one.track_size) == (row["type"], wanted)
    )
    return ckd_volume(kind, row["cylinders"])


@pytest.mark.parametrize(
    "row",
    SAID,
    ids=lambda row: f"{row['type']}-{row.get('cylinders', row.get('blocks'))}",
)
def test_as_hercules_says(row: dict[str, Any]) -> None:
    """A disk of each size reports what a volume of dasdinit does on Hercules 3.13.

    But for the sense data of a 2305: 24 bytes, of which Hercules 3.13 has the first 6.
    The control unit of a 9345 is the one that Hercules 3.13 knows.
    """
    volume = volume_of(row)
    options = (("control_unit", "9343-0"),) if row["type"] == "9345" else ()
    settings = DeviceConfiguration(
        row["type"], volume, devno=int(row["devno"], 16), options=options
    )
    disk = Disk(device_model(settings), {})
    sense = read(disk, SENSE)
    if row["type"] == "2305":
        assert sense == row["sense"].ljust(48, "0")
    else:
        assert sense == row["sense"]
    assert read(disk, SENSE_ID) == row["sense_id"]
    assert read(disk, CHARACTERISTICS) == row["characteristics"]


def test_all_sizes_are_compared() -> None:
    """Hercules was asked about every size that a new image can have, but for 2305-x."""
    asked = {(row["type"], row.get("cylinders", row.get("blocks"))) for row in SAID}
    ours = {(name[:4], ckd_type(name)[1]) for name in CKD_NAMES}
    ours |= {fba_blocks(name) for name in FBA_NAMES}
    assert ours <= asked


@pytest.mark.parametrize("name", CKD_NAMES)
def test_last_track(name: str) -> None:
    """On the last track R0 is read, and there is no track behind it."""
    kind, cylinders = ckd_type(name)
    disk = small(name)
    last = (cylinders - 1).to_bytes(2) + (kind.heads - 1).to_bytes(2)
    *_, end = disk.run((SEEK, bytes(2) + last), (READ_RECORD_ZERO, 16))
    assert (end.status, end.data) == (NORMAL, last + bytes((0, 0, 0, 8)) + bytes(8))
    for address in (
        cylinders.to_bytes(2) + bytes(2),
        bytes(2) + kind.heads.to_bytes(2),
    ):
        (end,) = disk.run((SEEK, bytes(2) + address))
        assert (end.status, sensed(disk)) == (CHECKED, REJECTED)


def write_record(
    disk: Disk, place: bytes, number: int, lengths: tuple[int, int]
) -> str:
    """Write a record behind the one before; return the sense conditions."""
    key, data = lengths
    count = place + bytes((number, key)) + data.to_bytes(2)
    *_, end = disk.run(
        (SEEK, bytes(2) + place),
        *[(SEARCH_ID, place + bytes([number - 1]))] * number,
        (WRITE_COUNT, count + b"\xa5" * (key + data)),
    )
    assert end.status in {NORMAL, CHECKED}
    return sensed(disk)


@pytest.mark.parametrize("name", CKD_NAMES)
def test_longest_record_is_written(name: str) -> None:
    """The longest record of a type fits; one byte more is an invalid track format."""
    kind, cylinders = ckd_type(name)
    disk = small(name)
    place = (cylinders - 1).to_bytes(2) + (kind.heads - 1).to_bytes(2)
    too_long = (0, kind.record_max + 1)
    assert write_record(disk, place, 1, too_long) == INVALID_TRACK_FORMAT
    assert disk.tracks == {}
    assert write_record(disk, place, 1, (0, kind.record_max)) == "0000"
    (raw,) = disk.tracks.values()
    assert [len(one.data) for one in Track.from_bytes(raw).records] == [
        8,
        kind.record_max,
    ]
    *_, end = disk.run((SEEK, bytes(2) + place), (READ_COUNT, 8))
    assert end.data == place + bytes((1, 0)) + kind.record_max.to_bytes(2)


@pytest.mark.parametrize(
    "kind", CKD_TYPES, ids=lambda kind: f"{kind.name}-{kind.track_size}"
)
def test_records_before_take_their_space(kind: CkdType) -> None:
    """A track takes as many keyed records as the formula says, and no more.

    A record that is written over another one takes its place, with all behind it.
    """
    disk = tracks_disk(ckd_volume(kind, 1))
    place, lengths = bytes(4), (44, 96)
    for number in range(1, kind.vtoc.dscbs + 1):
        assert write_record(disk, place, number, lengths) == "0000"
    full = kind.vtoc.dscbs + 1
    assert write_record(disk, place, full, lengths) == INVALID_TRACK_FORMAT
    assert write_record(disk, place, 1, (0, kind.record_max)) == "0000"


@pytest.mark.parametrize(
    ("name", "address", "place"),
    [
        ("2305-2", "005f0007", "0000"),
        ("2311-1", "00c70009", "0000"),
        ("2314-1", "00c70013", "0000"),
        ("3330-1", "01930012", "9352"),
        ("3330-11", "03270012", "2772"),
        ("3340-70", "02b7000b", "b74b"),
        ("3350-1", "022a001d", "2a5d"),
        ("3375-1", "03be000b", "becb"),
        ("3380-A", "0374000e", "743e"),
        ("9345-2", "086b000e", "6b8e"),
    ],
)
def test_place_in_sense_data(name: str, address: str, place: str) -> None:
    """Sense bytes 5 and 6 name the track as each type codes it, or not at all."""
    disk = small(name)
    disk.run((SEEK, bytes(2) + bytes.fromhex(address)))
    assert disk.model.sense(disk.state)[5:7].hex() == place


@pytest.mark.parametrize(
    ("name", "ready"), [("2305-1", 0x40), ("2311-1", 0xC8), ("2314-1", 0x40)]
)
def test_end_of_cylinder_in_byte_3(name: str, ready: int) -> None:
    """The oldest disks have their state in sense byte 3, with the end of a cylinder."""
    disk = small(name)
    head = bytes(4) + (ckd_type(name)[0].heads - 1).to_bytes(2)
    *_, end = disk.run((SEEK, head), (READ_COUNT | 0x80, 8))
    assert end.status == CHECKED
    data = disk.run((SENSE, 6))[0].data
    assert (data[:2].hex(), data[3]) == (END_OF_CYLINDER, ready | 0x04)


@pytest.mark.parametrize(
    ("name", "rejected"),
    [
        ("2311-1", {SENSE_ID, SET_SECTOR, CHARACTERISTICS, DEFINE_EXTENT, PATH_GROUP}),
        ("2314-1", {SENSE_ID, SET_SECTOR, CHARACTERISTICS, DEFINE_EXTENT, PATH_GROUP}),
        ("2305-1", {CHARACTERISTICS, DEFINE_EXTENT, PATH_GROUP}),
        ("3330-1", {CHARACTERISTICS, DEFINE_EXTENT, PATH_GROUP}),
        ("3340-35", {CHARACTERISTICS, DEFINE_EXTENT, PATH_GROUP}),
        ("3350-1", {CHARACTERISTICS, DEFINE_EXTENT, PATH_GROUP}),
        ("3375-1", {CHARACTERISTICS, PATH_GROUP}),
        ("3380-A", set[int]()),
        ("9345-1", set[int]()),
    ],
)
def test_commands_of_a_control_unit(name: str, rejected: set[int]) -> None:
    """Only the control units that have them take the commands of later ones."""
    whole = (
        bytes((0, 0xC0)) + bytes(10) + (ckd_type(name)[1] - 1).to_bytes(2) + bytes(2)
    )
    programs: dict[int, tuple[tuple[int, bytes | int], ...]] = {
        SENSE_ID: ((SENSE_ID, 7),),
        CHARACTERISTICS: ((CHARACTERISTICS, 64),),
        PATH_GROUP: ((PATH_GROUP, 12),),
        SET_SECTOR: ((SEEK, bytes(6)), (SET_SECTOR, b"\0")),
        DEFINE_EXTENT: ((DEFINE_EXTENT, whole),),
    }
    disk = small(name)
    found = {
        code for code, one in programs.items() if disk.run(*one)[-1].status != NORMAL
    }
    assert found == rejected


@pytest.mark.parametrize("name", FBA_NAMES)
def test_last_block(name: str) -> None:
    """The last block is written and read, and there is no block behind it."""
    kind, blocks = fba_blocks(name)
    volume = BlockGeometry(kind, blocks, 120)
    last = volume.tracks - 1
    disk = Disk(
        device_model(DeviceConfiguration(kind, volume)),
        {last: bytes(volume.size_of(last))},
    )
    extent = bytes((0xC0, 0, 0, 0)) + bytes(8) + (blocks - 1).to_bytes(4)
    for operation, code, data in ((0x01, 0x41, b"\xa5" * 512), (0x06, 0x42, 512)):
        locate = bytes((operation, 0, 0, 1)) + (blocks - 1).to_bytes(4)
        *_, end = disk.run((0x63, extent), (0x43, locate), (code, data))
        assert end.status == NORMAL
    assert end.data == b"\xa5" * 512
    beyond = bytes((0xC0, 0, 0, 0)) + bytes(8) + blocks.to_bytes(4)
    assert disk.run((0x63, beyond))[0].status == CHECKED


class FileTracks(dict[int, bytes]):
    """The tracks of an image, each as the file has it until it is written."""

    def __init__(self, reader: Callable[[int], bytes]) -> None:
        super().__init__()
        self.reader = reader

    def __missing__(self, number: int) -> bytes:
        """Read a track of the file."""
        return self.reader(number)


@pytest.mark.parametrize("name", CKD_NAMES)
def test_image_of_dasd_init(name: str, tmp_path: Path) -> None:
    """A new image of each model has a disk, whose write leaves a sound volume."""
    path = tmp_path / "disk.img"
    options = ("--type", name, "--volser", "DISK01", "--cylinders", "2")
    done = CliRunner().invoke(app, ["dasd", "init", str(path), *options])
    assert done.exit_code == 0, done.output
    file = open_image(path, read_only=False)
    try:
        volume = file.geometry
        assert isinstance(volume, Geometry)
        settings = DeviceConfiguration(volume.device_type, volume)
        disk = Disk(device_model(settings), FileTracks(file.read))
        label = [(SEARCH_ID, bytes(4) + b"\x03")] * 4
        *_, end = disk.run((SEEK, bytes(6)), *label, (READ_DATA, 80))
        assert end.data.startswith("VOL1DISK01".encode("cp037"))
        place = b"\0\1\0\0"
        assert write_record(disk, place, 1, (8, 256)) == "0000"
        for number, raw in disk.tracks.items():
            file.write(number, raw)
        assert not list(damages(volume, file.read))
    finally:
        file.close()


@pytest.mark.parametrize("name", ["2305-1", "2314-1", "3330-1", "3350-1"])
def test_record_that_continues_on_the_next_track(name: str) -> None:
    """Older disks write one; its count area has the first bit on in the image."""
    disk = small(name)
    place = bytes(2) + bytes.fromhex("00010000")
    record = place[2:] + bytes.fromhex("01000003") + b"abc"
    chain = (0x1F, b"\xc0"), (SEEK, place), (SEARCH_ID, place[2:] + b"\0")
    assert disk.run(*chain, (0x01, record))[-1].status == NORMAL
    track = Track.from_bytes(disk.tracks[disk.asked[-1]])
    assert track.records[1].to_bytes() == b"\x80" + record[1:]
