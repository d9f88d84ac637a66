"""An ask inside an async handler: the reply resumes the handler, without a Future."""

from typing import TYPE_CHECKING

from ccw_actors.runtime.asks import Pending
from ccw_actors.runtime.turn import Parking, Turn

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["Call"]


class Call(Parking):
    """Waits for the answer to an ask that has been sent."""

    __slots__ = ("_mail", "_pending")

    def __init__(self, mail: "Mail", pending: Pending) -> None:
        self._mail = mail
        self._pending = pending

    def park(self, turn: Turn) -> None:
        """Do nothing: the answer has been asked for, and may even be here."""

    def leave(self) -> None:
        """Wait for the answer no more."""
        self._mail.asks.forget(self._pending.number)

    def describe(self) -> str:
        """Say who is to answer what, and since when."""
        pending = self._pending
        age = self._mail.dispatcher.now() - pending.since
        return f"{pending.path} to answer {pending.what.__name__}, for {age:.3f} s"
