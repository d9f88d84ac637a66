"""What the name of a running machine may be."""

import re
from typing import Final

from ccw_actors.errors import ControlError

__all__ = ["NAME_RULE", "check_name", "is_name", "name_from", "socket_name"]

NAME_RULE: Final = "letters, digits, '.', '_' and '-', 64 at most and no '.' first"
"""The rule in words."""

_LENGTH_MAX: Final = 64
_NAME: Final = re.compile(rf"(?!\.)[A-Za-z0-9._-]{{1,{_LENGTH_MAX}}}", re.ASCII)
_OTHERS: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


def is_name(text: str) -> bool:
    """Whether a machine may have that name."""
    return _NAME.fullmatch(text) is not None


def check_name(text: str) -> str:
    """Return the name.

    Raises:
        ControlError: No machine may have it.
    """
    if not is_name(text):
        raise ControlError(
            f"expected a machine's name ({NAME_RULE}), got {text[:80]!r}"
        )
    return text


def name_from(stem: str) -> str:
    """Return the nearest name to the stem of a file, "machine" if nothing is left."""
    name = _OTHERS.sub("-", stem).lstrip(".").strip("-")
    # Room is left for a number that tells it from others.
    return name[: _LENGTH_MAX - 8] or "machine"


def socket_name(name: str) -> str:
    """Return what the socket of a machine is called in its folder."""
    return f"{name}.sock"
