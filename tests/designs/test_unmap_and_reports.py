"""DMA_UNMAP, channel reports, and the read of the region, before and after."""

from typing import Any

import pytest

from ccw_actors.actors.protocol import (
    IoRead,
    ReportRead,
    ReportSignalled,
    Written,
)
from ccw_actors.channel import Fctl, Irb, Scsw, Stctl
from ccw_actors.designs import DESIGNS, PathReport, Section
from ccw_actors.designs.linux._driver import Later, ToEmulator, ToWorker
from ccw_actors.designs.linux._messages import Queued, ReportAdded, Returned, WorkDone
from ccw_actors.designs.linux._read_region import read_io
from ccw_actors.designs.linux._reports import path_report, read_report, report_added
from ccw_actors.designs.linux._state import Waiter
from ccw_actors.designs.linux._unmap import unmap_dma
from tests.designs.sections import FIXED, THREAD, WAITER, do, driver_of, ran

LOCKED = FIXED
QUEUED = ToWorker(Queued("crw_todo"))
SIGNALLED = ToEmulator(ReportSignalled())
BROKEN = ("I9: a report is added while another one is taken off",)


# -- DMA_UNMAP ------------------------------------------------------------------------


def test_an_unpinned_page_is_unmapped() -> None:
    """An unpinned page is unmapped; for a pinned one the driver is asked."""
    assert unmap_dma() == Section("unmap")
    assert do("2026", "unmap") == (Returned(Written(0)), {"mapped": False}, [])
    assert do("2026", "unmap", pinned=(1,)) == (Section("check_pinned"), {}, [])


def test_without_a_program_the_driver_takes_no_lock() -> None:
    """DMA_UNMAP goes on; with a program it will be walked."""
    for holder in ("", "thread1"):
        found = do("2026", "check_pinned", cp=0, mutex=holder)
        assert found == (Section("unmap"), {}, [])
        found = do("2026", "check_pinned", cp=1, mutex=holder)
        assert found == (Section("walk_pinned"), {}, [])


@pytest.mark.parametrize("design", DESIGNS)
def test_the_program_is_walked_for_the_page(design: str) -> None:
    """DMA_UNMAP walks the program, since 2026 inside io_mutex."""
    locks = design in LOCKED
    found = do(design, "walk_pinned", cp=1)
    assert found.next == Section("checked", program=1)
    holds = {"mutex": THREAD} if locks else {}
    assert found.changed == {"walked": ((THREAD, 1),)} | holds
    found = do(design, "walk_pinned", cp=1, mutex="thread1")
    waits = Waiter(THREAD, Section("walk_pinned"))
    assert found.changed.get("waiting") == ((waits,) if locks else None)
    assert (found.next is None) is locks


@pytest.mark.parametrize("design", ["v6.0", "2026"])
def test_the_device_is_reset_if_the_page_is_its_programs(design: str) -> None:
    """io_mutex is released first; without a program the page is checked again."""
    before: dict[str, Any] = {
        "walked": ((THREAD, 1),),
        "mutex": THREAD,
        "waiting": (WAITER,),
    }
    found = ran(driver_of(design, **before), Section("checked", program=1))
    assert found.next == Section("disable", then="unmap")
    assert found.changed["walked"] == ()
    assert found.effects == ([WAITER] if design in LOCKED else [])
    assert do(design, "checked").next == Section("unmap")


# -- channel reports ------------------------------------------------------------------


@pytest.mark.parametrize("design", FIXED)
def test_a_report_is_added_in_one_go_under_the_lock(design: str) -> None:
    """Under the lock a report takes one section, and its work is queued once."""
    driver = driver_of(design, thread="")
    path_report(driver, PathReport(5))
    state = driver.state
    assert (state.reports, state.adding, state.changing) == ((5,), (), 0)
    assert state.reporting
    assert driver.effects == [QUEUED]
    path_report(driver, PathReport(6))
    assert (state.reports, driver.effects) == ((5, 6), [QUEUED])


@pytest.mark.parametrize("design", [one for one in DESIGNS if one not in FIXED])
def test_a_report_is_added_in_two_steps_without_it(design: str) -> None:
    """The next report begins when the first has been linked in."""
    driver = driver_of(design, thread="")
    path_report(driver, PathReport(5))
    path_report(driver, PathReport(6))
    state = driver.state
    assert (state.adding, state.reports, state.changing) == ((5, 6), (), 1)
    assert driver.effects == [Later(ReportAdded())]
    report_added(driver)
    assert (state.adding, state.reports, state.changing) == ((6,), (5,), 1)
    assert driver.effects == [Later(ReportAdded()), QUEUED, Later(ReportAdded())]
    report_added(driver)
    assert (state.adding, state.reports, state.changing) == ((), (5, 6), 0)
    assert not state.wrong


