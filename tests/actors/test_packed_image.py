"""Compressed images are written: what fails, what dies, and what is never changed."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import (
    add_shadow,
    create_blocks,
    create_tracks,
    grow_image,
    journal_path,
    merge_shadow,
    open_image,
    recover_image,
    remove_shadow,
)
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.errors import ImageError
from tests.actors.images import (
    VOLUME,
    abandoned,
    contents,
    filled,
    read_track,
    write_track,
)

TRACK = 15
OPEN_AT = 512 + 3
NAME = "disk_*.img"


def new_packed(folder: Path) -> Path:
    """Make a compressed image of a small disk, with a track that has data."""
    path = folder / "disk.img"
    create_tracks(path, VOLUME, "PACKED", compression=0)
    write_track(path, TRACK, filled(TRACK, 0x11))
    return path


def damage(path: Path) -> list[str]:
    """Say what is damaged apart from tracks."""
    file = open_image(path, read_only=True)
    try:
        return [str(one) for one in file.damage()]
    finally:
        file.close()


def abandon(path: Path, *writes: tuple[int, bytes]) -> None:
    """Write tracks, and leave the image as a process does that dies."""
    with abandoned():
        file = open_image(path, read_only=False)
        for track, data in writes:
            file.write(track, data)


def test_written_tracks_are_read(tmp_path: Path) -> None:
    """What was written is there, and the image is closed and sound."""
    path = new_packed(tmp_path)
    for content in range(5):
        write_track(path, TRACK + content, filled(TRACK + content, content))
    for content in range(5):
        track = TRACK + content
        assert read_track(path, track) == filled(track, content)
    assert damage(path) == []
    assert list(tmp_path.iterdir()) == [path]


def test_opened_and_not_written_is_not_changed(tmp_path: Path) -> None:
    """To open an image for writing, and to write what is there, changes nothing."""
    path = new_packed(tmp_path)
    before = path.read_bytes()
    write_track(path, TRACK, filled(TRACK, 0x11))
    assert path.read_bytes() == before


@pytest.mark.parametrize("call", range(1, 12))
@pytest.mark.parametrize("track", [TRACK, 3])
def test_failing_call_leaves_the_old_track(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, track: int, call: int
) -> None:
    """Whichever write to the disk fails, the answer is true and the image sound."""
    path = new_packed(tmp_path)
    old, new = read_track(path, track), filled(track, 0x77)
    pwrite, calls = os.pwrite, 0

    def fail(fd: int, data: bytes, offset: int) -> int:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")
        return pwrite(fd, data, offset)

    file = open_image(path, read_only=False)
    wanted = new
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", fail)
        try:
            file.write(track, new)
        except OSError:
            wanted = old
        assert file.read(track) == wanted
        file.close()
    assert read_track(path, track) == wanted
    recover_image(path)
    assert read_track(path, track) == wanted
    assert damage(path) == []


@pytest.mark.parametrize("track", [TRACK, 3])
def test_death_at_any_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, track: int
) -> None:
    """Who dies within any write leaves the old track, or the new one."""
    path = new_packed(tmp_path)
    saved = path.read_bytes()
    old, new = read_track(path, track), filled(track, 0x77)
    seen = set[bytes]()
    for call in range(1, 12):
        for cut in (0, 1, 3, 7):
            path.write_bytes(saved)
            _die(path, monkeypatch, track, new, call=call, cut=cut)
            before = read_track(path, track)
            recover_image(path)
            assert read_track(path, track) == before
            assert before in {old, new}
            assert damage(path) == []
            seen.add(before)
    assert seen == {old, new}


class _DeathError(BaseException):
    """Ends a simulated process."""


def _die(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    track: int,
    data: bytes,
    *,
    call: int,
    cut: int,
) -> None:
    """Write a track and close, but die in the call-th write after `cut` bytes."""
    pwrite, calls = os.pwrite, 0

    def write_and_die(fd: int, raw: bytes, offset: int) -> int:
        nonlocal calls
        calls += 1
        if calls < call:
            return pwrite(fd, raw, offset)
        if cut:
            pwrite(fd, bytes(raw)[:cut], offset)
        raise _DeathError

    with abandoned(), monkeypatch.context() as patch:
        file = open_image(path, read_only=False)
        patch.setattr(os, "pwrite", write_and_die)
        try:
            file.write(track, data)
            file.close()
        except _DeathError:
            pass


def test_not_closed_is_said_and_mended(tmp_path: Path) -> None:
    """The second header says that an image is open; recovery lists its space again."""
    path = new_packed(tmp_path)
    abandon(path, (TRACK, filled(TRACK, 1)), (TRACK + 1, filled(TRACK + 1, 2)))
    assert path.read_bytes()[OPEN_AT] & 0x80
    file = open_image(path, read_only=True)
    assert "was not closed" in file.notice
    file.close()
    assert "free space is listed again" in recover_image(path)
    assert not path.read_bytes()[OPEN_AT] & 0x80
    assert damage(path) == []
    assert read_track(path, TRACK + 1) == filled(TRACK + 1, 2)


def test_overlapping_images_are_not_written(tmp_path: Path) -> None:
    """To write such an image could destroy another track."""
    path = new_packed(tmp_path)
    raw = bytearray(path.read_bytes())
    header_end = 1024 + 4
    table = int.from_bytes(raw[1024:header_end], "little")
    raw[table : table + 8] = raw[table + 8 * TRACK : table + 8 * TRACK + 8]
    path.write_bytes(raw)
    with pytest.raises(ImageError, match="overlaps what is before it"):
        open_image(path, read_only=False)
    assert path.read_bytes() == raw
    assert any("overlaps" in one for one in damage(path))
    assert not journal_path(path).exists()


def test_journal_of_a_death_is_the_images(tmp_path: Path) -> None:
    """A journal next to another image of that name is refused."""
    path = new_packed(tmp_path)
    abandon(path, (TRACK, filled(TRACK, 1)))
    other = tmp_path / "other.img"
    shutil.copy(path, other)
    other.replace(path)
    with pytest.raises(ImageError, match="journal of another image"):
        open_image(path, read_only=False)
    assert recover_image(path, copied=True)


def test_track_that_cannot_be_packed(tmp_path: Path) -> None:
    """Records without an end, or of another track, are refused, and nothing changes."""
    path = new_packed(tmp_path)
    before = path.read_bytes()
    file = open_image(path, read_only=False)
    for data, said in (
        (filled(TRACK + 1, 5), "home address is that of another track"),
        (bytes(5) + b"\1" * (VOLUME.track_size - 5), "cylinder"),
        (b"short", "got 5 bytes for track"),
    ):
        with pytest.raises(ImageError, match=said):
            file.write(TRACK, data)
    file.close()
    assert contents(tmp_path)["disk.img"] == before


# -- shadow files --------------------------------------------------------------------


def shadowed(path: Path, track: int) -> bytes:
    """Read a track of an image with its shadow files."""
    file = open_image(path, read_only=True, shadow=NAME)
    try:
        return file.read(track)
    finally:
        file.close()


def write_shadowed(path: Path, track: int, data: bytes) -> None:
    """Write a track of an image with its shadow files."""
    file = open_image(path, read_only=False, shadow=NAME)
    file.write(track, data)
    file.close()


def test_shadow_takes_the_writes(tmp_path: Path) -> None:
    """The base stays as it is; what was not written is read from it."""
    path = new_packed(tmp_path)
    before = path.read_bytes()
    add_shadow(path, NAME)
    write_shadowed(path, TRACK + 1, filled(TRACK + 1, 9))
    assert path.read_bytes() == before
    assert shadowed(path, TRACK + 1) == filled(TRACK + 1, 9)
    assert shadowed(path, TRACK) == filled(TRACK, 0x11)


def test_merged_and_removed(tmp_path: Path) -> None:
    """Merging keeps what was written; removing does not."""
    path = new_packed(tmp_path)
    for content in (1, 2):
        add_shadow(path, NAME)
        write_shadowed(path, TRACK, filled(TRACK, content))
    assert remove_shadow(path, NAME).name == "disk_2.img"
    assert shadowed(path, TRACK) == filled(TRACK, 1)
    merge_shadow(path, NAME)
    assert read_track(path, TRACK) == filled(TRACK, 1)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ImageError, match="there is no shadow file"):
        merge_shadow(path, NAME)


def test_merge_that_dies_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The volume reads as before after every death, and merging again ends it."""
    path = new_packed(tmp_path)
    top = add_shadow(path, NAME)
    wanted = {number: filled(number, number) for number in range(TRACK, TRACK + 3)}
    for number, data in wanted.items():
        write_shadowed(path, number, data)
    deaths = 0
    while top.exists():
        deaths += 1
        with abandoned(), monkeypatch.context() as patch, suppress(_DeathError):
            patch.setattr(os, "pwrite", _dies_in(deaths))
            merge_shadow(path, NAME)
        assert all(shadowed(path, n) == data for n, data in wanted.items())
    assert deaths > 3
    assert damage(path) == []


