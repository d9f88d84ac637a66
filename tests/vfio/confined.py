"""Puts a seccomp filter on itself, as a sandbox does, then spawns a client.

    python confined.py FILTER

FILTER is in hexadecimal, or empty for none. It prints "client", or why no client can
be started.
"""

import asyncio
import ctypes
import struct
import sys

from ccw_actors.errors import UnsupportedHostError
from ccw_actors.vfio import check_host, spawn_client

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_MODE_FILTER = 2


def confine(program: bytes) -> None:
    """Put a filter on this process with prctl(2), without seccomp(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    assert libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) == 0


async def main() -> None:
    """Spawn a client, and end it."""
    try:
        check_host()
        client = await spawn_client(["/bin/true"])
    except UnsupportedHostError as error:
        print(error)  # noqa: T201 - what it is for
        return
    client.process.kill()
    client.process.wait()
    client.listener.close()
    print("client")  # noqa: T201 - what it is for


if sys.argv[1]:
    confine(bytes.fromhex(sys.argv[1]))
asyncio.run(main())
