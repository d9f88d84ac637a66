"""Shell completion: what a shell offers for the word that is being typed."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "data" / "qemu-public.json.gz"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def shell(*words: str, **variables: str) -> str:
    """Run the command, as a shell does, with these variables."""
    done = subprocess.run(
        [sys.executable, "-m", "ccw_actors", *words],
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the command that is installed as `ccw-actors`."""
    file = tmp_path_factory.mktemp("bin") / "ccw-actors"
    file.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ccw_actors "$@"\n'
    )
    file.chmod(0o755)
    return file


@pytest.fixture(scope="module")
def bash_script() -> str:
    """Return what --show-completion prints for bash."""
    script = shell(_CCW_ACTORS_COMPLETE="source_bash")
    assert "complete -o default -F _ccw_actors_completion ccw-actors" in script
    return script


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ver",), ["verdicts"]),
        (
            ("dasd", ""),
            [
                "cat",
                "convert",
                "copy",
                "grow",
                "init",
                "ls",
                "recover",
                "shadow",
                "verify",
            ],
        ),
        (("run", "--no-"), ["--no-control", "--no-trace"]),
        (("explore", "clear-t"), ["clear-twice"]),
        (("explore", "verdicts/2026/qemu/ma"), []),
        (("explore", "verdicts/2026/ma"), ["verdicts/2026/mail"]),
        (("explore", "--engine", "s"), ["states"]),
        (("verdicts", "--design", "v5"), ["v5.12", "v5.13"]),
        (("verdicts", "--emulator", ""), ["ours", "qemu"]),
        (("verdicts", "--scenario", "clear-q"), ["clear-queued"]),
        (("conform", str(VECTORS), "--category", "ch"), ["chaining"]),
        (("conform", "/nowhere", "--category", ""), []),
        (("dasd", "init", "--type", "3390-2"), ["3390-2", "3390-27"]),
        (("stop", "no-such"), []),
        (("fault", "add", "m", "0150", "st"), ["stall"]),
        (("fault", "add", "--sense", "ov"), ["overrun"]),
        (("trace", "ccw"), []),
    ],
)
def test_bash(
    program: Path, bash_script: str, words: tuple[str, ...], offered: list[str]
) -> None:
    """Bash offers the names that fit; where there are none, it offers files."""
    typed = " ".join(map(shlex.quote, ("ccw-actors", *words)))
    lines = (
        bash_script,
        f"COMP_WORDS=({typed})",
        f"COMP_CWORD={len(words)}",
        f"_ccw_actors_completion {shlex.quote(str(program))}",
        "printf '%s\\n' \"${COMPREPLY[@]}\"",
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(lines)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert sorted(done.stdout.split()) == offered


@pytest.mark.parametrize("kind", ["zsh", "fish"])
def test_other_shells(kind: str) -> None:
    """The scripts of zsh and fish ask the same command, and get the same names."""
    assert "ccw-actors" in shell(_CCW_ACTORS_COMPLETE=f"source_{kind}")
    names = shell(
        _CCW_ACTORS_COMPLETE=f"complete_{kind}",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
        _TYPER_COMPLETE_ARGS="ccw-actors verdicts --design v5",
    )
    assert "v5.12" in names


def test_installation(tmp_path: Path) -> None:
    """--install-completion writes the script, and has bash read it."""
    command = f"{shlex.quote(sys.executable)} -m ccw_actors --install-completion"
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{command}; true"],
        env=ENVIRONMENT | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    script = tmp_path / ".bash_completions" / "ccw-actors.sh"
    assert f"bash completion installed in {script}" in done.stdout
    assert "_ccw_actors_completion" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()
