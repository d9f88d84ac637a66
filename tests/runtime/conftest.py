"""Fixtures of the runtime's tests: a System under each dispatcher."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.runtime.handled import WAYS, Runs, as_task, driven_by, handled
from tests.runtime.worlds import WORLDS, World


@pytest_asyncio.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Make a System under each dispatcher in turn."""
    with driven_by("task" if request.param == "loop/task" else "turn"):
        made = World(request.param)
        yield made
        assert await made.system.shutdown() == []


@pytest_asyncio.fixture(params=["asyncio.Task", *WAYS])
async def runs(request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    """Run a coroutine as a task, and as a handler in each way."""
    if request.param == "asyncio.Task":
        yield as_task
        return
    with driven_by(request.param):
        yield handled
