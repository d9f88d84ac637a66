"""Commands to a running QEMU, and its events: QMP, with the library `qemu.qmp`.

The library implements the protocol (QEMU's docs/interop/qmp-spec). This module adds the
commands to plug devices into a guest, and the errors of this package.
"""

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

from qemu.qmp import EventListener, ExecuteError, Message, QMPClient, QMPError, Runstate

from ccw_actors.errors import (
    QmpCommandError,
    QmpConnectionError,
    QmpTimeoutError,
    UnplugRefusedError,
)
from ccw_actors.vfio._qmp_events import QmpEvent, QmpEvents

__all__ = ["LINE_SIZE_MAX", "Qmp"]

LINE_SIZE_MAX: Final = 1 << 16
"""The default limit for one line from QEMU, in bytes.

No answer to a command of `Qmp` is longer; that of query-qmp-schema is.
"""

_DELETED: Final = "DEVICE_DELETED"
_REFUSED: Final = "DEVICE_UNPLUG_GUEST_ERROR"
_SHUTDOWN: Final = "SHUTDOWN"


class Qmp:
    """A connection to the monitor of a QEMU; use it with `async with`.

    `target` is a connected socket, which then belongs to this object, or the path of a
    socket at which QEMU listens. `patience` is the time in seconds that QEMU may take
    to greet, and to end after `quit`. `line_size_max` is the limit for one line in
    bytes; it bounds the memory used to a small multiple of that.

    If QEMU ends the connection, or sends anything but QMP, all waiting and all later
    calls raise `QmpConnectionError`.
    """

    def __init__(
        self,
        target: socket.socket | Path,
        *,
        patience: float = 30.0,
        line_size_max: int = LINE_SIZE_MAX,
    ) -> None:
        self._target = target
        self._patience = patience
        self._client = QMPClient(readbuflen=line_size_max)
        # The library would keep all events for later readers, without a bound.
        self._client.events.event_filter = lambda _event: False
        self._client.register_listener(_Listener(self._hear))
        self._listening: list[QmpEvents] = []
        self._gone: asyncio.Future[str]

    async def __aenter__(self) -> Self:
        """Connect, and negotiate the protocol.

        Raises:
            QmpConnectionError: There is no QEMU, or it does not speak QMP.
            QmpTimeoutError: QEMU has not greeted in time.
        """
        self._gone = asyncio.get_running_loop().create_future()
        self._socket = _unix_socket(self._target)
        try:
            await self._connect()
        except BaseException:
            self._socket.close()
            raise
        self._watching = asyncio.create_task(self._watch())
        return self

    async def _connect(self) -> None:
        """Connect, unless the socket is connected, and wait for the greeting."""
        try:
            async with asyncio.timeout(self._patience):
                if isinstance(self._target, Path):
                    loop = asyncio.get_running_loop()
                    await loop.sock_connect(self._socket, str(self._target))
                await self._client.connect(self._socket)
        except TimeoutError:
            raise QmpTimeoutError("QEMU has not greeted", self._patience) from None
        except OSError as error:
            reason = f"{self._target}: {error.strerror}"
            raise QmpConnectionError(reason) from error
        except QMPError as error:
            raise QmpConnectionError(_in_a_line(error)) from error

    async def __aexit__(self, *_: object) -> None:
        # Do not wait for a QEMU that no longer reads to take the rest of our output.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        await asyncio.wait({self._watching})

    @property
    def is_gone(self) -> bool:
        """Whether QEMU has ended the connection."""
        return self._gone.done()

    async def wait_until_gone(self, *, timeout: float | None = None) -> None:
        """Wait for the end of the connection, which QEMU ends when it ends.

        Raises:
            QmpTimeoutError: The connection has not ended in `timeout` seconds.
        """
        await asyncio.wait({self._gone}, timeout=timeout)
        if not self._gone.done():
            assert timeout is not None, "without a timeout, the wait ends with QEMU"
            raise QmpTimeoutError("QEMU has not ended", timeout)

    # -- commands ---------------------------------------------------------------------

    async def execute(self, command: str, /, **arguments: Any) -> Any:
        """Execute a command, and return QEMU's answer as decoded JSON.

        Raises:
            QmpCommandError: QEMU refuses the command; the message says why.
            QmpConnectionError: QEMU has gone. The command may have had its effect.
            TypeError: An argument cannot be encoded as JSON.
        """
        try:
            return await self._client.execute(command, arguments or None)
        except ExecuteError as error:
            raise QmpCommandError(command, error.error_class, str(error)) from None
        except QMPError as error:
            reason = self._gone.result() if self.is_gone else _in_a_line(error)
            raise QmpConnectionError(f"{command}: {reason}") from None

    async def stop(self) -> None:
        """Stop the virtual CPUs; raises like `execute`."""
        await self.execute("stop")

    async def cont(self) -> None:
        """Resume the virtual CPUs; raises like `execute`."""
        await self.execute("cont")

    async def add_vfio_ccw(self, device: str, *, sysfsdev: str, devno: str) -> None:
        """Plug in a vfio-ccw device with the id `device`; raises like `execute`.

        `sysfsdev` is the mediated device's folder, `devno` the guest's number for the
        device, such as "fe.0.0190".
        """
        await self.execute(
            "device_add", driver="vfio-ccw", id=device, sysfsdev=sysfsdev, devno=devno
        )

    async def remove_device(self, device: str, *, timeout: float = 30.0) -> None:
        """Unplug the device with the id `device`, and wait until QEMU has released it.

        Raises:
            QmpCommandError: There is no such device, or it cannot be unplugged.
            UnplugRefusedError: The guest refuses to give the device up.
            QmpTimeoutError: The guest has not answered in `timeout` seconds. It may
                still do so.
            QmpConnectionError: QEMU has gone.
        """
        with self.events(_DELETED, _REFUSED, device=device) as events:
            await self.execute("device_del", id=device)
            what = f"the guest has not given up device {device}"
            event = await events.next(timeout=timeout, what=what)
        if event["event"] == _REFUSED:
            raise UnplugRefusedError(device)

    async def shut_down(self, *, grace: float = 30.0) -> bool:
        """Shut the guest down, then end QEMU; return whether the guest shut down.

        The guest gets a power-button event (system_powerdown), and has `grace` seconds;
        with 0 it gets none. Then QEMU gets `quit`.

        Raises:
            QmpTimeoutError: QEMU has not ended `patience` seconds after `quit`.
        """
        is_over = self.is_gone
        with suppress(QmpConnectionError):
            if grace > 0 and not is_over:
                is_over = await self._power_down(grace)
            await self.execute("quit")
        await self.wait_until_gone(timeout=self._patience)
        return is_over

    async def _power_down(self, grace: float) -> bool:
        with self.events(_SHUTDOWN) as events:
            try:
                await self.execute("system_powerdown")
                await events.next(timeout=grace)
            except QmpTimeoutError:
                return False
            except QmpConnectionError:
                pass
        return True

    # -- events -----------------------------------------------------------------------

    @contextmanager
    def events(
        self, *names: str, device: str | None = None
    ) -> Generator[QmpEvents, None, None]:
        """Listen to events of these names, or all; with `device`, only to its events.

        Events from now on are kept until they are read: see `EVENTS_MAX`.
        """
        events = QmpEvents(frozenset(names), device, self._gone)
        self._listening.append(events)
        try:
            yield events
        finally:
            self._listening.remove(events)

    async def wait_for_event(
        self, *names: str, device: str | None = None, timeout: float | None = None
    ) -> QmpEvent:
        """Return the next such event from now on; see `events` and `QmpEvents.next`."""
        with self.events(*names, device=device) as events:
            return await events.next(timeout=timeout)

    def _hear(self, event: QmpEvent) -> None:
        for events in self._listening:
            events.take(event)

    async def _watch(self) -> None:
        """Wait for the end of the connection, and keep its reason."""
        client, reason = self._client, "QEMU has ended the connection"
        while client.runstate is Runstate.RUNNING:
            await client.runstate_changed()
        try:
            await client.disconnect()
        except (EOFError, ConnectionError):
            pass
        except Exception as error:  # noqa: BLE001 - any error in the input
            reason = f"QEMU sends something other than QMP: {_in_a_line(error)}"
        self._gone.set_result(reason)


class _Listener(EventListener):
    """Passes events on, and yields to the event loop after each."""

    def __init__(self, hear: Callable[[QmpEvent], None]) -> None:
        super().__init__()
        self._hear = hear

    async def put(self, event: Message) -> None:
        self._hear(event)
        await asyncio.sleep(0)


def _unix_socket(target: socket.socket | Path) -> socket.socket:
    if isinstance(target, socket.socket):
        return target
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(0)
    return made


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
