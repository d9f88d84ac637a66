"""Typed messages to msgpack bytes and back: the one place that knows the codec.

On the wire a message is a msgpack array: its type's name, then its fields in order.
`msgpack.unpackb` reads it; nothing of msgspec is visible from outside.
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
"""What hostile bytes make msgspec raise.

Its own errors and those of bad text are a ValueError, an element of a set that cannot
be hashed is a TypeError, and nesting without end is a RecursionError. A MemoryError is
not among them: what a header claims allocates nothing before it is there, so a limit to
the bytes is one to the memory.
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


class Request(Message, Generic[R_co], frozen=True):
    """A message that is answered, exactly once, by an `R_co`.

    `R_co` is a message type or a union of message types: `class Read(Request[Data])`.
    """


class Codec:
    """Encodes and decodes messages for one set of custom field types.

    `to_wire` turns a custom value (such as an actor reference) into something msgpack
    knows; `from_wire(type, value)` is its inverse. Both raise `TypeError` or
    `ValueError` for what they do not know. `custom_types` are those that they do
    know: where it is given, or they are not, a field of another type that msgspec does
    not know is refused as soon as a decoder is made.

    `encode` sorts sets and the keys of dicts, so that equal messages are equal bytes.
    `encode_as_is` keeps the order of dicts, for what has to come back as it was. Both
    raise `TypeError`, `OverflowError` or `RecursionError` for what cannot be encoded:
    the text says the type of the message, the field, and what is wrong there.
    `quick_encode` saves a call: it is `encode` for most messages, and raises one of
    `ENCODE_ERRORS` for those that have to be given to `encode`.

    With `unknown_fields="accept"`, a decoder drops what a newer writer has put at the
    end of a message, or of a value in it, and its type does not know. Otherwise it
    refuses that, but where the type says `forbid_unknown_fields=False`.
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

        # A call costs what can be measured where a message is sent: there is one.
        def encode(message: object) -> bytes:
            try:
                return sort(message)
            except ENCODE_ERRORS:
                return canonical(message)

        def encode_as_is(value: object) -> bytes:
            try:
                return keep(value)
            except ENCODE_ERRORS:
                canonical(value)  # it knows which field, and raises
                raise

        self.encode: Callable[[object], bytes] = encode
        self.quick_encode: Callable[[object], bytes] = sort
        self.encode_as_is: Callable[[object], bytes] = encode_as_is

    def raw_decoder(self, accepted: type[T] | UnionType) -> Callable[[bytes], T]:
        """Return a function that decodes the accepted message type or types.

        The function raises one of `DECODE_ERRORS` for bytes that are not one of them;
        `refusal` makes that a `MessageError`. It does not look at the size: it is for
        messages that this process has encoded, `decoder` is for those from outside.

        Raises:
            TypeError: A field is of a type that cannot travel; the text says which
                field of which message.
            NameError: An annotation names what is not defined.
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

        It is for bytes from outside, whatever they are. `message_size_max` bounds the
        bytes of one message, `objects_max` the values in it, where they are more than
        64 KiB; and both the memory used: the bytes, and a hundred for each value. To
        drop unknown fields takes as much again.

        The function raises `MessageError` for bytes that are more than that, or not
        one of the types.
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
