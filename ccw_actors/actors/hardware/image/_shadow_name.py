"""The names of an image's shadow files, as Hercules' `sf=` gives them.

In "disk_*.img", the character before the last dot of the file's name, or its last
character if it has no dot, is the number of the shadow file, 1 to 8. It need not be an
asterisk. Relative names are in the folder of the base image.
"""

import os
from pathlib import Path
from typing import Final

from ccw_actors.errors import ImageError

__all__ = ["SHADOWS_MAX", "chain_paths", "shadow_path"]

SHADOWS_MAX: Final = 8


def shadow_path(base: Path, name: str, number: int) -> Path:
    """Path of a shadow file of an image.

    Raises:
        ImageError: The name has no place for the number, or gives the base itself.
    """
    whole = base.parent / name
    stem, dot, suffix = whole.name.rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    if not stem:
        raise ImageError(
            f"shadow files {name!r}, expected a name such as disk_*.img, with a place"
            " for their number before the last dot"
        )
    path = whole.with_name(f"{stem[:-1]}{number}{dot}{suffix}")
    if os.path.realpath(path) == os.path.realpath(base):
        raise ImageError(f"shadow file {number} of {base.name} would be that file")
    return path


def chain_paths(base: Path, name: str) -> list[Path]:
    """Return the base and its shadow files that exist, from the bottom to the top.

    Raises:
        ImageError: The name has no place for a number.
    """
    paths = [base]
    for number in range(1, SHADOWS_MAX + 1):
        path = shadow_path(base, name, number)
        if not os.path.lexists(path):
            break
        paths.append(path)
    return paths
