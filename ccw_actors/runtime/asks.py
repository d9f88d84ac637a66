"""Questions from outside that wait for their answer, and their deadlines."""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskTimeoutError,
    MessageError,
)
from ccw_actors.runtime.alarms import Alarm
from ccw_actors.transport import Codec, Message, Request

__all__ = ["Asks", "Failure", "Question", "Settle", "answer_type"]

Settle = Callable[[Any, Exception | None], None]
"""Called once: with the answer and None, or with None and the error."""


class Failure(Message, frozen=True):
    """What comes back for a message that will have no other answer.

    It settles an ask. To an actor it is sent if that has a handler for it, for each
    of its messages that was refused, made a handler raise, or reached nobody.

    `actor` is the path of the recipient, `request` the type of the message.
    `refused` is True if it could not be decoded: the recipient never saw it.
    """

    actor: str
    request: str
    reason: str
    refused: bool = False

    def error(self) -> ActorFailedError | MessageError:
        """Return the exception that an asker gets for it."""
        if self.refused:
            return MessageError(f"{self.actor} refused {self.reason}")
        return ActorFailedError(self.actor, self.request, self.reason)


class Question(msgspec.Struct, frozen=True):
    """An ask to be: of whom, what, for how long (seconds), and who is told the end."""

    number: int
    path: str
    what: type[Request[Any]]
    timeout: float
    decode: Callable[[bytes], Any]
    settle: Settle


class _Pending(msgspec.Struct, frozen=True):
    question: Question
    since: float
    deadline: Alarm


class Asks:
    """Every ask that is waiting for its answer, by number."""

    def __init__(
        self,
        codec: Codec,
        now: Callable[[], float],
        call_at: Callable[[float, Callable[[], None]], Alarm],
        queue_length: Callable[[str], int],
    ) -> None:
        self._codec = codec
        self._now = now
        self._call_at = call_at
        self._queue_length = queue_length
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._decoders: dict[type, Callable[[bytes], Any]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def question(
        self, path: str, what: type[Request[Any]], timeout: float, settle: Settle
    ) -> Question:
        """Number a question; on any thread.

        Raises `TypeError` for a message type that does not say what answers it.
        """
        decode = self._decoder(what)
        return Question(next(self._numbers), path, what, timeout, decode, settle)

    def add(self, question: Question) -> None:
        """Wait for the answer, until the deadline if there is one."""
        since = self._now()
        number = question.number
        expire = partial(self._expire, number)
        if math.isfinite(question.timeout):
            deadline = self._call_at(since + question.timeout, expire)
        else:
            deadline = Alarm(expire)
        self._pending[number] = _Pending(question, since, deadline)

    def answer(self, number: int, payload: bytes) -> bool:
        """Settle an ask with its encoded answer; False if nobody waits any more."""
        question = self._take(number)
        if question is None:
            return False
        try:
            answer = question.decode(payload)
        except MessageError as error:
            question.settle(None, error)
            return True
        if isinstance(answer, Failure):
            question.settle(None, answer.error())
        else:
            question.settle(answer, None)
        return True

    def forget(self, number: int) -> None:
        """Stop waiting; the answer, if it comes, is late."""
        self._take(number)

    def stopped(self, number: int, reason: str) -> None:
        """Settle an ask with the error that its actor is not there to answer."""
        question = self._take(number)
        if question is not None:
            what = f"{question.path} was asked {question.what.__name__}"
            question.settle(None, ActorStoppedError(f"{what}: {reason}"))

    def all_stopped(self, path: str | None, reason: str) -> None:
        """Settle every ask of that actor (of all actors if None) the same way."""
        for number, pending in list(self._pending.items()):
            if path is None or pending.question.path == path:
                self.stopped(number, reason)

    def timeout_error(self, question: Question, age: float) -> AskTimeoutError:
        """Return the error that says who did not answer what, and for how long."""
        queued = self._queue_length(question.path)
        return AskTimeoutError(
            f"{question.path} did not answer {question.what.__name__} for {age:.3f} s;"
            f" its mailbox holds {queued} messages"
        )

    def _take(self, number: int) -> Question | None:
        pending = self._pending.pop(number, None)
        if pending is None:
            return None
        pending.deadline.cancel()
        return pending.question

    def _expire(self, number: int) -> None:
        pending = self._pending.pop(number)
        age = self._now() - pending.since
        question = pending.question
        question.settle(None, self.timeout_error(question, age))

    def _decoder(self, request: type[Request[Any]]) -> Callable[[bytes], Any]:
        decoder = self._decoders.get(request)
        if decoder is None:
            decoder = self._codec.decoder(answer_type(request) | Failure)
            self._decoders[request] = decoder
        return decoder


def answer_type(request: type[Request[Any]]) -> Any:
    """Return the `R` of a request type. Raises `TypeError` if it names none."""
    for base in request.__mro__:
        for generic in getattr(base, "__orig_bases__", ()):
            if getattr(generic, "__origin__", None) is Request:
                return generic.__args__[0]
    raise TypeError(
        f"{request.__name__} does not say what answers it: derive it from Request[...]"
    )
