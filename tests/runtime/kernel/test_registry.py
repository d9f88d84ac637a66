"""The registry: addresses, paths, incarnations and names."""

import pytest

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime._kernel import registry as module
from ccw_actors.runtime._kernel.registry import Registry
from tests.runtime.kernel.cast import make_cell, sizes_in


def come_and_go(registry: Registry, path: str) -> str:
    """Add and remove an actor at a path; return its address."""
    cell = make_cell(path, incarnation=registry.next_incarnation(path))
    registry.add(cell)
    registry.remove(cell)
    return cell.address


def test_by_address_and_by_path() -> None:
    """An actor is found by its address, and as the one that is at its path now."""
    registry = Registry()
    first, third = make_cell("a"), make_cell("b", incarnation=3)
    registry.add(first)
    registry.add(third)
    assert registry.cells == {"a": first, "b#3": third}
    assert (registry.at("a"), registry.at("b")) == (first, third)
    assert registry.at("b#3") is third
    assert registry.at("c") is None
    for cell in (first, third):
        registry.remove(cell)
    assert registry.cells == {}
    assert registry.at("a") is registry.at("b") is None


def test_has() -> None:
    """An actor exists until it is removed, and no other one counts as it."""
    registry = Registry()
    first, second = make_cell("a"), make_cell("a", incarnation=2)
    assert not registry.has(first)
    registry.add(first)
    assert registry.has(first)
    registry.remove(first)
    registry.add(second)
    assert [registry.has(first), registry.has(second)] == [False, True]
    assert not registry.has(make_cell("a", incarnation=2))


def test_incarnations_are_counted_at_each_path() -> None:
    """An actor at a used path has an unused number."""
    registry = Registry()
    assert [come_and_go(registry, "a") for _ in range(3)] == ["a", "a#2", "a#3"]
    assert come_and_go(registry, "b") == "b"
    assert registry.next_incarnation("a") == 4
    assert registry.next_incarnation("never") == 1


def test_paths_that_were_left_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """For old paths only the greatest number is known, and no used one is given.

    So an actor at a path that was never used may have a number above 1.
    """
    monkeypatch.setattr(module, "_REMEMBERED", 4)
    registry = Registry()
    for _ in range(3):
        come_and_go(registry, "old")
    for number in range(5):
        come_and_go(registry, f"new-{number}")
    assert registry.next_incarnation("old") == 4
    assert registry.next_incarnation("never") == 4
    assert registry.next_incarnation("new-3") == 2
    assert come_and_go(registry, "old") == "old#4"


def test_paths_in_use_are_remembered_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last actor at a path decides when the path is forgotten."""
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    registry = Registry()
    for path in ("busy", "idle", "busy", "another"):
        come_and_go(registry, path)
    assert registry.next_incarnation("busy") == 3
    assert registry.next_incarnation("another") == 2
    assert registry.next_incarnation("never") == 2


def test_memory_of_what_is_over_is_bounded() -> None:
    """However many paths are used once and left, a fixed number is remembered.

    Not one number is used twice at any of them.
    """
    registry = Registry()
    paths = [f"session/{number}" for number in range(20_000)]
    for path in paths:
        come_and_go(registry, path)
    addresses = {come_and_go(registry, path) for path in paths}
    assert not addresses & set(paths)
    assert max(sizes_in(registry)) == 16_384


def test_replace_all() -> None:
    """After restoring a snapshot, exactly these actors exist."""
    registry = Registry()
    registry.add(make_cell("a", incarnation=2))
    b, c = make_cell("b"), make_cell("c", incarnation=2)
    cells = registry.cells
    registry.replace_all([b, c])
    assert registry.cells is cells == {"b": b, "c#2": c}
    assert (registry.at("a"), registry.at("b"), registry.at("c")) == (None, b, c)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "the path is empty"),
        ("a#2", "a path must not contain '#'"),
        ("taken", "the path is taken"),
        ("taken again", "the path is taken"),
    ],
)
def test_check_free(path: str, why: str) -> None:
    """The error says why no actor can be spawned there."""
    registry = Registry()
    registry.add(make_cell("taken"))
    registry.add(make_cell("taken again", incarnation=2))
    registry.check_free("free")
    with pytest.raises(CcwActorsError, match=f"^cannot spawn at {path!r}: {why}"):
        registry.check_free(path)


def test_free_names_pass_over_taken_ones() -> None:
    """A name consists of the class and a counter that skips taken names."""
    registry = Registry()
    registry.add(make_cell("worker-2"))
    names = [registry.free_name("Worker", None) for _ in range(3)]
    assert names == ["worker-1", "worker-3", "worker-4"]
    assert registry.free_name("Clerk", None) == "clerk-1"


def test_free_names_of_children() -> None:
    """Children have a counter of their parent's, and are looked for below its path."""
    registry = Registry()
    parent = make_cell("p")
    registry.add(make_cell("p/worker-2"))
    registry.add(make_cell("worker-1"))
    names = [registry.free_name("Worker", parent) for _ in range(3)]
    assert names == ["worker-1", "worker-3", "worker-4"]
    assert registry.free_name("Clerk", parent) == "clerk-5"
