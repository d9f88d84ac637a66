"""What the tests of the runtime share: a world to play in."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.runtime.worlds import WORLDS, World


@pytest_asyncio.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Make each of the worlds in turn."""
    made = World(request.param)
    yield made
    assert await made.system.shutdown() == []
