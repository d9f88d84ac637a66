"""The host's disk is full, or fails: failed writes are undone, and reads go on."""

import errno
import itertools
import os
import subprocess
import sys
import textwrap
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccw_actors.actors.hardware.image import (
    ImageFile,
    create_tracks,
    journal_path,
    open_image,
    recover_image,
)
from ccw_actors.cli import app
from ccw_actors.devices import Geometry
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.errors import ImageError
from tests.actors.images import (
    abandoned,
    contents,
    die_here,
    filled,
    new_image,
    read_track,
    write_track,
)

BIG = ckd_volume(ckd_type("3390")[0], 4)
TRACK = 7


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """Mount a file system of 700 KB."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def full_track(number: int, content: int, volume: Geometry = BIG) -> bytes:
    """Make a track without holes on the disk."""
    start = filled(number, content, volume)
    return start[:3000].ljust(volume.track_size, bytes([content]))


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Fill a file system except for some bytes."""
    path = folder / "fill"
    with path.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                break
    os.truncate(path, path.stat().st_size - leave)
    return path


def write_until_full(file: ImageFile) -> int:
    """Write tracks until one fails; return its number."""
    for number in range(15, BIG.tracks):
        try:
            file.write(number, full_track(number, 0x22))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return number
    raise AssertionError("the disk is larger than the image")


@pytest.mark.parametrize("end", ["closed", "dead"])
def test_write_that_fills_the_disk(small_disk: Path, end: str) -> None:
    """The write is undone permanently; reads and later writes go on."""
    path = small_disk / "disk.img"
    create_tracks(path, BIG, "FULL01")
    old = [read_track(path, number) for number in range(BIG.tracks)]
    fill(small_disk, leave=4096 * 70)
    with abandoned():
        file = open_image(path, read_only=False)
        failed = write_until_full(file)
        assert failed > 16
        new = [full_track(number, 0x22) for number in range(15, failed)]
        wanted = old[:15] + new + old[failed:]
        assert [file.read(number) for number in range(BIG.tracks)] == wanted
        with pytest.raises(OSError, match="No space left"):
            file.write(failed + 1, full_track(failed + 1, 0x22))
        file.write(16, full_track(16, 0x33))
        wanted[16] = full_track(16, 0x33)
        if end == "closed":
            file.close()
    for words in (["ls"], ["recover"], ["ls"]):
        assert CliRunner().invoke(app, ["dasd", *words, str(path)]).exit_code == 0
    (small_disk / "fill").unlink()
    open_image(path, read_only=False).close()
    assert [read_track(path, number) for number in range(BIG.tracks)] == wanted
    assert list(small_disk.iterdir()) == [path]


def test_recovery_takes_no_space(small_disk: Path) -> None:
    """A write cut short in a hole of the image is undone on a full disk."""
    path = small_disk / "disk.img"
    create_tracks(path, BIG, "FULL01")
    old = read_track(path, 20)
    die_here(path, (20, full_track(20, 0x22)), cut=20_000)
    fill(small_disk)
    assert read_track(path, 20) == old
    assert "track 20, was cut short; it is undone" in recover_image(path)
    assert not journal_path(path).exists()
    assert read_track(path, 20) == old


def test_no_space_for_a_journal(small_disk: Path) -> None:
    """An image without space for its journal is not opened for writing."""
    path = small_disk / "disk.img"
    create_tracks(path, BIG, "FULL01")
    fill(small_disk, leave=8192)
    before = contents(small_disk)
    with pytest.raises(ImageError, match=r"disk\.img\.journal: No space left"):
        open_image(path, read_only=False)
    assert contents(small_disk) == before
    assert read_track(path, 20)


@pytest.mark.parametrize("replace", [False, True])
def test_no_space_for_a_new_image(small_disk: Path, *, replace: bool) -> None:
    """A failed new image leaves nothing, and the image to be replaced stays."""
    path = small_disk / "disk.img"
    if replace:
        create_tracks(path, BIG, "FULL01")
    fill(small_disk, leave=8192)
    before = contents(small_disk)
    with pytest.raises(ImageError, match="No space left"):
        create_tracks(path, BIG, "FULL02", replace=replace)
    assert contents(small_disk) == before


LIMITED = """
    import resource, sys
    from pathlib import Path
    from ccw_actors.actors.hardware.image import open_image

    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    file = open_image(Path(sys.argv[1]), read_only=False)
    data = sys.stdin.buffer.read()
    try:
        file.write(50, data)
    except OSError as error:
        print(error.strerror)
    print(file.read(50) == data, len(file.read(59)))
    file.close()
"""


@pytest.mark.parametrize("part", [0, 100, 20_000])
def test_limit_of_a_file_size(tmp_path: Path, part: int) -> None:
    """A write that the process may only begin is undone."""
    path = tmp_path / "disk.img"
    create_tracks(path, BIG, "FULL01")
    before = path.read_bytes()
    limit = str(512 + 50 * BIG.track_size + part)
    words = [sys.executable, "-c", textwrap.dedent(LIMITED), str(path), limit]
    done = subprocess.run(
        words, input=full_track(50, 0x22), check=True, capture_output=True
    )
    assert done.stdout.decode().split("\n") == ["File too large", "False 56832", ""]
    assert contents(tmp_path) == {path.name: before}


# -- at every call -------------------------------------------------------------------

OLD, NEW, OTHER = filled(TRACK, 0x11), filled(TRACK, 0x22), filled(TRACK + 1, 0x33)
WRITTEN = {TRACK: NEW, TRACK + 1: OTHER}


