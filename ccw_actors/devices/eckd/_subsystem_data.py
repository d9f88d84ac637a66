"""The data that PERFORM SUBSYSTEM FUNCTION prepares, by suborder.

| suborder | data | bytes |
|---|---|---|
| 00 | storage path status | 16 |
| 01 | subsystem statistics | 96 |
| 03 | no message | 9 |
| 0E | unit address configuration | 512 |
| 1C | query host access | 20, and 32 for a host |
| 41 | feature codes | 256 |
| 50 | remote copy extended query: no pair | 648 |
| 52 | volume storage query | 28 |
| 53 | logical configuration query | 40 |

The order B0, set interface identifier, prepares a node descriptor record of 96 bytes.

00, 01, 03, 41, the node descriptor and, behind a 3990 model 2, 0E are as on Hercules
3.13. The layouts of 0E, 1C, 50, 52 and 53 are those of Linux
drivers/s390/block/dasd_eckd.h and dasd_int.h:
struct dasd_unit_address_configuration, dasd_psf_query_host_access, dasd_pprc_data_sc4,
dasd_rssd_vsq and dasd_rssd_lcq.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._state import PATH_GROUP_ID_SIZE

__all__ = [
    "MAKER",
    "ORDER_SIZE",
    "SET_INTERFACE_ID",
    "SUBSYSTEM_GROUP",
    "is_order",
    "subsystem_data",
]

ORDER_SIZE = 12
SET_INTERFACE_ID = 0xB0
SUBSYSTEM_GROUP = 0x1F
"""Device numbers that differ only in these bits are of one subsystem."""

_MESSAGE, _QUERY_HOST_ACCESS, _VOLUME_STORAGE = 0x03, 0x1C, 0x52
_NAMES_VOLUME = frozenset({_QUERY_HOST_ACCESS, _VOLUME_STORAGE})
"""Suborders that name the volume they ask about."""

_UNIT_ADDRESSES = 256
_BASE_DEVICE = b"\1\0"
_FEATURES = 256

_ONLINE, _RESERVED, _GROUPED = 0x40, 0x20, 0x10
"""Flags of a host: the first two as in lsdasd of s390-tools, the third as in Linux."""
_NO_SYSPLEX = " ".ljust(8).encode("cp037")
_HOST_ENTRY = 32

_PAIR_ENTRY, _PAIRS_MAX = 128, 5
"""Bytes of an entry, and the entries for which a host has room."""

_INTERFACE_FLAGS = 0x01
_DESCRIPTOR, _DESCRIPTORS = 32, 96
_INTERFACES = (0x41010000, 0x41010001, 0x41010010, 0x41010011)
"""The first and the last interface of two ranges."""
MAKER = "HRCZZ000000000001"
"""Maker, plant and serial number, which are those of Hercules."""

_GIGABYTE_EXTENTS = 0x40
"""An extent has 1113 cylinders, called 1 GB."""
_POOL = 0
_STANDARD_VOLUMES, _EXTENT_SIZE_VALID = 0x10, 0x08
_POOLS_VALID = 0x80
_IMAGE_TYPE = "002107900".encode("cp037")
_IMAGE_NUMBER = "0000000001".encode("cp037")


def is_order(access: Access, argument: bytes) -> bool:
    """Return whether the argument of an order asks for data that can be prepared.

    A volume only knows itself, not the others of its subsystem. Behind a control unit
    without configuration data a program does not know the name of its volume.
    """
    if argument[0] == SET_INTERFACE_ID:
        return argument[1] <= _INTERFACE_FLAGS
    _, flags, *reserved, lss, volume, suborder = argument[:7]
    unit = access.hardware.unit
    if flags or any(reserved) or suborder not in unit.suborders:
        return False
    if suborder in _NAMES_VOLUME and not unit.ciws:
        return True
    named = access.devno if suborder in _NAMES_VOLUME else 0
    return lss << 8 | volume == named


def subsystem_data(access: Access, argument: bytes) -> bytes:
    """Return the data that an order prepares; check it with `is_order` first."""
    if argument[0] == SET_INTERFACE_ID:
        return _node_descriptor(access)
    return _DATA[argument[6]](access, argument)


def _node_descriptor(access: Access) -> bytes:
    """Return the record that names the subsystem, and ranges of its interfaces."""
    kind = access.hardware.unit.identity[:2].hex()
    name = f"00{kind}   {MAKER}".encode("cp037")
    descriptor = (0x0100).to_bytes(4) + name
    qualifier = bytes(8) + b"".join(one.to_bytes(4) for one in _INTERFACES)
    data = descriptor.ljust(_DESCRIPTOR, b"\0") + qualifier
    return data.ljust(_DESCRIPTORS, b"\0")


def _path_status(_access: Access, _argument: bytes) -> bytes:
    return b"\xc0\x80".ljust(16, b"\0")


def _statistics(access: Access, _argument: bytes) -> bytes:
    """Return the unit address and subsystem; all counters are zero."""
    data = bytearray(96)
    data[1] = access.devno & 0xFF
    data[-2:] = (access.devno & ~SUBSYSTEM_GROUP).to_bytes(2)
    return bytes(data)


def _message(_access: Access, argument: bytes) -> bytes:
    """Report no message; bytes 4-7 are the identifier in the order."""
    return b"\0\x09\0\0" + argument[8:12] + b"\0"


def _unit_addresses(access: Access, _argument: bytes) -> bytes:
    """Report every unit address as a base device: the subsystem has no aliases.

    A 3990 model 2 of Hercules reports zeros, which Linux treats the same.
    """
    if not access.hardware.unit.enhanced:
        return bytes(2 * _UNIT_ADDRESSES)
    return _BASE_DEVICE * _UNIT_ADDRESSES


def _features(access: Access, _argument: bytes) -> bytes:
    data = bytearray(_FEATURES)
    for byte, bits in access.hardware.unit.features.items():
        data[byte] = bits
    return bytes(data)


def _host_access(access: Access, _argument: bytes) -> bytes:
    """Describe the one host, if it has grouped its path or reserved the device.

    Its sysplex, its clock and the cylinders that it can address are unknown.
    """
    group = access.path_group
    flags = _ONLINE | _GROUPED if group.established else 0
    if access.reserved:
        flags |= _RESERVED
    identifier = group.identifier or bytes(PATH_GROUP_ID_SIZE)
    known = bool(group.identifier or access.reserved)
    entry = (bytes((flags,)) + identifier + _NO_SYSPLEX).ljust(_HOST_ENTRY, b"\0")
    hosts = bytes((0, _HOST_ENTRY, 0, known)) + (entry if known else b"")
    return bytes(2) + len(hosts).to_bytes(2) + bytes(12) + hosts


def _remote_copy(_access: Access, _argument: bytes) -> bytes:
    """Report no entries: no volume is copied to another control unit."""
    return _PAIR_ENTRY.to_bytes(4) + bytes(4 + _PAIRS_MAX * _PAIR_ENTRY)


def _volume_storage(access: Access, _argument: bytes) -> bytes:
    """Report a fully allocated volume, and its number of cylinders.

    It is a standard volume of extent pool 0: neither track nor extent space-efficient.
    """
    cylinders = access.geometry.cylinders.to_bytes(4)
    capacity = cylinders * 5  # limit, guaranteed, allocated, configured, logical
    return b"\0\0" + _POOL.to_bytes(2) + bytes(4) + capacity


def _configuration(_access: Access, _argument: bytes) -> bytes:
    """Describe one extent pool, of standard volumes for count-key-data."""
    flags = bytes((_STANDARD_VOLUMES | _EXTENT_SIZE_VALID, 0))
    pool = _POOL.to_bytes(2) + bytes(2) + flags + bytes((_GIGABYTE_EXTENTS, 0))
    header = bytes((_POOLS_VALID, 0)) + _IMAGE_TYPE + _IMAGE_NUMBER + bytes(7)
    data = (1).to_bytes(2) + header + pool
    return (2 + len(data)).to_bytes(2) + data


_DATA: Mapping[int, Callable[[Access, bytes], bytes]] = MappingProxyType(
    {
        0x00: _path_status,
        0x01: _statistics,
        _MESSAGE: _message,
        0x0E: _unit_addresses,
        _QUERY_HOST_ACCESS: _host_access,
        0x41: _features,
        0x50: _remote_copy,
        _VOLUME_STORAGE: _volume_storage,
        0x53: _configuration,
    }
)
