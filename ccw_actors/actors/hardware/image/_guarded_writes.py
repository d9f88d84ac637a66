"""Writes to an image that are done in whole or not at all, under its journal.

A failed write is undone: at once if the old data can be written to the host's disk,
else as soon as they can. Until then the old data are in `torn`, and no other write is
begun.
"""

from contextlib import suppress

from ccw_actors.actors.hardware.image._journal_record import Place
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.actors.hardware.image._write_journal import WriteJournal
from ccw_actors.errors import ImageError

__all__ = ["GuardedWrites"]


class GuardedWrites:
    """The writes of an image that is open for writing.

    Args:
        parts: Its files.
        journal: The journal of its writes.
        sync: Have every write on the disk of the host before it returns.
    """

    def __init__(self, parts: ImageParts, journal: WriteJournal, *, sync: bool) -> None:
        self.torn: tuple[Place, bytes] | None = None
        self._parts = parts
        self._journal = journal
        self._sync = sync

    def check_there(self, part: int) -> None:
        """Refuse to write a file that nobody can open again.

        Raises:
            ImageError: The file was removed or replaced.
        """
        if not self._parts.is_there(part):
            raise ImageError(
                "the image was removed, or another took its place, while it was open"
            )

    def flush(self, part: int) -> None:
        """With `sync`, wait until what was written is on the disk of the host."""
        if self._sync:
            self._parts.sync(part)

    def replace(self, place: Place, old: bytes, data: bytes) -> None:
        """Write under protection of the journal; undo a failed write, now or later.

        Raises:
            OSError: The data could not be written, or a failed write not be undone.
        """
        self.settle()
        self._journal.begin(place, old, data)
        self.torn = (place, old)
        try:
            self._parts.write(place.file, data, place.offset)
            self.flush(place.file)
        except OSError:
            with suppress(OSError):
                self.settle()
            raise
        self.torn = None
        self._journal.end()

    def settle(self) -> None:
        """Put back the data from before a failed write."""
        if self.torn is None:
            return
        place, old = self.torn
        with suppress(OSError):
            self._journal.fail()
        self._parts.put_back(place, old)
        self.flush(place.file)
        self.torn = None
        with suppress(OSError):
            self._journal.clear()

    def close(self) -> None:
        """Close the journal; it stays if a write is still to be undone."""
        with suppress(OSError):
            self.settle()
        self._journal.close(keep=self.torn is not None)
