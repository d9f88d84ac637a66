"""The memory of channel programs: threads walk their lists of CCWs, and free them.

A thread walks a list from one of its sections to the next, and frees a program in two
sections: `cp_free` marks it as not initialised, then walks its chains and frees them.
So the model notices another thread that comes between.

Source: Linux drivers/s390/cio/vfio_ccw_cp.c (cp_init, cp_free, cp_iova_pinned).
"""

from typing import Final

from ccw_actors.channel import Scsw
from ccw_actors.designs.linux._driver import Driver, Programs
from ccw_actors.designs.linux._state import HostState
from ccw_actors.designs.linux._subchannel import is_final

__all__ = [
    "COUNTED_LIST",
    "ONE_PROGRAM",
    "begin_to_free",
    "free",
    "free_at_once",
    "walk",
    "walked",
]


def walk(driver: Driver, program: int) -> None:
    """Note that the thread walks a program's list from now on; program 0 has none."""
    state = driver.state
    if program:
        state.walked = (*state.walked, (driver.thread, program))


def walked(driver: Driver) -> None:
    """Note that the thread no longer walks a list."""
    state = driver.state
    state.walked = tuple(one for one in state.walked if one[0] != driver.thread)


def begin_to_free(driver: Driver, program: int) -> int:
    """Mark a program as not initialised, and begin to walk its list.

    Returns the program to free, as the design's `mark_free` says; 0 for none.
    """
    marked = driver.choices.programs.mark_free(driver.state, program)
    walk(driver, marked)
    return marked


def free(driver: Driver, program: int, whose: str) -> None:
    """Free the program that the thread walks, and unpin its pages.

    `whose` names what frees it.
    """
    walked(driver)
    if program:
        free_at_once(driver, program, whose)


def free_at_once(driver: Driver, program: int, whose: str) -> None:
    """Free a program's memory in one go, and unpin its pages."""
    state = driver.state
    if state.cp == program:
        state.cp = 0
    if program not in state.live:
        driver.wrong("I7", f"{whose} frees a program that is free")
        return
    if state.owned == program:
        driver.wrong(
            "I1", f"{whose} frees the START's program while the channel owns it"
        )
    if any(other == program for _, other in state.walked):
        driver.wrong("I7", f"{whose} frees a program whose list another walks")
    state.live = tuple(one for one in state.live if one != program)
    state.pinned = tuple(one for one in state.pinned if one != program)
    state.detached = tuple(one for one in state.detached if one != program)


# -- one program ----------------------------------------------------------------------


def _renew_one(driver: Driver) -> None:
    """Rebuild the list of CCWs, even if another thread walks it."""
    if driver.state.walked:
        walker = _walker(driver.state.walked[0][0])
        driver.wrong("I7", f"START rebuilds the list that {walker} walks")
    driver.state.started = 0


def _mark_one(state: HostState, _program: int) -> int:
    """Mark the present program, whichever was meant; 0 if none is initialised."""
    program, state.cp, state.started = state.cp, 0, 0
    return program


def _detach_none(_state: HostState, _scsw: Scsw) -> None:
    """Do nothing: the worker finds out what has ended."""


ONE_PROGRAM: Final = Programs(
    renew=_renew_one, mark_free=_mark_one, detach=_detach_none
)
"""private->cp: one program, that of the newest START, in every version of Linux."""


# -- a list of programs ---------------------------------------------------------------


def _renew_none(_driver: Driver) -> None:
    """Change no other program: each has its own list of CCWs."""


def _mark_named(_state: HostState, program: int) -> int:
    return program


def _detach_ended(state: HostState, scsw: Scsw) -> None:
    """At a final status, detach started programs that the channel does not own."""
    if is_final(scsw):
        state.detached = tuple(
            one for one in state.live if one <= state.started and one != state.owned
        )


COUNTED_LIST: Final = Programs(
    renew=_renew_none, mark_free=_mark_named, detach=_detach_ended
)
"""A list of counted references; an interruption detaches programs that have ended.

Proposed in the thread of RFC v2, 2020; never written.
"""


def _walker(path: str) -> str:
    return "the worker" if path == "work-queue" else "another thread"
