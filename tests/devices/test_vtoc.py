"""Labels, VTOCs, and the errors of damaged ones."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.devices import Geometry, Track
from ccw_actors.devices.volume_check import damages
from ccw_actors.devices.volume_label import VolumeLabel, volume_serial
from ccw_actors.devices.vtoc import Extent, datasets, empty_vtoc, has_vtoc
from ccw_actors.errors import ImageError
from tests.devices import golden
from tests.devices.volumes import DiskOfDatasets


def complaints(disk: DiskOfDatasets) -> list[str]:
    """Return the damages of a disk, as text."""
    return [str(damage) for damage in damages(disk.geometry, disk.read)]


# -- labels --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "serial"),
    [("ckd3390", "ORC390"), ("ckd3380", "ORC380"), ("lnx3390", "ORCLNX")],
)
def test_golden_labels(name: str, serial: str) -> None:
    """The label of dasdinit's images is found."""
    label = VolumeLabel.on_track(golden.tracks(name)[0])
    assert (label.serial, label.owner) == (serial, "HERCULES")


def test_raw_volumes_have_no_label() -> None:
    """A volume without a label is an error that says so."""
    raw = golden.tracks("ckd3390raw")[0]
    assert VolumeLabel.found_on_track(raw) is None
    with pytest.raises(ImageError, match="expected a record with key VOL1"):
        VolumeLabel.on_track(raw)


def test_label_of_blocks() -> None:
    """A label of a volume of blocks is in its second block."""
    raw = VolumeLabel("BLOCKS").to_blocks()
    assert VolumeLabel.in_blocks(raw).serial == "BLOCKS"
    with pytest.raises(ImageError, match="expected VOL1 at the start of block 1"):
        VolumeLabel.in_blocks(bytes(1024))


def test_labels_come_back() -> None:
    """A written label is read back, and the first track is sound."""
    volume = golden.volume("ckd3390")
    label = VolumeLabel("A1@#$-", (0, 1, 1), "SOMEBODY")
    raw = label.to_track(volume)
    assert VolumeLabel.on_track(raw) == label
    assert len(raw) == volume.track_size


@pytest.mark.parametrize("text", ["", "TOOLONG", "ÄB", "A B", "A.B", "A\n"])
def test_serials_that_are_none(text: str) -> None:
    """A volume serial has up to six characters of a few kinds."""
    with pytest.raises(ImageError, match="expected one to six of"):
        volume_serial(text)


def test_serials_are_capitals() -> None:
    """Small letters become capitals."""
    assert volume_serial("abc-1") == "ABC-1"


# -- datasets ------------------------------------------------------------------------


def test_empty_vtoc_has_no_datasets() -> None:
    """A new volume has a VTOC without datasets."""
    disk = DiskOfDatasets()
    assert has_vtoc(disk.geometry, disk.read)
    assert list(datasets(disk.geometry, disk.read)) == []
    assert complaints(disk) == []


def test_volume_with_one_head_has_no_vtoc() -> None:
    """Our VTOC needs the tracks of cylinder 0 after the first."""
    with pytest.raises(ImageError, match="more than one head"):
        empty_vtoc(Geometry("3390", 10, 1, 56832))


def test_dataset_is_what_its_dscb_says() -> None:
    """Organisation, format, lengths, date and extents are read."""
    disk = DiskOfDatasets()
    disk.add("A.B", ((1, 0), (1, 4)), ((2, 3), (2, 3)), form=0x94)
    found = disk.find("A.B")
    assert (found.organisation, found.record_format) == ("PS", "FBA")
    assert (found.record_length, found.block_length) == (80, 800)
    assert found.created == (2026, 45)
    assert [str(extent) for extent in found.extents] == ["1.0-1.4", "2.3-2.3"]
    assert complaints(disk) == []


