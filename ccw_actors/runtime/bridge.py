"""The bridge to Pykka: an actor that may block lives in a Pykka thread of its own."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pykka

from ccw_actors.runtime.cell import Cell, Envelope

if TYPE_CHECKING:
    from ccw_actors.runtime.actor import Actor
    from ccw_actors.runtime.mail import Mail

__all__ = ["ThreadCell"]

_START = "on_start"
_STOP = "on_stop"


class _Thread(pykka.ThreadingActor):
    """Runs one actor's handlers on its thread, message by message.

    No exception gets out of it: at a BaseException Pykka would stop every actor of
    the process, ours and those of the application around us.
    """

    use_daemon_thread = True

    def __init__(self, cell: "ThreadCell") -> None:
        super().__init__()
        self._cell = cell

    def on_start(self) -> None:
        self._cell.run_start()

    def on_receive(self, message: Any) -> None:
        del message  # It only says that the mailbox has one more.
        self._cell.run_next()

    def on_stop(self) -> None:
        self._cell.run_stop()


class ThreadCell(Cell):
    """An actor's place in a System when its handlers run in a Pykka thread.

    Messages cross the thread boundary encoded, in both directions. They wait in the
    mailbox, not in Pykka's queue, so that none is lost when the thread ends.
    """

    __slots__ = ("_ended", "_failed", "_mail", "_ref")

    catches = BaseException

    def __init__(
        self,
        path: str,
        actor: "Actor",
        decode: Callable[[bytes], Any],
        mail: "Mail",
    ) -> None:
        super().__init__(path, actor, decode)
        self._mail = mail
        self._failed = False
        self._ended = threading.Event()
        self._ref = _Thread.start(self)

    def take(self, envelope: Envelope) -> bool:
        """Put an envelope into the mailbox and wake the thread. Never blocks."""
        self.mailbox.append(envelope)
        # A dead one has told the System of its end, which will empty the mailbox.
        with suppress(pykka.ActorDeadError):
            self._ref.tell(None)
        return False

    def finish(self, *, stopped: bool) -> None:
        """Have the thread end after the message it is handling now."""
        self._failed = self._failed or not stopped
        self.closed = True
        _ = self._ref.stop(block=False)

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the thread to end; False if it has not."""
        return self._ended.wait(timeout)

    def run_start(self) -> None:
        """Begin the thread's life; called on it."""
        threading.current_thread().name = f"actor {self.path}"
        self._mail.here.place.path = self.path
        self._guarded(_START, self.actor.on_start)

    def run_next(self) -> None:
        """Handle the oldest message in the mailbox, if any; called on the thread."""
        if self.closed:
            return
        try:
            envelope = self.mailbox.popleft()
        except IndexError:
            return
        self._mail.handle(self, envelope)

    def run_stop(self) -> None:
        """End the thread's life; called on it, last of all."""
        self.closed = True
        try:
            if not self._failed:
                self._guarded(_STOP, self.actor.on_stop)
            self._mail.thread_ended(self)
        finally:
            self._ended.set()

    def _guarded(self, what: str, hook: Callable[[], None]) -> None:
        try:
            hook()
        except BaseException as error:  # noqa: BLE001 - it must not reach Pykka
            self._failed = True
            self._mail.fail(self, what, error)
