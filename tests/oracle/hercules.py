"""Hercules' own tools for images of disks, as tests run them."""

import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["needs_hercules", "run_tool"]

TOOLS = (
    "cckd2ckd",
    "cckdcdsk",
    "cckdcomp",
    "cckdswap",
    "cfba2fba",
    "dasdcat",
    "dasdcopy",
    "dasdinit",
    "dasdload",
    "dasdls",
    "dasdpdsu",
    "dasdseq",
    "hercules",
)

_missing = [tool for tool in TOOLS if shutil.which(tool) is None]

needs_hercules = pytest.mark.skipif(
    bool(_missing),
    reason=f"apt-get install hercules: there is no {', '.join(_missing)}",
)


_TRIES = 3


def _run(
    words: tuple[str | Path, ...], folder: Path
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=300,
    )


def run_tool(*words: str | Path, folder: Path, errors: bool = False) -> str:
    """Run a tool in a folder and return what it printed; it has to succeed.

    With `errors`, that is what it printed to stderr as well.

    Dasdcat ends with exit code 1 when it lists members, whatever there is. On a busy
    host dasdcopy crashes now and then while it closes a CCKD image (it frees memory
    twice, in Hercules 3.13): it gets more tries.
    """
    done = _run(words, folder)
    for _ in range(_TRIES):
        if done.returncode >= 0 or words[0] != "dasdcopy":
            break
        (folder / words[-1]).unlink(missing_ok=True)
        done = _run(words, folder)
    said = done.stdout + done.stderr
    assert done.returncode == 0 or words[0] == "dasdcat", said[-2000:].decode(
        errors="replace"
    )
    return (said if errors else done.stdout).decode("latin-1")
