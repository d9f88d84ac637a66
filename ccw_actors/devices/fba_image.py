"""The raw image of a volume of fixed blocks: block after block, and nothing else.

The file does not name its device type. Blocks are read and written in groups of the
size that Hercules' compressed images have, so a long transfer takes few steps.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry
from ccw_actors.errors import ImageError

__all__ = [
    "BLOCKS_MAX",
    "FBA_TYPES",
    "GROUP_BLOCKS",
    "fba_blocks",
    "fba_volume",
    "group_offset",
]

GROUP_BLOCKS: Final = 120
BLOCKS_MAX: Final = (1 << 32) - 1
"""The most blocks of a volume: a locate command has four bytes for their number."""

# Blocks of the models of each type, the default model first.
FBA_TYPES: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "0671": {"": 574560, "04": 624456, "08": 513072},
        "3310": {"1": 125664},
        "3370": {
            "1": 558000,
            "A1": 558000,
            "B1": 558000,
            "2": 712752,
            "A2": 712752,
            "B2": 712752,
        },
        "9313": {"1": 246240},
        "9332": {"400": 360036, "200": 360036, "600": 554800},
        "9335": {"1": 804714},
        "9336": {"10": 920115, "20": 1672881, "25": 1672881},
    }
)


def fba_blocks(name: str) -> tuple[str, int]:
    """Find device type and blocks: "3370-A2", or "3370" for the default model.

    Raises:
        ImageError: There is no such type or model.
    """
    family, dash, model = name.upper().partition("-")
    models = FBA_TYPES.get(family, {})
    if models and not dash:
        return family, next(iter(models.values()))
    if model and model in models:
        return family, models[model]
    known = ", ".join(
        f"{kind}-{model}".removesuffix("-")
        for kind, models in FBA_TYPES.items()
        for model in models
    )
    raise ImageError(f"unknown device type {name!r}, expected one of {known}")


def fba_volume(device_type: str, file_size: int) -> BlockGeometry:
    """Shape of the volume in a raw image of this size in bytes.

    Raises:
        ImageError: The type has no fixed blocks, or the file is not whole blocks.
    """
    if device_type not in FBA_TYPES:
        known = ", ".join(FBA_TYPES)
        raise ImageError(
            f"a {device_type} has no fixed blocks; expected one of {known}"
        )
    blocks, rest = divmod(file_size, BLOCK_SIZE)
    if rest or not blocks:
        raise ImageError(
            f"the image has {file_size} bytes, expected a multiple of {BLOCK_SIZE}"
            f" (a block of a {device_type}); the last block has {rest} bytes"
        )
    return BlockGeometry(device_type, blocks, GROUP_BLOCKS)


def group_offset(volume: BlockGeometry, number: int) -> int:
    """Offset in bytes of a group of blocks in the image; groups count from zero.

    Raises:
        ImageError: The volume has no such group.
    """
    if not 0 <= number < volume.tracks:
        raise ImageError(
            f"the volume has no group {number}: it has {volume.tracks} groups of"
            f" {volume.per_group} blocks, numbered from 0"
        )
    return number * volume.per_group * BLOCK_SIZE
