"""The properties in which the types of fixed-block disks, and their models, differ."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry

__all__ = ["HARDWARE", "Hardware", "hardware_of"]

_ANY_SIZE = 0xFFFFFFFF


class Hardware(Struct, frozen=True):
    """One model of a disk type, behind its control unit.

    A volume of up to `blocks` is of this model. `control_unit` is its type and model,
    `model` the device model byte, `kind` the type byte of READ DEVICE CHARACTERISTICS.
    `per_group` are the blocks of a cyclical group (a track), `per_position` those of an
    access position (a cylinder).
    """

    blocks: int
    control_unit: bytes
    model: int
    kind: int
    per_group: int
    per_position: int

    def sense_id(self, device_type: str) -> bytes:
        """Data of SENSE ID, 7 bytes: FF, control unit, device type and model."""
        device = bytes.fromhex(device_type) + bytes([self.model])
        return b"\xff" + self.control_unit + device

    def characteristics(self, blocks: int) -> bytes:
        """Data of READ DEVICE CHARACTERISTICS, 32 bytes, for a volume's size."""
        return b"".join(
            (
                bytes([0x30, 0x08, 0x21, self.kind]),
                BLOCK_SIZE.to_bytes(2),
                self.per_group.to_bytes(4),
                self.per_position.to_bytes(4),
                blocks.to_bytes(4),
            )
        ).ljust(32, b"\0")


_3880, _4331, _6310 = map(bytes.fromhex, ("388001", "433101", "631001"))

HARDWARE: Mapping[str, tuple[Hardware, ...]] = MappingProxyType(
    {
        "0671": (
            Hardware(513072, _6310, 0x08, 0x12, 63, 504),
            Hardware(574560, _6310, 0x00, 0x12, 63, 504),
            Hardware(_ANY_SIZE, _6310, 0x04, 0x12, 63, 504),
        ),
        "3310": (Hardware(_ANY_SIZE, _4331, 0x01, 0x01, 32, 352),),
        "3370": (
            Hardware(558000, _3880, 0x00, 0x02, 62, 744),
            Hardware(_ANY_SIZE, _3880, 0x04, 0x05, 62, 744),
        ),
        "9313": (Hardware(_ANY_SIZE, _6310, 0x00, 0x08, 96, 480),),
        "9332": (
            Hardware(360036, _6310, 0x00, 0x07, 73, 292),
            Hardware(_ANY_SIZE, _6310, 0x01, 0x07, 73, 292),
        ),
        "9335": (Hardware(_ANY_SIZE, _6310, 0x01, 0x06, 71, 426),),
        "9336": (
            Hardware(920115, _6310, 0x00, 0x11, 63, 315),
            Hardware(_ANY_SIZE, _6310, 0x10, 0x11, 111, 777),
        ),
    }
)
"""The models of each type, smallest volume first, as SENSE ID and READ DEVICE
CHARACTERISTICS of Hercules 3.13 show them for volumes of dasdinit of every size."""


def hardware_of(volume: BlockGeometry) -> Hardware:
    """Return the model of a volume, by its type and size."""
    models = HARDWARE[volume.device_type]
    return next(one for one in models if volume.blocks <= one.blocks)
