"""Makes the picture of a counterexample: its schedule, the race, the other order."""

import shlex
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from ccw_actors.explore import (
    Counterexample,
    Explanation,
    Replayed,
    Result,
    Scenario,
    Step,
    TransitionSystem,
    explain,
)
from ccw_actors.runtime.stepping import path_of
from ccw_actors.show._code import code_of
from ccw_actors.show._lanes import Lanes, arranged
from ccw_actors.show._picture import NOBODY, Event, Picture, Schedule
from ccw_actors.show._recording import Recorded, record
from ccw_actors.show._stepper import RecordingError
from ccw_actors.verdicts import CellName
from ccw_actors.wording import Values

__all__ = ["PLAIN", "picture_of_counterexample"]

PLAIN: Final = "the system"
"""The lane of a plain transition system."""


class _Builder:
    """Makes schedules of the steps of one counterexample."""

    def __init__(
        self, known: Counterexample, scenario: Scenario | TransitionSystem[Any, Any]
    ) -> None:
        self._known = known
        self.scenario = scenario
        self.lanes = Lanes()
        self.values = Values()
        self.notes: list[str] = []
        self.is_cell = CellName.is_one(known.scenario)

    def recorded(self, steps: Sequence[Step]) -> Recorded:
        """Take steps again; without states if that cannot be done."""
        if isinstance(self.scenario, TransitionSystem):
            return self._bare(steps)
        delivery = self._known.delivery or "channel"
        try:
            return record(self.scenario, steps, delivery, self.lanes, self.values)
        except RecordingError as error:
            self.notes.append(f"States and fields are missing: {error}")
            return self._bare(steps)

    def _bare(self, steps: Sequence[Step]) -> Recorded:
        """Return events that have only the texts of steps."""
        return Recorded(tuple(map(self._event, range(len(steps)), steps)), ())

    def _event(self, number: int, step: Step) -> Event:
        sender = path_of(step.sender)
        return Event(
            actor=self.lanes.number(path_of(step.actor) or PLAIN),
            sender=self.lanes.number(sender) if sender else NOBODY,
            number=number + 1,
            type=step.message.partition("(")[0] if step.actor else step.message,
            kind="message" if step.actor else "step",
            note=step.message if step.actor else "",
        )


def picture_of_counterexample(
    known: Counterexample,
    scenario: Scenario | TransitionSystem[Any, Any],
    name: str,
    *,
    file: str = "",
    seconds_max: float | None = None,
) -> Picture:
    """Take the steps of a counterexample again; return their picture.

    `name` is the scenario's. `file` is that of the counterexample, for the commands.
    `seconds_max` bounds the search for each part of the explanation, as for `explain`.

    Raises:
        ReplayError: A step is not possible: the code has changed.
    """
    again = known.replay(scenario)
    builder = _Builder(known, scenario)
    in_turn = _schedules(builder, known, again, seconds_max)
    lanes, schedules = arranged(builder.lanes.paths, in_turn)
    return Picture(
        source="counterexample",
        title=name,
        verdict="refuted" if again.violation else "no fault",
        tone="bad" if again.violation else "good",
        summary=_sentence(known, again),
        facts=_facts(known),
        commands=_commands(file, name),
        notes=tuple(builder.notes),
        lanes=lanes,
        types=builder.values.types,
        schedules=schedules,
    )


def _schedules(
    builder: _Builder, known: Counterexample, again: Replayed, seconds_max: float | None
) -> tuple[Schedule, ...]:
    """Return the schedule that fails, explained, or that of the file if it passes."""
    if not again.violation:
        return (_schedule(builder, "as in the file", again.steps),)
    result = _result(known, again)
    if seconds_max is None:
        found = explain(builder.scenario, result)
    else:
        found = explain(builder.scenario, result, seconds_max=seconds_max)
    schedules = _explained(builder, found)
    builder.notes += [*found.remarks()]
    return schedules


def _sentence(known: Counterexample, again: Replayed) -> str:
    if not again.violation:
        return f"The steps lead to no fault now. The file says: {known.violation}"
    return again.violation


def _facts(known: Counterexample) -> tuple[tuple[str, str], ...]:
    facts = (
        ("engine", known.engine),
        ("delivery", known.delivery or ""),
        ("time", known.time or ""),
        ("version", known.version),
    )
    return tuple((name, value) for name, value in facts if value)


def _commands(file: str, name: str) -> tuple[str, ...]:
    if not file:
        return ()
    own = ["--scenario", name] if name else []
    return (shlex.join(["ccw-actors", "replay", file, *own]),)


def _result(known: Counterexample, again: Replayed) -> Result:
    """Return the result of an exploration that has found these steps."""
    return Result(
        verdict="refuted",
        scope="",
        engine=known.engine,
        delivery=known.delivery,
        noops=known.noops,
        time=known.time,
        violation=again.violation,
        counterexample=again.steps,
        schedules=None,
        classes=None,
        states=None,
        steps=len(again.steps),
        blocked=0,
        seconds=0.0,
        coverage=None,
    )


def _explained(builder: _Builder, found: Explanation) -> tuple[Schedule, ...]:
    """Return the schedule that fails, and the one with the other order if there is."""
    bad = replace(
        _schedule(builder, "the order that fails", found.steps, found.causes),
        race=found.race,
        no_return=found.no_return,
        way_out="" if found.way_out is None else str(found.way_out),
        needed=found.needed,
    )
    if found.race is None or not found.passing:
        return (bad,)
    good = _schedule(builder, "the other order", found.passing)
    one, other = (_again(found, number) for number in found.race)
    is_there = one is not None and other is not None
    return bad, replace(good, race=(other, one) if is_there else None)


def _again(found: Explanation, number: int) -> int | None:
    """Return where the passing schedule has the step with that number.

    It is the one of the same name, counted from the beginning.
    """
    name = found.steps[number].name
    left = sum(step.name == name for step in found.steps[: number + 1])
    for at, step in enumerate(found.passing):
        left -= step.name == name
        if not left:
            return at
    return None


def _schedule(
    builder: _Builder, title: str, steps: Sequence[Step], causes: Sequence[int] = ()
) -> Schedule:
    """Return a schedule of steps; `causes` are those that are known."""
    events, states = builder.recorded(steps)
    if causes:
        events = tuple(
            replace(event, cause=cause)
            for event, cause in zip(events, causes, strict=True)
        )
    code = None
    if builder.is_cell:
        code = code_of(steps, states, builder.lanes, builder.values.types)
    return Schedule(title=title, events=events, states=states, code=code)
