"""The graph of blocked actors, in which a cycle is a deadlock."""

from typing import Protocol

__all__ = ["WaitGraph", "Waits"]


class Waits(Protocol):
    """The wait of an actor for an answer of `target`, or for room in its mailbox."""

    target: str

    def summary(self) -> str:
        """Return which actor it waits for, and for what."""
        ...

    def cycle_error(self, cycle: tuple[str, ...]) -> Exception:
        """Return the error for a wait that would never end."""
        ...


class WaitGraph:
    """The waits of all blocked actors, by address."""

    def __init__(self) -> None:
        self.waits: dict[str, Waits] = {}

    def begin(self, who: str, what: Waits) -> None:
        """Note that an actor is blocked until the wait ends.

        Raises the error of `what.cycle_error` if the target waits for the actor,
        directly or not.
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
        """End this wait of an actor, if it is its current one."""
        if self.waits.get(who) is what:
            del self.waits[who]

    def of(self, who: str) -> str:
        """Return what an actor waits for, "" if unknown."""
        what = self.waits.get(who)
        return "" if what is None else what.summary()
