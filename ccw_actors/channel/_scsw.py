"""The subchannel-status word, and the names of its function, activity and status bits.

Source: PoP, "Subchannel-Status Word"; Linux arch/s390/include/uapi/asm/scsw.h.
"""

import struct
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel.fields import U8, U16, U32, Flag, bit_names, expect_length

__all__ = ["SCSW_LENGTH", "Actl", "Cstat", "Dstat", "Fctl", "Scsw", "Stctl"]

SCSW_LENGTH: Final = 12
_LAYOUT = struct.Struct(">HHIBBH")


class Fctl:
    """Function control (FC): functions accepted and not yet tested to their end."""

    START: Final = 0x4
    HALT: Final = 0x2
    CLEAR: Final = 0x1

    NAMES: Final = {START: "start", HALT: "halt", CLEAR: "clear"}


class Actl:
    """Activity control (AC): the progress of the functions."""

    RESUME_PENDING: Final = 0x40
    START_PENDING: Final = 0x20
    HALT_PENDING: Final = 0x10
    CLEAR_PENDING: Final = 0x08
    SUBCHANNEL_ACTIVE: Final = 0x04
    DEVICE_ACTIVE: Final = 0x02
    SUSPENDED: Final = 0x01
    ACTIVE: Final = SUBCHANNEL_ACTIVE | DEVICE_ACTIVE
    OF_START: Final = RESUME_PENDING | START_PENDING | ACTIVE | SUSPENDED

    NAMES: Final = {
        RESUME_PENDING: "resume-pending",
        START_PENDING: "start-pending",
        HALT_PENDING: "halt-pending",
        CLEAR_PENDING: "clear-pending",
        SUBCHANNEL_ACTIVE: "subchannel-active",
        DEVICE_ACTIVE: "device-active",
        SUSPENDED: "suspended",
    }


class Stctl:
    """Status control (SC): the kind of status, and whether it is pending."""

    ALERT: Final = 0x10
    INTERMEDIATE: Final = 0x08
    PRIMARY: Final = 0x04
    SECONDARY: Final = 0x02
    PENDING: Final = 0x01
    INTERMEDIATE_STATUS: Final = INTERMEDIATE | PENDING
    FINAL_STATUS: Final = PRIMARY | SECONDARY | PENDING
    UNSOLICITED_STATUS: Final = ALERT | PENDING

    NAMES: Final = {
        ALERT: "alert",
        INTERMEDIATE: "intermediate",
        PRIMARY: "primary",
        SECONDARY: "secondary",
        PENDING: "pending",
    }


class Dstat:
    """Device status."""

    ATTENTION: Final = 0x80
    STATUS_MODIFIER: Final = 0x40
    CONTROL_UNIT_END: Final = 0x20
    BUSY: Final = 0x10
    CHANNEL_END: Final = 0x08
    DEVICE_END: Final = 0x04
    UNIT_CHECK: Final = 0x02
    UNIT_EXCEPTION: Final = 0x01
    CHANNEL_AND_DEVICE_END: Final = CHANNEL_END | DEVICE_END

    NAMES: Final = {
        ATTENTION: "attention",
        STATUS_MODIFIER: "status-modifier",
        CONTROL_UNIT_END: "control-unit-end",
        BUSY: "busy",
        CHANNEL_END: "channel-end",
        DEVICE_END: "device-end",
        UNIT_CHECK: "unit-check",
        UNIT_EXCEPTION: "unit-exception",
    }


class Cstat:
    """Subchannel status."""

    PROGRAM_CONTROLLED_INTERRUPTION: Final = 0x80
    INCORRECT_LENGTH: Final = 0x40
    PROGRAM_CHECK: Final = 0x20
    PROTECTION_CHECK: Final = 0x10
    CHANNEL_DATA_CHECK: Final = 0x08
    CHANNEL_CONTROL_CHECK: Final = 0x04
    INTERFACE_CONTROL_CHECK: Final = 0x02
    CHAINING_CHECK: Final = 0x01

    NAMES: Final = {
        PROGRAM_CONTROLLED_INTERRUPTION: "program-controlled-interruption",
        INCORRECT_LENGTH: "incorrect-length",
        PROGRAM_CHECK: "program-check",
        PROTECTION_CHECK: "protection-check",
        CHANNEL_DATA_CHECK: "channel-data-check",
        CHANNEL_CONTROL_CHECK: "channel-control-check",
        INTERFACE_CONTROL_CHECK: "interface-control-check",
        CHAINING_CHECK: "chaining-check",
    }


