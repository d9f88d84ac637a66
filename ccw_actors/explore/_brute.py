"""The engine that takes every schedule: for tiny scenarios."""

from collections.abc import Iterator
from operator import length_hint
from time import perf_counter
from typing import TypeAlias

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._result import CLOCK_EVERY, Limits, Progress, Tick
from ccw_actors.explore._states import Found

__all__ = ["explore_all"]


Histories: TypeAlias = frozenset[tuple[int, tuple[tuple[int, int, bool], ...]]]


class _All:
    """The current schedule, and the results of all schedules so far."""

    def __init__(self, model: ActorModel, *, keeps_noops: bool) -> None:
        self.model = model
        self._keeps_noops = keeps_noops
        self.path: list[tuple[State, Offer]] = []
        self.open: list[tuple[State, Iterator[tuple[Offer, State]]]] = []
        self.classes: set[Histories] = set()
        self.states: set[State] = set()
        self.final: set[State] = set()
        self.schedules = self.steps = 0
        self.violation = ""
        (first,) = model.initial()
        self._enter(first)

    def _enter(self, state: State) -> None:
        model = self.model
        if state not in self.states:
            self.states.add(state)
            self.violation = model.violation(state)
        if self.violation:
            return
        moves = model.moves(state)
        if self._keeps_noops:
            moves = [one for one in moves if not self._is_noop(state, *one)]
        self.open.append((state, iter(moves)))
        if not moves and not model.left_out:
            self.schedules += 1
            self.final.add(state)
            self.classes.add(_histories(self.path))
            self.violation = model.rest(state)

    def _is_noop(self, state: State, offer: Offer, after: State) -> bool:
        """Whether a step has done nothing but take one message out of the network.

        This compares the states place by place, while the other engines decide by the
        effect of the handler.
        """
        if offer.timer or offer.crash:
            return False
        waiting = self.model.compact.waiting
        places = range(max(len(state), len(after)))
        differ = [at for at in places if _at(state, at) != _at(after, at)]
        if len(differ) != 1:
            return False
        was, now = (sorted(waiting(_at(one, differ[0]))) for one in (state, after))
        if offer.envelope not in was:
            return False
        was.remove(offer.envelope)
        return was == now

    def advance(self) -> None:
        """Take one more step, or go back one."""
        state, moves = self.open[-1]
        for offer, after in moves:
            self.path.append((state, offer))
            self.steps += 1
            self._enter(after)
            return
        self.open.pop()
        if self.path:
            self.path.pop()


def explore_all(
    model: ActorModel,
    limits: Limits,
    tick: Tick | None = None,
    *,
    keeps_noops: bool = False,
) -> Found:
    """Take every schedule, and keep them all.

    Two schedules are of one class if every actor handles the same messages and timers
    in the same order. With `keeps_noops` a message that changes nothing is not taken,
    although the model would take it.
    """
    began = perf_counter()
    every = _All(model, keeps_noops=keeps_noops)
    limit = _take_all(every, limits, tick, began)
    limit = "" if every.violation else limit
    whole = not every.violation and not limit
    return Found(
        every.violation,
        tuple(model.step(*one) for one in every.path) if every.violation else (),
        limit,
        len(every.states),
        every.steps,
        every.schedules if whole else None,
        len(every.classes) if whole else None,
        0,
        frozenset(every.final),
    )


def _take_all(every: _All, limits: Limits, tick: Tick | None, began: float) -> str:
    """Take schedules up to a fault, the end, or a limit, which is returned."""
    while every.open and not every.violation:
        every.advance()
        limit = _limit(limits, every, began)
        if limit:
            return limit
        if tick is not None and every.steps % CLOCK_EVERY == 0:
            left = sum(length_hint(moves) for _, moves in every.open)
            tick(Progress("brute force", every.schedules, every.steps, left))
    return ""


def _limit(limits: Limits, every: _All, began: float) -> str:
    if every.steps >= limits.steps:
        return f"{limits.steps} steps"
    if len(every.path) > limits.depth:
        return f"{limits.depth} steps in one schedule"
    if every.steps % CLOCK_EVERY == 0 and perf_counter() - began >= limits.seconds:
        return f"{limits.seconds:g} seconds"
    return ""


def _histories(path: list[tuple[State, Offer]]) -> Histories:
    """Return what each actor has handled, in order."""
    histories: dict[int, list[tuple[int, int, bool]]] = {}
    for _, offer in path:
        if offer.arrives:
            continue
        one = offer.envelope, offer.timer, offer.crash
        histories.setdefault(offer.owner, []).append(one)
    return frozenset((actor, tuple(done)) for actor, done in histories.items())


def _at(state: State, place: int) -> int:
    return state[place] if place < len(state) else 0
