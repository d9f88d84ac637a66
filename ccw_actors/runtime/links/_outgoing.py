"""What goes out over a link: a queue, gathered into frames."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

import msgspec

from ccw_actors.errors import MailboxFullError
from ccw_actors.runtime._values.envelope import (
    STOP,
    STOP_NOW,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Envelope,
    Letter,
    wrapped,
)
from ccw_actors.runtime._values.provider import QUEUED, RunQueue, Target
from ccw_actors.runtime.links._items import (
    ITEMS_MAX,
    Answer,
    Ask,
    Item,
    Offer,
    Stop,
    Tell,
    Unwatch,
    Watch,
    encode,
)
from ccw_actors.runtime.links._options import LinkOptions
from ccw_actors.transport import tag_of
from ccw_actors.transport.links import FrameStream

__all__ = ["NoRoom", "Outgoing", "Unsent"]

_FRAME: Final = 1 << 16
"""Bytes of messages after which a frame is complete, and sent at once."""

_AHEAD: Final = 1 << 20
"""Bytes that may wait in the connection's own buffer."""


class Unsent(Protocol):
    """Takes a letter that did not leave, and the address in the other System."""

    def __call__(self, to: str, envelope: Envelope) -> None: ...


class NoRoom(Protocol):
    """Takes a letter without room, its address in the other System, and why."""

    def __call__(self, to: str, envelope: Envelope, reason: str) -> None: ...


class Outgoing:
    """The queue of one link: messages in the order sent, gathered into frames.

    What one turn of the event loop puts is gathered, up to the size of a frame. An ask
    or an answer that comes first in a turn does not wait for others. `seconds_of`
    returns how long the ask of a number waits yet. `no_room` is called with a letter
    that finds no room, and the reason: it may raise `MailboxFullError`. `failed` is
    called with the error that ends the connection.
    """

    def __init__(
        self,
        stream: FrameStream,
        options: LinkOptions,
        *,
        seconds_of: Callable[[int], float],
        no_room: NoRoom,
        failed: Callable[[Exception], None],
    ) -> None:
        self._stream = stream
        self._options = options
        self._seconds_of = seconds_of
        self._no_room = no_room
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[str, Letter] | Item] = deque()
        self._bytes = 0
        self._is_due = False
        self._is_late = False
        self._taken: asyncio.Task[None] | None = None
        self._rooms: list[asyncio.Future[None]] = []
        # References keep their targets: one that no reference has is needed no longer.
        self._targets: WeakValueDictionary[str, _Target] = WeakValueDictionary()
        self.is_open = True

    def __len__(self) -> int:
        return len(self._queue)

    def target(self, to: str) -> Target:
        """Return what takes further messages for an address there."""
        found = self._targets.get(to)
        if found is None:
            found = self._targets[to] = _Target(self, to, self._options.waiting_max)
        return found

    def put(self, to: str, letter: Letter) -> None:
        """Send a letter to an address in the other System.

        A notice always has room, unless it is too large. Raises what `no_room` does.
        """
        size = len(_payload(letter))
        counts = type(letter) is not Envelope or not letter.kind
        if why := self._why_full(size) if counts else self.why_too_large(size):
            self._no_room(to, wrapped(letter), why)
            return
        waits = type(letter) is Envelope and letter.ask != 0
        self._add((to, letter), size, at_once=waits)

    def tell(self, to: str, letter: tuple[bytes, str] | bytes) -> None:
        """Send a message that was told, when the number of those that wait is known.

        The same as `put` for the frequent case.
        """
        size = len(letter[0]) if type(letter) is tuple else len(letter)
        options = self._options
        room = options.waiting_bytes_max - self._bytes
        if size > room or size > options.message_size_max:
            self.put(to, letter)
            return
        self._queue.append((to, letter))
        self._bytes += size
        if not self._is_due:
            self._schedule()
        elif self._bytes > _FRAME and not self._is_late:
            self._flush()

    async def offer(self, offer: Offer) -> None:
        """Send an offer, as soon as it finds room here; it waits there once more.

        Raises `MailboxFullError` for a message that is too large.
        """
        size = len(bytes(offer.message))
        if why := self.why_too_large(size):
            raise MailboxFullError(f"{tag_of(bytes(offer.message))}: {why}")
        while self.is_open and self._why_full(size):
            room: asyncio.Future[None] = self._loop.create_future()
            self._rooms.append(room)
            await room
        self.send(offer)

    def send(self, item: Item) -> None:
        """Send an item that is no letter, which always finds room."""
        if self.is_open:
            self._add(item, _size_of(item), at_once=isinstance(item, Answer))

    def _add(
        self, entry: tuple[str, Letter] | Item, size: int, *, at_once: bool
    ) -> None:
        self._queue.append(entry)
        self._bytes += size
        if not self._is_due:
            self._schedule()
            if at_once:
                self._flush()
        elif self._bytes > _FRAME and not self._is_late:
            self._flush()

    def _schedule(self) -> None:
        """Send what this turn of the loop gathers at its end."""
        self._is_due = True
        self._loop.call_soon(self._end_of_turn)

    def _end_of_turn(self) -> None:
        self._is_due = False
        if not self._is_late:
            self._flush()

    def why_too_large(self, size: int) -> str:
        """Return why a message of that many bytes cannot travel, "" if it can."""
        size_max = self._options.message_size_max
        if size <= size_max:
            return ""
        return f"it has {size} bytes; a link carries at most {size_max}"

    def _why_full(self, size: int) -> str:
        options = self._options
        if why := self.why_too_large(size):
            return why
        if len(self._queue) >= options.waiting_max:
            return f"the link has reached its bound of {options.waiting_max} messages"
        if self._bytes + size > options.waiting_bytes_max:
            return (
                f"the link has reached its bound of {options.waiting_bytes_max} bytes"
            )
        return ""

    def _flush(self) -> None:
        """Send frames; later, if the other end does not take what is there."""
        while self.is_open and self._queue:
            if self._stream.waiting > _AHEAD:
                self._is_late = True
                self._taken = asyncio.ensure_future(self._wait_for_room())
                return
            self._stream.send(encode(self._next_frame()))

    async def _wait_for_room(self) -> None:
        try:
            await self._stream.taken()
        except OSError as error:
            self._failed(error)
        else:
            self._is_late = False
            self._flush()

    def _next_frame(self) -> list[Item]:
        queue, items, size = self._queue, list[Item](), 0
        while queue and len(items) < ITEMS_MAX:
            entry = queue[0]
            length = _size_of(entry)
            if items and size + length > _FRAME:
                break
            size += length
            items.append(self._item(*entry) if isinstance(entry, tuple) else entry)
            queue.popleft()
        self._bytes -= size
        if self._rooms and not self._why_full(0):
            self._let_in()
        return items

    def _let_in(self) -> None:
        """Let the offers look for room again."""
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            if not room.done():
                room.set_result(None)

    def _item(self, to: str, letter: Letter) -> Item:
        if type(letter) is tuple:
            return Tell(to, letter[1], msgspec.Raw(letter[0]))
        if type(letter) is bytes:
            return Tell(to, "", msgspec.Raw(letter))
        assert isinstance(letter, Envelope)
        return self._of_envelope(to, letter)

    def _of_envelope(self, to: str, envelope: Envelope) -> Item:
        sender, kind, stamp = envelope.sender, envelope.kind, envelope.stamp
        if kind == WATCH:
            return Watch(to, sender)
        if kind == UNWATCH:
            return Unwatch(to, sender)
        if kind in (STOP, STOP_NOW):
            return Stop(to, sender, kind == STOP)
        message = msgspec.Raw(envelope.payload)
        cause = stamp.cause if stamp is not None else 0
        trace = stamp.traceparent if stamp is not None else ""
        if not to:
            return Answer(envelope.ask, sender, message, cause, trace)
        if envelope.ask:
            seconds = self._seconds_of(envelope.ask)
            return Ask(to, sender, envelope.ask, seconds, message, cause, trace)
        return Tell(to, sender, message, kind == UNBOUNDED, cause, trace)

    def end(self, unsent: Unsent) -> None:
        """Send nothing any longer; `unsent` gets each letter that waits."""
        self.is_open = False
        self._let_in()
        for target in list(self._targets.values()):
            target.mailbox = None
        if self._taken is not None:
            self._taken.cancel()
        while self._queue:
            entry = self._queue.popleft()
            if isinstance(entry, tuple):
                unsent(entry[0], wrapped(entry[1]))

    async def drained(self) -> None:
        """Send what waits, at the speed at which the other end takes it.

        Raises `OSError` if the connection breaks.
        """
        while self.is_open and self._queue:
            if not self._is_late:
                self._flush()
            await self._stream.taken()


