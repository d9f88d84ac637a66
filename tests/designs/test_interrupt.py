"""The interruption: its effects on the slot, the worker and waiting threads."""

from typing import Any

import pytest

from ccw_actors.channel import Actl, Dstat, Fctl, Irb, Scsw, Stctl
from ccw_actors.designs import DESIGNS, Driver, Section
from ccw_actors.designs.linux._driver import ToWorker
from ccw_actors.designs.linux._interrupt import interruption, whose
from ccw_actors.designs.linux._messages import Queued
from ccw_actors.designs.linux._state import Fsm, Waiter
from tests.designs.sections import FIXED, driver_of

ENDING = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
START_ENDED = Scsw(fctl=Fctl.START, stctl=ENDING, cpa=0x7000_1008)
HALT_ENDED = Scsw(fctl=Fctl.HALT, stctl=ENDING)
CLEAR_ENDED = Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING)
INTERMEDIATE = Scsw(
    fctl=Fctl.START,
    actl=Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE,
    stctl=Stctl.INTERMEDIATE_STATUS,
)
ATTENTION = Scsw(stctl=Stctl.UNSOLICITED_STATUS, dstat=Dstat.ATTENTION)
DEVICE_END = Scsw(stctl=Stctl.SECONDARY | Stctl.PENDING, dstat=Dstat.DEVICE_END)
WORK = ToWorker(Queued("io_todo"))


def interrupted(design: str, status: Scsw, **before: Any) -> Driver:
    """Return the driver after an interruption, for which a status was pending."""
    driver = driver_of(design, thread="", scsw=status, due=True, **before)
    interruption(driver)
    assert not driver.state.due
    return driver


@pytest.mark.parametrize("design", DESIGNS)
def test_the_irb_goes_into_the_slot(design: str) -> None:
    """The IRB is fresh, belongs to the newest RESET, and its work is queued."""
    driver = interrupted(design, START_ENDED, resets=2, owned=1, live=(1,))
    state = driver.state
    assert state.irb == Irb(START_ENDED)
    assert (state.fresh, state.torn, state.age, state.work) == (True, True, 2, True)
    assert (state.owned, state.scsw.fctl) == (0, 0)
    assert driver.effects == [WORK]
    assert not state.wrong


def test_no_status_is_pending() -> None:
    """An interruption without pending status changes nothing."""
    driver = interrupted("2026", Scsw(fctl=Fctl.START, actl=Actl.START_PENDING))
    assert not driver.effects
    assert (driver.state.fresh, driver.state.work) == (False, False)


def test_work_is_queued_once() -> None:
    """With the item queued already, the IRB replaces the older one in the slot."""
    driver = interrupted("2026", CLEAR_ENDED, work=True, irb=Irb(START_ENDED))
    assert driver.state.irb == Irb(CLEAR_ENDED)
    assert not driver.effects


def test_who_waits_for_an_interruption_goes_on() -> None:
    """All threads that wait go on, behind the queued work."""
    waits = Waiter("thread1", Section("flush"))
    driver = interrupted("2026", CLEAR_ENDED, quiescing=(waits,))
    assert driver.effects == [WORK, waits]
    assert driver.state.quiescing == ()


@pytest.mark.parametrize(
    ("before", "status", "wrong"),
    [
        (START_ENDED, HALT_ENDED, "the HALT's interrupt overwrites the IRB of the"),
        (START_ENDED, ATTENTION, "an unsolicited interrupt overwrites the IRB of the"),
        (START_ENDED, DEVICE_END, "the device end's interrupt overwrites the IRB of"),
        (START_ENDED, CLEAR_ENDED, ""),
        (INTERMEDIATE, START_ENDED, ""),
        (ATTENTION, START_ENDED, ""),
    ],
)
def test_what_overwrites_a_fresh_irb(before: Scsw, status: Scsw, wrong: str) -> None:
    """Overwriting is wrong, except by a CLEAR or if the lost IRB ended nothing."""
    driver = interrupted("2026", status, irb=Irb(before), fresh=True)
    found = driver.state.wrong
    assert bool(found) is bool(wrong)
    assert all(one.startswith(f"I3: {wrong}") for one in found)
    assert not interrupted("2026", status, irb=Irb(before), fresh=False).state.wrong


@pytest.mark.parametrize("fsm", ["NOT_OPER", "STANDBY", "IDLE", "CP_PROCESSING"])
@pytest.mark.parametrize("design", DESIGNS)
def test_a_device_that_is_not_open_is_disabled(design: str, fsm: Fsm) -> None:
    """In NOT_OPER, and since 6.0 in STANDBY, the status is taken and lost."""
    since_6_0 = design == "v6.0" or design in FIXED
    deaf = fsm == "NOT_OPER" or (since_6_0 and fsm == "STANDBY")
    driver = interrupted(design, ATTENTION, fsm=fsm)
    assert driver.state.enabled is not deaf
    assert driver.state.fresh is not deaf
    assert bool(driver.effects) is not deaf
    assert not driver.state.scsw.pending


@pytest.mark.parametrize("status", [START_ENDED, ATTENTION, CLEAR_ENDED])
@pytest.mark.parametrize("design", DESIGNS)
def test_void_status_is_dropped(design: str, status: Scsw) -> None:
    """Only clear-flag drops status until that of the CLEAR comes."""
    dropped = design == "clear-flag" and status is not CLEAR_ENDED
    driver = interrupted(design, status, void=True)
    assert driver.state.fresh is not dropped
    assert bool(driver.effects) is not dropped
    assert interrupted(design, status).state.fresh


@pytest.mark.parametrize("design", DESIGNS)
def test_counted_programs_are_detached(design: str) -> None:
    """A final status detaches started programs that the channel does not own."""
    counts = design == "counted-programs"
    lives = {"live": (1, 2, 3), "started": 2}
    driver = interrupted(design, CLEAR_ENDED, **lives)
    assert driver.state.detached == ((1, 2) if counts else ())
    driver = interrupted(design, INTERMEDIATE, owned=2, runs=2, **lives)
    assert driver.state.detached == ()
    driver = interrupted(design, ATTENTION, owned=2, runs=2, **lives)
    assert driver.state.detached == ((1,) if counts else ())


def test_whose_an_interrupt_is() -> None:
    """CLEAR comes before HALT before START; without FC: device end or unsolicited."""
    assert whose(CLEAR_ENDED) == "the CLEAR's interrupt"
    both = Scsw(fctl=Fctl.START | Fctl.HALT, stctl=ENDING)
    assert whose(both) == "the HALT's interrupt"
    assert whose(START_ENDED) == "the START's interrupt"
    assert whose(DEVICE_END) == "the device end's interrupt"
    assert whose(ATTENTION) == "an unsolicited interrupt"
