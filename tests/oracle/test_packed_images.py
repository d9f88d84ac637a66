"""Compressed images: this package writes them, Hercules' tools judge and read them."""

from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_blocks, create_tracks
from ccw_actors.devices.cckd_track import COMPRESSIONS
from ccw_actors.devices.ckd_types import CKD_TYPES, CkdType, ckd_type, ckd_volume
from ccw_actors.devices.fba_image import FBA_TYPES
from ccw_actors.devices.volume_check import damages
from tests.oracle.hercules import needs_hercules, run_tool
from tests.oracle.packed import changed, contents, judged, opened, scribble

pytestmark = [pytest.mark.oracle, needs_hercules]

CYLINDERS = 20
BLOCKS = 40 * 120 + 7
METHODS = {"none": "-0", "zlib": "-z", "bzip2": "-bz2"}


def ids(kind: CkdType) -> str:
    """Name a type by its first model."""
    return f"{kind.name}-{next(iter(kind.models))}"


def damage(path: Path, device_type: str = "") -> list[str]:
    """Say what this package finds wrong with an image."""
    with opened(path, device_type) as file:
        assert not file.notice
        found = [*damages(file.geometry, file.read), *file.damage()]
        return [str(one) for one in found]


def new(folder: Path, method: str, cylinders: int = CYLINDERS) -> Path:
    """Make a compressed 3390."""
    path = folder / "new.img"
    volume = ckd_volume(ckd_type("3390")[0], cylinders)
    create_tracks(path, volume, "PACKED", compression=COMPRESSIONS[method])
    return path


def unpacked_by_them(path: Path, device_type: str = "") -> list[str]:
    """Have Hercules unpack an image, and read the result."""
    tool = "cfba2fba" if device_type else "cckd2ckd"
    run_tool(tool, path.name, "unpacked.img", folder=path.parent)
    found = contents(path.with_name("unpacked.img"), device_type)
    path.with_name("unpacked.img").unlink()
    return found


# -- new images ----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", CKD_TYPES, ids=ids)
def test_new_images_of_tracks_are_sound(
    tmp_path: Path, kind: CkdType, method: str
) -> None:
    """Cckdcdsk says nothing, dasdls finds the label, and the tracks are the same."""
    cylinders = kind.cylinders if kind.name == "2305" else CYLINDERS
    volume = ckd_volume(kind, cylinders)
    create_tracks(tmp_path / "raw.img", volume, "PACKED")
    packed = tmp_path / "new.img"
    create_tracks(packed, volume, "PACKED", compression=COMPRESSIONS[method])
    assert judged(packed) == ""
    assert damage(packed) == []
    said = run_tool("dasdls", "new.img", folder=tmp_path)
    assert said.splitlines() == ["new.img: VOLSER=PACKED"]
    assert unpacked_by_them(packed) == contents(tmp_path / "raw.img")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("device_type", sorted(FBA_TYPES))
def test_new_images_of_blocks_are_sound(
    tmp_path: Path, device_type: str, method: str
) -> None:
    """Cckdcdsk says nothing, and the blocks are those of a raw image."""
    create_blocks(tmp_path / "raw.img", device_type, BLOCKS, "PACKED")
    packed = tmp_path / "new.img"
    create_blocks(
        packed, device_type, BLOCKS, "PACKED", compression=COMPRESSIONS[method]
    )
    assert judged(packed) == ""
    assert damage(packed, device_type) == []
    assert unpacked_by_them(packed, device_type) == contents(
        tmp_path / "raw.img", device_type
    )


