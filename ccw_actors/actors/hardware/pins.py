"""Pinned pages of a storage, by owner and number."""

from collections.abc import Iterable
from typing import TypeAlias

from ccw_actors.actors.protocol import PinCount

__all__ = ["Pins", "count", "owners_of", "pages", "pin", "unpin"]

Pins: TypeAlias = dict[str, dict[int, tuple[int, ...]]]
"""Pages by owner (the path of the actor that asked for them) and the owner's number."""


def pin(pins: Pins, owner: str, number: int, pages: Iterable[int]) -> None:
    """Add pages to those that (owner, number) holds."""
    held = pins.setdefault(owner, {})
    held[number] = tuple(sorted({*pages, *held.get(number, ())}))


def unpin(pins: Pins, owner: str, number: int) -> None:
    """Drop the pages that (owner, number) holds, if any."""
    held = pins.get(owner, {})
    held.pop(number, None)
    if not held:
        pins.pop(owner, None)


def pages(pins: Pins) -> set[int]:
    """Return the pages that any owner holds."""
    return {
        page for numbers in pins.values() for held in numbers.values() for page in held
    }


def owners_of(pins: Pins, wanted: range) -> tuple[str, ...]:
    """Return the owners that hold some of these pages."""
    return tuple(
        owner
        for owner, numbers in pins.items()
        if any(page in wanted for held in numbers.values() for page in held)
    )


def count(pins: Pins) -> PinCount:
    """Count pairs of owner and number, and pages."""
    return PinCount(sum(map(len, pins.values())), len(pages(pins)))
