"""Takes the steps of a counterexample again, by their names."""

from collections.abc import Iterable
from typing import NamedTuple

from ccw_actors.explore.actors import ActorModel
from ccw_actors.explore.errors import ReplayError
from ccw_actors.explore.result import Network, Step, Time
from ccw_actors.explore.world import Scenario

__all__ = ["Replayed", "replay"]


class Replayed(NamedTuple):
    """The steps that were taken, and what was wrong after the last ("" for nothing).

    `is_over` is True if nothing was left to do.
    """

    steps: tuple[Step, ...]
    violation: str
    is_over: bool


def replay(
    scenario: Scenario,
    names: Iterable[str],
    *,
    delivery: Network = "channel",
    time: Time = "untimed",
) -> Replayed:
    """Take the steps of these names, up to the first after which something is wrong.

    A name is `Step.name`: who sent to whom, but not what. So they are still good when
    messages have changed, as long as they are sent in this order. Raises `ReplayError`
    at the first name of a step that cannot be taken.
    """
    model = ActorModel(scenario, delivery, 1, time)
    (state,) = model.initial()
    steps: list[Step] = []
    violation = model.violation(state)
    for name in names:
        if violation:
            break
        moves = [
            (model.step(state, offer), after) for offer, after in model.moves(state)
        ]
        found = next(
            ((step, after) for step, after in moves if step.name == name), None
        )
        if found is None:
            raise ReplayError(len(steps) + 1, name, [step.name for step, _ in moves])
        step, state = found
        steps.append(step)
        violation = model.violation(state)
    is_over = not violation and not model.moves(state)
    if is_over:
        violation = model.rest(state)
    return Replayed(tuple(steps), violation, is_over)
