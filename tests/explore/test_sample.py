"""Orders by lot: they find faults, repeatably, and never verify."""

import pytest

from ccw_actors.explore import Engine, Limits, Progress, View, World, explore
from tests.explore.test_orders import producers

LOTS: tuple[Engine, ...] = ("random", "pos")


def race(world: World) -> None:
    """Have the last of three producers come first in one of many orders."""
    producers(3, 2)(world)
    sink = world.system.ref("sink")
    world.invariant(
        sink,
        "the last is not twice the first",
        lambda state: state.names[:2] != ["p20", "p21"],
    )


@pytest.mark.parametrize("engine", LOTS)
def test_faults_are_found(engine: Engine) -> None:
    """A fault is found, and the way to it is one."""
    result = explore(race, engine=engine)
    assert result.verdict == "refuted"
    handled = [str(one) for one in result.counterexample if one.actor == "sink"]
    assert [step.partition(">")[0] for step in handled] == ["p2 ", "p2 "]


@pytest.mark.parametrize("engine", LOTS)
def test_seed_decides(engine: Engine) -> None:
    """The same seed takes the same orders, another one others."""
    ways = [
        explore(race, engine=engine, limits=Limits(seed=seed)).counterexample
        for seed in (1, 1, *range(2, 12))
    ]
    assert ways[0] == ways[1]
    assert len(set(ways)) > 1


@pytest.mark.parametrize("engine", LOTS)
def test_nothing_is_verified(engine: Engine) -> None:
    """However many orders have been good, the verdict is incomplete."""
    told: list[Progress] = []
    result = explore(
        producers(2, 1),
        engine=engine,
        limits=Limits(schedules=200),
        tick=told.append,
    )
    assert result.verdict == "incomplete"
    assert "200 random schedules, seed 0" in result.scope
    assert [(one.engine, one.found, one.left) for one in told] == [
        (engine, 64, 136),
        (engine, 128, 72),
        (engine, 192, 8),
    ]


@pytest.mark.parametrize("engine", LOTS)
def test_every_end_is_reached(engine: Engine) -> None:
    """With enough of them, small scenarios are seen whole."""
    ends: set[tuple[str, ...]] = set()

    def scenario(world: World) -> None:
        producers(3, 1)(world)

        def note(view: View) -> bool:
            ends.add(tuple(view["sink"].names))
            return True

        world.final("noted", note)

    explore(scenario, engine=engine, limits=Limits(schedules=300))
    assert len(ends) == 6
