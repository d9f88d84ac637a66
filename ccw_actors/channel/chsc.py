"""CHANNEL SUBSYSTEM CALL: requests and responses as bytes.

A request is at the start of a 4 KiB block: length (2 bytes), command code (2), then the
command's parameters. The response follows it: length (2), response code (2), four bytes
of format and reserved bits, then data. Numbers are big-endian.

Source: Linux drivers/s390/cio/chsc.c and chsc.h; QEMU target/s390x/ioinst.c.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from ccw_actors.channel._schib import Schib
from ccw_actors.channel._schid import SubchannelId

__all__ = [
    "BLOCK_LENGTH",
    "COMMANDS",
    "Characteristics",
    "Effect",
    "Response",
    "invalid",
    "respond",
    "subchannels_in",
]

BLOCK_LENGTH: Final = 4096
_REQUEST_MIN: Final = 16
_REQUEST_MAX: Final = 4088
_HEADER: Final = 8

_SUBCHANNEL_DESCRIPTION: Final = 0x0004

_DONE: Final = 0x0001
_INVALID_COMMAND: Final = 0x0004
_INVALID_REQUEST: Final = 0x0003
_INVALID_FORMAT: Final = 0x0007
_INVALID_IMAGE: Final = 0x0008
_NO_SUCH_FACILITY: Final = 0x0101
_NOTHING_PENDING: Final = 0x0005

_GENERAL_LENGTH: Final = 2040
_CHSC_LENGTH: Final = 2032
_ATTRIBUTES_LENGTH: Final = 0x0400
_ENABLE_IMAGES: Final = 0
_ENABLE_SETS: Final = 2
_VALID_PATH: Final = 0x80
_SUBCHANNEL_VALID: Final = 0x80
_DEVICE_VALID: Final = 0x40


class Characteristics(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The data of STORE CHANNEL-SUBSYSTEM CHARACTERISTICS.

    `general` and `chsc` are the two bit strings without the zeros at their ends.
    `paths` are pairs (channel-path id, channel-path type).
    """

    general: bytes = bytes.fromhex("03000000000790000000000000080000")
    chsc: bytes = bytes.fromhex("40000000000000000000000000040000")
    paths: tuple[tuple[int, int], ...] = ()


