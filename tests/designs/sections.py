"""Runs one section of a model, and returns what it has changed."""

from typing import Any, NamedTuple

from msgspec.structs import asdict

from ccw_actors.designs import DESIGNS, Case, Choices, Driver, HostState, Section
from ccw_actors.designs.linux._driver import ENDS, Behaviour, Effect, Next
from ccw_actors.designs.linux._private import SECTIONS
from ccw_actors.designs.linux._state import Waiter

__all__ = ["FIXED", "THREAD", "WAITER", "Ran", "do", "driver_of", "ran"]

FIXED = ("2026", "counted-programs", "clear-flag", "composite")
"""The designs that have the fixes of 2026."""
THREAD = "thread0"
WAITER = Waiter("thread1", Section("read_region"))
"""A thread that waits for io_mutex, to read the region."""


class Ran(NamedTuple):
    """What is next, the changed fields of the state, and the effects."""

    next: Next
    changed: dict[str, Any]
    effects: list[Effect]


def driver_of(
    design: str | Choices,
    *,
    thread: str = THREAD,
    case: Case = "",
    behaviour: Behaviour = ENDS,
    **before: Any,
) -> Driver:
    """Return a driver of a design whose state has these fields."""
    choices = DESIGNS[design].choices if isinstance(design, str) else design
    return Driver(HostState(**before), choices, behaviour, case, thread)


def do(design: str | Choices, step: str, **before: Any) -> Ran:
    """Do a section that has no local variables, of a state with these fields."""
    return ran(driver_of(design, **before), Section(step))


def ran(driver: Driver, section: Section) -> Ran:
    """Do a section, and return its results."""
    before = asdict(driver.state)
    following = SECTIONS[section.step](driver, section)
    after = asdict(driver.state)
    changed = {name: after[name] for name in after if after[name] != before[name]}
    return Ran(following, changed, driver.effects)
