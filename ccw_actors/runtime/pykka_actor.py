"""Pykka actors that were written for Pykka, behind a reference of a System.

Such an actor is asked by `pykka.ActorRef.ask`, with a future that calls back when it
is set: the loop never waits for one. Pykka can lose a reply: it looks whether the actor
is alive and then puts the message into its inbox, and if the actor stops in between,
nobody ever reads it. So a thread waits for the end of each such actor, and asks that
have no answer fail then.
"""

import copy
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pykka

from ccw_actors.runtime.actor import Actor
from ccw_actors.runtime.cell import (
    STOP,
    STOP_NOW,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Cell,
    Envelope,
    Phase,
)
from ccw_actors.runtime.notices import Failure
from ccw_actors.runtime.place import Place
from ccw_actors.runtime.supervision import Stop
from ccw_actors.transport import DECODE_ERRORS, Message, refusal, tag_of

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail
    from ccw_actors.runtime.mailbox import Mailbox

__all__ = ["PykkaCell", "stand_in"]

_GONE = "the Pykka actor has stopped"


class _Future(pykka.ThreadingFuture[Any]):
    """Calls back on the thread that sets it."""

    callback: Callable[[Any, BaseException | None], None] | None = None

    def set(self, value: Any | None = None) -> None:
        super().set(value)
        if self.callback is not None:
            self.callback(value, None)

    def set_exception(self, exc_info: Any = None) -> None:
        super().set_exception(exc_info)
        if self.callback is not None:
            self.callback(None, self.error())

    def error(self) -> BaseException:
        """Return the exception that was set; it is there, so nothing blocks."""
        try:
            self.get(timeout=0)
        except BaseException as error:  # noqa: BLE001 - that is what was set
            return error
        raise AssertionError("no exception was set")


class _Notifying:
    """What `pykka.ActorRef.ask` takes for the actor's class: it makes the future."""

    def __init__(self, callback: Callable[[Any, BaseException | None], None]) -> None:
        self._callback = callback
        self.__name__ = "Pykka actor"  # Pykka names it when it finds the actor dead.

    def _create_future(self) -> _Future:
        future = _Future()
        future.callback = self._callback
        return future


