"""Completion: the interruption, and the worker that it hands its IRB to.

An interruption copies its IRB into one slot and queues the work item, unless that is
queued already. The worker decides by the state, and by no identity, whose IRB it has.

Source: Linux drivers/s390/cio/vfio_ccw_fsm.c (fsm_irq, fsm_disabled_irq) and
vfio_ccw_drv.c (vfio_ccw_sch_io_todo).
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import IoRead, ReadIo, Signalled
from ccw_actors.channel import Fctl, Irb, Scsw, Stctl
from ccw_actors.designs.linux._hardware import (
    HOST_CPA,
    guest_cpa,
    is_final,
    is_solicited,
    shows_cpa,
)
from ccw_actors.designs.linux._memory import Done, Queued, Returned, Section
from ccw_actors.designs.linux._requests import Next, Requests
from ccw_actors.runtime import receive

__all__ = ["Completion"]

_INTERMEDIATE: Final = Stctl.INTERMEDIATE | Stctl.PENDING
_OVER_WITH: Final = {
    0: Fctl.START,
    Fctl.HALT: Fctl.START | Fctl.HALT,
    Fctl.CLEAR: Fctl.START | Fctl.HALT | Fctl.CLEAR,
}
"""Which kept bits a final IRB of RFC v2 clears, by its own HALT and CLEAR bits."""


class Completion(Requests):
    """The driver's memory, with what an interruption sets going."""

    # -- hardirq, sch->lock held ------------------------------------------------------

    def _take_interruption(self) -> None:
        state, features = self.state, self._features
        irb = self._tsch()
        if irb is None:
            return
        if state.fsm == "NOT_OPER" or (features.events and state.fsm == "STANDBY"):
            state.enabled = False
            return
        if features.clear_flag and state.void and not irb.scsw.fctl & Fctl.CLEAR:
            return
        if features.counted and is_final(irb.scsw):
            state.detached = tuple(
                one for one in state.live if one <= state.started and one != state.owned
            )
        self._fill(irb)
        state.age = state.resets
        if not state.work:
            state.work = True
            self._worker.tell(Queued("io_todo"))
        self._complete()

    def _fill(self, irb: Irb) -> None:
        """Fill the one slot, whatever is in it."""
        state, before = self.state, self.state.irb.scsw
        lost = state.fresh and before.fctl and before.stctl != _INTERMEDIATE
        if lost and not irb.scsw.fctl & Fctl.CLEAR:
            mine, other = whose(irb.scsw), whose(before).removesuffix("'s interrupt")
            self._wrong("I3", f"{mine} overwrites the IRB of {other}")
        state.irb, state.fresh, state.torn = irb, True, True

    def _complete(self) -> None:
        """Let the thread go on that waits for an interruption."""
        waiting, self.state.quiescing = self.state.quiescing, ()
        for one in waiting:
            self.system.ref(one.thread).tell(one.section)

    # -- the worker -------------------------------------------------------------------

    def _io_todo(self, _section: Section) -> Next:
        self.state.work = False
        return Section("read_final")

    def _read_final(self, _section: Section) -> Next:
        return Section("read_irb", final=is_final(self.state.irb.scsw))

    def _read_irb(self, section: Section) -> Next | Done:
        state, features = self.state, self._features
        if features.locked_worker and not self._lock(section):
            return None
        scsw, final = state.irb.scsw, section.final
        if features.clear_flag and state.void and not scsw.fctl & Fctl.CLEAR:
            self._unlock()
            return Done()
        if not is_solicited(scsw) and not state.detached:
            apart = features.unsolicited_apart
            return Section("copy_irb", final=final and not apart)
        self._walk(state.cp)
        state.irb = replace(state.irb, scsw=guest_cpa(scsw, state.cp))
        return Section("test_free", final=final, program=state.cp)

    def _test_free(self, section: Section) -> Next:
        state, features = self.state, self._features
        self._walked()
        if features.counted:
            frees = bool(state.detached)
        elif features.started_flag:
            frees = section.final and state.cp != 0 and state.started == state.cp
        else:
            frees = section.final and state.fsm == "CP_PENDING"
        if frees:
            program = state.detached[0] if features.counted else state.cp
            return Section("cp_free", final=section.final, program=program)
        return Section("copy_irb", final=section.final)

    def _cp_free(self, section: Section) -> Next:
        program = self._mark_free(section.program)
        return replace(section, step="free_chains", program=program)

    def _free_chains(self, section: Section) -> Next:
        state, features = self.state, self._features
        self._free(section.program, whose(state.irb.scsw))
        if features.counted and state.detached:
            return Section("cp_free", final=section.final, program=state.detached[0])
        if features.free_sets_idle:
            self._set_state("IDLE", "the worker")
        return Section("copy_irb", final=section.final, finished=True)

    def _copy_irb(self, section: Section) -> Next:
        state = self.state
        if not self._lock(section):
            return None
        if self._program == "halves":
            state.torn = False
            return replace(section, step="copy_rest")
        return self._copied(section)

    def _copy_rest(self, section: Section) -> Next:
        if self.state.torn:
            self._wrong("torn", "an interruption fills the slot while it is copied")
        return self._copied(section)

    def _copied(self, section: Section) -> Next:
        state = self.state
        if not state.fresh:
            self._wrong("I3", f"{whose(state.irb.scsw)} is handed over twice")
        state.region, state.fresh = state.irb, False
        if not self._features.locked_worker:
            self._unlock()
        return replace(section, step="set_idle")

    def _set_idle(self, section: Section) -> Next:
        state, features = self.state, self._features
        if features.finished:
            idle = section.finished
        elif features.free_sets_idle or features.no_pending_state:
            idle = False
        else:
            idle = section.final
        if idle:
            self._set_state("IDLE", "the worker")
        fctl = state.region.scsw.fctl
        if features.kept_activity and section.final:
            state.kept &= ~_OVER_WITH[fctl & (Fctl.HALT | Fctl.CLEAR)]
        if fctl & Fctl.CLEAR:
            state.void = False
        if features.locked_worker:
            self._unlock()
        return Section("signal")

    def _signal(self, _section: Section) -> Done:
        state = self.state
        if state.age < state.resets:
            self._wrong("stale", f"after RESET {whose(state.irb.scsw)} is handed over")
        state.events += 1
        if state.events == 1:
            self._emulator.tell(Signalled())
        return Done()

    # -- the emulator reads -----------------------------------------------------------

    @receive
    def read_io(self, _message: ReadIo) -> None:
        """Test and clear the event counter."""
        self.state.events = 0
        self._entered(Section("read_region"))

    def _read_region(self, section: Section) -> Next:
        state = self.state
        if not self._lock(section):
            return None
        scsw = state.region.scsw
        if scsw.cpa >= HOST_CPA and shows_cpa(scsw):
            self._wrong("I13", "the guest is shown a host address as CCW address")
        if self._features.composite:
            fctl = state.region.scsw.fctl
            state.kept = 0 if fctl & Fctl.CLEAR else state.kept & ~fctl
        self._unlock()
        return Returned(IoRead(state.region))


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
