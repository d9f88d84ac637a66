"""The journal of an image: its owner, and that no other file is written or removed."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import (
    create_tracks,
    journal_path,
    open_image,
    recover_image,
)
from ccw_actors.actors.hardware.image._journal_record import (
    HEADER_SIZE,
    LENGTH_MAX,
    Intent,
    Part,
    Place,
    State,
    header_bytes,
)
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.errors import ImageError
from tests.actors.images import (
    VOLUME,
    Death,
    abandoned,
    contents,
    die,
    die_here,
    filled,
    half_of_the_second,
    new_image,
    read_track,
    write_track,
)

TRACK = 7
OLD, NEW = filled(TRACK, 0x11), filled(TRACK, 0x22)
AT = 512 + TRACK * VOLUME.track_size


@pytest.fixture
def torn(tmp_path: Path) -> Path:
    """An image with half a write in it, and its journal next to it."""
    path = new_image(tmp_path)
    write_track(path, TRACK, OLD)
    die(path, TRACK, NEW, call=2, cut=1500)
    assert path.read_bytes()[AT : AT + 4096] == NEW[:1500] + OLD[1500:]
    return path


def refused(path: Path, said: str) -> None:
    """Expect that a writer is refused, a reader is not, and no file changes."""
    before = contents(path.parent)
    for _ in range(2):
        with pytest.raises(ImageError, match=said):
            open_image(path, read_only=False)
        with pytest.raises(ImageError, match=said):
            recover_image(path)
        file = open_image(path, read_only=True)
        assert file.read(0)
        assert file.notice.endswith("it is left alone")
        file.close()
    assert contents(path.parent) == before


# -- another image -------------------------------------------------------------------


def test_new_image_takes_the_journal_away(torn: Path) -> None:
    """A new image that replaces another also removes its journal."""
    create_tracks(torn, VOLUME, "NEW001", replace=True)
    assert list(torn.parent.iterdir()) == [torn]
    before = torn.read_bytes()
    open_image(torn, read_only=False).close()
    assert torn.read_bytes() == before


def test_backup_put_over_the_image_is_not_changed(tmp_path: Path) -> None:
    """An image restored in place, same name and inode number, stays as it is."""
    path = new_image(tmp_path)
    write_track(path, TRACK, OLD)
    backup = path.read_bytes()
    die(path, TRACK, NEW, call=2, cut=1500)
    path.write_bytes(backup)
    assert read_track(path, TRACK) == OLD
    open_image(path, read_only=False).close()
    assert contents(tmp_path) == {path.name: backup}


def test_older_backup_put_over_the_image_is_not_changed(tmp_path: Path) -> None:
    """An older backup also stays, even if a track in it looks cut short."""
    path = new_image(tmp_path)
    write_track(path, TRACK, NEW[:1536] + OLD[1536:])
    backup = path.read_bytes()
    write_track(path, TRACK, OLD)
    die_here(path, (TRACK + 1, filled(TRACK + 1, 0x33)), (TRACK, NEW), cut=1500)
    assert read_track(path, TRACK) == OLD
    path.write_bytes(backup)
    refused(path, "another generation of the image: track 7 is to be put back")


def test_other_image_of_that_name_is_not_changed(torn: Path) -> None:
    """An image that has replaced the torn one stays as it is."""
    other = torn.with_name("other.img")
    create_tracks(other, VOLUME, "OTHER1")
    write_track(other, TRACK, torn.read_bytes()[AT : AT + 4096])
    other.rename(torn)
    refused(torn, r"disk\.img\.journal is the journal of another image: of file")


def test_image_of_another_size_is_not_changed(torn: Path) -> None:
    """A truncated or grown image is another image."""
    cylinder = VOLUME.heads * VOLUME.track_size
    for size in (-cylinder, 2 * cylinder):
        os.truncate(torn, torn.stat().st_size + size)
        refused(torn, "is the journal of another image")


def test_image_of_more_files_is_not_changed(tmp_path: Path) -> None:
    """The journal of a volume in several files does not fit one in a single file."""
    path = new_image(tmp_path)
    found = path.stat()
    two = [Part(found.st_ino, found.st_size), Part(1, 2)]
    journal_path(path).write_bytes(header_bytes(two))
    refused(path, "which has 2 files, and this one has 1")


def test_moved_together(torn: Path) -> None:
    """An image that is moved with its journal is still the same."""
    moved = torn.with_name("moved.img")
    journal_path(torn).rename(journal_path(moved))
    torn.rename(moved)
    assert read_track(moved, TRACK) == OLD
    write_track(moved, TRACK + 1, filled(TRACK + 1, 0x33))
    assert read_track(moved, TRACK) == OLD
    assert list(moved.parent.iterdir()) == [moved]


def test_copied_together(torn: Path) -> None:
    """Copies of both are refused unless `copied` says so."""
    folder = torn.parent / "copy"
    folder.mkdir()
    copy = folder / torn.name
    for file in (torn, journal_path(torn)):
        shutil.copy(file, folder)
    refused(copy, "journal of another image.*if image and journal are copies.*--copied")
    assert "track 7, was cut short; it is undone" in recover_image(copy, copied=True)
    assert contents(folder) == {copy.name: copy.read_bytes()}
    assert read_track(copy, TRACK) == OLD


@pytest.mark.parametrize("size", [0, 1])
def test_no_copy(torn: Path, size: int) -> None:
    """With `copied`, other tracks or another size are refused nevertheless."""
    other = torn.with_name("other.img")
    create_tracks(other, ckd_volume(ckd_type("2311")[0], 4 + size), "OTHER1")
    journal_path(torn).rename(journal_path(other))
    write_unjournaled(other, TRACK, filled(TRACK, 0x44))
    before = contents(torn.parent)
    with pytest.raises(ImageError, match=r"journal of a(nother image| copy)"):
        recover_image(other, copied=True)
    assert contents(torn.parent) == before


def write_unjournaled(path: Path, track: int, data: bytes) -> None:
    """Write a track without a journal, as another program does."""
    with path.open("r+b") as file:
        file.seek(512 + track * VOLUME.track_size)
        file.write(data)


def test_later_image_of_that_name_keeps_its_journal(tmp_path: Path) -> None:
    """Closing an image removes its own journal, not a later one of that name."""
    path = new_image(tmp_path)
    first = open_image(path, read_only=False)
    first.write(TRACK, OLD)
    path.rename(tmp_path / "moved.img")
    create_tracks(tmp_path / "new.img", VOLUME, "NEW001")
    (tmp_path / "new.img").rename(path)
    refused(path, "is the journal of another image")
    journal_path(path).unlink()
    second = open_image(path, read_only=False)
    theirs = journal_path(path).stat().st_ino
    first.close()
    assert journal_path(path).stat().st_ino == theirs
    second.close()
    assert sorted(contents(tmp_path)) == ["disk.img", "moved.img"]


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_image_that_is_gone_is_not_written(tmp_path: Path, how: str) -> None:
    """A write to an image that was removed is not answered as written."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=False)
    file.write(TRACK, OLD)
    if how == "replaced":
        create_tracks(tmp_path / "other.img", VOLUME, "OTHER1")
        (tmp_path / "other.img").rename(path)
    else:
        path.unlink()
    before = path.exists() and path.read_bytes()
    with pytest.raises(ImageError, match="was removed, or another took its place"):
        file.write(TRACK, NEW)
    assert file.read(TRACK) == OLD
    file.close()
    assert (path.exists() and path.read_bytes()) == before
    assert not journal_path(path).exists()


