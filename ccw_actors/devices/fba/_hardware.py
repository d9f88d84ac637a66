"""The properties in which the types of fixed-block disks differ."""

from msgspec import Struct

from ccw_actors.devices.volume_geometry import BLOCK_SIZE

__all__ = ["HARDWARE", "Hardware"]


class Hardware(Struct, frozen=True):
    """One disk type and its control unit.

    `control_unit` is its type and model, `model` the device model byte, `kind` the type
    byte of READ DEVICE CHARACTERISTICS. `per_group` are the blocks of a cyclical group
    (a track), `per_position` those of an access position (a cylinder).
    """

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


HARDWARE = {
    "0671": Hardware(bytes.fromhex("631001"), 0x08, 0x12, 63, 504),
    "3310": Hardware(bytes.fromhex("433101"), 0x01, 0x01, 32, 352),
    "3370": Hardware(bytes.fromhex("388001"), 0x02, 0x02, 62, 744),
    "9313": Hardware(bytes.fromhex("631001"), 0x00, 0x14, 96, 480),
    "9332": Hardware(bytes.fromhex("631001"), 0x00, 0x07, 73, 292),
    "9335": Hardware(bytes.fromhex("631001"), 0x01, 0x06, 71, 426),
    "9336": Hardware(bytes.fromhex("631001"), 0x00, 0x11, 63, 315),
}
"""0671 and 3370 are as in Hercules 3.13, except for SENSE ID of the 3370. That and the
other types are general knowledge: UNVERIFIED."""
