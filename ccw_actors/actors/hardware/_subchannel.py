"""Subchannel: executes I/O instructions, and runs channel programs behind them.

`channel.lifecycle` says what an instruction answers and does to FC, AC and SC;
`_subchannel_functions` performs the functions. The state and its status are
`_subchannel_status`, the work in progress `_subchannel_work`.
"""

from msgspec.structs import replace

from ccw_actors.actors.hardware._regions import Region
from ccw_actors.actors.hardware._subchannel_functions import FunctionsAtWork
from ccw_actors.actors.hardware._subchannel_links import Links
from ccw_actors.actors.hardware._subchannel_pace import PROMPT, Pace
from ccw_actors.actors.hardware._subchannel_status import SubchannelState
from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    CommandEnded,
    ConditionCode,
    DetachDevice,
    HaltSubchannel,
    InterruptionGone,
    ModifySubchannel,
    NotePath,
    NoteSettings,
    PathNoted,
    Proceed,
    ReadStorage,
    ResetDone,
    ResetSignal,
    ResetSubchannel,
    ResumeSubchannel,
    Settings,
    SettingsNoted,
    StartSubchannel,
    StorageData,
    StorageWritten,
    Stored,
    StoreSubchannel,
    SubchannelMessage,
    SubchannelToDevice,
    SubchannelToSink,
    TakeInterruption,
    Tested,
    TestSubchannel,
    UnsolicitedStatus,
)
from ccw_actors.channel import (
    Actl,
    Cc,
    Irb,
    ModelDependent,
    Orb,
    Pmcw,
    Rules,
    Schib,
    Scsw,
    SubchannelId,
    lifecycle,
)
from ccw_actors.channel import program as interpreter
from ccw_actors.channel.actions import End
from ccw_actors.channel.execution import Execution, address_limits
from ccw_actors.runtime import Actor, ActorRef, Failure, receive

__all__ = ["Subchannel"]


