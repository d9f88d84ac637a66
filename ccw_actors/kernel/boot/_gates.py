"""Gates: places where the host's side holds something back until it may go on.

| class | what it holds |
|---|---|
| HeldRegions | the signal that there is an interruption to be read |
| HeldVolume | the data of one track: the channel waits for them in a read |
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from ccw_actors.actors import FileVolume, VfioCcwRegions
from ccw_actors.actors.protocol import ReadTrack, Signalled, TrackFailed, TrackRead
from ccw_actors.devices import Record, Track
from ccw_actors.runtime import receive

__all__ = [
    "HELD_RECORD",
    "HELD_RECORDS",
    "HELD_TRACK",
    "Gate",
    "HeldRegions",
    "HeldVolume",
]

HELD_TRACK: Final = 60
"""The track whose data a `HeldVolume` holds: cylinder 4, head 0 of a 3390."""
HELD_RECORDS: Final = 12
TRACK_SIZE: Final = 56832
"""The size of a track's image, in bytes: that of a 3390."""
HELD_RECORD: Final = bytes([0x5C]) * 4096
"""Each record of that track after R0."""


class Gate:
    """Lets actions through, or holds them until it is opened. Any thread may use it.

    `held` counts what has waited since the last `hold`.
    """

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] = []
        self.held = 0

    def hold(self) -> None:
        """Hold what comes from now on."""
        self._open.clear()
        self.held = 0

    def open(self) -> None:
        """Let through what waits and what comes; actions run in the caller's thread."""
        with self._lock:
            self._open.set()
            waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()

    def pass_on(self, action: Callable[[], None]) -> None:
        """Do it now, or when the gate is opened."""
        with self._lock:
            if not self._open.is_set():
                self.held += 1
                self._waiting.append(action)
                return
        action()

    def wait(self) -> None:
        """Block this thread until the gate is open."""
        if not self._open.is_set():
            self.held += 1
            self._open.wait()

    async def reached(self, timeout: float) -> bool:
        """Return whether something waits, or did, within so many seconds."""
        for _ in range(int(timeout / 0.01)):
            if self.held:
                return True
            await asyncio.sleep(0.01)
        return bool(self.held)


class HeldRegions(VfioCcwRegions):
    """Signals an interruption only when `gate` is open."""

    def __init__(self, gate: Gate, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._gate = gate

    def _signal(self) -> None:
        if self.state.unread.signal():
            self._gate.pass_on(partial(self._client.tell, Signalled()))


class HeldVolume(FileVolume):
    """Has records of its own on track `HELD_TRACK`, read only when `gate` is open."""

    def __init__(self, gate: Gate, image: Path, **named: Any) -> None:
        super().__init__(image, **named)
        self._gate = gate

    @receive
    def read(self, message: ReadTrack) -> TrackRead | TrackFailed:
        """Read a track."""
        if message.track != HELD_TRACK:
            return super().read(message)
        self._gate.wait()
        return TrackRead(message.number, _held_track().to_image(TRACK_SIZE))


def _held_track() -> Track:
    cylinder, head = divmod(HELD_TRACK, 15)
    content = [bytes(8), *[HELD_RECORD] * HELD_RECORDS]
    records = tuple(
        Record(cylinder, head, number, b"", one) for number, one in enumerate(content)
    )
    return Track(0, cylinder, head, records, b"")
