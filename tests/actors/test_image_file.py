"""Image files: writes are permanent and atomic, even if the process dies."""

import errno
import gzip
import itertools
import os
import subprocess
import sys
from collections.abc import Container, Generator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest

from ccw_actors.actors.hardware.image import (
    create_blocks,
    create_tracks,
    journal_path,
    open_image,
)
from ccw_actors.actors.hardware.image._parts import part_path
from ccw_actors.devices import HEADER_SIZE, BlockGeometry, CkdHeader
from ccw_actors.errors import ImageError
from tests.actors.images import VOLUME, contents, die, filled, new_image

IMAGES = Path(__file__).parents[1] / "data" / "images"
TRACK = 7


def golden(name: str, folder: Path) -> Path:
    """Unpack a golden image."""
    path = folder / f"{name}.img"
    path.write_bytes(gzip.decompress((IMAGES / f"{name}.img.gz").read_bytes()))
    return path


def read(path: Path, track: int = TRACK) -> bytes:
    """Read one track."""
    file = open_image(path, read_only=True)
    try:
        return file.read(track)
    finally:
        file.close()


def write(path: Path, data: bytes, track: int = TRACK) -> None:
    """Write one track."""
    file = open_image(path, read_only=False)
    try:
        file.write(track, data)
    finally:
        file.close()


def test_write_changes_the_track_and_nothing_else(tmp_path: Path) -> None:
    """Only the track changes in the image; no other file is left."""
    path = new_image(tmp_path)
    before = path.read_bytes()
    write(path, filled(TRACK, 0x11))
    offset = HEADER_SIZE + TRACK * VOLUME.track_size
    end = offset + VOLUME.track_size
    assert path.read_bytes() == before[:offset] + filled(TRACK, 0x11) + before[end:]
    assert read(path) == filled(TRACK, 0x11)
    assert list(tmp_path.iterdir()) == [path]


def test_journal_is_there_while_the_image_is_open(tmp_path: Path) -> None:
    """The journal has the permissions of the image, whose content it has."""
    path = new_image(tmp_path)
    path.chmod(0o600)
    file = open_image(path, read_only=False)
    assert journal_path(path).stat().st_mode & 0o777 == 0o600
    file.close()
    assert not journal_path(path).exists()


# -- who dies ------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0, 1, 24, 100, 4000])
def test_death_in_the_journal_leaves_the_old_track(tmp_path: Path, cut: int) -> None:
    """An incomplete record means nothing; the image has not been touched."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    before = path.read_bytes()
    die(path, TRACK, filled(TRACK, 0x22), call=1, cut=cut)
    assert path.read_bytes() == before
    assert read(path) == filled(TRACK, 0x11)
    write(path, filled(TRACK, 0x33))
    assert read(path) == filled(TRACK, 0x33)


@pytest.mark.parametrize("cut", [0, 1, 512, 2000, 4096])
def test_death_in_the_image_is_undone(tmp_path: Path, cut: int) -> None:
    """The next opening for writing undoes part of a write, and keeps a whole one."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    die(path, TRACK, filled(TRACK, 0x22), call=2, cut=cut)
    assert journal_path(path).exists()
    open_image(path, read_only=False).close()
    assert read(path) == filled(TRACK, 0x22 if cut == 4096 else 0x11)
    assert list(tmp_path.iterdir()) == [path]


def test_half_a_track_is_read_as_it_was(tmp_path: Path) -> None:
    """A reader gets the old track and a notice, and changes nothing."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    die(path, TRACK, filled(TRACK, 0x22), call=2, cut=1500)
    before = contents(tmp_path)
    file = open_image(path, read_only=True)
    assert file.read(TRACK) == filled(TRACK, 0x11)
    assert "track 7, was cut short; it is read as it was before" in file.notice
    file.close()
    assert contents(tmp_path) == before


def test_complete_write_of_a_dead_process_can_be_read(tmp_path: Path) -> None:
    """A leftover journal is harmless if its write is complete."""
    path = new_image(tmp_path)
    data = filled(TRACK, 0x22)
    die(path, TRACK, data, call=2, cut=len(data))
    assert read(path) == data


def test_later_change_by_another_program_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Data that another program wrote after the death stay."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    die(path, TRACK, filled(TRACK, 0x22), call=2, cut=1024)
    raw = bytearray(path.read_bytes())
    offset = HEADER_SIZE + TRACK * VOLUME.track_size
    raw[offset : offset + VOLUME.track_size] = filled(TRACK, 0x44)
    path.write_bytes(raw)
    assert read(path) == filled(TRACK, 0x44)
    open_image(path, read_only=False).close()
    assert path.read_bytes() == raw
    assert "the journal is void" in caplog.text


def test_journal_is_found_through_a_link(tmp_path: Path) -> None:
    """A write begun through a link is undone when the file itself is opened."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    link = tmp_path / "links" / "link.img"
    link.parent.mkdir()
    link.symlink_to(path)
    die(link, TRACK, filled(TRACK, 0x22), call=2, cut=1024)
    open_image(path, read_only=False).close()
    assert path.read_bytes().count(b"\x22" * 100) == 0
    assert read(link) == filled(TRACK, 0x11)


