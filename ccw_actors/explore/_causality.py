"""Which step of a way made which other one possible, and which had to come before.

A message is there since a step that sent it, a timer since one that set it. A step
comes before another one if both are of one actor, or if that one made this possible,
or by way of others. What is told here is read off the states between the steps, so
that it holds of every kind of step.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._global_state import FIRST, Local, Offer, State

__all__ = ["Causality", "causality"]


class Causality(NamedTuple):
    """Of each step, by number: what made it possible, and what comes before.

    `causes` are the numbers of the steps that sent the message or set the timer, -1 for
    what was there at first. `before` has a bit for each step that comes before, and
    `actors` are the slots of those whose own it is. `sent_at` tells which message is
    older: the number of the step that sent it, and its place among those.
    """

    causes: tuple[int, ...]
    before: tuple[int, ...]
    actors: tuple[frozenset[int], ...]
    sent_at: tuple[tuple[int, int], ...]


def causality(
    model: ActorModel, states: Sequence[State], actions: Sequence[Offer]
) -> Causality:
    """Return what depends on what in a way; `states` are those around its steps."""
    queues: dict[int, list[tuple[int, int]]] = {}
    timers: dict[tuple[int, int], int] = {}
    touched_by: dict[int, int] = {}
    sent_into: dict[int, int] = {}
    causes: list[int] = []
    before: list[int] = []
    actors: list[frozenset[int]] = []
    sent_at: list[tuple[int, int]] = []
    _note_sent(model, (), states[0], queues, -1)
    _note_timers(model, states[0], timers, -1)
    for number, action in enumerate(actions):
        was, now = states[number], states[number + 1]
        line = queues.get(action.process[0], []) if not action.timer else []
        if action.timer:
            place = (timers.get((action.owner, action.timer), -1), 0)
        elif line and len(line) == _waiting(model, was, action.process[0]):
            place = line.pop(0)
        else:
            place = (touched_by.get(action.owner, -1), 0)
        changed = _changed(model, was, now) | {action.owner}
        mask = 0
        depends = [place[0], *(touched_by.get(slot, -1) for slot in changed)]
        sent = _note_sent(model, was, now, queues, number)
        if model.world.delivery == "mailbox":
            depends += [sent_into.get(slot, -1) for slot in sent]
            sent_into.update(dict.fromkeys(sent, number))
        for other in depends:
            if other >= 0:
                mask |= before[other] | 1 << other
        touched_by.update(dict.fromkeys(changed, number))
        _note_timers(model, now, timers, number)
        causes.append(place[0])
        before.append(mask)
        actors.append(frozenset(changed))
        sent_at.append(place)
    return Causality(tuple(causes), tuple(before), tuple(actors), tuple(sent_at))


def _waiting(model: ActorModel, state: State, slot: int) -> int:
    return len(model.compact.waiting(state[slot])) if slot < len(state) else 0


def _changed(model: ActorModel, was: State, now: State) -> set[int]:
    """Return the slots of actors that are not what they were."""
    return {slot for slot in model.compact.path_of if _at(was, slot) != _at(now, slot)}


def _at(state: State, slot: int) -> int:
    return state[slot] if slot < len(state) else 0


def _note_sent(
    model: ActorModel,
    was: State,
    now: State,
    queues: dict[int, list[tuple[int, int]]],
    number: int,
) -> set[int]:
    """Note what has come into the queues; return the actors that were sent to."""
    sent: set[int] = set()
    for slot in range(FIRST, len(model.compact.owners)):
        if slot in model.compact.path_of or _at(was, slot) == _at(now, slot):
            continue
        line = queues.setdefault(slot, [])
        count = _waiting(model, now, slot)
        if count > len(line):
            sent.add(model.compact.owners[slot])
            line += [(number, at) for at in range(len(line), count)]
        del line[count:]
    return sent


def _note_timers(
    model: ActorModel, now: State, timers: dict[tuple[int, int], int], number: int
) -> None:
    for slot in model.compact.path_of:
        item = model.compact.items[_at(now, slot)]
        if isinstance(item, Local):
            for name, _ in item.timers:
                timers.setdefault((slot, name), number)
