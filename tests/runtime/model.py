"""A simple model of a System without children, to compare the real one with."""

from collections import deque
from dataclasses import dataclass, field

from ccw_actors.runtime._values.mailbox import WhenFull

__all__ = ["Model", "ModelActor"]


@dataclass
class ModelActor:
    """One diary: its waiting messages, its notes, and its restarts left."""

    bound: int
    when_full: WhenFull
    restarts_left: int
    waiting: deque[tuple[str, str, int]] = field(
        default_factory=deque[tuple[str, str, int]]
    )
    texts: list[str] = field(default_factory=list[str])
    carried: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    killed: bool = False


@dataclass
class Model:
    """Actors by path, and the outcome of every ask by its number.

    A message is (what, text, ask): note, blow, stop, collect, carry or deliver; `ask`
    is 0 for what was told.
    """

    actors: dict[str, ModelActor] = field(default_factory=dict[str, ModelActor])
    outcomes: dict[int, str] = field(default_factory=dict[int, str])
    dead_letters: int = 0

    def send(self, path: str, what: str, text: str, ask: int) -> bool:
        """Send a message; return False if it is refused at the sender."""
        actor = self.actors.get(path)
        if actor is None:
            if what != "stop":
                self._lose(ask, "stopped")
            return True
        counted = [one for one in actor.waiting if one[0] != "stop"]
        if what != "stop" and len(counted) >= actor.bound:
            if actor.when_full == "refuse":
                return False
            if actor.when_full == "drop newest":
                self._lose(ask, "full")
                return True
            actor.waiting.remove(counted[0])
            self._lose(counted[0][2], "full")
        actor.waiting.append((what, text, ask))
        return True

    def kill(self, path: str) -> None:
        """Stop an actor before it handles waiting messages."""
        if path in self.actors:
            self.actors[path].killed = True

    def run(self) -> None:
        """Let every actor handle all waiting messages."""
        for path in list(self.actors):
            if self.actors[path].killed:
                self._end(path, self.actors[path])
            while path in self.actors and self.actors[path].waiting:
                self._handle(path, self.actors[path])

    def _handle(self, path: str, actor: ModelActor) -> None:
        what, text, ask = actor.waiting.popleft()
        if what == "stop":
            self._end(path, actor)
        elif what == "note":
            actor.texts.append(text)
        elif what == "collect":
            if ask:
                self.outcomes[ask] = " ".join(actor.texts)
        elif what == "carry":
            actor.carried.append((ask, text))
        elif what == "deliver":
            self.outcomes.update(actor.carried)
            actor.carried = []
        else:
            if ask:
                self.outcomes[ask] = "failed"
            if not actor.restarts_left:
                self._end(path, actor)
                return
            actor.restarts_left -= 1
            for taken, _ in actor.carried:
                self.outcomes[taken] = "failed"
            actor.texts, actor.carried = [], []

    def _end(self, path: str, actor: ModelActor) -> None:
        del self.actors[path]
        for what, _, ask in actor.waiting:
            if what != "stop":
                self._lose(ask, "stopped")
        for taken, _ in actor.carried:
            self.outcomes[taken] = "stopped"

    def _lose(self, ask: int, outcome: str) -> None:
        self.dead_letters += 1
        if ask:
            self.outcomes[ask] = outcome
