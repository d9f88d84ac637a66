"""The engines that take random schedules, for scenarios with too many to take all.

"random" takes any possible step, each with the same probability. "pos" draws a priority
for each message when it first becomes possible, takes the highest, and draws again for
the messages that raced with it: the others for the same actor (Yuan, Yang, Gu 2018,
partial order sampling). Neither ever verifies anything.
"""

from time import perf_counter
from typing import NamedTuple

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._result import Engine, Limits, Progress, Step, Tick
from ccw_actors.explore._states import Found

__all__ = ["Dice", "Sampled", "Walk", "explore_some", "schedules_limit"]

_TICK_EVERY = 64
_MASK = (1 << 64) - 1


class Dice:
    """Numbers that look random and are the same for the same seed (splitmix64)."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def roll(self) -> int:
        """Return a number of 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _MASK
        return mixed ^ mixed >> 31


class Sampled(NamedTuple):
    """What random schedules have found, and the number of the one with a fault."""

    found: Found
    number: int


class Walk:
    """A random schedule, up to its first fault."""

    def __init__(
        self, model: ActorModel, dice: Dice, *, by_priority: bool = False
    ) -> None:
        (self.state,) = model.initial()
        self.path: list[tuple[State, Offer]] = []
        self.violation = model.violation(self.state)
        self.is_over = False
        self._model = model
        self._dice = dice
        self._by_priority = by_priority
        self._priorities: dict[tuple[int, int], int] = {}

    def go(self, depth: int) -> None:
        """Take steps up to a fault, the end, or `depth` steps."""
        while not self.is_over and not self.violation and len(self.path) < depth:
            self.step()

    def step(self) -> None:
        """Take one more step, or note that none is possible."""
        model, moves = self._model, self._model.moves(self.state)
        if not moves:
            self.violation = "" if model.left_out else model.rest(self.state)
            self.is_over = True
            return
        at = self._highest(moves) if self._by_priority else self._any(moves)
        offer, after = moves[at]
        self.path.append((self.state, offer))
        self.state = after
        self.violation = model.violation(after)

    def _any(self, moves: list[tuple[Offer, State]]) -> int:
        return self._dice.roll() % len(moves)

    def _highest(self, moves: list[tuple[Offer, State]]) -> int:
        priorities = self._priorities
        for offer, _ in moves:
            if offer.process not in priorities:
                priorities[offer.process] = self._dice.roll()
        best = max(range(len(moves)), key=lambda at: priorities[moves[at][0].process])
        actor = moves[best][0].owner
        for offer, _ in moves:
            if offer.owner == actor:
                del priorities[offer.process]
        return best


def explore_some(
    model: ActorModel,
    limits: Limits,
    tick: Tick | None = None,
    *,
    by_priority: bool = False,
    first: int = 0,
) -> Sampled:
    """Take random schedules up to number `limits.schedules`; see the module.

    Those before number `first` are left out. A schedule ends after `limits.depth`
    steps.
    """
    began = perf_counter()
    engine: Engine = "pos" if by_priority else "random"
    seed = Dice(limits.seed).roll()
    final: set[State] = set()
    steps, number, limit = 0, first, ""
    while not limit:
        # Dice of its own, so that a schedule does not depend on those before it.
        walk = Walk(model, Dice(seed + number), by_priority=by_priority)
        walk.go(limits.depth)
        steps += len(walk.path)
        if walk.is_over:
            final.add(walk.state)
        if walk.violation:
            way = tuple(model.step(*one) for one in walk.path)
            return Sampled(_found(walk.violation, way, "", steps, final), number)
        number += 1
        limit = _limit(limits, number, steps, perf_counter() - began)
        if tick is not None and number % _TICK_EVERY == 0:
            left = limits.schedules - number
            tick(Progress(engine, number - first, steps, left))
    return Sampled(_found("", (), limit, steps, final), number)


def _found(
    violation: str, path: tuple[Step, ...], limit: str, steps: int, final: set[State]
) -> Found:
    ended = frozenset(final)
    return Found(violation, path, limit, None, steps, None, None, 0, ended)


def schedules_limit(limits: Limits) -> str:
    """Return the limit that all random schedules reach without a fault, in words."""
    return f"{limits.schedules} random schedules, seed {limits.seed}"


def _limit(limits: Limits, schedules: int, steps: int, seconds: float) -> str:
    if schedules >= limits.schedules:
        return schedules_limit(limits)
    if steps >= limits.steps:
        return f"{limits.steps} steps"
    if seconds >= limits.seconds:
        return f"{limits.seconds:g} seconds"
    return ""