class Scsw(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Command-mode SCSW, 12 bytes.

    `flags` is the left half of word 0. `fctl`, `actl` and `stctl` are the three fields
    of its right half, each with its last bit at value 1 (the names in `Fctl`, `Actl`,
    `Stctl`). `cpa` is the address of the last CCW used plus 8, `count` the residual
    count in bytes.
    """

    flags: U16 = 0
    fctl: U8 = 0
    actl: U8 = 0
    stctl: U8 = 0
    cpa: U32 = 0
    dstat: U8 = 0
    cstat: U8 = 0
    count: U16 = 0

    suspend_control = Flag("flags", 0x0800, "S: from the ORB")
    esw_format = Flag("flags", 0x0400, "L: the ESW has format 0")
    format_1 = Flag("flags", 0x0080, "F: from the ORB")
    prefetch = Flag("flags", 0x0040, "P: from the ORB")
    initial_status = Flag("flags", 0x0020, "I: from the ORB")
    address_limit = Flag("flags", 0x0010, "A: from the ORB")
    suppress_suspended = Flag("flags", 0x0008, "U: from the ORB")
    zero_condition = Flag("flags", 0x0004, "Z: initial status had condition code 0")
    extended_control = Flag("flags", 0x0002, "E: the ECW holds information")
    path_not_operational = Flag("flags", 0x0001, "N: a path did not answer")
    pending = Flag("stctl", Stctl.PENDING, "status pending")

    @property
    def is_intermediate(self) -> bool:
        """Whether intermediate status is pending, and no other.

        It ends no function; TSCH leaves FC as it is, unless the program is suspended.
        """
        return self.stctl == Stctl.INTERMEDIATE | Stctl.PENDING

    @property
    def key(self) -> int:
        """Storage key, 0 to 15, from the ORB."""
        return self.flags >> 12

    @property
    def deferred_cc(self) -> int:
        """Deferred condition code: 0, 1 (ended at initiation) or 3 (no path)."""
        return self.flags >> 8 & 3

    def with_deferred_cc(self, cc: int) -> "Scsw":
        """Return a copy with another deferred condition code."""
        return replace(self, flags=self.flags & ~0x0300 | cc << 8)

    def names_of(self, field: str) -> str:
        """Return one field as text: the names of its bits, or a hexadecimal number."""
        value: int = getattr(self, field)
        if field == "flags":
            key = f"key-{self.key}" if self.key else ""
            cc = f"deferred-cc-{self.deferred_cc}" if self.deferred_cc else ""
            letters = [name for bit, name in _FLAGS.items() if value & bit]
            return "+".join(filter(None, (key, *letters, cc))) or "0"
        names = _BITS.get(field)
        return f"{value:#x}" if names is None else bit_names(names, value)

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Scsw":
        """Read 12 bytes; the reserved bit 16 of word 0 is not kept.

        Raises:
            ChannelDataError: `raw` is not 12 bytes long.
        """
        expect_length("SCSW", raw, SCSW_LENGTH)
        flags, control, cpa, dstat, cstat, count = _LAYOUT.unpack(raw)
        return cls(
            flags=flags,
            fctl=control >> 12 & 0x7,
            actl=control >> 5 & 0x7F,
            stctl=control & 0x1F,
            cpa=cpa,
            dstat=dstat,
            cstat=cstat,
            count=count,
        )

    def to_bytes(self) -> bytes:
        """Return the 12 bytes."""
        control = self.fctl << 12 | self.actl << 5 | self.stctl
        return _LAYOUT.pack(
            self.flags, control, self.cpa, self.dstat, self.cstat, self.count
        )


_FLAGS: Final = {
    Scsw.suspend_control.mask: "S",
    Scsw.esw_format.mask: "L",
    Scsw.format_1.mask: "F",
    Scsw.prefetch.mask: "P",
    Scsw.initial_status.mask: "I",
    Scsw.address_limit.mask: "A",
    Scsw.suppress_suspended.mask: "U",
    Scsw.zero_condition.mask: "Z",
    Scsw.extended_control.mask: "E",
    Scsw.path_not_operational.mask: "N",
}
_BITS: Final = {
    "fctl": Fctl.NAMES,
    "actl": Actl.NAMES,
    "stctl": Stctl.NAMES,
    "dstat": Dstat.NAMES,
    "cstat": Cstat.NAMES,
}
