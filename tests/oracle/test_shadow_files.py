"""Shadow files: this package and Hercules, with its console, use each other's."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccw_actors.actors.hardware.image import (
    add_shadow,
    create_tracks,
    merge_shadow,
    shadow_chain,
)
from ccw_actors.cli import app
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from tests.oracle.hercules import needs_hercules, run_tool
from tests.oracle.packed import changed, console, contents, judged, opened, scribble

pytestmark = [pytest.mark.oracle, needs_hercules]

NAME = "disk_*.img"
DEVICE = f"0190 3390 disk.img sf={NAME}"


# Their merge gives tracks that had no level 2 table in the base another format.
ONE_TABLE = 17


def based(folder: Path, cylinders: int = 20) -> Path:
    """Make a compressed base image: cckdcdsk finds fault with one of dasdinit."""
    volume = ckd_volume(ckd_type("3390")[0], cylinders)
    create_tracks(folder / "disk.img", volume, "SHADOW", compression=1)
    return folder / "disk.img"


def scribbled(base: Path, seed: int, wanted: list[str], type_: str = "") -> list[str]:
    """Write to the topmost shadow file; return what the volume has then."""
    with opened(base, type_, write=True, shadow=NAME) as file:
        return changed(scribble(file, seed, 40), wanted)


def read_by_them(base: Path) -> list[str]:
    """Have Hercules copy the volume of a chain into one file, and read that."""
    words = ("dasdcopy", "-o", "CKD", "disk.img", f"sf={NAME}", "copy.img")
    run_tool(*words, folder=base.parent)
    found = contents(base.with_name("copy.img"))
    base.with_name("copy.img").unlink()
    return found


def test_they_read_a_chain_of_eight(tmp_path: Path) -> None:
    """Eight shadow files, each written by us, are sound, and Hercules reads them."""
    base = based(tmp_path)
    before = base.read_bytes()
    wanted = contents(base)
    for number in range(1, 9):
        made = add_shadow(base, NAME)
        assert made.name == f"disk_{number}.img"
        assert judged(made) == ""
        wanted = scribbled(base, number, wanted)
        assert judged(made) == ""
    assert contents(base, shadow=NAME) == wanted
    assert read_by_them(base) == wanted
    assert base.read_bytes() == before


def test_we_write_what_they_add(tmp_path: Path) -> None:
    """A shadow file that the console makes, `sf+`, takes our writes; then it merges."""
    base = based(tmp_path, ONE_TABLE)
    wanted = contents(base)
    console(tmp_path, DEVICE, "sf+0190")
    assert [one.path.name for one in shadow_chain(base, NAME)] == [
        "disk.img",
        "disk_1.img",
    ]
    wanted = scribbled(base, 1, wanted)
    assert read_by_them(base) == wanted
    said = console(tmp_path, DEVICE, "sfd 0190", "sfc 0190", "sf-0190 merge")
    assert "successfully merged" in said
    assert not base.with_name("disk_1.img").exists()
    assert contents(base) == wanted
    assert judged(base) == ""


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_our_merge_is_theirs(tmp_path: Path, depth: int) -> None:
    """The topmost file merged by us, and by their console, give the same volume."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    base = based(ours, ONE_TABLE)
    wanted = contents(base)
    for seed in range(depth):
        add_shadow(base, NAME)
        wanted = scribbled(base, seed, wanted)
    shutil.copytree(ours, theirs)
    top, below, _ = merge_shadow(base, NAME)
    assert not top.exists()
    assert judged(below) == ""
    assert "successfully merged" in console(theirs, DEVICE, "sf-0190 merge")
    for folder in (ours, theirs):
        assert contents(folder / "disk.img", shadow=NAME) == wanted
    assert [one.name for one in sorted(ours.glob("*.img"))] == [
        one.name for one in sorted(theirs.glob("*.img"))
    ]
    assert read_by_them(base) == wanted


def test_blocks_have_shadow_files(tmp_path: Path) -> None:
    """A chain of compressed images of blocks is sound, and merges."""
    run_tool("dasdinit", "-z", "disk.img", "3370", "SHADOW", "9001", folder=tmp_path)
    base = tmp_path / "disk.img"
    wanted = contents(base, "3370")
    for seed in range(2):
        made = add_shadow(base, NAME, device_type="3370")
        wanted = scribbled(base, seed, wanted, "3370")
        assert judged(made) == ""
    merge_shadow(base, NAME, device_type="3370")
    assert contents(base, "3370", shadow=NAME) == wanted
    words = ("dasdcopy", "-o", "FBA", "disk.img", f"sf={NAME}", "copy.img")
    run_tool(*words, folder=tmp_path)
    assert contents(tmp_path / "copy.img", "3370") == wanted


def test_commands(tmp_path: Path) -> None:
    """The same from the command line: add, ls, merge, remove."""
    base = based(tmp_path)
    wanted = contents(base)

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["dasd", "shadow", *words, str(base), NAME])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert run("add").strip() == str(base.with_name("disk_1.img"))
    wanted = scribbled(base, 1, wanted)
    kept = list(wanted)
    run("add")
    scribbled(base, 2, wanted)
    assert len(run("ls").splitlines()) == 3
    assert run("remove").strip() == str(base.with_name("disk_2.img"))
    assert contents(base, shadow=NAME) == kept
    assert "tracks merged into" in run("merge")
    assert contents(base) == kept
    assert judged(base) == ""