@pytest.mark.parametrize(
    ("organisation", "form", "names"),
    [
        (0x4000, 0xC0, ("PS", "U")),
        (0x0200, 0x48, ("PO", "VS")),
        (0x0300, 0x5A, ("POU", "VBSM")),
        (0x2000, 0xA0, ("DA", "FT")),
        (0x0008, 0x00, ("VS", "")),
        (0x8000, 0x80, ("IS", "F")),
        (0x0000, 0x80, ("??", "F")),
    ],
)
def test_names_of_formats(organisation: int, form: int, names: tuple[str, str]) -> None:
    """Flags are named as JCL names them."""
    disk = DiskOfDatasets()
    disk.add("X", ((1, 0), (1, 0)), organisation=organisation, form=form)
    found = disk.find("X")
    assert (found.organisation, found.record_format) == names


def test_more_extents_than_fit_one_dscb() -> None:
    """Further extents are found in the format-3 DSCB that it points to."""
    disk = DiskOfDatasets()
    more = [((3, head), (3, head)) for head in range(6)]
    extents = disk.extents(*more)
    place = disk.add_dscb(b"\3" * 4 + extents[:40], b"\xf3" + extents[40:])
    three = [((2, head), (2, head)) for head in range(3)]
    disk.add("MANY", *three, count=9, pointer=place)
    found = disk.find("MANY").extents
    assert [extent.first for extent in found] == [first for first, _ in three + more]
    assert complaints(disk) == []


@pytest.mark.parametrize("track", [(0, 1, 1), (3, 2, 9), (700, 0, 1), (0, 1, 3)])
def test_extents_that_are_nowhere(track: tuple[int, int, int]) -> None:
    """A pointer to something else is an error, and not followed."""
    disk = DiskOfDatasets()
    disk.add("LOST", ((1, 0), (1, 0)), count=9, pointer=track)
    place = "cylinder {}, head {}, record {}".format(*track)
    said = f"dataset LOST continues at {place}, expected a format-3 DSCB there"
    assert complaints(disk) == [f"VTOC: {said}"]


def test_pointers_in_a_circle() -> None:
    """DSCBs that point to each other end in an error."""
    disk = DiskOfDatasets()
    circle = b"\xf3".ljust(91, b"\0") + struct.pack(">HHB", 0, 1, 3)
    place = disk.add_dscb(b"\3" * 4, circle)
    assert place == (0, 1, 3)
    disk.add("ROUND", ((1, 0), (1, 0)), pointer=place)
    with pytest.raises(ImageError, match="dataset ROUND continues at"):
        disk.find("ROUND")


@pytest.mark.parametrize(
    ("extent", "said"),
    [
        (((1, 5), (1, 4)), r"extent 1\.5-1\.4, expected tracks .* in order"),
        (((1, 0), (4, 0)), "expected tracks of a volume of 4 cylinders and 30 heads"),
        (((1, 30), (2, 0)), r"extent 1\.30-2\.0"),
    ],
)
def test_extents_off_the_volume(
    extent: tuple[tuple[int, int], tuple[int, int]], said: str
) -> None:
    """An extent has tracks of the volume, in order."""
    with pytest.raises(ImageError, match=said):
        Extent(*extent).tracks(DiskOfDatasets().geometry)


def test_wrong_number_of_extents() -> None:
    """A number of extents that differs from the DSCB's is an error."""
    disk = DiskOfDatasets()
    disk.add("X", ((1, 0), (1, 0)), count=2)
    with pytest.raises(ImageError, match="X has 1 extents in its DSCBs, expected 2"):
        disk.find("X")


def test_label_that_points_nowhere() -> None:
    """Dasdinit's volumes have a label but no VTOC: they are whole, and list nothing."""
    volume, tracks = golden.volume("ckd3390"), golden.tracks("ckd3390")
    read = tracks.__getitem__
    assert not has_vtoc(volume, read)
    assert list(damages(volume, read)) == []
    with pytest.raises(ImageError, match=r"no VTOC: .* no format-4 DSCB"):
        list(datasets(volume, read))


def test_vtoc_without_an_extent() -> None:
    """A format-4 DSCB without an extent is an error."""
    disk = DiskOfDatasets()
    raw = bytearray(disk.tracks[1])
    raw[raw.index(b"\x04" * 44) + 44 + 61] = 0
    disk.tracks[1] = bytes(raw)
    with pytest.raises(ImageError, match="VTOC extent of type 0"):
        list(datasets(disk.geometry, disk.read))


