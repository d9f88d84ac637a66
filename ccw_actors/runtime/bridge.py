"""Actors of ours that may block: each lives in a Pykka thread of its own."""

import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pykka

from ccw_actors.runtime.cell import IDLE, Cell, Envelope, Phase
from ccw_actors.runtime.dispatch import Dispatcher

if TYPE_CHECKING:
    from ccw_actors.runtime.actor import Actor
    from ccw_actors.runtime.life import Life
    from ccw_actors.runtime.mail import Mail
    from ccw_actors.runtime.mailbox import Mailbox
    from ccw_actors.runtime.supervision import Supervision

__all__ = ["ThreadCell"]

_START = "on_start"
_STOP = "on_stop"
_BATCH = 64


class _Thread(pykka.ThreadingActor):
    """Runs one actor's handlers on its thread, message by message.

    No exception gets out of it: at a BaseException Pykka would stop every actor of
    the process, ours and those of the application around us.
    """

    use_daemon_thread = True

    def __init__(self, cell: "ThreadCell") -> None:
        super().__init__()
        self._cell = cell

    def _start_actor_loop(self) -> None:
        try:
            super()._start_actor_loop()
        except RuntimeError:
            pykka.ActorRegistry.unregister(self.actor_ref)
            raise

    def on_start(self) -> None:
        self._cell.run_start()

    def on_receive(self, message: Callable[[], None] | None) -> None:
        # None only says that there is something in the mailbox.
        try:
            if message is not None:
                message()
            self._cell.run_mailbox()
        finally:
            self._cell.release()

    def on_stop(self) -> None:
        self._cell.run_stop()


class ThreadCell(Cell):
    """An actor's place in a System when its handlers run in a Pykka thread.

    Messages cross the thread boundary encoded, in both directions. They wait in the
    mailbox, not in Pykka's queue, so that none is lost when the thread ends.
    """

    catches = (BaseException,)

    __slots__ = ("_ended", "_failed", "_mail", "_ref", "_woken", "_work")

    def __init__(
        self,
        path: str,
        actor: "Actor[Any]",
        decode: Callable[[bytes], Any],
        mail: "Mail",
        *,
        policy: "Mailbox",
        supervision: "Supervision",
    ) -> None:
        super().__init__(
            path, actor, decode, ready=_wake, policy=policy, supervision=supervision
        )
        self._mail = mail
        self._failed = False
        self._ended = threading.Event()
        self._woken = False
        self._work = Work(mail.dispatcher)
        self._ref: pykka.ActorRef[_Thread] | None = None

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
        self.status = IDLE
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
        self._mail.life.signalled(self, envelope)

    def begin_again(self, life: "Life") -> None:
        """Have the actor begin again on its thread."""

        def again() -> None:
            self.held = False
            life.begin_again(self)

        self.post(again)

    def stop_hook(self) -> Coroutine[Any, Any, None] | None:
        """Leave `on_stop` to the thread."""
        return None

    def finish(self, *, stopped: bool) -> None:
        """Have the thread end after the message it is handling now."""
        self._failed = self._failed or not stopped
        self.held = True
        if self._ref is not None:  # or it could not be started
            _ = self._ref.stop(block=False)

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the thread to end; False if it has not."""
        return self._ended.wait(timeout)

    def run_start(self) -> None:
        """Begin the thread's life; called on it."""
        threading.current_thread().name = f"actor {self.path}"
        place = self._mail.place()
        place.path = place.home_path = self.path
        place.work = self._work
        try:
            self.actor.on_start()
        except BaseException as error:  # noqa: BLE001 - it must not reach Pykka
            self._mail.life.fail(self, _START, error)
        finally:
            self.release()

    def release(self) -> None:
        """Say that the thread has done what it was woken for; called on it."""
        self._work.end()

    def run_mailbox(self) -> None:
        """Handle what is in the mailbox; called on the thread."""
        self._woken = False
        runner, place = self._mail.runner, self._mail.place()
        while self.mailbox and not self.held:
            runner.run(self, _BATCH, place)
            place.leave()
        if self._mail.room.waiting:
            self._mail.inbox.note(partial(self._mail.room.freed, self))

    def run_stop(self) -> None:
        """End the thread's life; called on it, last of all."""
        self.held = True
        life = self._mail.life
        try:
            if not self._failed and self.failed is None:
                try:
                    self.actor.on_stop()
                except BaseException as error:  # noqa: BLE001 - as above
                    life.fail(self, _STOP, error)
            self._mail.inbox.note(partial(life.end, self, "its thread has ended"))
        finally:
            self._work.end_all()
            self._ended.set()


class Work:
    """Whether a thread has anything to do, for which a virtual clock has to wait.

    It has while it was woken for more than it has done, unless it rests in an ask.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        self._count = 0
        self._rests = False
        self._over = False

    def begin(self) -> None:
        """Note that the thread is being woken."""
        with self._lock:
            if self._over:
                return
            self._count += 1
            if self._count == 1 and not self._rests:
                self._dispatcher.hold()

    def end(self) -> None:
        """Note that it is done with one of the things that it was woken for."""
        with self._lock:
            if not self._count:
                return
            self._count -= 1
            if not self._count and not self._rests:
                self._dispatcher.release()

    def rest(self) -> None:
        """Note that it begins to wait for an answer."""
        with self._lock:
            self._rests = True
            if self._count:
                self._dispatcher.release()

    def go_on(self) -> None:
        """Note that it has its answer; called before it learns of that."""
        with self._lock:
            if self._rests:
                self._rests = False
                if self._count:
                    self._dispatcher.hold()

    def end_all(self) -> None:
        """Note that it will do nothing any more."""
        self.go_on()
        with self._lock:
            self._over = True
            if self._count:
                self._count = 0
                self._dispatcher.release()


def _wake(cell: Cell) -> None:
    assert isinstance(cell, ThreadCell), "that is the cell that has it"
    if cell.phase is Phase.RUNNING:
        cell.post(None)
    else:
        cell.status = IDLE
