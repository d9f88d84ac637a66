"""The work that a subchannel has in progress, as one value that named events change.

The SCSW shows programs how far the functions are. This says which answers the
subchannel itself still expects, and which status it still has to show. `EVENTS` are all
events. `UNREACHABLE` are the impossible combinations: an event that would lead to one
is refused, as it is a bug in this package. docs/generated/subchannel-states.md has both
tables, and every combination that an exploration of one subchannel reaches.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

__all__ = [
    "EVENTS",
    "UNREACHABLE",
    "Attachment",
    "Awaited",
    "Event",
    "EventName",
    "Owed",
    "Rule",
    "Signal",
    "Work",
    "after",
]

Awaited: TypeAlias = Literal["nothing", "device", "storage", "flush"]
"""Whose answer the subchannel expects.

The device's to a command, Storage's to a program's access, or, after a restart,
Storage's that it has done everything asked before.
"""

Owed: TypeAlias = Literal["nothing", "end of halt", "end of clear", "check"]
"""The status that has still to be shown.

That of a program after the halt signal; that of a clear signal which the device has
answered; or the interface-control check of a program that a reset has cut short.
"""

Signal: TypeAlias = Literal["none", "given"]
"""Whether the device has a clear signal or a reset signal to answer.

It answers either with `ResetDone`, which says which one.
"""

Attachment: TypeAlias = Literal["attached", "leaving", "gone"]
"""Whether the device is there; "leaving" until NotOperational announces its loss."""


EventName: TypeAlias = Literal[
    "START accepted",
    "device asked",
    "storage asked",
    "answered",
    "halt signal given",
    "program over",
    "dropped",
    "clear signal given",
    "reset signal given",
    "program cut short",
    "signal answered",
    "clear signal answered",
    "shown",
    "device lost",
    "restarted",
    "loss told",
]


class Work(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The work in progress; the SCSW has the status that is shown."""

    awaited: Awaited = "nothing"
    owed: Owed = "nothing"
    signal: Signal = "none"
    attachment: Attachment = "attached"


class Event(NamedTuple):
    """How one event changes the fields; None leaves a field as it is."""

    name: EventName
    awaited: Awaited | None = None
    owed: Owed | None = None
    signal: Signal | None = None
    attachment: Attachment | None = None

    def applied(self, work: Work) -> Work:
        """Return the work in progress after the event."""
        changes = {
            field: value
            for field, value in self._asdict().items()
            if field != "name" and value is not None
        }
        return replace(work, **changes)


class Rule(NamedTuple):
    """Impossible combinations: all fields have one of these values.

    `runs` is whether there is a channel program. None stands for any value.
    """

    why: str
    runs: bool | None = None
    awaited: tuple[Awaited, ...] | None = None
    owed: tuple[Owed, ...] | None = None
    signal: Signal | None = None
    attachment: tuple[Attachment, ...] | None = None

    def holds(self, work: Work, *, runs: bool) -> bool:
        """Whether this combination is impossible by this rule."""
        return (
            (self.runs is None or runs is self.runs)
            and (self.awaited is None or work.awaited in self.awaited)
            and (self.owed is None or work.owed in self.owed)
            and (self.signal is None or work.signal == self.signal)
            and (self.attachment is None or work.attachment in self.attachment)
        )


EVENTS: Final = (
    # Storage or the device may still work for an older program: their answers have its
    # number, and do not concern the new one.
    Event("START accepted", awaited="nothing", owed="nothing"),
    Event("device asked", awaited="device"),
    Event("storage asked", awaited="storage"),
    Event("answered", awaited="nothing"),
    Event("halt signal given", owed="end of halt"),
    Event("program over", owed="nothing"),
    # CSCH, or a reset: status that was still to be shown is dropped.
    Event("dropped", owed="nothing"),
    # A second CSCH may come after the device has answered the signal of the first and
    # before storage has: it brings one more signal, and both have one end.
    Event("clear signal given", owed="nothing", signal="given"),
    Event("reset signal given", signal="given"),
    Event("program cut short", owed="check"),
    Event("signal answered", signal="none"),
    Event("clear signal answered", owed="end of clear"),
    Event("shown", owed="nothing"),
    Event("device lost", owed="nothing", signal="given", attachment="leaving"),
    Event("restarted", awaited="flush"),
    Event("loss told", attachment="gone"),
)
UNREACHABLE: Final = (
    Rule(
        "a program needs a device that is attached",
        runs=True,
        attachment=("leaving", "gone"),
    ),
    Rule(
        "nothing is shown of a device that is lost",
        owed=("end of halt", "end of clear", "check"),
        attachment=("leaving", "gone"),
    ),
    Rule(
        "a flush is requested at a restart, and then the loss is announced",
        awaited=("flush",),
        attachment=("attached", "gone"),
    ),
    Rule(
        "the loss of the device is announced once storage has answered",
        awaited=("storage",),
        attachment=("gone",),
    ),
    Rule(
        "only a program that runs is given the halt signal",
        runs=False,
        owed=("end of halt",),
    ),
    Rule(
        "CSCH and a reset end the program before their own end is shown",
        runs=True,
        owed=("end of clear", "check"),
    ),
    # The device answers in order.
    Rule(
        "a device that has ended a halted command has answered the signal before it",
        awaited=("nothing", "storage"),
        owed=("end of halt",),
        signal="given",
    ),
    Rule(
        "a device that has answered a clear signal has nothing else to answer",
        awaited=("device",),
        owed=("end of clear",),
        signal="given",
    ),
)

_EVENTS: Final[dict[str, Event]] = {event.name: event for event in EVENTS}
_Key: TypeAlias = tuple[Work, EventName, bool]
_known: Final[dict[_Key, Work]] = {}


def after(work: Work, event: EventName, *, runs: bool) -> Work:
    """Return the work in progress after an event of that name.

    `runs` is whether there is a channel program then. Results are cached: this runs
    several times for each command.
    """
    key = work, event, runs
    known = _known.get(key)
    if known is None:
        known = _known[key] = _found(key)
    return known


def _found(key: _Key) -> Work:
    work, event, runs = key
    then = _EVENTS[event].applied(work)
    for rule in UNREACHABLE:
        assert not rule.holds(then, runs=runs), f"{event} at {work}: {rule.why}"
    return then
