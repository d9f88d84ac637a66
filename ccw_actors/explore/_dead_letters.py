"""The dead letters of a step, but for what nobody inside could ever have had."""

from typing import Final

from ccw_actors.explore._result import DeadLetter
from ccw_actors.explore._world import World
from ccw_actors.runtime.stepping import SIGNAL, UNBOUNDED, Cell, Envelope
from ccw_actors.transport import tag_of

__all__ = ["MARK", "DeadLetters"]

MARK: Final = Envelope(b"", "\0", 0, None, UNBOUNDED)
"""Stands in a mailbox between what was put back and what was sent; nobody misses it."""

_NOBODY: Final = "there is no such actor"


class DeadLetters:
    """Notes what becomes a dead letter while one scenario's System takes a step.

    `places` has the places of actors that there were at each path.
    """

    def __init__(self, world: World, places: dict[str, list[Cell]]) -> None:
        self._sent = world.lost
        self._sources = {source for _, source, _ in world.injected} | {""}
        self._places = places
        self._noted: list[DeadLetter] = []
        world.dispatcher.on_lost(self._note)

    def clear(self) -> None:
        """Forget what was noted, before a step."""
        self._noted.clear()

    def noted(self) -> tuple[DeadLetter, ...]:
        """Return what was noted since."""
        return tuple(self._noted)

    def before(self) -> tuple[DeadLetter, ...]:
        """Return the dead letters of what the scenario itself has sent."""
        return tuple(one for one in self._sent if not self._is_outside(one.actor))

    def nobody(self, path: str, envelope: Envelope) -> tuple[DeadLetter, ...]:
        """Return what becomes of a message from outside when no actor is there."""
        if envelope.kind >= SIGNAL:
            return ()
        return (DeadLetter(path, tag_of(envelope.payload), _NOBODY),)

    def _note(self, path: str, envelope: Envelope, reason: str) -> None:
        """Note a dead letter, but for an answer to the outside, which never waits."""
        if envelope is not MARK and not self._is_outside(path):
            self._noted.append(DeadLetter(path, tag_of(envelope.payload), reason))

    def _is_outside(self, path: str) -> bool:
        """Whether nobody but a source of what is injected was ever at a path."""
        return path in self._sources and path not in self._places
