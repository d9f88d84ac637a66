"""The pending asks and their deadlines."""

import itertools
import logging
import math
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any

import msgspec

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskCycleError,
    AskTimeoutError,
    MessageError,
)
from ccw_actors.runtime._cell.parking import Parking
from ccw_actors.runtime._cell.ports import Suspended
from ccw_actors.runtime._kernel.alarms import Alarm
from ccw_actors.runtime._kernel.once import Once
from ccw_actors.runtime._kernel.wait_graph import WaitGraph
from ccw_actors.runtime._values.address import path_of, shown
from ccw_actors.runtime._values.answers import answer_names, answer_tags, answer_type
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.notices import Failure
from ccw_actors.transport import DECODE_ERRORS, Codec, Request, refusal, tag_of

__all__ = ["LATE", "Pending", "PendingAsks", "Settle"]

log = logging.getLogger("ccw_actors")

Settle = Callable[[Any, Exception | None], None]
"""Called once, with the answer and None, or with None and the error."""

LATE = "nobody waits for this answer"
"""The reason for the loss of an answer whose ask has already ended."""

_SLACK = 64


class Pending(msgspec.Struct, Parking):
    """One ask: its `target`, its asker ("" for the outside), its type and its start.

    `since` and `deadline` are seconds of the dispatcher's `clock`. Before `add`, the
    deadline is a timeout. At its end the ask calls `settle`, or resumes the `turn` of
    the async handler that awaits it. `is_sorted` says whether it is in the queue of
    deadlines.
    """

    asks: "PendingAsks"
    number: int
    target: str
    asker: str
    what: type[Request[Any]]
    deadline: float
    decode: Callable[[bytes], Any]
    settle: Settle | None
    turn: Suspended | None
    since: float = 0.0
    is_sorted: bool = False

    def leave(self) -> None:
        """Stop waiting for the answer."""
        self.asks.forget(self.number)

    def summary(self) -> str:
        """Return who has to answer what."""
        return f"{shown(self.target)} to answer {self.what.__name__}"

    def describe(self) -> str:
        """Return who has to answer what, and for how long the ask has waited."""
        return f"{self.summary()}, for {self.age():.3f} s"

    def cycle_error(self, cycle: tuple[str, ...]) -> AskCycleError:
        """Return the error for an ask that would never get an answer."""
        return AskCycleError(cycle, self.what.__name__)

    def age(self) -> float:
        """Return how long the ask has waited (seconds)."""
        return self.asks.clock() - self.since

    def outcome(self, payload: bytes) -> tuple[Any, Exception | None]:
        """Return the answer and None, or None and the error in it."""
        try:
            answer = self.decode(payload)
        except DECODE_ERRORS as error:
            return None, self._wrong_answer(payload, error)
        if type(answer) is Failure:
            return None, answer.error()
        return answer, None

    def end(self, error: Exception) -> None:
        """End the ask with an error."""
        if self.turn is not None:
            self.turn.wake(error=error)
        elif self.settle is not None:
            self.settle(None, error)

    def _wrong_answer(self, payload: bytes, error: Exception) -> MessageError:
        given, expected = tag_of(payload), answer_names(self.what)
        if not given or given in answer_tags(self.what):
            given = str(refusal(payload, error))
        text = (
            f"{path_of(self.target)} answered {self.what.__name__} with {given};"
            f" expected {expected}"
        )
        if self.asks.blamed.is_first((self.target, self.what, tag_of(payload))):
            asker = path_of(self.asker) or "the outside"
            log.warning("%s (asked by %s)", text, asker)
        return MessageError(text)


