"""The client of a control socket, and machines that misbehave."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Generator

import msgpack
import pytest

from ccw_actors.control import (
    ControlClient,
    ControlSocket,
    DescribeMachine,
    MachineDescription,
)
from ccw_actors.errors import (
    ControlError,
    ControlRefusedError,
    ControlTimeoutError,
    NoSuchMachineError,
    RequestFailedError,
)
from tests.control.cast import NAME

WELCOME = msgpack.packb(["Welcome", NAME, 1, []])
DESCRIPTION = MachineDescription(NAME, 1, 0.5, 7, (), ())
ANSWER = msgpack.packb(["MachineDescription", NAME, 1, 0.5, 7, [], []])


@contextlib.contextmanager
def machine(work: Callable[[socket.socket], object]) -> Generator[None]:
    """Run a machine that treats its first client as the test demands."""
    control = ControlSocket.claim(NAME)
    control.listener.settimeout(30)

    def serve() -> None:
        peer, _ = control.listener.accept()
        with peer, contextlib.suppress(ConnectionError):
            work(peer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        control.close()


def answering(*pieces: bytes) -> Callable[[socket.socket], None]:
    """Return a machine's work: after each message that comes it sends one piece."""

    def work(peer: socket.socket) -> None:
        for piece in pieces:
            assert peer.recv(1 << 16)
            peer.sendall(piece)

    return work


def error_of(work: Callable[[socket.socket], object], timeout: float = 30) -> str:
    """Return the error of a client that asks such a machine."""
    with (
        machine(work),
        pytest.raises(ControlError) as caught,
        ControlClient(NAME, timeout=timeout) as client,
    ):
        client.ask(DescribeMachine())
    return f"{type(caught.value).__name__}: {caught.value}"


def test_answer() -> None:
    """A correct machine is understood."""
    with machine(answering(WELCOME, ANSWER)), ControlClient(NAME) as client:
        assert client.ask(DescribeMachine()) == DESCRIPTION
        assert client.pid == os.getpid()


def test_answer_in_pieces() -> None:
    """An answer may come byte by byte."""

    def work(peer: socket.socket) -> None:
        answering(WELCOME)(peer)
        peer.recv(1 << 16)
        for byte in ANSWER:
            peer.sendall(bytes([byte]))

    with machine(work), ControlClient(NAME) as client:
        assert client.ask(DescribeMachine()) == DESCRIPTION


def test_no_machine() -> None:
    """A name that no machine has, or no longer has, is an error."""
    with pytest.raises(NoSuchMachineError) as caught:
        ControlClient(NAME)
    assert str(caught.value) == f"no machine named {NAME} is running"
    control = ControlSocket.claim(NAME)
    control.listener.close()  # and leave it there, dead
    with pytest.raises(NoSuchMachineError):
        ControlClient(NAME)
    assert control.path.exists()


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((), f"ControlError: machine {NAME} has ended the connection"),
        ((WELCOME,), f"ControlError: machine {NAME} has ended the connection"),
        ((WELCOME, ANSWER[:9]), f"ControlError: machine {NAME} has ended the"),
        ((b"\xc1",), f"ControlError: machine {NAME}: unexpected answer"),
        ((ANSWER,), f"ControlError: machine {NAME}: unexpected answer: Ma"),
        ((WELCOME, WELCOME), f"ControlError: machine {NAME}: unexpected answer"),
        (
            (msgpack.packb(["Refused", "busy", "no room"]),),
            f"ControlRefusedError: machine {NAME} refuses: no room",
        ),
        (
            (WELCOME, msgpack.packb(["RequestFailed", "X", "cannot"])),
            f"RequestFailedError: machine {NAME}: cannot",
        ),
    ],
)
def test_bad_answer(pieces: tuple[bytes, ...], said: str) -> None:
    """Any other answer of a machine is an error that says so."""
    assert error_of(answering(*pieces)).startswith(said)


def test_errors_keep_what_they_say() -> None:
    """Errors have their parts as attributes."""
    refused = ControlRefusedError("m", "busy", "no room")
    assert (refused.machine, refused.code, refused.reason) == ("m", "busy", "no room")
    failed = RequestFailedError("m", "X", "cannot")
    assert (failed.machine, failed.kind, failed.reason) == ("m", "X", "cannot")


@pytest.mark.parametrize("pieces", [(), (WELCOME,)])
def test_machine_that_does_not_answer(pieces: tuple[bytes, ...]) -> None:
    """The error has the time and the process."""
    over = threading.Event()

    def work(peer: socket.socket) -> None:
        answering(*pieces)(peer)
        over.wait(30)

    with machine(work):
        with (
            pytest.raises(ControlTimeoutError) as caught,
            ControlClient(NAME, timeout=0.05) as client,
        ):
            client.ask(DescribeMachine())
        over.set()
    error = caught.value
    assert (error.machine, error.pid, error.seconds) == (NAME, os.getpid(), 0.05)
    assert str(error) == (
        f"machine {NAME} (process {os.getpid()}) has not answered for 0.05 s"
    )


def test_end_that_does_not_come() -> None:
    """Waiting for the end of a machine has a limit as well."""
    over = threading.Event()

    def work(peer: socket.socket) -> None:
        answering(WELCOME)(peer)
        over.wait(30)

    with machine(work), ControlClient(NAME) as client:
        with pytest.raises(ControlTimeoutError, match=r"has not answered for 0.05 s"):
            client.wait_for_end(timeout=0.05)
        over.set()
        client.wait_for_end(timeout=30)


def test_refusal_before_the_hello() -> None:
    """A refusal is understood even if the machine has closed the connection."""
    gone = threading.Event()

    def work(peer: socket.socket) -> None:
        peer.sendall(msgpack.packb(["Refused", "peer", "not you"]))
        peer.close()
        gone.set()

    with machine(work):
        with pytest.raises(ControlRefusedError, match="not you") as caught:
            ControlClient(NAME)
        gone.wait(30)
    assert caught.value.code == "peer"
