"""The names that running machines may have."""

import re
from typing import Final

from ccw_actors.errors import ControlError

__all__ = ["NAME_RULE", "check_name", "is_name", "name_from", "socket_name"]

NAME_RULE: Final = (
    "at most 64 letters, digits, '.', '_' and '-', not beginning with '.'"
)
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
    """Make a name of the stem of a file; "machine" if no character of it may stay."""
    name = _OTHERS.sub("-", stem).lstrip(".").strip("-")
    # A number may follow that tells it from others.
    return name[: _LENGTH_MAX - 8] or "machine"


def socket_name(name: str) -> str:
    """Return the file name of a machine's socket."""
    return f"{name}.sock"
