"""Starts a client under its filter, and says why that cannot be done."""

import asyncio
import contextlib
import errno
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

from ccw_actors.errors import UnsupportedHostError
from ccw_actors.vfio._event_descriptors import EventDescriptors, take_descriptor
from ccw_actors.vfio._filter import filter_program
from ccw_actors.vfio._memory import ProcessMemory, read_memory
from ccw_actors.vfio._notifications import Listener

__all__ = ["Client", "check_host", "spawn_client"]

_LAUNCHER: Final = Path(__file__).with_name("_launch.py")
_KERNEL_MIN: Final = (5, 19)
_WHY: Final = {
    errno.ENOSYS: "this kernel has no seccomp",
    errno.EINVAL: "this kernel has no user notification of seccomp",
    errno.EBUSY: "a seccomp listener is at work here already; there can be one only",
    errno.EPERM: "seccomp(2) is forbidden here; in a container, run it with"
    " --security-opt seccomp=unconfined",
}
_PTRACE: Final = (
    "ptrace is forbidden; in a container, run it with --cap-add SYS_PTRACE; elsewhere,"
    " kernel.yama.ptrace_scope has to be 0 or 1"
)


class Client(NamedTuple):
    """A process whose system calls come over `listener`."""

    process: subprocess.Popen[bytes]
    listener: Listener


class _Streams(NamedTuple):
    stdin: int | IO[bytes] | None
    stdout: int | IO[bytes] | None
    stderr: int | IO[bytes] | None


def check_host() -> None:
    """Check what can be known before a client is started.

    Raises:
        UnsupportedHostError: This is not Linux 5.19 or later on x86-64, or it has no
            asynchronous I/O.
    """
    system, machine = platform.system(), platform.machine()
    if system != "Linux" or machine != "x86_64":
        raise UnsupportedHostError(
            f"expected Linux on x86-64, but this is {system} on {machine}"
        )
    _check_release(platform.release())
    EventDescriptors.check()


def _check_release(release: str) -> None:
    """Find out whether a kernel is new enough, if its release says what it is."""
    numbers = release.split("-", maxsplit=1)[0].split(".")[:2]
    if not all(one.isdigit() for one in numbers):
        return
    if tuple(map(int, numbers)) < _KERNEL_MIN:
        raise UnsupportedHostError(
            f"expected Linux 5.19 or later, but this is {release}: a signal would"
            " interrupt system calls that are being answered"
        )


async def spawn_client(
    argv: Sequence[str],
    *,
    pass_fds: Sequence[int] = (),
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Client:
    """Start a program, given by its path, in a session of its own.

    It ends with the calling thread, which has to be there as long as it is wanted.

    Raises:
        UnsupportedHostError: Its system calls, its memory, or its descriptors cannot
            be had.
        OSError: The program cannot be started; `filename` is its path.
    """
    check_host()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        streams = _Streams(stdin, stdout, stderr)
        process = _launch(theirs, argv, pass_fds, streams, environment)
        theirs.close()
        ours.setblocking(False)  # noqa: FBT003 - the library's
        with contextlib.ExitStack() as undo:
            undo.callback(process.wait)
            undo.callback(process.kill)
            listener = await _first_word(ours)
            undo.callback(listener.close)
            _check_access(process.pid)
            await _readable(ours)
            _check_begun(ours.recv(256), argv[0])
            undo.pop_all()
    return Client(process, listener)


def _launch(
    theirs: socket.socket,
    argv: Sequence[str],
    pass_fds: Sequence[int],
    streams: _Streams,
    environment: Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    """Start the launcher, which reports to `theirs` and becomes the program."""
    arguments = [str(theirs.fileno()), str(os.getpid()), filter_program().hex(), *argv]
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(_LAUNCHER), *arguments],
        pass_fds=(theirs.fileno(), *pass_fds),
        stdin=streams.stdin,
        stdout=streams.stdout,
        stderr=streams.stderr,
        env=environment,
        start_new_session=True,
    )


async def _first_word(ours: socket.socket) -> Listener:
    """Wait for the launcher's listener."""
    await _readable(ours)
    word, descriptors, *_ = socket.recv_fds(ours, 256, 1)
    return _listener(word, descriptors)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock)


def _listener(word: bytes, descriptors: list[int]) -> Listener:
    """Take the listener that has come, or say with the word why none has."""
    if descriptors:
        os.set_inheritable(descriptors[0], False)  # noqa: FBT003 - the library's
        return Listener(descriptors[0])
    number, _, text = word.decode().partition(" ")
    known = _WHY.get(int(number)) if number.isdigit() else None
    text = text or "the launcher has ended"
    raise UnsupportedHostError(known or f"a seccomp filter cannot be had: {text}")


def _check_begun(word: bytes, program: str) -> None:
    """Find out whether the program has begun: then nobody has said anything."""
    number, _, text = word.decode().partition(" ")
    if number:
        raise OSError(int(number), text, program)


def _check_access(pid: int) -> None:
    """Find out whether memory and descriptors of the new process may be had.

    Of one that has ended nothing is found out: the next word says why it has.
    """
    with contextlib.suppress(ProcessLookupError):
        _check_memory(pid)
        _check_descriptors(pid)


def _check_memory(pid: int) -> None:
    try:
        ProcessMemory(pid).close()
        read_memory(pid, [(1 << 12, 1)])  # nothing is there, and that is no error
    except ProcessLookupError:
        raise
    except OSError as error:
        raise UnsupportedHostError(
            f"the memory of a child process may not be read here ({error.strerror}):"
            f" {_PTRACE}"
        ) from error


def _check_descriptors(pid: int) -> None:
    try:
        os.close(take_descriptor(pid, 0))
    except ProcessLookupError:
        raise
    except OSError as error:
        if error.errno != errno.EBADF:
            raise UnsupportedHostError(
                f"descriptors of a child process may not be had here"
                f" ({error.strerror}): {_PTRACE}"
            ) from error
