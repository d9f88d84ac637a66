"""Changes: the queue of changes of a device, made one after the other."""

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
"""The most calls of one kind that wait: more than any emulator has threads."""

ChangeRequest: TypeAlias = WriteIo | WriteAsync | ResetDevice | CloseDevice | UnmapDma


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a device, and the callback for its end.

    `done` is called with 0 or an errno. Without a `request` it is called when the turn
    of the change comes.
    """

    request: ChangeRequest | None
    done: Callable[[int], None]


class Changes:
    """The waiting changes of a device, the first of which may be in progress.

    `begin` sends the request of the next change to the actor behind the regions.
    """

    def __init__(self, begin: Callable[[ChangeRequest], None]) -> None:
        self._begin = begin
        self._waiting: deque[Change] = deque()
        self._holds = 0
        self.in_progress = False

    @property
    def count(self) -> int:
        """Number of changes that have not ended."""
        return len(self._waiting)

    @property
    def request_in_progress(self) -> ChangeRequest | None:
        """The request that has been sent and not been answered."""
        return self._waiting[0].request if self.in_progress else None

    @property
    def is_busy(self) -> bool:
        """Whether the queue is full (`WAITING_MAX`)."""
        return len(self._waiting) >= WAITING_MAX

    @property
    def is_writing(self) -> bool:
        """Whether a write to a region is among them."""
        return any(
            isinstance(one.request, WriteIo | WriteAsync) for one in self._waiting
        )

    def add(self, change: Change) -> None:
        """Make a change after those before it."""
        self._waiting.append(change)
        self._go_on()

    def end(self, reason: int) -> None:
        """End the change in progress with 0 or an errno, and begin the next."""
        self.in_progress = False
        self._waiting.popleft().done(reason)
        self._go_on()

    def hold(self) -> None:
        """Begin no change before an equal number of releases."""
        self._holds += 1

    def release(self) -> None:
        """Undo one hold; after the last one, begin the next change."""
        self._holds -= 1
        self._go_on()

    def fail(self) -> None:
        """End all changes with EIO."""
        self.in_progress = False
        while self._waiting:
            self._waiting.popleft().done(errno.EIO)

    def _go_on(self) -> None:
        while self._waiting and not self.in_progress and not self._holds:
            change = self._waiting[0]
            if change.request is not None:
                self.in_progress = True
                self._begin(change.request)
                return
            self._waiting.popleft()
            change.done(0)
