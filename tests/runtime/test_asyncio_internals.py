"""The private names of asyncio, and what happens if one is missing."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ccw_actors.runtime
from ccw_actors.runtime._drive import asyncio_internals as internals


class Future:
    """A future like that of a known asyncio."""

    _asyncio_future_blocking = False


def test_this_python() -> None:
    """On the supported Pythons a turn can be the current task."""
    found = internals.found(asyncio.tasks, asyncio.Future)
    assert found == (internals.enter, internals.leave)


@pytest.mark.parametrize(
    ("tasks", "future"),
    [
        ({"_enter_task": print}, Future),
        ({"_leave_task": print}, Future),
        ({"_enter_task": print, "_leave_task": None}, Future),
        ({"_enter_task": print, "_leave_task": print}, object),
    ],
)
def test_something_is_missing(tasks: dict[str, Any], future: type) -> None:
    """If one name is missing, none is used."""
    assert internals.found(SimpleNamespace(**tasks), future) is None


def test_nothing_is_missing() -> None:
    """With all names, they are used."""
    tasks: Any = SimpleNamespace(_enter_task=print, _leave_task=repr)
    expected: Any = (print, repr)
    assert internals.found(tasks, Future) == expected


def test_one_module_has_all_of_it() -> None:
    """No other module of the runtime uses private names of asyncio."""
    (folder,) = ccw_actors.runtime.__path__
    users = {
        path.name
        for path in Path(folder).rglob("*.py")
        if re.search(r"asyncio\.\w+\._|asyncio\._|asyncio import _", path.read_text())
    }
    assert users <= {"asyncio_internals.py"}
