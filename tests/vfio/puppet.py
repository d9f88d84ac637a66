"""A client that executes the operations it is sent; runs as its own process.

    python -I puppet.py DESCRIPTOR

It reads JSON lines from the descriptor, each a list of operations, and writes for each
a line with their results: a number (minus the errno where a system call failed),
text, or bytes in hexadecimal. A list that starts with "threads" has lists of operations
that run at the same time. An operation is its name and its arguments:

| operation | is |
|---|---|
| call NUMBER ARGUMENT... | the system call of that number (x86-64) |
| in_child [OPERATION...] | the results of a forked child |
| exec | the same program, started again with the same descriptor |
| anything else | the function `do_` and its name, below |

Results of a system call are those of the C library's function, which adds nothing.
"""

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_MMAP: Final = 9
_IOCTL: Final = 16
_PREAD64, _PWRITE64 = 17, 18
_READLINK: Final = 89
_OPEN, _OPENAT, _READLINKAT = 2, 257, 267
_MUNMAP, _MPROTECT = 11, 10
_UNSHARE: Final = 272
_CLONE_FILES: Final = 0x400
_PR_SET_PDEATHSIG: Final = 1
_AT_FDCWD: Final = -100
_SHARED_ANONYMOUS: Final = 0x21
_SECONDS: Final = 10
_on_their_way: Final[list[tuple[socket.socket, socket.socket]]] = []


