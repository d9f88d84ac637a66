"""The messages that a test expects, and the error if others come."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime import ActorRef, Message, ReplyTo

__all__ = ["ExpectationError", "Expected", "Received", "Wanted"]

M = TypeVar("M", bound=Message)


class Received(NamedTuple):
    """One message that a probe received.

    `sender` is None for the outside, `at` is in seconds of the System's clock.
    """

    message: Message
    sender: ActorRef[Any] | None
    reply_to: ReplyTo
    at: float

    def __str__(self) -> str:
        sender = "the outside" if self.sender is None else self.sender.path
        return f"{self.message!r} from {sender} at {self.at:g} s"


class ExpectationError(CcwActorsError, AssertionError):
    """A probe did not receive the expected messages; an assertion of the test failed.

    `expected` describes them, `came` are the messages that came instead, `queued` those
    that came but were not checked.
    """

    def __init__(
        self,
        path: str,
        expected: str,
        came: Sequence[Received],
        queued: Sequence[Received],
        accepts: Sequence[type[Message]],
    ) -> None:
        self.expected = expected
        self.came = tuple(one.message for one in came)
        self.queued = tuple(one.message for one in queued)
        known = ", ".join(kind.__name__ for kind in accepts)
        lines = [f"{path} expected {expected}"]
        lines += _listed("came", came)
        lines += _listed("still queued", queued)
        lines.append(f"it takes {known} and refuses all others")
        super().__init__("\n".join(lines))


class Expected(Generic[M]):
    """One expected message: of a type, or equal to a value.

    With `where` that function must also return true for the message.
    """

    def __init__(self, what: type[M] | M, where: Callable[[M], bool] | None) -> None:
        self._what = what
        self._where = where

    def fits(self, message: Any) -> bool:
        """Whether a message is the expected one."""
        if isinstance(self._what, type):
            fits = isinstance(message, self._what)
        else:
            fits = message == self._what
        return fits and (self._where is None or self._where(message))

    def __str__(self) -> str:
        what = self._what
        text = what.__name__ if isinstance(what, type) else repr(what)
        if self._where is None:
            return text
        return f"{text} where {getattr(self._where, '__name__', self._where)}"


class Wanted:
    """A list of expected messages; each message that comes is ticked off.

    `in_order` requires the listed order. Otherwise each message that comes ticks off
    the first missing one that it fits. `skips` says that others may come in between.
    `came` are all offered messages.
    """

    def __init__(
        self,
        expected: Sequence[Expected[Any]],
        *,
        in_order: bool = True,
        skips: bool = False,
    ) -> None:
        parted_by = ", then " if in_order else " and "
        self._text = parted_by.join(map(str, expected))
        self._expected = dict(enumerate(expected))
        self._in_order = in_order
        self._skips = skips
        self._found: dict[int, Any] = {}
        self.came: list[Received] = []

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not self._expected

    def offer(self, received: Received) -> bool:
        """Tick a message off; return False if it is not expected."""
        self.came.append(received)
        for number, expected in self._expected.items():
            if expected.fits(received.message):
                del self._expected[number]
                self._found[number] = received.message
                return True
            if self._in_order:
                break
        return self._skips

    def found(self) -> tuple[Any, ...]:
        """Return the messages in the listed order."""
        return tuple(self._found[number] for number in sorted(self._found))

    def __str__(self) -> str:
        return self._text


def _listed(title: str, messages: Sequence[Received]) -> list[str]:
    if not messages:
        return [f"{title}: nothing"]
    return [f"{title}:", *(f"  {one}" for one in messages)]
