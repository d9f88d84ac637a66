"""The graph of blocked actors, and its cycles."""

import msgspec
import pytest

from ccw_actors.runtime._kernel.wait_graph import WaitGraph


class CircleError(Exception):
    """The cycle error of the waits in these tests."""


class Wait(msgspec.Struct, eq=False):
    """A wait for an actor."""

    target: str

    def summary(self) -> str:
        """Return the target."""
        return f"the end of {self.target}"

    def cycle_error(self, cycle: tuple[str, ...]) -> CircleError:
        """Return an error with the cycle."""
        return CircleError(*cycle)


def test_what_somebody_waits_for() -> None:
    """The graph has the wait while it lasts, and "" before and after."""
    graph, wait = WaitGraph(), Wait("b")
    assert graph.of("a") == ""
    graph.begin("a", wait)
    assert graph.of("a") == "the end of b"
    graph.end("a", wait)
    assert graph.of("a") == ""
    graph.end("a", wait)


def test_end_of_another_wait() -> None:
    """Ending an old wait does not end a new one."""
    graph, first, second = WaitGraph(), Wait("b"), Wait("b")
    graph.begin("a", first)
    graph.end("a", first)
    graph.begin("a", second)
    graph.end("a", first)
    assert graph.waits == {"a": second}


@pytest.mark.parametrize(
    ("waits", "cycle"),
    [
        (("a a",), ("a", "a")),
        (("a b", "b a"), ("b", "a", "b")),
        (("a b", "b c", "c d", "d a"), ("d", "a", "b", "c", "d")),
        (("b c", "c a", "a b"), ("a", "b", "c", "a")),
        (("x a", "a b", "b a"), ("b", "a", "b")),
    ],
)
def test_circle(waits: tuple[str, ...], cycle: tuple[str, ...]) -> None:
    """The wait that would close a cycle does not begin, and lists it in order."""
    graph = WaitGraph()
    *before, last = [one.split() for one in waits]
    for who, target in before:
        graph.begin(who, Wait(target))
    with pytest.raises(CircleError) as caught:
        graph.begin(last[0], Wait(last[1]))
    assert caught.value.args == cycle
    assert last[0] not in graph.waits


def test_chain_is_no_circle() -> None:
    """Any number of waits in a row, or for one and the same, are allowed."""
    graph = WaitGraph()
    for number in range(1000):
        graph.begin(str(number), Wait(str(number + 1)))
    for who in "xy":
        graph.begin(who, Wait("500"))
        assert graph.of(who) == "the end of 500"
    with pytest.raises(CircleError) as caught:
        graph.begin("1000", Wait("x"))
    assert caught.value.args[:3] == ("1000", "x", "500")
