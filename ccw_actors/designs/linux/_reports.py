"""Channel reports: a list that machine checks add to, and the emulator takes from.

Without a lock, adding and removing take two sections each: begin to change the links,
then finish. With crw_lock each takes one.

Source: Linux drivers/s390/cio/vfio_ccw_drv.c (vfio_ccw_chp_event, vfio_ccw_queue_crw,
vfio_ccw_crw_todo), vfio_ccw_chp.c (vfio_ccw_crw_region_read).
"""

from typing import Final

from ccw_actors.actors.protocol import ReportRead, ReportSignalled
from ccw_actors.designs.linux._driver import Driver, Next, SectionFunction
from ccw_actors.designs.linux._messages import (
    PathReport,
    ReportAdded,
    Returned,
    Section,
    WorkDone,
)

__all__ = ["SECTIONS", "path_report", "read_report", "report_added"]


def path_report(driver: Driver, message: PathReport) -> None:
    """Add a report to the list, one at a time: `sch->lock` is held."""
    state = driver.state
    state.adding = (*state.adding, message.crw)
    if len(state.adding) == 1:
        _begin_to_add(driver)


def _begin_to_add(driver: Driver) -> None:
    _change(driver)
    if driver.locks("reports"):
        report_added(driver)
    else:
        driver.later(ReportAdded())


def report_added(driver: Driver) -> None:
    """Link the report in, and queue a work item that signals the emulator."""
    state = driver.state
    first, *others = state.adding
    state.adding = tuple(others)
    state.reports = (*state.reports, first)
    state.changing -= 1
    if not state.reporting:
        state.reporting = True
        driver.queue("crw_todo")
    if others:
        _begin_to_add(driver)


def crw_todo(driver: Driver, _section: Section) -> Next:
    """Signal the eventfd of the reports."""
    driver.state.reporting = False
    if driver.state.reports:
        driver.signal(ReportSignalled())
    return WorkDone()


def read_report(driver: Driver) -> Next:
    """Begin to remove the first report from the list."""
    if not driver.state.reports:
        return Returned(ReportRead(0))
    _change(driver)
    taken = Section("report_taken")
    return report_taken(driver, taken) if driver.locks("reports") else taken


def report_taken(driver: Driver, _section: Section) -> Next:
    """Finish removing it; signal again if there are more."""
    state = driver.state
    first, *others = state.reports
    state.reports = tuple(others)
    state.changing -= 1
    if others:
        driver.signal(ReportSignalled())
    return Returned(ReportRead(first))


def _change(driver: Driver) -> None:
    """Note that the list of reports is being changed."""
    state = driver.state
    state.changing += 1
    if state.changing > 1:
        driver.wrong("I9", "a report is added while another one is taken off")


SECTIONS: Final[dict[str, SectionFunction]] = {
    "crw_todo": crw_todo,
    "report_taken": report_taken,
}
"""By the `step` of `Section`."""
