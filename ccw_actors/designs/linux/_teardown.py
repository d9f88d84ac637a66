"""Taking a device down: RESET, CLOSE, and the loss of the subchannel.

Quiescing repeats cancel, halt or clear, a wait for the interruption and for the whole
work queue, and disable, until the subchannel can be disabled. Three seconds end a wait
for an interruption as well. The ioctl takes no lock; `disable` and `enable` run with
`sch->lock` held.

| section | before 6.0 | since 6.0, where RESET is CLOSE and OPEN |
|---|---|---|
| ResetDevice | disable | disable; EINVAL in NOT_OPER |
| disable, done | NOT_OPER, enable | STANDBY, close_free |
| disable, not enabled | enable; ENODEV if there is no device | NOT_OPER, EINVAL |
| close_chains | unmap, as only DMA_UNMAP frees | open |
| open | | enable, if the state is STANDBY; or else NOT_OPER, EINVAL |
| enable | open_idle | IDLE, whatever the state is by now |
| opened, for DMA_UNMAP | close_free | unmap |
| CloseDevice | close_free | nothing: it was freed before |

Source: Linux drivers/s390/cio/vfio_ccw_fsm.c (fsm_open, fsm_close, fsm_notoper),
vfio_ccw_drv.c (vfio_ccw_sch_quiesce, the sch_event callback), vfio_ccw_ops.c (reset),
cio.c (cio_cancel_halt_clear, cio_commit_config).
"""

import errno
from typing import Final

from ccw_actors.actors.protocol import DeviceRequested, Written
from ccw_actors.channel import Cc, Schib, lifecycle
from ccw_actors.designs.linux._driver import Driver, Next, Reset, SectionFunction
from ccw_actors.designs.linux._interrupt import complete
from ccw_actors.designs.linux._messages import (
    Returned,
    Section,
    WaitExpired,
    WorkDone,
)
from ccw_actors.designs.linux._programs import begin_to_free, free, free_at_once
from ccw_actors.designs.linux._state import Waiter
from ccw_actors.designs.linux._subchannel import (
    csch,
    hsch,
    pmcw_of,
    show_attention,
    tsch,
    vanish,
    xsch,
)

__all__ = [
    "CLOSE_AND_OPEN",
    "DISABLE_AND_ENABLE",
    "SECTIONS",
    "close_device",
    "device_lost",
    "free_at_loss",
    "free_by_work",
    "free_nothing",
    "reset_device",
    "wait_expired",
]


def reset_device(driver: Driver) -> Next:
    """Enter the ioctl."""
    return driver.choices.reset.enter(driver)


def disable(driver: Driver, section: Section) -> Next:
    """Disable the subchannel, or begin to quiesce it."""
    state, reset = driver.state, driver.choices.reset
    if not state.enabled or not state.valid:
        return reset.not_enabled(driver, section)
    if state.scsw.pending:
        # Status taken here, into a local IRB, never reaches the driver's handler.
        tsch(driver)
    schib = Schib(pmcw_of(state), state.scsw)
    cc, _ = lifecycle.modify(schib, Schib(schib.pmcw))
    if cc == Cc.DONE:
        state.enabled, state.owned, state.runs = False, 0, 0
        return reset.down(driver, section)
    flush = Section("flush", then=section.then)
    if xsch(state) == Cc.DONE:
        # No interruption comes for a cancelled START.
        return flush
    if hsch(driver) != Cc.DONE:
        csch(driver)
    state.quiescing = (*state.quiescing, Waiter(driver.thread, flush))
    # One that is left of the wait before may end this one as well: at any time.
    if driver.thread not in state.expiring:
        state.expiring = (*state.expiring, driver.thread)
        driver.later(WaitExpired(driver.thread))
    return None


def wait_expired(driver: Driver, message: WaitExpired) -> None:
    """Let the thread go on, if no interruption has woken it."""
    state, thread = driver.state, message.thread
    state.expiring = tuple(one for one in state.expiring if one != thread)
    waits = [one for one in state.quiescing if one.thread == thread]
    state.quiescing = tuple(one for one in state.quiescing if one.thread != thread)
    driver.effects.extend(waits)


def flush(driver: Driver, section: Section) -> Next:
    """Wait until the work queue has done all queued work, of every device."""
    driver.flush(Section("disable", then=section.then))
    return None


def close_free(driver: Driver, section: Section) -> Next:
    """Begin to free the program of a closed device."""
    if driver.locks("close") and not driver.lock(section):
        return None
    program = begin_to_free(driver, driver.state.cp)
    return Section("close_chains", program=program, then=section.then)


def close_chains(driver: Driver, section: Section) -> Next:
    """Free the program of a closed device."""
    caller = "DMA_UNMAP" if section.then == "unmap" else "CLOSE"
    free(driver, section.program, caller)
    if driver.locks("close"):
        driver.unlock()
    if section.then == "closed":
        return Returned(Written(0))
    return driver.choices.reset.freed(section)


def open_device(driver: Driver, section: Section) -> Next:
    """Look at the state; no lock is held."""
    found = driver.state.fsm
    if found != "STANDBY":
        driver.wrong("I10", f"OPEN finds {found}, and gives the device up")
        return _give_up(driver, section)
    return Section("enable", then=section.then)


