"""What must not be broken in any cell, and how a world is held to it."""

from dataclasses import dataclass
from typing import Final

from ccw_actors.channel import Fctl
from ccw_actors.channel.fields import bit_names
from ccw_actors.designs import WRONG
from ccw_actors.explore import View, World
from ccw_actors.verdicts._guest_monitor import GUEST_SIDE, GuestMonitor
from ccw_actors.verdicts._machine import VerdictMachine

__all__ = ["INVARIANTS", "LastFault", "hold"]

INVARIANTS: Final = WRONG | GUEST_SIDE
"""By id: those of the host's side, then those of what a guest sees."""


@dataclass
class LastFault:
    """What was found to be wrong last, in the terms of the field.

    An exploration says which invariant is broken; this says by what.
    """

    what: str = ""


def hold(
    world: World, machine: VerdictMachine, invariant: str, fault: LastFault
) -> None:
    """Have an invariant hold in a cell's world; `fault` is told how it is broken."""
    name = f"{invariant}: {INVARIANTS[invariant]}"
    prefix = f"{invariant}:"

    def holds(view: View) -> bool:
        broken: tuple[str, ...] = (
            (view.monitor.wrong,) if invariant in GUEST_SIDE else machine.broken(view)
        )
        found = next((one for one in broken if one.startswith(prefix)), "")
        fault.what = found or fault.what
        return not found

    def rests(view: View) -> bool:
        found = machine.left(view) if invariant == "I6" else _unanswered(view)
        fault.what = found or fault.what
        return not found

    world.system_invariant(name, holds)
    # That something never comes can be said only where nothing is left to do.
    if invariant in ("I6", "I8"):
        world.final(name, rests)


def _unanswered(view: View) -> str:
    monitor: GuestMonitor = view.monitor
    if not monitor.functions or monitor.pending:
        return ""
    names = bit_names(Fctl.NAMES, monitor.functions).upper()
    return f"I8: {names} is accepted, and its final status never comes"
