"""The subchannel-information block: path management, status, model-dependent area.

Source: PoP, "Subchannel-Information Block" and "MODIFY SUBCHANNEL"; Linux
drivers/s390/cio/cio.h; QEMU include/hw/s390x/ioinst.h.
"""

import struct
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import replace

from ccw_actors.channel._scsw import Scsw
from ccw_actors.channel.fields import U8, U16, U32, U64, Flag, expect_length

__all__ = ["PATH_0", "SCHIB_LENGTH", "Pmcw", "Schib", "modified"]

_PMCW = struct.Struct(">IHHBBBBHBB8sI")
_SCHIB_TAIL = struct.Struct(">QI")
_PMCW_LENGTH: Final = 28
SCHIB_LENGTH: Final = 52
PATH_0: Final = 0x80
"""The first channel path, in the masks of paths."""

_ISC_SHIFT: Final = 11
_ISC: Final = 0x3800
_LIMIT_MODE: Final = 0x0060
_MEASUREMENT_MODE: Final = 0x0018
_TYPE_SHIFT: Final = 21
_RESERVED_FLAGS: Final = 0xC300
_RESERVED_CHARS: Final = 0xFF1F_FFF8
_MBA_ALIGNMENT: Final = 64
_PATHS: Final = 8
_ALL_PATHS: Final = 0xFF

Chpids: TypeAlias = Annotated[bytes, Meta(min_length=8, max_length=8)]


