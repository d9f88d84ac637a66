"""The number of values that bytes from outside may become, to bound the memory.

One byte of msgpack can become an empty dict of 64 bytes, so a bound on the bytes alone
does not bound the memory.
"""

from typing import Any, Final

import msgpack

__all__ = ["OBJECTS_MAX", "SIZE_MAX", "SMALL", "check_objects"]

SIZE_MAX: Final = 1 << 24
"""The default maximum of bytes in one value from outside: 16 MiB."""

OBJECTS_MAX: Final = 1 << 20
"""The default maximum of values in one value from outside.

Each takes some 80 bytes of memory, and 216 if it is a set.
"""

SMALL: Final = 1 << 16
"""Up to this many bytes need no counting: they become at most 16 MiB."""


class _Counter:
    """Counts the values in arrays and maps as they are unpacked, and forgets them."""

    def __init__(self, objects_max: int) -> None:
        self._left = self._max = objects_max

    def array(self, values: list[Any]) -> None:
        """Count the elements of an array."""
        self._count(len(values))

    def map(self, pairs: list[tuple[Any, Any]]) -> None:
        """Count the keys and values of a map."""
        self._count(2 * len(pairs))

    def _count(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise ValueError(f"expected at most {self._max} values in one")


def check_objects(payload: bytes, objects_max: int) -> None:
    """Check that a msgpack value contains at most `objects_max` values.

    Raises:
        ValueError: It contains more, or is not msgpack.
    """
    counter = _Counter(objects_max)
    try:
        msgpack.unpackb(
            payload,
            raw=True,
            strict_map_key=False,
            list_hook=counter.array,
            object_pairs_hook=counter.map,
            max_array_len=objects_max,
            max_map_len=objects_max,
        )
    except (TypeError, msgpack.UnpackException) as error:
        raise ValueError(str(error) or type(error).__name__) from error
