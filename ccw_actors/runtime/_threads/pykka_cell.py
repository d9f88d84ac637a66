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
from contextvars import Context
from functools import partial
from typing import Any, Final, cast

import pykka

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.handlers import ActorSpec
from ccw_actors.runtime._cell.lifecycle import Event, State
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._threads.foreign_trace import ForeignTrace, TracedInbox
from ccw_actors.runtime._threads.pykka_asks import Notifying
from ccw_actors.runtime._values.answers import answer_names
from ccw_actors.runtime._values.envelope import (
    STOP,
    STOP_NOW,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Envelope,
)
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.supervision import Stop
from ccw_actors.transport import DECODE_ERRORS, Message, Request, refusal, tag_of

__all__ = ["PykkaCell"]

_GONE: Final = "the Pykka actor has stopped"


class PykkaCell(Cell):
    """The place of a foreign Pykka actor in a System.

    Its messages wait in Pykka's own inbox; `mailbox` stays empty, and only the bound
    is the System's: of messages that have been sent and not been handled. `stops` says
    whether the actor is stopped with its reference. Messages that it has not handled
    when it stops become dead letters.

    Raises `ValueError` for a mailbox that drops its oldest message: Pykka has it.
    """

    __slots__ = ("_foreign", "_kernel", "_under_way", "stops")

    def __init__(
        self,
        path: str,
        decode: Callable[[bytes], Any],
        kernel: Kernel,
        *,
        policy: Mailbox,
        foreign: "pykka.ActorRef[Any]",
        incarnation: int,
        stops: bool,
    ) -> None:
        super().__init__(
            path,
            _StandIn(),
            decode,
            queue=_NoQueue(),
            policy=policy,
            supervision=Stop(),
            incarnation=incarnation,
            context=Context(),
        )
        if policy.when_full == "drop oldest":
            raise ValueError(
                f"{path}: the mailbox of a Pykka actor cannot drop its oldest"
                " message: use another policy than 'drop oldest'"
            )
        self._kernel = kernel
        self._foreign = foreign
        self._under_way: dict[int, Envelope] = {}
        self.stops = stops
        self.go_through(Event.STARTED)
        # No message is put into the mailbox unseen: each one comes to `put`.
        self.bound = 0

    @property
    def actor_urn(self) -> str:
        """What Pykka calls the actor."""
        return self._foreign.actor_urn

    def waiting(self) -> int:
        """Return how many messages the actor has not answered yet."""
        return len(self._under_way)

    def is_full(self) -> bool:
        """Whether one more message would be more than the bound."""
        return len(self._under_way) >= self.policy.bound

    def asks_in_hand(self) -> tuple[int, ...]:
        """Return the numbers of the asks that the actor has not answered yet."""
        return tuple(envelope.ask for envelope in self._under_way.values())

    def put(self, envelope: Envelope) -> None:
        """Hand a message over to the actor. Never blocks."""
        kernel, kind = self._kernel, envelope.kind
        if kind in (STOP, STOP_NOW):
            self._stop(at_once=kind == STOP_NOW)
            return
        if kind in (WATCH, UNWATCH):
            watches = kind == WATCH
            kernel.death_watch.watch(self, envelope.sender, watches=watches)
            return
        if self.life is not State.RUNNING:
            reason = kernel.supervisor.stop_reason
            kernel.dead_letters.add(self.address, envelope, reason)
            return
        try:
            message = self.decode(envelope.payload)
        except DECODE_ERRORS as error:
            reason = str(refusal(envelope.payload, error))
            kernel.dead_letters.refuse(self, envelope, reason)
            return
        kernel.observers.handled(self.address, envelope)
        number = self.handled = self.handled + 1
        self._under_way[number] = envelope
        kernel.dispatcher.hold()
        asking = copy.copy(self._foreign)
        trace: ForeignTrace | None = None
        if envelope.stamp is not None and envelope.stamp.traceparent:
            trace = ForeignTrace(partial(kernel.observers.enter_trace, envelope.stamp))
            asking.actor_inbox = TracedInbox(self._foreign.actor_inbox, trace)  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
        answered = partial(self._answered, number, type(message), trace)
        asking.actor_class = Notifying(answered)  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
        _ = asking.ask(message, block=False)

    def _stop(self, *, at_once: bool) -> None:
        """Take no more messages, and end: at once, or after those under way."""
        if self.life is State.RUNNING:
            self.go_through(Event.STOP)
        if at_once or not self._under_way:
            self._kernel.ending.end(self, self._kernel.supervisor.stop_reason)

    def signal(self, envelope: Envelope) -> None:
        """Stop at once; there is no other signal for such an actor."""
        self.put(envelope)

    def finish(self) -> None:
        """Stop the actor, if it is the System's to stop."""
        if self.stops:
            _ = self._foreign.stop(block=False)

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the actor to stop; see `stops`."""
        return not self.stops or self._foreign.actor_stopped.wait(timeout)

    def look_after(self) -> None:
        """Learn of the actor's end; to be called once."""

        def wait() -> None:
            self._foreign.actor_stopped.wait()
            self._kernel.calls.note(self._gone)

        threading.Thread(target=wait, name=f"end of {self.path}", daemon=True).start()

    def _gone(self) -> None:
        kernel = self._kernel
        left, self._under_way = self._under_way, {}
        for envelope in left.values():
            kernel.dispatcher.release()
            kernel.dead_letters.add(self.address, envelope, _GONE)
        kernel.ending.end(self, _GONE)

    def _answered(
        self,
        number: int,
        request: type[Message],
        trace: ForeignTrace | None,
        value: Any,
        error: BaseException | None,
    ) -> None:
        """Take an outcome to the System's thread; on the actor's thread."""
        answer: Envelope | None = None
        envelope = self._under_way.get(number)
        if error is None and value is not None and envelope is not None:
            try:
                answer = self._answer(envelope, request, value)
            except (TypeError, ValueError, OverflowError) as wrong:
                error = wrong
        if trace is not None:
            trace.leave()
        self._kernel.calls.note(partial(self._settle, number, request, answer, error))

    def _answer(
        self, envelope: Envelope, request: type[Message], value: object
    ) -> Envelope:
        """Encode an answer, in the trace that the actor is in."""
        if not isinstance(value, Message):
            raise TypeError(
                f"{self.path}: a Pykka actor answers {request.__name__} with a message"
                f" or None, not with {value!r}"
            )
        running = Running(self.address, envelope)
        delivery = self._kernel.delivery
        return delivery.envelope(running, value, envelope.ask, UNBOUNDED)

    def _settle(
        self,
        number: int,
        request: type[Message],
        answer: Envelope | None,
        error: BaseException | None,
    ) -> None:
        if isinstance(error, pykka.ActorDeadError) and not self._foreign.is_alive():
            self._gone()
        envelope = self._under_way.pop(number, None)
        if envelope is None:
            return
        kernel = self._kernel
        kernel.dispatcher.release()
        if error is not None:
            self._note_failure(envelope, error)
        elif answer is not None:
            running = Running(self.address, envelope, own=True)
            kernel.delivery.route(running, envelope.sender, envelope.ask, answer)
        elif envelope.ask and issubclass(request, Request):
            reason = (
                f"{request.__name__}: its on_receive has returned None; expected"
                f" {answer_names(cast('Any', request))}"
            )
            kernel.dead_letters.unanswered(self, envelope, reason)
        if self.life is State.STOPPING and not self._under_way:
            kernel.ending.end(self, kernel.supervisor.stop_reason)
        kernel.pressure.freed(self)

    def _note_failure(self, envelope: Envelope, error: BaseException) -> None:
        """Note what the actor has raised, and tell who has sent the message."""
        kernel, what = self._kernel, tag_of(envelope.payload)
        failure = kernel.failures.add(self.path, what, error)
        told = kernel.dead_letters.failure(
            self.address, envelope, failure.reason, type(error).__name__
        )
        kernel.dead_letters.send_back(envelope, told, failure)


class _StandIn:
    """Stands where the actor of a path would: the real one is Pykka's."""

    __actor_spec__ = ActorSpec({}, {}, {}, Message)
    persistent: Any = None
    system: Any = None

    def on_start(self) -> None:
        """Do nothing: the actor has started already."""

    on_restart = on_stop = on_start

    def on_failure(self, error: BaseException) -> None:
        """Do nothing: what it raises is the failure of the ask alone."""

    def snapshot(self) -> object:
        """Have no state that anybody could know."""
        return None

    def restore(self, snapshot: object) -> None:
        """Have none to set."""

    def bind(self, system: Any, cell: Any) -> None:
        """Have no use for either."""


class _NoQueue:
    """What stands for a run queue where nothing waits to be run."""

    def enqueue(self, _cell: Cell) -> None:
        """Do nothing."""
