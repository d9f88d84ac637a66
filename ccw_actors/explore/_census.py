"""Counts how many schedules fail, instead of stopping at the first that does.

A census takes one schedule of each class, as the engine "orders" does, and each to its
end. It checks the last state only: the schedules of a class end alike, but go through
different states on the way. A rate is that of random schedules, in which each possible
step has the same probability.
"""

from time import perf_counter

import msgspec

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._entry import model_of
from ccw_actors.explore._errors import UnsoundError
from ccw_actors.explore._global_state import State
from ccw_actors.explore._orders import Orders
from ccw_actors.explore._result import Limits, Network, Tick, Time
from ccw_actors.explore._sample import Dice, Walk
from ccw_actors.explore._soundness import check_classes
from ccw_actors.explore._world import Scenario

__all__ = ["Census", "Rate", "census", "sample_rate"]

_CLASSES_MAX = 20_000
_SCHEDULES = 1_000
_DEPTH = 2_000
_SECONDS = 60.0


class Census(msgspec.Struct, frozen=True):
    """How many classes of schedules there are, and how many of them fail.

    `limit` is what ended the count, "" if all were counted. With a limit the counts
    cover the classes seen until then. They are neither totals nor a sample, as similar
    classes come one after the other.
    """

    classes: int
    violating: int
    limit: str


class Rate(msgspec.Struct, frozen=True):
    """How many random schedules were taken, and how many of them met a fault."""

    schedules: int
    violating: int


class _Counted(Orders):
    """Takes schedules to their ends, and counts those that fail there."""

    def __init__(self, model: ActorModel, classes_max: int) -> None:
        super().__init__(model)
        self.violating = 0
        self._classes_max = classes_max
        self._is_full = False

    def meet(self, state: State) -> None:
        """Check nothing: only the last state of a schedule counts."""

    def end(self, state: State) -> None:
        """Count a schedule, unless `classes_max` are counted."""
        if self.classes >= self._classes_max:
            self._is_full = True
            return
        self.classes += 1
        if state not in self.final:
            self.final[state] = self.model.violation(state) or self.model.rest(state)
        self.violating += bool(self.final[state])

    def reached(self, limits: Limits, began: float) -> str:
        """Return which limit has been reached, "" for none."""
        if self._is_full:
            return f"{self._classes_max} classes"
        return super().reached(limits, began)


def census(
    scenario: Scenario,
    *,
    delivery: Network = "channel",
    time: Time = "untimed",
    limits: Limits | None = None,
    classes_max: int = _CLASSES_MAX,
    tick: Tick | None = None,
) -> Census:
    """Count the classes of schedules, and those that end in a faulty state.

    The last state of each schedule is checked against all properties but `sometimes`,
    system invariants included. So record a fault on the way where it is still visible
    at the end: in the state of an actor, or in a monitor `of` one. A schedule that ends
    because an actor has failed counts as well.

    Steps that depend on all others (see the engine "orders") split classes, so that
    some are counted more than once. `limits` are `steps`, `seconds` and `depth`: a
    schedule longer than `depth` ends the census.

    Raises `UnsoundError` for a monitor of all actors, ordered time, and an unordered
    network, where schedules of one class need not end alike, and `HiddenStateError` and
    `ExploreError` as `explore` does.
    """
    model = model_of(scenario, delivery, time)
    check_classes(model, "there are no classes to be counted")
    _check_follows_one(model)
    run = _Counted(model, classes_max)
    run.search(Limits() if limits is None else limits, tick)
    return Census(run.classes, run.violating, run.limit)


def _check_follows_one(model: ActorModel) -> None:
    """Raise `UnsoundError` for a monitor that follows several actors."""
    names = model.world.properties.follows_several()
    if names:
        reason = (
            "schedules of one class may differ for it; say with `of` which actor it"
            " follows"
        )
        raise UnsoundError("orders", names, reason)


def sample_rate(
    scenario: Scenario,
    *,
    delivery: Network = "channel",
    schedules: int = _SCHEDULES,
    seed: int = 0,
    depth: int = _DEPTH,
    seconds: float = _SECONDS,
) -> Rate:
    """Take random schedules, and count those that meet a fault.

    They are those of the engine "random" for this `seed`. Every state is checked
    against all properties but `sometimes`. Each schedule ends with its first fault,
    when nothing is left to do, or after `depth` steps. Fewer than `schedules` are taken
    if that takes longer than `seconds`.
    """
    model = model_of(scenario, delivery, "untimed")
    dice = Dice(seed)
    began = perf_counter()
    taken = violating = 0
    while taken < schedules and perf_counter() - began < seconds:
        walk = Walk(model, dice)
        walk.go(depth)
        taken += 1
        violating += bool(walk.violation)
    return Rate(taken, violating)
