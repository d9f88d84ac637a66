"""The shape of a volume: of count-key-data tracks, or of blocks."""

from msgspec import Struct

__all__ = ["BLOCK_SIZE", "BlockGeometry", "Geometry"]

BLOCK_SIZE = 512


class Geometry(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="tracks"
):
    """The number of tracks of a volume, and the size of each in an image.

    `device_type` is the machine type, such as "3390". `track_size` is the number of
    bytes of every track in an image, home address and padding included. Tracks are
    numbered from zero, head by head, then cylinder by cylinder.
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
        """Return whether the volume has this track."""
        return 0 <= cylinder < self.cylinders and 0 <= head < self.heads

    def track_number(self, cylinder: int, head: int) -> int:
        """Number of the track under this head of this cylinder."""
        return cylinder * self.heads + head


class BlockGeometry(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="blocks"
):
    """The number of blocks of 512 bytes of a volume.

    `device_type` is the machine type, such as "3370". The volume is read and written
    in groups of `per_group` blocks, which take the place of tracks. The last group may
    be shorter.
    """

    device_type: str
    blocks: int
    per_group: int = 8

    @property
    def tracks(self) -> int:
        """Number of groups of the volume."""
        return -(-self.blocks // self.per_group)

    def size_of(self, group: int) -> int:
        """Size of a group in bytes."""
        count = min(self.per_group, self.blocks - group * self.per_group)
        return count * BLOCK_SIZE

    def place(self, block: int) -> tuple[int, int]:
        """Group of a block, and the block's offset in bytes in the group's image."""
        group, at = divmod(block, self.per_group)
        return group, at * BLOCK_SIZE
