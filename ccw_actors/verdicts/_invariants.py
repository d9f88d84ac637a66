"""The invariants of all cells, and how a world is held to them."""

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
"""The meaning of each, by id: those of the host's side, then those a guest can see."""


@dataclass
class LastFault:
    """The last fault that was found, in the terms of the field.

    An exploration says which invariant is broken; this says what broke it.
    """

    what: str = ""


def hold(
    world: World, machine: VerdictMachine, invariant: str, fault: LastFault
) -> None:
    """Check an invariant in a cell's world; `fault` receives what breaks it."""
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
    # Only where nothing is left to do is it certain that something never comes.
    if invariant in ("I6", "I8"):
        world.final(name, rests)


def _unanswered(view: View) -> str:
    monitor: GuestMonitor = view.monitor
    if not monitor.functions or monitor.pending:
        return ""
    names = bit_names(Fctl.NAMES, monitor.functions).upper()
    return f"I8: {names} is accepted, and its final status never comes"
