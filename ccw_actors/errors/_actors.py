"""Errors of actors, messages and links."""

from traceback import format_exception

from ccw_actors.errors._base import CcwActorsError

__all__ = [
    "ActorFailedError",
    "ActorStoppedError",
    "AskCycleError",
    "AskTimeoutError",
    "CrashedError",
    "CycleError",
    "DispatcherError",
    "LinkError",
    "LinkLostError",
    "LinkRefusedError",
    "LinkTimeoutError",
    "MailboxFullError",
    "MessageError",
    "NoAnswerError",
    "OfferCycleError",
    "OfferTimeoutError",
    "StartTimeoutError",
    "StashError",
    "StreamError",
    "UnknownSystemError",
]


class MessageError(CcwActorsError):
    """The receiver does not accept some bytes as a message.

    The text names the message's type, if it can be read, and the place of the error.
    """


class NoAnswerError(MessageError):
    """A handler returned no answer to a request and kept no `reply_to`."""


class UnknownSystemError(CcwActorsError):
    """A reference names a System that this one does not know.

    `system` is its name, `known` are the names of the known Systems.
    """

    def __init__(self, path: str, system: str, known: tuple[str, ...]) -> None:
        self.system = system
        self.known = known
        names = ", ".join(map(repr, known))
        super().__init__(
            f"{path} belongs to the System {system!r}; known here: {names}"
        )


class StreamError(CcwActorsError):
    """A stream of msgpack values is damaged, too large in one value, or cut short."""


class DispatcherError(CcwActorsError):
    """The System's dispatcher (loop, clock or steps) does not support this call."""


class CrashedError(CcwActorsError):
    """The cause of an actor's failure after a step that crashes the actor."""


class ActorFailedError(CcwActorsError):
    """A handler raised, or an asked actor answered with a failure.

    `actor` is its path, `message` the type of the message it handled. `escalated` is
    True if the System raises the error instead of the actor's supervision deciding.
    """

    def __init__(
        self, actor: str, message: str, reason: str, traceback: str = ""
    ) -> None:
        self.actor = actor
        self.message = message
        self.reason = reason
        self.escalated = False
        self._traceback = traceback
        super().__init__(f"{actor} failed on {message}: {reason}")

    @property
    def traceback(self) -> str:
        """The text of the error's traceback, "" if it was raised elsewhere."""
        cause = self.__cause__
        if self._traceback or cause is None:
            return self._traceback
        return "".join(format_exception(cause))


class ActorStoppedError(CcwActorsError):
    """The actor asked does not exist, or stopped before it answered."""


class LinkError(CcwActorsError):
    """A link to another System cannot be made; the text says why."""


class LinkRefusedError(LinkError):
    """One end of a link refuses the other one.

    `code` is "name" (both Systems have the same name, or it is linked already),
    "messages" (message types of the same name differ), "peer" (another user's process),
    "version" (another format or version), "damaged" (bytes that are no frames), "busy"
    (too many links) or "ended" (the System ends).
    """

    def __init__(self, where: str, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{where}: {reason}")


class LinkTimeoutError(LinkError, TimeoutError):
    """The other end of a link did not answer in time."""


class LinkLostError(ActorStoppedError):
    """The link ended before the answer of an actor of a linked System came.

    The actor may have handled the message, or may still do so.
    """


class AskTimeoutError(CcwActorsError, TimeoutError):
    """An ask got no answer in time.

    `target` is the path of the actor asked, `message` the type of the request, `age`
    how long the ask waited (seconds), `queue_length` how many messages the target's
    mailbox holds. `waits_for` says what the target itself waits for, "" if unknown.
    """

    def __init__(
        self,
        target: str,
        message: str,
        age: float,
        queue_length: int,
        waits_for: str = "",
    ) -> None:
        self.target = target
        self.message = message
        self.age = age
        self.queue_length = queue_length
        self.waits_for = waits_for
        more = f"; it waits for {waits_for}" if waits_for else ""
        super().__init__(
            f"{target} did not answer {message} for {age:.3f} s;"
            f" its mailbox holds {queue_length} messages{more}"
        )


class StartTimeoutError(CcwActorsError, TimeoutError):
    """`on_start` of an actor (`target`, its path) did not end in time."""

    def __init__(self, target: str, age: float, waits_for: str = "") -> None:
        self.target = target
        self.age = age
        more = f"; it waits for {waits_for}" if waits_for else ""
        super().__init__(f"{target} has not started for {age:.3f} s{more}")


class CycleError(CcwActorsError):
    """An actor would wait for itself, directly or through others.

    `cycle` lists the paths, each of which waits for the next. The first actor would
    close the cycle and is also the last. `message` is the type of the message.
    """

    _verb = "waits for"

    def __init__(self, cycle: tuple[str, ...], message: str) -> None:
        self.cycle = cycle
        self.message = message
        super().__init__(
            f"{cycle[0]} {self._verb} {cycle[1]} {message} and would wait for itself:"
            f" {' -> '.join(cycle)}"
        )


class AskCycleError(CycleError):
    """An ask would never get an answer: the actor asked waits for the asker."""

    _verb = "asks"


class OfferCycleError(CycleError):
    """An offer would wait forever: the actor to make room waits for the sender."""

    _verb = "offers"


class MailboxFullError(CcwActorsError):
    """A mailbox took no more messages because it has reached its bound.

    The text names message, recipient and bound. Send less, wait with `offer`, or give
    the actor another `Mailbox`.
    """


class OfferTimeoutError(MailboxFullError, TimeoutError):
    """A mailbox had no room for a message in time.

    `target` is the path of the recipient, `message` the type of the message, `age` how
    long the offer waited (seconds). `waits_for` is that of `AskTimeoutError`.
    """

    def __init__(
        self, target: str, message: str, age: float, waits_for: str = ""
    ) -> None:
        self.target = target
        self.message = message
        self.age = age
        self.waits_for = waits_for
        more = f"; it waits for {waits_for}" if waits_for else ""
        super().__init__(
            f"there was no room for {message} in the mailbox of {target} for"
            f" {age:.3f} s{more}"
        )


class StashError(CcwActorsError):
    """There is no message to stash, or the stash has reached the mailbox's bound."""
