"""Subchannel: executes I/O instructions and runs channel programs, one step a message.

What an instruction answers and does to FC, AC and SC is `channel.lifecycle`; what a
channel program wants next is `channel.program`. Here the two meet Storage and Device.
After SSCH, HSCH and CSCH, and before every CCW, the subchannel sends itself `Proceed`:
in between, other messages are handled.

| under way | message | what happens |
|---|---|---|
| nothing | Proceed, clear pending | clear signal to the device |
| nothing | Proceed, halt pending | status pending, or the program ends before its CCW |
| nothing | Proceed | next CCW |
| storage | Proceed, clear or halt pending | as above, once storage has answered |
| device | Proceed, halt pending | halt signal to the device, which ends early |
| device | Proceed, clear pending | clear signal to the device |
| storage, device | the answer | next action of the program, or its end |
| clear signal | ResetDone | status pending, once storage has answered, too |

So nothing of a channel program is under way any more when its status, or that of the
HALT or CLEAR that ended it, becomes pending.
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    AddToStorage,
    Area,
    CancelSubchannel,
    ClearSubchannel,
    CommandEnded,
    ConditionCode,
    ExecuteCommand,
    HaltSignal,
    HaltSubchannel,
    InterruptionGone,
    InterruptionTaken,
    ModifySubchannel,
    NoteSettings,
    Pending,
    Piece,
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
    SubchannelReset,
    TakeInterruption,
    Tested,
    TestSubchannel,
    UnsolicitedStatus,
    WriteStorage,
)
from ccw_actors.actors.regions import Region, areas_of, fetched, region_of, within
from ccw_actors.channel import (
    Actl,
    Cstat,
    Dstat,
    InterruptionCode,
    Irb,
    ModelDependent,
    Orb,
    Pmcw,
    Rules,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
    lifecycle,
)
from ccw_actors.channel import program as interpreter
from ccw_actors.channel.actions import (
    Action,
    Answer,
    Continue,
    End,
    FetchData,
    Fetched,
    FetchWords,
    Interrupt,
    Perform,
    StorageCheck,
    StoreData,
    Suspend,
    Words,
)
from ccw_actors.channel.actions import Stored as DataStored
from ccw_actors.channel.program import Execution
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["Subchannel"]

_CE_DE = Dstat.CHANNEL_END | Dstat.DEVICE_END
_PATH = 0x80
_BLOCK_LENGTH = 32
_BLOCK_UPDATE = 2
_BELOW, _ABOVE = 2, 1


class SubchannelState(Struct):
    """What a subchannel remembers.

    `interruption` is whether an I/O interruption is pending. `program` holds what came
    with START, `execution` the channel program where it stands, None if none runs.
    `run` counts channel programs, `step` the `Proceed` messages sent. `storage`,
    `device` and `reset` say which answers are awaited. `halted` and `signalled` are set
    once the halt signal, or the clear signal, has been given and status has to follow.
    `path` is the mask of the path last used, `attention` is device status that is held
    back. `resetting` are told once a reset is done.
    """

    schib: Schib
    irb: Irb = Irb(Scsw())
    interruption: bool = False
    program: tuple[Piece, ...] = ()
    execution: Execution | None = None
    sense: bytes = b""
    run: int = 0
    step: int = 0
    storage: bool = False
    device: bool = False
    reset: bool = False
    halted: bool = False
    signalled: bool = False
    path: int = _PATH
    attention: int = 0
    settings: Settings = Settings()
    resetting: tuple[ReplyTo, ...] = ()


class Subchannel(Actor):
    """One subchannel with the device behind it.

    `pmcw` is what it starts with (device number, paths, V). Interruptions are announced
    to `sink`. `regions` are the storage that channel programs may name. `model` holds
    what the architecture leaves open; at most `chain_max` CCWs make one data area.
    """

    state: SubchannelState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        device: ActorRef[Any],
        regions: tuple[Region, ...],
        sink: ActorRef[Any],
        *,
        model: ModelDependent | None = None,
        chain_max: int = 256,
    ) -> None:
        self._schid = schid
        self._initial = pmcw
        self._device = device
        self._regions = regions
        self._sink = sink
        self._model = model or ModelDependent()
        self._chain_max = chain_max
        self.state = SubchannelState(Schib(pmcw))

    # -- instructions --

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
    def resume(self, _message: ResumeSubchannel) -> ConditionCode:
        """RSCH: let a suspended channel program go on."""
        cc, self._scsw = lifecycle.resume(self._scsw, self._pmcw)
        if cc == 0:
            self._measure()
            self._proceed()
        return ConditionCode(cc)

    @receive
    def cancel_start(self, _message: CancelSubchannel) -> ConditionCode:
        """XSCH: withdraw a channel program that is not active."""
        cc, self._scsw = lifecycle.cancel(self._scsw, self._pmcw)
        if cc == 0:
            self.state.execution = None
            self.state.program = ()
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
    def reset(self, message: ResetSubchannel) -> None:
        """Reset subchannel and device, and answer when nothing runs any more."""
        state = self.state
        state.resetting = (*state.resetting, self.reply_to)
        was_running = state.execution is not None
        self._drop()
        state.attention = 0
        if message.initialize:
            state.irb = Irb(Scsw())
            state.schib = Schib(self._initial)
        elif was_running:
            self._end(
                End(
                    0,
                    Cstat.INTERFACE_CONTROL_CHECK,
                    count=0,
                    cpa=self._scsw.cpa,
                    selected=True,
                )
            )
        if not state.reset:
            state.reset = True
            self._device.tell(ResetSignal(state.run))

    @receive
    def unsolicited_status(self, message: UnsolicitedStatus) -> None:
        """Show it as soon as nothing else is to be shown."""
        self.state.attention |= message.dstat
        self._offer()

    # -- the functions at work --

    @receive
    def proceed(self, message: Proceed) -> None:
        """Do what is pending: clear before halt before the channel program."""
        state = self.state
        if message.step != state.step:
            return
        if self._scsw.actl & Actl.CLEAR_PENDING:
            if not state.reset:
                state.reset = True
                state.signalled = False
                self._device.tell(ResetSignal(state.run))
        elif self._scsw.actl & Actl.HALT_PENDING:
            self._signal_halt()
        elif self._scsw.actl & Actl.RESUME_PENDING:
            self._scsw = lifecycle.resumed(self._scsw)
            assert state.execution is not None, "what can be resumed is there"
            state.execution = interpreter.answered(state.execution, Continue())
            self._perform(state.execution)
        elif state.execution is not None:
            self._perform(state.execution)

    @receive
    def storage_read(self, message: StorageData) -> None:
        """Go on with the bytes that were fetched."""
        if message.number != self.state.run:
            return
        self.state.storage = False
        execution = self.state.execution
        if execution is None:
            self._clear_if_quiet()
            return
        assert isinstance(execution.action, FetchWords | FetchData)
        areas = areas_of(execution.action)
        self._answer(execution, fetched(areas, message))

    @receive
    def storage_written(self, message: StorageWritten) -> None:
        """Go on once the data are in storage."""
        if message.number != self.state.run:
            return
        self.state.storage = False
        execution = self.state.execution
        if execution is None:
            self._clear_if_quiet()
            return
        assert isinstance(execution.action, StoreData)
        self._answer(execution, DataStored(message.length, message.check))

    @receive
    def command_ended(self, message: CommandEnded) -> None:
        """Go on after a command."""
        if message.run != self.state.run:
            return
        self.state.device = False
        execution = self.state.execution
        if execution is not None:
            self.state.sense = message.sense
            self._answer(execution, message.end)

    @receive
    def reset_done(self, message: ResetDone) -> None:
        """Show the end of the clear function, or of a reset."""
        state = self.state
        state.reset = False
        if message.run == state.run:
            state.device = False
        waiting, state.resetting = state.resetting, ()
        for to in waiting:
            self.reply(to, SubchannelReset(self._schid.index))
        if self._scsw.actl & Actl.CLEAR_PENDING:
            state.signalled = True
            self._clear_if_quiet()

    def _begin_halt(self) -> None:
        self._proceed()

    def _proceed(self) -> None:
        self.state.step += 1
        self.ref.tell(Proceed(self.state.step))

    def _clear_if_quiet(self) -> None:
        """End the clear function once the device and storage have answered all."""
        state = self.state
        if state.signalled and not state.storage:
            state.signalled = False
            pmcw = lifecycle.cleared(state.schib.pmcw)
            state.schib = replace(state.schib, pmcw=pmcw)
            self._present_signal(lifecycle.clear_signalled(self._scsw))

    def _signal_halt(self) -> None:
        state, execution = self.state, self.state.execution
        if execution is not None and self._scsw.actl & Actl.DEVICE_ACTIVE:
            self._scsw = lifecycle.halt_signalled(self._scsw)
            state.halted = True
            if state.device:
                self._device.tell(HaltSignal(state.run))
            elif not state.storage:
                self._cut_short(execution)
        elif not state.storage:
            state.execution = None
            state.program = ()
            self._present_signal(lifecycle.halt_signalled(self._scsw))

    def _cut_short(self, execution: Execution) -> None:
        """End a halted program between two commands, as the device would."""
        self._end(End(_CE_DE, 0, execution.count, execution.cpa, selected=True))

    def _answer(self, execution: Execution, answer: Answer) -> None:
        """Feed an answer to the program, and go on unless a halt is in the way."""
        execution = interpreter.answered(execution, answer)
        self.state.execution = execution
        if isinstance(execution.action, End):
            self._end(execution.action)
        elif isinstance(execution.action, StoreData):
            self._perform(execution)
        elif self.state.halted:
            self._cut_short(execution)
        elif _is_ccw(execution.action) or self._scsw.actl & Actl.HALT_PENDING:
            self._proceed()
        else:
            self._perform(execution)

    def _perform(self, execution: Execution) -> None:
        """Do what the program wants: ask storage or the device, or answer at once."""
        state, action = self.state, execution.action
        match action:
            case Perform(command):
                if self._scsw.actl & Actl.START_PENDING:
                    self._accept()
                state.device = True
                self._device.tell(ExecuteCommand(state.run, command))
            case FetchWords() | FetchData():
                self._fetch(execution, action)
            case StoreData(pieces):
                self._store(execution, pieces)
            case Interrupt(cpa):
                self._interrupt(cpa)
                self._answer(execution, Continue())
            case Suspend(cpa, count):
                self._scsw = lifecycle.suspended(self._scsw, cpa, count)
                if self._scsw.pending:
                    self._present(self._intermediate(self._scsw))
            case End():
                self._end(action)

    def _interrupt(self, cpa: int) -> None:
        self._present_interrupt(cpa)

    def _present_interrupt(self, cpa: int) -> None:
        scsw = lifecycle.program_controlled(self._scsw, cpa)
        self._present(self._intermediate(scsw))

    def _accept(self) -> None:
        """Note that the device takes the first command."""
        self._scsw = lifecycle.accepted(self._scsw)
        if self._scsw.pending:
            self._present(self._intermediate(self._scsw))

    def _fetch(self, execution: Execution, action: FetchWords | FetchData) -> None:
        areas = areas_of(action)
        known = [within(self.state.program, area) for area in areas]
        if None not in known:
            self._answer(execution, Fetched(b"".join(part or b"" for part in known)))
            return
        region = region_of(self._regions, areas[0].address)
        if region is None:
            self._answer(execution, Fetched(b"", StorageCheck.ADDRESSING))
            return
        wanted = tuple(Area(a.address - region.base, a.length) for a in areas)
        self.state.storage = True
        message = ReadStorage(self.state.run, wanted, region.dma, action.key)
        region.storage.tell(message)

    def _store(
        self, execution: Execution, pieces: tuple[tuple[int, bytes], ...]
    ) -> None:
        region = region_of(self._regions, pieces[0][0])
        if region is None:
            self._answer(execution, DataStored(0, StorageCheck.ADDRESSING))
            return
        wanted = tuple(Piece(a - region.base, data) for a, data in pieces)
        self.state.storage = True
        key = execution.orb.key
        message = WriteStorage(self.state.run, wanted, region.dma, key)
        region.storage.tell(message)

    def _end(self, end: End) -> None:
        """Show the end of the start function, and of a halt that came meanwhile."""
        state = self.state
        scsw = lifecycle.ended(
            self._scsw,
            dstat=end.dstat,
            cstat=end.cstat,
            count=end.count,
            cpa=end.cpa,
            deferred_cc=end.deferred_cc,
        )
        if scsw.actl & Actl.HALT_PENDING:
            scsw = lifecycle.halt_signalled(scsw)
        state.execution = None
        state.program = ()
        if end.dstat & Dstat.UNIT_CHECK and state.schib.pmcw.concurrent_sense:
            self._present(Irb.with_sense(scsw, state.path, state.sense))
        else:
            self._present(self._with_path(scsw))

    def _present(self, irb: Irb) -> None:
        """Make status pending, and announce the interruption."""
        self.state.irb = irb
        self._scsw = irb.scsw
        self.state.interruption = True
        isc = self.state.schib.pmcw.isc
        self._sink.tell(Pending(self._schid.index, isc))

    def _present_signal(self, scsw: Scsw) -> None:
        """Show the end of a halt or clear function."""
        if self._model.signals_set_lpum:
            pmcw = replace(self.state.schib.pmcw, lpum=self.state.path)
            self.state.schib = replace(self.state.schib, pmcw=pmcw)
        if self._model.esw_of_signals:
            self._present(self._with_path(scsw))
        elif self._model.keeps_esw:
            self._present(self._as_before(scsw))
        else:
            self._present(Irb(scsw))

    def _intermediate(self, scsw: Scsw) -> Irb:
        """Return the IRB of a status that does not end the start function."""
        keeps = self._model.keeps_esw
        return self._as_before(scsw) if keeps else self._with_path(scsw)

    def _with_path(self, scsw: Scsw) -> Irb:
        return Irb.with_path(scsw, self.state.path)

    def _as_before(self, scsw: Scsw) -> Irb:
        """Return an IRB whose ESW is still that of an earlier status."""
        before = self.state.irb
        return Irb.with_path(scsw, before.lpum)

    def _drop(self) -> None:
        """Forget the channel program and all status."""
        state = self.state
        state.interruption = False
        state.execution = None
        state.program = ()
        state.attention = 0

    def _offer(self) -> None:
        """Show held status, if nothing else is to be shown first."""
        state = self.state
        if state.attention:
            scsw = lifecycle.unsolicited(self._scsw, state.attention)
            if not self._pmcw.enabled:
                state.attention = 0
            elif scsw is not None:
                state.attention = 0
                self._present(self._with_path(scsw))

    # -- settings --

    @property
    def _is_visible(self) -> bool:
        settings, schid = self.state.settings, self._schid
        return (settings.sets or not schid.ssid) and (
            settings.images or not schid.m or not schid.cssid
        )

    @property
    def _pmcw(self) -> Pmcw:
        """The PMCW as instructions find it: not operational unless visible."""
        return self.state.schib.pmcw if self._is_visible else Pmcw()

    @property
    def _shown(self) -> Scsw:
        """The SCSW as instructions store it."""
        hidden = lifecycle.FROM_ORB & ~self._model.scsw_from_orb
        return replace(self._scsw, flags=self._scsw.flags & ~hidden)

    def _started(self, orb: Orb) -> Pmcw:
        """Return the PMCW after START, and note the path to be used."""
        pmcw, model = self.state.schib.pmcw, self._model
        usable = orb.lpm & pmcw.pam
        self.state.path = 1 << (usable.bit_length() - 1)
        lpum = self.state.path if model.start_sets_lpum else pmcw.lpum
        lpm = orb.lpm if model.lpm_from_orb else pmcw.lpm
        return replace(pmcw, intparm=orb.intparm, lpum=lpum, lpm=lpm)

    def _rules(self, orb: Orb) -> Rules:
        mode, limit = self.state.schib.pmcw.limit_mode, self.state.settings
        rules = Rules(chain_max=self._chain_max, show_end=self._model.check_shows_end)
        if orb.address_limit and mode == _ABOVE:
            return replace(rules, low=limit.address_limit)
        if orb.address_limit and mode == _BELOW:
            return replace(rules, high=limit.address_limit)
        return rules

    def _measure(self) -> None:
        """Count a START or RESUME in the measurement block, if there is one."""
        pmcw, origin = self.state.schib.pmcw, self.state.settings.measurement_origin
        if origin is not None and pmcw.measurement_mode & _BLOCK_UPDATE:
            address = origin + pmcw.mbi * _BLOCK_LENGTH
            region = region_of(self._regions, address)
            if region is not None:
                region.storage.tell(AddToStorage(address - region.base, 1))

    @property
    def _scsw(self) -> Scsw:
        return self.state.schib.scsw

    @_scsw.setter
    def _scsw(self, scsw: Scsw) -> None:
        self.state.schib = replace(self.state.schib, scsw=scsw)


def _is_unsolicited(scsw: Scsw) -> bool:
    return not scsw.fctl and scsw.stctl == Stctl.ALERT | Stctl.PENDING


def _is_ccw(action: Action) -> bool:
    return isinstance(action, FetchWords) and action.what == Words.CCW