def test_image_that_is_moved_is_written(tmp_path: Path) -> None:
    """An image that gets another name or folder while open is still the same."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = new_image(folder)
    file = open_image(path, read_only=False)
    folder = folder.rename(tmp_path / "renamed")
    file.write(TRACK, NEW)
    file.close()
    write_track(folder / path.name, TRACK + 1, filled(TRACK + 1, 0x33))
    assert read_track(folder / path.name, TRACK) == NEW
    assert list(folder.iterdir()) == [folder / path.name]


def test_journal_that_is_removed_is_made_again(tmp_path: Path) -> None:
    """No write begins without a journal; if it cannot be created, none begins."""
    path = new_image(tmp_path)
    journal = journal_path(path)
    with abandoned(), pytest.MonkeyPatch.context() as patch:
        file = open_image(path, read_only=False)
        file.write(TRACK, OLD)
        journal.unlink()
        journal.write_text("my diary")
        with pytest.raises(FileExistsError):
            file.write(TRACK, NEW)
        assert file.read(TRACK) == OLD
        assert journal.read_text() == "my diary"
        journal.unlink()
        file.write(TRACK + 1, filled(TRACK + 1, 0x33))
        patch.setattr(os, "pwrite", half_of_the_second(os.pwrite))
        with pytest.raises(Death):
            file.write(TRACK, NEW)
    assert NEW[:1500] in path.read_bytes()
    assert "track 7, was cut short; it is undone" in recover_image(path)
    assert read_track(path, TRACK) == OLD
    assert list(tmp_path.iterdir()) == [path]


# -- hard links ----------------------------------------------------------------------


def test_image_with_two_names_is_not_written(tmp_path: Path) -> None:
    """The other name would not lead to its journal."""
    path = new_image(tmp_path)
    other = tmp_path / "other.img"
    other.hardlink_to(path)
    for name in (path, other):
        with pytest.raises(ImageError, match=r"2 names \(hard links\), expected one"):
            open_image(name, read_only=False)
        file = open_image(name, read_only=True)
        assert "2 names" in file.notice
        file.close()
    other.unlink()
    write_track(path, TRACK, NEW)
    assert list(tmp_path.iterdir()) == [path]


def test_torn_image_that_gets_another_name(torn: Path) -> None:
    """The name with the journal undoes the write; the other cannot be written."""
    other = torn.with_name("other.img")
    other.hardlink_to(torn)
    with pytest.raises(ImageError, match="2 names"):
        open_image(other, read_only=False)
    assert "it is undone" in recover_image(torn)
    assert read_track(other, TRACK) == OLD


# -- what is no journal --------------------------------------------------------------


def _link_to_a_file(path: Path) -> None:
    (path.parent / "precious").write_text("precious")
    path.symlink_to("precious")


def _link_to_a_journal(path: Path) -> None:
    image = path.with_name("disk.img").stat()
    real = path.with_name("real")
    real.write_bytes(header_bytes([Part(image.st_ino, image.st_size)]))
    path.symlink_to(real)


def _link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def _diary(path: Path) -> None:
    path.write_text("my diary")


def _earlier_version(path: Path) -> None:
    path.write_bytes(b"CCWJRNL1" * 99)


def _damaged_header(path: Path) -> None:
    path.write_bytes(b"CCWJRNL2" * 99)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_link_to_a_file, "a symbolic link"),
        (_link_to_nothing, "a symbolic link"),
        (_link_to_a_journal, "a symbolic link"),
        (Path.mkdir, "a folder"),
        (os.mkfifo, "a FIFO"),
        (_socket, "a socket"),
        (Path.touch, "no journal of this version"),
        (_diary, "no journal of this version"),
        (_earlier_version, "no journal of this version"),
        (_damaged_header, "no journal of this version"),
    ],
)
def test_what_is_no_journal_stays(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    """A file with the journal's name is neither followed, written nor removed."""
    path = new_image(tmp_path)
    make(journal_path(path))
    refused(path, rf"disk\.img\.journal is where its journal goes, .*: {said}")


