"""Headers and sizes of CKD images: what is accepted, and what refusals say."""

import itertools
import struct

import pytest

from ccw_actors.devices import HEADER_SIZE, CkdHeader, geometry, track_offset
from ccw_actors.errors import ImageError
from tests.devices import golden


def header(
    identifier: bytes = b"CKD_P370",
    *,
    heads: int = 15,
    track_size: int = 56832,
    device_type: int = 0x90,
    sequence: int = 0,
    highest_cylinder: int = 0,
) -> bytes:
    """Make a device header."""
    fields = struct.pack(
        "<8sIIBB", identifier, heads, track_size, device_type, sequence
    )
    fields += highest_cylinder.to_bytes(2, "little")
    return fields.ljust(HEADER_SIZE, b"\0")


@pytest.mark.parametrize(
    ("name", "device_type", "cylinders", "track_size"),
    [
        ("ckd3390", "3390", 3, 56832),
        ("ckd3390raw", "3390", 2, 56832),
        ("lnx3390", "3390", 2, 56832),
        ("ckd3380", "3380", 3, 47616),
    ],
)
def test_geometry_of_golden_images(
    name: str, device_type: str, cylinders: int, track_size: int
) -> None:
    """An image has the cylinders it was made with."""
    shape = golden.volume(name)
    assert shape.device_type == device_type
    assert (shape.cylinders, shape.heads) == (cylinders, 15)
    assert shape.track_size == track_size
    assert shape.tracks == cylinders * 15


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"CKD_P370", "header of 512 bytes, but the file has only 8"),
        (header(b"CKD_C370"), r"compressed CKD image \(CCKD\), expected an uncompr"),
        (header(b"CKD_S370"), "shadow file"),
        (header(b"\x7fELF\2\1\1\0"), r"not a CKD image: it starts with b'\\x7fELF"),
        (header(device_type=0x50), r"device type 50 \(offset 16\).*80 \(3380\)"),
        (header(heads=30), "has 30 heads .*expected 15 heads"),
        (header(device_type=0x80), "tracks of 56832 bytes, expected .* 47616"),
        (header(track_size=0), "tracks of 0 bytes"),
        (header(sequence=1), "file 1 of a volume in several files"),
        (header(highest_cylinder=9), r"several files \(highest cylinder 9\)"),
    ],
)
def test_foreign_headers_are_refused(raw: bytes, said: str) -> None:
    """A refusal says what was found and what was expected."""
    with pytest.raises(ImageError, match=said):
        CkdHeader.from_bytes(raw)


@pytest.mark.parametrize("missing", [1, 56832, 15 * 56832 * 3])
def test_truncated_images_are_refused(missing: int) -> None:
    """An image without whole cylinders, or without any, has no geometry."""
    raw = golden.image("ckd3390")
    with pytest.raises(ImageError, match=rf"has {len(raw) - missing} bytes, expected"):
        geometry(CkdHeader.from_bytes(raw), len(raw) - missing)


def test_longer_images_are_refused() -> None:
    """Bytes after the last cylinder are not overlooked."""
    raw = golden.image("ckd3390")
    with pytest.raises(ImageError, match="the last cylinder has 7 bytes"):
        geometry(CkdHeader.from_bytes(raw), len(raw) + 7)


def test_tracks_fill_the_image() -> None:
    """Tracks lie one after another between the header and the end of the file."""
    shape = golden.volume("ckd3390")
    offsets = [track_offset(shape, number) for number in range(shape.tracks)]
    steps = {after - before for before, after in itertools.pairwise(offsets)}
    assert offsets[0] == HEADER_SIZE
    assert steps == {shape.track_size}
    assert offsets[-1] + shape.track_size == len(golden.image("ckd3390"))


@pytest.mark.parametrize("number", [-1, 45])
def test_there_is_no_such_track(number: int) -> None:
    """A track outside of the volume has no offset."""
    with pytest.raises(ImageError, match=f"no track {number}: it has 45 tracks"):
        track_offset(golden.volume("ckd3390"), number)
