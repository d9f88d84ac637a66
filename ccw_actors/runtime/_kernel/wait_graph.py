"""Who can do nothing else until whom: the graph in which a cycle is a deadlock."""

from typing import Protocol

__all__ = ["WaitGraph", "Waits"]


class Waits(Protocol):
    """What an actor waits for: an answer of `target`, or room in its mailbox."""

    target: str

    def summary(self) -> str:
        """Say whom it waits for, and to do what."""
        ...

    def cycle_error(self, cycle: tuple[str, ...]) -> Exception:
        """Return the error for a wait that would never end."""
        ...


class WaitGraph:
    """What each actor waits for that can do nothing else meanwhile, by address."""

    def __init__(self) -> None:
        self.waits: dict[str, Waits] = {}

    def begin(self, who: str, what: Waits) -> None:
        """Note that an actor does nothing else until that has ended.

        Raises what `what.cycle_error` returns if the other one waits for it, directly
        or not.
        """
        waits, other = self.waits, what.target
        if other != who and other not in waits:
            waits[who] = what
            return
        chain = [who]
        while other != who:
            chain.append(other)
            next_one = waits.get(other)
            if next_one is None:
                waits[who] = what
                return
            other = next_one.target
        raise what.cycle_error((*chain, who))

    def end(self, who: str, what: Waits) -> None:
        """Note that an actor waits for that no more, if it does."""
        if self.waits.get(who) is what:
            del self.waits[who]

    def of(self, who: str) -> str:
        """Say what an actor waits for, "" if for nothing that is known."""
        what = self.waits.get(who)
        return "" if what is None else what.summary()
