"""Finds the journal that a dead process left next to an image, and undoes its write.

A journal is accepted if it names the files of the image, belongs to the owner of the
image or the user of this process, and the image is as the record says. Else it is
refused, and neither it nor the image is changed.
"""

import os
from pathlib import Path
from typing import Protocol

from ccw_actors.actors.hardware.image._journal_record import (
    Intent,
    Place,
    State,
    digest,
)
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.actors.hardware.image._write_journal import LeftJournal, journal_path
from ccw_actors.errors import ImageError

__all__ = ["LeftWrite", "NamedPlaces", "find_left"]

_IF_COPIED = (
    "expected its own or none; if image and journal are copies, run ccw-actors dasd"
    " recover --copied"
)


class NamedPlaces(Protocol):
    """The places of an image that a journal may name."""

    def name(self, place: Place) -> str | None:
        """Name the track at a place; None if the place is not that of a track."""
        ...


class LeftWrite:
    """An unfinished write: `about` describes it, `torn` has the data to put back.

    It is `harmless` if the image is as its writer left it.
    """

    def __init__(
        self,
        journal: LeftJournal,
        about: str,
        torn: Intent | None = None,
        *,
        harmless: bool = False,
    ) -> None:
        self.about = about
        self.torn = torn
        self.harmless = harmless
        self._journal = journal

    def undo(self, parts: ImageParts) -> str:
        """Put back the old data, on the disk; remove the journal; say what was done."""
        if self.torn is not None:
            parts.put_back(self.torn.place, self.torn.old)
            parts.sync(self.torn.place.file)
        self._journal.remove()
        return f"{self.about}; it is undone" if self.torn is not None else self.about


def find_left(
    path: Path, parts: ImageParts, places: NamedPlaces, *, copied: bool = False
) -> LeftWrite | None:
    """Read and check the journal of an image; None if there is none.

    Args:
        path: The image.
        parts: Its files, open.
        places: Names what is at a place of the image.
        copied: Accept a journal that names other files of the same sizes, or that is
            of another generation of the image.

    Raises:
        ImageError: The file with the name of the journal is not this image's journal.
    """
    file = journal_path(path)
    journal = LeftJournal.read(file, {os.geteuid(), parts.first.st_uid})
    if journal is None:
        return None
    if reason := journal.of_another(parts.identity, copied=copied):
        raise ImageError(f"{reason}; {_IF_COPIED}")
    if journal.intent is None:
        return LeftWrite(journal, "no write was begun", harmless=True)
    return _judged(journal, file, parts, places, copied=copied)


def _judged(
    journal: LeftJournal,
    file: Path,
    parts: ImageParts,
    places: NamedPlaces,
    *,
    copied: bool,
) -> LeftWrite:
    """Decide how far the write of a journal came."""
    intent = journal.intent
    assert intent is not None, "a write was begun"
    where = places.name(intent.place)
    if where is None:
        raise ImageError(f"{file.name} names no track of the image")
    match intent.state(_found(parts, intent.place)):
        case State.CUT_SHORT:
            if not copied and not _same_generation(parts, places, intent):
                raise ImageError(_another_generation(file, where))
            what = "failed" if intent.failed else "was cut short"
            return LeftWrite(journal, f"the last write, to {where}, {what}", intent)
        case State.VOID:
            return _void(journal, file, where, copied=copied)
        case State.DONE | State.NOTHING:
            return LeftWrite(journal, "no write was cut short", harmless=True)


def _void(journal: LeftJournal, file: Path, where: str, *, copied: bool) -> LeftWrite:
    if copied:
        raise ImageError(
            f"{file.name} is not the journal of a copy of the image: {where} is not"
            " as it says"
        )
    about = f"another program has written to {where}; the journal is void"
    return LeftWrite(journal, about)


def _another_generation(file: Path, where: str) -> str:
    return (
        f"{file.name} is the journal of another generation of the image:"
        f" {where} is to be put back, but the write before it is not there;"
        f" {_IF_COPIED}"
    )


def _found(parts: ImageParts, place: Place) -> bytes:
    return parts.read(place.file, place.length, place.offset)


def _same_generation(parts: ImageParts, places: NamedPlaces, intent: Intent) -> bool:
    """Whether the write before the one that was cut short is still there."""
    before = intent.before
    if before is None:
        return True
    if places.name(before.place) is None:
        return False
    return digest(_found(parts, before.place)) == before.digest
