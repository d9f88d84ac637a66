"""RESET, CLOSE and the loss of the device: each section, before and after."""

import errno
from typing import Any

import pytest

from ccw_actors.actors.protocol import DeviceRequested, Written
from ccw_actors.channel import Actl, Fctl, Irb, Scsw, Stctl
from ccw_actors.designs import DESIGNS, HostState, Section
from ccw_actors.designs.linux._driver import Later, ToEmulator, ToWorker
from ccw_actors.designs.linux._messages import (
    Flush,
    IoInterruption,
    Queued,
    Returned,
    SignalClear,
    SignalHalt,
    WaitExpired,
    WorkDone,
)
from ccw_actors.designs.linux._state import Fsm, Waiter
from ccw_actors.designs.linux._teardown import (
    close_device,
    device_lost,
    reset_device,
    wait_expired,
)
from tests.designs.sections import FIXED, THREAD, WAITER, do, driver_of, ran

EVENTS = ["v6.0", *FIXED]
BEFORE = [one for one in DESIGNS if one not in EVENTS]
LOCKED = FIXED
OK, INVALID = Returned(Written(0)), Returned(Written(errno.EINVAL))
STARTED = Scsw(fctl=Fctl.START, actl=Actl.START_PENDING)
RUNNING = Scsw(fctl=Fctl.START, actl=Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE)
HALTING = Scsw(fctl=Fctl.HALT, actl=Actl.HALT_PENDING)
PENDING = Scsw(stctl=Stctl.UNSOLICITED_STATUS)
REQUESTED = ToEmulator(DeviceRequested())
LIVE: dict[str, Any] = {"cp": 1, "live": (1,), "pinned": (1,), "started": 1}


@pytest.mark.parametrize("design", DESIGNS)
def test_reset_disables_first(design: str) -> None:
    """RESET begins with disable, except since 6.0 in NOT_OPER."""
    assert reset_device(driver_of(design)) == Section("disable")
    found = reset_device(driver_of(design, fsm="NOT_OPER"))
    assert found == (INVALID if design in EVENTS else Section("disable"))


# -- disable --------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["", "unmap"])
@pytest.mark.parametrize("design", DESIGNS)
def test_an_idle_subchannel_is_disabled(design: str, then: str) -> None:
    """CLOSE frees the program since 6.0; the reset before 6.0 frees none."""
    found = ran(driver_of(design), Section("disable", then=then))
    closed = design in EVENTS
    assert found.next == Section("close_free" if closed else "enable", then=then)
    state: Fsm = "STANDBY" if closed else "NOT_OPER"
    assert found.changed == {"enabled": False, "fsm": state}


def test_status_that_is_pending_is_eaten() -> None:
    """Pending status goes into a local IRB, not into the slot."""
    found = do("2026", "disable", scsw=PENDING)
    assert found.next == Section("close_free")
    assert not found.changed["scsw"].pending
    assert "irb" not in found.changed


@pytest.mark.parametrize(
    ("scsw", "signal"),
    [(RUNNING, Later(SignalHalt())), (HALTING, Later(SignalClear()))],
)
def test_a_busy_subchannel_is_halted_or_cleared(scsw: Scsw, signal: Later) -> None:
    """CLEAR follows a refused HALT; the thread waits for an interruption."""
    driver = driver_of("2026", scsw=scsw, owned=1, runs=1)
    found = ran(driver, Section("disable", then="unmap"))
    assert found.next is None
    assert found.effects == [signal, Later(WaitExpired(THREAD))]
    waits = Waiter(THREAD, Section("flush", then="unmap"))
    assert found.changed.pop("quiescing") == (waits,)
    assert found.changed.pop("expiring") == (THREAD,)
    assert set(found.changed) == {"scsw"}


def test_a_wait_for_an_interruption_ends() -> None:
    """The thread goes on alone; another one still waits."""
    mine, other = (
        Waiter(thread, Section("flush")) for thread in (THREAD, WAITER.thread)
    )
    expiring = (THREAD, WAITER.thread)
    driver = driver_of("2026", quiescing=(other, mine), expiring=expiring)
    wait_expired(driver, WaitExpired(THREAD))
    assert driver.effects == [mine]
    assert driver.state.quiescing == (other,)
    assert driver.state.expiring == (WAITER.thread,)


def test_the_end_of_a_wait_that_is_over_is_nothing() -> None:
    """An interruption has woken the thread before."""
    driver = driver_of("2026", expiring=(THREAD,))
    wait_expired(driver, WaitExpired(THREAD))
    assert driver.effects == []
    assert driver.state == HostState()


def test_a_thread_has_one_end_of_its_wait() -> None:
    """That of its first wait, if still to come, is enough."""
    found = do("2026", "disable", scsw=RUNNING, owned=1, runs=1, expiring=(THREAD,))
    assert found.effects == [Later(SignalHalt())]