def _dies_in(call: int) -> Callable[[int, bytes, int], int]:
    """Return a `pwrite` that ends the simulated process in a call."""
    pwrite, calls = os.pwrite, 0

    def write_and_die(fd: int, raw: bytes, offset: int) -> int:
        nonlocal calls
        calls += 1
        if calls == call:
            raise _DeathError
        return pwrite(fd, raw, offset)

    return write_and_die


def test_base_that_cannot_be_written_gets_a_shadow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Hercules: a new shadow file takes the writes; else the base does."""
    path = new_packed(tmp_path)
    write_shadowed(path, TRACK, filled(TRACK, 1))
    assert list(tmp_path.iterdir()) == [path]
    before = path.read_bytes()

    def may(file: Path, _mode: int) -> bool:
        return file != path

    monkeypatch.setattr(os, "access", may)
    write_shadowed(path, TRACK, filled(TRACK, 2))
    assert path.read_bytes() == before
    assert path.with_name("disk_1.img").exists()
    assert shadowed(path, TRACK) == filled(TRACK, 2)


def test_nine_are_refused(tmp_path: Path) -> None:
    """There are eight at most."""
    path = new_packed(tmp_path)
    for _ in range(8):
        add_shadow(path, NAME)
    with pytest.raises(ImageError, match="there are 8 shadow files"):
        add_shadow(path, NAME)


def test_shadow_in_use_is_not_merged(tmp_path: Path) -> None:
    """A file that somebody writes is neither merged, removed nor covered."""
    path = new_packed(tmp_path)
    add_shadow(path, NAME)
    file = open_image(path, read_only=False, shadow=NAME)
    for change in (merge_shadow, remove_shadow, add_shadow):
        with pytest.raises(ImageError, match="in use elsewhere"):
            change(path, NAME)
    file.close()


@pytest.mark.parametrize(
    ("name", "said"), [("", "the image is a shadow file"), (".img", "a place for")]
)
def test_names_of_shadow_files(tmp_path: Path, name: str, said: str) -> None:
    """A shadow file is no image on its own, and a name needs a place for a number."""
    path = new_packed(tmp_path)
    made = add_shadow(path, NAME)
    with pytest.raises(ImageError, match=said):
        open_image(path if name else made, read_only=True, shadow=name)


def test_shadow_of_another_volume(tmp_path: Path) -> None:
    """All files of a chain have one shape."""
    path = new_packed(tmp_path)
    add_shadow(path, NAME)
    grow_image(path, 5)
    with pytest.raises(ImageError, match="shadow file of another volume"):
        open_image(path, read_only=True, shadow=NAME)


def test_raw_images_have_no_shadow_files(tmp_path: Path) -> None:
    """Only a compressed image can be a base."""
    path = tmp_path / "disk.img"
    create_tracks(path, VOLUME, "RAW001")
    with pytest.raises(ImageError, match="not a compressed CKD image"):
        add_shadow(path, NAME)
    assert list(tmp_path.iterdir()) == [path]


# -- blocks, and growing -------------------------------------------------------------


def test_blocks_need_their_type(tmp_path: Path) -> None:
    """A compressed image of blocks says what it is, and asks for its type."""
    path = tmp_path / "disk.img"
    create_blocks(path, "3370", 1000, "BLOCKS", compression=1)
    with pytest.raises(ImageError, match="compressed image of blocks"):
        open_image(path, read_only=True)
    file = open_image(path, device_type="3370", read_only=False)
    file.write(8, b"x" * file.geometry.size_of(8))  # type: ignore[union-attr]
    file.close()
    file = open_image(path, device_type="3370", read_only=True)
    assert file.read(8) == b"x" * (1000 - 960) * 512
    assert list(file.damage()) == []
    file.close()


def test_growing_keeps_what_is_there(tmp_path: Path) -> None:
    """Tracks and permissions stay; the file in use is not replaced."""
    path = new_packed(tmp_path)
    path.chmod(0o640)
    assert grow_image(path, 9) == ckd_volume(ckd_type("2311")[0], 9)
    assert read_track(path, TRACK) == filled(TRACK, 0x11)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ImageError, match="it has 9 cylinders, and cannot grow to 9"):
        grow_image(path, 9)
    file = open_image(path, read_only=True)
    with pytest.raises(ImageError, match="in use elsewhere"):
        grow_image(path, 20)
    file.close()
