"""The interruption: a CPU takes the status and hands its IRB to the worker.

It copies the IRB into one slot and queues the work item, unless that is queued already.
All of it is one section: hardirq, with `sch->lock` held.

Source: Linux drivers/s390/cio/cio.c (do_cio_interrupt), vfio_ccw_fsm.c (fsm_irq,
fsm_disabled_irq).
"""

from ccw_actors.channel import Fctl, Irb, Scsw, Stctl
from ccw_actors.designs.linux._driver import Driver
from ccw_actors.designs.linux._subchannel import tsch

__all__ = ["complete", "interruption", "whose"]


def interruption(driver: Driver) -> None:
    """Take the status, whatever it is, and queue its handling."""
    state, choices = driver.state, driver.choices
    state.due = False
    irb = tsch(driver)
    if irb is None:
        return
    if state.fsm in choices.reset.deaf:
        state.enabled = False
        return
    if choices.drops(state, irb.scsw):
        return
    choices.programs.detach(state, irb.scsw)
    _fill(driver, irb)
    state.age = state.resets
    # A queued item is not queued again: its worker finds the newer IRB, and the older
    # one is lost.
    if not state.work:
        state.work = True
        driver.queue("io_todo")
    complete(driver)


def _fill(driver: Driver, irb: Irb) -> None:
    """Fill the one slot, whatever is in it."""
    state, before = driver.state, driver.state.irb.scsw
    ended = before.fctl and not before.is_intermediate
    if state.fresh and ended and not irb.scsw.fctl & Fctl.CLEAR:
        mine, other = whose(irb.scsw), whose(before).removesuffix("'s interrupt")
        driver.wrong("I3", f"{mine} overwrites the IRB of {other}")
    state.irb, state.fresh, state.torn = irb, True, True


def complete(driver: Driver) -> None:
    """Wake the threads that wait for an interruption (private->completion)."""
    waiting, driver.state.quiescing = driver.state.quiescing, ()
    driver.effects.extend(waiting)


def whose(scsw: Scsw) -> str:
    """Say whose interrupt this is."""
    if scsw.fctl & Fctl.CLEAR:
        return "the CLEAR's interrupt"
    if scsw.fctl & Fctl.HALT:
        return "the HALT's interrupt"
    if scsw.fctl:
        return "the START's interrupt"
    ended = scsw.stctl & Stctl.SECONDARY
    return "the device end's interrupt" if ended else "an unsolicited interrupt"