def test_journal_has_to_be_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image whose journal cannot be created is not opened for writing."""
    path = new_image(tmp_path)
    fail = OSError(errno.EROFS, os.strerror(errno.EROFS))
    monkeypatch.setattr(os, "link", Mock(side_effect=fail))
    said = r"next to it, disk\.img\.journal: Read-only file system"
    with pytest.raises(ImageError, match=said):
        open_image(path, read_only=False)
    assert list(tmp_path.iterdir()) == [path]


# -- what fails ----------------------------------------------------------------------


def fail_writes(monkeypatch: pytest.MonkeyPatch, failing: Container[int]) -> None:
    """Make the writes with these numbers fail; the second takes 1000 bytes only.

    The first is that of the journal, the second the image's.
    """
    pwrite, numbers = os.pwrite, itertools.count(1)

    def broken(fd: int, data: bytes, offset: int) -> int:
        number = next(numbers)
        if number in failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pwrite(fd, bytes(data)[:1000] if number == 2 else data, offset)

    monkeypatch.setattr(os, "pwrite", broken)


def test_failing_write_leaves_the_old_track(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk of the host fails within a track, the track is as before."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    before = path.read_bytes()
    file = open_image(path, read_only=False)
    fail_writes(monkeypatch, (3,))
    with pytest.raises(OSError, match="Input/output error"):
        file.write(TRACK, filled(TRACK, 0x22))
    assert path.read_bytes() == before
    monkeypatch.undo()
    file.write(TRACK, filled(TRACK, 0x33))
    file.close()
    assert read(path) == filled(TRACK, 0x33)


def test_write_that_cannot_be_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the old track can be put back, reads go on and writes are refused."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    write(path, filled(TRACK, 0x11))
    file = open_image(path, read_only=False)
    fail_writes(monkeypatch, range(3, 1000))
    with pytest.raises(OSError, match="Input/output error"):
        file.write(TRACK, filled(TRACK, 0x22))
    assert file.read(TRACK) == filled(TRACK, 0x11)
    assert file.read(TRACK + 1)
    with pytest.raises(OSError, match="Input/output error"):
        file.write(TRACK + 1, filled(TRACK + 1, 0x22))
    monkeypatch.undo()
    file.write(TRACK + 1, filled(TRACK + 1, 0x33))
    assert file.read(TRACK) == filled(TRACK, 0x11)
    file.close()
    assert read(path) == filled(TRACK, 0x11)
    assert read(path, TRACK + 1) == filled(TRACK + 1, 0x33)
    assert list(tmp_path.iterdir()) == [path]


def test_journal_stays_while_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half written track in a closed image is undone when it is next opened."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    file = open_image(path, read_only=False)
    fail_writes(monkeypatch, range(3, 1000))
    with pytest.raises(OSError, match="Input/output error"):
        file.write(TRACK, filled(TRACK, 0x22))
    file.close()
    monkeypatch.undo()
    assert journal_path(path).exists()
    assert read(path) == filled(TRACK, 0x11)
    open_image(path, read_only=False).close()
    assert read(path) == filled(TRACK, 0x11)
    assert not journal_path(path).exists()


@contextmanager
def noted_calls() -> Generator[list[str]]:
    """Note the writes and syncs of files in the block, by their names."""
    steps: list[str] = []
    pwrite, fdatasync = os.pwrite, os.fdatasync

    def name(fd: int) -> str:
        return Path(f"/proc/self/fd/{fd}").readlink().name

    def noted_write(fd: int, data: bytes, offset: int) -> int:
        steps.append(f"write {name(fd)}")
        return pwrite(fd, data, offset)

    def noted_sync(fd: int) -> None:
        steps.append(f"sync {name(fd)}")
        fdatasync(fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pwrite", noted_write)
        patch.setattr(os, "fdatasync", noted_sync)
        yield steps


@pytest.mark.parametrize("sync", [False, True])
def test_sync_is_before_and_after_the_image(tmp_path: Path, *, sync: bool) -> None:
    """With `sync`, the journal is on the disk before the image, and the image last."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=False, sync=sync)
    with noted_calls() as steps:
        file.write(TRACK, filled(TRACK, 0x11))
    file.close()
    whole = ["write disk.img.journal", "sync disk.img.journal"]
    whole += ["write disk.img", "sync disk.img"]
    assert steps == (whole if sync else whole[::2])