def test_vtoc_of_vm_370() -> None:
    """A format-4 DSCB with zeros for its extent, as VM/370 writes: no datasets."""
    disk = DiskOfDatasets()
    disk.add("A.B", ((1, 0), (1, 4)))
    raw = bytearray(disk.tracks[1])
    at = raw.index(b"\x04" * 44) + 44
    raw[at + 15] = 0
    raw[at + 61 : at + 71] = bytes(10)
    disk.tracks[1] = bytes(raw)
    assert list(datasets(disk.geometry, disk.read)) == []
    assert list(damages(disk.geometry, disk.read)) == []


# -- damage --------------------------------------------------------------------------


@pytest.mark.parametrize("name", golden.IMAGES)
def test_golden_volumes_are_whole(name: str) -> None:
    """Images of dasdinit have no damage."""
    tracks = golden.tracks(name)
    assert list(damages(golden.volume(name), tracks.__getitem__)) == []


def test_damaged_tracks_are_told_one_by_one() -> None:
    """Every damaged track is named with what is wrong."""
    disk = DiskOfDatasets()
    disk.tracks[40] = disk.tracks[41]
    disk.tracks[50] = disk.tracks[50][:11] + b"\xff" + disk.tracks[50][12:]
    disk.tracks[60] = disk.tracks[60][:9] + b"\1" + disk.tracks[60][10:]
    moved, garbled, first = complaints(disk)
    assert moved == (
        "track 40 (cylinder 1, head 10): its home address (offset 1) is cylinder 1,"
        " head 11, expected those of the track"
    )
    assert garbled.startswith("track 50 (cylinder 1, head 20): track at cylinder 1")
    assert "expected R0 without" in first


def test_datasets_that_overlap() -> None:
    """Two datasets on one track are a damage."""
    disk = DiskOfDatasets()
    disk.add("ONE", ((1, 0), (1, 9)))
    disk.add("TWO", ((1, 8), (1, 12)))
    said = "VTOC, dataset TWO: extent 1.8-1.12 shares track 38 with ONE"
    assert complaints(disk) == [said]


def test_extents_that_overlap() -> None:
    """Two extents of one dataset on one track are a damage."""
    disk = DiskOfDatasets()
    disk.add("ONE", ((1, 0), (1, 9)), ((1, 9), (1, 9)))
    said = "VTOC, dataset ONE: extent 1.9-1.9 shares track 39 with ONE"
    assert complaints(disk) == [said]


def test_more_extents_than_there_can_be() -> None:
    """A chain of DSCBs is not followed forever."""
    disk = DiskOfDatasets()
    extents = disk.extents(*[((1, head), (1, head)) for head in range(13)])
    place = (0, 0, 0)
    for _ in range(12):
        pointer = struct.pack(">HHB", *place)
        more = b"\xf3" + extents[40:] + pointer
        place = disk.add_dscb(b"\3" * 4 + extents[:40], more)
    disk.add("LONG", ((1, 0), (1, 0)), count=157, pointer=place)
    with pytest.raises(ImageError, match="LONG has more than the 123 extents"):
        disk.find("LONG")


def test_progress_counts_tracks() -> None:
    """`progress` is called for each track."""
    disk, seen = DiskOfDatasets(), list[int]()
    assert list(damages(disk.geometry, disk.read, seen.append)) == []
    assert seen == list(range(1, disk.geometry.tracks + 1))


@given(at=st.integers(0, 19000), data=st.binary(min_size=1, max_size=200))
def test_any_damage_is_an_image_error(at: int, data: bytes) -> None:
    """Any VTOC and label gives datasets or an ImageError."""
    disk = DiskOfDatasets()
    disk.add("A", ((1, 0), (1, 9)))
    for number in (0, 1):
        raw = disk.tracks[number]
        disk.tracks[number] = (raw[:at] + data + raw[at + len(data) :])[: len(raw)]
    told = complaints(disk)
    try:
        tracks = [Track.from_bytes(disk.tracks[number]) for number in (0, 1)]
    except ImageError:
        assert told
    else:
        assert [track.records[0].r for track in tracks] == [0, 0] or told
