"""Pieces of an exploration find together what the whole finds, however many."""

from functools import partial
from typing import Any

import pytest

from ccw_actors.explore import (
    EngineInPieces,
    ExploreError,
    Limits,
    Network,
    Piece,
    Result,
    Scenario,
    UnsoundError,
    World,
    explore,
    explore_piece,
    merge_pieces,
)
from examples.explore.published.algorithms import ALGORITHMS
from examples.explore.published.bugs import BUGS
from tests.explore.test_orders import producers
from tests.explore.test_sample import race

DELIVERIES: tuple[Network, ...] = ("channel", "mailbox")
SAMPLES: tuple[EngineInPieces, ...] = ("random", "pos")


def in_pieces(
    scenario: Scenario,
    pieces: int,
    engine: EngineInPieces,
    delivery: Network = "channel",
    limits: Limits | None = None,
) -> Result:
    """Explore all pieces, one after the other."""
    found = [
        explore_piece(
            scenario,
            Piece(number, pieces),
            engine=engine,
            delivery=delivery,
            limits=limits,
        )
        for number in range(pieces)
    ]
    return merge_pieces(found, engine=engine, delivery=delivery, limits=limits)


SCENARIOS = [
    *(pytest.param(one.cured, id=one.name) for one in BUGS if not one.how),
    *(
        pytest.param(producers(count, each), id=f"{count} producers of {each}")
        for count, each in ((3, 2), (2, 4))
    ),
]
UNCURED = [pytest.param(one.uncured, id=one.name) for one in BUGS]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_classes_are_those_of_the_whole(scenario: Scenario, delivery: Network) -> None:
    """No class is missed, and none is counted in two pieces."""
    whole = explore(scenario, engine="orders", delivery=delivery)
    assert whole.classes is not None
    for pieces in (1, 3, 7):
        found = in_pieces(scenario, pieces, "orders", delivery)
        assert (found.verdict, found.classes) == (whole.verdict, whole.classes)
        assert found.coverage == whole.coverage
        assert found.dead_letters == whole.dead_letters


@pytest.mark.parametrize("scenario", UNCURED)
def test_fault_does_not_depend_on_the_number_of_pieces(scenario: Scenario) -> None:
    """The counterexample is the first one in the order of subtrees."""
    found = [in_pieces(scenario, pieces, "orders") for pieces in (1, 2, 7)]
    assert {one.verdict for one in found} == {"refuted"}
    assert len({(one.violation, one.counterexample) for one in found}) == 1


@pytest.mark.parametrize("engine", SAMPLES)
def test_schedules_are_those_of_the_whole(engine: EngineInPieces) -> None:
    """The same seed takes the same schedules in pieces, and fails in the same one."""
    limits = Limits(seed=3)
    whole = explore(race, engine=engine, limits=limits)
    assert whole.verdict == "refuted"
    for pieces in (1, 4, 9):
        found = in_pieces(race, pieces, engine, limits=limits)
        assert found.counterexample == whole.counterexample


@pytest.mark.parametrize("engine", SAMPLES)
def test_limit_is_that_of_the_whole(engine: EngineInPieces) -> None:
    """All pieces together take all schedules, also if there are more pieces."""
    limits = Limits(schedules=5)
    whole = explore(producers(2, 2), engine=engine, limits=limits)
    for pieces in (1, 2, 8):
        found = in_pieces(producers(2, 2), pieces, engine, limits=limits)
        assert (found.scope, found.steps) == (whole.scope, whole.steps)


def test_limit_of_one_piece_makes_the_whole_incomplete() -> None:
    """The pieces that were whole do not verify anything on their own."""
    found = in_pieces(producers(3, 3), 4, "orders", limits=Limits(steps=400))
    assert found.verdict == "incomplete"
    assert "400 steps" in found.scope


def test_vacuous_is_what_no_piece_has_tested() -> None:
    """What happens in one piece only has happened."""

    def scenario(world: World) -> None:
        race_of_two = producers(2, 2)
        race_of_two(world)
        sink = world.system.ref("sink")
        for first in ("p00", "p10"):
            world.sometimes(f"{first} is first", partial(_is_first, first), of=sink)
        world.sometimes("never", lambda _state: False, of=sink)

    found = in_pieces(scenario, 6, "orders")
    assert (found.verdict, found.violation) == ("vacuous", "never: never")


def _is_first(name: str, state: Any) -> bool:
    return bool(state.names[:1] == [name])


def test_what_has_no_pieces() -> None:
    """A transition system, and properties of several actors, say why not."""
    plain = next(one for one in ALGORITHMS if one.name == "Two-phase commit")
    with pytest.raises(ExploreError, match="engine 'states' only"):
        explore_piece(plain.broken, Piece(0, 2), engine="orders")
    with pytest.raises(UnsoundError):
        explore_piece(BUGS[0].cured, Piece(0, 2), engine="orders", delivery="unordered")