def test_failing_sync_is_a_failing_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that cannot be synced has failed."""
    path = new_image(tmp_path)
    write(path, filled(TRACK, 0x11))
    file = open_image(path, read_only=False, sync=True)
    numbers = itertools.count(1)

    def fdatasync(_fd: int) -> None:
        if next(numbers) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with pytest.raises(OSError, match="Input/output error"):
        file.write(TRACK, filled(TRACK, 0x22))
    monkeypatch.undo()
    file.close()
    assert read(path) == filled(TRACK, 0x11)


@pytest.mark.parametrize("size", [0, 4095, 4097])
def test_data_of_another_length_are_refused(tmp_path: Path, size: int) -> None:
    """Data that do not have a track's length are refused."""
    path = new_image(tmp_path)
    with pytest.raises(ImageError, match=rf"got {size} bytes .*, expected 4096"):
        write(path, bytes(size))


@pytest.mark.parametrize("track", [-1, 40])
def test_there_is_no_such_track(tmp_path: Path, track: int) -> None:
    """Tracks outside the volume are neither read nor written."""
    path = new_image(tmp_path)
    before = path.read_bytes()
    with pytest.raises(ImageError, match=f"no track {track}"):
        read(path, track)
    with pytest.raises(ImageError, match=f"no track {track}"):
        write(path, bytes(4096), track)
    assert path.read_bytes() == before


def test_what_is_only_read_is_not_written(tmp_path: Path) -> None:
    """An image opened read-only refuses writes, and has no journal."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=True)
    with pytest.raises(ImageError, match="read-only"):
        file.write(TRACK, filled(TRACK, 0x11))
    assert list(tmp_path.iterdir()) == [path]
    file.close()


# -- who has it open -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (False, False, "in use elsewhere, expected no reader or writer"),
        (True, False, "in use elsewhere, expected no reader or writer"),
        (False, True, "in use elsewhere, expected no writer"),
    ],
)
def test_writer_is_alone(
    tmp_path: Path, *, first: bool, second: bool, said: str
) -> None:
    """A writer shares the image with no reader and no writer."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=first)
    with pytest.raises(ImageError, match=said):
        open_image(path, read_only=second)
    file.close()
    open_image(path, read_only=second).close()


def test_readers_share(tmp_path: Path) -> None:
    """Any number of readers may have an image open."""
    path = new_image(tmp_path)
    files = [open_image(path, read_only=True) for _ in range(3)]
    assert len({file.read(TRACK) for file in files}) == 1
    for file in files:
        file.close()


