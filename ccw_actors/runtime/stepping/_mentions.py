"""Finds out which actors something refers to, wherever the references are.

As bytes a reference is the same wherever it stands: in a message, in a state, in a
message that is kept as bytes inside of another one. Anything else is gone through as
far as Python's garbage collector can see into it, so the locals of a coroutine count,
and what a function encloses. Globals do not: what a handler reads there is outside.
"""

import gc
import logging
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import CodeType, FrameType, FunctionType, ModuleType, TracebackType
from typing import Any, Final, cast

import msgspec

from ccw_actors.runtime._actor import Actor
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.reference import ActorRef, ReplyTo
from ccw_actors.runtime.stepping._begun import Suspended
from ccw_actors.runtime.stepping._snapshot import CellSnapshot
from ccw_actors.transport import Message

__all__ = ["Mentions"]

_RUNTIME: Final = "ccw_actors.runtime"
_SIMPLE: Final = (int, float, complex, str, type(None), Enum)
_CLOSED: Final = (
    *(Actor, CodeType, FrameType, ModuleType, TracebackType, type),
    *(logging.Logger, logging.Handler),
)
"""What is not gone into: actors are looked at one by one, the rest keeps none."""

_OPEN: Final = (Message, ReplyTo)
"""What is gone into though it belongs to the runtime."""

_NOT_CONFIGURATION: Final = frozenset(("system", "_cell", "__dict__", "__weakref__"))
_STATE: Final = frozenset(("state", "persistent"))


class Mentions:
    """Which of some references are found; `found` are their addresses.

    `encode` makes the bytes of a reference as they are in a message.
    """

    def __init__(
        self, wanted: Iterable[ActorRef[Any]], encode: Callable[[object], bytes]
    ) -> None:
        self._wanted = {ref.address: ref for ref in wanted}
        self._bytes = {address: encode(ref) for address, ref in self._wanted.items()}
        self._seen: dict[int, object] = {}
        self.found: set[str] = set()

    def address(self, address: str) -> None:
        """Look at what an actor is called."""
        if address in self._wanted:
            self.found.add(address)

    def envelope(self, envelope: Envelope) -> None:
        """Look at a message, and at who has sent it."""
        self.address(envelope.sender)
        self._data(envelope.payload)

    def actor(self, one: CellSnapshot) -> None:
        """Look at all that an actor is, at what waits for it, and how it begins again.

        The actor itself has that state, if it says by itself what its state is.
        """
        cell = one.cell
        for envelope in (*one.mailbox, *one.signals, *one.stash):
            self.envelope(envelope)
        for watcher in one.watchers:
            self.address(watcher)
        self.value(one.state)
        self.value((cell.make, cell.supervision))
        for context in (one.context, cell.origin):
            self.value(None if context is None else list(context.values()))
        self._attributes(one.actor)
        if one.suspended is not None:
            self._suspended(one.suspended)

    def value(self, value: object) -> None:
        """Look at anything else, and into it."""
        left = [value]
        while left and len(self.found) < len(self._wanted):
            one = left.pop()
            if isinstance(one, bytes | bytearray):
                self._data(bytes(one))
            elif isinstance(one, ActorRef):
                if self._wanted.get(one.address) == one:
                    self.found.add(one.address)
            elif isinstance(one, Envelope):
                self.envelope(one)
            elif isinstance(one, Pending):
                self.address(one.target)
                self.address(one.asker)
            elif not isinstance(one, _SIMPLE) and id(one) not in self._seen:
                self._seen[id(one)] = one
                left.extend(_parts(one))

    def _data(self, data: bytes) -> None:
        self.found.update(
            address for address, wire in self._bytes.items() if wire in data
        )

    def _attributes(self, actor: Actor[Any]) -> None:
        """Look at what an actor keeps besides its state, and its class for it."""
        kind: Any = type(actor)
        own = type(actor).snapshot is not Actor.snapshot
        skipped = _NOT_CONFIGURATION if own else _NOT_CONFIGURATION | _STATE
        bases: tuple[Any, ...] = kind.__mro__[: kind.__mro__.index(Actor)]
        for base in bases:
            slots: str | tuple[str, ...] = getattr(base, "__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if name not in skipped:
                    self.value(getattr(actor, name, None))
            self.value(list(cast("Mapping[str, object]", vars(base)).values()))
        for name, value in vars(actor).items():
            if name not in skipped:
                self.value(value)

    def _suspended(self, suspended: Suspended) -> None:
        """Look at what a handler that waits has begun with and has got so far."""
        begun = suspended.begun
        self.envelope(begun.envelope)
        self.value(begun.state)
        for end in (*begun.ends, suspended.goes_on):
            if end is not None:
                self.value((end.answer, end.value, end.error))


def _parts(value: object) -> Iterable[object]:
    """Return what a value is made of, as far as that can hold a reference."""
    if isinstance(value, msgspec.Struct):
        is_closed = _is_of_runtime(value) and not issubclass(type(value), _OPEN)
        return () if is_closed else msgspec.structs.astuple(value)
    if isinstance(value, _CLOSED) or _is_of_runtime(value):
        return ()
    if isinstance(value, FunctionType):
        more: Mapping[str, object] = vars(value)
        return (value.__closure__, value.__defaults__, value.__kwdefaults__, dict(more))
    if isinstance(value, BaseException):
        chained = value.__cause__, value.__context__
        return (value.args, dict(vars(value)), *chained)
    return gc.get_referents(value)


def _is_of_runtime(value: object) -> bool:
    return type(value).__module__.startswith(_RUNTIME)
