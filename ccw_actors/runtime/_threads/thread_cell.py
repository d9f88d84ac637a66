"""Actors of ours that may block: each lives in a Pykka thread of its own."""

import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Any, Final

import pykka

from ccw_actors.runtime._cell.cell import CLOSED, IDLE, Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._cell.ports import Hosted
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._threads.work import Work
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.supervision import Supervision

__all__ = ["ThreadCell"]

_START: Final = "on_start"
_BATCH: Final = 64


class _Thread(pykka.ThreadingActor):
    """Runs one actor's handlers on its thread, message by message.

    No exception gets out of it: at a BaseException Pykka would stop every actor of
    the process, ours and those of the application around us. Nor is it in Pykka's
    registry: who stops all that he has started does not mean it.
    """

    use_daemon_thread = True

    def __init__(self, cell: "ThreadCell") -> None:
        super().__init__()
        self._cell = cell

    def _start_actor_loop(self) -> None:
        pykka.ActorRegistry.unregister(self.actor_ref)
        super()._start_actor_loop()

    def on_start(self) -> None:
        self._cell.in_context(self._cell.run_start)

    def on_receive(self, message: Callable[[], None] | None) -> None:
        # None only says that there is something in the mailbox.
        try:
            if message is not None:
                self._cell.in_context(message)
            self._cell.in_context(self._cell.run_mailbox)
        finally:
            self._cell.release()

    def on_stop(self) -> None:
        self._cell.in_context(self._cell.run_stop)


class ThreadCell(Cell):
    """An actor's place in a System when its handlers run in a Pykka thread.

    Messages cross the thread boundary encoded, in both directions. They wait in the
    mailbox, not in Pykka's queue, so that none is lost when the thread ends.
    """

    __slots__ = (
        "_closed",
        "_ended",
        "_has_failed_to_start",
        "_kernel",
        "_ref",
        "_running",
        "_woken",
        "_work",
    )

    def __init__(
        self,
        path: str,
        actor: Hosted,
        decode: Callable[[bytes], Any],
        kernel: Kernel,
        *,
        policy: Mailbox,
        supervision: Supervision,
        incarnation: int,
        context: Context,
    ) -> None:
        self._closed = False
        super().__init__(
            path,
            actor,
            decode,
            queue=_Waker(),
            policy=policy,
            supervision=supervision,
            incarnation=incarnation,
            context=context,
        )
        self.extras = {}  # Two threads write there.
        self._kernel = kernel
        self._has_failed_to_start = False
        self._ended = threading.Event()
        self._woken = False
        self._work = Work(kernel.dispatcher)
        self._running: Running | None = None
        self._ref: pykka.ActorRef[_Thread] | None = None

    @property
    def status(self) -> int:
        """Whether the thread takes messages: there is no run queue for it to be in.

        Two threads write it, so it is one flag that `close` and `open` set.
        """
        return CLOSED if self._closed else IDLE

    @status.setter
    def status(self, status: int) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        del status

    def close(self) -> None:
        """Take no message until the thread is told to begin again."""
        self._closed = True

    def start(self) -> None:
        """Start the thread; to be called once, when the System knows the cell.

        Raises `RuntimeError` if there is no room for another.
        """
        self._work.begin()
        try:
            self._ref = _Thread.start(self)
        except RuntimeError:
            self._work.end_all()
            self._ended.set()
            raise

    def post(self, call: Callable[[], None] | None) -> None:
        """Have the thread make a call, if there is one, and look into the mailbox.

        One that has not looked since it was last woken is not woken again.
        """
        if call is None:
            if self._woken:
                return
            self._woken = True
        self._work.begin()
        assert self._ref is not None, "it is started before anybody sends to it"
        # A dead one has told the System of its end, which will empty the mailbox.
        with suppress(pykka.ActorDeadError):
            self._ref.tell(call)

    def signal(self, envelope: Envelope) -> None:
        """Handle a signal at once: the System's thread does not wait for that one."""
        self._kernel.supervisor.signalled(self, envelope)

    def begin_again(self, begin: Callable[[Cell], None]) -> None:
        """Have the actor begin again on its thread, its last life being over there."""

        def again() -> None:
            self._run_own_on_stop()
            self._has_failed_to_start = False
            self._closed = False
            begin(self)

        self.post(again)

    def run_on_stop(
        self, within: Callable[[Callable[[], Any]], Any]
    ) -> Coroutine[Any, Any, None] | None:
        """Leave `on_stop` to the thread."""
        del within
        return None

    def finish(self) -> None:
        """Have the thread end after the message it is handling now."""
        self._closed = True
        if self._ref is not None:  # or it could not be started
            _ = self._ref.stop(block=False)

    def forget(self) -> None:
        """Leave the actor to its thread, which has to run `on_stop` yet."""
        self.mailbox = None

    def asks_in_hand(self) -> tuple[int, ...]:
        """Return the number of the ask that the thread is handling now."""
        envelope = None if self._running is None else self._running.envelope
        return () if envelope is None else (envelope.ask,)

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the thread to end; False if it has not."""
        return self._ended.wait(timeout)

    # -- on the thread ------------------------------------------------------------

    def in_context(self, call: Callable[[], None]) -> None:
        """Call in the context of the actor."""
        self.context.run(call)

    def run_start(self) -> None:
        """Begin the thread's life."""
        threading.current_thread().name = f"actor {self.path}"
        running = self._running = self._kernel.running_here()
        running.address = running.resting_address = self.address
        running.work = self._work
        supervisor = self._kernel.supervisor
        try:
            self.actor.on_start()
        except BaseException as error:  # noqa: BLE001 - it must not reach Pykka
            self._has_failed_to_start = True
            supervisor.fail(self, _START, error)
        else:
            self._kernel.calls.note(partial(supervisor.has_started, self))
        finally:
            self.release()

    def release(self) -> None:
        """Say that the thread has done what it was woken for."""
        self._work.end()

    def run_mailbox(self) -> None:
        """Handle what is in the mailbox."""
        self._woken = False
        kernel, running = self._kernel, self._kernel.running_here()
        while self.mailbox and not self._closed:
            kernel.invoker.run(self, _BATCH, running)
            running.leave()
        if kernel.pressure.waiting:
            kernel.calls.note(partial(kernel.pressure.freed, self))

    def run_stop(self) -> None:
        """End the thread's life, last of all."""
        self._closed = True
        try:
            self._run_own_on_stop()
        finally:
            self._kernel.calls.note(self._let_go)
            self._work.end_all()
            self._ended.set()

    def _let_go(self) -> None:
        """Forget the actor, of which nothing runs any more; on the System's thread."""
        self._kernel.ending.end(self, "its thread has ended")
        super().forget()

    def _run_own_on_stop(self) -> None:
        if self._has_failed_to_start:
            return
        try:
            self.actor.on_stop()
        except BaseException as error:  # noqa: BLE001 - it must not reach Pykka
            supervisor = self._kernel.supervisor
            note = partial(supervisor.note_stop_error, self, error)
            self._kernel.calls.note(note)


class _Waker:
    """What stands for a run queue: each actor's own thread runs it."""

    def enqueue(self, cell: ThreadCell) -> None:
        """Wake the thread."""
        if cell.life in (State.RUNNING, State.STARTING):
            cell.post(None)
