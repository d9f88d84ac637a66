"""GatedVolume: an image file whose reads wait while a test holds them.

| message | what it does |
|---|---|
| HoldReads | from now on, reads wait |
| AwaitRead | is answered when a read waits: the channel program is active then |
| ReleaseReads | reads no longer wait; those that did are answered |
"""

from typing import Any

from ccw_actors.actors import FileVolume
from ccw_actors.actors.protocol import ReadTrack, TrackFailed, TrackRead
from ccw_actors.runtime import Message, ReplyTo, Request, receive

__all__ = ["AwaitRead", "GatedVolume", "HoldReads", "ReadHeld", "ReleaseReads"]


class HoldReads(Message, frozen=True):
    """Let reads wait."""


class ReleaseReads(Message, frozen=True):
    """Answer the reads that wait, and let no more wait."""


class ReadHeld(Message, frozen=True):
    """A read waits."""


class AwaitRead(Request[ReadHeld], frozen=True):
    """Answer when a read waits."""


class GatedVolume(FileVolume):
    """An image file, as `FileVolume`; its reads wait between Hold and Release."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._holds = False
        self._held: list[tuple[ReplyTo[Any], ReadTrack]] = []
        self._waiting: list[ReplyTo[Any]] = []

    @receive
    def read(  # type: ignore[override] # it may answer later
        self, message: ReadTrack
    ) -> TrackRead | TrackFailed | None:
        """Read a track, now or when reads are released."""
        if not self._holds:
            return super().read(message)
        self._held.append((self.reply_to, message))
        for to in self._waiting:
            self.reply(to, ReadHeld())
        self._waiting.clear()
        return None

    @receive
    def hold(self, _message: HoldReads) -> None:
        """Let reads wait."""
        self._holds = True

    @receive
    def await_read(self, _message: AwaitRead) -> ReadHeld | None:
        """Answer at once if a read waits already."""
        if self._held:
            return ReadHeld()
        self._waiting.append(self.reply_to)
        return None

    @receive
    def release(self, _message: ReleaseReads) -> None:
        """Answer the reads that wait."""
        self._holds = False
        held, self._held = self._held, []
        for to, request in held:
            self.reply(to, super().read(request))
