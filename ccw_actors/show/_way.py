"""Makes the picture of a way through a scenario, and of the steps that come next.

The steps of a way have the names that the explorer gives them. The explorer says which
are possible; the actors themselves take them, so the picture has their states.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import Network, Scenario, Step, World
from ccw_actors.runtime.stepping import path_of
from ccw_actors.show._counterexample import PLAIN
from ccw_actors.show._lanes import Lanes, arranged
from ccw_actors.show._picture import Change, Choice, Event, Picture, Schedule, Sent
from ccw_actors.show._recording import Recorder
from ccw_actors.show._stepper import RecordingError, Stepper
from ccw_actors.wording import Values

__all__ = ["picture_of_actions", "picture_of_way", "scenario_after"]


def picture_of_way(
    scenario: Scenario, names: Sequence[str], next_: Iterable[str], delivery: Network
) -> Picture:
    """Return the picture of steps, whose `choices` are the steps with names `next_`.

    Its title and verdict are left to the caller.

    Raises:
        RecordingError: The actors cannot take a step.
    """
    lanes, values = Lanes(), Values()
    world = World(delivery)
    scenario(world)
    stepper = Stepper(world)
    recorder = Recorder(stepper, lanes, values)
    for number, name in enumerate(names, 1):
        try:
            recorder.take(stepper.named(name))
        except CcwActorsError as error:
            raise RecordingError(f"step {number}, {name}: {error}") from error
    choices = tuple(_tried(stepper, recorder, name) for name in next_)
    schedule = Schedule(
        title="the way so far",
        events=tuple(recorder.events),
        states=tuple(recorder.states),
    )
    return _picture(lanes, values, schedule, choices)


def _tried(stepper: Stepper, recorder: Recorder, name: str) -> Choice:
    try:
        return recorder.tried(stepper.named(name))
    except CcwActorsError as error:
        raise RecordingError(f"{name}, which is next: {error}") from error


def picture_of_actions(names: Sequence[str], next_: Iterable[str]) -> Picture:
    """Return the picture of actions of a plain transition system: they are texts."""
    lanes, values = Lanes(), Values()
    number = lanes.number(PLAIN)

    def event(at: int, name: str) -> Event:
        return Event(actor=number, number=at + 1, type=name, kind="step")

    events = tuple(map(event, range(len(names)), names))
    choices = tuple(Choice(name=name, event=event(len(events), name)) for name in next_)
    return _picture(
        lanes, values, Schedule(title="the way so far", events=events), choices
    )


def _picture(
    lanes: Lanes, values: Values, schedule: Schedule, choices: tuple[Choice, ...]
) -> Picture:
    places, schedules = arranged(lanes.paths, (schedule,))
    order = {lane.path: number for number, lane in enumerate(places)}
    moved = {old: order[path] for old, path in enumerate(lanes.paths)}
    return Picture(
        source="way through a scenario",
        title="",
        lanes=places,
        types=values.types,
        schedules=schedules,
        choices=tuple(_moved(one, moved) for one in choices),
    )


def _moved(choice: Choice, moved: dict[int, int]) -> Choice:
    """Return a choice with the new numbers of lanes."""
    event = choice.event
    return replace(
        choice,
        event=replace(
            event,
            actor=moved[event.actor],
            sender=moved.get(event.sender, event.sender),
        ),
        changes=tuple(
            Change(moved[one.actor], one.before, one.after) for one in choice.changes
        ),
        sent=tuple(Sent(moved[one.actor], one.type, one.body) for one in choice.sent),
    )


def scenario_after(
    scenario: Scenario, names: Sequence[str], monitored: Callable[[], Hashable]
) -> Scenario:
    """Return a scenario that begins after steps of another one.

    `monitored` is called for the value of its monitor after these steps, if it has one.
    The new scenario raises `RecordingError` if the actors cannot take a step, or if a
    message from outside waits in a mailbox afterwards: it would be outside again.
    """

    def after(world: World) -> None:
        scenario(world)
        stepper = Stepper(world)
        for name in names:
            step = stepper.named(name)
            stepper.take(step)
            if step.crash:
                _spend(world, step)
        if any(not e.sender for one in stepper.snapshot().cells for e in one.mailbox):
            raise RecordingError("a message from outside waits in a mailbox")
        world.injected[:] = stepper.outside
        monitor = world.properties.monitor
        if monitor is not None:
            world.properties.monitor = monitor._replace(initial=monitored())

    return after


def _spend(world: World, step: Step) -> None:
    """Take a crash from the first budget that can pay for it."""
    crashes: list[Any] = world.properties.crashes
    path = path_of(step.actor)
    for number, (paths, budget) in enumerate(crashes):
        if budget and path in paths:
            crashes[number] = (paths, budget - 1)
            return
