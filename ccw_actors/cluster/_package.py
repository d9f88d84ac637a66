"""Which version of this package a process has."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import ccw_actors

__all__ = ["package_name"]


@cache
def package_name() -> str:
    """Return the version of the package, and 12 hexadecimal digits of its source."""
    root = Path(ccw_actors.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode())
        digest.update(file.read_bytes())
    return f"{version('ccw-actors')} ({digest.hexdigest()[:12]})"
