"""The worker of an interruption: it copies the IRB from the slot to the I/O region.

It decides whose IRB it has by the state, not by an identity. Each section is one
statement of the original, which holds only io_mutex, and only for the copy: an
interruption may fill the slot between any two of them. In a design that locks the
worker it has io_mutex from `read_irb` to `set_idle`.

Source: Linux drivers/s390/cio/vfio_ccw_drv.c (vfio_ccw_sch_io_todo), vfio_ccw_cp.c
(cp_update_scsw, cp_free), kernel/workqueue.c (process_one_work).
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import Signalled
from ccw_actors.designs.linux._driver import Driver, Next, SectionFunction
from ccw_actors.designs.linux._interrupt import whose
from ccw_actors.designs.linux._messages import Section, WorkDone
from ccw_actors.designs.linux._programs import begin_to_free, free, walk, walked
from ccw_actors.designs.linux._state import HostState
from ccw_actors.designs.linux._subchannel import guest_cpa, is_final, is_solicited

__all__ = [
    "SECTIONS",
    "by_list",
    "by_started_flag",
    "by_state",
    "copy_next",
    "free_next",
    "idle_and_copy",
    "idle_if_final",
    "idle_if_freed",
    "never_idle",
]


def io_todo(driver: Driver, _section: Section) -> Next:
    """Mark the work item as not pending: from here on it may be queued again."""
    driver.state.work = False
    return Section("read_final")


def read_final(driver: Driver, _section: Section) -> Next:
    """Note whether the IRB is final; a later IRB in the slot is not checked again."""
    return Section("read_irb", final=is_final(driver.state.irb.scsw))


def read_irb(driver: Driver, section: Section) -> Next:
    """Check whether the IRB is solicited; then begin to translate its CCW address."""
    state, choices = driver.state, driver.choices
    if driver.locks("worker") and not driver.lock(section):
        return None
    scsw, final = state.irb.scsw, section.final
    if choices.drops(state, scsw):
        if driver.locks("worker"):
            driver.unlock()
        return WorkDone()
    if not is_solicited(scsw) and not state.detached:
        return Section("copy_irb", final=final and choices.unsolicited_is_final)
    walk(driver, state.cp)
    state.irb = replace(state.irb, scsw=guest_cpa(scsw, state.cp))
    return Section("test_free", final=final, program=state.cp)


def test_free(driver: Driver, section: Section) -> Next:
    """Check whether to free a program, and which."""
    walked(driver)
    program = driver.choices.to_free(driver.state, section)
    if program is None:
        return Section("copy_irb", final=section.final)
    return Section("cp_free", final=section.final, program=program)


def cp_free(driver: Driver, section: Section) -> Next:
    """Begin to free the program that is there now."""
    program = begin_to_free(driver, section.program)
    return replace(section, step="free_chains", program=program)


def free_chains(driver: Driver, section: Section) -> Next:
    """Free the program that `cp_free` has found, and go on as the design does."""
    free(driver, section.program, whose(driver.state.irb.scsw))
    return driver.choices.freed(driver, section)


def copy_irb(driver: Driver, section: Section) -> Next:
    """Copy the IRB into the region inside io_mutex, or the first half of it."""
    if not driver.lock(section):
        return None
    if driver.case == "halves":
        driver.state.torn = False
        return replace(section, step="copy_rest")
    return _copied(driver, section)


def copy_rest(driver: Driver, section: Section) -> Next:
    """Copy the second half: io_mutex does not block an interruption."""
    if driver.state.torn:
        driver.wrong("torn", "an interruption fills the slot while it is copied")
    return _copied(driver, section)


def _copied(driver: Driver, section: Section) -> Section:
    state = driver.state
    if not state.fresh:
        driver.wrong("I3", f"{whose(state.irb.scsw)} is handed over twice")
    state.region, state.fresh = state.irb, False
    if not driver.locks("worker"):
        driver.unlock()
    return replace(section, step="set_idle")


def set_idle(driver: Driver, section: Section) -> Next:
    """Set IDLE if the design does so here, and forget the answered functions."""
    choices = driver.choices
    if choices.sets_idle(section):
        driver.set_fsm("IDLE", "the worker")
    choices.handled(driver.state, section)
    if driver.locks("worker"):
        driver.unlock()
    return Section("signal")


def signal(driver: Driver, _section: Section) -> Next:
    """Add one to the counter of the eventfd; wake the emulator if it was 0."""
    state = driver.state
    if state.age < state.resets:
        driver.wrong("stale", f"after RESET {whose(state.irb.scsw)} is handed over")
    state.events += 1
    if state.events == 1:
        driver.signal(Signalled())
    return WorkDone()


# -- choices: to_free -----------------------------------------------------------------


def by_state(state: HostState, section: Section) -> int | None:
    """Free the present program if the state is CP_PENDING: Linux.

    Nothing checks whose status it is: CP_PENDING may be that of a later START.
    """
    return state.cp if section.final and state.fsm == "CP_PENDING" else None


def by_started_flag(state: HostState, section: Section) -> int | None:
    """Free the present program if it was started: RFC v3."""
    is_started = state.cp != 0 and state.started == state.cp
    return state.cp if section.final and is_started else None


def by_list(state: HostState, _section: Section) -> int | None:
    """Free the first program that the interruption has detached: counted programs."""
    return state.detached[0] if state.detached else None


# -- choices: freed -------------------------------------------------------------------


def copy_next(_driver: Driver, section: Section) -> Section:
    """Go on with the copy of the IRB."""
    return Section("copy_irb", final=section.final, finished=True)


def idle_and_copy(driver: Driver, section: Section) -> Section:
    """Set IDLE before taking io_mutex, and go on: patch 4 of RFC v4."""
    driver.set_fsm("IDLE", "the worker")
    return copy_next(driver, section)


def free_next(driver: Driver, section: Section) -> Section:
    """Free the next detached program, if there is one: counted programs."""
    program = by_list(driver.state, section)
    if program is None:
        return copy_next(driver, section)
    return Section("cp_free", final=section.final, program=program)


# -- choices: sets_idle ---------------------------------------------------------------


def idle_if_final(section: Section) -> bool:
    """Set IDLE for every final status of any function: up to v5.12."""
    return section.final


def idle_if_freed(section: Section) -> bool:
    """Set IDLE only if the program has been freed: since v5.13."""
    return section.finished


def never_idle(_section: Section) -> bool:
    """Leave the state: another section has set it."""
    return False


SECTIONS: Final[dict[str, SectionFunction]] = {
    "io_todo": io_todo,
    "read_final": read_final,
    "read_irb": read_irb,
    "test_free": test_free,
    "cp_free": cp_free,
    "free_chains": free_chains,
    "copy_irb": copy_irb,
    "copy_rest": copy_rest,
    "set_idle": set_idle,
    "signal": signal,
}
"""By the `step` of `Section`."""
