"""`ccw-actors dasd`: what it makes and prints, and its exit status."""

import gzip
import importlib
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ccw_actors.actors.hardware.image import journal_path, open_image
from ccw_actors.cli import app
from ccw_actors.devices import BlockGeometry, Geometry
from ccw_actors.errors import CcwActorsError
from tests.actors.images import die, die_here, filled, new_image
from tests.devices.volumes import DiskOfDatasets, variable_block

IMAGES = Path(__file__).parents[1] / "data" / "images"
COMMAND = [sys.executable, "-m", "ccw_actors", "dasd"]
ENVIRONMENT = {**os.environ, "COLUMNS": "100"}
importlib.import_module("ebcdic")
TEXT = "TEXT [1] {a}".ljust(80)
COLUMNS = ("format", "record", "block", "tracks", "created", "extents")
LISTED = "{}  {:12}  {:6}  {:>6}  {:>6}  {:>6}  {:8}  {}"


def run(*words: str | Path, code: int = 0) -> Result:
    """Run the command in this process; it has to end with this exit code."""
    result = CliRunner().invoke(app, ["dasd", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def lines(*words: str | Path, code: int = 0) -> list[str]:
    """Return the lines that the command prints."""
    return run(*words, code=code).stdout.splitlines()


def complaint(*words: str | Path, code: int = 1) -> str:
    """Return the text of the error with which the command ends."""
    if code == 2:
        return " ".join(run(*words, code=2).stderr.split())
    with pytest.raises(CcwActorsError) as caught:
        run(*words)
    return str(caught.value)


def golden(name: str, folder: Path) -> Path:
    """Unpack a golden image."""
    path = folder / f"{name}.img"
    path.write_bytes(gzip.decompress((IMAGES / f"{name}.img.gz").read_bytes()))
    return path


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Make an image with a sequential and a partitioned dataset."""
    path = tmp_path / "disk.img"
    words = ("--type", "3350", "--volser", "DISK01", "--cylinders", "4")
    run("init", path, *words)
    disk = DiskOfDatasets()
    disk.add("A.TEXT", ((1, 0), (1, 1)))
    disk.put(30, (TEXT + "second".ljust(80)).encode("cp1047"), b"")
    disk.add("A.VARIABLE", ((1, 2), (1, 2)), form=0x50)
    disk.put(32, variable_block((0, b"\x81"), (0, b"")), b"")
    disk.add("A.LIBRARY", ((2, 0), (2, 9)), ((1, 5), (1, 6)), organisation=0x0200)
    entries = "ONE     ".encode("cp037") + bytes((0, 1, 1, 0)) + b"\xff" * 8 + bytes(4)
    block = (2 + len(entries)).to_bytes(2) + entries
    disk.put(60, (b"\xff" * 8, block.ljust(256, b"\0")), b"")
    disk.put(61, "in a member".ljust(80).encode("cp037"), b"")
    file = open_image(path, read_only=False)
    for number, raw in disk.tracks.items():
        file.write(number, raw)
    file.close()
    return path


# -- init ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "geometry"),
    [
        (["--type", "3340-35"], Geometry("3340", 348, 12, 8704)),
        (["--type", "3380-a"], Geometry("3380", 885, 15, 47616)),
        (["--type", "3390", "--cylinders", "7"], Geometry("3390", 7, 15, 56832)),
    ],
)
def test_init_makes_tracks(
    tmp_path: Path, options: list[str], geometry: Geometry
) -> None:
    """A new disk has the cylinders of its model, or those of the option."""
    path = tmp_path / "new.img"
    assert run("init", path, *options, "--volser", "new001").stdout == ""
    file = open_image(path, read_only=True)
    assert file.geometry == geometry
    file.close()
    size = f"volume NEW001, {geometry.device_type}, {geometry.cylinders} cylinders"
    assert lines("ls", path) == [size]


@pytest.mark.parametrize(
    ("options", "blocks"),
    [(["--type", "3370-A2"], 712752), (["--type", "9336", "--blocks", "500"], 500)],
)
def test_init_makes_blocks(tmp_path: Path, options: list[str], blocks: int) -> None:
    """A new disk has the blocks of its model, or those of the option."""
    path, kind = tmp_path / "new.img", options[1][:4]
    run("init", path, *options, "--volser", "new001")
    file = open_image(path, device_type=kind, read_only=True)
    assert file.geometry == BlockGeometry(kind, blocks, 120)
    file.close()
    listed = lines("ls", path, "--type", kind)
    assert listed == [f"volume NEW001, {kind}, {blocks} blocks"]


def test_init_replaces_when_told(tmp_path: Path) -> None:
    """A file that exists is replaced with --force only."""
    path = new_image(tmp_path)
    words = ("init", path, "--type", "3390", "--cylinders", "1", "--volser", "X")
    assert complaint(*words) == f"{path} exists, expected a new file"
    run(*words, "--force")
    assert lines("ls", path) == ["volume X, 3390, 1 cylinders"]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--type", "3390-7", "--volser", "A"], 1, "unknown disk type '3390-7'"),
        (["--type", "3370-7", "--volser", "A"], 1, "unknown device type '3370-7'"),
        (["--type", "3390", "--volser", "A B"], 1, "volume serial 'A B', expected"),
        (
            ["--type", "3390", "--volser", "A", "--blocks", "9"],
            2,
            "--blocks: does not apply to a 3390; expected --cylinders",
        ),
        (
            ["--type", "3370", "--volser", "A", "--cylinders", "9"],
            2,
            "--cylinders: does not apply to a 3370; expected --blocks",
        ),
        (
            ["--type", "3390", "--volser", "A", "--cylinders", "0"],
            2,
            "a whole number from 1 to 65535",
        ),
        (["--type", "3390"], 2, "Missing option '--volser'"),
    ],
)
def test_init_says_what_is_wrong(
    tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    """A mistake is an error, and no file is made."""
    path = tmp_path / "new.img"
    assert said in complaint("init", path, *options, code=code)
    assert list(tmp_path.iterdir()) == []


def test_init_shows_progress_on_a_terminal(tmp_path: Path) -> None:
    """Progress is shown on a terminal, and only there."""
    words = ["--type", "3390", "--cylinders", "300", "--volser", "A"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "init", str(tmp_path / "a.img"), *words],
        stderr=theirs,
        stdout=subprocess.PIPE,
        env={**ENVIRONMENT, "TERM": "xterm"},
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            said += os.read(ours, 4096)
        except OSError:
            break
    os.close(ours)
    assert process.communicate()[0] == b""
    assert process.returncode == 0
    assert b"tracks" in said
    assert b"%" in said
    assert run("init", tmp_path / "b.img", *words).stderr == ""


# -- ls ------------------------------------------------------------------------------


def test_ls_lists_datasets(volume: Path) -> None:
    """A line for each dataset, with its extents, under the names of the columns."""
    assert lines("ls", volume) == [
        "volume DISK01, 3350, 4 cylinders",
        LISTED.format("dataset   ", "organisation", *COLUMNS),
        LISTED.format("A.TEXT    ", "PS", "FB", 80, 800, 2, "2026.045", "1.0-1.1"),
        LISTED.format("A.VARIABLE", "PS", "VB", 80, 800, 1, "2026.045", "1.2-1.2"),
        LISTED.format(
            "A.LIBRARY ", "PO", "FB", 80, 800, 12, "2026.045", "2.0-2.9 1.5-1.6"
        ),
    ]


def test_ls_as_json(volume: Path) -> None:
    """With --json the datasets are an array of objects."""
    (line,) = lines("ls", volume, "--json")
    about = json.loads(line)
    assert (about["volume"], about["type"]) == ("DISK01", "3350")
    assert about["datasets"][2] == {
        "name": "A.LIBRARY",
        "organisation": "PO",
        "record_format": "FB",
        "record_length": 80,
        "block_length": 800,
        "tracks": 12,
        "created": "2026.045",
        "extents": ["2.0-2.9", "1.5-1.6"],
    }


def test_ls_lists_members(volume: Path) -> None:
    """The members of a partitioned dataset are listed."""
    assert lines("ls", volume, "a.library") == ["ONE"]
    assert lines("ls", volume, "a.library", "--json") == ['{"members": ["ONE"]}']


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("a.text", "expected PO"),
        ("b", "no dataset B on the volume, expected one of A."),
    ],
)
def test_ls_of_no_library(volume: Path, dataset: str, said: str) -> None:
    """A dataset without members, and one that does not exist, are refused."""
    assert said in complaint("ls", volume, dataset)


def test_ls_without_a_vtoc(tmp_path: Path) -> None:
    """A volume of dasdinit has a label and no VTOC."""
    assert "no VTOC: the volume label puts it" in complaint(
        "ls", golden("ckd3390", tmp_path)
    )


# -- cat -----------------------------------------------------------------------------


def test_cat_writes_records_as_they_are(volume: Path) -> None:
    """Bytes come out as they are on the disk."""
    written = (TEXT + "second".ljust(80)).encode("cp1047")
    assert run("cat", volume, "a.text").stdout_bytes == written
    assert run("cat", volume, "A.VARIABLE").stdout_bytes == b"\x81"


def test_cat_converts_text(volume: Path) -> None:
    """Each record is a line, without the blanks at its end."""
    assert lines("cat", volume, "A.TEXT", "--text") == [TEXT.rstrip(), "second"]
    assert lines("cat", volume, "A.LIBRARY(ONE)", "--text") == ["in a member"]
    assert lines("cat", volume, "a.variable", "--text") == ["a", ""]


def test_cat_knows_code_pages(volume: Path) -> None:
    """Brackets have other codes in another code page."""
    other = lines("cat", volume, "A.TEXT", "--text", "--encoding", "cp037")
    assert other[0] == TEXT.rstrip().encode("cp1047").decode("cp037")
    assert other[0] != TEXT.rstrip()
    words = ("cat", volume, "A.TEXT", "--text", "--encoding", "cp9")
    assert "unknown code page 'cp9'" in complaint(*words, code=2)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("b.c", "no dataset B.C on the volume, expected one of A.TEXT, A.VARIABLE"),
        ("a.library(two)", "no member TWO, expected one of ONE"),
        ("a.library", "expected PS; name a member of a PO dataset"),
        ("a.text(one)", "expected PO for it to have members"),
        ("a(b", "dataset 'a(b', expected A.B.C or A.B.C(MEMBER)"),
    ],
)
def test_cat_of_nothing(volume: Path, dataset: str, said: str) -> None:
    """For an unknown name the error lists the known ones."""
    assert said in complaint("cat", volume, dataset)


# -- verify and recover --------------------------------------------------------------


@pytest.mark.parametrize("name", ["ckd3390", "ckd3380", "lnx3390", "cckd3390"])
def test_verify_finds_nothing(tmp_path: Path, name: str) -> None:
    """Images that dasdinit wrote have no damage."""
    path = golden(name, tmp_path)
    (line,) = lines("verify", path)
    assert line.startswith(f"{path}: ")
    assert line.endswith(" tracks, nothing is damaged")


def test_verify_of_blocks(tmp_path: Path) -> None:
    """An image of blocks is damaged only if it is not whole blocks."""
    path = golden("fba3370", tmp_path)
    assert lines("verify", path, "--type", "3370")[0].endswith("nothing is damaged")
    path.write_bytes(path.read_bytes()[:-1])
    assert "511 bytes" in complaint("verify", path, "--type", "3370")


def test_verify_says_what_and_where(volume: Path) -> None:
    """A damaged track is a line, and the exit status is 1."""
    raw = bytearray(volume.read_bytes())
    raw[512 + 45 * 19456 + 1] = 9
    volume.write_bytes(raw)
    (line,) = lines("verify", volume, code=1)
    assert line == (
        f"{volume}: track 45 (cylinder 1, head 15): its home address (offset 1) is"
        " cylinder 2305, head 15, expected those of the track"
    )


def test_verify_looks_into_compressed_tracks(tmp_path: Path) -> None:
    """A compressed track that cannot be unpacked is damaged."""
    path = golden("cckd3390", tmp_path)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"\1\0\1\0\0", 2000)
    raw[at + 20 : at + 30] = bytes(10)
    path.write_bytes(raw)
    (line,) = lines("verify", path, code=1)
    assert "track 15 (cylinder 1, head 0)" in line
    assert "cannot be unpacked" in line


def test_recover_undoes_a_write(tmp_path: Path) -> None:
    """`recover` undoes the write of a dead process; other commands read it undone."""
    path = new_image(tmp_path)
    before = path.read_bytes()
    die(path, 7, filled(7, 0x22), call=2, cut=1000)
    torn = path.read_bytes()
    cut = "the last write, to track 7, was cut short; it is"
    for word in ("verify", "ls"):
        found = run(word, path)
        assert found.stderr == f"ccw-actors: {path}: {cut} read as it was before\n"
        assert found.stdout
        assert path.read_bytes() == torn != before
    assert lines("recover", path) == [f"{path}: {cut} undone"]
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before
    assert lines("recover", path) == [f"{path}: there is no journal"]


def test_recover_of_copies(tmp_path: Path) -> None:
    """With --copied, a copy of image and journal is recovered."""
    folder = tmp_path / "copy"
    folder.mkdir()
    path = new_image(tmp_path)
    before = path.read_bytes()
    die_here(path, (7, filled(7, 0x22)), cut=1000)
    copy = folder / path.name
    for file in (path, journal_path(path)):
        shutil.copy(file, folder)
    assert "dasd recover --copied" in complaint("recover", copy)
    assert len(list(folder.iterdir())) == 2
    assert lines("recover", copy, "--copied")[0].endswith("was cut short; it is undone")
    assert list(folder.iterdir()) == [copy]
    assert copy.read_bytes() == before


def test_foreign_journal(tmp_path: Path) -> None:
    """A file that is not a journal, but has its name, is reported; `ls` goes on."""
    path = new_image(tmp_path)
    os.mkfifo(journal_path(path))
    found = run("ls", path)
    assert found.stdout == "volume TEST01, 2311, 4 cylinders\n"
    assert found.stderr == (
        f"ccw-actors: {path}: disk.img.journal is where its journal goes, and is not"
        " one: a FIFO; it is left alone\n"
    )
    assert "and is not one: a FIFO" in complaint("recover", path)


def test_init_of_an_image_in_use(tmp_path: Path) -> None:
    """An image that a machine writes is not replaced."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=False)
    words = ("init", path, "--type", "3390-1", "--volser", "X", "--force")
    assert "in use elsewhere" in complaint(*words)
    file.close()


def test_image_in_use(tmp_path: Path) -> None:
    """An image that another process writes is not read."""
    path = new_image(tmp_path)
    file = open_image(path, read_only=False)
    assert "in use elsewhere" in complaint("ls", path)
    file.close()


def test_missing_file(tmp_path: Path) -> None:
    """A file that does not exist is one line on stderr."""
    path = tmp_path / "none.img"
    done = subprocess.run(
        [*COMMAND, "ls", str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    why = "No such file or directory; expected a disk image"
    assert done.stderr == f"ccw-actors: {path}: {why}\n"
