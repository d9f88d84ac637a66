"""Commands for the control unit: its description, status and messages.

Contents as in Hercules 3.13 (golden vectors of the category cu-commands).
"""

from msgspec.structs import replace

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._ending import control_end, read_end
from ccw_actors.devices.eckd._paths import follows_suspension
from ccw_actors.devices.eckd._sense import Message, rejected
from ccw_actors.devices.eckd._subsystem_data import (
    MAKER,
    ORDER_SIZE,
    SET_INTERFACE_ID,
    SUBSYSTEM_GROUP,
    is_order,
    subsystem_data,
)

__all__ = [
    "perform_subsystem_function",
    "read_buffered_log",
    "read_configuration_data",
    "read_subsystem_data",
    "sense_subsystem_status",
    "set_subsystem_mode",
]

_BEFORE_SUBSYSTEM = frozenset({0x64, 0xFA})
"""READ DEVICE CHARACTERISTICS and READ CONFIGURATION DATA."""
_CONFIGURATION_SIZE = 256
_STATUS_SIZE = 40
_ENHANCED_SIZE = 4
_LOG_SIZE = 32
_PREPARE_FOR_READ = 0x18
_PREPARING = frozenset({_PREPARE_FOR_READ, SET_INTERFACE_ID})
_PATH_RESPONSE, _RESPONSE_SIZE = 0x1A, 22
_SPECIAL_INTERCEPT, _SUSPEND_RECONNECTION = 0x1B, 0x5B
_ORDERS_WITHOUT_DATA = frozenset({_SPECIAL_INTERCEPT, 0x1D})
_ORDER_SIZES = {
    0x10: 14,
    0x11: 12,
    0x12: 5,
    0x13: 4,
    0x14: 4,
    0x16: 4,
    _PREPARE_FOR_READ: ORDER_SIZE,
    0x1D: 66,
    SET_INTERFACE_ID: 4,
}
_ORDER_SIZE_MIN = 2
"""Bytes of an order that is not listed, as on Hercules 3.13."""


def read_configuration_data(access: Access) -> CommandEnd:
    """Read the description of device and control unit: 256 bytes."""
    devno, hardware = access.devno, access.hardware
    device, unit = hardware.disk.device_type.hex(), hardware.unit.identity.hex()
    base, address = devno & ~SUBSYSTEM_GROUP, devno & 0xFF
    subsystem = (devno & 0xFF) >> 5
    elements = (
        _element("c4010100", device, "002", devno),
        _element("c4000000", device, "002", 0),
        _element("d4020000", unit[:4], f"0{unit[4:].upper()}", devno >> 8),
        _element("f0000001", unit[:4], "   ", 0),
    )
    general = b"".join(
        (
            bytes([0x80, 0, 0, subsystem]),
            bytes([0, 0, 0x1E, 0]),
            base.to_bytes(2),
            bytes([0x80, address, address, address, subsystem]),
            bytes([0, 0, 0x80, 0x80, address]),
        )
    )
    data = b"".join(elements).ljust(0xE0, b"\0") + general
    return read_end(access, data.ljust(_CONFIGURATION_SIZE, b"\0"))


def _element(flags: str, kind: str, model: str, tag: int) -> bytes:
    """Return 32 bytes that describe a device or a control unit."""
    name = f"  {kind}{model}".encode("cp037")
    return bytes.fromhex(flags) + name + MAKER.encode("cp037") + tag.to_bytes(2)


def sense_subsystem_status(access: Access) -> CommandEnd:
    """Read the status of the subsystem, which uses no cache: 40 bytes, enhanced 44."""
    _check_first(access)
    enhanced = access.hardware.unit.enhanced
    base = (access.devno & ~SUBSYSTEM_GROUP).to_bytes(2)
    start = bytes([enhanced, access.devno & 0xFF, SUBSYSTEM_GROUP])
    data = start.ljust(_STATUS_SIZE - 2, b"\0") + base
    return read_end(access, data + (bytes(_ENHANCED_SIZE) if enhanced else b""))


def read_buffered_log(access: Access) -> CommandEnd:
    """Read and clear the log, which is empty: 32 zeros."""
    _check_first(access)
    return read_end(access, bytes(_LOG_SIZE))


def _check_intercept(access: Access, flags: int) -> None:
    """Check that no command comes before, but 5B, and that none follows."""
    follows = access.command.chained and access.previous != _SUSPEND_RECONNECTION
    if follows or (access.command.chaining and not flags):
        raise rejected(Message.INVALID_SEQUENCE)


def _check_first(access: Access) -> None:
    """Check that no command comes before, but one that concerns the subsystem."""
    may_follow = access.previous in _BEFORE_SUBSYSTEM or follows_suspension(access)
    if access.command.chained and not may_follow:
        raise rejected(Message.INVALID_SEQUENCE)


def set_subsystem_mode(_access: Access) -> CommandEnd:
    """Reject it: there is no cache whose mode could be set."""
    raise rejected(Message.INVALID_SEQUENCE)


def perform_subsystem_function(access: Access) -> CommandEnd:
    """Execute an order, or prepare data for READ SUBSYSTEM DATA.

    The orders that prepare data are: prepare for read subsystem data (12 bytes) and set
    interface identifier (4). These have no effect: set special intercept condition (2),
    alone in its chain, and set subsystem characteristics (66), with which Linux says
    that it supports alias devices. A 2107 also takes the response to a request to vary
    a path off or on (22, struct dasd_psf_cuir_response of Linux). Any other order is
    rejected, its length taken. Of one that is too short nothing is taken, as on
    Hercules 3.13.
    """
    if access.command.count < _ORDER_SIZE_MIN:
        raise rejected(Message.COUNT_TOO_SMALL)
    order, flags = access.output(_ORDER_SIZE_MIN)
    is_response = order == _PATH_RESPONSE and access.hardware.unit.takes_responses
    size = _RESPONSE_SIZE if is_response else _ORDER_SIZES.get(order, _ORDER_SIZE_MIN)
    if access.command.count < size:
        access.taken = 0
        raise rejected(Message.COUNT_TOO_SMALL)
    argument = access.output(size)
    if order == _SPECIAL_INTERCEPT:
        _check_intercept(access, flags)
    if order in _PREPARING and is_order(access, argument):
        access.chain = replace(access.chain, prepared=argument)
    elif not is_response and (order not in _ORDERS_WITHOUT_DATA or flags):
        raise rejected(Message.INVALID_ARGUMENT)
    return control_end(access)


def read_subsystem_data(access: Access) -> CommandEnd:
    """Read the data that PERFORM SUBSYSTEM FUNCTION has prepared."""
    prepared = access.chain.prepared
    if not prepared:
        raise rejected(Message.INVALID_SEQUENCE)
    return read_end(access, subsystem_data(access, prepared))
