"""LOCATE RECORD EXTENDED and PREFIX, which newer control units know.

Layout as in Linux drivers/s390/block/dasd_eckd.h (struct LRE_eckd_data and
PFX_eckd_data). The 64 bytes of PREFIX, and the bytes that extend them, are:

| bytes | content |
|---|---|
| 0-11 | format, validity, unit address, auxiliary byte, subsystem, seven zeros |
| 12-43 | the argument of DEFINE EXTENT; its last 16 bytes (time stamp) are unused |
| 44- | with format 01, that of LOCATE RECORD EXTENDED |
"""

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._control import WRITES, enter_domain, enter_extent
from ccw_actors.devices.eckd._ending import control_end
from ccw_actors.devices.eckd._locate import DEFINE_EXTENT_SIZE, Locate
from ccw_actors.devices.eckd._sense import Message, rejected

__all__ = ["locate_record_extended", "prefix", "prefix_for_reads"]

_LOCATE_SIZE = 20
_PARAMETER_LENGTH = slice(18, 20)

_PREFIX_SIZE = 64
_EXTENT_AT, _LOCATE_AT = 12, 44
_WITHOUT_LOCATE, _WITH_LOCATE = 0x00, 0x01
_EXTENT_VALID, _VERIFY_BASE, _VALIDITY_RESERVED = 0x80, 0x20, 0x0F


def locate_record_extended(access: Access) -> CommandEnd:
    """Announce the operation of the next commands, and find the first record."""
    _locate(access, at=0)
    return control_end(access)


def prefix(access: Access) -> CommandEnd:
    """Do DEFINE EXTENT, and also LOCATE RECORD EXTENDED if the format says so.

    With "verify base" the argument has to name this device: it has no aliases.
    """
    argument = access.argument(_PREFIX_SIZE)
    form, validity, address, _, subsystem = argument[:5]
    if (
        form not in {_WITHOUT_LOCATE, _WITH_LOCATE}
        or validity & _VALIDITY_RESERVED
        or any(argument[5:_EXTENT_AT])
        or (validity & _VERIFY_BASE and subsystem << 8 | address != access.devno)
    ):
        raise rejected(Message.INVALID_ARGUMENT)
    if validity & _EXTENT_VALID:
        enter_extent(access, argument[_EXTENT_AT : _EXTENT_AT + DEFINE_EXTENT_SIZE])
    if form == _WITH_LOCATE:
        _locate(access, at=_LOCATE_AT)
    return control_end(access)


def prefix_for_reads(access: Access) -> CommandEnd:
    """Do PREFIX for a domain that reads; reject one that writes.

    The name is Linux' (DASD_ECKD_CCW_PFX_READ), which has it for transport mode.
    """
    end = prefix(access)
    domain = access.chain.domain
    if domain is not None and domain.operation in WRITES:
        raise rejected(Message.INVALID_ARGUMENT)
    return end


def _locate(access: Access, at: int) -> None:
    """Take an argument and its extension, whose length is in its last two bytes."""
    end = at + _LOCATE_SIZE
    argument = access.argument(end)[at:]
    length = int.from_bytes(argument[_PARAMETER_LENGTH])
    parameter = access.argument(end + length)[end:]
    enter_domain(access, Locate.extended(argument, parameter))
