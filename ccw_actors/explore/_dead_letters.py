"""Collects the dead letters of a step."""

from typing import Final

from ccw_actors.explore._result import DeadLetter
from ccw_actors.explore._world import World
from ccw_actors.runtime.stepping import SIGNAL, UNBOUNDED, Cell, Envelope
from ccw_actors.transport import tag_of

__all__ = ["MARK", "DeadLetters"]

MARK: Final = Envelope(b"", "\0", 0, None, UNBOUNDED)
"""Separates messages put back from those sent, in a mailbox; never a dead letter."""

_NOBODY: Final = "there is no such actor"


class DeadLetters:
    """Collects the dead letters while one scenario's System takes a step.

    `places` has the cells of actors that were seen at each path.
    """

    def __init__(self, world: World, places: dict[str, list[Cell]]) -> None:
        self._sent = world.lost
        self._sources = {source for _, source, _ in world.injected} | {""}
        self._places = places
        self._noted: list[DeadLetter] = []
        world.dispatcher.on_lost(self._note)

    def clear(self) -> None:
        """Forget all dead letters, before a step."""
        self._noted.clear()

    def noted(self) -> tuple[DeadLetter, ...]:
        """Return the dead letters since `clear`."""
        return tuple(self._noted)

    def before(self) -> tuple[DeadLetter, ...]:
        """Return the dead letters among the scenario's own messages."""
        return tuple(one for one in self._sent if not self._is_outside(one.actor))

    def nobody(self, path: str, envelope: Envelope) -> tuple[DeadLetter, ...]:
        """Return the dead letter for a message from outside that finds no actor."""
        if envelope.kind >= SIGNAL:
            return ()
        return (DeadLetter(path, tag_of(envelope.payload), _NOBODY),)

    def _note(self, path: str, envelope: Envelope, reason: str) -> None:
        """Note a dead letter, unless it answers the outside, which never waits."""
        if envelope is not MARK and not self._is_outside(path):
            self._noted.append(DeadLetter(path, tag_of(envelope.payload), reason))

    def _is_outside(self, path: str) -> bool:
        """Whether a path is that of a source outside, and never of an actor."""
        return path in self._sources and path not in self._places
