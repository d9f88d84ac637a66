"""Subchannel: executes I/O instructions, and runs channel programs behind them.

What an instruction answers and does to FC, AC and SC is `channel.lifecycle`. After
SSCH, HSCH, CSCH and RSCH the subchannel sends itself `Proceed`: the functions at work
are in `channel_program_run`, what is shown of them in `subchannel_status`.
"""

from msgspec.structs import replace

from ccw_actors.actors.hardware._channel_program_run import ChannelProgramRun
from ccw_actors.actors.hardware._subchannel_status import SubchannelState
from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    DetachDevice,
    HaltSubchannel,
    InterruptionGone,
    InterruptionTaken,
    ModifySubchannel,
    NotePath,
    NoteSettings,
    PathNoted,
    ReadStorage,
    ResetSignal,
    ResetSubchannel,
    ResumeSubchannel,
    SettingsNoted,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    TakeInterruption,
    Tested,
    TestSubchannel,
    UnsolicitedStatus,
)
from ccw_actors.channel import (
    Actl,
    InterruptionCode,
    Irb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    lifecycle,
)
from ccw_actors.channel import program as interpreter
from ccw_actors.channel.actions import End
from ccw_actors.runtime import receive

__all__ = ["Subchannel", "SubchannelState"]


class Subchannel(ChannelProgramRun):
    """One subchannel with the device behind it.

    `pmcw` is what it starts with (device number, paths, V). Interruptions are announced
    to `sink`. `regions` are the storage that channel programs may name. `model` holds
    what the architecture leaves open; at most `chain_max` CCWs make one data area.
    """

    @receive
    def start(self, message: StartSubchannel) -> ConditionCode:
        """SSCH: accept a channel program."""
        state, orb = self.state, message.orb
        cc, scsw = lifecycle.start(self._scsw, self._pmcw, orb)
        if cc == 0:
            state.schib = replace(state.schib, pmcw=self._started(orb), scsw=scsw)
            state.program = message.program
            state.execution = interpreter.begin(orb, self._rules(orb))
            state.sense = b""
            state.halted = state.storage = state.device = False
            state.run += 1
            self._answer_cancelled()
            self._measure()
            self._proceed()
        elif cc < 3 and self._model.lpm_from_orb:
            pmcw = replace(state.schib.pmcw, lpm=orb.lpm)
            state.schib = replace(state.schib, pmcw=pmcw)
        return ConditionCode(cc)

    @receive
    def halt(self, _message: HaltSubchannel) -> ConditionCode:
        """HSCH: accept a halt."""
        cc, scsw = lifecycle.halt(self._scsw, self._pmcw)
        if cc == 0:
            if self.state.execution is None:
                scsw = Scsw(fctl=scsw.fctl, actl=scsw.actl)
            self._scsw = scsw
            self.state.interruption = False
            self._begin_halt()
        return ConditionCode(cc)

    @receive
    def clear(self, _message: ClearSubchannel) -> ConditionCode:
        """CSCH: drop the channel program and all status."""
        cc, self._scsw = lifecycle.clear(self._scsw, self._pmcw)
        if cc == 0:
            self._drop()
            self.state.signalled = False
            self._proceed()
        return ConditionCode(cc)

    @receive
    def resume(self, message: ResumeSubchannel) -> ConditionCode:
        """RSCH: let a suspended channel program go on."""
        cc, self._scsw = lifecycle.resume(self._scsw, self._pmcw)
        if cc == 0:
            self.state.program = message.program or self.state.program
            self._measure()
            self._proceed()
        return ConditionCode(cc)

    @receive
    def cancel_start(self, _message: CancelSubchannel) -> ConditionCode | None:
        """XSCH: withdraw a channel program that is not active.

        With condition code 0 nothing of it is under way any more: storage may have to
        answer first.
        """
        state = self.state
        cc, self._scsw = lifecycle.cancel(self._scsw, self._pmcw)
        if cc == 0:
            state.execution = None
            state.program = ()
            if state.storage:
                state.cancelling = (*state.cancelling, self.reply_to)
                return None
            self._offer()
        return ConditionCode(cc)

    @receive
    def test(self, _message: TestSubchannel) -> Tested:
        """TSCH: hand the status over."""
        irb = replace(self.state.irb, scsw=self._shown)
        if self._model.esw_needs_status and not irb.scsw.pending:
            irb = Irb(irb.scsw)
        cc, self._scsw = lifecycle.test(self._scsw, self._pmcw)
        if cc == 0:
            self.state.interruption = False
            if _is_unsolicited(irb.scsw):
                self.state.irb = Irb(Scsw())
            execution = self.state.execution
            if execution is not None and isinstance(execution.action, End):
                self._proceed()
            elif irb.scsw.actl & Actl.SUSPENDED and not self._scsw.fctl:
                # A HALT was to end the suspended program: now nothing has to.
                self.state.execution = None
                self.state.program = ()
            self._offer()
        return Tested(cc, irb)

    @receive
    def store(self, _message: StoreSubchannel) -> Stored:
        """STSCH: show the subchannel."""
        cc = 0 if self._is_visible else 3
        return Stored(cc, replace(self.state.schib, scsw=self._shown))

    @receive
    def modify(self, message: ModifySubchannel) -> ConditionCode:
        """MSCH: change what a program may change."""
        if not self._is_visible:
            return ConditionCode(3)
        new = Schib(message.pmcw, mba=message.mba)
        cc, self.state.schib = lifecycle.modify(self.state.schib, new)
        return ConditionCode(cc)

    @receive
    def take(self, _message: TakeInterruption) -> InterruptionTaken | InterruptionGone:
        """Hand the interruption over, and withdraw it."""
        index, pmcw = self._schid.index, self.state.schib.pmcw
        if not self.state.interruption:
            return InterruptionGone(index)
        self.state.interruption = False
        code = InterruptionCode.of(self._schid, pmcw.intparm, pmcw.isc)
        return InterruptionTaken(index, code)

    # -- what the channel subsystem and the device have to say --

    @receive
    def note_settings(self, message: NoteSettings) -> SettingsNoted:
        """Go by other settings; a program that runs keeps those it began with."""
        self.state.settings = message.settings
        return SettingsNoted(self._schid.index)

    @receive
    def note_path(self, message: NotePath) -> PathNoted:
        """Use a channel path, or do not; what runs on it is cut short."""
        state, pmcw = self.state, self.state.schib.pmcw
        paths = pmcw.paths_to(message.chpid)
        pam = pmcw.pam | paths if message.available else pmcw.pam & ~paths
        state.schib = replace(state.schib, pmcw=replace(pmcw, pam=pam))
        if state.execution is not None and state.path & paths & ~pam:
            self._cut()
        return PathNoted(self._schid.index)

    @receive
    def reset(self, message: ResetSubchannel) -> None:
        """Reset subchannel and device, and answer when nothing runs any more."""
        state = self.state
        state.resetting = (*state.resetting, self.reply_to)
        if message.initialize:
            self._drop()
            state.irb = Irb(Scsw())
            state.schib = Schib(self._initial)
        self._cut()

    def _cut(self) -> None:
        """Reset the device; a program that runs ends once it has answered."""
        state = self.state
        if state.execution is not None:
            state.execution = None
            state.program = ()
            state.cut = True
        if not state.reset:
            state.reset = True
            self._device.tell(ResetSignal(state.run, system=True))

    @receive
    def detach(self, _message: DetachDevice) -> None:
        """Be not operational, and say so when nothing is at work any more."""
        self._detach()

    def on_restart(self) -> None:
        """Be not operational, once storage and device have done what was under way."""
        self._detach()
        self.state.storage = bool(self._regions)
        self.state.flushing = len(self._regions)
        for region in self._regions:
            region.storage.tell(ReadStorage(self.state.run, ()))

    def _detach(self) -> None:
        state = self.state
        self._drop()
        state.signalled = False
        state.irb = Irb(Scsw())
        state.schib = Schib(Pmcw(devno=state.schib.pmcw.devno))
        state.detached = True
        state.reset = True
        self._device.tell(ResetSignal(state.run))

    @receive
    def unsolicited_status(self, message: UnsolicitedStatus) -> None:
        """Show it as soon as nothing else is to be shown."""
        self.state.attention |= message.dstat
        self._offer()


def _is_unsolicited(scsw: Scsw) -> bool:
    return not scsw.fctl and scsw.stctl == Stctl.ALERT | Stctl.PENDING
