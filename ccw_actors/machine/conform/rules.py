"""Where real systems leave the architecture, and what it demands instead."""

from msgspec import Struct

from ccw_actors.machine.conform.play import Observation
from ccw_actors.machine.conform.vectors import Script

__all__ = ["Explanation", "explain"]


class Explanation(Struct, frozen=True):
    """What the architecture makes of an observation, and the rules that say so."""

    predicted: Observation
    rules: tuple[str, ...] = ()


def explain(script: Script, observed: Observation) -> Explanation:
    """Apply the rules."""
    del script
    return Explanation(observed)
