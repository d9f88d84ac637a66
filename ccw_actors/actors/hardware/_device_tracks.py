"""The tracks that a device keeps, and those among them that it has still to write."""

from collections.abc import Iterable

from msgspec import Struct

__all__ = ["DeviceTracks", "TrackImages"]

TrackImages = tuple[tuple[int, bytes], ...]
"""Numbers and whole images of tracks."""


class DeviceTracks(Struct):
    """Tracks read or written last, by number, the most recent last.

    Those whose number is in `held` are not on the volume yet.
    """

    images: dict[int, bytes]
    held: frozenset[int] = frozenset()

    def keep(self, track: int, image: bytes) -> None:
        """Keep a track as it is on the volume."""
        self.images.pop(track, None)
        self.images[track] = image

    def keep_all(self, first: int, images: Iterable[bytes]) -> int:
        """Keep tracks from the first on; return the number of the last."""
        last = first - 1
        for last, image in enumerate(images, first):
            self.keep(last, image)
        return last

    def hold(self, writes: Iterable[tuple[int, bytes]]) -> None:
        """Keep tracks that are written later."""
        for track, image in writes:
            self.keep(track, image)
            self.held |= {track}

    def take_held(self) -> dict[int, bytes]:
        """Return the tracks to write; they are kept again once they are written."""
        held, self.held = self.held, frozenset()
        # In the order of the chain, as far as it wrote no track twice.
        taken = {track: self.images[track] for track in self.images if track in held}
        for track in taken:
            del self.images[track]
        return taken

    def trim(self, tracks_max: int) -> None:
        """Drop the oldest tracks, but none that has still to be written."""
        excess = len(self.images) - tracks_max
        if excess > 0:
            dropped = [track for track in self.images if track not in self.held]
            for track in dropped[:excess]:
                del self.images[track]
