"""References to the actors of an unknown System: every use raises."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

from ccw_actors.errors import UnknownSystemError
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.provider import Target
from ccw_actors.transport import Message, Request

__all__ = ["UnknownProvider"]

R = TypeVar("R")


class UnknownProvider:
    """Raises for every use of a reference to an actor of an unknown System."""

    quick_thread = 0

    def __init__(self, name: str, known: Callable[[], tuple[str, ...]]) -> None:
        self.name = name
        self.running = Running()
        self.encode: Callable[[object], bytes] = self._refuse
        self.quick_encode: Callable[[object], bytes] = self._refuse
        self._known = known

    def _refuse(self, address: object) -> NoReturn:
        raise UnknownSystemError(path_of(str(address)), self.name, self._known())

    def tell(self, address: str, message: Message) -> Target:
        """Raise `UnknownSystemError`."""
        del message
        self._refuse(address)

    def deliver(self, address: str, envelope: Envelope) -> None:
        """Raise `UnknownSystemError`."""
        del envelope
        self._refuse(address)

    async def ask(self, address: str, request: Request[R], timeout: float | None) -> R:
        """Raise `UnknownSystemError`."""
        del request, timeout
        self._refuse(address)

    def ask_blocking(
        self, address: str, request: Request[R], timeout: float | None
    ) -> R:
        """Raise `UnknownSystemError`."""
        del request, timeout
        self._refuse(address)

    async def offer(
        self, address: str, message: Message, timeout: float | None
    ) -> None:
        """Raise `UnknownSystemError`."""
        del message, timeout
        self._refuse(address)

    def offer_blocking(
        self, address: str, message: Message, timeout: float | None
    ) -> None:
        """Raise `UnknownSystemError`."""
        del message, timeout
        self._refuse(address)

    def stop(self, address: str, *, drain: bool) -> None:
        """Raise `UnknownSystemError`."""
        del drain
        self._refuse(address)

    async def started(self, address: str, known: Target, timeout: float | None) -> None:
        """Raise `UnknownSystemError`."""
        del known, timeout
        self._refuse(address)

    async def stopped(self, address: str, timeout: float | None) -> None:
        """Raise `UnknownSystemError`."""
        del timeout
        self._refuse(address)

    def is_alive(self, address: str) -> bool:
        """Raise `UnknownSystemError`."""
        self._refuse(address)