class Effect(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The facilities that a request enables."""

    images: bool = False
    sets: bool = False


class Response(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The bytes to store behind the request, and the effect of the request."""

    data: bytes
    effect: Effect = Effect()


class _Request(Struct, frozen=True):
    """A request, and the data that the answer may need."""

    raw: bytes
    characteristics: Characteristics
    subchannels: Sequence[tuple[SubchannelId, Schib]]


def invalid(header: bytes) -> str | None:
    """Return why a request (its first 4 bytes) is an operand exception, or None."""
    length = int.from_bytes(header[:2])
    if not _REQUEST_MIN <= length <= _REQUEST_MAX or length % 8:
        return (
            f"CHSC request of {length} bytes: expected a multiple of 8 from"
            f" {_REQUEST_MIN} to {_REQUEST_MAX}"
        )
    return None


def respond(
    block: bytes,
    characteristics: Characteristics,
    subchannels: Sequence[tuple[SubchannelId, Schib]],
) -> Response:
    """Answer the request at the start of a block; check it with `invalid` first."""
    request = _Request(block[: int.from_bytes(block[:2])], characteristics, subchannels)
    entry = COMMANDS.get(int.from_bytes(block[2:4]))
    return _answer(_INVALID_COMMAND) if entry is None else entry[1](request)


def _answer(code: int, data: bytes = b"", *, effect: Effect | None = None) -> Response:
    length = _HEADER + len(data)
    head = length.to_bytes(2) + code.to_bytes(2) + bytes(4)
    return Response(head + data, effect or Effect())


def _describe_paths(request: _Request) -> Response:
    """Store channel-path description: 8 or 32 bytes for each path of a range."""
    raw = request.raw
    invalid = _invalid_range(raw)
    if invalid:
        return _answer(invalid)
    first, last = raw[7], raw[11]
    size = 32 if raw[6] & 0x0F or raw[4] & 0x10 else 8
    data = b"".join(
        bytes((_VALID_PATH, 0, kind, chpid)).ljust(size, b"\0")
        for chpid, kind in sorted(request.characteristics.paths)
        if first <= chpid <= last
    )
    return _answer(_DONE, data[: (BLOCK_LENGTH - len(raw) - _HEADER) // size * size])


def _invalid_range(raw: bytes) -> int:
    """Return the response code that refuses a range of channel paths, or 0."""
    reserved = raw[4] & 0xC0 or raw[6] & 0xF0 or any(raw[8:11]) or any(raw[12:16])
    if len(raw) != _REQUEST_MIN or reserved:
        return _INVALID_REQUEST
    if raw[4] & 0x0F:
        return _INVALID_FORMAT
    if raw[5]:
        return _INVALID_IMAGE
    return _INVALID_REQUEST if raw[7] > raw[11] else 0


def subchannels_in(block: bytes) -> tuple[int, range]:
    """Return the set and the numbers of the subchannels that a request describes.

    No numbers for a request other than STORE SUBCHANNEL DESCRIPTION, and for one that
    is refused.
    """
    length, command = int.from_bytes(block[:2]), int.from_bytes(block[2:4])
    if command != _SUBCHANNEL_DESCRIPTION or length != _REQUEST_MIN:
        return 0, range(0)
    first, last = int.from_bytes(block[6:8]), int.from_bytes(block[10:12])
    room = (BLOCK_LENGTH - length - _HEADER) // 32
    return block[5] & 3, range(first, min(last + 1, first + room))


def _describe_subchannels(request: _Request) -> Response:
    """Store subchannel description: 32 bytes for each subchannel of a range."""
    ssid, numbers = subchannels_in(request.raw)
    if not numbers:
        return _answer(_INVALID_REQUEST)
    described = {
        schid.number: _description(schid, schib)
        for schid, schib in request.subchannels
        if schid.ssid == ssid and schid.number in numbers
    }
    return _answer(_DONE, b"".join(described.get(n, bytes(32)) for n in numbers))


def _description(schid: SubchannelId, schib: Schib) -> bytes:
    pmcw = schib.pmcw
    flags = _SUBCHANNEL_VALID | (_DEVICE_VALID if pmcw.valid else 0)
    head = bytes((flags | pmcw.subchannel_type << 3, pmcw.devno & 0xFF))
    numbers = pmcw.devno.to_bytes(2) + bytes((pmcw.pim, 0)) + schid.number.to_bytes(2)
    return (head + numbers + pmcw.chpids).ljust(32, b"\0")


def _store_characteristics(request: _Request) -> Response:
    """Store channel-subsystem characteristics: two strings of bits."""
    if len(request.raw) != _REQUEST_MIN:
        return _answer(_INVALID_REQUEST)
    known = request.characteristics
    general = known.general.ljust(_GENERAL_LENGTH, b"\0")
    return _answer(_DONE, general + known.chsc.ljust(_CHSC_LENGTH, b"\0"))


def _store_event(request: _Request) -> Response:
    """Store event information: there is none, as CRWs report all events."""
    if len(request.raw) != _REQUEST_MIN:
        return _answer(_INVALID_REQUEST)
    return _answer(_NOTHING_PENDING)


def _set_attributes(request: _Request) -> Response:
    """Set domain attributes: enable channel-subsystem images, or subchannel sets."""
    raw = request.raw
    if len(raw) != _ATTRIBUTES_LENGTH:
        return _answer(_INVALID_REQUEST)
    if raw[4] & 0x0F:
        return _answer(_INVALID_FORMAT)
    operation = int.from_bytes(raw[6:8])
    if operation == _ENABLE_IMAGES:
        return _answer(_DONE, effect=Effect(images=True))
    if operation == _ENABLE_SETS:
        return _answer(_DONE, effect=Effect(sets=True))
    return _answer(_NO_SUCH_FACILITY)


COMMANDS: Final[dict[int, tuple[str, Callable[[_Request], Response]]]] = {
    0x0002: ("store channel-path description", _describe_paths),
    _SUBCHANNEL_DESCRIPTION: ("store subchannel description", _describe_subchannels),
    0x000E: ("store event information", _store_event),
    0x0010: ("store channel-subsystem characteristics", _store_characteristics),
    0x0031: ("set domain attributes", _set_attributes),
}
