"""Plain transition systems: verdicts, shortest counterexamples, and limits."""

import pytest

from ccw_actors.explore import ExploreError, Limits, Progress, TransitionSystem, explore
from ccw_actors.explore._plain import Holds


def counter(
    stop: int, *, bad: int = -1, final: Holds[int] | None = None, reach: int = 0
) -> TransitionSystem[int, int]:
    """Return a counter that goes up by one or by two, up to `stop`."""
    return TransitionSystem[int, int](
        [0],
        lambda state: (1, 2) if state < stop else (),
        lambda state, step: state + step if state + step <= stop else None,
        invariants={"good": lambda state: state != bad},
        finals={"ends well": final} if final else {},
        sometimes={"goes far": lambda state: state >= reach},
    )


def test_counts() -> None:
    """The states, the steps and the ways to the end are those of a staircase."""
    result = explore(counter(5))
    assert (result.states, result.steps, result.schedules) == (6, 9, 8)
    assert result.classes is None
    assert result.delivery is None


def test_shortest_counterexample() -> None:
    """No way to the fault is shorter than the counterexample."""
    result = explore(counter(9, bad=7))
    assert result.verdict == "refuted"
    assert [str(step) for step in result.counterexample].count("2") == 3
    assert len(result.counterexample) == 4
    assert str(result).splitlines()[0] == "REFUTED: good"


def test_fault_at_the_beginning() -> None:
    """A fault of the initial state needs no step."""
    result = explore(counter(5, bad=0))
    assert (result.verdict, result.counterexample) == ("refuted", ())


def test_final() -> None:
    """A final property is checked where nothing is left to do, and only there."""
    assert explore(counter(5, final=lambda state: state == 5))
    result = explore(counter(5, final=lambda state: state != 5))
    assert result.violation == "ends well"
    assert len(result.counterexample) == 3


def test_sometimes() -> None:
    """A `sometimes` that never holds makes the verdict vacuous."""
    assert explore(counter(5, reach=5))
    result = explore(counter(5, reach=6))
    assert result.verdict == "vacuous"
    assert not result
    assert result.violation == "never: goes far"
    assert result.counterexample == ()


def test_exploring_twice_is_the_same() -> None:
    """A system remembers nothing from an earlier exploration."""
    seen: list[int] = []

    def once(state: int) -> bool:
        seen.append(state)
        return len(seen) == 1

    system = TransitionSystem[int, int](
        [0], lambda _: (), lambda _, step: step, sometimes={"once": once}
    )
    assert [explore(system).verdict for _ in "12"] == ["verified", "vacuous"]


def test_cycle_has_no_number_of_ways() -> None:
    """If a run can go round forever, schedules are not counted."""
    ring = TransitionSystem[int, int]([0], lambda _: (1,), lambda s, a: (s + a) % 3)
    result = explore(ring)
    assert (result.verdict, result.states, result.schedules) == ("verified", 3, None)


@pytest.mark.parametrize(
    "limits", [Limits(states=50), Limits(steps=50), Limits(seconds=0)]
)
def test_limit_is_never_verified(limits: Limits) -> None:
    """A limit that is reached is named, and makes the verdict incomplete."""
    result = explore(counter(1000, reach=1000), limits=limits)
    assert result.verdict == "incomplete"
    assert not result
    assert "within the limit of" in result.scope


def test_fault_within_the_limit_counts() -> None:
    """A fault that is found before the limit refutes the system."""
    result = explore(counter(1000, bad=5), limits=Limits(states=50))
    assert result.verdict == "refuted"


def test_tick() -> None:
    """The tick is called at intervals with the progress."""
    told: list[Progress] = []
    explore(counter(2000), tick=told.append)
    assert told
    assert told == sorted(told)
    assert {one.engine for one in told} == {"states"}
    assert all(one.left <= one.found for one in told)


def test_only_states() -> None:
    """Without actors the engine "orders" is refused."""
    with pytest.raises(ExploreError, match="'states' only, not 'orders'"):
        explore(counter(5), engine="orders")


def test_explored_twice_at_once() -> None:
    """What one exploration has seen is not what another one has."""
    system = TransitionSystem[int, int](
        [0],
        lambda state: (1,) if state < 999 else (),
        lambda state, step: state + step,
        sometimes={"nine": lambda state: state == 9},
    )
    others: list[str] = []

    def tick(progress: Progress) -> None:
        if progress.found > 9 and not others:
            others.append(explore(system, limits=Limits(states=5)).verdict)

    assert explore(system, tick=tick).verdict == "verified"
    assert others == ["incomplete"]
