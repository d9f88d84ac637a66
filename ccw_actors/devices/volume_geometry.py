"""The shape of a volume: of count-key-data tracks, or of blocks."""

from msgspec import Struct

__all__ = ["BLOCK_SIZE", "BlockGeometry", "Geometry"]

BLOCK_SIZE = 512


class Geometry(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="tracks"
):
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


class BlockGeometry(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="blocks"
):
    """How many blocks of 512 bytes a volume has.

    `device_type` is the machine type, such as "3370". Whoever keeps the volume reads
    and writes it in groups of `per_group` blocks, which take the part that tracks have
    elsewhere; the last one may be shorter.
    """

    device_type: str
    blocks: int
    per_group: int = 8

    @property
    def tracks(self) -> int:
        """Number of groups of the volume."""
        return -(-self.blocks // self.per_group)

    def size_of(self, group: int) -> int:
        """Bytes of a group."""
        count = min(self.per_group, self.blocks - group * self.per_group)
        return count * BLOCK_SIZE

    def place(self, block: int) -> tuple[int, int]:
        """Group of a block, and the offset of the block in the image of that."""
        group, at = divmod(block, self.per_group)
        return group, at * BLOCK_SIZE
