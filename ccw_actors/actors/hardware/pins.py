"""Pinned pages of a storage: who holds which, under which number."""

from collections.abc import Iterable
from typing import TypeAlias

from ccw_actors.actors.protocol import PinCount

__all__ = ["Pins", "count", "owners_of", "pages", "pin", "unpin"]

Pins: TypeAlias = dict[str, dict[int, tuple[int, ...]]]
"""Pages by owner (the path of whoever asked for them) and the owner's number."""


def pin(pins: Pins, owner: str, number: int, pages: Iterable[int]) -> None:
    """Pin pages besides those that (owner, number) holds."""
    held = pins.setdefault(owner, {})
    held[number] = tuple(sorted({*pages, *held.get(number, ())}))


def unpin(pins: Pins, owner: str, number: int) -> None:
    """Drop what (owner, number) holds, if that is anything."""
    held = pins.get(owner, {})
    held.pop(number, None)
    if not held:
        pins.pop(owner, None)


def pages(pins: Pins) -> set[int]:
    """Return the pages that anybody holds."""
    return {
        page for numbers in pins.values() for held in numbers.values() for page in held
    }


def owners_of(pins: Pins, wanted: range) -> tuple[str, ...]:
    """Return who holds some of these pages."""
    return tuple(
        owner
        for owner, numbers in pins.items()
        if any(page in wanted for held in numbers.values() for page in held)
    )


def count(pins: Pins) -> PinCount:
    """Count pairs of owner and number, and pages."""
    return PinCount(sum(map(len, pins.values())), len(pages(pins)))
