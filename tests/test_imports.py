"""The contracts on imports, and the docstring of every module."""

import ast
import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "ccw_actors").rglob("*.py"))
PACKAGES = (
    "actors",
    "channel",
    "cli",
    "conformance",
    "debian",
    "designs",
    "devices",
    "explore",
    "kernel",
    "machine",
    "pytest_plugin",
    "runtime",
    "scenarios",
    "telemetry",
    "testkit",
    "trace",
    "transport",
    "verdicts",
)


WITHIN = {
    "actors": ("emulator", "guest", "hardware", "host", "protocol"),
    "kernel": (
        "boot",
        "build",
        "debugger",
        "emulators",
        "gates",
        "lab",
        "records",
        "refinement",
    ),
}
"""Packages that have packages, and theirs."""


PARTS = (
    "_dump",
    "_escalation",
    "_provider",
    "_references",
    "_services",
    "_shutdown",
    "_spawning",
    "_actor",
    "_system",
)
"""The modules of the runtime next to its packages."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of `pyproject.toml` on the package in a folder."""
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-logo", "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},  # where tools/ is
        capture_output=True,
        text=True,
        check=False,
    )


def empty_packages(folder: Path) -> Path:
    """Make `ccw_actors` with empty packages; return its folder."""
    package = folder / "ccw_actors"
    for name in PACKAGES:
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").touch()
    for name in ("_cell", "_drive", "_kernel", "_threads", "_values", "stepping"):
        (package / "runtime" / name).mkdir()
        (package / "runtime" / name / "__init__.py").touch()
    for name, inner in WITHIN.items():
        for one in inner:
            (package / name / one).mkdir()
            (package / name / one / "__init__.py").touch()
    for name in PARTS:
        (package / "runtime" / f"{name}.py").touch()
    (package / "__init__.py").touch()
    (package / "errors.py").touch()
    return package


def test_contracts_are_kept() -> None:
    """No package imports one that it must not import."""
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_contracts_allow_what_the_layers_need(tmp_path: Path) -> None:
    """Every package may import those below it, and `errors`."""
    package = empty_packages(tmp_path)
    known = {
        "runtime": ["transport"],
        "explore": ["runtime"],
        "telemetry": ["runtime"],
        "testkit": ["runtime"],
        "trace": ["runtime"],
        "devices": ["channel"],
        "actors": ["runtime", "devices", "channel"],
        "machine": ["actors", "trace", "runtime", "devices", "transport"],
        "designs": ["actors"],
        "conformance": ["machine", "actors"],
        "scenarios": ["explore", "machine", "actors", "designs"],
        "verdicts": ["scenarios", "designs", "machine", "explore"],
        "kernel": ["debian", "verdicts", "machine"],
        "cli": [
            "kernel",
            "verdicts",
            "scenarios",
            "conformance",
            "machine",
            "explore",
            "trace",
        ],
        "pytest_plugin": ["scenarios", "explore", "testkit", "trace"],
    }
    for importer in PACKAGES:
        imports = [f"import ccw_actors.{name}\n" for name in known.get(importer, [])]
        text = "".join(["import ccw_actors.errors\n", *imports])
        (package / importer / "__init__.py").write_text(text)
    done = lint_imports(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "other"),
    [
        ("actors", "ccw_actors.explore"),
        ("actors", "ccw_actors.machine"),
        ("actors", "ccw_actors.trace"),
        ("channel", "asyncio"),
        ("channel", "ccw_actors.devices"),
        ("channel", "ccw_actors.transport"),
        ("conformance", "ccw_actors.scenarios"),
        ("designs", "ccw_actors.scenarios"),
        ("devices", "ccw_actors.runtime"),
        ("devices", "ccw_actors.transport"),
        ("devices", "msgpack"),
        ("devices", "pathlib"),
        ("devices", "pykka"),
        ("debian", "ccw_actors.machine"),
        ("explore", "ccw_actors.actors"),
        ("explore", "ccw_actors.devices"),
        ("machine", "ccw_actors.cli"),
        ("runtime", "ccw_actors.channel"),
        ("runtime", "ccw_actors.testkit"),
        ("telemetry", "ccw_actors.trace"),
        ("testkit", "ccw_actors.actors"),
        ("runtime", "ccw_actors.trace"),
        ("verdicts", "ccw_actors.kernel"),
        ("scenarios", "ccw_actors.verdicts"),
        ("trace", "ccw_actors.channel"),
        ("transport", "ccw_actors.runtime"),
    ],
)
def test_contracts_refuse(tmp_path: Path, importer: str, other: str) -> None:
    """A package that imports one that it must not import breaks a contract."""
    (empty_packages(tmp_path) / importer / "__init__.py").write_text(
        f"import {other}\n"
    )
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert f"ccw_actors.{importer} is not allowed to import {other}" in done.stdout


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("_values", "ccw_actors.runtime._cell"),
        ("_cell", "ccw_actors.runtime._kernel"),
        ("_kernel", "ccw_actors.runtime._drive"),
        ("_kernel", "ccw_actors.runtime._system"),
        ("_kernel", "asyncio"),
        ("_kernel", "pykka"),
        ("_drive", "ccw_actors.runtime._actor"),
        ("_drive", "ccw_actors.runtime._threads"),
        ("_threads", "ccw_actors.runtime._provider"),
        ("stepping", "ccw_actors.runtime._system"),
    ],
)
@pytest.mark.parametrize("for_types", [False, True])
def test_contracts_refuse_in_the_runtime(
    tmp_path: Path, part: str, other: str, *, for_types: bool
) -> None:
    """A package of the runtime imports nothing from above it, not even for types."""
    text = f"import {other}\n"
    if for_types:
        text = f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {text}"
    (empty_packages(tmp_path) / "runtime" / part / "__init__.py").write_text(text)
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    text = " ".join(done.stdout.split())  # the output is folded
    assert f"ccw_actors.runtime.{part} is not allowed to import {other}" in text


