"""A guest's console: output goes to a file or terminal, keys go to the guest.

Reading and writing may block while a terminal is held or a disk is slow, so each
direction has its own thread.

| typed | what happens |
|---|---|
| Ctrl-A x | the guest is asked to shut down, as with Ctrl-C |
| Ctrl-A c | the guest gets a Ctrl-C |
| Ctrl-A Ctrl-A | the guest gets a Ctrl-A |
| anything else | the guest gets it |
"""

import contextlib
import os
import select
import selectors
import socket
import termios
import threading
from collections.abc import Callable, Generator
from typing import Final

__all__ = ["Console", "raw_terminal"]

_SIZE: Final = 1 << 14
_ESCAPE: Final = 0x01
_CTRL_C: Final = b"\x03"
_IFLAG, _LFLAG = 0, 3


class Console:
    """Relays between one end of a pair of sockets and the outside.

    `target` is the descriptor for output, `source` the one for keys, or None.
    `quit_typed` is called in a thread when Ctrl-A x is typed. `error` is the error that
    ended the output, if any.
    """

    def __init__(
        self,
        link: socket.socket,
        target: int,
        source: int | None = None,
        quit_typed: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = link
        self._target = target
        self._source = source
        self._quit_typed = quit_typed
        self._stop_read, self._stop_write = os.pipe()
        self._is_escaped = False
        self.error: OSError | None = None
        self._threads = [threading.Thread(target=self._show, name="console")]
        if source is not None:
            self._threads.append(threading.Thread(target=self._type, name="keys"))

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.daemon = True  # a held terminal does not keep the process alive
            thread.start()

    def close(self) -> None:
        """Write what has arrived, and end; wait at most a second for each thread."""
        os.close(self._stop_write)
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
        for thread in self._threads:
            thread.join(1)
        self._link.close()
        if not any(thread.is_alive() for thread in self._threads):
            os.close(self._stop_read)

    def _show(self) -> None:
        while True:
            try:
                data = self._link.recv(_SIZE)
            except OSError:
                return
            if not data:
                return
            while data and self.error is None:
                try:
                    data = data[os.write(self._target, data) :]
                except BlockingIOError:  # others may have made it non-blocking
                    poll = select.poll()
                    poll.register(self._target, select.POLLOUT)
                    poll.poll()
                except OSError as error:
                    self.error = error  # the guest runs on without output

    def _type(self) -> None:
        assert self._source is not None, "the thread exists only with a source"
        with selectors.PollSelector() as selector:  # it also takes files
            selector.register(self._stop_read, selectors.EVENT_READ)
            selector.register(self._source, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if self._stop_read in ready:
                    return
                try:
                    data = os.read(self._source, _SIZE)
                    if not data:
                        return
                    self._link.sendall(self._typed(data))
                except OSError:
                    return

    def _typed(self, data: bytes) -> bytes:
        """Return the guest's part of what was typed."""
        out = bytearray()
        for byte in data:
            if not self._is_escaped:
                self._is_escaped = byte == _ESCAPE
                if not self._is_escaped:
                    out.append(byte)
                continue
            self._is_escaped = False
            if byte == _ESCAPE:
                out.append(byte)
            elif byte == ord("c"):
                out += _CTRL_C
            elif byte == ord("x"):
                self._quit_typed()
        return bytes(out)


@contextlib.contextmanager
def raw_terminal(descriptor: int) -> Generator[None]:
    """Read keys one by one and without echo in this context; Ctrl-C stays a signal.

    A descriptor that is not a terminal is left alone.
    """
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    now = termios.tcgetattr(descriptor)
    now[_IFLAG] &= ~(
        termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON
    )
    now[_LFLAG] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN)
    termios.tcsetattr(descriptor, termios.TCSANOW, now)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
