"""Takes steps of a counterexample again, by their names."""

from collections.abc import Hashable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._endless import endless_at
from ccw_actors.explore._errors import ReplayError
from ccw_actors.explore._model import Model
from ccw_actors.explore._plain import PlainModel, TransitionSystem, is_plain
from ccw_actors.explore._result import Network, Noops, Step, Time
from ccw_actors.explore._world import Scenario

__all__ = ["Replayed", "Way", "follow", "replay", "steps_of"]

_AROUND_MAX = 10_000

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")


class Replayed(NamedTuple):
    """The steps that were taken, and the fault after the last one ("" for none).

    `is_over` is True if nothing was left to do.
    """

    steps: tuple[Step, ...]
    violation: str
    is_over: bool


class Way(NamedTuple, Generic[S, A]):
    """A way through a model: actions, and the states before, between and after them.

    `lost` is the error for a step that was not possible, if there is one. `goes_round`
    is True if the fault is that an actor waits while others go on forever.
    """

    states: tuple[S, ...]
    actions: tuple[A, ...]
    violation: str
    is_over: bool
    lost: ReplayError | None
    goes_round: bool = False


def replay(
    scenario: Scenario | TransitionSystem[Any, Any],
    names: Iterable[str],
    *,
    delivery: Network = "channel",
    time: Time = "untimed",
    noops: Noops = "consumed",
) -> Replayed:
    """Take the steps with these names, up to the first fault.

    A name is `Step.name`: the sender and the recipient, but not the content. So names
    stay valid when the contents of messages change. If several steps have one name,
    those that lead to a fault are taken, if any do. Raises `ReplayError` for the first
    step that is not possible.
    """
    if is_plain(scenario):
        return _replayed(PlainModel(scenario), names)
    assert not isinstance(scenario, TransitionSystem), "`is_plain` has said so"
    return _replayed(ActorModel(scenario, delivery, 1, time, noops), names)


def _replayed(model: Model[Any, Any], names: Iterable[str]) -> Replayed:
    way = follow(model, names)
    if way.lost is not None:
        raise way.lost
    return Replayed(steps_of(model, way), way.violation, way.is_over)


def steps_of(model: Model[S, A], way: Way[S, A]) -> tuple[Step, ...]:
    """Return the steps of a way in words."""
    pairs = zip(way.states, way.actions, strict=False)
    return tuple(model.step(state, action) for state, action in pairs)


def follow(model: Model[S, A], names: Iterable[str]) -> Way[S, A]:
    """Take steps with these names as far as possible, up to the first fault.

    Of all the ways with these names, it is one that leads to the earliest fault.
    """
    # For each number of steps, the states they lead to, and one way into each of them.
    levels: list[dict[S, tuple[S, A] | None]] = [dict.fromkeys(model.initial())]
    lost: ReplayError | None = None
    at, violation = _first_fault(model, levels[-1])
    for name in names:
        if violation:
            break
        further, possible = _further(model, levels[-1], name)
        if not further:
            lost = ReplayError(len(levels), name, list(possible))
            break
        levels.append(further)
        at, violation = _first_fault(model, further)
    ended = None if violation or lost else _first_end(model, levels[-1])
    waits: tuple[S, str] | None = None
    if ended is not None:
        at, violation = ended
    elif not violation and not lost:
        waits = _first_endless(model, levels[-1])
        at, violation = waits or (at, violation)
    states, actions = _back(levels, at)
    is_over, goes_round = ended is not None, waits is not None
    return Way(states, actions, violation, is_over, lost, goes_round)


def _further(
    model: Model[S, A], states: Iterable[S], name: str
) -> tuple[dict[S, tuple[S, A] | None], dict[str, None]]:
    """Return the states behind steps of a name, and the names of all possible steps."""
    further: dict[S, tuple[S, A] | None] = {}
    possible: dict[str, None] = {}
    for state in states:
        for action, after in model.moves(state):
            here = model.step(state, action).name
            possible[here] = None
            if here == name:
                further.setdefault(after, (state, action))
    return further, possible


def _first_endless(model: Model[S, A], states: Iterable[S]) -> tuple[S, str] | None:
    """Return a state from which an actor waits forever, and the fault; or None."""
    looked_at = ((at, endless_at(model, at, _AROUND_MAX)) for at in states)
    return next((one for one in looked_at if one[1]), None)


def _first_end(model: Model[S, A], states: Iterable[S]) -> tuple[S, str] | None:
    """Return a state with nothing left to do, and what is wrong there if anything is.

    None if something is left to do in all of them.
    """
    ends = [(at, model.rest(at)) for at in states if not model.moves(at)]
    return next((one for one in ends if one[1]), ends[0] if ends else None)


def _first_fault(model: Model[S, A], states: Iterable[S]) -> tuple[S, str]:
    """Return a state in which something is wrong, and what; or the first, and ""."""
    looked_at = [(state, model.violation(state)) for state in states]
    return next((one for one in looked_at if one[1]), looked_at[0])


def _back(
    levels: list[dict[S, tuple[S, A] | None]], at: S
) -> tuple[tuple[S, ...], tuple[A, ...]]:
    """Return the states and actions that lead to a state of the last level."""
    states, actions = [at], list[A]()
    for level in reversed(levels):
        came = level[states[-1]]
        if came is not None:
            states.append(came[0])
            actions.append(came[1])
    return tuple(reversed(states)), tuple(reversed(actions))
