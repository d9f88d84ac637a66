"""Which combinations of its fields a host's subchannel can be in.

`python tools/subchannel_states.py` prints the page docs/generated/subchannel-states.md. One
`Subchannel` is alone with a device, storage and an operating system that do whatever
they may, at any time: each instruction, each answer, in each order, a reset, the loss
of the path and of the device, a crash. Of the states that are alike but for counters
one is gone on from, so that it ends.
"""

import itertools
import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias, get_args

from msgspec import Struct

from ccw_actors.actors import Region, Subchannel
from ccw_actors.actors.hardware import PROMPT, UNHURRIED, Pace, SubchannelState
from ccw_actors.actors.hardware._subchannel_work import (
    EVENTS,
    UNREACHABLE,
    Attachment,
    Awaited,
    EventName,
    Owed,
    Signal,
    Work,
)
from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    CommandEnded,
    DetachDevice,
    ExecuteCommand,
    HaltSignal,
    HaltSubchannel,
    ModifySubchannel,
    NotePath,
    NotOperational,
    Pending,
    ReadStorage,
    ResetDone,
    ResetSignal,
    ResetSubchannel,
    ResumeSubchannel,
    StartSubchannel,
    StorageData,
    StorageWritten,
    TestSubchannel,
    UnsolicitedStatus,
    WriteStorage,
)
from ccw_actors.channel import (
    Actl,
    Ccw,
    CommandEnd,
    Dstat,
    Orb,
    Pmcw,
    SubchannelId,
)
from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Choice,
    Message,
    ReplyTo,
    Restart,
    Snapshot,
    receive,
)
from ccw_actors.testkit import SteppingSystem

__all__ = ["Found", "as_markdown", "explored", "main"]

_PROGRAM: Final = 0x1000
_SUSPENDED: Final = 0x1100
_DATA: Final = 0x2000
_CHPID: Final = 0x40
_SUBCHANNEL: Final = "subchannel"

_PROGRAMS: Final = {
    # READ with PCI on the CCW behind it, then WRITE: each action that there is.
    _PROGRAM: Ccw(0x02, 0x60, 8, _DATA).to_bytes(1),
    _PROGRAM + 8: Ccw(0x01, 0x28, 8, _DATA).to_bytes(1),
    _SUSPENDED: Ccw(0x03, 0x22, 1).to_bytes(1),
}
_ENABLED: Final = Pmcw(
    flags=Pmcw.valid.mask | Pmcw.enabled.mask,
    lpm=0x80,
    pim=0x80,
    pam=0x80,
    pom=0xFF,
    chpids=bytes((_CHPID, 0, 0, 0, 0, 0, 0, 0)),
)

_HAPPENS: Final[dict[str, Message]] = {
    "SSCH": StartSubchannel(Orb.command(_PROGRAM)),
    "SSCH (suspends)": StartSubchannel(Orb.command(_SUSPENDED, suspend=True)),
    "HSCH": HaltSubchannel(),
    "CSCH": ClearSubchannel(),
    "RSCH": ResumeSubchannel(),
    "XSCH": CancelSubchannel(),
    "TSCH": TestSubchannel(),
    "MSCH": ModifySubchannel(_ENABLED),
    "attention": UnsolicitedStatus(Dstat.ATTENTION),
    "path lost": NotePath(_CHPID, available=False),
    "path back": NotePath(_CHPID, available=True),
    "reset": ResetSubchannel(initialize=False),
    "reset to the beginning": ResetSubchannel(),
    "device lost": DetachDevice(),
}


class Answer(Message, frozen=True):
    """Have a neighbour answer the oldest thing that it has been asked."""


Request: TypeAlias = ExecuteCommand | ResetSignal | ReadStorage | WriteStorage


class Asked(Struct, frozen=True):
    """A request that has not been answered yet."""

    what: Request
    to: ReplyTo


class Outstanding(Struct):
    """What a neighbour has been asked, the oldest first."""

    asked: tuple[Asked, ...] = ()


class Neighbour(Actor):
    """A device or storage: it answers in order, when it is told to."""

    state: Outstanding

    def __init__(self) -> None:
        self.state = Outstanding()

    @receive
    def asked(
        self,
        message: Request | HaltSignal,
    ) -> None:
        """Keep it; a reset signal ends what the device has been asked before.

        The halt signal changes nothing: an end may come at any time anyway.
        """
        if isinstance(message, HaltSignal):
            return
        before = self.state.asked
        if isinstance(message, ResetSignal):
            before = tuple(
                one for one in before if not isinstance(one.what, ExecuteCommand)
            )
        self.state.asked = (*before, Asked(message, self.reply_to))

    @receive
    def answer(self, _message: Answer) -> None:
        """Answer the oldest."""
        one, *others = self.state.asked
        self.state.asked = tuple(others)
        self.reply(one.to, _answer(one.what))


