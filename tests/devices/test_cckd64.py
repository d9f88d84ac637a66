"""CCKD64 and CFBA64 of SDL Hercules 4 are read: images are built here, by its layout.

No tool here makes or reads such an image: these tests confirm what the layout says.
"""

import struct
import zlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccw_actors.actors.hardware.image import open_image, recover_image
from ccw_actors.cli import app
from ccw_actors.devices import BlockGeometry, Geometry
from ccw_actors.devices.cckd_track import null_track
from ccw_actors.devices.volume_label import VolumeLabel
from ccw_actors.errors import ImageError

VOLUME = Geometry("3390", 20, 15, 56832)
FAR = 1 << 32
"""An offset that a narrow entry could not have."""
LABEL = VolumeLabel("WIDE01").to_track(VOLUME)


def headers(identifier: bytes, count: int, tables: int) -> bytes:
    """Return both headers of a wide file."""
    sizes = (15, 56832, 0x90) if identifier.startswith(b"CKD") else (0, 0, 0)
    first = struct.pack("<8sIIBBH", identifier, *sizes, 0, 0).ljust(512, b"\0")
    second = bytes((0, 3, 1, 0x40)) + struct.pack("<III", tables, 256, count)
    second += struct.pack("<7Q", 0, 0, 0, 0, 0, 0, 0)
    second += bytes((1, 1)) + struct.pack("<h", -1)
    return first + second.ljust(512, b"\0")


def wide(
    path: Path, identifier: bytes, count: int, images: dict[int, bytes], none: int
) -> Path:
    """Write a wide file with the images of tracks below 256, far from its start."""
    tables = 2 if identifier.startswith(b"CKD") else 1
    table = bytearray(struct.pack("<QHHI", none, 1, 1, 0) * 256)
    at = FAR
    with path.open("wb") as file:
        file.write(headers(identifier, count, tables))
        file.write(struct.pack("<QQ", FAR + (1 << 20), none)[: 8 * tables])
        for number, image in images.items():
            file.seek(at)
            file.write(image)
            size = len(image)
            struct.pack_into("<QHHI", table, 16 * number, at, size, size, 0)
            at += size
        file.seek(FAR + (1 << 20))
        file.write(table)
    return path


def image_of(number: int, data: bytes) -> bytes:
    """Pack a track with zlib."""
    end = data.rstrip(b"\0")
    return struct.pack(">BHH", 1, *divmod(number, 15)) + zlib.compress(end[5:])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Make a base image with a label."""
    images = {0: image_of(0, LABEL)}
    return wide(tmp_path / "disk.img", b"CKD_C064", 20, images, 0)


def test_tracks_are_read(base: Path) -> None:
    """Offsets have eight bytes; null tracks have the format of their table."""
    file = open_image(base, read_only=True)
    assert file.geometry == VOLUME
    assert file.read(0) == LABEL
    assert file.read(7) == null_track(VOLUME, 7, 1)
    assert file.read(299) == null_track(VOLUME, 299, 1)
    assert list(file.damage()) == []
    file.close()


def test_shadow_files_are_read(base: Path) -> None:
    """All ones in eight bytes are what the file below has."""
    changed = VolumeLabel("WIDE02").to_track(VOLUME)
    ones = (1 << 64) - 1
    shadow = base.with_name("disk_1.img")
    wide(shadow, b"CKD_S064", 20, {0: image_of(0, changed)}, ones)
    file = open_image(base, read_only=True, shadow="disk_*.img")
    assert file.read(0) == changed
    assert file.read(7) == null_track(VOLUME, 7, 1)
    assert file.read(299) == null_track(VOLUME, 299, 1)
    file.close()


def test_blocks_are_read(tmp_path: Path) -> None:
    """Groups of 120 blocks, and zeros where there is no image."""
    data = bytes(range(256)) * 240
    image = struct.pack(">BI", 1, 3) + zlib.compress(data)
    path = wide(tmp_path / "disk.img", b"FBA_C064", 1000, {3: image}, 0)
    file = open_image(path, device_type="3370", read_only=True)
    assert file.geometry == BlockGeometry("3370", 1000, 120)
    assert file.read(3) == data
    assert file.read(8) == bytes(40 * 512)
    file.close()


def test_writing_is_refused(base: Path) -> None:
    """The error gives the format its name, and the image is not changed."""
    before = base.stat()
    with pytest.raises(ImageError, match=r"CCKD64 or CFBA64 .* can only be read"):
        open_image(base, read_only=False)
    with pytest.raises(ImageError, match="CCKD64"):
        recover_image(base)
    assert base.stat().st_mtime_ns == before.st_mtime_ns
    assert not base.with_name("disk.img.journal").exists()


def test_commands_read_it(base: Path, tmp_path: Path) -> None:
    """`dasd verify` checks it, and `dasd convert` makes another format of it."""
    result = CliRunner().invoke(app, ["dasd", "verify", str(base)])
    assert "300 tracks, nothing is damaged" in result.stdout
    target = tmp_path / "narrow.img"
    words = ["dasd", "convert", str(base), str(target), "--compress", "zlib"]
    assert CliRunner().invoke(app, words).exit_code == 0
    file = open_image(target, read_only=True)
    assert file.read(0) == LABEL
    file.close()


@pytest.mark.parametrize("offset", [1, FAR << 8, (1 << 64) - 1])
def test_tables_lie_in_the_file(base: Path, offset: int) -> None:
    """A table that is not in the file, or is said to be below a base, is refused."""
    raw = base.open("r+b")
    raw.seek(1024)
    raw.write(struct.pack("<Q", offset))
    raw.close()
    file = open_image(base, read_only=True)
    with pytest.raises(ImageError, match="level 2 table 0 "):
        file.read(0)
    file.close()
