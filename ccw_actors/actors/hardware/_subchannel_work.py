"""What a subchannel has under way, as one value that named events change.

SCSW says how far the functions are for who looks; this says what the subchannel itself
still has to hear, and still has to show. `EVENTS` is the whole of what can happen to
it. What cannot be is `UNREACHABLE`: an event that would lead there is refused, as it
is an error of this package. docs/generated/subchannel-states.md has both tables, and
every combination that an exploration of one subchannel meets: those that are left.
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
"""Whose answer has still to come.

The device's to a command, Storage's to what a program wanted of it, or, after a
restart, Storage's that it has done all that was asked of it before.
"""

Owed: TypeAlias = Literal["nothing", "end of halt", "end of clear", "check"]
"""The status that has still to be shown.

That of a program which has been given the halt signal; that of a clear signal which
the device has answered; or the interface-control check of a program that a reset has
cut short.
"""

Signal: TypeAlias = Literal["none", "given"]
"""Whether the device has a clear signal or a reset signal to answer.

It answers either with `ResetDone`, which says which it was.
"""

Attachment: TypeAlias = Literal["attached", "leaving", "gone"]
"""Whether the device is there; "leaving" until the operating system has been told."""


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
    """What is under way; what is shown is the SCSW's to say."""

    awaited: Awaited = "nothing"
    owed: Owed = "nothing"
    signal: Signal = "none"
    attachment: Attachment = "attached"


class Event(NamedTuple):
    """What one event makes of the fields; None leaves a field as it is."""

    name: EventName
    awaited: Awaited | None = None
    owed: Owed | None = None
    signal: Signal | None = None
    attachment: Attachment | None = None

    def applied(self, work: Work) -> Work:
        """Give what is under way then."""
        changes = {
            field: value
            for field, value in self._asdict().items()
            if field != "name" and value is not None
        }
        return replace(work, **changes)


class Rule(NamedTuple):
    """Combinations that there are not: those whose fields all have one of these values.

    `runs` is whether there is a channel program. None stands for any value.
    """

    why: str
    runs: bool | None = None
    awaited: tuple[Awaited, ...] | None = None
    owed: tuple[Owed, ...] | None = None
    signal: Signal | None = None
    attachment: tuple[Attachment, ...] | None = None

    def holds(self, work: Work, *, runs: bool) -> bool:
        """Whether it refuses this combination."""
        return (
            (self.runs is None or runs is self.runs)
            and (self.awaited is None or work.awaited in self.awaited)
            and (self.owed is None or work.owed in self.owed)
            and (self.signal is None or work.signal == self.signal)
            and (self.attachment is None or work.attachment in self.attachment)
        )


EVENTS: Final = (
    # What storage or the device still do for an older program is no affair of a new
    # one: their answers have its number on them.
    Event("START accepted", awaited="nothing", owed="nothing"),
    Event("device asked", awaited="device"),
    Event("storage asked", awaited="storage"),
    Event("answered", awaited="nothing"),
    Event("halt signal given", owed="end of halt"),
    Event("program over", owed="nothing"),
    # CSCH, or a reset: whatever was to be shown is not shown any more.
    Event("dropped", owed="nothing"),
    # A second CSCH may come once the device has answered the signal of the first, while
    # storage has not: then there is one more signal, and one end for both.
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
        "a flush is asked for at a restart, and then the loss is told",
        awaited=("flush",),
        attachment=("attached", "gone"),
    ),
    Rule(
        "the loss of the device is told once storage has answered",
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
    # What the device is asked it answers in order.
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
    """Return what is under way after an event of that name.

    `runs` is whether there is a channel program then. What has been found once is
    looked up: this runs several times for each command.
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
