"""The handshake: each end says which System it is, and accepts or refuses the other."""

import asyncio
import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Final, NamedTuple, TypeVar

from ccw_actors.errors import (
    LinkError,
    LinkRefusedError,
    LinkTimeoutError,
    MessageError,
    StreamError,
)
from ccw_actors.runtime._values.address import SEPARATOR
from ccw_actors.runtime.links._items import (
    LINK_FORMAT,
    LINK_VERSION,
    Hello,
    Ready,
    Refused,
    decode_greeting,
    encode,
)
from ccw_actors.transport.links import FrameStream, differing, known_schemas

__all__ = ["Ours", "greet", "refuse"]

T = TypeVar("T", bound=Hello | Ready)

_PACKAGE: Final = version("ccw-actors")
_NAME_MAX: Final = 64
_NAMES_SHOWN: Final = 5


class Ours(NamedTuple):
    """This end: the name of its System, and whether it drops unknown fields.

    `is_linked` says whether a System is linked already, or greets another end now.
    """

    system: str
    accepts_unknown: bool
    is_linked: Callable[[str], bool]


async def greet(stream: FrameStream, ours: Ours, timeout: float) -> Hello:
    """Exchange greetings, and return the other end's.

    Raises:
        LinkRefusedError: One of the ends refuses the other.
        LinkTimeoutError: The other end does not greet in time.
        LinkError: It ends the connection.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _exchange(stream, ours)
    except LinkRefusedError:
        raise
    except TimeoutError:
        raise LinkTimeoutError(
            f"{stream.peer}: no greeting within {timeout:g} s"
        ) from None
    except (MessageError, StreamError) as error:
        raise _refusal(
            stream, "damaged", f"expected the greeting of a System: {error}"
        ) from error
    except OSError as error:
        raise LinkError(
            f"{stream.peer}: the connection ended: {error.strerror or error}"
        ) from error


async def _exchange(stream: FrameStream, ours: Ours) -> Hello:
    schemas = known_schemas()
    stream.send(encode(Hello(ours.system, os.getpid(), _PACKAGE, schemas)))
    theirs = await _next(stream, Hello)
    code, reason = _why_not(
        theirs,
        ours,
        differing(schemas, theirs.messages, accepts_unknown=ours.accepts_unknown),
    )
    if code:
        raise _refusal(stream, code, reason)
    stream.send(encode(Ready()))
    await _next(stream, Ready)
    return theirs


async def _next(stream: FrameStream, kind: type[T]) -> T:
    frame = await stream.receive()
    if not frame:
        raise LinkError(f"{stream.peer}: the connection ended before the greeting")
    greeting = decode_greeting(frame)
    if isinstance(greeting, Refused):
        raise LinkRefusedError(stream.peer, greeting.code, greeting.reason)
    if not isinstance(greeting, kind):
        raise MessageError(f"expected {kind.__name__}, got {type(greeting).__name__}")
    return greeting


def refuse(stream: FrameStream, code: str, reason: str) -> None:
    """Tell the other end why the link ends."""
    stream.send(encode(Refused(code, reason)))


def _refusal(stream: FrameStream, code: str, reason: str) -> LinkRefusedError:
    refuse(stream, code, reason)
    return LinkRefusedError(stream.peer, code, reason)


def _why_not(theirs: Hello, ours: Ours, names: list[str]) -> tuple[str, str]:
    """Return the code and the reason of a refusal, two empty texts for none."""
    if (theirs.format, theirs.version) != (LINK_FORMAT, LINK_VERSION):
        return "version", (
            f"this end speaks {LINK_FORMAT}, version {LINK_VERSION}, the other"
            f" {theirs.format[:80]!r}, version {theirs.version}"
        )
    name = theirs.system
    if not 0 < len(name) <= _NAME_MAX or SEPARATOR in name or not name.isprintable():
        return "name", (
            f"expected the name of a System: 1 to {_NAME_MAX} characters"
            f" without {SEPARATOR!r}, got {name[:80]!r}"
        )
    if name == ours.system:
        return "name", f"both Systems are named {name!r}; give one another name"
    if ours.is_linked(name):
        return "name", f"a System named {name!r} is linked already"
    if names:
        some = ", ".join(names[:_NAMES_SHOWN])
        more = len(names) - _NAMES_SHOWN
        others = f" and {more} more" if more > 0 else ""
        return "messages", (
            f"message types that differ: {some}{others}"
            f" (ccw-actors {_PACKAGE} here, {theirs.package} there)"
        )
    return "", ""
