"""Damaged images and journals: commands end in one line, and change nothing else."""

import gzip
import sys
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image._journal_record import (
    HEADER_SIZE,
    Intent,
    Part,
    Place,
    Written,
    digest,
    header_bytes,
)
from ccw_actors.devices import CkdHeader
from tests.actors.images import VOLUME, filled, new_image
from tests.devices.volumes import DiskOfDatasets
from tests.mutation import Command, Files, Kind, mutants, survive

IMAGES = Path(__file__).parents[1] / "data" / "images"
TRACK = 7
AT = 512 + TRACK * VOLUME.track_size
OLD, NEW = filled(TRACK, 0x11), filled(TRACK, 0x22)
TORN = NEW[:1500] + OLD[1500:]
JOURNAL = "disk.img.journal"
DIARY = {"diary": b"my diary"}


def golden(name: str) -> bytes:
    """Unpack a golden image."""
    return gzip.decompress((IMAGES / f"{name}.img.gz").read_bytes())


def looks(*more: str) -> tuple[Command, ...]:
    """Return commands that read an image."""
    words = [("ls",), ("ls", "--json"), ("verify",)]
    words += [("ls", "P"), ("cat", "A.B"), ("cat", "A.B", "--text"), ("cat", "P(ONE)")]
    return tuple(
        Command(("dasd", *(name, "disk.img", *rest), *more))
        for name, *rest in words
        if not more or name != "cat"
    )


# -- images --------------------------------------------------------------------------


def datasets() -> Kind:
    """Make an image with datasets in it."""
    disk = DiskOfDatasets()
    disk.add("A.B", ((1, 0), (1, 4)))
    disk.put(30, b"1" * 800, b"2" * 80, b"")
    disk.add("P", ((2, 0), (2, 4)), organisation=0x0200)
    entry = "ONE     ".encode("cp037") + bytes((0, 0, 2, 0)) + b"\xff" * 8 + bytes(4)
    block = (2 + len(entry)).to_bytes(2) + entry
    disk.put(60, (b"\xff" * 8, block.ljust(256, b"\0")), b"3" * 80, b"")
    size = disk.geometry.track_size
    header = CkdHeader(disk.geometry.device_type, disk.geometry.heads, size)
    tracks = [disk.tracks[number] for number in range(disk.geometry.tracks)]
    starts = [(512 + at * size, 512 + at * size + 700) for at in (0, 1, 1, 30, 60, 60)]
    return Kind(
        "datasets",
        {"disk.img": header.to_bytes() + b"".join(tracks)} | DIARY,
        "disk.img",
        hot=((0, 24), *starts),
        donors=(golden("cckd3390"), golden("ckd3390raw")),
        fatal=frozenset({"cut", "grow"}),
    )


def compressed() -> Kind:
    """Take a compressed image."""
    raw = golden("cckd3390")
    return Kind(
        "compressed",
        {"disk.img": raw} | DIARY,
        "disk.img",
        hot=((0, 24), (512, 560), (1024, 1100), (1036, 3200), (3000, len(raw))),
        donors=(golden("ckd3390raw")[:9000],),
    )


def blocks() -> Kind:
    """Take an image of blocks."""
    raw = golden("fba3370")[: 512 * 130]
    return Kind(
        "blocks",
        {"disk.img": raw} | DIARY,
        "disk.img",
        hot=((0, 1024),),
        donors=(golden("cckd3390"),),
    )


IMAGE_KINDS = (
    (datasets, looks()),
    (compressed, looks()),
    (blocks, looks("--type", "3370")),
)


