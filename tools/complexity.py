"""Cyclomatic complexity, as radon counts it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["complexities"]


def complexities(*places: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the blocks of files, or of folders: functions, methods and classes.

    A block is a file, and what radon says of it: among others its `type`, `name`,
    `lineno`, `complexity`, and the `classname` of a method. Raises
    `subprocess.CalledProcessError` if radon fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "radon", "cc", "--json", *map(str, places)],
        capture_output=True,
        text=True,
        check=True,
    )
    for path, blocks in json.loads(done.stdout).items():
        for block in blocks:
            yield Path(path), block