class Subchannel(Actor[SubchannelMessage]):
    """One subchannel with the device behind it.

    `pmcw` is what it starts with (device number, paths, V). It announces interruptions
    to `sink`. `regions` are the storage that channel programs may name. `model` holds
    what the architecture leaves open, `pace` the time of steps that may come late.
    """

    state: SubchannelState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        device: ActorRef[SubchannelToDevice],
        regions: tuple[Region, ...],
        sink: ActorRef[SubchannelToSink],
        *,
        model: ModelDependent | None = None,
        pace: Pace = PROMPT,
    ) -> None:
        self._schid = schid
        self._initial = pmcw
        self._model = model or ModelDependent()
        self._pace = pace
        self._links = Links(self, schid, device, regions, sink)
        self._functions = FunctionsAtWork(self._links, self._model, pace)
        self.state = SubchannelState(Schib(pmcw))

    # -- instructions --

    @receive
    def start(self, message: StartSubchannel) -> ConditionCode:
        """SSCH: accept a channel program."""
        state, orb = self.state, message.orb
        cc, scsw = lifecycle.start(state.scsw, state.pmcw(self._schid), orb)
        if cc == Cc.DONE:
            pmcw = state.started(orb, self._model)
            state.schib = replace(state.schib, pmcw=pmcw, scsw=scsw)
            state.execution = self._begin(orb, pmcw)
            state.program = message.program
            state.sense = b""
            state.flushes = 0
            state.run += 1
            state.happened("START accepted")
            self._functions.answer_cancelled(state)
            self._links.measure(state)
            self._links.proceed(state)
        elif cc != Cc.NOT_OPERATIONAL and self._model.lpm_from_orb:
            pmcw = replace(state.schib.pmcw, lpm=orb.lpm)
            state.schib = replace(state.schib, pmcw=pmcw)
        return ConditionCode(cc)

    def _begin(self, orb: Orb, pmcw: Pmcw) -> Execution:
        low, high = address_limits(orb, pmcw, self.state.settings.address_limit)
        rules = Rules(low, high, show_end=self._model.check_shows_end)
        return interpreter.begin(orb, rules)

    @receive
    def halt(self, _message: HaltSubchannel) -> ConditionCode:
        """HSCH: accept a halt."""
        state = self.state
        cc, scsw = lifecycle.halt(state.scsw, state.pmcw(self._schid))
        if cc == Cc.DONE:
            if state.execution is None:
                scsw = Scsw(fctl=scsw.fctl, actl=scsw.actl)
            state.scsw = scsw
            state.interruption.withdraw()
            if self._pace.halt_signal == "next step":
                self._links.proceed(state)
            else:
                self._links.later("halt signal")
        return ConditionCode(cc)

    @receive
    def clear(self, _message: ClearSubchannel) -> ConditionCode:
        """CSCH: drop the channel program and all status."""
        state = self.state
        cc, state.scsw = lifecycle.clear(state.scsw, state.pmcw(self._schid))
        if cc == Cc.DONE:
            state.drop()
            self._links.proceed(state)
        return ConditionCode(cc)

    @receive
    def resume(self, message: ResumeSubchannel) -> ConditionCode:
        """RSCH: resume a suspended channel program."""
        state = self.state
        cc, state.scsw = lifecycle.resume(state.scsw, state.pmcw(self._schid))
        if cc == Cc.DONE:
            state.program = message.program or state.program
            self._links.measure(state)
            self._links.proceed(state)
        return ConditionCode(cc)

    @receive
    def cancel_start(self, _message: CancelSubchannel) -> ConditionCode | None:
        """XSCH: withdraw a channel program that is not active.

        With condition code 0 the program has no work in progress: the answer may have
        to wait for storage.
        """
        # Every actor has a method `cancel`, which cancels a timer.
        state = self.state
        cc, state.scsw = lifecycle.cancel(state.scsw, state.pmcw(self._schid))
        if cc == Cc.DONE:
            state.end_program()
            if state.uses_storage:
                state.cancelling = (*state.cancelling, self.reply_to)
                return None
            self._functions.offer(state)
        return ConditionCode(cc)

    @receive
    def test(self, _message: TestSubchannel) -> Tested:
        """TSCH: return the status."""
        state = self.state
        irb = state.tested(self._model)
        cc, state.scsw = lifecycle.test(state.scsw, state.pmcw(self._schid))
        if cc == 0:
            state.interruption.withdraw()
            state.forget_unsolicited(irb.scsw)
            execution = state.execution
            if execution is not None and isinstance(execution.action, End):
                self._links.proceed(state)
            elif irb.scsw.actl & Actl.SUSPENDED and not state.scsw.fctl:
                # TSCH has ended the suspended program that a HALT was to end.
                state.end_program()
            self._functions.offer(state)
        return Tested(cc, irb)

    @receive
    def store(self, _message: StoreSubchannel) -> Stored:
        """STSCH: return the SCHIB."""
        state = self.state
        visible = state.is_visible(self._schid)
        cc = Cc.DONE if visible else Cc.NOT_OPERATIONAL
        return Stored(cc, replace(state.schib, scsw=state.shown(self._model)))

    @receive
    def modify(self, message: ModifySubchannel) -> ConditionCode:
        """MSCH: change what a program may change."""
        state = self.state
        if not state.is_visible(self._schid):
            return ConditionCode(Cc.NOT_OPERATIONAL)
        new = Schib(message.pmcw, mba=message.mba)
        cc, state.schib = lifecycle.modify(state.schib, new)
        return ConditionCode(cc)

    @receive
    def take_interruption(self, message: TakeInterruption) -> InterruptionGone | None:
        """Hand the interruption over, and withdraw it."""
        state = self.state
        pmcw = state.schib.pmcw
        return state.interruption.hand_over(self, message, self._schid, pmcw)

    @receive
    def failure(self, message: Failure) -> None:
        """Announce the interruption again if the CPU that took it has failed on it."""
        if self.state.interruption.put_back(message):
            self._links.announce(self.state)

    # -- from the channel subsystem, channel paths and the device --

    @receive
    def note_settings(self, message: NoteSettings) -> SettingsNoted:
        """Use new settings; a running program keeps those it began with."""
        self.state.settings = message.settings
        return SettingsNoted(self._schid.index)

    @receive
    def note_path(self, message: NotePath) -> PathNoted:
        """Use a channel path, or stop using it and cut short a program on it."""
        state, pmcw = self.state, self.state.schib.pmcw
        new = pmcw.with_path(message.chpid, available=message.available)
        state.schib = replace(state.schib, pmcw=new)
        lost = pmcw.paths_to(message.chpid) & ~new.pam
        if state.execution is not None and state.path & lost:
            self._functions.cut(state)
        return PathNoted(self._schid.index)

    @receive
    def reset(self, message: ResetSubchannel) -> None:
        """Reset subchannel and device, and answer when no work is in progress."""
        state = self.state
        state.resetting = (*state.resetting, self.reply_to)
        # A reset does not bring a lost device back.
        if message.initialize and state.work.attachment == "attached":
            state.drop()
            state.irb = Irb(Scsw())
            state.schib = Schib(self._initial)
        self._functions.cut(state)

    @receive
    def detach_device(self, _message: DetachDevice) -> None:
        """Be not operational, and announce it when no work is in progress."""
        self._detach()

    def on_restart(self) -> None:
        """Be not operational; announce it once storage and device have answered."""
        self._detach()
        state, regions = self.state, self._links.regions
        state.settings = Settings()
        state.flushes = len(regions)
        if regions:
            state.happened("restarted")
        for region in regions:
            region.storage.tell(ReadStorage(state.run, ()))

    def _detach(self) -> None:
        state = self.state
        state.drop()
        state.irb = Irb(Scsw())
        state.schib = Schib(Pmcw(devno=state.schib.pmcw.devno))
        state.happened("device lost")
        self._links.device.tell(ResetSignal(state.run))

    @receive
    def unsolicited_status(self, message: UnsolicitedStatus) -> None:
        """Show device status as soon as no other status comes first."""
        state = self.state
        state.attention |= message.dstat
        self._functions.offer(state)

    # -- the accepted functions --

    @receive
    def proceed(self, message: Proceed) -> None:
        """Perform the next step of a function."""
        self._functions.proceed(self.state, message)

    @receive
    def storage_data(self, message: StorageData) -> None:
        """Go on with the bytes that were fetched."""
        self._functions.storage_data(self.state, message)

    @receive
    def storage_written(self, message: StorageWritten) -> None:
        """Go on once the data are in storage."""
        self._functions.storage_written(self.state, message)

    @receive
    def command_ended(self, message: CommandEnded) -> None:
        """Go on after a command."""
        self._functions.command_ended(self.state, message)

    @receive
    def reset_done(self, message: ResetDone) -> None:
        """Show the end of the clear function, or of a reset."""
        self._functions.reset_done(self.state, message)