@pytest.mark.parametrize(
    "count", [60, pytest.param(2000, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("number", range(len(IMAGE_KINDS)))
def test_damaged_images(tmp_path: Path, number: int, count: int) -> None:
    """Commands read a damaged image or refuse it in one line, and never change it."""
    make, commands = IMAGE_KINDS[number]
    ends = survive(make(), commands, tmp_path, seed=count, count=count)
    assert sum(ends.values()) == count
    statuses = {status for _, status in ends}
    assert {0, 2} <= statuses


# -- journals ------------------------------------------------------------------------


def put_back(before: Files, after: Files) -> bool:
    """Whether all is as before, or the journal is gone and its track put back."""
    image = before["disk.img"]
    left = {name: data for name, data in before.items() if name != JOURNAL}
    recovered = left | {"disk.img": image[:AT] + OLD + image[AT + len(OLD) :]}
    return after in (before, left, recovered)


def journals(folder: Path, target: str) -> Kind:
    """Make an image with half a write in it, and its journal next to it."""
    path = new_image(folder)
    with path.open("r+b") as file:
        file.seek(AT)
        file.write(TORN)
    found = path.stat()
    header = header_bytes([Part(found.st_ino, found.st_size)])
    other = header_bytes([Part(found.st_ino + 1, found.st_size)])
    before = Written(Place(0, 512, 4096), digest(path.read_bytes()[512:4608]))
    intent = Intent(Place(0, AT, 4096), OLD, NEW, before)
    record, done = intent.packed(header)
    theirs, _ = Intent(Place(0, 512, 4096), NEW, OLD, done).packed(other)
    files = {"disk.img": path.read_bytes(), JOURNAL: header + record} | DIARY
    hot: tuple[tuple[int, int], ...] = (
        (0, 512),
        (0, 44),
        (512, 624),
        (624, 1000),
        (5700, 7000),
    )
    if target != JOURNAL:
        hot = ((0, 24), (AT, AT + 4096), (512, 4608))
    return Kind(
        f"journals, {target}",
        files,
        target,
        hot=hot,
        donors=(header + theirs, other + record, other + theirs, files["disk.img"]),
        fatal=frozenset() if target == JOURNAL else frozenset({"cut", "grow"}),
    )


RECOVERY = Command(("dasd", "recover", "disk.img"), may_change=put_back)
COPIED = Command(("dasd", "recover", "disk.img", "--copied"), may_change=put_back)


@pytest.mark.parametrize(
    "count", [60, pytest.param(2000, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("target", [JOURNAL, "disk.img"])
def test_damaged_journals(tmp_path: Path, target: str, count: int) -> None:
    """A journal's write is done or not; no image gets data of another."""
    kind = journals(tmp_path, target)
    commands = (RECOVERY, COPIED, *looks()[:3], RECOVERY)
    ends = survive(kind, commands, tmp_path, seed=count, count=count)
    assert ends["dasd recover", 0]
    assert ends["dasd recover", 2]
    assert ends["dasd ls", 0]


def test_what_a_damaged_journal_leaves(tmp_path: Path) -> None:
    """A record with one wrong bit is not accepted."""
    kind = journals(tmp_path, JOURNAL)
    header = kind.files[JOURNAL][:HEADER_SIZE]
    whole = kind.files[JOURNAL][HEADER_SIZE:]
    assert Intent.from_bytes(whole, header)
    for bit in range(8 * 112):
        raw = bytearray(whole)
        raw[bit // 8] ^= 1 << bit % 8
        marked = 16 <= bit // 8 < 32  # a damaged mark does not count
        assert (Intent.from_bytes(bytes(raw), header) is not None) == marked


# -- the check itself ----------------------------------------------------------------


def test_damage_is_repeatable() -> None:
    """The same seed makes the same files, another seed makes others."""
    kind = blocks()
    first, again, other = (
        [mutant.data for mutant in mutants(kind, seed, 50)] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(set(first)) > 40


@pytest.mark.parametrize("fault", ["raises", "hangs", "writes", "says two lines"])
def test_what_must_not_be_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """A traceback, a hang, a changed file and a second line each fail the run."""
    monkeypatch.setattr("tests.mutation.SECONDS", 0.2)

    def verify(*_words: object) -> list[str]:
        if fault == "raises":
            raise KeyError(fault)
        while fault == "hangs":
            pass
        if fault == "writes":
            (tmp_path / "diary").write_text("not mine")
        else:
            sys.stderr.write("ccw-actors: one\nccw-actors: two\n")
        return []

    # The package has the command group under the name of the module.
    monkeypatch.setattr(sys.modules["ccw_actors.cli._dasd"], "damages", verify)
    with pytest.raises(AssertionError, match=r"raised|changed files|one"):
        survive(blocks(), looks("--type", "3370")[2:3], tmp_path, seed=1, count=9)
