"""Every test here runs on the stock event loop and on the one with virtual time."""

import asyncio
from collections.abc import Callable

from ccw_actors.testkit import virtual_time_loop


def pytest_asyncio_loop_factories() -> dict[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    """Name the loops."""
    return {"stock": asyncio.new_event_loop, "virtual": virtual_time_loop}
