"""Counts, logs and reports lost messages."""

import logging
from collections.abc import Callable

from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.transport import tag_of

__all__ = ["LostMessages"]

log = logging.getLogger("ccw_actors")


class LostMessages:
    """Counts messages that no actor will handle; calls `told` for each."""

    def __init__(self, observers: Observers) -> None:
        self._observers = observers
        self.count = 0
        self.told: Callable[[str, Envelope, str], object] = _ignore

    def add(self, address: str, envelope: Envelope, reason: str) -> None:
        """Count one lost message to an address, and report why it is lost."""
        self.count += 1
        self.told(path_of(address), envelope, reason)
        log.debug("%s to %r: %s", tag_of(envelope.payload), address, reason)
        self._observers.dead_letter(address, envelope, reason)


def _ignore(_path: str, _envelope: Envelope, _reason: str) -> None:
    """Do nothing."""
