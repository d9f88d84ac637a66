"""What takes a device away: RESET, the loss of the subchannel, the unmapping of pages.

RESET is CLOSE and OPEN since 6.0; before, it quiesces and enables by itself. To quiesce
is to cancel, halt or clear, to wait for the interruption and for the whole work queue,
and to disable, until the subchannel can be disabled.

Source: Linux drivers/s390/cio/vfio_ccw_fsm.c (fsm_open, fsm_close, fsm_notoper),
vfio_ccw_drv.c (vfio_ccw_sch_quiesce, the sch_event and chp_event callbacks),
vfio_ccw_ops.c (reset, DMA_UNMAP), cio.c (cio_cancel_halt_clear, cio_commit_config).
"""

import errno

from ccw_actors.actors.protocol import (
    CloseDevice,
    DeviceRequested,
    ReadReport,
    ReportRead,
    ReportSignalled,
    ResetDevice,
    UnmapDma,
    Written,
)
from ccw_actors.channel import Schib, lifecycle
from ccw_actors.designs.linux._completion import Completion
from ccw_actors.designs.linux._memory import (
    Done,
    Flush,
    Queued,
    Returned,
    Section,
    Waiter,
)
from ccw_actors.designs.linux._requests import Next
from ccw_actors.runtime import Message, receive

__all__ = ["DeviceLost", "PathReport", "Teardown"]


class DeviceLost(Message, frozen=True):
    """The device is gone, and the machine check says so."""


class PathReport(Message, frozen=True):
    """Something happens to a channel path that a guest is to be told by a CRW."""

    crw: int


class ReportAdded(Message, frozen=True):
    """The report is linked into the list."""