@pytest.mark.parametrize(
    ("place", "private"),
    [
        ("explore/__init__.py", "ccw_actors.runtime._kernel"),
        ("designs/__init__.py", "ccw_actors.actors.host._cio"),
        ("actors/guest/__init__.py", "ccw_actors.actors.hardware._storage"),
        ("actors/__init__.py", "ccw_actors.actors.host._cio"),
        ("cli/__init__.py", "ccw_actors.machine._wiring"),
    ],
)
def test_contracts_refuse_what_is_private(
    tmp_path: Path, place: str, private: str
) -> None:
    """No module imports a private module of another package."""
    package = empty_packages(tmp_path)
    module = tmp_path / f"{private.replace('.', '/')}.py"
    if not module.with_suffix("").exists():
        module.touch()
    (package / place).write_text(f"import {private}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    text = " ".join(done.stdout.split())  # the output is folded
    assert f"is not allowed to import {private}" in text


@pytest.mark.parametrize(
    ("package", "importer", "other"),
    [
        ("actors", "protocol", "hardware"),
        ("actors", "hardware", "host"),
        ("actors", "host", "emulator"),
        ("actors", "guest", "emulator"),
        ("kernel", "boot", "lab"),
        ("kernel", "lab", "emulators"),
        ("kernel", "gates", "boot"),
        ("kernel", "records", "debugger"),
        ("kernel", "refinement", "lab"),
    ],
)
def test_contracts_refuse_within_a_package(
    tmp_path: Path, package: str, importer: str, other: str
) -> None:
    """A package within another imports none above it or next to it."""
    text = f"import ccw_actors.{package}.{other}\n"
    place = empty_packages(tmp_path) / package / importer
    (place / "__init__.py").write_text(text)
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert f"ccw_actors.{package}.{importer} is not allowed to import" in done.stdout


def test_contracts_refuse_a_cycle_in_the_runtime(tmp_path: Path) -> None:
    """Modules of one package of the runtime do not import each other in a cycle."""
    kernel = empty_packages(tmp_path) / "runtime" / "_kernel"
    (kernel / "one.py").write_text("import ccw_actors.runtime._kernel.two\n")
    (kernel / "two.py").write_text("import ccw_actors.runtime._kernel.one\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert "No package of the runtime has an import cycle BROKEN" in done.stdout


def test_contracts_refuse_an_unlisted_package(tmp_path: Path) -> None:
    """A new package has to be listed in a contract."""
    attic = empty_packages(tmp_path) / "attic"
    attic.mkdir()
    (attic / "__init__.py").touch()
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert "attic" in done.stdout


@pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_module_says_its_job(module: Path) -> None:
    """The docstring of a module starts with one sentence on its own line."""
    docstring = ast.get_docstring(ast.parse(module.read_text()))
    assert docstring is not None
    first, *rest = docstring.splitlines()
    assert first.endswith(".")
    assert rest[:1] in ([], [""])


def test_version_is_the_installed_one() -> None:
    """The installed version is this one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert importlib.metadata.version("ccw-actors") == project["version"]
