"""The picture that a page draws: actors, events, states, and what is special in them.

All readers make a `Picture`, whatever they have read, and the page knows nothing else.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from ccw_actors.wording import TypeText

__all__ = [
    "NOBODY",
    "Change",
    "Choice",
    "Code",
    "CodeLine",
    "Event",
    "EventKind",
    "Lane",
    "Picture",
    "Schedule",
    "Sent",
    "StateChange",
    "Tone",
]

NOBODY = -1
"""The number of the sender that is no actor."""

EventKind: TypeAlias = Literal[
    "message", "timer", "crash", "arrival", "dead letter", "failure", "step"
]
"""What happens to the actor of an event.

| kind | what happens |
|---|---|
| message | it handles a message |
| timer | it handles the message of its own timer |
| crash | it is made to fail |
| arrival | a message from outside enters its mailbox |
| dead letter | a message for it is lost |
| failure | it raises, and stops |
| step | it does what a text says: there is no message |
"""

Tone: TypeAlias = Literal["good", "bad", "open", "plain"]
"""How a verdict is meant."""


class Lane(Struct, frozen=True):
    """An actor, at its path, with the guest that it belongs to ("" for none).

    `is_outside` says that it is no actor, but all that is outside: it gets the answers
    to what was asked from there, and its events have no order of their own.
    """

    path: str
    guest: str = ""
    is_outside: bool = False


class Event(Struct, frozen=True, kw_only=True):
    """An event: something happens to an actor.

    `actor` and `sender` are numbers of lanes; the sender is `NOBODY` if it is no
    actor. `cause` is the number of the event that sent the message, -1 without one.
    `number` is what the source of the picture calls the event. `type` is the message's,
    and `body` its content in the form of `Values`, b"" without one. `time` is in
    seconds of the System's clock, None if there is none. `note` is a text beside the
    message.
    """

    actor: int
    number: int
    type: str
    sender: int = NOBODY
    cause: int = -1
    kind: EventKind = "message"
    body: bytes = b""
    time: float | None = None
    note: str = ""


class StateChange(Struct, frozen=True):
    """The state of an actor after an event, or at first if `event` is -1.

    `state` has the form of `Values`, b"" if the actor has ended.
    """

    event: int
    actor: int
    state: bytes


class Change(Struct, frozen=True):
    """The state of an actor before and after a step, in the form of `Values`.

    b"" if the actor is not there.
    """

    actor: int
    before: bytes
    after: bytes


class Sent(Struct, frozen=True):
    """A message that a step sends: to which actor, of which type, with which body."""

    actor: int
    type: str
    body: bytes


class Choice(Struct, frozen=True, kw_only=True):
    """A step that is possible after the last event, and what it would do.

    `name` is that of the step. `violation` is the fault that it leads to at once, ""
    for none.
    """

    name: str
    event: Event
    changes: tuple[Change, ...] = ()
    sent: tuple[Sent, ...] = ()
    violation: str = ""


class CodeLine(Struct, frozen=True):
    """The part of the original's code that an event stands for.

    `column` is the thread that runs it. `function` is "" for what is no code of the
    host. `lock` is the thread that holds io_mutex afterwards, "" if none does.
    """

    event: int
    column: str
    function: str
    what: str
    lock: str = ""


class Code(Struct, frozen=True):
    """The code path of a schedule: its lines, and its columns in order."""

    columns: tuple[str, ...]
    lines: tuple[CodeLine, ...]


class Schedule(Struct, frozen=True, kw_only=True):
    """Events in one order.

    `race` has the two events whose other order passes. After the first `no_return`
    events a fault is certain; None if that is not known. `needed` are the events
    without which there is no fault.
    """

    title: str
    events: tuple[Event, ...]
    states: tuple[StateChange, ...] = ()
    race: tuple[int, int] | None = None
    no_return: int | None = None
    way_out: str = ""
    needed: tuple[int, ...] = ()
    code: Code | None = None


class Picture(Struct, frozen=True, kw_only=True):
    """All that one page shows.

    `verdict` is a word, and `summary` the sentence about it. `facts` are names with
    values, `commands` show the same again, and `notes` say what is missing. `types` is
    the description of every type in bodies and states. The second of two `schedules` is
    the other order of the race. `choices` are the steps that are possible next, if the
    source says.
    """

    source: str
    title: str
    verdict: str = ""
    tone: Tone = "plain"
    summary: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lanes: tuple[Lane, ...]
    types: tuple[TypeText, ...] = ()
    schedules: tuple[Schedule, ...]
    choices: tuple[Choice, ...] = ()
