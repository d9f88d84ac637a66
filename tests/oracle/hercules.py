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


def run_tool(*words: str | Path, folder: Path, errors: bool = False) -> str:
    """Run a tool in a folder and return what it printed; it has to succeed.

    With `errors`, that is what it printed to stderr as well.

    Dasdcat ends with exit code 1 when it lists members, whatever there is.
    """
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or words[0] == "dasdcat", said[-2000:].decode(
        errors="replace"
    )
    return (said if errors else done.stdout).decode("latin-1")
