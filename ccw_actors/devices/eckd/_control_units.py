"""Control units of count-key-data disks, as real ones and Hercules report them."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

__all__ = ["CONTROL_UNITS", "ControlUnit"]

_SENSE_ID, _READ_LOG, _SECTORS = 0xE4, 0xA4, frozenset({0x22, 0x23})
_LOCATE_RECORD_EXTENDED, _WRITE_FULL_TRACK = 0x4B, 0x95
_WRITE_TRACK_DATA, _READ_TRACK_DATA, _PREFIX, _PREFIX_FOR_READS = 0xA5, 0xA6, 0xE7, 0xEA
_WHOLE_TRACKS = frozenset({_LOCATE_RECORD_EXTENDED, _WRITE_FULL_TRACK})

_SINGLE_TRACK = bytes.fromhex(
    "01 02 03 04 05 06 07 0b 0d 0e 0f 11 12 13 15 16 17 19 1a 1b 1d 1e 1f"
    "29 2d 31 39 49 4d 51 69 6d 71 94 b4"
)
_MULTITRACK = bytes.fromhex("86 8e 92 96 9a 9e a9 ad b1 b9 c9 cd d1 e9 ed f1")
_CKD = frozenset(_SINGLE_TRACK + _MULTITRACK)
"""Commands of the control units before the 3880: 2841, 2314, 2835 and 3830. Without
DEFINE EXTENT, as SDL Hercules 4.9 (Hercules 3.13 has one command set for all, but for
SENSE ID and sectors). The list is general knowledge: UNVERIFIED."""


class ControlUnit(Struct, frozen=True):
    """A control unit.

    `identity` is its type and model, `ciws` are the command information words of SENSE
    ID. `facilities` are bytes 6-9 of READ DEVICE CHARACTERISTICS (40 in the first: READ
    TRACK in a domain; 02: PREFIX), `kind` is byte 42. `commands` are the codes it knows
    beyond those of a 3990 model 2, and all codes of one that is not `extended`, so that
    it has no DEFINE EXTENT. `suborders` are those of PERFORM SUBSYSTEM FUNCTION that
    prepare data, and `features` the feature codes (suborder 41), by byte. An `enhanced`
    control unit says so in its status, knows unit addresses, and also reports the
    number of cylinders with 32 bits. One that `takes_responses` accepts the answer to a
    request to vary a path. One that `checks_place` rejects a command that needs a track
    which its chain has not selected.
    """

    identity: bytes
    ciws: bytes = b""
    sense_size: int = 32
    facilities: bytes = bytes(4)
    kind: int = 0
    extended: bool = True
    commands: frozenset[int] = frozenset()
    suborders: frozenset[int] = frozenset()
    features: Mapping[int, int] = MappingProxyType({})
    enhanced: bool = False
    takes_responses: bool = False
    checks_place: bool = True

    def knows(self, code: int, *, special: bool) -> bool:
        """Return whether it knows a command; a `special` one is not that of all."""
        return (self.extended and not special) or code in self.commands


_3990_SUBORDERS = frozenset({0x00, 0x01, 0x03, 0x0E, 0x41})
_LINUX_SUBORDERS = frozenset({0x52, 0x53})
"""Volume storage and logical configuration, which only a 2107 has. Linux asks every
disk for them. Unless its control unit is a 3990 or later, Linux repeats a request that
is rejected 256 times, and then reports an error (drivers/s390/block/dasd_eckd.c,
dasd_eckd_erp_action). So these control units answer, unlike real ones."""

CONTROL_UNITS: Mapping[str, ControlUnit] = MappingProxyType(
    {
        "2314": ControlUnit(
            identity=bytes.fromhex("2314 00"),
            sense_size=6,
            extended=False,
            checks_place=False,
            commands=_CKD,
        ),
        "2835": ControlUnit(
            identity=bytes.fromhex("2835 00"),
            sense_size=24,
            extended=False,
            checks_place=False,
            commands=_CKD | _SECTORS | {_READ_LOG, _SENSE_ID},
        ),
        "2841": ControlUnit(
            identity=bytes.fromhex("2841 00"),
            sense_size=6,
            extended=False,
            checks_place=False,
            commands=_CKD,
        ),
        "3830": ControlUnit(
            identity=bytes.fromhex("3830 02"),
            sense_size=24,
            extended=False,
            checks_place=False,
            commands=_CKD | _SECTORS | {_READ_LOG, _SENSE_ID},
        ),
        "3880": ControlUnit(
            identity=bytes.fromhex("3880 05"),
            sense_size=24,
            facilities=bytes.fromhex("80000000"),
            kind=0x09,
            suborders=_3990_SUBORDERS | _LINUX_SUBORDERS,
            checks_place=False,
        ),
        "3990-2": ControlUnit(
            identity=bytes.fromhex("3990 c2"),
            ciws=bytes.fromhex("40fa0100"),
            facilities=bytes.fromhex("d0000000"),
            kind=0x10,
            suborders=_3990_SUBORDERS,
        ),
        "3990-6": ControlUnit(
            identity=bytes.fromhex("3990 e9"),
            ciws=bytes.fromhex("40fa0100"),
            facilities=bytes.fromhex("50000000"),
            kind=0x15,
            commands=_WHOLE_TRACKS,
            suborders=_3990_SUBORDERS,
            enhanced=True,
        ),
        "2107": ControlUnit(
            identity=bytes.fromhex("2107 e8"),
            ciws=bytes.fromhex("40fa0100"),
            facilities=bytes.fromhex("52000000"),
            kind=0x1F,
            commands=_WHOLE_TRACKS
            | {_PREFIX, _PREFIX_FOR_READS, _READ_TRACK_DATA, _WRITE_TRACK_DATA},
            suborders=_3990_SUBORDERS | _LINUX_SUBORDERS | {0x1C, 0x50},
            features=MappingProxyType({8: 0x01, 9: 0x20, 12: 0x40, 14: 0x80}),
            enhanced=True,
            takes_responses=True,
        ),
        "9343": ControlUnit(
            identity=bytes.fromhex("9343 e0"),
            ciws=bytes.fromhex("40fa0100"),
            facilities=bytes.fromhex("80000000"),
            kind=0x11,
            suborders=_3990_SUBORDERS | _LINUX_SUBORDERS,
            checks_place=False,
        ),
        "9343-0": ControlUnit(
            identity=bytes.fromhex("9343 e0"),
            facilities=bytes.fromhex("80000000"),
            kind=0x11,
            suborders=_3990_SUBORDERS | _LINUX_SUBORDERS,
            checks_place=False,
        ),
    }
)
"""All but 3990-6, 2107 and 9343 are as in Hercules 3.13, except for the sense data of a
2835: that has 6 bytes there, and 24 in SDL Hercules 4.9. 9343-0 is that of Hercules
3.13. Identities and kinds of 3990-6 and 2107, and the CIW of a 9343, are as in SDL
Hercules 4.9; since Linux 6.1 at the latest, a disk whose control unit gives no
configuration data has no block device. Facilities of 3990-6 and 2107 are those of this
model: no cache, no fast write, no copies, no multiple-burst error correction. Features
of a 2107: PREFIX (8), READ TRACK DATA (9), WRITE TRACK DATA (12) and query host access
(14), as Linux drivers/s390/block/dasd_eckd.c tests them."""
