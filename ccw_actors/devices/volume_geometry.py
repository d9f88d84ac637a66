"""The shape of a volume of count-key-data tracks."""

from msgspec import Struct

__all__ = ["Geometry"]


class Geometry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How many tracks a volume has and how large the image of each one is.

    `device_type` is the machine type, such as "3390". `track_size` is the number of
    bytes an image spends on every track, home address and padding included. Tracks
    are numbered from zero, head by head, then cylinder by cylinder.
    """

    device_type: str
    cylinders: int
    heads: int
    track_size: int

    @property
    def tracks(self) -> int:
        """Number of tracks of the volume."""
        return self.cylinders * self.heads

    def contains(self, cylinder: int, head: int) -> bool:
        """Tell whether the volume has this track."""
        return 0 <= cylinder < self.cylinders and 0 <= head < self.heads

    def track_number(self, cylinder: int, head: int) -> int:
        """Number of the track under this head of this cylinder."""
        return cylinder * self.heads + head
