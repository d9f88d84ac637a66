"""Track images are parsed and written without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.devices import Record, Track
from ccw_actors.devices.track import slots
from ccw_actors.errors import ImageError
from tests.devices import golden

RECORDS = st.builds(
    Record,
    cc=st.integers(0, 0xFFFE),
    hh=st.integers(0, 0xFFFF),
    r=st.integers(0, 0xFF),
    key=st.binary(max_size=0xFF),
    data=st.binary(max_size=1000),
)


def golden_track(cylinder: int, head: int) -> bytes:
    """Return one track of the 3390 image."""
    number = golden.volume("ckd3390").track_number(cylinder, head)
    return golden.tracks("ckd3390")[number]


@pytest.mark.parametrize("name", golden.IMAGES)
def test_golden_tracks_come_back_byte_for_byte(name: str) -> None:
    """Every track of every image comes back, and has its own address."""
    shape = golden.volume(name)
    for number, raw in golden.tracks(name).items():
        track = Track.from_bytes(raw)
        assert track.to_bytes() == raw
        assert (track.cc, track.hh) == divmod(number, shape.heads)
        assert track.records[0] == Record(track.cc, track.hh, 0, b"", bytes(8))


def test_golden_records_are_found() -> None:
    """Keyed, one-byte, empty and track-long records are those given to dasdinit."""
    keyed = Track.from_bytes(golden_track(1, 1)).records
    assert [record.key.decode("cp037") for record in keyed[1:]] == [
        f"KEY{number:05}" for number in range(1, 6)
    ]
    odd = Track.from_bytes(golden_track(1, 2)).records
    assert [len(record.data) for record in odd[1:]] == [100, 1, 0, 96, 17]
    full = Track.from_bytes(golden_track(1, 3)).records
    assert len(full[1].data) == 56664


@given(
    records=st.lists(RECORDS, min_size=1, max_size=20).map(tuple),
    remainder=st.binary(max_size=100),
)
def test_any_track_comes_back(records: tuple[Record, ...], remainder: bytes) -> None:
    """Writing a track and parsing it gives the same track."""
    track = Track(0, 1, 2, records, remainder)
    assert Track.from_bytes(track.to_bytes()) == track


@given(raw=st.binary(max_size=300))
def test_garbage_is_a_track_or_an_image_error(raw: bytes) -> None:
    """Any bytes give a track or an ImageError."""
    try:
        track = Track.from_bytes(raw)
    except ImageError:
        return
    assert track.to_bytes() == raw


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "track without a home address: no end mark after 0 records"),
        (bytes([0, 0, 1, 0, 2]), "cylinder 1, head 2: no end mark after 0 records"),
        (bytes(5) + b"\xff" * 8, "no records at all, expected R0"),
        (golden_track(1, 1)[:400], "record 4 at offset 309 .* past the end of the 400"),
        (golden_track(1, 3)[:-200], "record 1 at offset 21 .* data of 56664 bytes"),
        (golden_track(1, 2)[:319], "no end mark after 6 records; .* at offset 319"),
    ],
)
def test_corrupt_tracks_name_the_place(raw: bytes, said: str) -> None:
    """An error says which track, which record, and at which offset."""
    with pytest.raises(ImageError, match=said):
        slots(raw)
