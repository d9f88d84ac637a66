"""A script: puts a seccomp filter on its own process, then becomes the client.

    python -I -S launch.py SOCKET PARENT FILTER PROGRAM [ARGUMENT...]

SOCKET is the number of a descriptor. The script sends the filter's listener over it, or
"errno what" if there can be none. It then sends nothing if the program has started, or
"errno what". PARENT is the process with which the client ends. FILTER is the filter in
hexadecimal. This file imports nothing from the package, so it starts in a few
milliseconds. Once the filter is on, it opens no file: nobody would answer yet.

Source: Linux man pages seccomp(2), seccomp_unotify(2), prctl(2).
"""

import ctypes
import os
import signal
import socket
import struct
import sys

__all__: list[str] = []

_SYS_SECCOMP = 317
_SET_MODE_FILTER = 1
_NEW_LISTENER = 8
_WAIT_KILLABLE_RECV = 32
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_NOT_BEGUN = 127


def _install(program: bytes) -> int:
    """Put the filter on this thread, the only one; return its listener."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_PDEATHSIG")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
    flags = _NEW_LISTENER | _WAIT_KILLABLE_RECV
    listener: int = libc.syscall(_SYS_SECCOMP, _SET_MODE_FILTER, flags, header)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def _main(link: str, parent: str, program: str, *argv: str) -> None:
    with socket.socket(fileno=int(link)) as ours:
        ours.set_inheritable(False)
        try:
            listener = _install(bytes.fromhex(program))
        except OSError as error:
            ours.sendall(_word(error))
            os._exit(_NOT_BEGUN)
        if os.getppid() != int(parent):  # it ended before PR_SET_PDEATHSIG was set
            os._exit(_NOT_BEGUN)
        right = struct.pack("i", listener)
        ours.sendmsg([b"listener"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, right)])
        os.close(listener)
        try:
            os.execv(argv[0], argv)  # noqa: S606 - that is what this file is for
        except OSError as error:
            ours.sendall(_word(error))
            os._exit(_NOT_BEGUN)


def _word(error: OSError) -> bytes:
    return f"{error.errno} {error.strerror}".encode()


if __name__ == "__main__":
    _main(*sys.argv[1:])
