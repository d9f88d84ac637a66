"""What a QEMU is told while it runs, and what it tells: QMP, by `qemu.qmp`.

The protocol is that library's (QEMU's docs/interop/qmp-spec). Here are the commands for
a QEMU whose guest is given devices, and errors of this package.
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
"""Bytes of one line from QEMU, unless said otherwise.

No answer to a command of `Qmp` is that long; that of query-qmp-schema is.
"""

_DELETED: Final = "DEVICE_DELETED"
_REFUSED: Final = "DEVICE_UNPLUG_GUEST_ERROR"
_SHUTDOWN: Final = "SHUTDOWN"


class Qmp:
    """A connection to the monitor of a QEMU, while it is entered.

    `target` is a connected socket, which then belongs to this object, or the path of a
    socket that QEMU listens at. QEMU may take `patience` seconds to greet, and to end
    when it is told to; and `line_size_max` bytes for one line, which bounds the memory
    used to a small multiple of that.

    If QEMU goes, or sends what is no QMP, all that wait and all that come later get
    `QmpConnectionError`.
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
        # The library keeps all events for whoever may ask later, without a bound.
        self._client.events.event_filter = lambda _event: False
        self._client.register_listener(_Listener(self._hear))
        self._listening: list[QmpEvents] = []
        self._gone: asyncio.Future[str]

    async def __aenter__(self) -> Self:
        """Connect, and agree on the protocol.

        Raises:
            QmpConnectionError: There is no QEMU, or it does not speak QMP.
            QmpTimeoutError: It has not greeted in time.
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
        """Connect, if that has not been done, and wait for the greeting."""
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
        # What has not been written yet need not wait for a QEMU that reads no more.
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
            QmpTimeoutError: It has not ended in `timeout` seconds.
        """
        await asyncio.wait({self._gone}, timeout=timeout)
        if not self._gone.done():
            assert timeout is not None, "else it has been waited for"
            raise QmpTimeoutError("QEMU has not ended", timeout)

    # -- commands ---------------------------------------------------------------------

    async def execute(self, command: str, /, **arguments: Any) -> Any:
        """Execute a command and return what QEMU returns, as JSON has it.

        Raises:
            QmpCommandError: QEMU refuses it, and says why.
            QmpConnectionError: QEMU has gone. Whether the command has had its effect
                is not known then.
            TypeError: An argument is nothing that JSON has.
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
        """Let the virtual CPUs go on; raises like `execute`."""
        await self.execute("cont")

    async def add_vfio_ccw(self, device: str, *, sysfsdev: str, devno: str) -> None:
        """Plug in a vfio-ccw device of that id; raises like `execute`.

        `sysfsdev` is the mediated device's folder, `devno` the guest's number for it,
        "fe.0.0190".
        """
        await self.execute(
            "device_add", driver="vfio-ccw", id=device, sysfsdev=sysfsdev, devno=devno
        )

    async def remove_device(self, device: str, *, timeout: float = 30.0) -> None:
        """Unplug the device of that id, and wait until QEMU has let it go.

        Raises:
            QmpCommandError: There is no such device, or it cannot be unplugged.
            UnplugRefusedError: The guest does not give it up.
            QmpTimeoutError: The guest has not answered. It may still do so.
            QmpConnectionError: QEMU has gone.
        """
        with self.events(_DELETED, _REFUSED, device=device) as events:
            await self.execute("device_del", id=device)
            what = f"the guest has not given up device {device}"
            event = await events.next(timeout=timeout, what=what)
        if event["event"] == _REFUSED:
            raise UnplugRefusedError(device)

    async def shut_down(self, *, grace: float = 30.0) -> bool:
        """Have the guest end in order, and then QEMU; return whether the guest did.

        The guest is told of it as by a power button (system_powerdown), and has `grace`
        seconds; with 0 it is not told. Then QEMU is told to quit.

        Raises:
            QmpTimeoutError: QEMU has not ended in `patience` seconds after that.
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
        """Listen to events of these names, all if there are none; of one device only.

        What comes from then on is kept until it is looked at.
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
        """Wait for the end of the connection, and learn why it is."""
        client, reason = self._client, "QEMU has ended the connection"
        while client.runstate is Runstate.RUNNING:
            await client.runstate_changed()
        try:
            await client.disconnect()
        except (EOFError, ConnectionError):
            pass
        except Exception as error:  # noqa: BLE001 - whatever it met in what came
            reason = f"QEMU sends what is no QMP: {_in_a_line(error)}"
        self._gone.set_result(reason)


class _Listener(EventListener):
    """Hands events on; the loop gets round after each, however many there are."""

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