def test_other_process_is_refused(tmp_path: Path) -> None:
    """Other processes respect the lock."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=False)
    script = (
        "import sys; from pathlib import Path;"
        "from ccw_actors.actors.hardware.image._file import open_image;"
        "open_image(Path(sys.argv[1]), read_only=False)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=False, capture_output=True
    )
    file.close()
    assert b"ImageError" in done.stderr
    assert b"in use elsewhere" in done.stderr


# -- other kinds of files ------------------------------------------------------------


def test_blocks_come_in_groups(tmp_path: Path) -> None:
    """The golden blocks are where they were written; the last group is shorter."""
    path = golden("fba3370", tmp_path)
    file = open_image(path, device_type="3370", read_only=False)
    volume = BlockGeometry("3370", 1000, 120)
    assert file.geometry == volume
    group, at = volume.place(990)
    assert file.read(group)[at : at + 10].decode("cp037") == "BLOCK00990"
    last = file.read(8)
    assert len(last) == 40 * 512
    file.write(8, last[::-1])
    with pytest.raises(ImageError, match="no group 9"):
        file.read(9)
    file.close()
    raw = gzip.decompress((IMAGES / "fba3370.img.gz").read_bytes())
    assert path.read_bytes() == raw[: -len(last)] + last[::-1]


def test_blocks_need_a_type(tmp_path: Path) -> None:
    """A raw image needs a device type; an image of tracks has no blocks."""
    blocks = tmp_path / "blocks.img"
    create_blocks(blocks, "3370", 100, "BLOCKS")
    with pytest.raises(ImageError, match="not a CKD image"):
        open_image(blocks, read_only=True)
    with pytest.raises(ImageError, match="expected a raw image of a 3370"):
        open_image(new_image(tmp_path), device_type="3370", read_only=True)


def test_compressed_tracks_are_those_of_the_original(tmp_path: Path) -> None:
    """The records of the golden images, one of them compressed, are the same."""
    packed = open_image(golden("cckd3390", tmp_path), read_only=True)
    plain = open_image(golden("ckd3390", tmp_path), read_only=True)
    assert packed.geometry == plain.geometry
    written = [15, 16, 17, 18, 29, 30]
    assert all(packed.read(number) == plain.read(number) for number in written)
    assert "ORCZ90".encode("cp037") in packed.read(0)
    with pytest.raises(ImageError, match="open read-only"):
        packed.write(15, plain.read(15))
    packed.close()
    plain.close()


def parts(folder: Path, *, highest: tuple[int, ...] = (0, 2, 0)) -> Path:
    """Cut a volume of four cylinders into files of one, two and one."""
    raw = new_image(folder).read_bytes()
    cylinder = VOLUME.heads * VOLUME.track_size
    first = folder / "part_1.img"
    cuts = ((0, 2), (2, 3), (3, 4))
    for number, ((start, end), last) in enumerate(zip(cuts, highest, strict=True), 1):
        header = CkdHeader(
            VOLUME.device_type, VOLUME.heads, VOLUME.track_size, number, last
        )
        at, stop = (HEADER_SIZE + cut * cylinder for cut in (start, end))
        part_path(first, number).write_bytes(header.to_bytes() + raw[at:stop])
    return first


def test_volume_in_several_files(tmp_path: Path) -> None:
    """Tracks are read from and written to the file that has them."""
    first = parts(tmp_path, highest=(1, 2, 0))
    whole = open_image(tmp_path / "disk.img", read_only=True)
    file = open_image(first, read_only=False)
    assert file.geometry == VOLUME
    assert all(file.read(n) == whole.read(n) for n in range(VOLUME.tracks))
    before = [part_path(first, number).read_bytes() for number in (1, 2, 3)]
    file.write(20, filled(20, 0x11))
    assert file.read(20) == filled(20, 0x11)
    file.close()
    whole.close()
    after = [part_path(first, number).read_bytes() for number in (1, 2, 3)]
    end = HEADER_SIZE + VOLUME.track_size
    assert after[1] == before[1][:HEADER_SIZE] + filled(20, 0x11) + before[1][end:]
    assert (after[0], after[2]) == (before[0], before[2])


def test_death_in_another_file_is_undone(tmp_path: Path) -> None:
    """The journal is next to the first file, and covers all files."""
    first = parts(tmp_path, highest=(1, 2, 0))
    write(first, filled(20, 0x11), 20)
    die(first, 20, filled(20, 0x22), call=2, cut=600)
    open_image(first, read_only=False).close()
    assert part_path(first, 2).read_bytes().count(b"\x22" * 100) == 0
    assert read(first, 20) == filled(20, 0x11)


@pytest.mark.parametrize(
    ("highest", "said"),
    [
        ((1, 1, 0), r"file 2 of the volume ends with cylinder 2, expected 1"),
        ((1, 2, 3), r"part_4\.img: No such file"),
        ((2, 2, 0), r"file 1 of the volume ends with cylinder 1, expected 2"),
    ],
)
def test_parts_that_do_not_fit(
    tmp_path: Path, highest: tuple[int, int, int], said: str
) -> None:
    """Headers and sizes of the files must agree."""
    with pytest.raises(ImageError, match=said):
        open_image(parts(tmp_path, highest=highest), read_only=True)


def test_first_file_has_a_number(tmp_path: Path) -> None:
    """Other files are found by the first one's name."""
    first = parts(tmp_path, highest=(1, 2, 0))
    renamed = first.rename(tmp_path / "first.img")
    with pytest.raises(ImageError, match=r"a 1 before its first dot.*'first\.img'"):
        open_image(renamed, read_only=True)


@pytest.mark.parametrize(
    ("name", "number", "other"),
    [
        ("disk_1.img", 2, "disk_2.img"),
        ("disk1", 9, "disk9"),
        ("a.1.b", 2, None),
        ("d1.x.y", 10, "dA.x.y"),
        ("d1.x", 27, "dR.x"),
        ("d1.x", 28, None),
    ],
)
def test_names_of_parts(name: str, number: int, other: str | None) -> None:
    """The last character before the first dot counts 1 to 9, then letters."""
    if other is None:
        with pytest.raises(ImageError, match="expected"):
            part_path(Path(name), number)
    else:
        assert part_path(Path(name), number) == Path(other)


# -- new images ----------------------------------------------------------------------


def test_new_image_replaces_none(tmp_path: Path) -> None:
    """A file that exists stays, unless `replace` is given."""
    path = new_image(tmp_path)
    with pytest.raises(ImageError, match="exists, expected a new file"):
        create_tracks(path, VOLUME, "OTHER1")
    create_tracks(path, VOLUME, "OTHER1", replace=True)
    assert "OTHER1".encode("cp037") in read(path, 0)
    assert list(tmp_path.iterdir()) == [path]


def test_new_image_tells_how_far_it_is(tmp_path: Path) -> None:
    """Progress counts up to the number of tracks."""
    seen: list[int] = []
    create_tracks(tmp_path / "a.img", VOLUME, "TEST01", progress=seen.append)
    assert seen == [0, 10, 20, 30, 40]