def test_a_start_that_has_not_begun_is_cancelled() -> None:
    """No interruption comes for a cancelled START."""
    found = do("2026", "disable", scsw=STARTED, owned=1, runs=1)
    assert found.next == Section("flush")
    assert (found.changed["owned"], found.changed["runs"]) == (0, 0)
    assert "quiescing" not in found.changed


def test_the_work_queue_is_waited_for() -> None:
    """After the work queue the thread tries to disable the subchannel again."""
    found = ran(driver_of("2026"), Section("flush", then="unmap"))
    again = Section("disable", then="unmap")
    assert found == (None, {}, [ToWorker(Flush(THREAD, again))])


def test_before_6_0_what_is_disabled_is_enabled() -> None:
    """Before 6.0 a disabled subchannel is enabled, unless its device is gone."""
    found = do("v5.13", "disable", enabled=False)
    assert found == (Section("enable"), {"fsm": "NOT_OPER"}, [])
    found = do("v5.13", "disable", valid=False)
    assert found.next == Returned(Written(errno.ENODEV))


@pytest.mark.parametrize("before", [{"enabled": False}, {"valid": False}])
def test_since_6_0_what_is_disabled_is_given_up(before: dict[str, Any]) -> None:
    """Since 6.0 RESET of a disabled subchannel requests the device back."""
    found = do("2026", "disable", **before)
    assert found.next == INVALID
    assert found.changed == {"fsm": "NOT_OPER", "loss": True}
    assert found.effects == [ToWorker(Queued("notoper_todo")), REQUESTED]


# -- close_free, close_chains ---------------------------------------------------------


@pytest.mark.parametrize("design", DESIGNS)
def test_close_frees_the_program(design: str) -> None:
    """CLOSE frees the program, since 2026 inside io_mutex."""
    found = do(design, "close_free", **LIVE)
    assert found.next == Section("close_chains", program=1)
    counts = design == "counted-programs"
    marked = {} if counts else {"cp": 0, "started": 0}
    holds = {"mutex": THREAD} if design in LOCKED else {}
    assert found.changed == {"walked": ((THREAD, 1),)} | marked | holds
    found = do(design, "close_free", mutex="thread1")
    assert (found.next is None) is (design in LOCKED)


@pytest.mark.parametrize(
    ("design", "then", "following"),
    [
        ("v5.13", "unmap", Section("unmap")),
        ("v5.13", "closed", OK),
        ("2026", "", Section("open")),
        ("2026", "unmap", Section("open", then="unmap")),
    ],
)
def test_what_comes_when_it_is_freed(
    design: str, then: str, following: Section | Returned
) -> None:
    """Before 6.0 the unmapping goes on, which reset before; since 6.0 OPEN follows."""
    section = Section("close_chains", program=1, then=then)
    driver = driver_of(
        design, mutex=THREAD, waiting=(WAITER,), live=(1,), walked=((THREAD, 1),)
    )
    found = ran(driver, section)
    assert found.next == following
    assert (found.changed["live"], found.changed["walked"]) == ((), ())
    assert (found.effects == [WAITER]) is (design == "2026")


@pytest.mark.parametrize(("then", "caller"), [("unmap", "DMA_UNMAP"), ("", "CLOSE")])
def test_close_frees_what_the_channel_owns(then: str, caller: str) -> None:
    """The broken invariant names the caller."""
    driver = driver_of("2026", live=(1,), owned=1)
    found = ran(driver, Section("close_chains", program=1, then=then))
    what = f"I1: {caller} frees the START's program while the channel owns it"
    assert found.changed["wrong"] == (what,)


# -- open, enable, open_idle ----------------------------------------------------------


@pytest.mark.parametrize("then", ["", "unmap"])
def test_before_6_0_idle_is_set_after_the_lock(then: str) -> None:
    """No lock is held between the sections; DMA_UNMAP then frees the program."""
    driver = driver_of("v5.13", enabled=False, fsm="NOT_OPER")
    found = ran(driver, Section("enable", then=then))
    assert found == (Section("open_idle", then=then), {"enabled": True}, [])
    found = ran(driver, Section("open_idle", then=then))
    assert found.next == (Section("close_free", then="unmap") if then else OK)
    assert found.changed == {"fsm": "IDLE", "resets": 1}


@pytest.mark.parametrize("then", ["", "unmap"])
def test_since_6_0_idle_is_set_inside_the_lock(then: str) -> None:
    """OPEN goes from STANDBY to IDLE; DMA_UNMAP then checks the page again."""
    driver = driver_of("2026", enabled=False, fsm="STANDBY")
    found = ran(driver, Section("open", then=then))
    assert found == (Section("enable", then=then), {}, [])
    found = ran(driver, Section("enable", then=then))
    assert found.next == (Section("unmap", then="unmap") if then else OK)
    assert found.changed == {"enabled": True, "fsm": "IDLE", "resets": 1}


