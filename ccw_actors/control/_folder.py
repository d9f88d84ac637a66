"""The folder of the control sockets, which only its owner may enter.

| condition | folder |
|---|---|
| XDG_RUNTIME_DIR is an absolute path | XDG_RUNTIME_DIR/ccw-actors |
| else /run/user/UID belongs to that user | /run/user/UID/ccw-actors |
| neither | ccw-actors-UID in the folder for temporary files |

XDG Base Directory Specification, "Environment variables", defines the variable. It
demands that a relative path there be ignored.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from ccw_actors.control._name import socket_name
from ccw_actors.errors import ControlError

__all__ = ["ControlFolder", "folder_path"]

_MODE: Final = 0o700
_OTHERS: Final = 0o077
_RUN_USER: Final = Path("/run/user")


def folder_path() -> Path:
    """Return the path of this user's folder, whether it exists or not."""
    uid = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute():
        return Path(runtime) / "ccw-actors"
    with suppress(OSError):
        if (_RUN_USER / str(uid)).stat().st_uid == uid:
            return _RUN_USER / str(uid) / "ccw-actors"
    return Path(tempfile.gettempdir()) / f"ccw-actors-{uid}"


class ControlFolder:
    """The folder, held open, so that the folder that was checked is the one used.

    Do not use it after `close`.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.fd = fd

    @classmethod
    def open(cls, *, create: bool) -> Self:
        """Open the folder of this user; with `create`, make it if it does not exist.

        Raises:
            ControlError: It is not a folder, belongs to another user, may be entered by
                others, or cannot be made.
            FileNotFoundError: It does not exist, and `create` is False.
        """
        path = folder_path()
        try:
            if create:
                with suppress(FileExistsError):
                    path.mkdir(_MODE)
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            if not create:
                raise
            raise ControlError(f"{path}: cannot be made: no {path.parent}") from None
        except NotADirectoryError:
            raise ControlError(
                f"{path}: expected a folder that is not a link"
            ) from None
        except OSError as error:
            raise ControlError(f"{path}: {error.strerror}") from error
        try:
            _check(path, os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return cls(path, fd)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)

    def path_of(self, name: str) -> Path:
        """Return the path of a machine's socket, for messages."""
        return self.path / socket_name(name)

    def address_of(self, name: str) -> str:
        """Return the address of a machine's socket.

        It leads through the open folder. So nobody can exchange the folder, and a long
        path fits into the 107 bytes that an address may have (unix(7)).
        """
        return f"/proc/self/fd/{self.fd}/{socket_name(name)}"

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes from taking or releasing a name while this lasts."""
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.fd, fcntl.LOCK_UN)


def _check(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise ControlError(
            f"{path}: expected a folder of user {os.geteuid()}, but it belongs to"
            f" user {found.st_uid}"
        )
    if found.st_mode & _OTHERS:
        raise ControlError(
            f"{path}: expected a folder that nobody else may enter (mode"
            f" {_MODE:04o}), but it has mode {stat.S_IMODE(found.st_mode):04o}"
        )