class Pmcw(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Path-management-control word, 28 bytes.

    `flags` is the halfword at offset 4, `chars` the word at offset 24, both big-endian.
    The path masks are those of the architecture: `lpm` logical path, `pnom` not
    operational, `lpum` last used, `pim` installed, `pom` operational, `pam` available;
    bit 0 belongs to `chpids[0]`.
    """

    intparm: U32 = 0
    flags: U16 = 0
    devno: U16 = 0
    lpm: U8 = 0
    pnom: U8 = 0
    lpum: U8 = 0
    pim: U8 = 0
    mbi: U16 = 0
    pom: U8 = 0
    pam: U8 = 0
    chpids: Chpids = bytes(8)
    chars: U32 = 0

    qdio = Flag("flags", 0x8000, "QF: the subchannel supports QDIO")
    enabled = Flag("flags", 0x0080, "E: the subchannel is enabled")
    multipath = Flag("flags", 0x0004, "D: multipath mode")
    timing = Flag("flags", 0x0002, "T: the timing facility is available")
    valid = Flag("flags", 0x0001, "V: the device number is valid")
    measurement_format_1 = Flag("chars", 0x4, "MBFC: format-1 measurement block")
    extended_measurement = Flag("chars", 0x2, "XMWME: extended measurement word")
    concurrent_sense = Flag("chars", 0x1, "S: concurrent sense is wanted")

    @property
    def isc(self) -> int:
        """Interruption subclass, 0 to 7."""
        return (self.flags & _ISC) >> _ISC_SHIFT

    @property
    def limit_mode(self) -> int:
        """Address-limit mode: 0 none, 1 above the limit, 2 below it; 3 is reserved."""
        return (self.flags & _LIMIT_MODE) >> 5

    @property
    def measurement_mode(self) -> int:
        """MM: 2 for measurement-block update, 1 for device-connect time, 3 for both."""
        return (self.flags & _MEASUREMENT_MODE) >> 3

    @property
    def subchannel_type(self) -> int:
        """ST: 0 I/O, 1 CHSC, 2 message, 3 ADM."""
        return self.chars >> _TYPE_SHIFT & 7

    def paths_to(self, chpid: int) -> int:
        """Return the mask of the installed paths with this channel-path id."""
        masks = (
            0x80 >> place for place, known in enumerate(self.chpids) if known == chpid
        )
        return sum(masks) & self.pim

    def with_path(self, chpid: int, *, available: bool) -> "Pmcw":
        """Return a copy with the paths of this channel-path id available, or not."""
        paths = self.paths_to(chpid)
        return replace(self, pam=self.pam | paths if available else self.pam & ~paths)

    @classmethod
    def of_device(cls, devno: int, *, chpid: int = 0) -> "Pmcw":
        """Return the PMCW of a disabled subchannel with a device and one path."""
        return cls(
            flags=cls.valid.mask,
            devno=devno,
            lpm=PATH_0,
            pim=PATH_0,
            pom=_ALL_PATHS,
            pam=PATH_0,
            chpids=bytes((chpid,)).ljust(_PATHS, b"\0"),
        )

    def with_isc(self, isc: int) -> "Pmcw":
        """Return a copy with another interruption subclass, 0 to 7."""
        return replace(self, flags=self.flags & ~_ISC | isc << _ISC_SHIFT & _ISC)

    def with_flag(self, flag: Flag, *, on: bool) -> "Pmcw":
        """Return a copy with one of the flags on or off."""
        old: int = getattr(self, flag.field)
        new = old | flag.mask if on else old & ~flag.mask
        return replace(self, **{flag.field: new})

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Pmcw":
        """Read 28 bytes.

        Raises:
            ChannelDataError: `raw` is not 28 bytes long.
        """
        expect_length("PMCW", raw, _PMCW_LENGTH)
        return cls(*_PMCW.unpack(raw))

    def to_bytes(self) -> bytes:
        """Return the 28 bytes."""
        return _PMCW.pack(
            self.intparm,
            self.flags,
            self.devno,
            self.lpm,
            self.pnom,
            self.lpum,
            self.pim,
            self.mbi,
            self.pom,
            self.pam,
            self.chpids,
            self.chars,
        )


_MODIFIABLE_FLAGS: Final = (
    _ISC | Pmcw.enabled.mask | _LIMIT_MODE | _MEASUREMENT_MODE | Pmcw.multipath.mask
)
_MODIFIABLE_CHARS: Final = Pmcw.measurement_format_1.mask | Pmcw.concurrent_sense.mask


def modified(old: Pmcw, new: Pmcw) -> Pmcw:
    """Return the PMCW after MODIFY SUBCHANNEL: `old` with parts of `new`.

    The parts are the interruption parameter, ISC, E, LM, MM, D, the logical-path mask,
    the measurement-block index, the path-operational mask, MBFC and S. A subchannel
    without a valid device number keeps its old contents.
    """
    if not old.valid:
        return old
    return replace(
        old,
        intparm=new.intparm,
        flags=old.flags & ~_MODIFIABLE_FLAGS | new.flags & _MODIFIABLE_FLAGS,
        lpm=new.lpm,
        mbi=new.mbi,
        pom=new.pom,
        chars=old.chars & ~_MODIFIABLE_CHARS | new.chars & _MODIFIABLE_CHARS,
    )


def _rules_of(pmcw: Pmcw) -> tuple[tuple[int, str], ...]:
    """Return the rules that MODIFY SUBCHANNEL checks in a PMCW: (broken, text).

    Bit 5 of word 1 is ignored (PoP, as QEMU include/hw/s390x/ioinst.h has it since the
    fix of its mask in 7.0).
    """
    return (
        (
            pmcw.flags & _RESERVED_FLAGS,
            f"PMCW word 1 bits 0, 1, 6 and 7 must be zero, got {pmcw.flags:#06x}",
        ),
        (
            pmcw.flags & _LIMIT_MODE == _LIMIT_MODE,
            "PMCW word 1 bits 9-10 (LM) must not both be one",
        ),
        (
            pmcw.chars & _RESERVED_CHARS,
            f"PMCW word 6 has reserved bits on: {pmcw.chars:#010x}",
        ),
        (
            pmcw.extended_measurement,
            "PMCW word 6 bit 30 (XMWME): extended measurement is not provided",
        ),
    )


class Schib(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Subchannel-information block, 52 bytes.

    `mba` is the doubleword at offset 40 (measurement-block address), `model` the
    model-dependent word at offset 48, both big-endian.
    """

    pmcw: Pmcw = Pmcw()
    scsw: Scsw = Scsw()
    mba: U64 = 0
    model: U32 = 0

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Schib":
        """Read 52 bytes.

        Raises:
            ChannelDataError: `raw` is not 52 bytes long.
        """
        expect_length("SCHIB", raw, SCHIB_LENGTH)
        mba, model = _SCHIB_TAIL.unpack_from(raw, 40)
        return cls(Pmcw.from_bytes(raw[:28]), Scsw.from_bytes(raw[28:40]), mba, model)

    def to_bytes(self) -> bytes:
        """Return the 52 bytes."""
        tail = _SCHIB_TAIL.pack(self.mba, self.model)
        return self.pmcw.to_bytes() + self.scsw.to_bytes() + tail

    def modified(self, new: "Schib") -> "Schib":
        """Return this block after MODIFY SUBCHANNEL with the operand `new`."""
        if not self.pmcw.valid:
            return self
        return replace(self, pmcw=modified(self.pmcw, new.pmcw), mba=new.mba)

    def invalid(self, *, format_1_measurement: bool = True) -> str | None:
        """Return why MODIFY SUBCHANNEL would end with an operand exception, or None.

        Without `format_1_measurement` measurement blocks have format 0 only.
        """
        block = self.pmcw.measurement_format_1
        rules = (
            *_rules_of(self.pmcw),
            (
                block and not format_1_measurement,
                "PMCW word 6 bit 29 (MBFC): format-1 blocks are not provided",
            ),
            (
                block and self.mba % _MBA_ALIGNMENT,
                f"SCHIB measurement-block address {self.mba:#x} is not 64-byte bound",
            ),
        )
        return next((rule for wrong, rule in rules if wrong), None)
