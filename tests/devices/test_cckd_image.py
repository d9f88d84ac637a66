"""Compressed images unpack to the original, and hostile ones end in an error."""

import bz2
import functools
import gzip
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.devices import Geometry, Track
from ccw_actors.devices.cckd_image import (
    CCKD_HEADERS_SIZE,
    CckdHeader,
    TrackPlace,
    is_cckd,
)
from ccw_actors.devices.cckd_track import null_track, unpacked_track
from ccw_actors.errors import ImageError
from tests.devices import golden

VOLUME = Geometry("3390", 3, 15, 56832)
WRITTEN = (15, 16, 17, 18, 29, 30)


@functools.cache
def image() -> bytes:
    """Return the golden compressed image."""
    return gzip.decompress((golden.DATA / "images" / "cckd3390.img.gz").read_bytes())


def header(**changes: int) -> bytes:
    """Return the golden headers with changed numbers: o<offset>_<size> = value."""
    raw = bytearray(image()[:CCKD_HEADERS_SIZE])
    for where, value in changes.items():
        offset, size = map(int, where.removeprefix("o").split("_"))
        raw[offset : offset + size] = value.to_bytes(size, "little")
    return bytes(raw)


def read(raw: bytes, track: int) -> bytes:
    """Read a track of an image that is in memory."""
    head = CckdHeader.from_bytes(raw)
    level1 = raw[CCKD_HEADERS_SIZE : CCKD_HEADERS_SIZE + head.level1_size]
    if len(level1) < head.level1_size:
        raise ImageError("cut short")
    at = head.level2_offset(level1, track, len(raw))
    level2 = raw[at : at + head.level2_size] if at else b""
    place = head.track_place(level2, track, len(raw))
    if not place.length:
        return null_track(head.geometry, track, place.null_format)
    end = place.offset + place.length
    return unpacked_track(head.geometry, track, raw[place.offset : end])


def test_golden_tracks_are_those_of_the_original() -> None:
    """Both golden images have the tracks that were written to them."""
    assert CckdHeader.from_bytes(image()).geometry == VOLUME
    plain = golden.tracks("ckd3390")
    assert {track: read(image(), track) for track in WRITTEN} == {
        track: plain[track] for track in WRITTEN
    }


def test_all_golden_tracks_are_sound() -> None:
    """Every track names its own place and has the size of a track."""
    for number in range(VOLUME.tracks):
        raw = read(image(), number)
        track = Track.from_bytes(raw)
        assert len(raw) == VOLUME.track_size
        assert (track.cc, track.hh) == divmod(number, VOLUME.heads)


@pytest.mark.parametrize(
    ("start", "known"),
    [(b"CKD_C370", True), (b"CKD_S370", True), (b"CKD_P370", False), (b"", False)],
)
def test_compressed_images_are_known(start: bytes, *, known: bool) -> None:
    """The first eight bytes identify a compressed image."""
    assert is_cckd(start) is known


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (header()[:1000], "headers of 1024 bytes, but the file has only 1000"),
        (b"CKD_S370" + header()[8:], "a shadow file"),
        (b"CKD_P370" + header()[8:], "not a compressed CKD image: it starts with"),
        (header(o16_1=0x77), r"device type 77 \(offset 16\)"),
        (header(o8_4=16), r"has 16 heads \(offset 8\)"),
        (header(o516_4=2), r"level 1 table: 2 \(offset 516\), expected 1"),
        (header(o516_4=0xFFFFFFFF), "level 1 table: 4294967295 .*expected 1"),
        (header(o520_4=255), r"level 2 table: 255 \(offset 520\), expected 256"),
        (header(o552_4=0), r"cylinders: 0 \(offset 552\), expected 1 to 65535"),
        (header(o552_4=65536), r"cylinders: 65536 \(offset 552\)"),
        (header(o556_1=3), r"null tracks: 3 \(offset 556\), expected 0 or 1 or 2"),
        (header(o515_1=0x43), "level 2 table: 65536 "),
    ],
)
def test_headers_that_are_refused(raw: bytes, said: str) -> None:
    """An error gives the offset, the value there, and what was expected."""
    with pytest.raises(ImageError, match=said):
        CckdHeader.from_bytes(raw)


@pytest.mark.parametrize("offset", [1, 1024, 1027, 1 << 31, 0xFFFFFFFF])
def test_level_2_tables_lie_in_the_file(offset: int) -> None:
    """A table within the headers, or past the end, is refused."""
    head = CckdHeader.from_bytes(header())
    with pytest.raises(ImageError, match="level 2 table 0 "):
        head.level2_offset(offset.to_bytes(4, "little"), 0, 10_000)


