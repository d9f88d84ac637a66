"""What several explorations of one scenario have seen together."""

from collections.abc import Sequence
from typing import Protocol

from ccw_actors.explore._coverage import Combination, Coverage
from ccw_actors.explore._entry import Seen
from ccw_actors.explore._result import DeadLetter

__all__ = ["Part", "seen_together"]


class Part(Protocol):
    """What one of them has seen; see `Result`."""

    @property
    def vacuous(self) -> tuple[str, ...]:
        """What it has not tested."""
        ...

    @property
    def coverage(self) -> Coverage | None:
        """Which messages it has handled in which state."""
        ...

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The messages that nobody has handled."""
        ...


def seen_together(parts: Sequence[Part]) -> Seen:
    """Return what all have seen; what none has tested is not tested."""
    vacuous = tuple(
        one
        for one in parts[0].vacuous
        if all(one in part.vacuous for part in parts[1:])
    )
    lost = sorted({one for part in parts for one in part.dead_letters})
    return Seen(vacuous, _coverage(parts), tuple(lost))


def _coverage(parts: Sequence[Part]) -> Coverage | None:
    seen = [part.coverage for part in parts if part.coverage is not None]
    if not seen:
        return None
    handled: set[Combination] = {one for part in seen for one in part.handled}
    missed = {one for part in seen for one in part.missed} - handled
    return Coverage(handled=tuple(sorted(handled)), missed=tuple(sorted(missed)))
