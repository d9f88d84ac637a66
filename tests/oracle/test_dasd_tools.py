"""This package and Hercules' own tools read each other's images."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccw_actors.actors.hardware.image import (
    ImageFile,
    create_blocks,
    create_tracks,
    open_image,
)
from ccw_actors.actors.hardware.image._parts import part_path
from ccw_actors.cli import app
from ccw_actors.devices import CkdHeader, Geometry, Record, Track
from ccw_actors.devices.ckd_types import CKD_TYPES, CkdType, ckd_type, ckd_volume
from ccw_actors.devices.dataset import dataset_records, member_records, members
from ccw_actors.devices.fba_image import FBA_TYPES
from ccw_actors.devices.volume_check import damages
from ccw_actors.devices.vtoc import Dataset, datasets
from tests.oracle.hercules import needs_hercules, run_tool
from tests.oracle.unloaded import unloaded

pytestmark = [pytest.mark.oracle, needs_hercules]

CYLINDERS = 5
CARDS = [f"{number:04} {'CARD ' * 14}"[:80].ljust(80) for number in range(900)]


def ids(kind: CkdType) -> str:
    """Name a type by its first model."""
    return f"{kind.name}-{next(iter(kind.models))}"


@contextmanager
def opened(path: Path, *, write: bool = False) -> Generator[ImageFile]:
    """Open an image, and close it at the end."""
    file = open_image(path, read_only=not write)
    try:
        yield file
    finally:
        file.close()


def tracks(path: Path) -> list[bytes]:
    """Read a whole image with this package."""
    with opened(path) as file:
        return [file.read(number) for number in range(file.geometry.tracks)]


def found(path: Path) -> dict[str, Dataset]:
    """List an image with this package."""
    with opened(path) as file:
        assert isinstance(file.geometry, Geometry)
        return {one.name: one for one in datasets(file.geometry, file.read)}


def loaded(folder: Path, device: str = "3390", *options: str) -> Path:
    """Have dasdload make a volume with three datasets."""
    (folder / "cards").write_bytes("".join(CARDS).encode("cp037"))
    (folder / "load").write_text(
        f"ORACLE {device} {CYLINDERS}\n"
        "sysvtoc vtoc trk 14\n"
        "test.empty empty cyl 1 0 4 po fb 80 800\n"
        "test.cards seq cards trk 9 1 0 ps fb 80 800\n"
        "test.nothing empty trk 2 1 0 ps vb 255 2000\n"
    )
    run_tool("dasdload", *options, "load", "loaded.img", folder=folder)
    return folder / "loaded.img"


@pytest.mark.parametrize("kind", CKD_TYPES, ids=ids)
def test_they_list_what_we_make(tmp_path: Path, kind: CkdType) -> None:
    """Dasdls finds the label and the VTOC of a new image of every type."""
    create_tracks(tmp_path / "new.img", ckd_volume(kind, CYLINDERS), "NEW001")
    said = run_tool("dasdls", "new.img", folder=tmp_path)
    assert said.splitlines() == ["new.img: VOLSER=NEW001"]


@pytest.mark.parametrize("kind", CKD_TYPES, ids=ids)
def test_we_make_what_they_make(tmp_path: Path, kind: CkdType) -> None:
    """An empty volume is that of dasdload except for three fields.

    These are the owner in the label, the first alternate track (there are none) and
    the type of the VTOC's extent, which they call aligned to cylinders.
    """
    name = f"{kind.name}-{next(iter(kind.models))}"
    # They tell the models of the 2305 by their size.
    cylinders = kind.cylinders if kind.name == "2305" else CYLINDERS
    create_tracks(tmp_path / "new.img", ckd_volume(kind, cylinders), "NEW001")
    (tmp_path / "load").write_text(
        f"NEW001 {name} {cylinders}\nvtoc vtoc trk {kind.heads - 1}\n"
    )
    run_tool("dasdload", "load", "theirs.img", folder=tmp_path)
    ours, theirs = (
        bytearray((tmp_path / name).read_bytes()) for name in ("new.img", "theirs.img")
    )
    for image in (ours, theirs):
        assert image.count(b"\x04" * 44) == 1
        dscb = image.index(b"\x04" * 44) + 44
        label = image.index("VOL1VOL1".encode("cp037")) + 4
        image[label + 37 : label + 51] = bytes(14)
        image[dscb + 8 : dscb + 10] = bytes(2)
        image[dscb + 61] = 0
        if kind.name == "2305":
            # They give the size of the model there, whatever the size of the volume.
            image[dscb + 18 : dscb + 22] = bytes(4)
    assert len(ours) == len(theirs)
    assert ours == theirs


@pytest.mark.parametrize("kind", CKD_TYPES, ids=ids)
def test_we_read_what_they_make(tmp_path: Path, kind: CkdType) -> None:
    """Every track of a new image of dasdinit is sound, and so is its label."""
    name = f"{kind.name}-{next(iter(kind.models))}"
    run_tool("dasdinit", "new.img", name, "THEIRS", str(CYLINDERS), folder=tmp_path)
    with opened(tmp_path / "new.img") as file:
        volume = file.geometry
        assert volume == ckd_volume(kind, CYLINDERS)
        assert list(damages(volume, file.read)) == []


@pytest.mark.parametrize("device_type", sorted(FBA_TYPES))
def test_blocks_are_theirs(tmp_path: Path, device_type: str) -> None:
    """A new image of blocks is dasdinit's, byte for byte."""
    create_blocks(tmp_path / "new.img", device_type, 1000, "BLOCKS")
    run_tool("dasdinit", "theirs.img", device_type, "BLOCKS", "1000", folder=tmp_path)
    ours, theirs = tmp_path / "new.img", tmp_path / "theirs.img"
    assert ours.read_bytes() == theirs.read_bytes()