def test_the_emulator_is_told_of_reports_by_work() -> None:
    """The work item signals the emulator, unless the reports have been read."""
    found = do("2026", "crw_todo", reporting=True, reports=(5,))
    assert found == (WorkDone(), {"reporting": False}, [SIGNALLED])
    found = do("2026", "crw_todo", reporting=True)
    assert found == (WorkDone(), {"reporting": False}, [])


def test_the_first_report_is_read() -> None:
    """Under the lock the read takes one section, and signals if more are there."""
    driver = driver_of("2026", reports=(5, 6))
    assert read_report(driver) == Returned(ReportRead(5))
    assert (driver.state.reports, driver.state.changing) == ((6,), 0)
    assert driver.effects == [SIGNALLED]
    driver = driver_of("v6.0", reports=(5,))
    assert read_report(driver) == Section("report_taken")
    assert (driver.state.reports, driver.state.changing) == ((5,), 1)
    found = ran(driver, Section("report_taken"))
    assert found == (Returned(ReportRead(5)), {"reports": (), "changing": 0}, [])


@pytest.mark.parametrize("design", ["v6.0", "2026"])
def test_without_a_report_0_is_read(design: str) -> None:
    """Reading an empty list returns 0 and changes nothing."""
    driver = driver_of(design)
    assert read_report(driver) == Returned(ReportRead(0))
    assert driver.state.changing == 0


def test_two_may_change_the_list_at_once() -> None:
    """Without the lock one adds while another removes, in either order."""
    driver = driver_of("v6.0", reports=(5,))
    read_report(driver)
    path_report(driver, PathReport(6))
    assert driver.state.wrong == BROKEN
    driver = driver_of("v6.0", reports=(5,))
    path_report(driver, PathReport(6))
    read_report(driver)
    assert driver.state.wrong == BROKEN


# -- the read of the region -----------------------------------------------------------

ENDING = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
ALL = Fctl.START | Fctl.HALT | Fctl.CLEAR


def test_the_counter_is_cleared_before_the_region_is_read() -> None:
    """No signal between the two is lost."""
    driver = driver_of("2026", events=3)
    assert read_io(driver) == Section("read_region")
    assert driver.state.events == 0


@pytest.mark.parametrize("design", DESIGNS)
def test_the_region_is_read_inside_io_mutex(design: str) -> None:
    """The read returns what was copied into the region last."""
    found = do(design, "read_region")
    assert found == (Section("leave_read"), {"mutex": THREAD}, [])
    irb = Irb(Scsw(fctl=Fctl.START, stctl=ENDING, cpa=0x1008))
    found = do(design, "leave_read", region=irb, mutex=THREAD, waiting=(WAITER,))
    assert found.next == Returned(IoRead(irb))
    assert found.changed == {"mutex": WAITER.thread, "waiting": ()}
    assert found.effects == [WAITER]
    found = do(design, "read_region", mutex="thread1")
    waits = Waiter(THREAD, Section("read_region"))
    assert found == (None, {"waiting": (waits,)}, [])


@pytest.mark.parametrize(
    ("scsw", "wrong"),
    [
        (Scsw(fctl=Fctl.START, stctl=ENDING, cpa=0x7000_1008), True),
        (Scsw(fctl=Fctl.START, stctl=ENDING, cpa=0x1008), False),
        (Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING, cpa=0x7000_1008), False),
    ],
)
def test_a_host_address_is_shown(scsw: Scsw, *, wrong: bool) -> None:
    """A host address is wrong where it says how far the program has come."""
    found = do("2026", "leave_read", region=Irb(scsw))
    assert ("wrong" in found.changed) is wrong


@pytest.mark.parametrize(
    ("fctl", "left"),
    [
        (Fctl.START, Fctl.HALT | Fctl.CLEAR),
        (Fctl.START | Fctl.HALT, Fctl.CLEAR),
        (Fctl.CLEAR, 0),
        (0, ALL),
    ],
)
def test_composite_ends_functions_when_their_status_is_read(
    fctl: int, left: int
) -> None:
    """Reading a CLEAR's status ends all; in other designs the read ends nothing."""
    region = Irb(Scsw(fctl=fctl))
    for design in DESIGNS:
        driver = driver_of(design, region=region, kept=ALL)
        ran(driver, Section("leave_read"))
        assert driver.state.kept == (left if design == "composite" else ALL)
