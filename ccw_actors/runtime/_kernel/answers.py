"""Delivers answers to the asks that wait for them."""

from ccw_actors.runtime._kernel.lost_messages import LostMessages
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import LATE, PendingAsks
from ccw_actors.runtime._values.address import is_remote
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Answers"]


class Answers:
    """Settles asks with their answers; an answer without a waiting ask is lost."""

    def __init__(
        self, asks: PendingAsks, observers: Observers, lost: LostMessages
    ) -> None:
        self._asks = asks
        self._observers = observers
        self._lost = lost

    def settle(
        self,
        number: int,
        recipient: str,
        envelope: Envelope,
        error: Exception | None = None,
    ) -> None:
        """Settle an ask (0 for none) with the answer in an envelope.

        Code outside actors gets the `error` in its place.
        """
        pending = self._asks.pending.get(number) if envelope.stamp is not None else None
        if not number:
            self._lost.add(recipient, envelope, "nobody asked for this answer")
        elif not self._asks.answer(number, envelope, error):
            self._lost.add(recipient, envelope, LATE)
        elif pending is None or is_remote(recipient):
            return  # A remote asker's own System reports it.
        elif pending.turn is None:
            self._observers.handled(recipient, envelope)
