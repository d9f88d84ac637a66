"""The interruption-response block, which TEST SUBCHANNEL stores.

Source: PoP, "Interruption-Response Block", "Extended-Status Word"; Linux
drivers/s390/cio/ioasm.h and scsw.h; QEMU hw/s390x/css.c (concurrent sense).
"""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import replace

from ccw_actors.channel._scsw import SCSW_LENGTH, Scsw
from ccw_actors.channel.fields import expect_length

__all__ = ["Irb"]

_ESW_LENGTH: Final = 20
_ECW_LENGTH: Final = 32
_EMW_LENGTH: Final = 32
_SHORT: Final = SCSW_LENGTH + _ESW_LENGTH + _ECW_LENGTH
_FULL: Final = _SHORT + _EMW_LENGTH

_ERW_CONCURRENT_SENSE: Final = 0x0100_0000
_ERW_COUNT_SHIFT: Final = 16
_ERW_COUNT: Final = 0x3F

Esw: TypeAlias = Annotated[bytes, Meta(min_length=20, max_length=20)]
Ecw: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]
Emw: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]


class Irb(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """SCSW (12 bytes), extended status (20), extended control (32), measurement (32).

    The last part is stored only if the extended-measurement facility is on, so an IRB
    almost always has 64 bytes in storage.
    """

    scsw: Scsw
    esw: Esw = bytes(20)
    ecw: Ecw = bytes(32)
    emw: Emw = bytes(32)

    @classmethod
    def with_path(cls, scsw: Scsw, lpum: int) -> "Irb":
        """Return an IRB with an ESW of format 1: the last-path-used mask, zero ERW."""
        return cls(scsw, bytes((0, lpum)).ljust(_ESW_LENGTH, b"\0"))

    @classmethod
    def with_sense(cls, scsw: Scsw, lpum: int, sense: bytes) -> "Irb":
        """Return an IRB that carries concurrent sense (1 to 32 bytes) in its ECW.

        ERW.S and the sense count are set in the ESW of format 1, E in the SCSW.

        Raises:
            ChannelDataError: `sense` is empty, or longer than 32 bytes.
        """
        expect_length("concurrent sense", sense, *range(1, _ECW_LENGTH + 1))
        erw = _ERW_CONCURRENT_SENSE | len(sense) << _ERW_COUNT_SHIFT
        esw = bytes((0, lpum, 0, 0)) + erw.to_bytes(4, "big")
        return cls(
            replace(scsw, flags=scsw.flags | Scsw.extended_control.mask),
            esw.ljust(_ESW_LENGTH, b"\0"),
            sense.ljust(_ECW_LENGTH, b"\0"),
        )

    @property
    def lpum(self) -> int:
        """Last-path-used mask of an ESW of format 0 or 1."""
        return self.esw[1]

    @property
    def erw(self) -> int:
        """Extended-report word."""
        return int.from_bytes(self.esw[4:8], "big")

    @property
    def sense(self) -> bytes:
        """The concurrent-sense bytes, as many as the ERW counts; empty if none."""
        carried = self.erw & _ERW_CONCURRENT_SENSE
        if not (carried and self.scsw.extended_control):
            return b""
        return self.ecw[: self.erw >> _ERW_COUNT_SHIFT & _ERW_COUNT]

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Irb":
        """Read 64 or 96 bytes.

        Raises:
            ChannelDataError: `raw` has another length.
        """
        expect_length("IRB", raw, _SHORT, _FULL)
        emw = raw[64:] or bytes(_EMW_LENGTH)
        return cls(Scsw.from_bytes(raw[:12]), raw[12:32], raw[32:64], emw)

    def to_bytes(self, length: int = _SHORT) -> bytes:
        """Return the first `length` bytes: 64 as usually stored, or all 96."""
        raw = self.scsw.to_bytes() + self.esw + self.ecw + self.emw
        return raw[:length]
