"""The control socket of one machine, which has its name while it is open."""

import os
import socket
import stat
from contextlib import suppress
from typing import Final, Self

from ccw_actors.control._folder import ControlFolder
from ccw_actors.control._name import check_name, socket_name
from ccw_actors.errors import ControlError, NameInUseError
from ccw_actors.transport.links import SOCKET_BACKLOG, SOCKET_MODE

__all__ = ["ControlSocket"]

_NUMBERS_MAX: Final = 1000


class ControlSocket:
    """A listening socket at NAME.sock. Use `claim` to make one.

    `name` is the machine's name, `path` that of the socket.
    """

    def __init__(
        self, name: str, folder: ControlFolder, listener: socket.socket
    ) -> None:
        self.name = name
        self.path = folder.path_of(name)
        self.listener = listener
        self._folder = folder
        self._inode = _inode(folder, name)

    @classmethod
    def claim(cls, name: str, *, numbered: bool = False) -> Self:
        """Listen under a name, and replace the socket that a dead process left there.

        With `numbered`, a name that is taken becomes NAME-2, NAME-3 and so on.

        Raises:
            NameInUseError: A running machine has the name.
            ControlError: No machine may have the name, the folder cannot be used,
                something else is in the socket's place, or it cannot be made.
        """
        check_name(name)
        folder = ControlFolder.open(create=True)
        try:
            with folder.locked():
                taken, listener = _first_free(folder, name, numbered=numbered)
                return cls(taken, folder, listener)
        except BaseException:
            folder.close()
            raise

    def release(self) -> None:
        """Free the name: no client can connect, and another machine can take it."""
        with self._folder.locked():
            if _inode(self._folder, self.name) == self._inode:
                with suppress(OSError):
                    os.unlink(socket_name(self.name), dir_fd=self._folder.fd)

    def close(self) -> None:
        """Free the name, and close the socket; a second call does nothing."""
        if self.listener.fileno() < 0:
            return
        try:
            self.release()
        finally:
            self.listener.close()
            self._folder.close()


def _first_free(
    folder: ControlFolder, name: str, *, numbered: bool
) -> tuple[str, socket.socket]:
    for number in range(1, _NUMBERS_MAX):
        chosen = name if number == 1 else f"{name}-{number}"
        try:
            return chosen, _listener(folder, chosen)
        except NameInUseError:
            if not numbered:
                raise
    raise NameInUseError(f"{_NUMBERS_MAX - 1} machines are named {name}")


def _listener(folder: ControlFolder, name: str) -> socket.socket:
    path = folder.path_of(name)
    _clear(folder, name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.settimeout(0)
        listener.bind(folder.address_of(name))
        os.chmod(socket_name(name), SOCKET_MODE, dir_fd=folder.fd)
        listener.listen(SOCKET_BACKLOG)
    except BaseException as error:
        listener.close()
        if isinstance(error, OSError):
            raise ControlError(f"{path}: {error.strerror}") from error
        raise
    return listener


def _clear(folder: ControlFolder, name: str) -> None:
    """Remove a socket without a listener."""
    path = folder.path_of(name)
    try:
        mode = os.stat(
            socket_name(name), dir_fd=folder.fd, follow_symlinks=False
        ).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path}: expected a socket, got another kind of file")
    if _is_alive(folder, name):
        raise NameInUseError(
            f"a machine named {name} is running ({path}); choose another name"
        )
    os.unlink(socket_name(name), dir_fd=folder.fd)


def _is_alive(folder: ControlFolder, name: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(folder.address_of(name))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # such as a full backlog
            return True
    return True


def _inode(folder: ControlFolder, name: str) -> int:
    try:
        return os.stat(
            socket_name(name), dir_fd=folder.fd, follow_symlinks=False
        ).st_ino
    except FileNotFoundError:
        return -1
