"""Records out of blocks, members out of directories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.devices.dataset import dataset_records, member_records, members
from ccw_actors.errors import ImageError
from tests.devices.volumes import DiskOfDatasets, variable_block

TRACK = 30
WHERE = ((1, 0), (1, 9))


def sequential(*blocks: bytes, form: int = 0x90, length: int = 80) -> list[bytes]:
    """Read the records of a dataset with these blocks."""
    disk = DiskOfDatasets()
    disk.add("DATA", WHERE, form=form, length=length)
    disk.put(TRACK, *blocks)
    return list(dataset_records(disk.geometry, disk.read, disk.find("DATA")))


def test_fixed_records() -> None:
    """Blocks are cut into records of the record length."""
    records = [bytes([number]) * 80 for number in range(25)]
    blocks = [b"".join(records[at : at + 10]) for at in range(0, 25, 10)]
    assert sequential(*blocks, b"") == records


def test_dataset_ends_with_a_block_without_data() -> None:
    """Blocks after the end are not read."""
    assert sequential(bytes(80), b"", b"\1" * 80) == [bytes(80)]


def test_dataset_goes_on_over_tracks_and_extents() -> None:
    """Tracks follow in the order of the extents."""
    disk = DiskOfDatasets()
    disk.add("DATA", ((2, 5), (2, 6)), ((1, 0), (1, 0)))
    for content, track in enumerate((65, 66, 30), 1):
        disk.put(track, bytes([content]) * 80)
    found = list(dataset_records(disk.geometry, disk.read, disk.find("DATA")))
    assert [record[0] for record in found] == [1, 2, 3]


def test_undefined_records_are_blocks() -> None:
    """A block of format U is a record."""
    assert sequential(b"abc", b"de", b"", form=0xC0, length=0) == [b"abc", b"de"]


def test_block_that_is_no_multiple() -> None:
    """A block of format F with a partial record is an error."""
    with pytest.raises(ImageError, match=r"record 1 has 81 bytes, .* multiple of 80"):
        sequential(bytes(81), b"")


def test_variable_records() -> None:
    """Records have the length in their descriptor."""
    block = variable_block((0, b"abc"), (0, b""), (0, b"defg"))
    assert sequential(block, b"", form=0x50) == [b"abc", b"", b"defg"]


def test_spanned_records() -> None:
    """Segments of a record are joined across blocks."""
    one = variable_block((0, b"whole"), (1, b"first "))
    two = variable_block((3, b"middle "))
    three = variable_block((2, b"last"), (0, b"x"))
    found = sequential(one, two, three, b"", form=0x58)
    assert found == [b"whole", b"first middle last", b"x"]


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (b"\x00\x03\0\0", "length of 3 in its descriptor, expected 4 to 4"),
        (b"\x00\x09\0\0abcd", "length of 9 in its descriptor, expected 4 to 8"),
        (
            b"\x00\x08\0\0\x00\x03\0\0",
            "record of length 3 at offset 4, expected 4 to 4",
        ),
        (b"\x00\x08\0\0\x00\x05\0\0", "record of length 5 at offset 4"),
    ],
)
def test_variable_blocks_that_are_damaged(block: bytes, said: str) -> None:
    """A descriptor never reaches past its block."""
    with pytest.raises(ImageError, match=said):
        sequential(block, b"", form=0x50)


@given(blocks=st.lists(st.binary(max_size=60), max_size=5), form=st.integers(0, 255))
def test_any_blocks_end_in_an_image_error(blocks: list[bytes], form: int) -> None:
    """Whatever the blocks and the format, nothing but ImageError is raised."""
    try:
        found = sequential(*blocks, form=form, length=7)
    except ImageError:
        return
    assert sum(map(len, found)) <= sum(map(len, blocks))


# -- partitioned datasets ------------------------------------------------------------


def directory_block(*entries: tuple[str, int, int, int], last: bool = True) -> bytes:
    """Return a directory block of names, tracks, records and indicator bytes."""
    body = b"".join(
        name.ljust(8).encode("cp037")
        + bytes((0, track, record, flags))
        + bytes(2 * (flags & 0x1F))
        for name, track, record, flags in entries
    )
    body += b"\xff" * 8 + bytes(4) if last else b""
    return ((2 + len(body)).to_bytes(2) + body).ljust(256, b"\0")


def partitioned(*directory: bytes) -> DiskOfDatasets:
    """Return a disk with a partitioned dataset of these directory blocks."""
    disk = DiskOfDatasets()
    disk.add("PDS", WHERE, organisation=0x0200)
    disk.put(TRACK, *((b"\xff" * 8, block) for block in directory), b"")
    return disk


def names(disk: DiskOfDatasets) -> list[str]:
    """Return the members of the dataset."""
    found = members(disk.geometry, disk.read, disk.find("PDS"))
    return [member.name for member in found]


def test_members_are_listed() -> None:
    """Entries with and without user data, and aliases, are found."""
    disk = partitioned(
        directory_block(("ONE", 1, 1, 0), ("TWO", 1, 3, 15)),
    )
    assert names(disk) == ["ONE", "TWO"]


def test_directory_of_several_blocks() -> None:
    """The directory continues up to the entry of all ones."""
    disk = DiskOfDatasets()
    disk.add("PDS", WHERE, organisation=0x0200)
    one = directory_block(("ONE", 1, 1, 0), last=False)
    two = directory_block(("TWO", 1, 3, 0x80))
    key = "ONE".ljust(8).encode("cp037")
    disk.put(TRACK, (key, one), (b"\xff" * 8, two), (b"\0" * 8, bytes(256)), b"")
    found = members(disk.geometry, disk.read, disk.find("PDS"))
    assert [(member.name, member.alias) for member in found] == [
        ("ONE", False),
        ("TWO", True),
    ]


def test_members_are_read() -> None:
    """A member starts where the directory says, and ends with an empty block."""
    disk = partitioned(directory_block(("ONE", 1, 1, 0), ("TWO", 1, 3, 0)))
    disk.put(TRACK + 1, b"1" * 80, b"", b"2" * 80)
    disk.put(TRACK + 2, b"3" * 80, b"")
    found = disk.find("PDS")
    read = {
        name: list(member_records(disk.geometry, disk.read, found, name))
        for name in ("ONE", "TWO")
    }
    assert read == {"ONE": [b"1" * 80], "TWO": [b"2" * 80, b"3" * 80]}


def test_there_is_no_such_member() -> None:
    """A missing member is refused, and the existing ones are listed."""
    disk = partitioned(directory_block(("ONE", 1, 1, 0), ("TWO", 1, 3, 0)))
    with pytest.raises(ImageError, match="no member X, expected one of ONE, TWO"):
        list(member_records(disk.geometry, disk.read, disk.find("PDS"), "X"))


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (b"\x00\x10".ljust(256, b"\x40"), "16 bytes in use, .* entry at offset 14"),
        (b"\xff\xff" + b"\x40" * 254, "65535 bytes in use"),
        (bytes(255), "record of 8 and 255 bytes .* expected 8 and 256"),
    ],
)
def test_directories_that_are_damaged(block: bytes, said: str) -> None:
    """An error says which block, and where in it."""
    with pytest.raises(ImageError, match=said):
        names(partitioned(block))


def test_member_that_is_off_the_dataset() -> None:
    """A member starts on a track of its dataset."""
    disk = partitioned(directory_block(("FAR", 10, 1, 0)))
    with pytest.raises(ImageError, match="has 10 tracks, expected more than 10"):
        list(member_records(disk.geometry, disk.read, disk.find("PDS"), "FAR"))


def test_organisations_are_not_confused() -> None:
    """Members belong to partitioned datasets, records to sequential ones."""
    disk = partitioned(directory_block(("ONE", 1, 1, 0)))
    found = disk.find("PDS")
    with pytest.raises(ImageError, match=r"organisation PO, expected PS; .* A\.B\(C\)"):
        list(dataset_records(disk.geometry, disk.read, found))
    disk.add("DATA", WHERE)
    with pytest.raises(ImageError, match="organisation PS, expected PO"):
        members(disk.geometry, disk.read, disk.find("DATA"))