@pytest.mark.parametrize("replace", [False, True])
def test_init_leaves_what_is_no_journal(tmp_path: Path, *, replace: bool) -> None:
    """A new image does not replace such a file either."""
    path = new_image(tmp_path) if replace else tmp_path / "disk.img"
    journal_path(path).write_text("my diary")
    before = contents(tmp_path)
    with pytest.raises(ImageError, match=r"disk\.img\.journal is where its journal"):
        create_tracks(path, VOLUME, "NEW001", replace=replace)
    assert contents(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_journal_of_another_user_is_refused(torn: Path) -> None:
    """The journal must belong to the owner of the image or the user who opens it."""
    os.chown(journal_path(torn), 4321, -1)
    refused(torn, "a file of user 4321")
    os.chown(torn, 4321, -1)
    write_track(torn, TRACK + 1, filled(TRACK + 1, 0x33))
    assert read_track(torn, TRACK) == OLD


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_journal_belongs_to_the_owner_of_the_image(tmp_path: Path) -> None:
    """Root gives the journal to the image's owner, who can then undo the write."""
    path = new_image(tmp_path)
    os.chown(path, 4321, 8765)
    file = open_image(path, read_only=False)
    found = journal_path(path).stat()
    file.close()
    assert (found.st_uid, found.st_gid) == (4321, 8765)


def test_recovery_is_on_the_disk_before_the_journal_goes(
    torn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power failure in a recovery the image can be recovered."""
    steps: list[str] = []
    fdatasync, unlink = os.fdatasync, os.unlink

    def noted_sync(fd: int) -> None:
        fdatasync(fd)
        steps.append(f"sync {Path(f'/proc/self/fd/{fd}').readlink().name}")

    def noted_unlink(path: Path) -> None:
        unlink(path)
        steps.append(f"unlink {path.name}")

    monkeypatch.setattr(os, "fdatasync", noted_sync)
    monkeypatch.setattr(os, "unlink", noted_unlink)
    recover_image(torn)
    assert steps == ["sync disk.img", "unlink disk.img.journal"]


# -- what is found at the place ------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (OLD, State.NOTHING),
        (NEW, State.DONE),
        (NEW[:40] + OLD[40:], State.CUT_SHORT),
        (NEW[:1536] + OLD[1536:], State.CUT_SHORT),
        (OLD[:512] + NEW[512:1024] + OLD[1024:2048] + NEW[2048:], State.CUT_SHORT),
        (OLD[:700] + NEW[700:1500] + OLD[1500:], State.CUT_SHORT),
        (OLD[:700] + NEW[700:800] + OLD[800:], State.CUT_SHORT),
        (NEW[:1500] + b"\x77" + OLD[1501:], State.VOID),
        (OLD[:-9] + b"\x77" * 9, State.VOID),
        (bytes(4096), State.VOID),
        (OLD[:4000], State.VOID),
        (b"", State.VOID),
        (
            b"".join(
                OLD[at : at + 99] + NEW[at + 99 : at + 512] for at in (0, 512, 1024)
            )
            + OLD[1536:],
            State.VOID,
        ),
    ],
    ids=range(13),
)
def test_how_far_a_write_came(found: bytes, state: State) -> None:
    """Sectors are old or new, except two at most that are part of each."""
    intent = Intent(Place(0, AT, 4096), OLD, NEW)
    failed = Intent(Place(0, AT, 4096), OLD, NEW, failed=True)
    assert intent.state(found) == state
    assert failed.state(found) == (State.CUT_SHORT if found == NEW else state)


# -- forged, damaged -----------------------------------------------------------------


def forge(path: Path, place: Place, old: bytes, new: bytes) -> None:
    """Put a complete journal with wrong contents next to an image."""
    found = path.stat()
    header = header_bytes([Part(found.st_ino, found.st_size)])
    record, _ = Intent(place, old, new).packed(header)
    journal_path(path).write_bytes(header + record)


@pytest.mark.parametrize(
    "place",
    [
        Place(0, 1 << 63, 4096),
        Place(0, (1 << 64) - 1, 4096),
        Place(0, AT + (1 << 40), 4096),
        Place(7, AT, 4096),
        Place((1 << 32) - 1, AT, 4096),
        Place(0, 0, 512),
        Place(0, AT + 1, 4096),
        Place(0, AT, 4095),
        Place(0, AT, 8192),
        Place(0, AT, 0),
    ],
)
def test_record_of_no_track_is_refused(tmp_path: Path, place: Place) -> None:
    """A complete record must name exactly one track."""
    path = new_image(tmp_path)
    content = path.read_bytes()[AT : AT + place.length]
    forge(path, place, content[:-9] + b"x" * len(content[-9:]), content)
    refused(path, "names no track of the image")


@pytest.mark.parametrize("length", [LENGTH_MAX + 1, (1 << 32) - 1])
def test_record_that_claims_too_much_means_nothing(tmp_path: Path, length: int) -> None:
    """An absurd length allocates nothing, and an incomplete record does not count."""
    path = new_image(tmp_path)
    before = path.read_bytes()
    forge(path, Place(0, AT, length), b"a" * 10, b"b" * 10)
    open_image(path, read_only=False).close()
    assert contents(tmp_path) == {path.name: before}


def test_record_of_another_journal_means_nothing(torn: Path) -> None:
    """A record counts only behind the header for which it was written."""
    other = Part(torn.stat().st_ino, torn.stat().st_size)
    raw = journal_path(torn).read_bytes()
    before = torn.read_bytes()
    theirs = header_bytes([other, other])
    journal_path(torn).write_bytes(raw[:HEADER_SIZE])
    whole = Intent.from_bytes(raw[HEADER_SIZE:], raw[:HEADER_SIZE])
    assert whole is not None
    record, _ = whole.packed(theirs)
    journal_path(torn).write_bytes(raw[:HEADER_SIZE] + record)
    open_image(torn, read_only=False).close()
    assert torn.read_bytes() == before


def test_huge_journal_is_not_read_whole(tmp_path: Path) -> None:
    """Eight gigabytes at the journal's name are refused like any other file."""
    path = new_image(tmp_path)
    journal_path(path).touch()
    os.truncate(journal_path(path), 8 << 30)
    with pytest.raises(ImageError, match="no journal of this version"):
        open_image(path, read_only=False)
    assert journal_path(path).stat().st_size == 8 << 30


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_image_that_is_no_file(tmp_path: Path, kind: str) -> None:
    """An image that is not a file is refused without waiting."""
    path = tmp_path / "disk.img"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero")
    for read_only in (True, False):
        with pytest.raises(ImageError, match=r"expected a file|Is a directory"):
            open_image(path, read_only=read_only)
    with pytest.raises(ImageError, match=r"expected a file|Is a directory"):
        create_tracks(path, VOLUME, "NEW001", replace=True)
