"""Typed messages to msgpack bytes and back: the one place that knows the codec.

On the wire a message is a msgpack array: its type's name, then its fields in order.
`msgpack.unpackb` reads it; nothing of msgspec is visible from outside.
"""

from collections.abc import Callable
from types import UnionType
from typing import Any, Generic, TypeVar, cast

import msgspec

from ccw_actors.errors import MessageError

__all__ = ["DECODE_ERRORS", "Codec", "Message", "Request", "refusal", "tag_of"]

R = TypeVar("R")
T = TypeVar("T")

_FIXSTR_MAX = 31
_FIXSTR = 0xA0

DECODE_ERRORS = (ValueError, TypeError, ArithmeticError, RecursionError)
"""What hostile bytes make msgspec raise.

Its own errors and those of bad text are a ValueError, a key that cannot be hashed is a
TypeError, and nesting without end is a RecursionError.
"""


class Message(
    msgspec.Struct,
    frozen=True,
    array_like=True,
    tag=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """Base of every message: immutable, typed, encoded when it is sent.

    The name of the class is the message's tag, so two message types that one actor
    accepts must have different names.
    """


class Request(Message, Generic[R], frozen=True):
    """A message that is answered, exactly once, by an `R`.

    `R` is a message type or a union of message types: `class Read(Request[Data])`.
    """


class Codec:
    """Encodes and decodes messages for one set of custom field types.

    `to_wire` turns a custom value (such as an actor reference) into something msgpack
    knows; `from_wire(type, value)` is its inverse. Both raise `TypeError` or
    `ValueError` for what they do not know.

    `encode` sorts sets and the keys of dicts, so that equal messages are equal bytes.
    For that, keys have to be strings. `encode_as_is` keeps the order of dicts, for what
    has to come back as it was. Both raise `TypeError`, `OverflowError` or
    `RecursionError` for what cannot be encoded.
    """

    def __init__(
        self,
        to_wire: Callable[[Any], Any] | None = None,
        from_wire: Callable[[type, Any], Any] | None = None,
    ) -> None:
        self._from_wire = from_wire
        encoder = msgspec.msgpack.Encoder(enc_hook=to_wire, order="deterministic")
        self.encode: Callable[[object], bytes] = encoder.encode
        keeper = msgspec.msgpack.Encoder(enc_hook=to_wire)
        self.encode_as_is: Callable[[object], bytes] = keeper.encode

    def raw_decoder(self, accepted: type[T] | UnionType) -> Callable[[bytes], T]:
        """Return a function that decodes the accepted message type or types.

        The function raises one of `DECODE_ERRORS` for bytes that are not one of them;
        `refusal` makes that a `MessageError`.
        """
        decoder = msgspec.msgpack.Decoder(
            cast("type[T]", accepted), dec_hook=self._from_wire
        )
        return decoder.decode

    def decoder(self, accepted: type[T] | UnionType) -> Callable[[bytes], T]:
        """Return a function that decodes the accepted message type or types.

        The function raises `MessageError` for bytes that are not one of them.
        """
        decode = self.raw_decoder(accepted)

        def checked(payload: bytes) -> T:
            try:
                return decode(payload)
            except DECODE_ERRORS as error:
                raise refusal(payload, error) from error

        return checked


def refusal(payload: bytes, error: Exception) -> MessageError:
    """Return the error that says which message could not be decoded, and why."""
    what = tag_of(payload) or f"{len(payload)} bytes"
    return MessageError(f"{what}: {error}")


def tag_of(payload: bytes) -> str:
    """Return the type name at the head of an encoded message, "" if there is none.

    Reads the first bytes only, so it is cheap on large messages.
    """
    try:
        head = payload[0]
        if head & 0xF0 == 0x90 and head != 0x90:
            start = 1
        elif head == 0xDC:
            start = 3
        else:
            return ""
        size = payload[start] - _FIXSTR
        if 0 <= size <= _FIXSTR_MAX:
            return payload[start + 1 : start + 1 + size].decode()
        if payload[start] == 0xD9:
            size = payload[start + 1]
            return payload[start + 2 : start + 2 + size].decode()
    except (IndexError, UnicodeDecodeError):
        return ""
    return ""
