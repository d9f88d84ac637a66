"""Encodes typed messages as msgpack, and decodes them, with msgspec.

On the wire a message is a msgpack array: its type's name, then its fields in order.
`msgpack.unpackb` reads it; msgspec is not visible from outside.
"""

from collections.abc import Callable
from types import UnionType
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec

from ccw_actors.transport._bounds import OBJECTS_MAX, SIZE_MAX, SMALL, check_objects
from ccw_actors.transport._canonical import ENCODE_ERRORS, CanonicalEncoder
from ccw_actors.transport._evolution import accepting
from ccw_actors.transport._fields import check_fields, named
from ccw_actors.transport._payload import refusal

__all__ = ["DECODE_ERRORS", "Codec", "Message", "Request"]

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")

DECODE_ERRORS = (ValueError, TypeError, ArithmeticError, RecursionError)
"""The exceptions that hostile bytes make msgspec raise.

Its own errors and those of bad text are a ValueError, an unhashable element of a set is
a TypeError, and endless nesting is a RecursionError. A MemoryError cannot occur:
msgspec allocates nothing for announced data before the data arrives, so a limit on the
bytes also limits the memory.
"""


class Message(
    msgspec.Struct,
    frozen=True,
    array_like=True,
    tag=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """Base of every message: immutable, typed, and encoded when it is sent.

    The name of the class is the message's tag, so two message types that one actor
    accepts must have different names.
    """


class Request(Message, Generic[R_co], frozen=True):
    """A message that expects exactly one answer, an `R_co`.

    `R_co` is a message type or a union of message types: `class Read(Request[Data])`.
    """


class Codec:
    """Encodes and decodes messages for one set of custom field types.

    `to_wire` turns a custom value (such as an actor reference) into something msgpack
    knows; `from_wire(type, value)` is its inverse. Both raise `TypeError` or
    `ValueError` for other types. `custom_types` are the types that they know. With
    these, or without hooks, creating a decoder raises `TypeError` for a field of any
    other type that msgspec does not know.

    `encode` sorts sets and the keys of dicts, so that equal messages have equal bytes.
    `encode_as_is` keeps the order of dicts, for values that must come back unchanged.
    Both raise `TypeError`, `OverflowError` or `RecursionError` for a value that cannot
    be encoded: the text names the type of the message and the field, and says what is
    wrong. `quick_encode` saves a call: it works like `encode` for most messages, and
    raises one of `ENCODE_ERRORS` for those that need `encode`.

    With `unknown_fields="accept"`, a decoder drops unknown fields that a newer writer
    has put at the end of a message, or of a value in it. Otherwise it refuses them,
    unless the type has `forbid_unknown_fields=False`.
    """

    def __init__(
        self,
        to_wire: Callable[[Any], Any] | None = None,
        from_wire: Callable[[type, Any], Any] | None = None,
        *,
        custom_types: tuple[type, ...] | None = None,
        unknown_fields: Literal["refuse", "accept"] = "refuse",
    ) -> None:
        if unknown_fields not in ("refuse", "accept"):
            raise ValueError(
                f"unknown_fields: expected 'refuse' or 'accept', got {unknown_fields!r}"
            )
        hooks = to_wire is not None or from_wire is not None
        self._custom = () if custom_types is None and not hooks else custom_types
        self._from_wire = from_wire
        self._accepts_unknown = unknown_fields == "accept"
        sort = msgspec.msgpack.Encoder(enc_hook=to_wire, order="deterministic").encode
        keep = msgspec.msgpack.Encoder(enc_hook=to_wire).encode
        canonical = CanonicalEncoder(sort, to_wire).encode

        # Each call adds measurable time to sending a message, so there is only one.
        def encode(message: object) -> bytes:
            try:
                return sort(message)
            except ENCODE_ERRORS:
                return canonical(message)

        def encode_as_is(value: object) -> bytes:
            try:
                return keep(value)
            except ENCODE_ERRORS:
                canonical(value)  # raises, naming the field
                raise

        self.encode: Callable[[object], bytes] = encode
        self.quick_encode: Callable[[object], bytes] = sort
        self.encode_as_is: Callable[[object], bytes] = encode_as_is

    def raw_decoder(self, accepted: type[T] | UnionType) -> Callable[[bytes], T]:
        """Return a function that decodes the accepted message type or types.

        The function raises one of `DECODE_ERRORS` for other bytes; `refusal` turns that
        into a `MessageError`. It does not check the size: it is for messages that this
        process has encoded. Use `decoder` for those from outside.

        Raises:
            TypeError: A field is of a type that cannot travel; the text says which
                field of which message.
            NameError: An annotation uses an undefined name.
        """
        try:
            decoder = msgspec.msgpack.Decoder(
                cast("type[T]", accepted), dec_hook=self._from_wire
            )
        except (TypeError, NameError) as error:
            raise named(accepted, error) from error
        check_fields(accepted, self._custom)
        if self._accepts_unknown:
            return accepting(decoder.decode, accepted, DECODE_ERRORS)
        return decoder.decode

    def decoder(
        self,
        accepted: type[T] | UnionType,
        *,
        message_size_max: int = SIZE_MAX,
        objects_max: int = OBJECTS_MAX,
    ) -> Callable[[bytes], T]:
        """Return a function that decodes the accepted message type or types.

        It is safe for any bytes from outside. `message_size_max` bounds the bytes of
        one message, `objects_max` the values in it if it has more than 64 KiB. Together
        they bound the memory: the bytes, and a hundred for each value. Dropping unknown
        fields takes as much again.

        The function raises `MessageError` for bytes that exceed a bound, or are not one
        of the types.
        """
        decode = self.raw_decoder(accepted)

        def checked(payload: bytes) -> T:
            if len(payload) > message_size_max:
                raise refusal(
                    payload,
                    ValueError(
                        f"expected at most {message_size_max} bytes, got {len(payload)}"
                    ),
                )
            try:
                if len(payload) > SMALL:
                    check_objects(payload, objects_max)
                return decode(payload)
            except DECODE_ERRORS as error:
                raise refusal(payload, error, accepted) from error

        return checked
