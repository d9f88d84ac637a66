"""The lives of actors: failing, restarting, stopping, ending, and who is told.

| phase | event | next phase |
|---|---|---|
| running | a handler raised, decision Restart | restarting |
| restarting | no children left, pause over | running, after `on_start` |
| running, restarting | stop, or decision Stop or Escalate | stopping |
| stopping | no children left, nothing being handled | ended, after `on_stop` |

While an actor is restarting or stopping its messages wait. `on_stop` is run only for
an actor that has not failed.
"""

import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime.cell import (
    CHILD_ENDED,
    ESCALATED,
    RESTART,
    STOP,
    STOP_NOW,
    TICK,
    Cell,
    Envelope,
    Phase,
    wrapped,
)
from ccw_actors.runtime.notices import Failure
from ccw_actors.runtime.supervision import Escalate, Restart, decide
from ccw_actors.runtime.supervision import Stop as StopDecision
from ccw_actors.runtime.timers import Timer
from ccw_actors.transport import tag_of

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["Life"]

log = logging.getLogger("ccw_actors")

_FAILURES_MAX = 1000
_FAILED = "the actor failed"


class Life:
    """Begins and ends the lives of the actors of one System; on its own thread.

    `escalated` is called with the error of a failure that nobody takes, `ended` with
    the path of each actor that has ended. `failed` counts failures, `restarted`
    restarts. `stop_reason` is what becomes known as the reason of a stop.
    """

    def __init__(self, mail: "Mail") -> None:
        self._mail = mail
        self.escalated: Callable[[ActorFailedError], None] = _ignore
        self.ended: Callable[[str], None] = _ignore
        self.failed = 0
        self.restarted = 0
        self.stop_reason = "the actor has stopped"

    # -- failing ----------------------------------------------------------------

    def fail(
        self,
        cell: Cell,
        what: str,
        error: BaseException,
        envelope: Envelope | None = None,
    ) -> None:
        """Take note that an actor raised on `what`, a message type or a hook.

        On the actor's thread; nothing more is handled there until it is decided.
        """
        cell.held = True
        if cell.turn is not None:
            envelope = envelope or cell.turn.envelope
            self._close(cell)
        try:
            cell.actor.on_failure(error)
        except cell.catches:
            log.exception("%s: on_failure raised, too", cell.path)
        self._mail.inbox.note(partial(self._failed, cell, what, error, envelope))

    def _failed(
        self, cell: Cell, what: str, error: BaseException, envelope: Envelope | None
    ) -> None:
        mail = self._mail
        ended = mail.cells.get(cell.path) is not cell
        if ended and isinstance(error, ActorStoppedError):
            return  # A thread that was stopped while it waited for an answer.
        failure = self.record(cell, what, error)
        if envelope is not None:
            told = Failure(cell.path, what, failure.reason)
            mail.send_back(envelope, told, failure)
        if ended:
            return
        cell.failed = failure
        if cell.phase is Phase.STOPPING:
            self.go_on(cell)
            return
        decision, cell.restarts = self._decide(cell, error)
        if isinstance(decision, Restart):
            self._begin_restart(cell, decision.pause(len(cell.restarts)))
            return
        self.begin_stop(cell, drain=False)
        if isinstance(decision, Escalate):
            self._escalate(cell, failure)

    def record(self, cell: Cell, what: str, error: BaseException) -> ActorFailedError:
        """Keep, log and report a failure; return the error that tells of it."""
        reason = f"{type(error).__name__}: {error}"
        failure = ActorFailedError(cell.path, what, reason)
        failure.__cause__ = error
        self.failed += 1
        failures = self._mail.failures
        failures.append(failure)
        if len(failures) > _FAILURES_MAX:
            del failures[0]
        log.error("%s", failure, exc_info=error)
        self._mail.observers.failed(cell.path, what, error)
        return failure

    def _decide(
        self, cell: Cell, error: BaseException
    ) -> tuple[StopDecision | Restart | Escalate, tuple[float, ...]]:
        now = self._mail.dispatcher.now()
        try:
            return decide(cell.supervision, error, now, cell.restarts)
        except Exception:
            log.exception("%s: its supervision raised, so it stops", cell.path)
            return StopDecision(), cell.restarts

    def _escalate(self, cell: Cell, failure: ActorFailedError) -> None:
        parent = cell.parent
        if parent is None:
            self.escalated(failure)
            return
        told = Failure(failure.actor, failure.message, failure.reason)
        payload = self._mail.encode(told)
        parent.signal(Envelope(payload, cell.path, 0, None, ESCALATED))

    # -- restarting -------------------------------------------------------------

    def _begin_restart(self, cell: Cell, pause: float) -> None:
        mail = self._mail
        cell.phase = Phase.RESTARTING
        mail.timers.forget(cell.path)
        cell.put_back()
        letters = map(wrapped, cell.mailbox or ())
        waiting = {one.ask for one in letters if one.kind != TICK}
        mail.asks.all_restarted(cell.path, waiting | mail.room.asks(cell.path))
        self._stop_children(cell, drain=False)
        if pause > 0:
            timer = Timer(mail.dispatcher.now() + pause, b"", None, RESTART)
            mail.timers.arm(mail.timers.next_key(cell.path), timer)
        else:
            cell.signal(Envelope(b"", cell.path, 0, None, RESTART))

    def begin_again(self, cell: Cell) -> None:
        """Give the actor its first state and run `on_restart`; on its thread.

        What it has in `persistent` stays as it is.
        """
        assert cell.make is not None, "only an actor that can restart does"
        kept = cell.actor.persistent
        try:
            actor = cell.make()
            if kept is not None:
                actor.persistent = kept
            actor.bind(cell.actor.system, cell)
            cell.behave(actor, "")
            starting = actor.on_restart()
        except cell.catches as error:
            self.fail(cell, "on_start", error)
            return
        if inspect.iscoroutine(starting):
            self._mail.runner.hook(cell, starting, "on_start")

    # -- stopping ---------------------------------------------------------------

    def begin_stop(self, cell: Cell, *, drain: bool) -> None:
        """Stop an actor, its children first: now, or after what is in its mailbox."""
        if cell.phase is Phase.ENDED:
            return
        again = cell.phase is Phase.STOPPING
        cell.phase = Phase.STOPPING
        cell.held = True
        turn = cell.turn
        # A hook that is under way by now is `on_stop`, which may take its time.
        if turn is not None and not drain and not (again and turn.envelope is None):
            turn.cancel()
        if not again or not drain:
            self._stop_children(cell, drain=drain)
        if not again:
            self.go_on(cell)

    def go_on(self, cell: Cell) -> None:
        """End a stopping actor if nothing is left to wait for."""
        if cell.phase is not Phase.STOPPING or cell.turn is not None or cell.children:
            return
        if cell.failed is not None:
            self.end(cell, _FAILED, stopped=False)
            return
        place = self._mail.home
        outer, place.path = place.path, cell.path
        error: BaseException | None = None
        try:
            stopping = cell.stop_hook()
        except Exception as raised:  # noqa: BLE001 - the rest has to be cleared away
            error = raised
        else:
            if inspect.iscoroutine(stopping):
                self._mail.runner.hook(cell, stopping, "on_stop")
                return
        finally:
            place.path = outer
        self.stopped(cell, error)

    def stopped(self, cell: Cell, error: BaseException | None) -> None:
        """End an actor that is through with `on_stop`, which may have raised."""
        if error is not None:
            self.record(cell, "on_stop", error)
        self.end(cell, self.stop_reason)

    def end(self, cell: Cell, reason: str, *, stopped: bool = True) -> None:
        """Take an actor out of the System; `stopped` is False when it has failed.

        Its mailbox and stash become dead letters, asks that it has not answered
        fail, and whoever watches it is told. Children that are left end with it.
        """
        mail = self._mail
        if mail.cells.get(cell.path) is not cell:
            return
        for child in list((cell.children or {}).values()):
            self.end(child, reason)
        cell.phase = Phase.ENDED
        cell.held = True
        del mail.cells[cell.path]
        mail.timers.forget(cell.path)
        mail.asks.blocked.pop(cell.path, None)  # Of a thread that is abandoned.
        self._close(cell)
        cell.finish(stopped=stopped)
        cell.put_back()
        while cell.mailbox:
            try:
                envelope = wrapped(cell.mailbox.popleft())
            except IndexError:
                break  # The actor's thread was faster.
            mail.dead_letter(cell.path, envelope, reason)
        cell.mailbox = None  # References that know this place have to look again.
        mail.asks.all_stopped(cell.path, reason)
        mail.room.ended(cell.path)
        for watcher in cell.watchers or ():
            mail.notify(watcher, cell.path, reason)
        parent = cell.parent
        if parent is not None and parent.children:
            parent.signal(Envelope(b"", cell.path, 0, None, CHILD_ENDED))
        mail.observers.stopped(cell.path, reason)
        self.ended(cell.path)

    def _close(self, cell: Cell) -> None:
        """Abandon the handler that is suspended, if there is one."""
        turn, cell.turn = cell.turn, None
        if turn is None:
            return
        try:
            turn.close()
        except Exception as error:  # noqa: BLE001 - the rest has to be cleared away
            what = "a hook" if turn.envelope is None else tag_of(turn.envelope.payload)
            self.record(cell, what, error)

    def _stop_children(self, cell: Cell, *, drain: bool) -> None:
        for child in reversed(list((cell.children or {}).values())):
            if drain:
                child.put(Envelope(b"", cell.path, 0, None, STOP))
            else:
                child.signal(Envelope(b"", cell.path, 0, None, STOP_NOW))

    # -- signals and watching ---------------------------------------------------

    def signalled(self, cell: Cell, signal: Envelope) -> None:
        """Handle a signal from the system lane of an actor."""
        if signal.kind == STOP_NOW:
            self.begin_stop(cell, drain=False)
        elif signal.kind == CHILD_ENDED:
            child = (cell.children or {}).get(signal.sender)
            if child is not None and child.phase is Phase.ENDED:
                assert cell.children is not None, "it has just been found there"
                del cell.children[signal.sender]
            self._may_begin_again(cell)
            self.go_on(cell)
        elif signal.kind == RESTART:
            cell.may_restart = True
            self._may_begin_again(cell)
        elif signal.kind == ESCALATED and cell.phase is Phase.RUNNING:
            told = msgspec.msgpack.decode(signal.payload, type=Failure)
            self.fail(cell, f"child {told.actor}", told.error())

    def watch(self, cell: Cell, watcher: str, *, watches: bool) -> None:
        """Note that an actor wants to be told of that one's end, or no more."""
        if cell.watchers is None:
            cell.watchers = {}
        if watches:
            cell.watchers[watcher] = None
        else:
            cell.watchers.pop(watcher, None)

    def _may_begin_again(self, cell: Cell) -> None:
        if cell.phase is not Phase.RESTARTING or cell.children or not cell.may_restart:
            return
        cell.may_restart = False
        cell.failed = None
        cell.phase = Phase.RUNNING
        self.restarted += 1
        self._mail.observers.restarted(cell.path)
        cell.begin_again(self)


def _ignore(_what: object) -> None:
    """Nobody listens."""
