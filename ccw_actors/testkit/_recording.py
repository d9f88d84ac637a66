"""The actor of a probe: it records messages and makes calls for the probe."""

import asyncio
from collections.abc import Callable, Iterable
from types import UnionType
from typing import Any, Union, get_args, get_origin

from ccw_actors.runtime import Actor, Message, Terminated, receive
from ccw_actors.testkit._expectation import Received

__all__ = ["ProbeAct", "Recording", "message_types", "recording"]


class ProbeAct(Message, frozen=True):
    """Makes the actor of a probe run the call of that number."""

    number: int


class Recording(Actor):
    """Keeps the messages `received`; the test has checked the first `taken` of them.

    `error` is the exception that made the actor fail, if any.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.taken = 0
        self.error: BaseException | None = None
        self._calls: list[Callable[[], object]] = []
        self._arrived = asyncio.Event()

    def record(self, message: Any) -> None:
        """Keep a message; subclasses declare the types."""
        one = Received(message, self.sender, self.reply_to, self.now())
        self.received.append(one)
        self._arrived.set()

    @receive
    def act(self, message: ProbeAct) -> None:
        """Make a call as this actor."""
        self._calls[message.number]()

    def on_failure(self, error: BaseException) -> None:
        """Keep the error, and wake code that waits for a message."""
        self.error = error
        self._arrived.set()

    def do(self, call: Callable[[], object]) -> None:
        """Make a call at this actor's next turn."""
        self._calls.append(call)
        self.ref.tell(ProbeAct(len(self._calls) - 1))

    async def arrival(self) -> None:
        """Wait for one more message, or for a failure."""
        self._arrived.clear()
        await self._arrived.wait()

    def snapshot(self) -> object:
        """Return the messages received, and how many are checked."""
        return tuple(self.received), self.taken

    def restore(self, snapshot: Any) -> None:
        """Restore a snapshot."""
        received, self.taken = snapshot
        self.received = list(received)


def recording(kinds: Iterable[type[Message]]) -> Recording:
    """Return a recording actor that takes messages of these types.

    Raises `TypeError` for two types of the same name.
    """

    def record(self: Recording, message: Any) -> None:
        Recording.record(self, message)

    record.__annotations__["message"] = Union[tuple(kinds)]  # noqa: UP007 - at run time
    made: Recording = type("Probe", (Recording,), {"record": receive(record)})()
    return made


def message_types(accepts: Iterable[Any]) -> dict[type[Message], None]:
    """Return the types in a list of types and unions, and `Terminated`.

    Raises `TypeError` for a value that is not a message type.
    """
    found: dict[type[Message], None] = {}
    for one in (*accepts, Terminated):
        is_union = get_origin(one) in (Union, UnionType)
        for kind in get_args(one) if is_union else (one,):
            if not (isinstance(kind, type) and issubclass(kind, Message)):
                raise TypeError(f"a probe takes message types, not {kind!r}")
            found[kind] = None
    return found
