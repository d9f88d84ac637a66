"""Actors that were written for Pykka, behind a reference of a System.

The System asks such an actor with `pykka.ActorRef.ask` and a future that calls back
when it is set, so the loop never waits for one. Pykka can lose a reply: it checks that
the actor is alive and then puts the message into its inbox. If the actor stops in
between, nothing ever reads the message. So a thread waits for the end of each such
actor. Then its unanswered asks fail.
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
    """The cell of a foreign Pykka actor.

    Its messages wait in Pykka's own inbox. `mailbox` stays empty, and the System only
    bounds the number of messages sent but not handled. `stops` says whether stopping
    its reference stops the actor. Messages that it has not handled when it stops become
    dead letters.

    Raises `ValueError` for a mailbox that drops its oldest message, because only Pykka
    can remove that.
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
        # Every message must go through `put`, and none directly into the mailbox.
        self.bound = 0

    @property
    def actor_urn(self) -> str:
        """The name, unique in the process, that Pykka has given the actor."""
        return self._foreign.actor_urn

    def waiting(self) -> int:
        """Return how many messages the actor has not answered."""
        return len(self._under_way)

    def is_full(self) -> bool:
        """Whether one more message would exceed the bound."""
        return len(self._under_way) >= self.policy.bound

    def asks_in_hand(self) -> tuple[int, ...]:
        """Return the numbers of the asks that the actor has not answered."""
        return tuple(envelope.ask for envelope in self._under_way.values())

    def put(self, envelope: Envelope) -> None:
        """Pass a message to the actor. Never blocks."""
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
        kernel.running.counts[type(message)] += 1
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
        """Take no more messages, and end, at once or after those in the inbox."""
        if self.life is State.RUNNING:
            self.go_through(Event.STOP)
        if at_once or not self._under_way:
            self._kernel.ending.end(self, self._kernel.supervisor.stop_reason)

    def signal(self, envelope: Envelope) -> None:
        """Stop at once: such an actor gets no other signal."""
        self.put(envelope)

    def finish(self) -> None:
        """Stop the actor, if the System may stop it."""
        if self.stops:
            _ = self._foreign.stop(block=False)

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the actor to stop; see `stops`."""
        return not self.stops or self._foreign.actor_stopped.wait(timeout)

    def look_after(self) -> None:
        """Start a thread that waits for the actor's end; called once."""

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
        """Pass an outcome to the System's thread; on the actor's thread."""
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
        """Encode an answer, in the actor's current trace."""
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
        """Note the actor's exception, and notify the sender of the message."""
        kernel, what = self._kernel, tag_of(envelope.payload)
        failure = kernel.failures.add(self.path, what, error)
        told = kernel.dead_letters.failure(
            self.address, envelope, failure.reason, type(error).__name__
        )
        kernel.dead_letters.send_back(envelope, told, failure)


class _StandIn:
    """Takes the place of our actor: the real one belongs to Pykka."""

    __actor_spec__ = ActorSpec({}, {}, {}, Message)
    persistent: Any = None
    system: Any = None

    def on_start(self) -> None:
        """Do nothing: the actor has already started."""

    on_restart = on_stop = on_start

    def on_failure(self, error: BaseException) -> None:
        """Do nothing: an exception fails only the ask."""

    def snapshot(self) -> object:
        """Return None: the System does not know the actor's state."""
        return None

    def restore(self, snapshot: object) -> None:
        """Do nothing: the System does not know the actor's state."""

    def bind(self, system: Any, cell: Any) -> None:
        """Do nothing: a Pykka actor needs neither."""


class _NoQueue:
    """A run queue for an actor that the System does not run."""

    def enqueue(self, _cell: Cell) -> None:
        """Do nothing."""
