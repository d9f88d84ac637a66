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

from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    Area,
    ClearSubchannel,
    CommandEnded,
    ConditionCode,
    ExecuteCommand,
    HaltSignal,
    HaltSubchannel,
    InterruptionGone,
    InterruptionTaken,
    ModifySubchannel,
    Pending,
    Piece,
    Proceed,
    ReadStorage,
    ResetDone,
    ResetSignal,
    StartSubchannel,
    StorageData,
    StorageWritten,
    Stored,
    StoreSubchannel,
    TakeInterruption,
    Tested,
    TestSubchannel,
    WriteStorage,
)
from ccw_actors.channel import (
    Actl,
    Dstat,
    InterruptionCode,
    Irb,
    Pmcw,
    Schib,
    Scsw,
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
from ccw_actors.runtime import Actor, ActorRef, receive

__all__ = ["Region", "Subchannel"]

StorageRef: TypeAlias = ActorRef[ReadStorage | WriteStorage]

_CE_DE = Dstat.CHANNEL_END | Dstat.DEVICE_END
_PATH = 0x80


class Region(Struct, frozen=True):
    """Host addresses from `base` on that are the storage behind `storage`.

    With `dma` the channel reaches only what is pinned there.
    """

    base: int
    size: int
    storage: StorageRef
    dma: bool = False


class SubchannelState(Struct):
    """What a subchannel remembers.

    `interruption` is whether an I/O interruption is pending. `program` holds what came
    with START, `execution` the channel program where it stands, None if none runs.
    `run` counts channel programs, `step` the `Proceed` messages sent. `storage`,
    `device` and `reset` say which answers are awaited. `halted` and `signalled` are set
    once the halt signal, or the clear signal, has been given and status has to follow.
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


class Subchannel(Actor):
    """One subchannel with the device behind it.

    `pmcw` is what it starts with (device number, paths, V). Interruptions are announced
    to `sink`. `regions` are the storage that channel programs may name.
    """

    state: SubchannelState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        device: ActorRef[Any],
        regions: tuple[Region, ...],
        sink: ActorRef[Any],
    ) -> None:
        self._schid = schid
        self._device = device
        self._regions = regions
        self._sink = sink
        self.state = SubchannelState(Schib(pmcw))

    # -- instructions --

    @receive
    def start(self, message: StartSubchannel) -> ConditionCode:
        """SSCH: accept a channel program."""
        state, orb = self.state, message.orb
        pmcw = state.schib.pmcw
        cc, scsw = lifecycle.start(state.schib.scsw, pmcw, orb)
        if cc == 0:
            pmcw = replace(pmcw, intparm=orb.intparm, lpum=_PATH)
            state.schib = replace(state.schib, pmcw=pmcw, scsw=scsw)
            state.program = message.program
            state.execution = interpreter.begin(orb)
            state.sense = b""
            state.halted = False
            state.run += 1
            self._proceed()
        return ConditionCode(cc)

    @receive
    def halt(self, _message: HaltSubchannel) -> ConditionCode:
        """HSCH: accept a halt."""
        cc, scsw = lifecycle.halt(self._scsw, self.state.schib.pmcw)
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
        cc, self._scsw = lifecycle.clear(self._scsw, self.state.schib.pmcw)
        if cc == 0:
            self.state.interruption = False
            self.state.execution = None
            self.state.program = ()
            self.state.signalled = False
            self._proceed()
        return ConditionCode(cc)

    @receive
    def test(self, _message: TestSubchannel) -> Tested:
        """TSCH: hand the status over."""
        irb = replace(self.state.irb, scsw=self._scsw)
        cc, self._scsw = lifecycle.test(self._scsw, self.state.schib.pmcw)
        if cc == 0:
            self.state.interruption = False
        return Tested(cc, irb)

    @receive
    def store(self, _message: StoreSubchannel) -> Stored:
        """STSCH: show the subchannel."""
        return Stored(0, self.state.schib)

    @receive
    def modify(self, message: ModifySubchannel) -> ConditionCode:
        """MSCH: change what a program may change."""
        new = Schib(message.pmcw)
        cc, self.state.schib = lifecycle.modify(self.state.schib, new)
        return ConditionCode(cc)

    @receive
    def take(self, _message: TakeInterruption) -> InterruptionTaken | InterruptionGone:
        """Hand the interruption over, and withdraw it."""
        number, pmcw = self._schid.number, self.state.schib.pmcw
        if not self.state.interruption:
            return InterruptionGone(number)
        self.state.interruption = False
        code = InterruptionCode.of(self._schid, pmcw.intparm, pmcw.isc)
        return InterruptionTaken(number, code)

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
        elif state.execution is not None:
            self._perform(state.execution)

    @receive
    def storage_read(self, message: StorageData) -> None:
        """Go on with the bytes that were fetched."""
        self.state.storage = False
        execution = self.state.execution
        if execution is None:
            self._clear_if_quiet()
            return
        assert isinstance(execution.action, FetchWords | FetchData)
        areas = _areas(execution.action)
        self._answer(execution, _fetched(areas, message.parts))

    @receive
    def storage_written(self, message: StorageWritten) -> None:
        """Go on once the data are in storage."""
        self.state.storage = False
        execution = self.state.execution
        if execution is None:
            self._clear_if_quiet()
            return
        assert isinstance(execution.action, StoreData)
        wanted = sum(len(data) for _, data in execution.action.pieces)
        check = None if message.length == wanted else StorageCheck.ADDRESSING
        self._answer(execution, DataStored(message.length, check))

    @receive
    def command_ended(self, message: CommandEnded) -> None:
        """Go on after a command."""
        self.state.device = False
        execution = self.state.execution
        if execution is not None:
            self.state.sense = message.sense
            self._answer(execution, message.end)

    @receive
    def reset_done(self, _message: ResetDone) -> None:
        """Show the end of the clear function."""
        self.state.reset = self.state.device = False
        self.state.signalled = True
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
            self._present(Irb(lifecycle.clear_signalled(self._scsw)))

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
            self._present(Irb(lifecycle.halt_signalled(self._scsw)))

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
                    self._present(self._with_path(self._scsw))
            case End():
                self._end(action)

    def _interrupt(self, cpa: int) -> None:
        self._present_interrupt(cpa)

    def _present_interrupt(self, cpa: int) -> None:
        scsw = lifecycle.program_controlled(self._scsw, cpa)
        self._present(self._with_path(scsw))

    def _accept(self) -> None:
        """Note that the device takes the first command."""
        self._scsw = lifecycle.accepted(self._scsw)
        if self._scsw.pending:
            self._present(self._with_path(self._scsw))

    def _fetch(self, execution: Execution, action: FetchWords | FetchData) -> None:
        areas = _areas(action)
        known = [_within(self.state.program, area) for area in areas]
        if None not in known:
            parts = tuple(part for part in known if part is not None)
            self._answer(execution, _fetched(areas, parts))
            return
        region = self._region(areas[0].address)
        if region is None:
            self._answer(execution, Fetched(b"", StorageCheck.ADDRESSING))
            return
        wanted = tuple(Area(a.address - region.base, a.length) for a in areas)
        self.state.storage = True
        region.storage.tell(ReadStorage(self.state.run, wanted, region.dma))

    def _store(
        self, execution: Execution, pieces: tuple[tuple[int, bytes], ...]
    ) -> None:
        region = self._region(pieces[0][0])
        if region is None:
            self._answer(execution, DataStored(0, StorageCheck.ADDRESSING))
            return
        wanted = tuple(Piece(a - region.base, data) for a, data in pieces)
        self.state.storage = True
        region.storage.tell(WriteStorage(self.state.run, wanted, region.dma))

    def _region(self, address: int) -> Region | None:
        for region in self._regions:
            if region.base <= address < region.base + region.size:
                return region
        return None

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
            self._present(Irb.with_sense(scsw, _PATH, state.sense))
        else:
            self._present(self._with_path(scsw))

    def _present(self, irb: Irb) -> None:
        """Make status pending, and announce the interruption."""
        self.state.irb = irb
        self._scsw = irb.scsw
        self.state.interruption = True
        isc = self.state.schib.pmcw.isc
        self._sink.tell(Pending(self._schid.number, isc))

    def _with_path(self, scsw: Scsw) -> Irb:
        return Irb.with_path(scsw, self.state.schib.pmcw.lpum)

    @property
    def _scsw(self) -> Scsw:
        return self.state.schib.scsw

    @_scsw.setter
    def _scsw(self, scsw: Scsw) -> None:
        self.state.schib = replace(self.state.schib, scsw=scsw)


def _is_ccw(action: Action) -> bool:
    return isinstance(action, FetchWords) and action.what == Words.CCW


def _areas(action: FetchWords | FetchData) -> tuple[Area, ...]:
    if isinstance(action, FetchWords):
        return (Area(action.address, action.length),)
    return tuple(Area(address, length) for address, length in action.pieces)


def _fetched(areas: tuple[Area, ...], parts: tuple[bytes, ...]) -> Fetched:
    """Join parts up to the first that is short: there the channel meets a check."""
    data = b""
    for area, part in zip(areas, parts, strict=True):
        data += part
        if len(part) < area.length:
            return Fetched(data, StorageCheck.ADDRESSING)
    return Fetched(data)


def _within(program: tuple[Piece, ...], area: Area) -> bytes | None:
    """Return the area's bytes if the program that came with START has them all."""
    for piece in program:
        offset = area.address - piece.address
        if offset >= 0 and offset + area.length <= len(piece.data):
            return piece.data[offset : offset + area.length]
    return None
