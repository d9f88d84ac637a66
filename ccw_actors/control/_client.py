"""The other end of a control socket: asks a running machine."""

import os
import socket
from collections import deque
from typing import Any, Final, Self, TypeVar, Union

from ccw_actors.control._folder import ControlFolder
from ccw_actors.control._name import check_name, is_name
from ccw_actors.control._protocol import Hello, Refused, RequestFailed, Welcome
from ccw_actors.errors import (
    ControlError,
    ControlRefusedError,
    ControlTimeoutError,
    MessageError,
    NoSuchMachineError,
    RequestFailedError,
    StreamError,
)
from ccw_actors.runtime import answer_type
from ccw_actors.transport import Codec, Request, ValueSplitter
from ccw_actors.transport.links import peer_of

__all__ = ["ControlClient", "machine_names"]

R = TypeVar("R")

_CHUNK: Final = 1 << 16
_SUFFIX: Final = ".sock"
_codec: Final = Codec()


def machine_names() -> list[str]:
    """Return the names that have a socket, sorted; its machine may be dead by now.

    Raises:
        ControlError: The folder of the sockets cannot be used.
    """
    try:
        folder = ControlFolder.open(create=False)
    except FileNotFoundError:
        return []
    try:
        found = os.listdir(folder.fd)  # noqa: PTH208 - a path might be another's
    finally:
        folder.close()
    stems = [name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)]
    return sorted(filter(is_name, stems))


class ControlClient:
    """A connection to the machine of that name; its methods block.

    `timeout` is how many seconds the machine may take for each answer. `pid` is its
    process, `requests` the names of the requests that it answers.

    The constructor and every method raise `ControlError`: no machine has the name
    (`NoSuchMachineError`), it does not answer in time (`ControlTimeoutError`), it
    refuses this client (`ControlRefusedError`), or it ends the connection.
    """

    def __init__(self, name: str, *, timeout: float = 5.0) -> None:
        self.name = check_name(name)
        self._timeout = timeout
        self._splitter = ValueSplitter()
        self._frames: deque[bytes] = deque()
        self._socket = _connected(name, timeout)
        try:
            self.pid, _ = peer_of(self._socket)
            self._send(_codec.encode(Hello()))
            welcome: Welcome = self._receive(Welcome)
            self.requests = welcome.requests
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def ask(self, request: Request[R], *, timeout: float | None = None) -> R:
        """Send a request and return its answer.

        Raises:
            RequestFailedError: The machine could not answer; the text says why.
            ControlError: As for the class.
        """
        self._socket.settimeout(self._timeout if timeout is None else timeout)
        self._send(_codec.encode(request))
        answer: R = self._receive(answer_type(type(request)))
        return answer

    def wait_for_end(self, *, timeout: float) -> None:
        """Wait until the machine has ended; by then its name is free."""
        self._socket.settimeout(timeout)
        while self._chunk():
            pass

    def _send(self, frame: bytes) -> None:
        try:
            self._socket.sendall(frame)
        except TimeoutError:
            raise self._late() from None
        except OSError:
            pass  # what the machine wrote before it ended can still be read

    def _receive(self, kind: Any) -> Any:
        while not self._frames:
            chunk = self._chunk()
            if not chunk:
                raise ControlError(f"machine {self.name} has ended the connection")
            try:
                self._frames.extend(data for _, data in self._splitter.feed(chunk))
            except StreamError as error:
                raise self._foreign(error) from error
        accepted: Any = Union[kind, RequestFailed, Refused]  # noqa: UP007 - at run time
        try:
            answer = _codec.decoder(accepted)(self._frames.popleft())
        except MessageError as error:
            raise self._foreign(error) from error
        if isinstance(answer, Refused):
            raise ControlRefusedError(self.name, answer.code, answer.reason)
        if isinstance(answer, RequestFailed):
            raise RequestFailedError(self.name, answer.kind, answer.reason)
        return answer

    def _chunk(self) -> bytes:
        try:
            return self._socket.recv(_CHUNK)
        except TimeoutError:
            raise self._late() from None
        except OSError:
            return b""

    def _late(self) -> ControlTimeoutError:
        seconds = self._socket.gettimeout() or 0.0
        return ControlTimeoutError(self.name, self.pid, seconds)

    def _foreign(self, error: Exception) -> ControlError:
        return ControlError(f"machine {self.name}: unexpected answer: {error}")


def _connected(name: str, timeout: float) -> socket.socket:
    try:
        folder = ControlFolder.open(create=False)
    except FileNotFoundError:
        raise NoSuchMachineError(name) from None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout)
        made.connect(folder.address_of(name))
    except (FileNotFoundError, ConnectionRefusedError):
        made.close()
        raise NoSuchMachineError(name) from None
    except OSError as error:
        made.close()
        reason = error.strerror or str(error)
        raise ControlError(f"{folder.path_of(name)}: {reason}") from error
    finally:
        folder.close()
    return made
