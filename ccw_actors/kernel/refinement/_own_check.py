"""Checks a trace of this package's actors: each one, as a function of its messages.

Each actor that can be made from the trace handles the messages that the trace says it
has handled, in their order. Each time it has to send the messages that the trace says
it has sent, in their order. What it sends to several Systems has an order in each.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from math import gcd
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import Struct

from ccw_actors.errors import ActorFailedError, StreamError, UnknownSystemError
from ccw_actors.kernel.refinement._own_actors import (
    Candidate,
    candidates,
    why_unchecked,
)
from ccw_actors.runtime import (
    Actor,
    Choice,
    Handled,
    Observer,
    SteppingDispatcher,
    System,
)
from ccw_actors.runtime.stepping import Envelope
from ccw_actors.trace import (
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    TypeRecord,
    type_name,
)

__all__ = ["OwnAnswer", "Refusal", "check_own_trace", "is_own_trace"]

_BEGIN: Final = b"\x93\xa5trace\xaa" + b"ccw-actors"
"""The header of a trace, without its version."""
_encode: Final = msgspec.msgpack.encode
_decode: Final = msgspec.msgpack.decode


_FIRST_MAX: Final = 64
"""The first message of a trace has at most this number, or its beginning is gone."""
_NAME: Final = "system-1"
"""The System of an actor whose messages name none; any would do."""
_NOTICES: Final = frozenset({"Terminated"})
"""Messages that the System sends in the name of an actor."""


class Refusal(Struct, frozen=True):
    """A message after which an actor did something else than in the trace.

    `number` is that of the message, 0 for the start of the actor. `expected` says what
    the actor does, `found` what it did in the trace.
    """

    actor: str
    number: int
    expected: tuple[str, ...]
    found: tuple[str, ...]


class OwnAnswer(Struct, frozen=True):
    """What the check of a trace has found.

    `checked` has the number of messages that each actor has handled in agreement with
    the trace. `unchecked` says why other actors are not checked.
    """

    checked: dict[str, int]
    unchecked: dict[str, str]
    refused: Refusal | None = None


class _Sent(NamedTuple):
    """A message that an actor has sent; `number` puts it in order."""

    number: int
    recipient: str
    message: Any


class _Step(NamedTuple):
    """A message that an actor has handled, and those that it has sent because of it."""

    number: int
    sender: str
    message: Any
    sent: tuple[_Sent, ...]


class _Bystander(Actor[Any]):
    """What it is sent is read from its mailbox."""


def is_own_trace(path: Path) -> bool:
    """Whether a file begins as a trace of this package's actors does.

    Raises `OSError` if it cannot be read.
    """
    with path.open("rb") as source:
        return source.read(len(_BEGIN)) == _BEGIN


def check_own_trace(
    events: Iterable[EventRecord], types: Mapping[int, TypeRecord]
) -> OwnAnswer:
    """Check the events of a trace; `types` are those of its reader.

    Raises `StreamError` if the beginning of the trace is missing.
    """
    return _Trace(list(events), types).check()


class _Trace:
    """The events of a trace, by the actors that they are about."""

    def __init__(
        self, events: list[EventRecord], types: Mapping[int, TypeRecord]
    ) -> None:
        self._handled: dict[str, list[EventRecord]] = {}
        self._sent: dict[tuple[str, int], list[_Sent]] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._lost: dict[tuple[str, str], int] = {}
        self._types: dict[tuple[str, str], set[str]] = {}
        self._failed = {
            one.actor: one.number for one in events if isinstance(one, FailureRecord)
        }
        self._names: dict[str, str] = {}
        for one in events:
            if isinstance(one, FailureRecord):
                continue
            self._note(one, type_name(one, types))
        self._systems = self._count_systems()
        if self._systems == 1:
            # Of several, a dead letter may be in the part of its sender: it does not
            # say how far the part of its recipient goes.
            for pair, number in self._lost.items():
                self._last[pair] = max(self._last.get(pair, 0), number)
        self._paths = sorted({path for pair in self._types for path in pair if path})
        numbers = [one.number for one in events if not isinstance(one, FailureRecord)]
        if numbers and min(numbers) > _FIRST_MAX:
            raise StreamError(
                f"the trace begins at message {min(numbers)}: its beginning was cut"
                " off; record a shorter run, or one with a larger --trace-size"
            )

    def _note(self, one: EventRecord, name: str) -> None:
        assert not isinstance(one, FailureRecord)
        pair = (one.sender, one.recipient)
        self._types.setdefault(pair, set()).add(name)
        if system := _named(one.message):
            for path in pair:
                self._names.setdefault(path, system)
        if name not in _NOTICES:
            sent = _Sent(one.number, one.recipient, one.message)
            self._sent.setdefault((one.sender, one.cause), []).append(sent)
            ends = self._lost if isinstance(one, DeadLetterRecord) else self._last
            ends[pair] = max(ends.get(pair, 0), one.number)
        if not isinstance(one, DeadLetterRecord):
            self._handled.setdefault(one.recipient, []).append(one)

    def _count_systems(self) -> int:
        """Return a multiple of the number of Systems, 1 for one.

        Numbers of messages of one System differ by multiples of it: see `merge_traces`.
        """
        found = 0
        for recipient, events in self._handled.items():
            if recipient:
                found = gcd(found, *(one.number - events[0].number for one in events))
        return found or 1

    def check(self) -> OwnAnswer:
        """Check every actor that can be made."""
        checked: dict[str, int] = {}
        unchecked: dict[str, str] = {}
        for path in self._paths:
            found = candidates(path, self._paths, self._types)
            if not found:
                unchecked[path] = why_unchecked(path)
                continue
            refused = self._refused(path, found)
            if refused is not None:
                return OwnAnswer(checked, unchecked, refused)
            checked[path] = len(self._handled.get(path, []))
            if path in self._failed:
                unchecked[path] = "from its failure on"
        return OwnAnswer(checked, unchecked)

    def _refused(self, path: str, found: list[Candidate]) -> Refusal | None:
        """Return the latest refusal of all ways to make it, None if one agrees."""
        latest: Refusal | None = None
        for candidate in found:
            refused = self._replayed(path, candidate)
            if refused is None:
                return None
            if latest is None or refused.number > latest.number:
                latest = refused
        return latest

    def _replayed(self, path: str, candidate: Candidate) -> Refusal | None:
        # A machine in several processes has a System in each.
        name = self._names.get(path, _NAME)
        while True:
            try:
                replay = _Replay(name, path, self._peers(path), candidate)
                replay.systems = self._systems
                return replay.first_refusal(self._steps(path), self._last)
            except UnknownSystemError as error:
                if error.system == name:
                    raise
                name = error.system

    def _peers(self, path: str) -> list[str]:
        """Return the actors that an actor exchanges messages with."""
        pairs = [pair for pair in self._types if path in pair]
        return sorted({other for pair in pairs for other in pair} - {path, ""})

    def _steps(self, path: str) -> Iterator[_Step]:
        """Yield the actor's start, and the messages that it has handled."""
        yield _Step(0, "", None, self._of(path, 0))
        until = self._failed.get(path)
        for one in self._handled.get(path, []):
            assert not isinstance(one, FailureRecord)
            if one.number == until:
                return
            yield _Step(one.number, one.sender, one.message, self._of(path, one.number))

    def _of(self, path: str, cause: int) -> tuple[_Sent, ...]:
        found = self._sent.get((path, cause), [])
        return tuple(sorted(one for one in found if one.recipient))


