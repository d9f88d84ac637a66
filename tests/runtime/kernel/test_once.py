"""Warnings that are logged once."""

import pytest

from ccw_actors.runtime._kernel import once as module
from ccw_actors.runtime._kernel.once import Once
from tests.runtime.kernel.cast import sizes_in


def test_once() -> None:
    """Only the first time counts, for each warning."""
    once = Once()
    said = [once.is_first(what) for what in ("a", "b", "a", ("a", "b"), "b")]
    assert said == [True, True, False, True, False]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old warning is logged again after many others."""
    monkeypatch.setattr(module, "_KEPT_MAX", 3)
    once = Once()
    for what in range(4):
        assert once.is_first(what)
    assert sizes_in(once) == [3]
    assert not once.is_first(3)
    assert once.is_first(0)
