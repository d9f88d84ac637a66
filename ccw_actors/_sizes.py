"""Sizes in bytes, as people write them."""

import re

__all__ = ["read_size"]

_SIZE = re.compile(r"(\d{1,20}) ?(KiB|MiB|GiB)?", re.ASCII)
_UNITS = {None: 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def read_size(value: object) -> int:
    """Take bytes as an integer, or a text such as "1 MiB" (KiB, MiB, GiB).

    Raises:
        ValueError: `value` is neither.
    """
    if type(value) is int:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        return int(match[1]) * _UNITS[match[2]]
    raise ValueError(
        f'expected bytes as an integer, or a size such as "1 MiB", got {value!r}'
    )
