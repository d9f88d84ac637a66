"""QEMU's subchannel and the turns of the big lock: what instructions do to the SCSW.

Pure; the tables are in `_qemu`.
"""

from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    HaltSubchannel,
    Instruction,
    InstructionAnswer,
    ModifySubchannel,
    ResumeSubchannel,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    SubchannelReset,
    Tested,
    TestSubchannel,
    WriteAsync,
    WriteIo,
)
from ccw_actors.channel import (
    Actl,
    Cc,
    Dstat,
    Fctl,
    Irb,
    Orb,
    Schib,
    Scsw,
    Stctl,
    lifecycle,
)
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.runtime import ReplyTo

__all__ = ["QemuState", "Turn"]

RegionWrite: TypeAlias = WriteIo | WriteAsync
WithoutOperand: TypeAlias = (
    ResumeSubchannel
    | HaltSubchannel
    | ClearSubchannel
    | CancelSubchannel
    | TestSubchannel
    | StoreSubchannel
)

_ENDED: Final = Stctl.ALERT | Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
_STATUS: Final = Stctl.ALERT | Stctl.PRIMARY | Stctl.SECONDARY


class Turn(Struct, frozen=True):
    """An operation that needs the big lock; `to` is where its answer, if any, goes."""

    kind: Literal["instruction", "signal", "reset", "unplug"]
    instruction: Instruction | None = None
    to: ReplyTo[InstructionAnswer | SubchannelReset] | None = None


class QemuState(Struct):
    """The subchannel as QEMU has it, and the turns of the big lock.

    `before` is the SCSW to restore if the kernel refuses. `interrupts` counts those in
    KVM's list. `turn` has the lock, `waiting` wait for it; `request` is written again
    on EAGAIN.
    """

    schib: Schib
    irb: Irb = Irb(Scsw())
    before: Scsw = Scsw()
    orb: Orb = Orb.command(0)
    interrupts: int = 0
    turn: Turn | None = None
    waiting: tuple[Turn, ...] = ()
    request: WriteIo | WriteAsync | None = None

    @property
    def scsw(self) -> Scsw:
        """Return the subchannel's status word."""
        return self.schib.scsw

    @scsw.setter
    def scsw(self, scsw: Scsw) -> None:
        self.schib = replace(self.schib, scsw=scsw)

    def execute(self, instruction: Instruction) -> InstructionAnswer | RegionWrite:
        """Execute an instruction; return its answer, or the request to the kernel."""
        match instruction:
            case StartSubchannel(orb=orb):
                result: InstructionAnswer | RegionWrite = self._start(orb)
            case ModifySubchannel(pmcw=pmcw, mba=mba):
                result = self._modify(Schib(pmcw, mba=mba))
            case _:
                result = self._execute(instruction)
        return result

    def _execute(self, instruction: WithoutOperand) -> InstructionAnswer | RegionWrite:
        match instruction:
            case ResumeSubchannel():
                result: InstructionAnswer | RegionWrite = self._resume()
            case HaltSubchannel():
                result = self._halt()
            case ClearSubchannel():
                result = self._clear()
            case CancelSubchannel():
                result = self._cancel()
            case TestSubchannel():
                result = self._test()
            case StoreSubchannel():
                result = self._store()
        return result

    def _start(self, orb: Orb) -> ConditionCode | RegionWrite:
        cc, scsw = lifecycle.start(self.scsw, self.schib.pmcw, orb)
        if cc:
            return ConditionCode(cc)
        pmcw = lifecycle.started(self.schib.pmcw, orb)
        self.schib = replace(self.schib, pmcw=pmcw)
        self.orb = orb
        return self._request(scsw, WriteIo(orb, Fctl.START))

    def _resume(self) -> ConditionCode | RegionWrite:
        cc, scsw = lifecycle.resume(self.scsw, self.schib.pmcw)
        if cc:
            return ConditionCode(cc)
        return self._request(scsw, WriteIo(self.orb, Fctl.START))

    def _halt(self) -> ConditionCode | RegionWrite:
        scsw, pmcw = self.scsw, self.schib.pmcw
        if not (pmcw.valid and pmcw.enabled):
            return ConditionCode(Cc.NOT_OPERATIONAL)
        if scsw.stctl == Stctl.PENDING or scsw.stctl & _STATUS:
            return ConditionCode(Cc.STATUS_PENDING)
        if scsw.fctl & (Fctl.HALT | Fctl.CLEAR):
            return ConditionCode(Cc.NOT_APPLICABLE)
        actl = scsw.actl | Actl.HALT_PENDING
        return self._request(
            replace(scsw, fctl=Fctl.HALT, actl=actl), WriteAsync("HSCH")
        )

    def _clear(self) -> ConditionCode | RegionWrite:
        pmcw = self.schib.pmcw
        if not (pmcw.valid and pmcw.enabled):
            return ConditionCode(Cc.NOT_OPERATIONAL)
        scsw = replace(self.scsw, fctl=Fctl.CLEAR, actl=Actl.CLEAR_PENDING)
        return self._request(scsw, WriteAsync("CSCH"))

    def _modify(self, new: Schib) -> ConditionCode:
        cc, self.schib = lifecycle.modify(self.schib, new)
        return ConditionCode(cc)

    def _store(self) -> Stored:
        return Stored(Cc.DONE, self.schib)

    def _cancel(self) -> ConditionCode:
        cc, self.scsw = lifecycle.cancel(self.scsw, self.schib.pmcw)
        return ConditionCode(cc)

    def _test(self) -> Tested:
        irb = replace(self.irb, scsw=self.scsw)
        cc, self.scsw = lifecycle.test(self.scsw, self.schib.pmcw)
        self.interrupts = max(0, self.interrupts - 1)
        return Tested(cc, irb)

    def _request(self, scsw: Scsw, request: RegionWrite) -> RegionWrite:
        """Set the SCSW as if the kernel had accepted; it may still refuse."""
        self.before, self.scsw = self.scsw, scsw
        return request

    def note_unit_exception(self) -> None:
        """Make a unit exception pending: the kernel has failed the request.

        AC keeps start-pending.
        """
        self.scsw = replace(
            self.scsw,
            stctl=_ENDED,
            cpa=self.orb.cpa + CCW_LENGTH,
            dstat=Dstat.UNIT_EXCEPTION,
        )
