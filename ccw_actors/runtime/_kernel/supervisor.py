"""The life cycle of actors: start, failure, restart, stop, end.

The table in `lifecycle` says which state follows on which event. While an actor is
starting, restarting or stopping, its messages wait. `on_stop` runs at the end of every
life, except one that failed to start.
"""

import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import Event, State
from ccw_actors.runtime._cell.own_context import own_context
from ccw_actors.runtime._cell.ports import OwnedTasks, Suspended
from ccw_actors.runtime._kernel.back_pressure import BackPressure
from ccw_actors.runtime._kernel.contexts import Contexts
from ccw_actors.runtime._kernel.dead_letters import DeadLetters
from ccw_actors.runtime._kernel.ending import Ending
from ccw_actors.runtime._kernel.failures import Failures
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import PendingAsks
from ccw_actors.runtime._kernel.ports import Dispatcher, Suspend
from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._kernel.restarts import decided, make_again, taken_up
from ccw_actors.runtime._kernel.stop_limit import StopLimit
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from ccw_actors.runtime._kernel.timers import Timers
from ccw_actors.runtime._values.envelope import (
    CHILD_ENDED,
    ESCALATED,
    RESTART,
    STOP,
    STOP_NOW,
    Envelope,
)
from ccw_actors.runtime._values.notices import Failure
from ccw_actors.runtime._values.supervision import Decision, Escalate, Restart
from ccw_actors.runtime._values.supervision import Stop as StopDecision
from ccw_actors.runtime._values.timer import Timer

__all__ = ["Supervisor"]

log = logging.getLogger("ccw_actors")

R = TypeVar("R")

_FAILED = "the actor failed"
_ENDING = (State.STOPPING, State.RESTARTING, State.ENDED)


