"""Packets of gdb's remote serial protocol, as bytes: framing, checksums, escapes.

The format is in gdb's manual, appendix "gdb Remote Serial Protocol", "Overview". A
packet is `$`, its payload, `#` and two hexadecimal digits: the payload's sum modulo
256. `}` escapes the next byte, which was sent XOR 20 (hexadecimal). `*` repeats the
byte before it; the next byte minus 29 says how often.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = ["Acknowledged", "Damaged", "Event", "Packet", "PacketParser", "frame"]

_ESCAPED = b"#$}*"
_REPEAT_BIAS = 29


class Packet(Struct, frozen=True):
    """A packet with a correct checksum; `payload` has no escapes and repetitions."""

    payload: bytes


class Damaged(Struct, frozen=True):
    """A packet with a wrong checksum or a wrong escape: it must be sent again."""


class Acknowledged(Struct, frozen=True):
    """The other side has received our packet, or (`-`) wants it again."""

    sign: Literal["+", "-"]


Event: TypeAlias = Packet | Damaged | Acknowledged


def frame(payload: bytes) -> bytes:
    """Return the packet that carries a payload of any bytes."""
    body = b"".join(
        bytes((0x7D, byte ^ 0x20)) if byte in _ESCAPED else bytes((byte,))
        for byte in payload
    )
    return b"$%s#%02x" % (body, sum(body) % 256)


class PacketParser:
    """Finds packets in bytes that arrive in pieces of any size."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Event]:
        """Return what is complete with these bytes, in order.

        Bytes between packets other than acknowledgements are skipped: gdb's manual
        allows them.
        """
        self._bytes += data
        while event := self._next():
            yield event

    def _next(self) -> Event | None:
        while self._bytes:
            first = self._bytes[0]
            if first == ord("$"):
                return self._packet()
            del self._bytes[0]
            if first in b"+-":
                return Acknowledged("+" if first == ord("+") else "-")
        return None

    def _packet(self) -> Event | None:
        end = self._bytes.find(b"#")
        if end < 0 or len(self._bytes) < end + 3:
            return None
        body, digits = bytes(self._bytes[1:end]), bytes(self._bytes[end + 1 : end + 3])
        del self._bytes[: end + 3]
        payload = _expanded(body)
        if payload is None or digits.lower() != b"%02x" % (sum(body) % 256):
            return Damaged()
        return Packet(payload)


def _expanded(body: bytes) -> bytes | None:
    """Return a payload without escapes and repetitions, None if one is cut short."""
    found = bytearray()
    rest = iter(body)
    for byte in rest:
        if byte not in b"}*":
            found.append(byte)
            continue
        argument = next(rest, None)
        if argument is None or (byte == ord("*") and not found):
            return None
        if byte == ord("}"):
            found.append(argument ^ 0x20)
        else:
            found += found[-1:] * max(argument - _REPEAT_BIAS, 0)
    return bytes(found)
