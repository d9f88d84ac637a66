"""New images: which files they replace, and what is left of an unfinished one."""

import fcntl
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_blocks, create_tracks, open_image
from ccw_actors.actors.hardware.image._new_file import new_file
from ccw_actors.devices import Geometry
from ccw_actors.errors import ImageError
from tests.actors.images import (
    VOLUME,
    contents,
    die_here,
    filled,
    new_image,
    read_track,
    write_track,
)

TRACK = 7
OLD, NEW = filled(TRACK, 0x11), filled(TRACK, 0x22)
CALLS = ("open", "pwrite", "ftruncate", "fsync", "link", "rename", "replace", "unlink")

MAKER = """
    import os, signal, sys
    from pathlib import Path
    from ccw_actors.actors.hardware.image import create_tracks
    from ccw_actors.devices.ckd_types import ckd_type, ckd_volume

    last, replace = int(sys.argv[2]), sys.argv[3] == "replace"
    calls = 0

    def killing(call):
        def kill_or_call(*words, **options):
            global calls
            calls += 1
            if calls == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*words, **options)
        return kill_or_call

    for name in sys.argv[4:]:
        setattr(os, name, killing(getattr(os, name)))
    create_tracks(Path(sys.argv[1]), ckd_volume(ckd_type("2311")[0], 1), "KILLED",
                  replace=replace)
    print("done")
"""


def make(path: Path, last: int, *, replace: bool) -> bool:
    """Let a process make an image, and kill itself at a call; return if it was done."""
    words = [sys.executable, "-c", textwrap.dedent(MAKER), str(path), str(last)]
    words += ["replace" if replace else "new", *CALLS]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode in {0, -9}, done.stderr
    return done.returncode == 0


# -- in use --------------------------------------------------------------------------