# -- writing -------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_written_tracks_are_sound(tmp_path: Path, method: str) -> None:
    """Cckdcdsk says nothing after many writes, and Hercules reads what we wrote."""
    path = new(tmp_path, method)
    wanted = contents(path)
    for seed in range(4):
        with opened(path, write=True) as file:
            wanted = changed(scribble(file, seed, 150), wanted)
        assert judged(path) == ""
        assert damage(path) == []
    assert contents(path) == wanted
    assert unpacked_by_them(path) == wanted


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("swapped", [False, True], ids=["little", "big"])
def test_their_images_are_written(
    tmp_path: Path, method: str, *, swapped: bool
) -> None:
    """An image of dasdcopy, in either byte order, stays sound when we write it."""
    run_tool("dasdinit", "raw.img", "3390", "THEIRS", "20", folder=tmp_path)
    words = ("dasdcopy", METHODS[method], "-o", "CCKD", "raw.img", "packed.img")
    run_tool(*words, folder=tmp_path)
    path = tmp_path / "packed.img"
    if swapped:
        run_tool("cckdswap", path.name, folder=tmp_path)
    wanted = contents(tmp_path / "raw.img")
    with opened(path, write=True) as file:
        wanted = changed(scribble(file, 1, 200), wanted)
    assert damage(path) == []
    said = judged(path, repair=True)
    assert (
        said == ("HHCCU101I judged.packed.img: converting to little-endian\n") * swapped
    )
    assert contents(path) == wanted
    assert unpacked_by_them(path) == wanted


@pytest.mark.parametrize("method", METHODS)
def test_written_blocks_are_sound(tmp_path: Path, method: str) -> None:
    """The same for blocks, in an image of dasdinit."""
    words = ("dasdinit", METHODS[method], "new.img", "3370", "THEIRS", str(BLOCKS))
    run_tool(*words, folder=tmp_path)
    path = tmp_path / "new.img"
    wanted = contents(path, "3370")
    for seed in range(3):
        with opened(path, "3370", write=True) as file:
            wanted = changed(scribble(file, seed, 60), wanted)
        assert judged(path) == ""
        assert damage(path, "3370") == []
    assert contents(path, "3370") == wanted
    assert unpacked_by_them(path, "3370") == wanted


def test_space_is_used_again(tmp_path: Path) -> None:
    """An image whose tracks are written again and again does not grow without end."""
    path = new(tmp_path, "none")
    sizes: list[int] = []
    for seed in range(6):
        with opened(path, write=True) as file:
            scribble(file, seed, 900)
        sizes.append(path.stat().st_size)
    assert judged(path) == ""
    assert max(sizes) < 1.6 * min(sizes)


def test_what_they_compact_is_written_on(tmp_path: Path) -> None:
    """Cckdcomp takes the free space out of our image; both read the same after that."""
    path = new(tmp_path, "zlib")
    wanted = contents(path)
    with opened(path, write=True) as file:
        wanted = changed(scribble(file, 1, 400), wanted)
    before = path.stat().st_size
    run_tool("cckdcomp", path.name, folder=tmp_path)
    assert path.stat().st_size < before
    assert contents(path) == wanted
    with opened(path, write=True) as file:
        wanted = changed(scribble(file, 2, 100), wanted)
    assert judged(path) == ""
    assert contents(path) == wanted


def test_free_space_that_they_list_is_verified(tmp_path: Path) -> None:
    """An image with free space that Hercules has listed passes our check."""
    path = new(tmp_path, "zlib")
    with opened(path, write=True) as file:
        scribble(file, 1, 300)
    raw = bytearray(path.read_bytes())
    raw[512 + 36] ^= 1  # imbedded free space: cckdcdsk lists it again
    path.write_bytes(raw)
    assert "imbedded free space" in damage(path)[0]
    said = run_tool("cckdcdsk", "-3", path.name, folder=tmp_path, errors=True)
    assert "free space rebuilt" in said
    assert damage(path) == []


def test_what_was_not_closed_is_listed_again(tmp_path: Path) -> None:
    """An image with garbage for a list of free space, as after a death, is repaired."""
    path = new(tmp_path, "zlib")
    with opened(path, write=True) as file:
        scribble(file, 1, 300)
    wanted = contents(path)
    raw = bytearray(path.read_bytes())
    raw[512 + 3] |= 0x80
    raw[512 + 12 : 512 + 40] = bytes(28)
    path.write_bytes(bytes(raw) + b"garbage")
    assert judged(path) != ""
    with opened(path, write=True):
        pass
    assert judged(path) == ""
    assert contents(path) == wanted