def _answer(what: Request) -> Message:
    match what:
        case ExecuteCommand(run=run, command=command):
            data = bytes(command.count) if command.code == 0x02 else b""
            end = CommandEnd(
                Dstat.CHANNEL_AND_DEVICE_END, data, command.count, command.count
            )
            return CommandEnded(run, end)
        case ResetSignal(run=run, system=system):
            return ResetDone(run, system)
        case ReadStorage(number=number, areas=areas):
            return StorageData(
                number, tuple(_content(a.address, a.length) for a in areas)
            )
        case WriteStorage(number=number, pieces=pieces):
            return StorageWritten(number, sum(len(piece.data) for piece in pieces))


def _content(address: int, length: int) -> bytes:
    return _PROGRAMS.get(address, b"").ljust(length, b"\0")


class Sink(Actor):
    """An operating system that is told, and does what it does anyway."""

    @receive
    def told(self, _message: Pending | NotOperational) -> None:
        """Take no notice."""


class Row(NamedTuple):
    """A combination: whether a program runs, and what is under way."""

    runs: bool
    work: Work


class Found(NamedTuple):
    """What an exploration has met: how each was first reached, and how many states.

    `between` are the combinations between two messages, `within` those that there are
    only while one is being handled.
    """

    between: dict[Row, tuple[str, ...]]
    within: set[Row]
    states: int


class Recorded(SubchannelState):
    """A state that notes the combinations that there are while a message is handled."""

    def happened(self, event: EventName) -> None:
        """Note what is under way then."""
        super().happened(event)
        _within.add(Row(self.execution is not None, self.work))


_within: set[Row] = set()


class _Alone:
    """The subchannel and its neighbours: what may happen next, and a step to there."""

    def __init__(self, pace: Pace) -> None:
        self._system = SteppingSystem("channel")
        self.steps = self._system.steps
        ref = self._system.ref
        self.device, self.storage = Neighbour(), Neighbour()
        regions = (Region(0, 1 << 16, ref("storage")),)
        identity = SubchannelId(0, 0)
        self.actor = Subchannel(
            identity, _ENABLED, ref("device"), regions, ref("sink"), pace=pace
        )
        self.actor.state = Recorded(self.actor.state.schib)
        for path, actor in (
            ("device", self.device),
            ("storage", self.storage),
            ("sink", Sink()),
        ):
            self._system.spawn(actor, path)
        self.ref: ActorRef[Any] = self._system.spawn(
            self.actor, _SUBCHANNEL, supervision=Restart(limit=1_000_000)
        )

    def choices(self) -> Iterator[str]:
        """Return what may happen."""
        yield from _HAPPENS
        if self.device.state.asked:
            yield "device answers"
        if self.storage.state.asked:
            yield "storage answers"
        yield from (
            f"{_OWN} {number}" if number else _OWN
            for number, choice in enumerate(self.steps.enabled())
            if choice.recipient == _SUBCHANNEL
        )
        yield "crash"

    def take(self, what: str) -> None:
        """Have it happen, and all that is sent arrive, but for own messages."""
        if what == "crash":
            with suppress(ActorFailedError):
                self.steps.crash(_SUBCHANNEL)
            # Until it has begun again nothing else comes to it.
            self.steps.step(Choice(_SUBCHANNEL, _SUBCHANNEL))
        elif what.startswith(_OWN):
            number = int(what.removeprefix(_OWN) or 0)
            self.steps.step(self.steps.enabled()[number])
        elif what.endswith("answers"):
            self._system.ref(what.removesuffix(" answers")).tell(Answer())
        else:
            self.ref.tell(_HAPPENS[what])
        while arrived := next(filter(_arrives, self.steps.enabled()), None):
            self.steps.step(arrived)

    def key(self, *, fine: bool) -> object:
        """Return what matters of the state: counters, data and addresses do not.

        What is shown matters less than what is under way: `fine` has it as well.
        """
        state = self.actor.state
        execution, scsw, pmcw = state.execution, state.scsw, state.schib.pmcw
        own = [self.steps.peek(c) for c in self.steps.enabled() if not _arrives(c)]
        coarse = (
            None if execution is None else type(execution.action).__name__,
            (scsw.fctl, scsw.actl & _MATTERS, scsw.pending, pmcw.valid, pmcw.enabled),
            (state.work, state.flushes, bool(state.resetting), bool(state.cancelling)),
            tuple(_asked(one.what, state.run) for one in self.device.state.asked[:3]),
            tuple(_asked(one.what, state.run) for one in self.storage.state.asked[:2]),
            bool(own),
        )
        if not fine:
            return coarse
        shown = (scsw.actl, scsw.stctl, state.interruption, bool(state.attention))
        return coarse, shown, pmcw.pam, state.pci is not None, len(own[:2])


