"""Makes the picture of a record: what was run on a real kernel or a real QEMU."""

import re
from typing import Final

from ccw_actors.channel import Scsw
from ccw_actors.kernel.records import ExecutionRecord
from ccw_actors.show._lanes import Lanes, arranged
from ccw_actors.show._picture import Event, Picture, Schedule, Tone
from ccw_actors.wording import Values, named

__all__ = ["picture_of_record"]

_RECORD: Final = "record of a run"
"""The source of a picture whose events have an order, and no causes."""

_WHO: Final = re.compile(r"(CPU \d+|thread \d+|host|device \d+)\b(?:, device \d+)?:? ")
_OTHERS: Final = (
    (re.compile(r"(the )?interruptions? "), "interruptions"),
    (re.compile(r"(the )?data |the channel "), "channel"),
    (re.compile(r"the device |SCSW "), "device"),
)
_SCSW: Final = re.compile(r"\b([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})\b")
_TONES: Final[dict[str, Tone]] = {
    "reproduced": "bad",
    "not reproduced": "good",
    "undecided": "open",
}


def picture_of_record(record: ExecutionRecord) -> Picture:
    """Return the picture of the steps of one try, in the order in which they ran."""
    lanes, values = Lanes(), Values()
    for who in sorted({_who(step)[0] for step in record.steps}):
        lanes.number(who)
    events = tuple(
        _event(number, step, lanes, values)
        for number, step in enumerate(record.steps, 1)
    )
    schedule = Schedule(title="as it ran", events=events)
    in_order, schedules = arranged(lanes.paths, (schedule,))
    target = record.target
    return Picture(
        source=_RECORD,
        title=f"{record.scenario} on {target.kind} {target.version}",
        verdict=record.outcome,
        tone=_TONES.get(record.outcome, "plain"),
        summary=record.why,
        facts=_facts(record),
        notes=record.evidence,
        lanes=in_order,
        types=values.types,
        schedules=schedules,
    )


def _event(number: int, step: str, lanes: Lanes, values: Values) -> Event:
    who, what = _who(step)
    words = _SCSW.search(step)
    body = b""
    if words is not None:
        raw = bytes.fromhex("".join(words.groups()))
        body = values.write(named(Scsw.from_bytes(raw)))
    return Event(
        actor=lanes.number(who),
        number=number,
        type=what,
        kind="step",
        body=body,
        note=step if what != step else "",
    )


def _who(step: str) -> tuple[str, str]:
    """Return who takes a step, and what it is."""
    found = _WHO.match(step)
    if found is not None:
        return found[1], step[found.end() :].removeprefix("is at ")
    for pattern, who in _OTHERS:
        if pattern.match(step):
            return who, step
    return "kernel", step


def _facts(record: ExecutionRecord) -> tuple[tuple[str, str], ...]:
    target = record.target
    facts = (
        ("target", f"{target.kind} {target.version}"),
        ("package", target.package),
        ("configuration", ", ".join(target.configuration)),
        ("change", target.change),
        ("design", target.design),
        ("host", record.host),
        ("interface", record.interface),
        ("order", record.window),
        ("variant", record.variant),
        ("invariant", record.invariant),
        ("tries", f"{record.reproduced} of {record.tries} showed the harm"),
    )
    return tuple((name, value) for name, value in facts if value)