def test_we_list_what_they_load(tmp_path: Path) -> None:
    """Names, formats, lengths and extents are those given to dasdload."""
    listed = found(loaded(tmp_path))
    said = run_tool("dasdls", "loaded.img", folder=tmp_path)
    assert list(listed) == [line.strip() for line in said.splitlines()[1:]]
    empty, cards, nothing = listed.values()
    assert (cards.organisation, cards.record_format) == ("PS", "FB")
    assert (cards.record_length, cards.block_length) == (80, 800)
    assert [str(extent) for extent in cards.extents] == ["2.0-2.8"]
    assert (empty.organisation, str(empty.extents[0])) == ("PO", "1.0-1.14")
    assert (nothing.record_format, nothing.record_length) == ("VB", 255)


@pytest.mark.parametrize("options", [(), ("-z",), ("-bz2",)], ids=["raw", "z", "bz2"])
def test_we_read_what_they_load(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Records come back from a volume of dasdload, compressed or not."""
    path = loaded(tmp_path, "3390", *options)
    dataset = found(path)["TEST.CARDS"]
    with opened(path) as file:
        assert isinstance(file.geometry, Geometry)
        assert list(damages(file.geometry, file.read)) == []
        records = list(dataset_records(file.geometry, file.read, dataset))
    assert [record.decode("cp037") for record in records] == CARDS


def test_they_read_what_we_write(tmp_path: Path) -> None:
    """Dasdseq gives the records that were written over its own."""
    path = loaded(tmp_path)
    extent = found(path)["TEST.CARDS"].extents[0]
    with opened(path, write=True) as file:
        assert isinstance(file.geometry, Geometry)
        for number in extent.tracks(file.geometry):
            track = Track.from_bytes(file.read(number))
            upside_down = [
                Record(one.cc, one.hh, one.r, one.key, one.data[::-1])
                for one in track.records[1:]
            ]
            records = (track.records[0], *upside_down)
            changed = Track(0, track.cc, track.hh, records, track.remainder)
            file.write(number, changed.to_bytes())
    run_tool("dasdseq", "loaded.img", "TEST.CARDS", folder=tmp_path)
    got = (tmp_path / "TEST.CARDS").read_bytes()
    blocks = "".join(CARDS).encode("cp037")
    wanted = [blocks[at : at + 800][::-1] for at in range(0, len(blocks), 800)]
    assert got == b"".join(wanted)


def directory_of(track: Track, members_at: dict[str, int]) -> Record:
    """Return the first block of a directory with these members at these records."""
    entries = b"".join(
        name.ljust(8).encode("cp037") + bytes((0, 1, at, 0))
        for name, at in members_at.items()
    )
    block = (2 + len(entries) + 12).to_bytes(2) + entries + b"\xff" * 8 + bytes(4)
    old = track.records[1]
    return Record(old.cc, old.hh, 1, old.key, block.ljust(256, b"\0"))


def write_members(file: ImageFile, first: int) -> None:
    """Write two members, ONE and TWO, to the partitioned dataset at a track."""
    assert isinstance(file.geometry, Geometry)
    track = Track.from_bytes(file.read(first))
    directory = directory_of(track, {"ONE": 1, "TWO": 3})
    records = (track.records[0], directory, *track.records[2:])
    changed = Track(0, track.cc, track.hh, records, track.remainder)
    file.write(first, changed.to_bytes())
    texts = ("".join(CARDS[:10]), "", "".join(CARDS[10:15]), "")
    contents = [
        Record(track.cc, 1, number, b"", text.encode("cp037"))
        for number, text in enumerate(texts, 1)
    ]
    zero = Record(track.cc, 1, 0, b"", bytes(8))
    raw = Track(0, track.cc, 1, (zero, *contents), b"").to_bytes()
    file.write(first + 1, raw.ljust(file.geometry.track_size, b"\0"))


def with_members(folder: Path) -> Path:
    """Make an image whose partitioned dataset has the members ONE and TWO."""
    path = loaded(folder)
    dataset = found(path)["TEST.EMPTY"]
    with opened(path, write=True) as file:
        assert isinstance(file.geometry, Geometry)
        write_members(file, dataset.extents[0].tracks(file.geometry)[0])
    return path


def test_they_read_members_we_write(tmp_path: Path) -> None:
    """A partitioned dataset written here is listed and read by dasdcat."""
    with_members(tmp_path)
    said = run_tool("dasdcat", "-i", "loaded.img", "test.empty/?", folder=tmp_path)
    assert said.split() == ["one", "two"]
    cards = run_tool("dasdcat", "-i", "loaded.img", "test.empty/TWO:a", folder=tmp_path)
    assert cards == "".join(CARDS[10:15])


def test_we_read_members_we_write(tmp_path: Path) -> None:
    """The library and `ccw-actors dasd cat` read it as well."""
    path = with_members(tmp_path)
    dataset = found(path)["TEST.EMPTY"]
    with opened(path) as file:
        assert isinstance(file.geometry, Geometry)
        listed = members(file.geometry, file.read, dataset)
        assert [member.name for member in listed] == ["ONE", "TWO"]
        one = member_records(file.geometry, file.read, dataset, "ONE")
        assert [record.decode("cp037") for record in one] == CARDS[:10]
    words = ["dasd", "cat", str(path), "test.empty(two)", "--text"]
    result = CliRunner().invoke(app, words)
    assert result.stdout.splitlines() == [card.rstrip() for card in CARDS[10:15]]


def test_we_read_members_they_load(tmp_path: Path) -> None:
    """Members that dasdload has put somewhere else are read, across tracks."""
    texts = {"ALPHA": CARDS[:25], "BETA": CARDS, "GAMMA": CARDS[100:110]}
    unload = unloaded({name: "".join(cards) for name, cards in texts.items()})
    (tmp_path / "pds.vs").write_bytes(unload)
    (tmp_path / "load").write_text(
        f"ORACLE 3390 {CYLINDERS}\n"
        "sysvtoc vtoc trk 14\n"
        "test.pds vs pds.vs trk 9 0 5 po fb 80 800\n"
    )
    run_tool("dasdload", "load", "loaded.img", folder=tmp_path)
    path = tmp_path / "loaded.img"
    dataset = found(path)["TEST.PDS"]
    with opened(path) as file:
        volume = file.geometry
        assert isinstance(volume, Geometry)
        listed = members(volume, file.read, dataset)
        assert [member.name for member in listed] == list(texts)
        assert listed[-1].track > 1
        for name, cards in texts.items():
            records = member_records(volume, file.read, dataset, name)
            assert [record.decode("cp037") for record in records] == cards


@pytest.mark.parametrize("method", ["-z", "-bz2", "-0"])
@pytest.mark.parametrize("swapped", [False, True], ids=["little", "big"])
def test_we_unpack_what_they_pack(
    tmp_path: Path, method: str, *, swapped: bool
) -> None:
    """A compressed copy in either byte order has the tracks of the original."""
    path = loaded(tmp_path)
    run_tool("dasdcopy", method, "-o", "CCKD", path.name, "packed.img", folder=tmp_path)
    if swapped:
        run_tool("cckdswap", "packed.img", folder=tmp_path)
    assert tracks(tmp_path / "packed.img") == tracks(path)


@pytest.mark.parametrize("linux", [False, True], ids=["plain", "linux"])
@pytest.mark.parametrize("null_format", [0, 1, 2])
@pytest.mark.parametrize("length", [0, 1, 2, None])
def test_missing_tracks_are_theirs(
    tmp_path: Path, null_format: int, length: int | None, *, linux: bool
) -> None:
    """A track without an image is the one that cckd2ckd makes of it."""
    options = ("-linux",) if linux else ()
    words = ("dasdinit", "-z", *options, "packed.img", "3390", "NULL01", "2")
    run_tool(*words, folder=tmp_path)
    raw = bytearray((tmp_path / "packed.img").read_bytes())
    raw[512 + 44] = null_format
    if length is None:
        raw[1024:1028] = bytes(4)
    else:
        at = int.from_bytes(raw[1024:1028], "little") + 8 * 5
        raw[at : at + 8] = bytes(4) + length.to_bytes(2, "little") * 2
    (tmp_path / "packed.img").write_bytes(raw)
    run_tool("cckd2ckd", "packed.img", "unpacked.img", folder=tmp_path)
    ours, theirs = tracks(tmp_path / "packed.img"), tracks(tmp_path / "unpacked.img")
    assert ours == theirs


def split(path: Path, folder: Path, sizes: list[int]) -> Path:
    """Cut a volume into files of so many cylinders."""
    raw = path.read_bytes()
    header = CkdHeader.from_bytes(raw)
    cylinder = header.heads * header.track_size
    first, done = folder / "part_1.img", 0
    for number, size in enumerate(sizes, 1):
        highest = 0 if number == len(sizes) else done + size - 1
        part = CkdHeader(
            header.device_type, header.heads, header.track_size, number, highest
        )
        body = raw[512 + done * cylinder : 512 + (done + size) * cylinder]
        part_path(first, number).write_bytes(part.to_bytes() + body)
        done += size
    assert done == CYLINDERS
    return first


def test_they_read_our_parts(tmp_path: Path) -> None:
    """Both dasdls and this package read a volume cut into files as a whole."""
    path = loaded(tmp_path)
    first = split(path, tmp_path, [2, 1, 2])
    said = run_tool("dasdls", "part_1.img", folder=tmp_path)
    assert "TEST.NOTHING" in said
    run_tool("dasdseq", "part_1.img", "TEST.CARDS", folder=tmp_path)
    assert (tmp_path / "TEST.CARDS").read_bytes().decode("cp037") == "".join(CARDS)
    assert tracks(first) == tracks(path)


@pytest.mark.slow
def test_we_read_their_parts(tmp_path: Path) -> None:
    """A 3390-3 of dasdinit, in two files of three gigabytes, is one volume."""
    run_tool("dasdinit", "big.img", "3390-3", "BIG001", folder=tmp_path)
    kind, cylinders = ckd_type("3390-3")
    try:
        with opened(tmp_path / "big_1.img", write=True) as file:
            assert file.geometry == ckd_volume(kind, cylinders)
            last = file.geometry.tracks - 1
            for number in (0, 2518 * 15 + 14, 2519 * 15, last):
                track = Track.from_bytes(file.read(number))
                assert (track.cc, track.hh) == divmod(number, 15)
            assert list(damages(file.geometry, file.read)) == []
    finally:
        for image in tmp_path.glob("big_*.img"):
            image.unlink()


def test_they_want_a_home_address_on_every_track(tmp_path: Path) -> None:
    """Hercules treats a track of zeros as damaged: a new image cannot be all holes."""
    path = loaded(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[512 + 60 * 56832 :] = bytes(len(raw[512 + 60 * 56832 :]))
    path.write_bytes(raw)
    said = run_tool("dasdcopy", path.name, "copy.cckd", folder=tmp_path, errors=True)
    for track in range(60, 75):
        assert f"loaded.img read error track {track} " in said
    assert "read error track 59 " not in said