class Teardown(Completion):
    """The driver's memory, with what takes the device away."""

    # -- RESET ------------------------------------------------------------------------

    @receive
    def reset_device(self, _message: ResetDevice) -> None:
        """Enter the ioctl; no lock is taken."""
        if self._features.events and self.state.fsm == "NOT_OPER":
            self._entered(Returned(Written(errno.EINVAL)))
        else:
            self._entered(Section("disable"))

    def _disable(self, section: Section) -> Next:
        """Disable the subchannel, or begin to quiesce it; `sch->lock` is held."""
        state, then = self.state, section.then
        if not state.enabled or not state.valid:
            return self._not_enabled(section)
        if state.scsw.pending:
            # What is taken here into a local IRB never reaches the driver's handler.
            self._tsch()
        cc, _ = lifecycle.modify(Schib(self._pmcw, state.scsw), Schib(self._pmcw))
        if cc == 0:
            state.enabled, state.owned, state.runs = False, 0, 0
            state.fsm = "STANDBY" if self._features.events else "NOT_OPER"
            closed = "close_free" if self._features.events else "open"
            return Section(closed, then=then)
        flush = Section("flush", then=then)
        if self._xsch() == 0:
            return flush
        if self._hsch() != 0:
            self._csch()
        state.quiescing = (*state.quiescing, Waiter(self._thread, flush))
        return None

    def _not_enabled(self, section: Section) -> Next:
        if self._features.events:
            self._not_operational()
            return Returned(Written(errno.EINVAL))
        self.state.fsm = "NOT_OPER"
        if self.state.valid:
            return Section("open", then=section.then)
        return Returned(Written(errno.ENODEV))

    def _flush(self, section: Section) -> Next:
        """Wait until the work queue has done what is queued, whoever's it is."""
        again = Section("disable", then=section.then)
        self._worker.tell(Flush(self._thread, again))
        return None

    def _close_free(self, section: Section) -> Next:
        """Begin to free the program of a device that has been closed."""
        if self._features.locked_close and not self._lock(section):
            return None
        program = self._mark_free(self.state.cp)
        return Section("close_chains", program=program, then=section.then)

    def _close_chains(self, section: Section) -> Next:
        caller = "DMA_UNMAP" if section.then == "unmap" else "CLOSE"
        self._free(section.program, caller)
        if self._features.locked_close:
            self._unlock()
        if section.then == "closed":
            return Returned(Written(0))
        if self._features.events:
            return Section("open", then=section.then)
        return Section("unmap")

    def _open(self, section: Section) -> Next:
        """Enable the subchannel; since 6.0 the event has to find it in STANDBY."""
        state, events = self.state, self._features.events
        if events and state.fsm != "STANDBY":
            self._wrong("I10", f"OPEN finds {state.fsm}, and gives the device up")
            self._not_operational()
            return Returned(Written(errno.EINVAL))
        state.enabled = True
        self._show_attention()
        if not events:
            return Section("open_idle", then=section.then)
        state.fsm = "IDLE"
        return self._opened(section)

    def _open_idle(self, section: Section) -> Next:
        self.state.fsm = "IDLE"
        return self._opened(section)

    def _opened(self, section: Section) -> Next:
        """Return from RESET, or go on with the unmapping that has wanted one."""
        self.state.resets += 1
        if not section.then:
            return Returned(Written(0))
        return Section("unmap" if self._features.events else "close_free", then="unmap")

    # -- the device is lost -----------------------------------------------------------

    @receive
    def device_lost(self, _message: DeviceLost) -> None:
        """Handle the subchannel event, `sch->lock` is held.

        Who waits for an interruption goes on: that stands for its time-out.
        """
        self._vanish()
        self._not_operational()
        self._complete()

    def _not_operational(self) -> None:
        """Be NOT_OPER, and want the device back."""
        state, features = self.state, self._features
        state.fsm = "NOT_OPER"
        if features.frees_at_loss and state.cp:
            self._free_here(state.cp, "the loss of the device")
        if features.frees_late and not state.loss:
            state.loss = True
            self._worker.tell(Queued("notoper_todo"))
        self._emulator.tell(DeviceRequested())

    def _notoper_todo(self, section: Section) -> Next | Done:
        if not self._lock(section):
            return None
        self.state.loss = False
        self._free(self._mark_free(self.state.cp), "the loss of the device")
        self._unlock()
        return Done()

    @receive
    def close_device(self, _message: CloseDevice) -> None:
        """Close a device that was lost: before 6.0 that is where it is freed."""
        if self._features.events:
            self._entered(Returned(Written(0)))
        else:
            self._entered(Section("close_free", then="closed"))

    # -- DMA_UNMAP --------------------------------------------------------------------

    @receive
    def unmap_dma(self, _message: UnmapDma) -> None:
        """Enter the ioctl."""
        self._entered(Section("unmap"))

    def _unmap(self, _section: Section) -> Next:
        """Unmap the page if it is not pinned; the lock of the IOMMU is held."""
        if self.state.pinned:
            return Section("check_pinned")
        self.state.mapped = False
        return Returned(Written(0))

    def _check_pinned(self, section: Section) -> Next:
        """Begin to walk the program for the page."""
        if self._features.locked_unmap and not self._lock(section):
            return None
        self._walk(self.state.cp)
        return Section("checked", program=self.state.cp)

    def _checked(self, section: Section) -> Next:
        self._walked()
        if self._features.locked_unmap:
            self._unlock()
        if section.program:
            return Section("disable", then="unmap")
        return Section("unmap")

    # -- channel reports --------------------------------------------------------------

    @receive
    def path_report(self, message: PathReport) -> None:
        """Add a report to the list, one after the other: `sch->lock` is held."""
        self.state.adding = (*self.state.adding, message.crw)
        if len(self.state.adding) == 1:
            self._begin_to_add()

    def _begin_to_add(self) -> None:
        self._change()
        if self._features.locked_reports:
            self._add_report()
        else:
            self.after(0.0, ReportAdded())

    @receive
    def report_added(self, _message: ReportAdded) -> None:
        """Link the report in."""
        self._add_report()

    def _add_report(self) -> None:
        state = self.state
        first, *others = state.adding
        state.adding = tuple(others)
        state.reports = (*state.reports, first)
        state.changing -= 1
        if not state.reporting:
            state.reporting = True
            self._worker.tell(Queued("crw_todo"))
        if others:
            self._begin_to_add()

    def _crw_todo(self, _section: Section) -> Done:
        self.state.reporting = False
        if self.state.reports:
            self._emulator.tell(ReportSignalled())
        return Done()

    @receive
    def read_report(self, _message: ReadReport) -> None:
        """Take the first report off the list."""
        self._entered(self._first_report())

    def _first_report(self) -> Next:
        if not self.state.reports:
            return Returned(ReportRead(0))
        self._change()
        if self._features.locked_reports:
            return self._taken_off(Section("report_taken"))
        return Section("report_taken")

    def _taken_off(self, _section: Section) -> Next:
        state = self.state
        first, *others = state.reports
        state.reports = tuple(others)
        state.changing -= 1
        if others:
            self._emulator.tell(ReportSignalled())
        return Returned(ReportRead(first))

    def _change(self) -> None:
        """Note that the list of reports is being changed."""
        state = self.state
        state.changing += 1
        if state.changing > 1:
            self._wrong("I9", "a report is added while another one is taken off")
