"""Data from an encoded message: its type, its id, and why it is refused."""

from hashlib import blake2s
from typing import Final

from ccw_actors.errors import MessageError
from ccw_actors.transport._places import explained

__all__ = ["message_id", "refusal", "tag_of"]

_FIXSTR_MAX: Final = 31
_FIXSTR: Final = 0xA0
_ID_SIZE: Final = 8
_SHOWN_MAX: Final = 160


def message_id(payload: bytes) -> str:
    """Return the id of an encoded message, from its content: 16 hex digits.

    It is the BLAKE2s hash, of 64 bits, of the bytes that `Codec.encode` returns. So
    equal messages have the same id, in every process and on every host: it does not
    distinguish them. It does not protect against someone who constructs two messages
    with the same id.
    """
    return blake2s(payload, digest_size=_ID_SIZE, usedforsecurity=False).hexdigest()


def refusal(payload: bytes, error: Exception, accepted: object = None) -> MessageError:
    """Return the error that says which message could not be decoded, and why.

    `accepted` is the expected type or types: with it the text has the names of fields
    and messages instead of msgspec's positions. The text is one short line, whatever
    bytes it quotes.
    """
    tag = tag_of(payload)
    text = str(error)
    if accepted is not None:
        text = explained(accepted, tag, text)
    return MessageError(f"{_shown(tag or f'{len(payload)} bytes')}: {_shown(text)}")


def _shown(text: str) -> str:
    if len(text) > _SHOWN_MAX:
        # The place in the message is at the end, the error at the start.
        half = _SHOWN_MAX // 2
        text = f"{text[:half]}...{text[-half:]}"
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def tag_of(payload: bytes) -> str:
    """Return the type name at the start of an encoded message, "" without one.

    Reads only the first bytes, so it is cheap for large messages.
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
        if payload[start] == 0xD9:
            start += 1
            size = payload[start]
        elif not 0 <= size <= _FIXSTR_MAX:
            return ""
        name = payload[start + 1 : start + 1 + size]
        return name.decode() if len(name) == size else ""
    except (IndexError, UnicodeDecodeError):
        return ""
