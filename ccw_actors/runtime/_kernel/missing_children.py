"""Letters for children that are not there: kept until their parents have been told."""

from collections.abc import Callable
from typing import NamedTuple

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.handlers import spec_of
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.dead_letters import (
    NOBODY_THERE,
    NOT_SPAWNED,
    DeadLetters,
)
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._values.address import folder_of, path_of
from ccw_actors.runtime._values.envelope import (
    MISSED,
    MISSING,
    SIGNAL,
    UNBOUNDED,
    WATCH,
    Envelope,
    Stamp,
)
from ccw_actors.runtime._values.notices import MissingChild

__all__ = ["MissingChildren", "accepts_missing"]


class _Kept(NamedTuple):
    """The letters for one child, the oldest first, and the parent that is told."""

    parent: Cell
    letters: list[Envelope]


class MissingChildren:
    """Keeps letters for the missing children of actors that accept `MissingChild`.

    The first letter for a child tells its parent. When the child is spawned, it gets
    all of them; without it they are dead letters once the parent's handler has ended. A
    letter for an actor that is there never comes here. Call methods on the System's own
    thread.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        dead_letters: DeadLetters,
        observers: Observers,
        encode: Callable[[object], bytes],
    ) -> None:
        self._registry = registry
        self._dead_letters = dead_letters
        self._observers = observers
        self._encode = encode
        self._kept: dict[str, _Kept] = {}
        self._keeps = True

    def absent(self, address: str, envelope: Envelope) -> None:
        """Keep an envelope for an address at which no actor is, or lose it."""
        kept = self._kept.get(address)
        if kept is not None:
            kept.letters.append(envelope)
            return
        parent = self._parent(address, envelope)
        if parent is None:
            self._dead_letters.add(address, envelope, NOBODY_THERE)
            return
        self._kept[address] = _Kept(parent, [envelope])
        parent.put(Envelope(b"", address, 0, self._stamp(address, envelope), MISSING))

    def _parent(self, address: str, envelope: Envelope) -> Cell | None:
        """Return the actor that may spawn the recipient of an envelope, or None.

        Nobody spawns an actor again whose references are dead, or one for a stop.
        """
        calls = envelope.kind < SIGNAL or envelope.kind == WATCH
        path = path_of(address)
        parent = self._registry.at(folder_of(path))
        if not calls or parent is None or not self._keeps:
            return None
        is_next = accepts_missing(parent.actor) and self._registry.find(path) == address
        return parent if is_next else None

    def _stamp(self, address: str, envelope: Envelope) -> Stamp | None:
        """Return the stamp of a `MissingChild`, which its first letter has caused."""
        if not self._observers.stamps:
            return None
        trace = "" if envelope.stamp is None else envelope.stamp.traceparent
        running = Running(address, envelope)
        return self._observers.stamp(running, MissingChild, trace)

    def tell(self, parent: Cell, missing: Envelope) -> Envelope | None:
        """Return the message to the parent, which handles it next.

        None if no letter is kept any longer: the child has been spawned meanwhile.
        """
        address = missing.sender
        if address not in self._kept:
            return None
        mailbox = parent.mailbox
        assert mailbox is not None, "it has just handed over an envelope"
        mailbox.appendleft(Envelope(b"", address, 0, None, MISSED))
        parent.exempt_in += 1
        name = path_of(address).rpartition("/")[2]
        payload = self._encode(MissingChild(name))
        return Envelope(payload, address, 0, missing.stamp, UNBOUNDED)

    def told(self, address: str) -> None:
        """Lose the letters for a child, unless the parent's handler has spawned it."""
        self._lose(address, NOT_SPAWNED)

    def spawned(self, cell: Cell) -> None:
        """Put the letters for a child into its mailbox, regardless of its bound."""
        kept = self._kept.pop(cell.address, None)
        for envelope in () if kept is None else kept.letters:
            cell.put(envelope)

    def ended(self, parent: Cell, reason: str) -> None:
        """Lose the letters for the missing children of an actor that has ended."""
        kept = self._kept.items()
        for address in [address for address, one in kept if one.parent is parent]:
            self._lose(address, reason)
        self._registry.release(parent.path)

    def end(self, reason: str) -> None:
        """Lose all letters, and keep none from now on."""
        self._keeps = False
        for address in list(self._kept):
            self._lose(address, reason)

    def _lose(self, address: str, reason: str) -> None:
        kept = self._kept.pop(address, None)
        for envelope in () if kept is None else kept.letters:
            self._dead_letters.add(address, envelope, reason)


def accepts_missing(actor: object) -> bool:
    """Whether an actor has a handler for `MissingChild`, in whatever behaviour."""
    return any(MissingChild in handlers for handlers in spec_of(actor).all())
