"""Which combinations of its fields a host's subchannel can be in: an exploration.

One `Subchannel` runs with a device, storage and an operating system that may do
anything at any time: each instruction, each answer in any order, a reset, the loss of
the path or of the device, a crash. Of all states that differ in counters alone only the
first is explored further, so that the exploration ends.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import Struct

from ccw_actors.actors import Region, Subchannel
from ccw_actors.actors.hardware import PROMPT, UNHURRIED, Pace, SubchannelState
from ccw_actors.actors.hardware._subchannel_work import (
    EventName,
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

__all__ = ["Found", "Row", "explored"]

_PROGRAM: Final = 0x1000
_SUSPENDED: Final = 0x1100
_DATA: Final = 0x2000
_CHPID: Final = 0x40
_SUBCHANNEL: Final = "subchannel"

_PROGRAMS: Final = {
    # READ, then WRITE with PCI: together they take every action that there is.
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
    """Have a partner answer its oldest request."""


Request: TypeAlias = ExecuteCommand | ResetSignal | ReadStorage | WriteStorage


class Asked(Struct, frozen=True):
    """A request that has not been answered yet."""

    what: Request
    to: ReplyTo


class Outstanding(Struct):
    """The requests that a partner has not answered, the oldest first."""

    asked: tuple[Asked, ...] = ()


class Partner(Actor):
    """A device or storage: it answers in order, one request for each `Answer`."""

    state: Outstanding

    def __init__(self) -> None:
        self.state = Outstanding()

    @receive
    def asked(
        self,
        message: Request | HaltSignal,
    ) -> None:
        """Keep the request; a reset signal drops the commands before it.

        The halt signal changes nothing: a command may end at any time anyway.
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
        """Answer the oldest request."""
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
    """An operating system that ignores what the subchannel announces."""

    @receive
    def told(self, _message: Pending | NotOperational) -> None:
        """Ignore the announcement."""


class Row(NamedTuple):
    """A combination: whether a program runs, and the fields of its `Work`."""

    runs: bool
    work: Work


class Found(NamedTuple):
    """The combinations that an exploration has met, and the number of its states.

    `between` has those between two messages, each with a shortest way to it. `within`
    has those that last only while a message is handled.
    """

    between: dict[Row, tuple[str, ...]]
    within: set[Row]
    states: int


class Recorded(SubchannelState):
    """A state that notes each combination while a message is handled."""

    def happened(self, event: EventName) -> None:
        """Note the combination after the event."""
        super().happened(event)
        _within.add(Row(self.execution is not None, self.work))


_within: set[Row] = set()


class _Alone:
    """The subchannel and its partners: what may happen next, and how it is done."""

    def __init__(self, pace: Pace) -> None:
        self._system = SteppingSystem("channel")
        self.steps = self._system.steps
        ref = self._system.ref
        self.device, self.storage = Partner(), Partner()
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
        """Yield everything that may happen next."""
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
        """Have it happen, and have everything sent arrive but messages to itself."""
        if what == "crash":
            with suppress(ActorFailedError):
                self.steps.crash(_SUBCHANNEL)
            # The restart comes first: until then it handles no message.
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
        """Return what tells states apart: no counters, no data, no addresses.

        With `fine` the status that is shown tells states apart as well.
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
        shown = (
            scsw.actl,
            scsw.stctl,
            state.interruption.pending,
            bool(state.attention),
        )
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
    """Explore all that may happen to one subchannel, the shortest ways first.

    With `fine` more states are told apart, and a subchannel of pace `UNHURRIED` is
    explored as well: that takes minutes, and finds the same combinations.
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
