"""The least that the messages of an I/O cost on a machine.

Each message of one I/O is encoded, put into a queue, taken out, decoded, and given to a
handler that does nothing. What an I/O costs beyond that is the runtime, the handlers
and the architecture.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ccw_actors.runtime import Handled, System

__all__ = ["floor"]

ROUNDS = 20


class _Carried(NamedTuple):
    """A message, and what decodes its bytes."""

    message: Any
    decode: Callable[[bytes], Any]


def floor(system: System, sent: Sequence[Handled], *, times: int) -> float:
    """Return the seconds for carrying these messages once, the best of some rounds."""
    codec = system.codec
    carried: list[_Carried] = []
    for one in sent:
        decode = codec.raw_decoder(one.message_type)
        carried.append(_Carried(decode(one.payload), decode))
    handlers: dict[type, Callable[[Any], None]] = {
        type(one.message): _do_nothing for one in carried
    }
    return min(_carry(codec.encode, carried, handlers, times) for _ in range(ROUNDS))


def _carry(
    encode: Callable[[object], bytes],
    carried: Sequence[_Carried],
    handlers: dict[type, Callable[[Any], None]],
    times: int,
) -> float:
    queue: deque[bytes] = deque()
    began = time.perf_counter()
    for _ in range(times):
        for message, decode in carried:
            queue.append(encode(message))
            got = decode(queue.popleft())
            handlers[type(got)](got)
    return (time.perf_counter() - began) / times


def _do_nothing(_message: Any) -> None:
    """Handle a message."""
