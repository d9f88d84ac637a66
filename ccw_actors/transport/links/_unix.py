"""Unix sockets that only processes of the same user reach."""

import os
import socket
import stat
import struct
from pathlib import Path
from typing import Final

from ccw_actors.errors import LinkError

__all__ = [
    "SOCKET_BACKLOG",
    "SOCKET_MODE",
    "listening_socket",
    "peer_of",
    "why_foreign",
]

SOCKET_BACKLOG: Final = 128
SOCKET_MODE: Final = 0o600
_UCRED: Final = struct.Struct("@iII")


def peer_of(connected: socket.socket) -> tuple[int, int]:
    """Return process and user (pid, uid) at the other end, as the kernel says.

    The user is the effective one at the time of connect(2), or of listen(2): see
    SO_PEERCRED in unix(7).
    """
    found = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _gid = _UCRED.unpack(found)
    return pid, uid


def why_foreign(connected: socket.socket) -> str:
    """Return why the other end may not link, "" if it is a process of this user."""
    own, (pid, uid) = os.geteuid(), peer_of(connected)
    if uid == own:
        return ""
    return f"expected a process of user {own}, but process {pid} is of user {uid}"


def listening_socket(path: Path) -> socket.socket:
    """Return a socket that listens at a path, and replace one of a dead process.

    Raises:
        LinkError: Somebody listens there, or the socket cannot be made.
    """
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.settimeout(0)
        listener.bind(os.fspath(path))
        path.chmod(SOCKET_MODE)  # It does not listen yet, so nobody can have connected.
        listener.listen(SOCKET_BACKLOG)
    except OSError as error:
        listener.close()
        raise LinkError(f"unix:{path}: {error.strerror}") from error
    return listener


def _clear(path: Path) -> None:
    """Remove a socket without a listener."""
    try:
        mode = path.lstat().st_mode
    except OSError:  # binding says more
        return
    if not stat.S_ISSOCK(mode):
        raise LinkError(f"unix:{path}: expected a socket, got another kind of file")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError:  # such as a full backlog
            pass
    raise LinkError(f"unix:{path}: another process listens there")
