"""Actors that may block: each runs in its own Pykka thread."""

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

    No exception leaves it: at a BaseException Pykka would stop every actor of the
    process, including those of the application. It is not in Pykka's registry either:
    an application that stops its own Pykka actors must not stop ours.
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
        # None only means that the mailbox has messages.
        try:
            if message is not None:
                self._cell.in_context(message)
            self._cell.in_context(self._cell.run_mailbox)
        finally:
            self._cell.release()

    def on_stop(self) -> None:
        self._cell.in_context(self._cell.run_stop)


class ThreadCell(Cell):
    """The cell of an actor whose handlers run in a Pykka thread.

    Messages cross the thread boundary encoded, in both directions. They wait in the
    mailbox and not in Pykka's queue, so that none is lost when the thread ends.
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
        self.extras = {}  # Two threads write here.
        self._kernel = kernel
        self._has_failed_to_start = False
        self._ended = threading.Event()
        self._woken = False
        self._work = Work(kernel.dispatcher)
        self._running: Running | None = None
        self._ref: pykka.ActorRef[_Thread] | None = None

    @property
    def status(self) -> int:
        """Whether the thread takes messages; a thread is in no run queue.

        Two threads write it, so it is one flag, which `close` and `open` set.
        """
        return CLOSED if self._closed else IDLE

    @status.setter
    def status(self, status: int) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        del status

    def close(self) -> None:
        """Take no message until the thread is told to restart."""
        self._closed = True

    def start(self) -> None:
        """Start the thread; called once, when the System knows the cell.

        Raises `RuntimeError` if the host cannot start another thread.
        """
        self._work.begin()
        try:
            self._ref = _Thread.start(self)
        except RuntimeError:
            self._work.end_all()
            self._ended.set()
            raise

    def post(self, call: Callable[[], None] | None) -> None:
        """Make the thread run a call, if given, and check the mailbox.

        A thread that has not checked it since it was last woken is not woken again.
        """
        if call is None:
            if self._woken:
                return
            self._woken = True
        self._work.begin()
        assert self._ref is not None, "the thread starts before any message comes"
        # A dead thread has notified the System, which will empty the mailbox.
        with suppress(pykka.ActorDeadError):
            self._ref.tell(call)

    def signal(self, envelope: Envelope) -> None:
        """Handle a signal at once: the System's thread never waits for this one."""
        self._kernel.supervisor.signalled(self, envelope)

    def begin_again(self, begin: Callable[[Cell], None]) -> None:
        """Restart the actor on its thread, where its last life has ended."""

        def again() -> None:
            self._run_own_on_stop()
            self._has_failed_to_start = False
            self._closed = False
            begin(self)

        self.post(again)

    def run_on_stop(
        self, within: Callable[[Callable[[], Any]], Any]
    ) -> Coroutine[Any, Any, None] | None:
        """Let the thread run `on_stop`."""
        del within
        return None

    def finish(self) -> None:
        """End the thread after the message that it is handling now."""
        self._closed = True
        if self._ref is not None:  # otherwise it could not be started
            _ = self._ref.stop(block=False)

    def forget(self) -> None:
        """Keep the actor: its thread still has to run `on_stop`."""
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
        """Name the thread and start the actor."""
        threading.current_thread().name = f"actor {self.path}"
        running = self._running = self._kernel.running_here()
        running.address = running.resting_address = self.address
        running.work = self._work
        running.counts = self._kernel.counts.table()
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
        """Note that the thread has done the work that it was woken for."""
        self._work.end()

    def run_mailbox(self) -> None:
        """Handle the messages in the mailbox."""
        self._woken = False
        kernel, running = self._kernel, self._kernel.running_here()
        while self.mailbox and not self._closed:
            kernel.invoker.run(self, _BATCH, running)
            running.leave()
        if kernel.pressure.waiting:
            kernel.calls.note(partial(kernel.pressure.freed, self))

    def run_stop(self) -> None:
        """End the actor when the thread ends."""
        self._closed = True
        try:
            self._run_own_on_stop()
        finally:
            self._kernel.calls.note(self._let_go)
            self._work.end_all()
            self._ended.set()

    def _let_go(self) -> None:
        """Forget the actor, whose thread has ended; on the System's thread."""
        self._kernel.ending.end(self, "its thread has ended")
        if self._running is not None:
            self._kernel.counts.end(self._running.counts)
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
    """A run queue that wakes each actor's own thread."""

    def enqueue(self, cell: ThreadCell) -> None:
        """Wake the thread."""
        if cell.life in (State.RUNNING, State.STARTING):
            cell.post(None)
