"""Starts a client under its filter, or reports why that is impossible."""

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
    errno.EBUSY: "this process already has a seccomp listener; only one is possible",
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
    """Check this machine before a client is started.

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
    """Check that the kernel is new enough, if its release is numeric."""
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
    """Start a program, given by its path, in its own session.

    It ends with the calling thread, so keep that thread as long as you need the client.

    Raises:
        UnsupportedHostError: The kernel does not let us take the program's system
            calls, or access its memory or descriptors.
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
    """Return the listener that has come, or raise with the word that came instead."""
    if descriptors:
        os.set_inheritable(descriptors[0], False)  # noqa: FBT003 - the library's
        return Listener(descriptors[0])
    number, _, text = word.decode().partition(" ")
    known = _WHY.get(int(number)) if number.isdigit() else None
    text = text or "the launcher has ended"
    raise UnsupportedHostError(known or f"no seccomp filter can be installed: {text}")


def _check_begun(word: bytes, program: str) -> None:
    """Raise the launcher's error; without a word, the program has started."""
    number, _, text = word.decode().partition(" ")
    if number:
        raise OSError(int(number), text, program)


def _check_access(pid: int) -> None:
    """Check that we may access memory and descriptors of the new process.

    If it has ended, skip the checks: the launcher's next word says why.
    """
    with contextlib.suppress(ProcessLookupError):
        _check_memory(pid)
        _check_descriptors(pid)


def _check_memory(pid: int) -> None:
    try:
        ProcessMemory(pid).close()
        read_memory(pid, [(1 << 12, 1)])  # no memory there, but not an error
    except ProcessLookupError:
        raise
    except OSError as error:
        raise UnsupportedHostError(
            f"the memory of a child process cannot be read ({error.strerror}):"
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
                f"descriptors of a child process cannot be copied"
                f" ({error.strerror}): {_PTRACE}"
            ) from error
