"""Headers and sizes of CKD images: what is accepted, and the errors of others."""

import itertools
import struct

import pytest

from ccw_actors.devices import (
    HEADER_SIZE,
    CkdHeader,
    Geometry,
    geometry,
    track_offset,
)
from ccw_actors.devices.ckd_image import assemble
from ccw_actors.devices.ckd_types import (
    CKD_TYPES,
    CkdType,
    ckd_type,
    ckd_volume,
    type_of,
)
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
    """Return a device header."""
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
        (header(device_type=0x51), r"device type 51 \(offset 16\).*80 \(3380\)"),
        (header(heads=30), r"has 30 heads \(offset 8\).*expected 15 heads"),
        (header(device_type=0x50), "expected 30 heads and 19456 bytes for a 3350"),
        (header(device_type=0x05), "8 heads and 14336 .* or 8 heads and 14848"),
        (header(device_type=0x80), "tracks of 56832 bytes .*expected .* 47616"),
        (header(track_size=0), "tracks of 0 bytes"),
    ],
)
def test_foreign_headers_are_refused(raw: bytes, said: str) -> None:
    """An error says what was found and what was expected."""
    with pytest.raises(ImageError, match=said):
        CkdHeader.from_bytes(raw)


@pytest.mark.parametrize("missing", [1, 56832, 15 * 56832 * 3])
def test_truncated_images_are_refused(missing: int) -> None:
    """An image without whole cylinders, or without any, has no geometry."""
    raw = golden.image("ckd3390")
    with pytest.raises(ImageError, match=rf"has {len(raw) - missing} bytes, expected"):
        geometry(CkdHeader.from_bytes(raw), len(raw) - missing)


def test_longer_images_are_refused() -> None:
    """Bytes after the last cylinder are an error."""
    raw = golden.image("ckd3390")
    with pytest.raises(ImageError, match="the last cylinder has 7 bytes"):
        geometry(CkdHeader.from_bytes(raw), len(raw) + 7)


def test_tracks_fill_the_image() -> None:
    """Tracks follow one another from the header to the end of the file."""
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


@pytest.mark.parametrize("name", golden.IMAGES)
def test_golden_headers_come_back(name: str) -> None:
    """A header that was read is written as dasdinit wrote it."""
    raw = golden.image(name)[:HEADER_SIZE]
    assert CkdHeader.from_bytes(raw).to_bytes() == raw


@pytest.mark.parametrize(
    "kind", CKD_TYPES, ids=lambda kind: f"{kind.name} {kind.track_size}"
)
def test_every_type_has_a_header(kind: CkdType) -> None:
    """A volume of any type is recognized by its header and size."""
    volume = ckd_volume(kind, 3)
    raw = CkdHeader(kind.name, kind.heads, kind.track_size).to_bytes()
    size = HEADER_SIZE + volume.tracks * volume.track_size
    assert geometry(CkdHeader.from_bytes(raw), size) == volume
    assert type_of(volume) is kind


@pytest.mark.parametrize(
    ("name", "device_type", "cylinders", "track_size"),
    [
        ("3390", "3390", 1113, 56832),
        ("3390-9", "3390", 10017, 56832),
        ("3390-54", "3390", 65520, 56832),
        ("3380-k", "3380", 2655, 47616),
        ("3380-E", "3380", 1770, 47616),
        ("2305-2", "2305", 96, 14848),
        ("9345-2", "9345", 2156, 46592),
    ],
)
def test_models_by_name(
    name: str, device_type: str, cylinders: int, track_size: int
) -> None:
    """A name may have a model; without one it means the default."""
    kind, found = ckd_type(name)
    assert (kind.name, found, kind.track_size) == (device_type, cylinders, track_size)


@pytest.mark.parametrize("name", ["", "3391", "3390-7", "3390-", "-1", "3370"])
def test_unknown_models(name: str) -> None:
    """An unknown name is refused, and the known ones are listed."""
    with pytest.raises(ImageError, match=r"unknown disk type .* 3390-3"):
        ckd_type(name)


@pytest.mark.parametrize("cylinders", [0, -1, 65536])
def test_volumes_have_a_size(cylinders: int) -> None:
    """A volume has at least one cylinder, and no more than an address can name."""
    with pytest.raises(ImageError, match=f"{cylinders} cylinders, expected 1 to"):
        ckd_volume(CKD_TYPES[0], cylinders)


def test_type_of_an_odd_volume() -> None:
    """A shape of no known type is refused."""
    with pytest.raises(ImageError, match="no 3390 with tracks of 100 bytes"):
        type_of(Geometry("3390", 1, 15, 100))


CYLINDER = 15 * 56832


def part(sequence: int, highest: int, cylinders: int) -> tuple[CkdHeader, int]:
    """Return the header and size of one file of a 3390."""
    size = HEADER_SIZE + cylinders * CYLINDER
    return CkdHeader("3390", 15, 56832, sequence, highest), size


def test_parts_of_a_volume() -> None:
    """Files in order make a volume of all their cylinders."""
    whole = assemble([part(1, 4, 5), part(2, 7, 3), part(3, 0, 2)])
    assert whole == Geometry("3390", 10, 15, 56832)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([part(1, 4, 5), part(3, 0, 2)], "file 2 .* says that it is file 3"),
        ([part(1, 4, 5), part(2, 7, 3)], "file 2 .* means more files; there are 2"),
        ([part(1, 0, 5), part(2, 0, 3)], "file 1 .* means no file after it"),
        ([part(1, 3, 5), part(2, 0, 3)], "ends with cylinder 4, expected 3"),
        ([part(0, 9, 5)], "the image has 9 as its highest .* means more files"),
        (
            [part(1, 4, 5), (CkdHeader("3380", 15, 47616, 2), 512)],
            "file 2 of the volume is of a 3380, expected a 3390",
        ),
        ([part(1, 4, 5), part(2, 0, 0)], "file 2 .* has 512 bytes, expected"),
    ],
)
def test_parts_that_do_not_fit(parts: list[tuple[CkdHeader, int]], said: str) -> None:
    """An error names the file, the byte of its header, and what was expected."""
    with pytest.raises(ImageError, match=said):
        assemble(parts)


def test_one_part_is_no_volume() -> None:
    """One file of several is not accepted as the whole volume."""
    with pytest.raises(ImageError, match="file 1 of a volume in several files"):
        geometry(*part(1, 0, 5))