@pytest.mark.parametrize("fsm", ["IDLE", "CP_PENDING", "NOT_OPER"])
def test_since_6_0_open_gives_up_in_another_state(fsm: Fsm) -> None:
    """OPEN gives up if a worker has overwritten STANDBY."""
    found = do("v6.0", "open", enabled=False, fsm=fsm)
    assert found.next == INVALID
    assert found.effects == [REQUESTED]
    assert found.changed["wrong"] == (
        f"I10: OPEN finds {fsm}, and gives the device up",
    )
    assert "enabled" not in found.changed


def test_open_overwrites_what_came_after_its_look() -> None:
    """Of two RESETs at once, the other one has given the device up meanwhile."""
    found = do("2026", "enable", enabled=False, fsm="NOT_OPER")
    assert found.next == OK
    assert found.changed["fsm"] == "IDLE"
    assert found.changed["wrong"] == ("I10: OPEN overwrites NOT_OPER by IDLE",)


def test_open_gives_up_if_the_device_is_gone_by_then() -> None:
    """The device was lost after OPEN had found STANDBY."""
    found = do("2026", "enable", enabled=False, valid=False, fsm="STANDBY")
    assert found.next == INVALID
    assert found.changed["fsm"] == "NOT_OPER"
    assert found.effects == [ToWorker(Queued("notoper_todo")), REQUESTED]
    assert "enabled" not in found.changed


@pytest.mark.parametrize(
    ("design", "fsm"), [("v5.12", "NOT_OPER"), ("2026", "STANDBY")]
)
def test_attention_is_shown_when_the_device_is_open(design: str, fsm: Fsm) -> None:
    """OPEN shows attention that was held while the subchannel was disabled."""
    found = do(design, "enable", enabled=False, fsm=fsm, held=True)
    assert found.changed["held"] is False
    assert found.changed["scsw"].pending
    assert found.effects == [Later(IoInterruption())]


# -- the device is lost ---------------------------------------------------------------


@pytest.mark.parametrize("design", DESIGNS)
def test_the_device_is_lost(design: str) -> None:
    """The state is NOT_OPER; the program is freed at CLOSE, at once, or by work."""
    changed: dict[str, Any] = {"cp": 1, "loss": design in LOCKED}
    if design == "v6.0":
        changed |= {"cp": 0, "live": (), "pinned": ()}
    queued = [ToWorker(Queued("notoper_todo"))] if design in LOCKED else []
    waits = Waiter("thread1", Section("flush"))
    driver = driver_of(
        design, thread="", scsw=RUNNING, owned=1, runs=1, quiescing=(waits,), **LIVE
    )
    device_lost(driver)
    state = driver.state
    assert (state.valid, state.fsm, state.owned, state.runs) == (
        False,
        "NOT_OPER",
        0,
        0,
    )
    assert driver.effects == [*queued, REQUESTED, waits]
    assert {name: getattr(state, name) for name in changed} == changed
    assert not state.wrong


def test_work_of_a_lost_device_is_queued_once() -> None:
    """The work item is queued once until it is done."""
    driver = driver_of("2026", thread="", loss=True)
    device_lost(driver)
    assert driver.effects == [REQUESTED]


def test_the_program_of_a_lost_device_is_freed() -> None:
    """The work item frees the program inside io_mutex."""
    driver = driver_of("2026", thread="work-queue", loss=True, **LIVE)
    found = ran(driver, Section("notoper_todo"))
    assert found.next == WorkDone()
    assert found.changed == {
        "cp": 0,
        "started": 0,
        "live": (),
        "pinned": (),
        "loss": False,
    }
    found = do("2026", "notoper_todo", mutex="thread1", loss=True)
    waits = Waiter(THREAD, Section("notoper_todo"))
    assert found == (None, {"waiting": (waits,)}, [])


def test_close_of_a_lost_device() -> None:
    """Before 6.0 CLOSE of a lost device frees its program."""
    section = Section("close_free", then="closed")
    for design in DESIGNS:
        found = close_device(driver_of(design, valid=False, fsm="NOT_OPER"))
        assert found == (OK if design in EVENTS else section)


def test_the_table_has_both_ways_to_reset() -> None:
    """Every design resets in one of two ways."""
    assert len({design.choices.reset for design in DESIGNS.values()}) == 2
    assert {*BEFORE, *EVENTS} == set(DESIGNS)


def test_status_of_the_loss_is_no_irb() -> None:
    """The slot keeps its IRB when the device is lost."""
    irb = Irb(Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING))
    driver = driver_of("2026", thread="", irb=irb, fresh=True)
    device_lost(driver)
    assert (driver.state.irb, driver.state.fresh) == (irb, True)
