"""Counts: STARTs and interrupts of a client's devices."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Counts"]


@dataclass(slots=True)
class Counts:
    """STARTs accepted, interrupts signalled, and STARTs refused, by errno."""

    starts: int = 0
    signals: int = 0
    refusals: Counter[int] = field(default_factory=Counter[int])

    def add(self, other: "Counts") -> None:
        """Add the counts of another device."""
        self.starts += other.starts
        self.signals += other.signals
        self.refusals += other.refusals
