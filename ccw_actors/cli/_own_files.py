"""Which files of the user's an exploration depends on, for another process."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ccw_actors.cli._scenario_names import ScenarioNameError

__all__ = ["check_files", "digests_of", "placed"]


def placed(name: str) -> str:
    """Return the name of a scenario or a predicate with the whole path of its file."""
    file, colons, what = name.partition("::" if "::" in name else ":")
    if not colons or Path(file).suffix != ".py":
        return name
    return f"{Path(file).resolve()}{colons}{what}"


def digests_of(names: Iterable[str]) -> dict[str, str]:
    """Return the files that whole names begin with, each with its SHA-256."""
    files = (name.partition(":")[0] for name in names)
    return {one: _digest(one) for one in files if one.endswith(".py")}


def check_files(digests: dict[str, str]) -> None:
    """Check that the files are the same where this runs.

    Raises `ScenarioNameError` for one that is missing or differs.
    """
    for file, digest in digests.items():
        if not Path(file).is_file():
            raise ScenarioNameError(f"{file}: no such file where it is explored")
        if _digest(file) != digest:
            raise ScenarioNameError(f"{file}: differs where it is explored")


def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