class Supervisor:
    """Starts, restarts and stops the actors of one System; on its own thread.

    Errors of the types `escalates` do not go to an actor's supervision: `escalated` is
    called with each of them, and with the failure of an actor that escalates but has no
    parent.
    `restarted` counts restarts. `stop_reason` is the reported reason of a stop.
    `stop_timeout` is how long `on_stop` and the end of an actor's tasks may take
    (seconds).
    """

    def __init__(
        self,
        *,
        registry: Registry,
        dispatcher: Dispatcher,
        calls: ThreadCalls,
        asks: PendingAsks,
        timers: Timers,
        pressure: BackPressure,
        dead_letters: DeadLetters,
        failures: Failures,
        observers: Observers,
        contexts: Contexts,
        ending: Ending,
        suspend: Suspend,
        encode: Callable[[object], bytes],
    ) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._calls = calls
        self._asks = asks
        self._timers = timers
        self._pressure = pressure
        self._dead_letters = dead_letters
        self._failures = failures
        self._limit = StopLimit(dispatcher, failures)
        self._observers = observers
        self._contexts = contexts
        self._ending = ending
        ending.raised = self._note_and_escalate
        self._suspend = suspend
        self._encode = encode
        self.escalates: tuple[type[BaseException], ...] = ()
        self.escalated: Callable[[BaseException], None] = _ignore
        self.restarted = 0
        self.stop_reason = "the actor has stopped"
        self.stop_timeout = 5.0

    # -- async hooks --------------------------------------------------------------

    def _run_hook(self, cell: Cell, coroutine: Any, what: str) -> None:
        """Queue an async hook of an actor to run."""
        finished = partial(self._hook_finished, cell, what)
        cell.turn = self._suspend(cell, None, coroutine, finished)
        cell.close()
        cell.turn.wake()

    def _hook_finished(
        self, cell: Cell, what: str, turn: Any, _value: Any, error: BaseException | None
    ) -> None:
        if what == "on_stop":
            self._stopped(cell, error)
        elif error is not None and not self.was_stopped(cell, turn):
            self.fail(cell, what, error)
        elif cell.life is State.STARTING:
            self.has_started(cell)
        else:
            self.go_on(cell)

    def was_stopped(self, cell: Cell, turn: Suspended) -> bool:
        """Whether a turn was cancelled because its actor is stopping."""
        return cell.life in _ENDING and turn.cancelled()

    def leave_trace(self, cell: Cell) -> None:
        """Leave the trace of an actor's current message, if there is one."""
        leave = cell.leave_trace
        if leave is not None:
            cell.leave_trace = None
            self._contexts.within(cell, leave)

    # -- starting -----------------------------------------------------------------

    def start(self, cell: Cell) -> None:
        """Run `on_start`. A plain one that raises ends the actor, and raises here."""
        try:
            starting = self._contexts.within(cell, cell.actor.on_start)
        except BaseException:
            self._ending.end(cell, "the actor failed to start")
            raise
        if inspect.iscoroutine(starting):
            self._run_hook(cell, starting, "on_start")
        else:
            cell.go_through(Event.STARTED)

    def has_started(self, cell: Cell) -> None:
        """Note that `on_start` has ended."""
        if cell.life is State.STARTING:
            cell.go_through(Event.STARTED)
            cell.start_error = None
            self._ending.tell_started(cell)
            cell.wake()

    # -- failing ------------------------------------------------------------------

    def fail(
        self,
        cell: Cell,
        what: str,
        error: BaseException,
        envelope: Envelope | None = None,
    ) -> None:
        """Note that an actor raised on `what`, a message type or a hook.

        Call this on the actor's thread, which handles nothing more until the decision.
        """
        cell.close()
        # An `on_stop` in progress continues whatever else fails.
        if cell.turn is not None and not cell.has_stopped:
            envelope = envelope or cell.turn.envelope
            self._ending.close_turn(cell)
        try:
            self._contexts.within(cell, cell.actor.on_failure, error)
        except BaseException as wrong:
            log.exception("%s: on_failure also raised", cell.path)
            self.escalate(wrong)
        self.leave_trace(cell)
        self._calls.note(partial(self._failed, cell, what, error, envelope))

    def _failed(
        self, cell: Cell, what: str, error: BaseException, envelope: Envelope | None
    ) -> None:
        ended = not self._registry.has(cell)
        if ended and isinstance(error, ActorStoppedError):
            return  # a thread that was stopped while it waited for an answer
        failure = self._note(cell, what, error)
        if envelope is not None:
            kind = type(error).__name__
            told = self._dead_letters.failure(
                cell.path, envelope, failure.reason, kind, request=what
            )
            self._dead_letters.send_back(envelope, told, failure)
        if not ended:
            self._decide(cell, failure, error)
        self.escalate(error)

    def _note(self, cell: Cell, what: str, error: BaseException) -> ActorFailedError:
        escalates = isinstance(error, self.escalates)
        return self._failures.add(cell.path, what, error, escalates=escalates)

    def escalate(self, error: BaseException) -> None:
        """Raise an error outside all actors, if its type escalates."""
        if isinstance(error, self.escalates):
            self._calls.note(partial(self.escalated, error))

    def _decide(
        self, cell: Cell, failure: ActorFailedError, error: BaseException
    ) -> None:
        if cell.failure is None:
            cell.failure, cell.cause = failure, error
        if cell.life is State.STARTING:
            cell.start_error = error
            cell.has_stopped = True  # It has nothing to release.
            self._ending.tell_started(cell)
        if cell.life in _ENDING:
            self.go_on(cell)  # The decision is already made.
            return
        decision, cell.restarts = self._decision(cell, error)
        if isinstance(decision, Restart) and cell.make is not None:
            self._begin_restart(cell, decision.pause(len(cell.restarts)))
            return
        parent, address = cell.parent, cell.address
        self.begin_stop(cell, drain=False)
        if isinstance(decision, Escalate):
            self._escalate(parent, address, failure)

    def _decision(
        self, cell: Cell, error: BaseException
    ) -> tuple[Decision, tuple[float, ...]]:
        if isinstance(error, self.escalates):
            return StopDecision(), cell.restarts
        return decided(cell, error, self._dispatcher.now(), self.escalate)

    def _escalate(
        self, parent: Cell | None, address: str, failure: ActorFailedError
    ) -> None:
        if parent is None:
            self.escalated(failure)
            return
        told = Failure(failure.actor, failure.message, failure.reason)
        payload = self._encode(told)
        parent.signal(Envelope(payload, address, 0, None, ESCALATED))

    # -- restarting ---------------------------------------------------------------

    def _begin_restart(self, cell: Cell, pause: float) -> None:
        cell.go_through(Event.RESTART)
        self._timers.disarm(cell.path)
        cell.put_back()
        for ask in taken_up(cell):
            self._asks.restarted(ask)
        cell.owed = None
        self._stop_children(cell, drain=False)
        if pause > 0:
            timer = Timer(self._dispatcher.now() + pause, b"", None, RESTART)
            self._timers.arm(self._timers.next_key(cell.path), timer)
        else:
            cell.signal(Envelope(b"", cell.address, 0, None, RESTART))
        self.go_on(cell)

    def _begin(self, cell: Cell) -> None:
        """Restart an actor of which only the mailbox is left."""
        cell.may_begin = cell.has_stopped = False
        cell.failure = cell.cause = None
        self._limit.drop(cell)
        cell.go_through(Event.BEGIN)
        self.restarted += 1
        self._observers.restarted(cell.path)
        cell.begin_again(self.begin_again)

    def begin_again(self, cell: Cell) -> None:
        """Give the actor its first state and run `on_restart`; on its thread.

        Its `persistent` data stays. Its context is a new copy of the one in which it
        was spawned.
        """
        origin = cell.origin
        if origin is not None:
            cell.context = own_context(origin)
        self._contexts.enter(cell, self._start_again, cell)

    def _start_again(self, cell: Cell) -> None:
        try:
            starting = make_again(cell)
        except BaseException as error:  # noqa: BLE001 - a failure, whatever it is
            self.fail(cell, "on_start", error)
            return
        if inspect.iscoroutine(starting):
            self._run_hook(cell, starting, "on_start")
        else:
            self._calls.note(partial(self.has_started, cell))

    # -- stopping -----------------------------------------------------------------

    def begin_stop(self, cell: Cell, *, drain: bool) -> None:
        """Stop an actor, its children first: now, or after its mailbox is empty."""
        if cell.life is State.ENDED:
            return
        again = cell.life is State.STOPPING
        if not again:
            cell.go_through(Event.STOP)
        cell.close()
        if not drain:
            _cancel_turn(cell, again=again)
        if not again or not drain:
            self._stop_children(cell, drain=drain)
        if not again:
            self.go_on(cell)

    def go_on(self, cell: Cell) -> None:
        """Continue the end of a life, if nothing is left to wait for.

        It waits for the current message, the children, `on_stop` and the tasks.
        """
        if cell.life not in (State.STOPPING, State.RESTARTING):
            return
        if cell.turn is not None or cell.children:
            return
        if not cell.has_stopped:
            cell.has_stopped = True
            if self._run_on_stop(cell):
                return
        self._end_life(cell)

    def _end_life(self, cell: Cell) -> None:
        """End or restart an actor once its tasks have ended."""
        tasks = cell.tasks
        if tasks is not None and len(tasks):
            self._cancel_tasks(cell)
        elif cell.life is State.STOPPING:
            self._ending.end(
                cell, self.stop_reason if cell.failure is None else _FAILED
            )
        elif cell.may_begin:
            self._begin(cell)

    def _run_on_stop(self, cell: Cell) -> bool:
        """Run `on_stop`; return whether it is async and so has not ended yet."""
        try:
            stopping = cell.run_on_stop(partial(self._contexts.within, cell))
        except BaseException as error:  # noqa: BLE001 - the rest has to be cleared away
            self.note_stop_error(cell, error)
            return False
        if not inspect.iscoroutine(stopping):
            return False
        self._run_hook(cell, stopping, "on_stop")
        late = partial(self._on_stop_is_late, cell)
        self._limit.begin(cell, self.stop_timeout, late)
        return True

    def _stopped(self, cell: Cell, error: BaseException | None) -> None:
        """Continue after an async `on_stop`, which may have raised."""
        if error is not None:
            self.note_stop_error(cell, error)
        self.go_on(cell)

    def note_stop_error(self, cell: Cell, error: BaseException) -> None:
        """Note that `on_stop` has raised; the actor still ends."""
        self._note_and_escalate(cell, "on_stop", error)

    def _note_and_escalate(self, cell: Cell, what: str, error: BaseException) -> None:
        self._note(cell, what, error)
        self.escalate(error)

    def _on_stop_is_late(self, cell: Cell) -> None:
        if cell.turn is not None:
            self._ending.close_turn(cell)
            self._limit.note_late(cell, "on_stop has", self.stop_timeout)
            self.go_on(cell)

    def _cancel_tasks(self, cell: Cell) -> None:
        tasks = cell.tasks
        if tasks is None or cell.is_cancelling:
            return
        cell.is_cancelling = True
        ended = partial(self._tasks_ended, cell, tasks)

        def late() -> None:
            if cell.tasks is tasks:
                what = f"{len(tasks)} of its tasks have"
                self._limit.note_late(cell, what, self.stop_timeout)
                ended()

        self._limit.begin(cell, self.stop_timeout, late)
        tasks.cancel_all(ended)

    def _tasks_ended(self, cell: Cell, tasks: OwnedTasks) -> None:
        """Continue after the tasks of a life, unless they are already given up."""
        if cell.tasks is tasks:
            cell.tasks, cell.is_cancelling = None, False
            self.go_on(cell)

    def _stop_children(self, cell: Cell, *, drain: bool) -> None:
        for child in reversed(list((cell.children or {}).values())):
            if drain:
                child.put(Envelope(b"", cell.address, 0, None, STOP))
            else:
                child.signal(Envelope(b"", cell.address, 0, None, STOP_NOW))

    # -- signals ------------------------------------------------------------------

    def signalled(self, cell: Cell, signal: Envelope) -> None:
        """Handle a signal from the system lane of an actor."""
        if signal.kind == STOP_NOW:
            self.begin_stop(cell, drain=False)
        elif signal.kind == CHILD_ENDED:
            self._child_ended(cell, signal.sender)
        elif signal.kind == RESTART and cell.life is State.RESTARTING:
            cell.may_begin = True
            self.go_on(cell)
        elif signal.kind == ESCALATED and cell.life is State.RUNNING:
            told = msgspec.msgpack.decode(signal.payload, type=Failure)
            self.fail(cell, f"child {told.actor}", told.error())

    def _child_ended(self, cell: Cell, path: str) -> None:
        """Forget a child that has ended, unless another one is already at its path."""
        children = cell.children
        child = (children or {}).get(path)
        if children and child is not None and child.life is State.ENDED:
            del children[path]
        self.go_on(cell)


def _cancel_turn(cell: Cell, *, again: bool) -> None:
    """Cancel the suspended handler of an actor that is stopped, or stopped again."""
    turn = cell.turn
    # A hook in progress is `on_stop`, which is not cancelled.
    if turn is not None and not (again and turn.envelope is None):
        turn.cancel()


def _ignore(_what: object) -> None:
    """Do nothing."""