def _size_of(entry: tuple[str, Letter] | Item) -> int:
    """Return the bytes of the message in an entry, 0 without one."""
    if isinstance(entry, tuple):
        return len(_payload(entry[1]))
    return len(memoryview(entry.message)) if isinstance(entry, Answer | Offer) else 0


def _payload(letter: Letter) -> bytes:
    if type(letter) is tuple:
        return letter[0]
    if type(letter) is bytes:
        return letter
    assert isinstance(letter, Envelope)
    return letter.payload


class _Target:
    """Where references put messages for one address; see `Target`.

    It also takes the place of the mailbox: a link has one queue for all addresses, so
    that all messages keep their order.
    """

    __slots__ = (
        "__weakref__",
        "_outgoing",
        "_to",
        "bound",
        "mailbox",
        "queue",
        "status",
    )

    def __init__(self, outgoing: Outgoing, to: str, bound: int) -> None:
        self.mailbox: Any = self
        self.bound = bound
        self.status = QUEUED
        self.queue: RunQueue = _NO_QUEUE
        self._outgoing = outgoing
        self._to = to

    def __len__(self) -> int:
        return len(self._outgoing)

    def append(self, letter: tuple[bytes, str] | bytes) -> None:
        """Put a message that was told."""
        self._outgoing.tell(self._to, letter)


class _NoQueue:
    """The run queue of a target that is never idle."""

    def enqueue(self, _cell: Any) -> None:
        """Do nothing."""


_NO_QUEUE: Final = _NoQueue()
