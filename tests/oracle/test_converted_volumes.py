"""Volumes copied, converted and grown from the command line: Hercules reads them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccw_actors.cli import app
from tests.oracle.hercules import needs_hercules, run_tool
from tests.oracle.packed import contents, judged
from tests.oracle.test_dasd_tools import CARDS, CYLINDERS, loaded, with_members

pytestmark = [pytest.mark.oracle, needs_hercules]

COMPRESSIONS = ["zlib", "bzip2", "none"]
BLOCKS = 5003


def dasd(*words: str | Path) -> str:
    """Run a command, which has to succeed."""
    result = CliRunner().invoke(app, ["dasd", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def cards_of(image: Path) -> str:
    """Have Hercules read the sequential dataset of a volume."""
    run_tool("dasdseq", image.name, "TEST.CARDS", folder=image.parent)
    return image.with_name("TEST.CARDS").read_bytes().decode("cp037")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_packed_volumes_are_theirs(tmp_path: Path, compression: str) -> None:
    """A volume of dasdload that we pack is sound, and Hercules reads its datasets."""
    path = with_members(tmp_path)
    packed = tmp_path / "packed.img"
    dasd("convert", path, packed, "--compress", compression)
    assert judged(packed) == ""
    listed = run_tool("dasdls", packed.name, folder=tmp_path)
    assert (
        listed.split()[1:] == run_tool("dasdls", path.name, folder=tmp_path).split()[1:]
    )
    assert cards_of(packed) == "".join(CARDS)
    run_tool("dasdpdsu", packed.name, "TEST.EMPTY", "ascii", folder=tmp_path)
    (file,) = (one for one in tmp_path.iterdir() if one.name.lower() == "one.mac")
    member = file.read_text().splitlines()
    assert member == [card[:72].rstrip() for card in CARDS[:10]]  # as it writes them


@pytest.mark.parametrize("method", ["", "-z", "-bz2"])
def test_theirs_are_converted_and_back(tmp_path: Path, method: str) -> None:
    """A volume of Hercules, through our formats, is the same in theirs."""
    path = loaded(tmp_path)
    if method:
        packing = ("dasdcopy", method, "-o", "CCKD", path.name, "theirs.img")
        run_tool(*packing, folder=tmp_path)
        path = tmp_path / "theirs.img"
    wanted = contents(path)
    packed, raw, first = (tmp_path / name for name in ("a.cckd", "b.img", "c_1.img"))
    dasd("convert", path, packed, "--compress", "zlib")
    dasd("convert", packed, raw)
    dasd("convert", packed, first, "--split", "2")
    assert (tmp_path / "c_3.img").exists()
    for image in (packed, raw, first):
        assert contents(image) == wanted
        assert cards_of(image) == "".join(CARDS)
    dasd("convert", first, tmp_path / "d.cckd", "--compress", "bzip2")
    assert contents(tmp_path / "d.cckd") == wanted
    words = ("dasdcopy", "-o", "CKD", "d.cckd", "e.img")
    run_tool(*words, folder=tmp_path)
    assert contents(tmp_path / "e.img") == wanted


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_blocks_are_converted(tmp_path: Path, compression: str) -> None:
    """Raw blocks of dasdinit, packed by us, are unpacked by cfba2fba; and back."""
    words = ("dasdinit", "raw.img", "3370", "BLOCKS", str(BLOCKS))
    run_tool(*words, folder=tmp_path)
    raw = bytearray((tmp_path / "raw.img").read_bytes())
    raw[5000:200_000] = bytes(range(250)) * 780
    (tmp_path / "raw.img").write_bytes(raw)
    kind = ("--type", "3370")
    packed = tmp_path / "packed.img"
    dasd("convert", tmp_path / "raw.img", packed, "--compress", compression, *kind)
    assert judged(packed) == ""
    run_tool("cfba2fba", "packed.img", "theirs.img", folder=tmp_path)
    run_tool("fba2cfba", "raw.img", "cfba.img", folder=tmp_path)
    dasd("convert", tmp_path / "cfba.img", tmp_path / "ours.img", *kind)
    for name in ("theirs.img", "ours.img"):
        assert (tmp_path / name).read_bytes()[: len(raw)] == raw


@pytest.mark.parametrize("compression", [None, *COMPRESSIONS])
def test_a_grown_volume_is_theirs(tmp_path: Path, compression: str | None) -> None:
    """Datasets stay, new cylinders are there, and the VTOC has the new size."""
    path = loaded(tmp_path)
    wanted = contents(path)
    image = tmp_path / "grown.img"
    options = ("--compress", compression) if compression else ()
    dasd("convert", path, image, *options)
    dasd("grow", image, "--cylinders", "40")
    assert compression is None or judged(image) == ""
    grown = contents(image)
    assert len(grown) == 600
    vtoc = [at for at in range(75) if grown[at] != wanted[at]]
    assert len(vtoc) == 1
    assert cards_of(image) == "".join(CARDS)
    run_tool("dasdcopy", "-o", "CKD", image.name, "copy.img", folder=tmp_path)
    copy = tmp_path / "copy.img"
    assert contents(copy) == grown
    assert (40).to_bytes(2) + (15).to_bytes(2) in copy.read_bytes()[
        512 : 512 + 56832 * 30
    ]
    assert "nothing is damaged" in dasd("verify", image)


def test_a_grown_volume_of_parts_is_theirs(tmp_path: Path) -> None:
    """Only the last file gets longer."""
    path = loaded(tmp_path)
    first = tmp_path / "c_1.img"
    dasd("convert", path, first, "--split", "2")
    before = [(tmp_path / f"c_{n}.img").stat().st_size for n in (1, 2, 3)]
    dasd("grow", first, "--cylinders", str(CYLINDERS + 3))
    after = [(tmp_path / f"c_{n}.img").stat().st_size for n in (1, 2, 3)]
    assert after[:2] == before[:2]
    assert after[2] - before[2] == 3 * 15 * 56832
    assert cards_of(first) == "".join(CARDS)
    assert "120 tracks, nothing is damaged" in dasd("verify", first)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_blocks_grow(tmp_path: Path, compression: str | None) -> None:
    """A volume of blocks has zeros at its new end."""
    image = tmp_path / "grown.img"
    kind = ("--type", "3370")
    options = ("--compress", compression) if compression else ()
    dasd("init", image, *kind, "--volser", "BLOCKS", "--blocks", "1000", *options)
    old = contents(image, "3370")
    dasd("grow", image, "--blocks", "4000", *kind)
    assert contents(image, "3370")[: len(old) - 1] == old[:-1]
    if compression:
        assert judged(image) == ""
        run_tool("cfba2fba", image.name, "raw.img", folder=tmp_path)
        assert (tmp_path / "raw.img").stat().st_size >= 4000 * 512
    else:
        assert image.stat().st_size == 4000 * 512


def test_copies_are_theirs(tmp_path: Path) -> None:
    """A copy of another size, and one into a volume that exists, have the datasets."""
    path = loaded(tmp_path)
    larger, packed = tmp_path / "larger.img", tmp_path / "packed.img"
    dasd("copy", path, larger, "--cylinders", "9")
    assert cards_of(larger) == "".join(CARDS)
    words = ("--type", "3390", "--volser", "TARGET", "--cylinders", "12")
    dasd("init", packed, *words, "--compress", "zlib")
    dasd("copy", path, packed, "--into")
    assert judged(packed) == ""
    assert cards_of(packed) == "".join(CARDS)
    assert len(contents(packed)) == 180
