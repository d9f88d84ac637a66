"""Raw images of blocks: sizes, groups, and models by name."""

import itertools

import pytest

from ccw_actors.devices import BLOCK_SIZE, BlockGeometry
from ccw_actors.devices.fba_image import (
    FBA_TYPES,
    GROUP_BLOCKS,
    fba_blocks,
    fba_volume,
    group_offset,
)
from ccw_actors.errors import ImageError


@pytest.mark.parametrize("device_type", sorted(FBA_TYPES))
@pytest.mark.parametrize("blocks", [1, 119, 120, 121, 1000])
def test_groups_fill_the_image(device_type: str, blocks: int) -> None:
    """Groups follow one another from the start to the end of the file."""
    volume = fba_volume(device_type, blocks * BLOCK_SIZE)
    assert volume == BlockGeometry(device_type, blocks, GROUP_BLOCKS)
    ends = [
        group_offset(volume, group) + volume.size_of(group)
        for group in range(volume.tracks)
    ]
    offsets = [group_offset(volume, group) for group in range(volume.tracks)]
    assert offsets[0] == 0
    assert all(end == start for end, start in zip(ends, offsets[1:], strict=False))
    assert ends[-1] == blocks * BLOCK_SIZE
    assert all(b > a for a, b in itertools.pairwise(offsets))


@pytest.mark.parametrize("size", [0, 1, 511, 513, 512 * 10 + 7])
def test_half_blocks_are_refused(size: int) -> None:
    """A file that is empty or has a partial block is refused."""
    said = f"has {size} bytes, expected a multiple of 512 .* has {size % 512} bytes"
    with pytest.raises(ImageError, match=said):
        fba_volume("3370", size)


def test_tracks_are_no_blocks() -> None:
    """A disk type with tracks has no raw image of blocks."""
    with pytest.raises(ImageError, match="a 3390 has no fixed blocks; expected one of"):
        fba_volume("3390", 512)


@pytest.mark.parametrize("group", [-1, 9])
def test_there_is_no_such_group(group: int) -> None:
    """A group outside of the volume has no offset."""
    with pytest.raises(ImageError, match=f"no group {group}: it has 9 groups of 120"):
        group_offset(fba_volume("3370", 1000 * BLOCK_SIZE), group)


@pytest.mark.parametrize(
    ("name", "device_type", "blocks"),
    [
        ("3370", "3370", 558000),
        ("3370-a2", "3370", 712752),
        ("0671", "0671", 574560),
        ("0671-08", "0671", 513072),
        ("9336-20", "9336", 1672881),
        ("3310", "3310", 125664),
    ],
)
def test_models_by_name(name: str, device_type: str, blocks: int) -> None:
    """A name may have a model; without one it means the default."""
    assert fba_blocks(name) == (device_type, blocks)


@pytest.mark.parametrize("name", ["", "3390", "3370-9", "3370-", "337"])
def test_unknown_models(name: str) -> None:
    """An unknown name is refused, and the known ones are listed."""
    with pytest.raises(ImageError, match=r"unknown device type .* 3370-A2"):
        fba_blocks(name)
