"""The unpacked files of a run are removed at its end, or by the next run."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.machine._scratch import scratch_folder

IMAGES = Path(__file__).parents[1] / "data" / "images"
MACHINE = """\
[[device]]
number = "0.0.0150"
type = "3390"
image = "disk.img.gz"

[[guest]]
name = "subject"
storage = "1 MiB"
program = "dying:{program}"

[[guest.device]]
number = "0.0.0190"
host = "0.0.0150"
"""

PROGRAM = """\
import os, signal

async def die(cpu):
    os.kill(os.getpid(), signal.SIGKILL)

async def live(cpu):
    return {}
"""


def run(folder: Path, program: str) -> int:
    """Run a machine with a gzipped image; return its exit status."""
    (folder / "machine.toml").write_text(MACHINE.format(program=program))
    words = [sys.executable, "-m", "ccw_actors", "run", "machine.toml", "--no-trace"]
    environment = {
        **os.environ,
        "TMPDIR": str(folder / "tmp"),
        "XDG_RUNTIME_DIR": str(folder),
    }
    done = subprocess.run(
        words, cwd=folder, env=environment, check=False, capture_output=True
    )
    return done.returncode


def test_killed_run_leaves_nothing_behind_the_next(tmp_path: Path) -> None:
    """A run removes the unpacked files of a killed one."""
    shutil.copy(IMAGES / "ckd3390.img.gz", tmp_path / "disk.img.gz")
    (tmp_path / "dying.py").write_text(PROGRAM)
    left = tmp_path / "tmp"
    left.mkdir()
    assert run(tmp_path, "die") == -9
    (folder,) = left.iterdir()
    assert sorted(file.name for file in folder.iterdir()) == [
        "0.0.0150.img",
        "0.0.0150.img.journal",
    ]
    assert run(tmp_path, "live") == 0
    assert list(left.iterdir()) == []


def test_folder_of_a_living_run_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run does not touch the folders of living runs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as first:
        (first / "0.0.0150.img").touch()
        with scratch_folder() as second:
            assert set(tmp_path.iterdir()) == {first, second}
            assert (first / "0.0.0150.img").exists()
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_no_runs_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with other files is not removed, whatever its name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    theirs = tmp_path / "ccw-actors-run-notes"
    theirs.mkdir()
    (theirs / "0.0.0150.img").touch()
    (theirs / "diary.txt").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "0.0.0150.img").touch()
    (tmp_path / "ccw-actors-run-link").symlink_to("elsewhere")
    before = sorted(tmp_path.rglob("*"))
    with scratch_folder():
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_folder_that_another_run_removes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run makes another folder if one goes before it is locked."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    really, removed = os.open, list[Path]()

    def too_late(path: Path, *rest: Any, **options: Any) -> int:
        if not removed:
            removed.append(Path(path))
            Path(path).rmdir()
        return really(path, *rest, **options)

    monkeypatch.setattr(os, "open", too_late)
    with scratch_folder() as folder:
        assert folder.is_dir()
        assert [folder] != removed
    assert len(removed) == 1
    assert list(tmp_path.iterdir()) == []
