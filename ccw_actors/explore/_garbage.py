"""Python's garbage collector, which has little to do in an exploration."""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

__all__ = ["rare_collections"]

_COLLECT_AFTER: Final = 50_000


@contextmanager
def rare_collections() -> Generator[None]:
    """Run the garbage collector less often: nearly every new object stays."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(before[0], _COLLECT_AFTER), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
