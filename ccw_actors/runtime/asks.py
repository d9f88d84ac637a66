"""Asks that wait for their answer: their deadlines, and their cycles."""

import itertools
import math
import sys
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, ForwardRef, get_type_hints

import msgspec

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskCycleError,
    AskTimeoutError,
)
from ccw_actors.runtime.alarms import Alarm
from ccw_actors.runtime.notices import Failure
from ccw_actors.runtime.turn import Parking, Turn
from ccw_actors.transport import DECODE_ERRORS, Codec, Request, refusal

if TYPE_CHECKING:
    from ccw_actors.runtime.cell import Envelope

__all__ = ["LATE", "Asks", "Pending", "Settle", "answer_type"]

Settle = Callable[[Any, Exception | None], None]
"""Called once: with the answer and None, or with None and the error."""

LATE = "nobody waits for this answer"
"""Why an answer is lost whose ask has ended before."""

_SLACK = 64


class Pending(msgspec.Struct, Parking):
    """One ask: of whom (`path`), by whom ("" for the outside), what, since when.

    `since` and `deadline` are seconds of the dispatcher's `clock`; before `add`, the
    deadline is a timeout. The end is told to `settle`, or to the `turn` of the async
    handler that asked, which awaits this.
    """

    asks: "Asks"
    number: int
    path: str
    asker: str
    what: type[Request[Any]]
    deadline: float
    decode: Callable[[bytes], Any]
    settle: Settle | None
    turn: Turn | None
    since: float = 0.0

    def leave(self) -> None:
        """Wait for the answer no more."""
        self.asks.forget(self.number)

    def describe(self) -> str:
        """Say who is to answer what, and since when."""
        return f"{self.path} to answer {self.what.__name__}, for {self.age():.3f} s"

    def age(self) -> float:
        """Return how long it has waited (seconds)."""
        return self.asks.clock() - self.since

    def outcome(self, payload: bytes) -> tuple[Any, Exception | None]:
        """Return the answer and None, or None and the error that it is."""
        try:
            answer = self.decode(payload)
        except DECODE_ERRORS as error:
            return None, refusal(payload, error)
        if type(answer) is Failure:
            return None, answer.error()
        return answer, None

    def end(self, error: Exception) -> None:
        """End the ask with an error."""
        if self.turn is not None:
            self.turn.wake(error=error)
        elif self.settle is not None:
            self.settle(None, error)