class _Replay:
    """One actor alone: all others only receive.

    Messages to one System have numbers with the same remainder by `systems`.
    """

    systems = 1

    def __init__(
        self, name: str, path: str, peers: list[str], candidate: Candidate
    ) -> None:
        self._path = path
        self._reached: dict[str, int] = {}
        self._dispatcher = dispatcher = SteppingDispatcher()
        self._system = system = System(dispatcher, name=name)
        # With an observer, each message has a number.
        system.observe(_Numbering())
        for other in peers:
            system.spawn(_Bystander(), other)
        system.spawn(candidate.make(system), path)

    def first_refusal(
        self, steps: Iterable[_Step], last: Mapping[tuple[str, str], int]
    ) -> Refusal | None:
        """Take the steps; return the first whose messages differ."""
        for step in steps:
            failure = self._failure(step) if step.message is not None else ""
            sent = self._taken()
            if not failure and self._agree(sent, step.sent, last):
                continue
            does = (*map(_shown, sent), *([failure] if failure else []))
            return Refusal(self._path, step.number, does, tuple(map(_shown, step.sent)))
        return None

    def _failure(self, step: _Step) -> str:
        """Let the actor handle a message; return how it fails, "" if it does not."""
        dispatcher = self._dispatcher
        envelope = Envelope(_encode(step.message), step.sender, 0, None)
        dispatcher.deliver(self._path, envelope)
        try:
            dispatcher.step(Choice(self._path, step.sender))
        except ActorFailedError as error:
            return f"it fails: {error}"
        return ""

    def _taken(self) -> list[_Sent]:
        """Take the messages that the actor has sent out of the mailboxes.

        Timers are dropped: their messages come from the trace.
        """
        dispatcher = self._dispatcher
        snapshot = dispatcher.snapshot()
        sent = [
            _Sent(_number(one), cell.cell.path, _decode(one.payload))
            for cell in snapshot.cells
            for one in cell.mailbox
        ]
        if sent or snapshot.timers:
            cells = tuple(cell._replace(mailbox=()) for cell in snapshot.cells)
            dispatcher.restore(snapshot._replace(cells=cells, timers=()))
        return sorted(sent, key=lambda one: one.number)

    def _agree(
        self,
        sent: list[_Sent],
        found: tuple[_Sent, ...],
        last: Mapping[tuple[str, str], int],
    ) -> bool:
        """Whether the messages are those of the trace, which may end before the last.

        A message is missing only if a later one to the same actor is there.
        """
        for one in found:
            before = self._reached.get(one.recipient, 0)
            self._reached[one.recipient] = max(before, one.number)
        waiting = list(found)
        for one in sent:
            heads = filter(partial(self._same, one), self._first(waiting))
            if head := next(heads, None):
                waiting.remove(head)
            elif last.get((self._path, one.recipient), 0) > self._reached.get(
                one.recipient, 0
            ):
                return False
        return not waiting

    def _first(self, waiting: list[_Sent]) -> Iterator[_Sent]:
        """Yield the first message to each System."""
        seen: set[int] = set()
        for one in waiting:
            system = one.number % self.systems
            if system not in seen:
                seen.add(system)
                yield one

    def _same(self, one: _Sent, other: _Sent) -> bool:
        if one.recipient != other.recipient:
            return False
        name = self._system.name
        return _without(name, one.message) == _without(name, other.message)


class _Numbering(Observer):
    """Observes messages, so that each has a number."""

    def handled(self, event: Handled) -> None:
        """Do nothing."""


def _number(envelope: Envelope) -> int:
    assert envelope.stamp is not None, "an observed message has a number"
    return envelope.stamp.number


def _named(value: object) -> str:
    """Return the System that a `ReplyTo` in a value names, "" if none does."""
    match value:
        case [[str(system), str(), int()], int(), str(name)] if name == system:
            return name
        case list():
            values = cast("list[object]", value)
            return next((name for one in values if (name := _named(one))), "")
        case _:
            return ""


def _without(system: str, value: object) -> object:
    """Return a value without the name of that System in each `ReplyTo`.

    A System under the stepping dispatcher leaves it out.
    """
    match value:
        case [(None | [str(), str(), int()]) as ref, int(ask), str(name)] if (
            name == system
        ):
            return [ref, ask, ""]
        case list():
            return [_without(system, one) for one in cast("list[object]", value)]
        case _:
            return value


def _shown(sent: _Sent) -> str:
    return f"it sends {sent.recipient} {sent.message}"
