"""HALT and CLEAR: each section of a write to the async region, before and after."""

import errno
from typing import Any

import pytest

from ccw_actors.actors.protocol import WriteAsync, Written
from ccw_actors.channel import Actl, Fctl, Scsw, Stctl
from ccw_actors.designs import DESIGNS, Section
from ccw_actors.designs.linux._async_region import write_async
from ccw_actors.designs.linux._driver import Later
from ccw_actors.designs.linux._messages import Returned, SignalClear, SignalHalt
from ccw_actors.designs.linux._state import Fsm
from tests.designs.sections import THREAD, WAITER, do, driver_of, ran

OK, BUSY = Section("leave_async"), Section("leave_async", errno.EBUSY)
STARTED = Scsw(fctl=Fctl.START, actl=Actl.START_PENDING)
ENDED = Scsw(fctl=Fctl.START, stctl=Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING)


@pytest.mark.parametrize(
    ("fsm", "reason"),
    [
        ("IDLE", 0),
        ("CP_PENDING", 0),
        ("CP_PROCESSING", errno.EAGAIN),
        ("STANDBY", errno.EIO),
        ("NOT_OPER", errno.EIO),
    ],
)
def test_the_state_says_what_a_write_does(fsm: Fsm, reason: int) -> None:
    """In IDLE and CP_PENDING it goes on with HALT or CLEAR."""
    for request, step in ((WriteAsync("HSCH"), "halt"), (WriteAsync("CSCH"), "clear")):
        driver = driver_of("2026", fsm=fsm)
        found = write_async(driver, request)
        assert found == Section("leave_async" if reason else step, reason)
        assert driver.state.mutex == THREAD


def test_a_write_does_not_wait_for_io_mutex() -> None:
    """The write tries io_mutex, and returns EAGAIN if another thread has it."""
    driver = driver_of("2026", mutex="thread1")
    again = Returned(Written(errno.EAGAIN))
    assert write_async(driver, WriteAsync("CSCH")) == again
    assert driver.state.mutex == "thread1"


@pytest.mark.parametrize("design", DESIGNS)
def test_halt(design: str) -> None:
    """HSCH sends its signal later; the thread keeps io_mutex."""
    found = do(design, "halt", scsw=STARTED, mutex=THREAD, waiting=(WAITER,))
    assert found.next == OK
    assert found.changed.pop("scsw").fctl == Fctl.START | Fctl.HALT
    assert found.changed == {"kept": Fctl.HALT}
    assert found.effects == [Later(SignalHalt())]


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ({"scsw": ENDED}, errno.EBUSY),
        ({"scsw": Scsw(fctl=Fctl.CLEAR, actl=Actl.CLEAR_PENDING)}, errno.EBUSY),
        ({"enabled": False}, errno.ENODEV),
    ],
)
def test_halt_with_another_condition_code(before: dict[str, Any], reason: int) -> None:
    """Condition codes 1 and 2 become EBUSY, 3 becomes ENODEV; nothing is kept."""
    found = do("2026", "halt", mutex=THREAD, **before)
    assert found == (Section("leave_async", reason), {}, [])


REFUSES = {
    "rfc-v2": {"kept"},
    "clear-flag": {"void"},
    "composite": {"kept", "work", "events"},
}


@pytest.mark.parametrize("field", ["kept", "void", "work", "events"])
@pytest.mark.parametrize("design", DESIGNS)
def test_what_refuses_a_halt(design: str, field: str) -> None:
    """A kept HALT or CLEAR, void status, or unread status does; a START never does."""
    value = {"kept": Fctl.CLEAR, "events": 1}.get(field, True)
    refused = field in REFUSES.get(design, set())
    found = do(design, "halt", mutex=THREAD, **{field: value})
    assert found.next == (BUSY if refused else OK)
    assert bool(found.effects) is not refused
    assert do(design, "halt", scsw=STARTED, kept=Fctl.START).next == OK


@pytest.mark.parametrize("design", DESIGNS)
def test_clear(design: str) -> None:
    """CSCH is never refused; it keeps CLEAR, in RFC v2 in addition to START."""
    found = do(design, "clear", scsw=STARTED, kept=Fctl.START, mutex=THREAD, work=True)
    assert found.next == OK
    assert found.effects == [Later(SignalClear())]
    scsw = found.changed.pop("scsw")
    assert (scsw.fctl, scsw.actl) == (Fctl.CLEAR, Actl.CLEAR_PENDING)
    kept = Fctl.START | Fctl.CLEAR if design == "rfc-v2" else Fctl.CLEAR
    voids = {"void": True} if design == "clear-flag" else {}
    assert found.changed == {"kept": kept} | voids


def test_clear_without_a_device() -> None:
    """A CLEAR without a device returns ENODEV, and nothing is kept."""
    found = do("clear-flag", "clear", valid=False, mutex=THREAD)
    assert found == (Section("leave_async", errno.ENODEV), {}, [])


@pytest.mark.parametrize("reason", [0, errno.EBUSY])
def test_leave_async(reason: int) -> None:
    """io_mutex goes to the thread that waits when the write returns."""
    driver = driver_of("2026", mutex=THREAD, waiting=(WAITER,))
    found = ran(driver, Section("leave_async", reason))
    assert found.next == Returned(Written(reason))
    assert found.changed == {"mutex": WAITER.thread, "waiting": ()}
    assert found.effects == [WAITER]