@pytest.mark.parametrize(
    ("offset", "length", "said"),
    [
        (1, 100, "track 3 has 100 bytes at offset 1, expected a place between 1028"),
        (9_950, 100, "and the end of the file, 10000"),
        (0xFFFFFFFF, 100, "in another file, as only a shadow file"),
        (2000, 5, "5 bytes at offset 2000, expected more than 5"),
        (2000, 0, "expected more than 5"),
        (0, 3, "no image and format 3 .* expected one of 0, 1, 2"),
    ],
)
def test_images_of_tracks_lie_in_the_file(offset: int, length: int, said: str) -> None:
    """An image outside of the file, or of an impossible length, is refused."""
    head = CckdHeader.from_bytes(header())
    table = bytearray(head.level2_size)
    table[24:32] = struct.pack("<IHH", offset, length, length)
    with pytest.raises(ImageError, match=said):
        head.track_place(bytes(table), 3, 10_000)


@pytest.mark.parametrize(
    ("of_header", "length", "null_format"),
    [(0, 0, 0), (1, 0, 0), (2, 0, 2), (0, 1, 1), (2, 1, 1), (0, 2, 2), (1, None, 1)],
)
def test_null_formats(of_header: int, length: int | None, null_format: int) -> None:
    """A track without an image has the format of its table, or of the header."""
    head = CckdHeader.from_bytes(header(o556_1=of_header))
    table = b"" if length is None else struct.pack("<IHH", 0, length, 0) * 256
    assert head.track_place(table, 3, 10_000) == TrackPlace(0, 0, null_format)


def packed(method: int, data: bytes, track: int = 16) -> bytes:
    """Pack a track's records as an image has them."""
    start = struct.pack(">BHH", method, *divmod(track, VOLUME.heads))
    return start + (data, zlib.compress(data), bz2.compress(data))[method]


@pytest.mark.parametrize("method", [0, 1, 2])
@given(data=st.binary(min_size=1, max_size=2000))
def test_all_methods_unpack(method: int, data: bytes) -> None:
    """Packed tracks come back, padded with zeros to the size of a track."""
    raw = unpacked_track(VOLUME, 16, packed(method, data))
    assert raw[:5] == bytes((0, 0, 1, 0, 1))
    assert raw[5:] == data.ljust(VOLUME.track_size - 5, b"\0")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (packed(1, b"x", 17), r"track 16 .* is of cylinder 1, head 2 \(offset 1\)"),
        (b"\3" + packed(0, b"x")[1:], r"compression 3 \(offset 0\), expected 0"),
        (b"\x84" + packed(0, b"x")[1:], "compression 132"),
        (packed(1, bytes(1000))[:-4], "cut short after"),
        (packed(2, bytes(1000))[:-4], "cut short after"),
        (packed(1, b"")[:5] + b"garbage", "cannot be unpacked: Error -3"),
        (packed(2, b"")[:5] + b"garbage", "cannot be unpacked: Invalid data"),
        (packed(1, bytes(56828)), "more than the 56827 bytes of a track"),
        (packed(1, bytes(50_000_000)), "more than the 56827 bytes of a track"),
        (packed(2, bytes(50_000_000)), "more than the 56827 bytes of a track"),
    ],
    ids=range(10),
)
def test_images_that_cannot_be_unpacked(raw: bytes, said: str) -> None:
    """An image of another track, a damaged one or one too large is refused."""
    with pytest.raises(ImageError, match=said):
        unpacked_track(VOLUME, 16, raw)


def test_null_tracks_fit_their_volume() -> None:
    """The tracks of small disks are too short for a Linux track."""
    with pytest.raises(ImageError, match="takes 49277 bytes; a 3330 has 13312"):
        null_track(Geometry("3330", 1, 19, 13312), 3, 2)


@pytest.mark.parametrize(("null_format", "records"), [(0, 2), (1, 1), (2, 13)])
def test_null_tracks_are_sound(null_format: int, records: int) -> None:
    """A null track has its address, R0, and the records of its format."""
    raw = null_track(VOLUME, 31, null_format)
    track = Track.from_bytes(raw)
    assert (track.cc, track.hh, len(track.records)) == (2, 1, records)
    assert len(raw) == VOLUME.track_size


def track_size(raw: bytes) -> int:
    """Return the bytes of each track of an image."""
    volume = CckdHeader.from_bytes(raw).geometry
    assert isinstance(volume, Geometry)
    return volume.track_size


PATCHES = st.lists(
    st.tuples(st.integers(0, 7000), st.binary(min_size=1, max_size=8)), max_size=6
)


@given(patches=PATCHES, cut=st.integers(0, 7000), track=st.integers(0, 44))
def test_damaged_images_end_in_an_error(
    patches: list[tuple[int, bytes]], cut: int, track: int
) -> None:
    """A changed or truncated image gives a track or an ImageError."""
    raw = bytearray(image())
    for at, data in patches:
        raw[at : at + len(data)] = data
    try:
        found = read(bytes(raw[: max(cut, 8)]), track)
    except ImageError:
        return
    assert len(found) == track_size(bytes(raw))


@given(second=st.binary(min_size=512, max_size=512), track=st.integers(0, 44))
def test_any_second_header_ends_in_an_error(second: bytes, track: int) -> None:
    """Any counts and sizes are refused, or read without harm."""
    raw = image()[:512] + second + image()[CCKD_HEADERS_SIZE:]
    try:
        found = read(raw, track)
    except ImageError:
        return
    assert len(found) == VOLUME.track_size
