"""The layout of the repository, and the files that are installed."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tools.figures import beyond

ROOT = Path(__file__).parents[1]
LINKS = ("actors", "transport")
CODE = ("ccw_actors", "tests", "examples", "benchmarks", "tools")

repository_only = pytest.mark.skipif(
    (ROOT / "PKG-INFO").exists(), reason="not part of the sdist"
)


def table(name: str) -> dict[str, Any]:
    """Return a table of `pyproject.toml`, given its dotted name."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for key in name.split("."):
        found = found[key]
    return found


def files_of(folder: str) -> set[str]:
    """Return the files under a folder, as a clean clone has them."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from it; return the folder they are in."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir"]
    # The backend looks for its own program on PATH, even in a venv not activated.
    scripts = sysconfig.get_path("scripts")
    done = subprocess.run(
        [*command, folder, ROOT],
        env=os.environ | {"PATH": os.pathsep.join([scripts, os.environ["PATH"]])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> set[str]:
    """Return the names of the files in the wheel."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def sdist(built: Path) -> set[str]:
    """Return the names of the files in the sdist, without its leading folder."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = [PurePosixPath(one.name) for one in archive if not one.isdir()]
    return {name.relative_to(name.parts[0]).as_posix() for name in names}


def test_wheel_claims_one_name(wheel: set[str]) -> None:
    """Installing adds `ccw_actors` and its metadata, and no other top-level name."""
    version = table("project")["version"]
    tops = {PurePosixPath(name).parts[0] for name in wheel}
    assert tops == {"ccw_actors", f"ccw_actors-{version}.dist-info"}


def test_wheel_carries_the_whole_package(wheel: set[str]) -> None:
    """Every file of the package is installed, `py.typed` and data with the code."""
    installed = {name for name in wheel if name.startswith("ccw_actors/")}
    assert "ccw_actors/py.typed" in installed
    assert installed == files_of("ccw_actors")


def test_wheel_is_small(built: Path) -> None:
    """It is mostly code: the saved verdict table takes less than a tenth of it."""
    (path,) = built.glob("*.whl")
    assert not beyond({"wheel, KB": path.stat().st_size / 1000})
    with zipfile.ZipFile(path) as archive:
        saved = [one for one in archive.infolist() if "/saved/" in one.filename]
    assert saved
    assert sum(one.compress_size for one in saved) < path.stat().st_size / 10


def test_wheel_carries_licence_and_command(wheel: set[str]) -> None:
    """The metadata holds the licence text and the entry point of the command."""
    metadata = {name.partition(".dist-info/")[2] for name in wheel}
    assert {"licenses/LICENSE", "entry_points.txt"} <= metadata


def test_sdist_carries_what_checks_it(sdist: set[str]) -> None:
    """The sdist holds tests, examples, tools and documents, and no link."""
    folders = (*CODE, "docs")
    assert sdist >= set().union(*(files_of(folder) for folder in folders))
    assert not {PurePosixPath(name).parts[0] for name in sdist} & set(LINKS)


@repository_only
@pytest.mark.parametrize("name", LINKS)
def test_rooms_at_the_top_are_relative_links(name: str) -> None:
    """A clone opens on `actors` and `transport` wherever it is put."""
    assert (ROOT / name).readlink() == Path("ccw_actors", name)


@pytest.mark.parametrize("place", ["ccw_actors/probe.py", "tests/probe.py"])
@pytest.mark.parametrize(
    "statement",
    [
        "import actors",
        "import actors.subchannel",
        "from actors import subchannel",
        "import transport",
        "from transport.codec import Codec",
        "import random",
        "from random import choice",
        "from time import monotonic",
        "from time import time",
        "from uuid import uuid4",
    ],
)
def test_ruff_refuses_banned_imports(place: str, statement: str) -> None:
    """Importing through a link, or a source of randomness or time, is a lint error."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format=json"]
    done = subprocess.run(
        [*command, "--stdin-filename", place, "-"],
        cwd=ROOT,
        input=f"{statement}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TID251" in {finding["code"] for finding in json.loads(done.stdout)}


def test_type_checkers_read_all_code() -> None:
    """Mypy and pyright are given every folder of code that is there."""
    present = [name for name in CODE if (ROOT / name).is_dir()]
    assert table("tool.mypy")["files"] == present
    assert table("tool.pyright")["include"] == present


@repository_only
@pytest.mark.parametrize("name", ["run", "pythons"])
def test_ci_can_be_run(name: str) -> None:
    """The scripts of `.ci` are executable."""
    assert os.access(ROOT / ".ci" / name, os.X_OK)


@repository_only
@pytest.mark.parametrize("mark", ["browser", "linux", "oracle", "site"])
def test_ci_names_the_folders_of_a_mark(mark: str) -> None:
    """`.ci/run` leaves out no file of tests that has one of these marks."""
    text = (ROOT / ".ci" / "run").read_text().replace("\\\n", "")
    (command,) = re.findall(rf"pytest [^\n]*-m '?{mark}\b[^\n]*", text)
    folders = [ROOT / name for name in re.findall(r"tests/[\w/]+", command)]
    for path in (ROOT / "tests").rglob("test_*.py"):
        if f"mark.{mark}" in path.read_text() and path != Path(__file__):
            assert any(path.is_relative_to(one) for one in folders), path


PRETENDER = """#!/bin/sh
exec {python} -c 'import sys
from collections import namedtuple
names = "major minor micro releaselevel serial"
sys.version_info = namedtuple("version_info", names)(3, {minor}, 0, "{level}", 0)
sys.executable = "{path}"
sys.modules |= dict.fromkeys("{missing}".split())
exec(sys.argv[2])' "$@"
"""


def pretend(folder: Path, minor: int, level: str = "final", missing: str = "") -> str:
    """Make a Python of that release, without some modules; return its line."""
    path = folder / f"python3.{minor}"
    program = PRETENDER.format(
        python=sys.executable, minor=minor, level=level, path=path, missing=missing
    )
    path.write_text(program)
    path.chmod(0o755)
    return f"3.{minor} {path}"


@repository_only
def test_ci_finds_pythons(tmp_path: Path) -> None:
    """Each usable release is listed once, the oldest first."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    newest, twelve = pretend(first, 98), pretend(first, 12)
    pretend(second, 12)
    pretend(first, 10)
    pretend(first, 96, level="candidate")
    pretend(first, 97, missing="ensurepip")
    done = subprocess.run(
        [ROOT / ".ci" / "pythons"],
        env=os.environ | {"PATH": f"{first}:{second}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    minors = [int(line.partition(" ")[0].removeprefix("3.")) for line in lines]
    assert minors == sorted(set(minors))
    assert minors[0] >= 11
    assert twelve in lines
    assert lines[-1] == newest
    assert not {96, 97} & set(minors)
