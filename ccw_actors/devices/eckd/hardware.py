"""What the disk types differ in, as real hardware and Hercules report it."""

from msgspec import Struct

from ccw_actors.devices.volume_geometry import Geometry

__all__ = ["HARDWARE", "Hardware"]


class Hardware(Struct, frozen=True):
    """One disk type and its control unit.

    `models` maps the largest number of cylinders to the device model byte, smallest
    volume first; a larger volume has the last one. `ciws` are the command information
    words of SENSE ID. `sense_size` is the number of bytes that SENSE transfers.
    `features` are bytes 6-11 of READ DEVICE CHARACTERISTICS and `details` bytes 16-63:
    sectors, track capacity, formulas, alternate tracks, error-recording identifiers.
    """

    control_unit: bytes
    device_type: bytes
    models: tuple[tuple[int, int], ...]
    ciws: bytes
    sense_size: int
    features: bytes
    details: bytes

    def model(self, geometry: Geometry) -> int:
        """Device model byte of a volume of this size."""
        for cylinders, model in self.models:
            if geometry.cylinders <= cylinders:
                return model
        return self.models[-1][1]

    @property
    def sectors(self) -> int:
        """How many sectors of equal angle a track has."""
        return self.details[0]

    def sense_id(self, geometry: Geometry) -> bytes:
        """Data of SENSE ID: FF, control unit, device type and model, zero, CIWs."""
        identity = self.control_unit + self.device_type + bytes([self.model(geometry)])
        return b"\xff" + identity + (b"\0" + self.ciws if self.ciws else b"")

    def characteristics(self, geometry: Geometry) -> bytes:
        """Give the 64 bytes of READ DEVICE CHARACTERISTICS."""
        return b"".join(
            (
                self.control_unit,
                self.device_type,
                bytes([self.model(geometry)]),
                self.features,
                min(geometry.cylinders, 0xFFFE).to_bytes(2),
                geometry.heads.to_bytes(2),
                self.details,
            )
        )


HARDWARE = {
    "3380": Hardware(
        control_unit=bytes.fromhex("3880 05"),
        device_type=bytes.fromhex("3380"),
        models=((885, 0x02), (1770, 0x0A), (2655, 0x1E)),
        ciws=b"",
        sense_size=24,
        features=bytes.fromhex("80000000 200e"),
        details=bytes.fromhex(
            "de00bb60 04400120 01ec00ec 00000000 00000000 00000000"
            "0e0e0902 bb740001 00500700 00000000 00ff0000 00000000"
        ),
    ),
    "3390": Hardware(
        control_unit=bytes.fromhex("3990 c2"),
        device_type=bytes.fromhex("3390"),
        models=((1113, 0x02), (2226, 0x06), (3339, 0x0A), (10017, 0x0C)),
        ciws=bytes.fromhex("40fa0100"),
        sense_size=32,
        features=bytes.fromhex("d0000000 2026"),
        details=bytes.fromhex(
            "e000e5a2 05940222 13090674 00000000 00000000 00000000"
            "26261002 dfee0001 06770800 00000000 00ff0000 00000000"
        ),
    ),
}