class Faults:
    """Makes calls on files fail: the one with this number, or all from it on.

    A write that fails has `part` of its bytes written.
    """

    def __init__(self, number: int, *, lasting: bool, part: int) -> None:
        self._number, self._lasting, self._part = number, lasting, part
        self._pwrite, self._fdatasync = os.pwrite, os.fdatasync
        self.calls = 0

    def _fails(self) -> bool:
        self.calls += 1
        late = self._lasting and self.calls > self._number
        return late or self.calls == self._number

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """Write, or fail in the middle."""
        if not self._fails():
            return self._pwrite(fd, data, offset)
        if self.calls == self._number:
            self._pwrite(fd, bytes(data)[: self._part], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fdatasync(self, fd: int) -> None:
        """Sync, or fail."""
        if self._fails():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fdatasync(fd)

    @contextmanager
    def happening(self) -> Generator[None]:
        """Make the calls fail in the block."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pwrite", self.pwrite)
            patch.setattr(os, "fdatasync", self.fdatasync)
            yield


def told_by(file: ImageFile) -> dict[int, bytes]:
    """Write two tracks; return the data that the answers promise, and the data read."""
    wanted: dict[int, bytes] = {}
    for track, data in WRITTEN.items():
        wanted[track] = data if written_as_told(file, track, data) else OLD
        assert file.read(track) == wanted[track]
    return wanted


def assert_as_told(path: Path, wanted: dict[int, bytes], *, may_stay: bool) -> None:
    """Assert that tracks are as answered, or, where allowed, written nevertheless."""
    for track, data in wanted.items():
        found = read_track(path, track)
        if found != data:
            assert may_stay
            assert found == WRITTEN[track]


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("end", ["closed", "dead"])
@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("part", [0, 100, 1024, 4096])
def test_answer_is_true_whatever_fails(
    tmp_path: Path, end: str, part: int, *, sync: bool, lasting: bool
) -> None:
    """Whichever call fails, exactly the answered tracks are there.

    One case is left: all calls fail from the one on that was to bring a whole track to
    the disk. Nothing can then be recorded, and if the process dies, the track stays.
    """
    path = new_image(tmp_path)
    write_track(path, TRACK, OLD)
    failures = 0
    for number in itertools.count(1):
        for track in WRITTEN:
            write_track(path, track, OLD)
        faults = Faults(number, lasting=lasting, part=part)
        with abandoned():
            file = open_image(path, read_only=False, sync=sync)
            with faults.happening():
                wanted = told_by(file)
                if end == "closed":
                    file.close()
                reached = faults.calls >= number
        failures += wanted[TRACK] == OLD
        assert_as_told(path, wanted, may_stay=lasting and (sync or part == 4096))
        open_image(path, read_only=False).close()
        assert list(tmp_path.iterdir()) == [path]
        if not reached:
            break
    assert failures > (2 if sync else 1)


def written_as_told(file: ImageFile, track: int, data: bytes) -> bool:
    """Write a track and return the answer."""
    try:
        file.write(track, data)
    except OSError:
        return False
    return True


def has_name(fd: int, name: str) -> bool:
    """Whether an open file has this name."""
    return Path(f"/proc/self/fd/{fd}").readlink().name == name


def test_whole_write_that_failed_is_undone_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complete write that was answered as failed is undone by the journal."""
    path = new_image(tmp_path)
    write_track(path, TRACK, OLD)
    pwrite, fdatasync, written = os.pwrite, os.fdatasync, list[int]()

    def write_once(fd: int, data: bytes, offset: int) -> int:
        if has_name(fd, path.name):
            written.append(offset)
            if len(written) > 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pwrite(fd, data, offset)

    def sync(fd: int) -> None:
        if has_name(fd, path.name):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fdatasync(fd)

    with abandoned(), monkeypatch.context() as patch:
        file = open_image(path, read_only=False, sync=True)
        patch.setattr(os, "pwrite", write_once)
        patch.setattr(os, "fdatasync", sync)
        assert not written_as_told(file, TRACK, NEW)
    assert len(written) == 2
    assert NEW in path.read_bytes()
    assert read_track(path, TRACK) == OLD
    assert "track 7, failed; it is undone" in recover_image(path)
    assert OLD in path.read_bytes()


def test_same_write_by_another_program_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a failed write has been put back, the journal has no write."""
    path = new_image(tmp_path)
    write_track(path, TRACK, OLD)
    with abandoned(), monkeypatch.context() as patch:
        file = open_image(path, read_only=False)
        patch.setattr(os, "pwrite", Faults(2, lasting=False, part=99).pwrite)
        assert not written_as_told(file, TRACK, NEW)
    raw = path.read_bytes()
    at = raw.index(OLD)
    path.write_bytes(raw[:at] + NEW + raw[at + len(NEW) :])
    open_image(path, read_only=False).close()
    assert read_track(path, TRACK) == NEW


def test_failed_write_is_no_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A track is put back even if a write between two writes to it has failed."""
    path = new_image(tmp_path)
    with abandoned(), monkeypatch.context() as patch:
        file = open_image(path, read_only=False)
        file.write(TRACK, OLD)
        patch.setattr(os, "pwrite", Faults(2, lasting=False, part=99).pwrite)
        assert not written_as_told(file, TRACK + 1, OTHER)
        patch.setattr(os, "pwrite", Faults(2, lasting=True, part=1500).pwrite)
        assert not written_as_told(file, TRACK, NEW)
    assert NEW[:1500] in path.read_bytes()
    assert "track 7, was cut short; it is undone" in recover_image(path)
    assert read_track(path, TRACK) == OLD


def test_same_content_is_synced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unchanged content may not be on the disk yet, so it is synced."""
    path = new_image(tmp_path)
    write_track(path, TRACK, OLD)
    file = open_image(path, read_only=False, sync=True)
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    file.write(TRACK, OLD)
    monkeypatch.undo()
    file.close()
    assert len(synced) == 1
