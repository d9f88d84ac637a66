"""Every async test here runs on the stock event loop and on the virtual one.

It also runs pytest within a test.
"""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import pytest

from ccw_actors.testkit import virtual_time_loop

Run: TypeAlias = Callable[..., pytest.RunResult]

ASYNCIO = ("-p", "pytest_asyncio.plugin")

CAST = """
import asyncio
import pytest
from ccw_actors.runtime import Actor, Message, receive

class Note(Message, frozen=True):
    text: str

class Blow(Message, frozen=True):
    pass

class Diary(Actor[Note | Blow]):
    @receive
    def note(self, message: Note) -> Note:
        return message

    @receive
    def blow(self, _message: Blow) -> None:
        raise ValueError("loud")
"""


def pytest_asyncio_loop_factories() -> dict[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    """Name the loops."""
    return {"stock": asyncio.new_event_loop, "virtual": virtual_time_loop}


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on some tests in that mode of pytest-asyncio, "" for without it.

    A run that is `alone` has its own process.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(
        tests: str, *args: str, mode: str = "", alone: bool = False
    ) -> pytest.RunResult:
        pytester.makepyprojecttoml(
            f"""
            [tool.pytest]
            strict = true
            filterwarnings = ["error"]
            {"asyncio_default_fixture_loop_scope = 'function'" if mode else ""}
            {f"asyncio_mode = '{mode}'" if mode else ""}
            """
        )
        pytester.makepyfile(f"{CAST}\n{tests}")
        started = pytester.runpytest_subprocess if alone else pytester.runpytest
        plugins = ASYNCIO if mode else ()
        return started(*plugins, *args, "-p", "ccw_actors.pytest_plugin")

    return run
