"""Changes: what is done to a device, one thing after the other."""

import errno
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from ccw_actors.actors.protocol import (
    CloseDevice,
    ResetDevice,
    UnmapDma,
    WriteAsync,
    WriteIo,
)

__all__ = ["WAITING_MAX", "Change", "ChangeRequest", "Changes"]

WAITING_MAX: Final = 256
"""Calls of one kind that wait at once, more than any emulator has threads."""

ChangeRequest: TypeAlias = WriteIo | WriteAsync | ResetDevice | CloseDevice | UnmapDma


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is done to a device before the next, and what to do then.

    `done` is called with 0 or an errno. Without a `request` it is called at once.
    """

    request: ChangeRequest | None
    done: Callable[[int], None]


class Changes:
    """The changes of a device that wait, the first of which may be under way.

    `begin` asks the actor behind the regions for what is next.
    """

    def __init__(self, begin: Callable[[ChangeRequest], None]) -> None:
        self._begin = begin
        self._waiting: deque[Change] = deque()
        self._holds = 0
        self.is_under_way = False

    @property
    def count(self) -> int:
        """How many are not done."""
        return len(self._waiting)

    @property
    def under_way(self) -> ChangeRequest | None:
        """What has been asked for, and has not been answered."""
        return self._waiting[0].request if self.is_under_way else None

    @property
    def is_busy(self) -> bool:
        """Whether as many wait already as ever will."""
        return len(self._waiting) >= WAITING_MAX

    @property
    def is_writing(self) -> bool:
        """Whether a write to a region is among them."""
        return any(
            isinstance(one.request, WriteIo | WriteAsync) for one in self._waiting
        )

    def add(self, change: Change) -> None:
        """Do it when those before it are done."""
        self._waiting.append(change)
        self._go_on()

    def end(self, reason: int) -> None:
        """End the one under way with 0 or an errno, and begin the next."""
        self.is_under_way = False
        self._waiting.popleft().done(reason)
        self._go_on()

    def hold(self) -> None:
        """Begin none before as many releases."""
        self._holds += 1

    def release(self) -> None:
        """Go on, if nobody else holds them."""
        self._holds -= 1
        self._go_on()

    def fail(self) -> None:
        """End all with EIO."""
        self.is_under_way = False
        while self._waiting:
            self._waiting.popleft().done(errno.EIO)

    def _go_on(self) -> None:
        while self._waiting and not self.is_under_way and not self._holds:
            change = self._waiting[0]
            if change.request is not None:
                self.is_under_way = True
                self._begin(change.request)
                return
            self._waiting.popleft()
            change.done(0)
