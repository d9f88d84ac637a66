"""What is said once, and not each time that it happens."""

from collections.abc import Hashable
from typing import Final

__all__ = ["Once"]

_KEPT_MAX: Final = 1024


class Once:
    """Remembers what has been said: the last thousand, so that it takes little room."""

    def __init__(self) -> None:
        self._said: dict[Hashable, None] = {}

    def is_first(self, what: Hashable) -> bool:
        """Whether this has not been said before, or long ago; from now on it has."""
        said = self._said
        if what in said:
            return False
        said[what] = None
        if len(said) > _KEPT_MAX:
            del said[next(iter(said))]
        return True
