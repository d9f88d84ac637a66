"""What a guest shows arrives, whoever it is shown to."""

import os
import socket

from ccw_actors.vfio import Console


def test_target_that_takes_its_time() -> None:
    """A target that is full, and made non-blocking by others, loses nothing."""
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
