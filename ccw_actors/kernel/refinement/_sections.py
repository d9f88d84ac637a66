"""Executes sections of a design's model: the model's own actor, one message at a time.

The subchannel is not the model's: its condition codes and IRBs are those of the trace.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from ccw_actors.actors.protocol import IoRead, ReportRead, Written
from ccw_actors.channel import Scsw
from ccw_actors.designs import Choices, HostState, Section, VfioCcwPrivate
from ccw_actors.kernel.refinement._observations import WORK_QUEUE
from ccw_actors.runtime import Actor, Choice, Message, SteppingDispatcher, System
from ccw_actors.runtime.stepping import Envelope

__all__ = [
    "Ended",
    "Flushed",
    "Following",
    "Outcome",
    "Sections",
    "WorkEnded",
    "WorkItem",
    "changed",
    "first_state",
    "state_of",
]

_HOST: Final = "host"
_EMULATOR: Final = "emulator"


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="Returned"):
    """The call of a thread has ended."""

    result: Written | IoRead | ReportRead

    @property
    def errno(self) -> int:
        """The error number that the call returns, 0 for none."""
        return 0 if isinstance(self.result, ReportRead) else self.result.errno


class WorkEnded(msgspec.Struct, frozen=True, array_like=True, tag="WorkDone"):
    """The work item is done."""

    @property
    def errno(self) -> int:
        """0: a work item returns nothing."""
        return 0


class WorkItem(msgspec.Struct, frozen=True, array_like=True, tag="Queued"):
    """A work item is queued; `step` is its first section."""

    step: str


class Flushed(msgspec.Struct, frozen=True, array_like=True, tag="Flush"):
    """A thread goes on with a section when all work queued now is done."""

    thread: str
    section: Section


Following: TypeAlias = Section | Ended | WorkEnded
"""What a thread does after a section."""
_told: Final = msgspec.msgpack.Decoder(Following | WorkItem | Flushed)
_state: Final = msgspec.msgpack.Decoder(HostState)
_encode: Final = msgspec.msgpack.encode


class Outcome(NamedTuple):
    """What a section has done.

    `state` is the driver's state after it. `following` is what its thread does next,
    None if it waits. `woken` are threads that no longer wait, with their sections;
    `queued` is what was queued.
    """

    state: bytes
    following: Following | None
    woken: tuple[tuple[str, Section], ...]
    queued: tuple[WorkItem | Flushed, ...]


class _Bystander(Actor[Any]):
    """A thread, or the work queue: what it is sent is read from its mailbox."""


class Sections:
    """Executes sections of a design; a state is the bytes of a `HostState`."""

    def __init__(self, choices: Choices, threads: Iterable[str]) -> None:
        self.choices = choices
        self._dispatcher = dispatcher = SteppingDispatcher()
        self._system = system = System(dispatcher)
        ref = system.ref
        self._private = VfioCcwPrivate(choices, ref(WORK_QUEUE), ref(_EMULATOR))
        system.spawn(self._private, _HOST)
        for name in dict.fromkeys((WORK_QUEUE, _EMULATOR, *threads)):
            system.spawn(_Bystander(), name)
        self._first = dispatcher.snapshot()
        self._known: dict[tuple[bytes, str, Message], Outcome] = {}

    def run(
        self, state: bytes, thread: str, message: Message, **fields: object
    ) -> Outcome:
        """Execute a section, with these fields of the state changed before it.

        `thread` is "" for what no thread does.
        """
        if fields:
            state = changed(state, **fields)
        key = (state, thread, message)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._run(state, thread, message)
        return known

    def _run(self, state: bytes, thread: str, message: Message) -> Outcome:
        dispatcher = self._dispatcher
        dispatcher.restore(self._first)
        self._private.state = _state.decode(state)
        payload = self._system.codec.encode(message)
        dispatcher.deliver(_HOST, Envelope(payload, thread, 0, None))
        dispatcher.step(Choice(_HOST, thread))
        # The timers are steps of the model's subchannel, whose place the trace takes.
        sent = [
            (choice.recipient, dispatcher.peek(choice).payload)
            for choice in dispatcher.enabled()
            if not choice.timer and choice.recipient != _EMULATOR
        ]
        following: Following | None = None
        woken: list[tuple[str, Section]] = []
        queued: list[WorkItem | Flushed] = []
        for path, data in sent:
            told = _told.decode(data)
            if isinstance(told, WorkItem | Flushed):
                queued.append(told)
            elif path == thread:
                following = told
            elif isinstance(told, Section):
                woken.append((path, told))
        after = _encode(_tidy(self._private.state))
        return Outcome(after, following, tuple(woken), tuple(queued))


def first_state(**fields: object) -> bytes:
    """Return a state with these fields, and the others as they are at first."""
    return _encode(_tidy(replace(HostState(), **fields)))


@lru_cache(maxsize=10_000)
def state_of(state: bytes) -> HostState:
    """Return a state as a struct, which must not be changed."""
    return _state.decode(state)


def changed(state: bytes, **fields: object) -> bytes:
    """Return a state with other values of these fields."""
    return _encode(replace(state_of(state), **fields))


def _tidy(state: HostState) -> HostState:
    """Return a state without what only counts, and without the model's subchannel.

    So a run of the kernel reaches the same states again and again.
    """
    used = bool(state.live or state.cp or state.owned or state.walked)
    stale = int(state.age < state.resets)
    return replace(
        state,
        scsw=Scsw(),
        due=False,
        held=False,
        expiring=(),
        ssch=0,
        made=state.made if used else 0,
        started=state.started if used else 0,
        age=0,
        resets=stale,
        torn=False,
        events=min(state.events, 1),
        idaw=0,
        wrong=(),
    )