@pytest.mark.parametrize("read_only", [False, True])
def test_image_in_use_is_not_replaced(tmp_path: Path, *, read_only: bool) -> None:
    """An image that is open stays, and its writes go on."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=read_only)
    before = contents(tmp_path)
    with pytest.raises(ImageError, match="in use elsewhere, expected no reader"):
        create_tracks(path, VOLUME, "NEW001", replace=True)
    with pytest.raises(ImageError, match="in use elsewhere, expected no reader"):
        create_blocks(path, "3370", 100, "NEW001", replace=True)
    assert contents(tmp_path) == before
    if not read_only:
        file.write(TRACK, NEW)
    file.close()
    assert read_track(path, TRACK) == NEW or read_only


def test_image_behind_a_link_is_replaced(tmp_path: Path) -> None:
    """The link stays, and leads to the new image, which is in use by either name."""
    path = new_image(tmp_path)
    link = tmp_path / "link.img"
    link.symlink_to(path.name)
    file = open_image(path, read_only=False)
    with pytest.raises(ImageError, match="in use elsewhere"):
        create_tracks(link, VOLUME, "NEW001", replace=True)
    file.close()
    create_tracks(link, VOLUME, "NEW001", replace=True)
    assert link.is_symlink()
    assert "NEW001".encode("cp037") in read_track(path, 0)


def test_who_waited_for_the_lock_gets_the_new_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image replaced between opening and locking is opened again."""
    path = new_image(tmp_path)
    flock, calls = fcntl.flock, 0

    def replace_and_lock(fd: int, kind: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            monkeypatch.undo()
            create_tracks(path, VOLUME, "NEW001", replace=True)
        flock(fd, kind)

    monkeypatch.setattr(fcntl, "flock", replace_and_lock)
    file = open_image(path, read_only=False)
    file.write(TRACK, NEW)
    file.close()
    assert calls == 1
    assert "NEW001".encode("cp037") in read_track(path, 0)
    assert read_track(path, TRACK) == NEW


# -- not finished --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("replace", [False, True])
def test_init_killed_at_any_call(tmp_path: Path, *, replace: bool) -> None:
    """There is no image, the old one, or a complete one; leftovers go next time."""
    path = tmp_path / "disk.img"
    last, done = 0, False
    while not done:
        last += 1
        if replace:
            path.unlink(missing_ok=True)
            create_tracks(path, VOLUME, "BEFORE")
            die_here(path, (TRACK, NEW), cut=1000)
        done = make(path, last, replace=replace)
        if path.exists():
            label = read_track(path, 0)
            serials = [b"KILLED", b"BEFORE"] if replace else [b"KILLED"]
            assert any(one.decode().encode("cp037") in label for one in serials)
        left = len(contents(tmp_path))
        assert left <= 2 + replace
        if path.exists() and not replace:
            path.unlink()
        journal = path.with_name(path.name + ".journal")
        if journal.exists() and "KILLED".encode("cp037") in read_track(path, 0):
            journal.unlink()  # that of the replaced image
        create_tracks(path, VOLUME, "NEW001", replace=replace)
        assert list(tmp_path.iterdir()) == [path]
        if not replace:
            path.unlink()
    assert last > 15


@pytest.mark.parametrize("last", [4, 14])
def test_init_killed(tmp_path: Path, last: int) -> None:
    """A killed maker leaves no image, and the next maker removes its file."""
    path = tmp_path / "disk.img"
    assert not make(path, last, replace=False)
    assert list(contents(tmp_path)) == [".disk.img.ccw-actors-new"]
    create_tracks(path, VOLUME, "NEW001")
    assert list(tmp_path.iterdir()) == [path]


def test_image_that_is_being_made(tmp_path: Path) -> None:
    """The unfinished file of a living maker is not removed."""
    path = tmp_path / "disk.img"

    def second(_done: int) -> None:
        with pytest.raises(ImageError, match="is being made by another process"):
            create_tracks(path, VOLUME, "SECOND")

    create_tracks(path, VOLUME, "FIRST1", progress=second)
    assert list(tmp_path.iterdir()) == [path]
    assert "FIRST1".encode("cp037") in read_track(path, 0)


def test_unfinished_file_that_was_named(tmp_path: Path) -> None:
    """If the maker was killed after the naming, only the temporary name goes."""
    path = new_image(tmp_path)
    (tmp_path / ".disk.img.ccw-actors-new").hardlink_to(path)
    create_tracks(path, VOLUME, "NEW001", replace=True)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_unfinished_file_stays(tmp_path: Path, kind: str) -> None:
    """A folder or a link with the temporary name is refused."""
    made = tmp_path / ".disk.img.ccw-actors-new"
    if kind == "folder":
        made.mkdir()
    else:
        made.symlink_to("precious")
        (tmp_path / "precious").write_text("precious")
    before = contents(tmp_path)
    with pytest.raises(ImageError, match="in the way, expected no file of that name"):
        create_tracks(tmp_path / "disk.img", VOLUME, "NEW001")
    assert contents(tmp_path) == before


def test_file_system_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without hard links the file is renamed, and never over another one."""

    def link(_source: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    path = new_image(tmp_path)
    write_track(path, TRACK, OLD)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileExistsError), new_file(path, mode=0o600):
        pass
    assert read_track(path, TRACK) == OLD
    assert list(tmp_path.iterdir()) == [path]


# -- holes ---------------------------------------------------------------------------


def test_track_never_written_takes_one_block(tmp_path: Path) -> None:
    """The host keeps a block for each track of a new image, and holes for the rest."""
    path = tmp_path / "big.img"
    volume = Geometry("3390", 20, 15, 56832)
    create_tracks(path, volume, "HOLES1")
    found = path.stat()
    block = os.statvfs(path).f_frsize
    written = 16 * volume.track_size  # cylinder 0 has the label and the VTOC
    assert found.st_size == 512 + volume.tracks * volume.track_size
    assert found.st_blocks * 512 <= (volume.tracks + 2) * block + written
