"""Finds the actors to which a value refers, wherever the references are.

The bytes of a reference are the same everywhere: in a message, in a state, or in a
message kept as bytes inside another one. In other values the search follows every
object that Python's garbage collector can see, including the locals of a coroutine and
the closure of a function. It does not follow globals, which are outside the System.
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
"""Types that the search skips.

It visits actors one by one, and the other types hold no references.
"""

_OPEN: Final = (Message, ReplyTo)
"""Types of the runtime that the search does follow."""

_NOT_CONFIGURATION: Final = frozenset(("system", "_cell", "__dict__", "__weakref__"))
_STATE: Final = frozenset(("state", "persistent"))


class Mentions:
    """Searches for some references; `found` are the addresses found.

    `encode` returns the bytes of a reference as in a message.
    """

    def __init__(
        self, wanted: Iterable[ActorRef[Any]], encode: Callable[[object], bytes]
    ) -> None:
        self._wanted = {ref.address: ref for ref in wanted}
        self._bytes = {address: encode(ref) for address, ref in self._wanted.items()}
        self._seen: dict[int, object] = {}
        self.found: set[str] = set()

    def address(self, address: str) -> None:
        """Check one address."""
        if address in self._wanted:
            self.found.add(address)

    def envelope(self, envelope: Envelope) -> None:
        """Search a message and its sender."""
        self.address(envelope.sender)
        self._data(envelope.payload)

    def actor(self, one: CellSnapshot) -> None:
        """Search an actor, its waiting messages, and what it restarts with.

        The actor itself holds the state, if it overrides `snapshot`.
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
        """Search any other value, including its parts."""
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
        """Search the attributes of an actor other than its state, and of its class."""
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
        """Search what a waiting handler began with and has received so far."""
        begun = suspended.begun
        self.envelope(begun.envelope)
        self.value(begun.state)
        for end in (*begun.ends, suspended.goes_on):
            if end is not None:
                self.value((end.answer, end.value, end.error))


def _parts(value: object) -> Iterable[object]:
    """Return the parts of a value that can hold a reference."""
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