def _system(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """Make a system call; return its value, or minus the errno."""
    registers = (
        ctypes.c_ulong(one & ((1 << 64) - 1)) if isinstance(one, int) else one
        for one in arguments
    )
    value: int = _libc.syscall(ctypes.c_long(number), *registers)
    return -ctypes.get_errno() if value == -1 else value


def do_call(number: int, *arguments: int) -> int:
    """Make any system call."""
    return _system(number, *arguments)


# -- paths -----------------------------------------------------------------------------


def do_open(path: str, flags: int = os.O_RDWR) -> int:
    """open(2); bytes of a path that are not UTF-8 are surrogates in the text."""
    return _system(_OPEN, os.fsencode(path), flags)


def do_openat(path: str, flags: int = os.O_RDWR) -> int:
    """openat(2)."""
    return _system(_OPENAT, _AT_FDCWD, os.fsencode(path), flags)


def do_file(path: str) -> str | int:
    """Return the content of a file."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - this file starts fast
            return file.read().hex()
    except OSError as error:
        return -(error.errno or 0)


def do_link(path: str, size: int = 256) -> str | int:
    """readlink(2)."""
    buffer = ctypes.create_string_buffer(256)
    value = _system(_READLINK, path.encode(), buffer, size)
    return value if value < 0 else buffer.raw[:value].decode()


def do_linkat(path: str) -> str | int:
    """readlinkat(2)."""
    buffer = ctypes.create_string_buffer(256)
    value = _system(_READLINKAT, _AT_FDCWD, path.encode(), buffer, 256)
    return value if value < 0 else buffer.raw[:value].decode()


# -- descriptors -----------------------------------------------------------------------


def do_ioctl(
    descriptor: int, request: int, argument: int | str = 0
) -> int | tuple[int, str]:
    """ioctl(2); an argument in hexadecimal is memory, which is returned as well."""
    if isinstance(argument, int):
        return _system(_IOCTL, descriptor, request, argument)
    raw = bytes.fromhex(argument)
    buffer = ctypes.create_string_buffer(raw, max(len(raw), 1))
    value = _system(_IOCTL, descriptor, request, buffer)
    return value, buffer.raw.hex()


def do_pwrite(descriptor: int, data: str, offset: int) -> int:
    """pwrite(2) of bytes."""
    raw = bytes.fromhex(data)
    return _system(_PWRITE64, descriptor, raw, len(raw), offset)


def do_pwrite_at(descriptor: int, address: int, size: int, offset: int) -> int:
    """pwrite(2) of the bytes at an address."""
    return _system(_PWRITE64, descriptor, address, size, offset)


def do_pread(descriptor: int, size: int, offset: int) -> str | int:
    """pread(2)."""
    buffer = ctypes.create_string_buffer(max(size, 1))
    value = _system(_PREAD64, descriptor, buffer, size, offset)
    return value if value < 0 else buffer.raw[:value].hex()


def do_pread_at(descriptor: int, address: int, size: int, offset: int) -> int:
    """pread(2) to an address."""
    return _system(_PREAD64, descriptor, address, size, offset)


def do_close(descriptor: int) -> int:
    """close(2)."""
    return _system(3, descriptor)


def do_dup(descriptor: int) -> int:
    """dup(2)."""
    return _system(32, descriptor)


def do_is_inherited(descriptor: int) -> int:
    """Return whether an executed program would inherit the descriptor."""
    return not fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC


def do_hold(descriptor: int) -> int:  # noqa: ARG001 - a child has all of them
    """Give the descriptor also to a child, until `release` ends that."""
    child = os.fork()
    if not child:
        while True:
            signal.pause()
    return child


def do_release(child: int) -> int:
    """End a child."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 0


def do_pass(descriptor: int) -> int:
    """Send the descriptor into a socket, and close it."""
    ours, theirs = socket.socketpair()
    socket.send_fds(ours, [b"x"], [descriptor])
    os.close(descriptor)
    _on_their_way.append((ours, theirs))
    return 0


def do_receive() -> int:
    """Receive the descriptor from the socket."""
    ours, theirs = _on_their_way.pop()
    _, descriptors, _, _ = socket.recv_fds(theirs, 1, 1)
    ours.close()
    theirs.close()
    return descriptors[0]


def do_descriptors_max(number: int) -> int:
    """Limit the number of descriptors; return the old limit."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    return before


def do_own_files() -> int:
    """Give this thread its own table of descriptors."""
    return _system(_UNSHARE, _CLONE_FILES)


# -- memory ----------------------------------------------------------------------------


def do_map(size: int, access: int = 3) -> int:
    """Map memory, which stays until it is unmapped; return its address."""
    return _system(_MMAP, 0, size, access, _SHARED_ANONYMOUS, -1, 0)


def do_poke(address: int, data: str) -> int:
    """Store bytes."""
    raw = bytes.fromhex(data)
    ctypes.memmove(address, raw, len(raw))
    return 0


def do_peek(address: int, size: int) -> str:
    """Return bytes."""
    return ctypes.string_at(address, size).hex()


def do_munmap(address: int, size: int) -> int:
    """munmap(2)."""
    return _system(_MUNMAP, address, size)


def do_mprotect(address: int, size: int, how: int) -> int:
    """mprotect(2)."""
    return _system(_MPROTECT, address, size, how)


def do_run(address: int) -> int:
    """Call the function at an address, without arguments."""
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(address)())


# -- event descriptors -----------------------------------------------------------------


def do_eventfd(count: int = 0, flags: int = os.EFD_NONBLOCK) -> int:
    """eventfd(2)."""
    event = os.eventfd(0, os.EFD_CLOEXEC | flags)
    if count:
        os.write(event, struct.pack("Q", count))
    return event


def do_wait(event: int) -> int:
    """Wait until it is signalled, ten seconds at most; return its count."""
    ready, _, _ = select.select([event], [], [], _SECONDS)
    return do_count(event) if ready else 0


def do_count(event: int) -> int:
    """Return the count, and reset it to 0."""
    try:
        count: int = struct.unpack("Q", os.read(event, 8))[0]
    except BlockingIOError:
        return 0
    return count


def do_is_blocking(event: int) -> int:
    """Return whether a read of the eventfd would wait."""
    return int(os.get_blocking(event))


# -- the process -----------------------------------------------------------------------


def do_in_child(operations: list[list[Any]]) -> list[Any]:
    """Let a child do operations; return their results, or the child's end."""
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.write(sink, json.dumps(every(operations)).encode())
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        results = file.read()
    _, status = os.waitpid(child, 0)
    done: list[Any] = json.loads(results) if results else [status]
    return done


def do_exec() -> None:
    """Execute the same program again, which closes descriptors marked for that."""
    os.set_inheritable(int(sys.argv[1]), True)  # noqa: FBT003 - the library's
    os.execv(sys.executable, [sys.executable, "-I", *sys.argv])  # noqa: S606


def do_pid() -> int:
    """Return the number of the process."""
    return os.getpid()


def do_exit(status: int) -> None:
    """End with an exit status."""
    os._exit(status)


def do_die() -> None:
    """End by a signal."""
    os.kill(os.getpid(), signal.SIGKILL)


_DO: Final[dict[str, Callable[..., Any]]] = {
    name.removeprefix("do_"): function
    for name, function in list(globals().items())
    if name.startswith("do_")
}


def every(operations: list[list[Any]]) -> list[Any]:
    """Do operations one after the other."""
    return [_DO[name](*arguments) for name, *arguments in operations]


def at_the_same_time(lists: list[list[list[Any]]]) -> list[Any]:
    """Do lists of operations, each in a thread."""
    results: list[Any] = [None] * len(lists)

    def run(at: int) -> None:
        results[at] = every(lists[at])

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(lists))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def lines(link: socket.socket) -> Iterator[bytes]:
    """Yield line after line, without reading ahead: others may read the next one."""
    line = b""
    while seen := link.recv(1 << 16, socket.MSG_PEEK):
        part = seen[: seen.find(b"\n") + 1] or seen
        line += link.recv(len(part))
        if line.endswith(b"\n"):
            yield line
            line = b""


def main() -> None:
    """Execute lines until the end of input."""
    with socket.socket(fileno=int(sys.argv[1])) as link:
        for line in lines(link):
            operations = json.loads(line)
            if operations and operations[0] == "threads":
                results = at_the_same_time(operations[1:])
            else:
                results = every(operations)
            link.sendall(json.dumps(results).encode() + b"\n")


if __name__ == "__main__":
    main()
