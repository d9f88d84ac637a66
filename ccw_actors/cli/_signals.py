"""SIGINT, SIGTERM and SIGHUP while a machine runs: the first one stops it.

| signal | the event loop answers | what happens |
|---|---|---|
| first | yes | the run stops: it closes guests, images and trace |
| first | not for a second | the command says what keeps the run from stopping |
| second | either | the command prints its last words, and the process ends at once |

A guest program that computes holds the event loop, and a signal handler there would
have to wait for it. So a separate thread waits for signals. It only needs its turn to
run Python code, which even a program in an endless loop gives it.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Self

from ccw_actors.cli._printing import complain

__all__ = ["SignalWatch", "place_of"]

_PATIENCE: Final = 1.0
_LAST_WORDS: Final = 2.0
_EXIT_STATUS: Final = 128


class SignalWatch:
    """Takes signals while it is entered, on the main thread.

    The watching thread calls `stop` with the first signal; it has to return at once.
    `is_stopping` returns whether that had an effect, `hint` what is in the way, as part
    of a sentence. `last_words` may print results before the process ends: it has two
    seconds.
    """

    def __init__(
        self,
        *,
        stop: Callable[[signal.Signals], None],
        is_stopping: Callable[[], bool],
        hint: Callable[[], str],
        last_words: Callable[[signal.Signals], None],
    ) -> None:
        self._stop = stop
        self._is_stopping = is_stopping
        self._hint = hint
        self._last_words = last_words
        self._before: dict[signal.Signals, Any] = {}
        self.first: signal.Signals | None = None

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._fd_before = self.claim()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)
            if number == signal.SIGHUP and before == signal.SIG_IGN:
                continue  # nohup
            self._before[number] = before
            signal.signal(number, _take_note)
        self._thread = threading.Thread(target=self._watch, name="signals", daemon=True)
        self._thread.start()
        return self

    def claim(self) -> int:
        """Have signals reported to this watch; return where they were reported before.

        Call it again on the event loop: uvloop claims them when it begins to run.
        """
        return signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._fd_before)
        os.write(self._write, b"\0")
        self._thread.join()
        os.close(self._read)
        os.close(self._write)

    def _watch(self) -> None:
        poll = select.poll()  # select(2) knows the first 1024 descriptors only
        poll.register(self._read, select.POLLIN)
        while True:
            if not poll.poll(self._limit()):
                self._tell_hint()
                continue
            for number in os.read(self._read, 64):
                if number == 0:
                    return
                if signal.Signals(number) in self._before:
                    self._take(signal.Signals(number))

    def _limit(self) -> float | None:
        """Return how many milliseconds to wait before the hint, None for no limit."""
        if self.first is None or self._is_stopping() or self._has_hinted:
            return None
        return _PATIENCE * 1000

    _has_hinted = False

    def _take(self, number: signal.Signals) -> None:
        if self.first is None:
            self.first = number
            self._stop(number)
            return
        try:
            _in_time(lambda: self._last_words(number))
        finally:
            os._exit(_EXIT_STATUS + number)

    def _tell_hint(self) -> None:
        self._has_hinted = True
        if self.first is not None and not self._is_stopping():
            advice = "a second signal ends the run at once"
            text = f"{self.first.name}: {self._hint()}; {advice}"
            _in_time(lambda: complain(text))


def place_of(thread: int) -> str:
    """Return the place in the code where a thread is."""
    frame: FrameType | None = sys._current_frames().get(thread)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    if frame is None:
        return "somewhere"
    code = frame.f_code
    return f"{code.co_filename}, line {frame.f_lineno}, in {code.co_name}"


def _take_note(_number: int, _frame: object) -> None:
    """Do nothing: the watching thread reads the signal from the pipe."""


def _in_time(call: Callable[[], None]) -> None:
    """Make a call that may block, such as one that prints; wait two seconds for it."""
    thread = threading.Thread(target=call, name="last words", daemon=True)
    thread.start()
    thread.join(_LAST_WORDS)