class Asks:
    """Every ask that is waiting for its answer, by number.

    `blocked` has, for each actor that can do nothing else until an answer comes, the
    ask that it waits for: the graph in which a cycle is a deadlock. There is one
    deadline queue, with one alarm for its head; it forgets what has been answered
    when that comes up, or is more than half of it. `late` and `expired` count
    answers nobody waited for any more and deadlines that passed. `numbers` gives the
    numbers of the next asks.
    """

    def __init__(
        self,
        codec: Codec,
        clock: Callable[[], float],
        call_at: Callable[[float, Callable[[], None]], Alarm],
        queue_length: Callable[[str], int],
    ) -> None:
        self._codec = codec
        self.clock = clock
        self._call_at = call_at
        self._queue_length = queue_length
        self.numbers: Iterator[int] = itertools.count(1)
        self._decoders: dict[type, Callable[[bytes], Any]] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._alarm = Alarm(self._expire)
        self._rings_at = math.inf
        self.pending: dict[int, Pending] = {}
        self.blocked: dict[str, Pending] = {}
        self.late = 0
        self.expired = 0
        self.on_the_way: set[int] = set()

    def __len__(self) -> int:
        return len(self.pending)

    def question(
        self,
        path: str,
        asker: str,
        what: type[Request[Any]],
        timeout: float,
        settle: Settle,
    ) -> Pending:
        """Number an ask to be; on any thread. `timeout` is in seconds from `add` on.

        Raises `TypeError` for a message type that does not say what answers it.
        """
        decode = self._decoder(what)
        number = next(self.numbers)
        return Pending(self, number, path, asker, what, timeout, decode, settle, None)

    def add(self, pending: Pending) -> None:
        """Wait for the answer, until the deadline if there is one."""
        pending.since = now = self.clock()
        pending.deadline = due = now + pending.deadline
        self.pending[pending.number] = pending
        if due != math.inf:
            self._limit(pending.number, due)

    def begin(
        self,
        path: str,
        asker: str,
        what: type[Request[Any]],
        timeout: float,
        turn: Turn,
    ) -> Pending:
        """Number an ask of an async handler and wait for it; raises like `block`."""
        decode = self._decoders.get(what) or self._decoder(what)
        number = next(self.numbers)
        since = self.clock()
        due = since + timeout
        pending = Pending(
            self, number, path, asker, what, due, decode, None, turn, since
        )
        blocked = self.blocked
        if path == asker or path in blocked:
            self.block(pending)
        blocked[asker] = pending
        self.pending[number] = pending
        if due != math.inf:
            self._limit(number, due)
        return pending

    def _decoder(self, what: type[Request[Any]]) -> Callable[[bytes], Any]:
        decode = self._decoders.get(what)
        if decode is None:
            decode = self._codec.raw_decoder(answer_type(what) | Failure)
            self._decoders[what] = decode
        return decode

    def _limit(self, number: int, due: float) -> None:
        """End an ask at that time of the clock, if it still waits then."""
        deadlines = self._deadlines
        if len(deadlines) > 2 * len(self.pending) + _SLACK:
            deadlines[:] = [one for one in deadlines if one[1] in self.pending]
            heapify(deadlines)
        heappush(deadlines, (due, number))
        if due < self._rings_at:
            self._set_alarm(due)

    def block(self, pending: Pending) -> None:
        """Note that the asker does nothing else until this ask has ended.

        Raises `AskCycleError` if the actor asked waits, directly or not, for it.
        """
        asker, path = pending.asker, pending.path
        blocked = self.blocked
        if path != asker and path not in blocked:
            blocked[asker] = pending
            return
        chain = [asker]
        while path != asker:
            chain.append(path)
            next_one = blocked.get(path)
            if next_one is None:
                blocked[asker] = pending
                return
            path = next_one.path
        chain.append(asker)
        raise AskCycleError(tuple(chain), pending.what.__name__)

    def answer(
        self, number: int, envelope: "Envelope", error: Exception | None = None
    ) -> bool:
        """Settle an ask with its encoded answer; False if nobody waits any more.

        An `error` is what somebody outside gets in place of the answer.
        """
        pending = self.pending.pop(number, None)
        if pending is None:
            self.late += 1
            return False
        turn = pending.turn
        if turn is not None:
            self.blocked.pop(pending.asker, None)
            turn.answer(pending, envelope)
            return True
        if self.blocked.get(pending.asker) is pending:
            del self.blocked[pending.asker]
        if pending.settle is not None:
            if error is not None and not pending.asker:
                pending.settle(None, error)
            else:
                pending.settle(*pending.outcome(envelope.payload))
        return True

    def forget(self, number: int) -> None:
        """Stop waiting; the answer, if it comes, is late."""
        self._take(number)

    def fail(self, number: int, error: Exception) -> None:
        """Settle an ask with an error, if anybody waits."""
        pending = self._take(number)
        if pending is not None:
            pending.end(error)

    def stopped(self, number: int, reason: str) -> None:
        """Settle an ask with the error that its actor is not there to answer."""
        pending = self.pending.get(number)
        if pending is not None:
            what = f"{pending.path} was asked {pending.what.__name__}"
            self.fail(number, ActorStoppedError(f"{what}: {reason}"))

    def all_stopped(self, path: str | None, reason: str) -> None:
        """Settle every ask of that actor (of all actors if None) the same way."""
        for number, pending in list(self.pending.items()):
            if path is None or pending.path == path:
                self.stopped(number, reason)

    def all_restarted(self, path: str, waiting: set[int]) -> None:
        """Fail every ask that the actor had taken, all but those still `waiting`.

        Nor those in `on_the_way`, which have not come to a mailbox yet.
        """
        still = waiting | self.on_the_way
        for number, pending in list(self.pending.items()):
            if pending.path == path and number not in still:
                reason = "it was restarted before it answered"
                what = pending.what.__name__
                self.fail(number, ActorFailedError(path, what, reason))

    def tidy(self) -> None:
        """Forget deadlines of asks that were answered, so that no clock goes there."""
        deadlines = self._deadlines
        while deadlines and deadlines[0][1] not in self.pending:
            heappop(deadlines)
        due = deadlines[0][0] if deadlines else math.inf
        if due > self._rings_at:
            self._set_alarm(due)

    def expire(self, pending: Pending, age: float) -> None:
        """End an ask that has waited so long (seconds)."""
        self.expired += 1
        error = self.timeout_error(pending, age)
        self._take(pending.number)
        pending.end(error)

    def timeout_error(self, pending: Pending, age: float) -> AskTimeoutError:
        """Return the error that says who did not answer what, and for how long."""
        blocked = self.blocked.get(pending.path)
        waits_for = ""
        if blocked is not None:
            waits_for = f"{blocked.path} to answer {blocked.what.__name__}"
        return AskTimeoutError(
            pending.path,
            pending.what.__name__,
            age,
            self._queue_length(pending.path),
            waits_for,
        )

    def _take(self, number: int) -> Pending | None:
        pending = self.pending.pop(number, None)
        if pending is not None and self.blocked.get(pending.asker) is pending:
            del self.blocked[pending.asker]
        return pending

    def _set_alarm(self, due: float) -> None:
        self._alarm.cancel()
        self._rings_at = due
        if due < math.inf:
            self._alarm = self._call_at(due, self._expire)

    def _expire(self) -> None:
        self._rings_at = math.inf
        now = self.clock()
        deadlines = self._deadlines
        while deadlines:
            due, number = deadlines[0]
            pending = self.pending.get(number)
            if pending is not None and due > now:
                self._set_alarm(due)
                return
            heappop(deadlines)
            if pending is not None:
                self.expire(pending, now - pending.since)


def answer_type(request: type[Request[Any]]) -> Any:
    """Return the `R` of a request type.

    Raises `TypeError` if it names none, or one that its module does not have.
    """
    for base in request.__mro__:
        for generic in getattr(base, "__orig_bases__", ()):
            if getattr(generic, "__origin__", None) is Request:
                return _resolved(base, generic.__args__[0])
    raise TypeError(
        f"{request.__name__} does not say what answers it: derive it from Request[...]"
    )


def _resolved(request: type, answer: Any) -> Any:
    """Return what a name in quotes stands for in the module of a request type."""
    if not isinstance(answer, ForwardRef):
        return answer

    def hinted() -> None:
        """Bear the annotation."""

    hinted.__annotations__ = {"answer": answer}
    try:
        return get_type_hints(hinted, vars(sys.modules[request.__module__]))["answer"]
    except NameError as error:
        raise TypeError(f"{request.__name__} is answered by {error}") from error
