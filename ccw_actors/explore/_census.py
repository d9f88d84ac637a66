"""Counts how many orders are wrong, instead of stopping at the first that is.

A census takes one order of each class, as the engine "orders" does, and each to its
end. What is wrong on the way does not stop it and is not looked at: the orders of a
class end alike, but go through other states on the way. A rate is that of orders taken
by lot, in which each step there is has the same chance.
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
    """How many classes of orders there are, and how many of them end wrong.

    `limit` is what ended the counting, "" if all were counted. With a limit the counts
    are of what was seen until then: neither totals nor a sample, as neighbours come one
    after the other.
    """

    classes: int
    violating: int
    limit: str


class Rate(msgspec.Struct, frozen=True):
    """How many orders were taken by lot, and in how many a fault was met."""

    schedules: int
    violating: int


class _Counted(Orders):
    """Orders taken to their ends, of which those that end wrong are counted."""

    def __init__(self, model: ActorModel, classes_max: int) -> None:
        super().__init__(model)
        self.violating = 0
        self._classes_max = classes_max
        self._is_full = False

    def meet(self, state: State) -> None:
        """Pass a state on the way."""

    def end(self, state: State) -> None:
        """Count an order, unless there are enough."""
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
    """Count the classes of orders, and those that end in a state that is wrong.

    All properties but `sometimes` are asked, of the last state of each order, system
    invariants too. So what is wrong on the way has to be noted where it is still to be
    found at the end: in the state of an actor, or in a monitor `of` one. An order that
    ends because an actor has failed is wrong.

    Steps that matter to all others (see the engine "orders") make more classes than
    orders differ. `limits` are `steps`, `seconds` and `depth`: an order that is longer
    ends the census.

    Raises `UnsoundError` for a monitor of all actors, time that is ordered, and an
    unordered network, where orders that differ for no actor need not end alike, and
    `HiddenStateError` and `ExploreError` as `explore` does.
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
            "orders that differ for no single actor may differ for it; say with `of`"
            " which actor it follows"
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
    """Take orders by lot, and count those in which a fault is met.

    They are those of the engine "random", which the `seed` decides. All properties but
    `sometimes` are asked, of every state. Each order ends with its first fault, where
    nothing is left to do, or after `depth` steps. There are fewer than asked for if the
    `seconds` are over.
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
