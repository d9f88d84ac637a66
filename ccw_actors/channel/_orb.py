"""The operation-request block, the operand of START SUBCHANNEL.

Source: z/Architecture Principles of Operation (PoP), "Operation-Request Block";
Linux drivers/s390/cio/orb.h; QEMU include/hw/s390x/ioinst.h.
"""

import struct

from msgspec import Struct

from ccw_actors.channel.fields import U8, U16, U32, Flag, expect_length

__all__ = ["Orb"]

_LAYOUT = struct.Struct(">IHBBI")
_RESERVED_1 = 0x3E


class Orb(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Command-mode ORB, 12 bytes.

    `flags` is the halfword at offset 4, `lpm` the byte at 6, `flags1` the byte at 7,
    `cpa` the channel-program address at 8; all are big-endian. An ORB can hold any
    values; `invalid` checks whether START SUBCHANNEL would accept them.
    """

    intparm: U32 = 0
    flags: U16 = 0
    lpm: U8 = 0
    flags1: U8 = 0
    cpa: U32 = 0

    suspend = Flag("flags", 0x0800, "S: a CCW's suspend flag is legal")
    streaming = Flag("flags", 0x0400, "C: streaming mode")
    modification = Flag("flags", 0x0200, "M: modification control")
    synchronization = Flag("flags", 0x0100, "Y: synchronization control")
    format_1 = Flag("flags", 0x0080, "F: format-1 CCWs")
    prefetch = Flag("flags", 0x0040, "P: unlimited prefetch is allowed")
    initial_status = Flag("flags", 0x0020, "I: initial-status interruption")
    address_limit = Flag("flags", 0x0010, "A: address-limit checking")
    suppress_suspended = Flag("flags", 0x0008, "U: no suspended interruption")
    transport = Flag("flags", 0x0004, "B: transport mode")
    idaw_64 = Flag("flags", 0x0002, "H: format-2 (64-bit) IDAWs")
    idaw_2k = Flag("flags", 0x0001, "T: format-2 IDAWs name 2K blocks")
    suppress_length = Flag(
        "flags1", 0x80, "L: no incorrect length for immediate operations"
    )
    midaw = Flag("flags1", 0x40, "D: modified indirect addressing is legal")
    extended = Flag("flags1", 0x01, "X: the ORB extension is present")

    @property
    def key(self) -> int:
        """Storage key, 0 to 15, for every access of the channel program."""
        return self.flags >> 12

    @property
    def fmt(self) -> int:
        """CCW format, 0 or 1."""
        return self.flags >> 7 & 1

    @classmethod
    def command(
        cls,
        cpa: int,
        *,
        intparm: int = 0,
        lpm: int = 0xFF,
        key: int = 0,
        fmt: int = 1,
        prefetch: bool = True,
        idaw_64: bool = True,
        idaw_2k: bool = False,
        suspend: bool = False,
        suppress_suspended: bool = False,
        initial_status: bool = False,
        suppress_length: bool = False,
    ) -> "Orb":
        """Return an ORB as an operating system writes it.

        The defaults are those of Linux: format-1 CCWs, prefetch and format-2 IDAWs
        of 4K (flags 00c2), all paths.
        """
        wanted = (
            (suspend, cls.suspend),
            (bool(fmt), cls.format_1),
            (prefetch, cls.prefetch),
            (initial_status, cls.initial_status),
            (suppress_suspended, cls.suppress_suspended),
            (idaw_64, cls.idaw_64),
            (idaw_2k, cls.idaw_2k),
        )
        return cls(
            intparm=intparm,
            flags=key << 12 | sum(flag.mask for on, flag in wanted if on),
            lpm=lpm,
            flags1=cls.suppress_length.mask if suppress_length else 0,
            cpa=cpa,
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Orb":
        """Read 12 bytes, or the 32 architected ones, whose extension is ignored.

        Raises:
            ChannelDataError: `raw` has another length.
        """
        expect_length("ORB", raw, 12, 32)
        return cls(*_LAYOUT.unpack_from(raw))

    def to_bytes(self) -> bytes:
        """Return the 12 bytes of the command-mode ORB."""
        return _LAYOUT.pack(self.intparm, self.flags, self.lpm, self.flags1, self.cpa)

    def invalid(self, *, midaws: bool = False) -> str | None:
        """Return why START SUBCHANNEL would end with an operand exception, or None.

        This channel subsystem has neither transport mode nor the ORB extension, so
        their bits count as reserved; without `midaws`, so does D.
        """
        if not (self.transport or self.flags1 or self.cpa & 0x8000_0000):
            return None  # No rule is about it.
        rules = (
            (self.transport, "word 1 bit 13 (B): transport mode is not provided"),
            (self.midaw and not midaws, "word 1 bit 25 (D): MIDAWs are not provided"),
            (self.flags1 & _RESERVED_1, "word 1 bits 26-30 must be zero"),
            (self.extended, "word 1 bit 31 (X): the extension is not provided"),
            (
                self.suppress_length and not self.format_1,
                "word 1 bit 24 (L) must be zero with format-0 CCWs",
            ),
            (self.cpa & 0x8000_0000, "word 2 bit 0 must be zero"),
        )
        broken = next((rule for wrong, rule in rules if wrong), None)
        return None if broken is None else f"ORB {self.to_bytes().hex()}: {broken}"