def _arrives(choice: Choice) -> bool:
    """Whether it is a message from one actor to another."""
    return not choice.timer and (choice.recipient, choice.sender) != _TO_ITSELF


def _asked(what: Request, run: int) -> object:
    number = what.number if isinstance(what, ReadStorage | WriteStorage) else what.run
    return type(what).__name__, number == run, getattr(what, "system", None)


_OWN: Final = "Proceed"
_TO_ITSELF: Final = (_SUBCHANNEL, _SUBCHANNEL)
_MATTERS: Final = ~(Actl.SUBCHANNEL_ACTIVE | Actl.START_PENDING)


def explored(*, fine: bool = False) -> Found:
    """Go through all that one subchannel may meet, the shortest ways first.

    With `fine` more states are told apart, and a subchannel that takes its time is gone
    through as well: that takes minutes, and finds the same combinations.
    """
    between: dict[Row, tuple[str, ...]] = {}
    states = 0
    _within.clear()
    for pace in (PROMPT, UNHURRIED) if fine else (PROMPT,):
        alone = _Alone(pace)
        seen = {alone.key(fine=fine)}
        todo: deque[tuple[Snapshot, tuple[str, ...]]] = deque()
        todo.append((alone.steps.snapshot(), ()))
        while todo:
            snapshot, way = todo.popleft()
            alone.steps.restore(snapshot)
            state = alone.actor.state
            between.setdefault(Row(state.execution is not None, state.work), way)
            for choice in list(alone.choices()):
                alone.steps.restore(snapshot)
                alone.take(choice)
                key = alone.key(fine=fine)
                if key not in seen:
                    seen.add(key)
                    todo.append((alone.steps.snapshot(), (*way, choice)))
        states += len(seen)
    return Found(between, _within - between.keys(), states)


def as_markdown(found: Found) -> str:
    """Render the page."""
    every = sorted({*found.between, *found.within}, key=_order)
    rows = [
        (
            "yes" if row.runs else "no",
            *_values(row.work),
            ", ".join(found.between[row]) or "at first" if row in found.between else "",
        )
        for row in every
    ]
    fields = ("awaited", "owed", "signal", "attachment")
    events = [
        (event.name, *(getattr(event, field) or "" for field in fields))
        for event in EVENTS
    ]
    total = 2 * len(list(itertools.product(*map(get_args, _FIELDS))))
    return "\n".join(
        [
            _HEAD,
            *_table(("event", *fields), events),
            "",
            _COMBINATIONS.format(all=total, reached=len(every)),
            *_table(("program", *fields, "reached by"), rows),
            "",
            _NOT,
            *(f"- {rule.why}" for rule in UNREACHABLE),
            "",
        ]
    )


def _order(row: Row) -> tuple[object, ...]:
    values = zip(_FIELDS, _values(row.work), strict=True)
    return (row.runs, *(get_args(field).index(value) for field, value in values))


def _values(work: Work) -> tuple[str, str, str, str]:
    return work.awaited, work.owed, work.signal, work.attachment


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for line in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(line)} |"


_FIELDS: Final = (Awaited, Owed, Signal, Attachment)
_HEAD: Final = """\
# What a subchannel has under way

SCSW says how far the functions are, and [one table](life-cycle.md) what becomes of it.
What the host's `Subchannel` has still to hear and to show is another matter:
`ccw_actors.actors.hardware._subchannel_work` keeps it as four fields.

| field | what it says |
|---|---|
| awaited | whose answer: to a command, an access, or a restart's question |
| owed | which status has still to be shown |
| signal | whether the device has a clear signal or a reset signal to answer |
| attachment | whether the device is there; "leaving" until its loss is told |

This page is made by `python tools/subchannel_states.py`; a test holds it to that.

## Events

What each event makes of the fields. An empty cell leaves the field as it is.
"""
_COMBINATIONS: Final = """\
## Combinations

One subchannel has been explored, with every instruction, every answer, resets, losses
and crashes at any time. Of {all} combinations {reached} were met; the last column is a
shortest way. Those that have none are there only while one message is handled.
"""
_NOT: Final = """\
## What cannot be

All others are refused by an assertion, for one of these reasons:
"""


def main() -> None:
    """Print the page."""
    # A crash is nothing to be told of here.
    logging.getLogger("ccw_actors").setLevel(logging.CRITICAL)
    sys.stdout.write(as_markdown(explored(fine="--fine" in sys.argv)))


if __name__ == "__main__":
    main()