class PendingAsks:
    """Every pending ask, by number.

    `graph` has the asks whose asker is blocked. One alarm is set for the earliest
    deadline. Most asks end long before their deadlines, so only those that still wait
    when it rings are sorted by deadline.

    `late` counts answers to asks that no longer wait, `expired` deadlines that passed.
    `numbers` gives the numbers of the next asks. `blamed` are the actors already
    reported for a wrong answer.
    """

    def __init__(
        self,
        codec: Codec,
        clock: Callable[[], float],
        call_at: Callable[[float, Callable[[], None]], Alarm],
        queue_length: Callable[[str], int],
        graph: WaitGraph,
    ) -> None:
        self._codec = codec
        self.clock = clock
        self._call_at = call_at
        self._queue_length = queue_length
        self._graph = graph
        self._waits = graph.waits
        self.numbers: Iterator[int] = itertools.count(1)
        self._decoders: dict[type, Callable[[bytes], Any]] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._alarm = Alarm(self._expire)
        self._rings_at = math.inf
        self.pending: dict[int, Pending] = {}
        self.late = 0
        self.expired = 0
        self.on_the_way: set[int] = set()
        self.blamed = Once()

    def __len__(self) -> int:
        return len(self.pending)

    def is_pending(self, number: int) -> bool:
        """Whether that ask still waits; on any thread."""
        return number in self.pending

    def question(
        self,
        target: str,
        asker: str,
        what: type[Request[Any]],
        timeout: float,
        settle: Settle,
    ) -> Pending:
        """Create an ask with a number; on any thread.

        `timeout` is in seconds and begins with `add`.

        Raises `TypeError` for a message type that does not say what answers it.
        """
        decode = self._decoder(what)
        number = next(self.numbers)
        return Pending(self, number, target, asker, what, timeout, decode, settle, None)

    def add(self, pending: Pending) -> None:
        """Wait for the answer, until the deadline if there is one."""
        pending.since = now = self.clock()
        pending.deadline = due = now + pending.deadline
        self.pending[pending.number] = pending
        if due < self._rings_at:
            self._set_alarm(due)

    def begin(  # noqa: PLR0917 - a call with keywords takes longer
        self,
        target: str,
        asker: str,
        what: type[Request[Any]],
        timeout: float,
        turn: Suspended | None,
        settle: Settle | None = None,
    ) -> Pending:
        """Create an ask and wait for its answer: `question` and `add` in one.

        With a `turn` the asker is that async handler, whose actor is blocked until the
        answer. Then raises `AskCycleError` if the actor asked waits, directly or not,
        for the asker.
        """
        try:
            decode = self._decoders[what]
        except KeyError:
            decode = self._decoder(what)
        number = next(self.numbers)
        since = self.clock()
        due = since + timeout
        pending = Pending(
            self, number, target, asker, what, due, decode, settle, turn, since
        )
        if turn is not None:
            waits = self._waits
            if target == asker or target in waits:
                self._graph.begin(asker, pending)
            else:
                waits[asker] = pending
        self.pending[number] = pending
        if due < self._rings_at:
            self._set_alarm(due)
        return pending

    def _decoder(self, what: type[Request[Any]]) -> Callable[[bytes], Any]:
        decode = self._decoders.get(what)
        if decode is None:
            decode = self._codec.raw_decoder(answer_type(what) | Failure)
            self._decoders[what] = decode
        return decode

    def block(self, pending: Pending) -> None:
        """Note that the asker is blocked until this ask has ended.

        Raises `AskCycleError` if the actor asked waits, directly or not, for the asker.
        """
        self._graph.begin(pending.asker, pending)

    def answer(
        self, number: int, envelope: Envelope, error: Exception | None = None
    ) -> bool:
        """Settle an ask with its encoded answer; return False if it no longer waits.

        Code outside actors gets the `error` in place of the answer.
        """
        pending = self.pending.pop(number, None)
        if pending is None:
            self.late += 1
            return False
        turn = pending.turn
        if turn is not None:
            self._waits.pop(pending.asker, None)
            turn.answer(envelope)
            return True
        if pending.asker:
            self._graph.end(pending.asker, pending)
        if pending.settle is not None:
            if error is not None and not pending.asker:
                pending.settle(None, error)
            else:
                pending.settle(*pending.outcome(envelope.payload))
        return True

    def forget(self, number: int) -> None:
        """Stop waiting; an answer that still comes is late."""
        self._take(number)

    def fail(self, number: int, error: Exception) -> None:
        """Settle an ask with an error, if it still waits."""
        pending = self._take(number)
        if pending is not None:
            pending.end(error)

    def stopped(self, number: int, reason: str) -> None:
        """Settle an ask with `ActorStoppedError`."""
        pending = self.pending.get(number)
        if pending is not None:
            what = f"{shown(pending.target)} was asked {pending.what.__name__}"
            self.fail(number, ActorStoppedError(f"{what}: {reason}"))

    def abandon(self, asker: str) -> None:
        """End all waits of an actor."""
        self._waits.pop(asker, None)

    def all_stopped(self, reason: str) -> None:
        """Settle every ask in the same way."""
        for number in list(self.pending):
            self.stopped(number, reason)

    def restarted(self, number: int) -> None:
        """Settle an ask with the error that its actor restarts.

        Has no effect on an ask in `on_the_way`, which has not reached a mailbox yet.
        """
        pending = self.pending.get(number)
        if pending is not None and number not in self.on_the_way:
            reason = "it was restarted before it answered"
            what = pending.what.__name__
            self.fail(number, ActorFailedError(pending.target, what, reason))

    def tidy(self) -> None:
        """Forget deadlines of answered asks, so that no clock jumps to them."""
        first = self._earliest()
        due = math.inf if first is None else first.deadline
        if due > self._rings_at:
            self._set_alarm(due)

    def expire(self, pending: Pending, age: float) -> None:
        """End an ask that has waited for `age` seconds."""
        self.expired += 1
        error = self.timeout_error(pending, age)
        self._take(pending.number)
        pending.end(error)

    def timeout_error(self, pending: Pending, age: float) -> AskTimeoutError:
        """Return the error for an ask that has waited for `age` seconds."""
        target = pending.target
        return AskTimeoutError(
            shown(target),
            pending.what.__name__,
            age,
            self._queue_length(target),
            self._graph.of(target),
        )

    def _take(self, number: int) -> Pending | None:
        pending = self.pending.pop(number, None)
        if pending is not None:
            self._graph.end(pending.asker, pending)
        return pending

    def _set_alarm(self, due: float) -> None:
        self._alarm.cancel()
        self._rings_at = due
        if due < math.inf:
            self._alarm = self._call_at(due, self._expire)

    def _expire(self) -> None:
        self._rings_at = math.inf
        now = self.clock()
        while (first := self._earliest()) is not None and first.deadline <= now:
            self.expire(first, now - first.since)
        if first is not None and first.deadline < self._rings_at:
            self._set_alarm(first.deadline)

    def _earliest(self) -> Pending | None:
        """Return the ask with the earliest deadline, None without one."""
        self._sort()
        heap = self._deadlines
        while heap:
            first = self.pending.get(heap[0][1])
            if first is not None:
                return first
            heappop(heap)
        return None

    def _sort(self) -> None:
        """Sort the new asks that still wait by deadline."""
        heap = self._deadlines
        if len(heap) > 2 * len(self.pending) + _SLACK:
            heap[:] = [one for one in heap if one[1] in self.pending]
            heapify(heap)
        for pending in reversed(self.pending.values()):
            if pending.is_sorted:
                return  # And so are all older ones.
            pending.is_sorted = True
            if pending.deadline < math.inf:
                heappush(heap, (pending.deadline, pending.number))