def enable(driver: Driver, section: Section) -> Next:
    """Enable the subchannel."""
    return driver.choices.reset.enable(driver, section)


def open_idle(driver: Driver, section: Section) -> Next:
    """Set IDLE, in its own section: the reset before 6.0 holds no lock."""
    driver.state.fsm = "IDLE"
    return _opened(driver, section)


def _opened(driver: Driver, section: Section) -> Next:
    """Return from RESET, or go on with the unmapping that needed it."""
    driver.state.resets += 1
    if not section.then:
        return Returned(Written(0))
    return driver.choices.reset.opened(section)


def close_device(driver: Driver) -> Next:
    """Close a lost device."""
    return driver.choices.reset.close()


# -- the device is lost ---------------------------------------------------------------


def device_lost(driver: Driver) -> None:
    """Handle the subchannel event; `sch->lock` is held.

    Threads that wait for an interruption go on, as after their time-out.
    """
    vanish(driver.state)
    _not_operational(driver)
    complete(driver)


def _not_operational(driver: Driver) -> None:
    """Set NOT_OPER, and request the device back."""
    driver.state.fsm = "NOT_OPER"
    driver.choices.lost(driver)
    driver.signal(DeviceRequested())


def notoper_todo(driver: Driver, section: Section) -> Next:
    """Free the program of a lost device, inside io_mutex."""
    if not driver.lock(section):
        return None
    driver.state.loss = False
    program = begin_to_free(driver, driver.state.cp)
    free(driver, program, "the loss of the device")
    driver.unlock()
    return WorkDone()


# -- choices: lost --------------------------------------------------------------------


def free_nothing(_driver: Driver) -> None:
    """Free nothing: CLOSE does, before 6.0."""


def free_at_loss(driver: Driver) -> None:
    """Free the program at once: 6.0. Only `sch->lock` is held."""
    if driver.state.cp:
        free_at_once(driver, driver.state.cp, "the loss of the device")


def free_by_work(driver: Driver) -> None:
    """Queue an item that frees it inside io_mutex: since 2026."""
    if not driver.state.loss:
        driver.state.loss = True
        driver.queue("notoper_todo")


# -- choices: reset, before 6.0 -------------------------------------------------------


def _enter(_driver: Driver) -> Next:
    return Section("disable")


def _disabled(driver: Driver, section: Section) -> Next:
    driver.state.fsm = "NOT_OPER"
    return Section("enable", then=section.then)


def _was_disabled(driver: Driver, section: Section) -> Next:
    driver.state.fsm = "NOT_OPER"
    if driver.state.valid:
        return Section("enable", then=section.then)
    return Returned(Written(errno.ENODEV))


def _unmap_again(_section: Section) -> Next:
    return Section("unmap")


def _enable_at_reset(driver: Driver, section: Section) -> Next:
    driver.state.enabled = True
    show_attention(driver)
    return Section("open_idle", then=section.then)


def _free_after_reset(_section: Section) -> Next:
    return Section("close_free", then="unmap")


def _free_at_close() -> Next:
    return Section("close_free", then="closed")


DISABLE_AND_ENABLE: Final = Reset(
    deaf=frozenset({"NOT_OPER"}),
    enter=_enter,
    down=_disabled,
    not_enabled=_was_disabled,
    freed=_unmap_again,
    enable=_enable_at_reset,
    opened=_free_after_reset,
    close=_free_at_close,
)
"""vfio_ccw_mdev_reset itself quiesces and enables; it frees no program."""


# -- choices: reset, since 6.0 --------------------------------------------------------


def _enter_close(driver: Driver) -> Next:
    if driver.state.fsm == "NOT_OPER":
        return Returned(Written(errno.EINVAL))
    return Section("disable")


def _closed(driver: Driver, section: Section) -> Next:
    driver.state.fsm = "STANDBY"
    return Section("close_free", then=section.then)


def _give_up(driver: Driver, _section: Section) -> Next:
    _not_operational(driver)
    return Returned(Written(errno.EINVAL))


def _open_again(section: Section) -> Next:
    return Section("open", then=section.then)


def _enable_at_open(driver: Driver, section: Section) -> Next:
    state = driver.state
    if not state.valid:
        return _give_up(driver, section)
    if state.fsm != "STANDBY":
        driver.wrong("I10", f"OPEN overwrites {state.fsm} by IDLE")
    state.enabled = True
    show_attention(driver)
    state.fsm = "IDLE"
    return _opened(driver, section)


def _unmap_at_last(_section: Section) -> Next:
    return Section("unmap", then="unmap")


def _close_nothing() -> Next:
    return Returned(Written(0))


CLOSE_AND_OPEN: Final = Reset(
    deaf=frozenset({"NOT_OPER", "STANDBY"}),
    enter=_enter_close,
    down=_closed,
    not_enabled=_give_up,
    freed=_open_again,
    enable=_enable_at_open,
    opened=_unmap_at_last,
    close=_close_nothing,
)
"""RESET is the events CLOSE and OPEN of the FSM; CLOSE frees the program."""


SECTIONS: Final[dict[str, SectionFunction]] = {
    "disable": disable,
    "flush": flush,
    "close_free": close_free,
    "close_chains": close_chains,
    "open": open_device,
    "enable": enable,
    "open_idle": open_idle,
    "notoper_todo": notoper_todo,
}
"""By the `step` of `Section`."""
