"""A guest's console: output, keys, and the end of both."""

import os
import pty
import socket
import termios
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from ccw_actors.vfio import Console, raw_terminal


class Relay:
    """A console between a guest's end of a link and two pipes."""

    def __init__(self) -> None:
        ours, self.guest = socket.socketpair()
        self.typed, self.keys = os.pipe()
        self.shown, target = os.pipe()
        self.quit = threading.Event()
        self.console = Console(ours, target, self.typed, self.quit.set)
        self._open = [self.typed, self.keys, self.shown, target]
        self.console.start()

    def type(self, data: bytes) -> bytes:
        """Type some keys, then a mark; return what the guest gets before the mark."""
        os.write(self.keys, data + b"|")
        got = b""
        while not got.endswith(b"|"):
            got += self.guest.recv(100)
        return got[:-1]

    def close(self) -> None:
        """End the guest and the console."""
        self.guest.close()
        self.console.close()
        for number in self._open:
            os.close(number)


@pytest.fixture
def relay() -> Generator[Relay]:
    """Return a started console."""
    made = Relay()
    yield made
    made.close()


def test_output_is_shown(relay: Relay) -> None:
    """The guest's output is shown unchanged."""
    relay.guest.sendall(b"\x1b[31mred\r\n\0")
    assert os.read(relay.shown, 100) == b"\x1b[31mred\r\n\0"


@pytest.mark.parametrize(
    ("typed", "got"),
    [
        (b"ls\r", b"ls\r"),
        (b"\x03", b"\x03"),
        (b"\x01c", b"\x03"),
        (b"\x01\x01", b"\x01"),
        (b"\x01?", b""),
        (b"a\x01\x01cb\x01c", b"a\x01cb\x03"),
    ],
)
def test_keys(relay: Relay, typed: bytes, got: bytes) -> None:
    """The guest gets all keys, except those after a Ctrl-A."""
    assert relay.type(typed) == got
    assert not relay.quit.is_set()


def test_escape_in_two_reads(relay: Relay) -> None:
    """A Ctrl-A and the key after it may come in two reads."""
    os.write(relay.keys, b"\x01")
    assert relay.type(b"c") == b"\x03"


def test_quit(relay: Relay) -> None:
    """Ctrl-A x calls `quit_typed`."""
    assert relay.type(b"\x01x") == b""
    assert relay.quit.wait(10)


@pytest.mark.parametrize("source", ["/dev/null", "file"])
def test_source_that_ends(tmp_path: Path, source: str) -> None:
    """Output goes on when the keys end, and without any."""
    (tmp_path / "file").write_bytes(b"typed")
    ours, guest = socket.socketpair()
    shown, target = os.pipe()
    keys = os.open(tmp_path / source, os.O_RDONLY)
    console = Console(ours, target, keys)
    console.start()
    if source == "file":
        assert guest.recv(100) == b"typed"
    guest.sendall(b"still here")
    assert os.read(shown, 100) == b"still here"
    guest.close()
    console.close()
    for number in (shown, target, keys):
        os.close(number)


def test_output_that_cannot_be_written() -> None:
    """A guest whose output cannot be written runs on, and the error is kept."""
    ours, guest = socket.socketpair()
    shown, target = os.pipe()
    os.close(shown)
    console = Console(ours, target)
    console.start()
    for _ in range(3):
        guest.sendall(bytes(100_000))
    guest.close()
    console.close()
    assert isinstance(console.error, BrokenPipeError)
    os.close(target)


def test_raw_terminal() -> None:
    """Keys come one by one without echo, Ctrl-C stays a signal; all is restored."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with raw_terminal(theirs):
        flags = termios.tcgetattr(theirs)[3]
        assert not flags & (termios.ICANON | termios.ECHO)
        assert flags & termios.ISIG
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_no_terminal(tmp_path: Path) -> None:
    """A file is not a terminal, and is left alone."""
    with (tmp_path / "file").open("wb") as file, raw_terminal(file.fileno()):
        file.write(b"x")


def test_target_that_takes_its_time() -> None:
    """A target that is full and was made non-blocking by others loses no output."""
    ours, guest = socket.socketpair()
    source, sink = os.pipe2(os.O_NONBLOCK)
    os.set_blocking(source, True)
    console = Console(ours, sink)
    console.start()
    shown = bytes(range(256)) * 2048  # more than a pipe holds
    got = b""
    with guest:
        guest.settimeout(0.2)
        sent = 0
        while sent < len(shown):
            try:
                sent += guest.send(shown[sent : sent + (1 << 14)])
            except TimeoutError:
                got += os.read(source, 1 << 16)
        guest.shutdown(socket.SHUT_WR)
        while len(got) < len(shown):
            got += os.read(source, 1 << 16)
    console.close()
    assert console.error is None
    assert got == shown
    os.close(source)
    os.close(sink)