class PykkaCell(Cell):
    """The place of a foreign Pykka actor in a System.

    Its messages wait in Pykka's own inbox; `mailbox` stays empty, and only the bound
    is the System's: of messages that have been sent and not been handled. `stops` says
    whether the actor is stopped with its reference. Messages that it has not handled
    when it stops become dead letters.

    Raises `ValueError` for a mailbox that drops its oldest message: Pykka has it.
    """

    __slots__ = ("_foreign", "_mail", "_under_way", "stops")

    def __init__(
        self,
        path: str,
        actor: Actor[Any],
        decode: Callable[[bytes], Any],
        mail: "Mail",
        *,
        policy: "Mailbox",
        foreign: "pykka.ActorRef[Any]",
    ) -> None:
        super().__init__(
            path, actor, decode, ready=_nothing, policy=policy, supervision=Stop()
        )
        if policy.when_full == "drop oldest":
            raise ValueError(
                f"{path}: what was sent to a Pykka actor cannot be dropped any more:"
                " use another policy than 'drop oldest'"
            )
        self._mail = mail
        self._foreign = foreign
        self._under_way: dict[int, Envelope] = {}
        self.stops = False
        # No message is put into the mailbox unseen: each one comes to `put`.
        self.bound = 0

    def waiting(self) -> int:
        """Return how many messages the actor has not answered yet."""
        return len(self._under_way)

    def is_full(self) -> bool:
        """Whether one more message would be more than the bound."""
        return len(self._under_way) >= self.policy.bound

    def put(self, envelope: Envelope) -> None:
        """Hand a message over to the actor. Never blocks."""
        mail, kind = self._mail, envelope.kind
        if kind in (STOP, STOP_NOW):
            self.phase = Phase.STOPPING
            if kind == STOP_NOW or not self._under_way:
                mail.life.end(self, mail.life.stop_reason)
            return
        if kind in (WATCH, UNWATCH):
            mail.life.watch(self, envelope.sender, watches=kind == WATCH)
            return
        if self.phase is not Phase.RUNNING:
            mail.dead_letter(self.path, envelope, mail.life.stop_reason)
            return
        try:
            message = self.decode(envelope.payload)
        except DECODE_ERRORS as error:
            self._refuse(envelope, str(refusal(envelope.payload, error)))
            return
        mail.observe_handled(self.path, envelope)
        number = self.handled = self.handled + 1
        self._under_way[number] = envelope
        mail.dispatcher.hold()
        asking = copy.copy(self._foreign)
        asking.actor_class = _Notifying(partial(self._answered, number))  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
        _ = asking.ask(message, block=False)

    def signal(self, envelope: Envelope) -> None:
        """Stop at once; there is no other signal for such an actor."""
        self.put(envelope)

    def finish(self, *, stopped: bool) -> None:
        """Stop the actor, if it is the System's to stop."""
        del stopped
        if self.stops:
            _ = self._foreign.stop(block=False)

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the actor to stop; see `stops`."""
        return not self.stops or self._foreign.actor_stopped.wait(timeout)

    def look_after(self) -> None:
        """Learn of the actor's end; to be called once."""

        def wait() -> None:
            self._foreign.actor_stopped.wait()
            self._mail.inbox.note(self._gone)

        threading.Thread(target=wait, name=f"end of {self.path}", daemon=True).start()

    def _gone(self) -> None:
        mail = self._mail
        left, self._under_way = self._under_way, {}
        for envelope in left.values():
            mail.dispatcher.release()
            mail.dead_letter(self.path, envelope, _GONE)
        if mail.cells.get(self.path) is self:
            mail.life.end(self, _GONE, stopped=False)

    def _answered(self, number: int, value: Any, error: BaseException | None) -> None:
        """Take an outcome to the System's thread; on the actor's thread."""
        payload: bytes | None = None
        kind = cast("type[Message]", type(value))
        if error is None and value is not None:
            try:
                payload = self._encoded(value)
            except (TypeError, ValueError, OverflowError) as wrong:
                error = wrong
        settle = partial(self._settle, number, kind, payload, error)
        self._mail.inbox.note(settle)

    def _encoded(self, value: Any) -> bytes:
        if not isinstance(value, Message):
            raise TypeError(
                f"{self.path}: a Pykka actor answers with a message or None,"
                f" not with {value!r}"
            )
        return self._mail.encode(value)

    def _settle(
        self,
        number: int,
        kind: type[Message],
        payload: bytes | None,
        error: BaseException | None,
    ) -> None:
        if isinstance(error, pykka.ActorDeadError) and not self._foreign.is_alive():
            self._gone()
        envelope = self._under_way.pop(number, None)
        if envelope is None:
            return
        mail = self._mail
        mail.dispatcher.release()
        if error is not None:
            what = tag_of(envelope.payload)
            failure = mail.life.record(self, what, error)
            told = Failure(self.path, what, failure.reason)
            mail.send_back(envelope, told, failure)
        elif payload is not None:
            place = Place(self.path, envelope, home=True)
            stamp = None
            if mail.observers.present:
                stamp = mail.observers.stamp(place, kind)
            answer = Envelope(payload, self.path, envelope.ask, stamp, UNBOUNDED)
            mail.route(place, envelope.sender, envelope.ask, answer)
        if self.phase is Phase.STOPPING and not self._under_way:
            mail.life.end(self, mail.life.stop_reason)
        mail.room.freed(self)

    def _refuse(self, envelope: Envelope, reason: str) -> None:
        failure = Failure(self.path, tag_of(envelope.payload), reason, refused=True)
        self._mail.observe_lost(self.path, envelope, f"refused: {reason}")
        self._mail.send_back(envelope, failure)


class _StandIn(Actor):
    """Stands where the actor of a path would: the real one is Pykka's."""


def stand_in() -> Actor[Any]:
    """Return what stands at the path of a foreign actor."""
    return _StandIn()


def _nothing(_cell: Cell) -> None:
    """Nothing waits here to be run."""
