"""Limits warnings to the first time."""

from collections.abc import Hashable
from typing import Final

__all__ = ["Once"]

_KEPT_MAX: Final = 1024


class Once:
    """Remembers the last thousand reports, to save memory."""

    def __init__(self) -> None:
        self._said: dict[Hashable, None] = {}

    def is_first(self, what: Hashable) -> bool:
        """Whether this is new, or was reported long ago; marks it as reported."""
        said = self._said
        if what in said:
            return False
        said[what] = None
        if len(said) > _KEPT_MAX:
            del said[next(iter(said))]
        return True
