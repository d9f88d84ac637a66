"""The start, halt, clear and resume functions at work, one step a message.

What an instruction answers and does to FC, AC and SC is `channel.lifecycle`; what a
channel program wants next is `channel.program`. Here the two meet Storage and Device.
After SSCH, HSCH, CSCH and RSCH, and before every CCW, the subchannel sends itself
`Proceed`: in between, other messages are handled.

| under way | message | what happens |
|---|---|---|
| nothing | Proceed, clear pending | clear signal to the device |
| nothing | Proceed, halt pending | status pending, or the program ends before its CCW |
| nothing | Proceed, resume pending | the suspended program goes on |
| nothing | Proceed | next CCW |
| storage | Proceed, clear or halt pending | as above, once storage has answered |
| device | Proceed, halt pending | halt signal to the device, which ends early |
| device | Proceed, clear pending | clear signal to the device |
| storage, device | the answer | next action of the program, or its end |
| clear signal | ResetDone | status pending, once storage has answered, too |
| reset | ResetDone | the same for what it cut short; who asked for it is answered |
| reset, device gone | ResetDone | not operational, once storage has answered |

So nothing of a channel program is under way any more when its status, or that of the
HALT or CLEAR that ended it, becomes pending.
"""

from msgspec.structs import replace

from ccw_actors.actors.hardware._regions import areas_of, fetched, region_of, within
from ccw_actors.actors.hardware._subchannel_status import StatusPresenter
from ccw_actors.actors.protocol import (
    Area,
    CommandEnded,
    ConditionCode,
    ExecuteCommand,
    HaltSignal,
    NotOperational,
    Piece,
    Proceed,
    ReadStorage,
    ResetDone,
    ResetSignal,
    StorageData,
    StorageWritten,
    SubchannelReset,
    WriteStorage,
)
from ccw_actors.channel import (
    Actl,
    Cstat,
    Dstat,
    Irb,
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
from ccw_actors.channel.execution import Execution
from ccw_actors.runtime import receive

__all__ = ["ChannelProgramRun"]

_CE_DE = Dstat.CHANNEL_END | Dstat.DEVICE_END


class ChannelProgramRun(StatusPresenter):
    """The part of a subchannel that runs channel programs; see `Subchannel`."""

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
        elif self._scsw.actl & Actl.RESUME_PENDING and state.execution is not None:
            self._scsw = lifecycle.resumed(self._scsw)
            state.execution = interpreter.answered(state.execution, Continue())
            self._perform(state.execution)
        elif state.execution is not None:
            self._perform(state.execution)

    @receive
    def storage_read(self, message: StorageData) -> None:
        """Go on with the bytes that were fetched."""
        if message.number != self.state.run:
            return
        self.state.flushing = max(0, self.state.flushing - 1)
        self.state.storage = self.state.flushing > 0
        execution = self.state.execution
        if execution is None:
            self._storage_rests()
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
            self._storage_rests()
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
        """Show the end of the clear function, or of a reset.

        A reset of the path that came while the clear signal was out is signalled now.
        """
        state = self.state
        if state.resetting and not message.system:
            self._device.tell(ResetSignal(state.run, system=True))
            return
        state.reset = False
        if message.run == state.run:
            state.device = False
        if self._scsw.actl & Actl.CLEAR_PENDING:
            state.signalled = True
        self._rest_if_quiet()

    def _begin_halt(self) -> None:
        self._proceed()

    def _proceed(self) -> None:
        self.state.step += 1
        self.ref.tell(Proceed(self.state.step))

    def _storage_rests(self) -> None:
        """End what has waited for storage, which worked for a program that is over.

        That may be XSCH, which has withdrawn the program, and HSCH behind it.
        """
        state = self.state
        self._answer_cancelled()
        if self._scsw.actl & Actl.HALT_PENDING and not state.cut and not state.storage:
            self._signal_halt()
        self._rest_if_quiet()

    def _answer_cancelled(self) -> None:
        """Answer those whose XSCH has waited for storage."""
        waiting, self.state.cancelling = self.state.cancelling, ()
        for to in waiting:
            self.reply(to, ConditionCode(0))
        if waiting:
            self._offer()

    def _rest_if_quiet(self) -> None:
        """End a clear function or a reset, once device and storage have answered."""
        state = self.state
        if state.reset or state.storage:
            return
        if state.signalled:
            state.signalled = False
            pmcw = lifecycle.cleared(state.schib.pmcw)
            state.schib = replace(state.schib, pmcw=pmcw)
            self._present_signal(lifecycle.clear_signalled(self._scsw))
        if state.cut:
            state.cut = False
            check = Cstat.INTERFACE_CONTROL_CHECK
            self._end(End(0, check, count=0, cpa=self._scsw.cpa, selected=True))
        if state.detached:
            state.detached = False
            self._sink.tell(NotOperational(self._schid.index))
        waiting, state.resetting = state.resetting, ()
        for to in waiting:
            self.reply(to, SubchannelReset(self._schid.index))

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
        """End a halted program between two commands, as the device would.

        A CCW that has been fetched is the current one, and so the last one used, and
        has moved nothing yet. If it has the PCI flag on, its PCI comes with the end.
        """
        if isinstance(execution.action, Interrupt):
            cpa = execution.action.cpa
            self._scsw = lifecycle.program_controlled(self._scsw, cpa)
        count, cpa = execution.ccw.count, execution.cpa
        if _is_ccw(execution.action) and not execution.areas:
            count = execution.count
            cpa = cpa if execution.tic else execution.last_cpa
        self._end(End(_CE_DE, 0, count, cpa, selected=True))

    def _answer(self, execution: Execution, answer: Answer) -> None:
        """Feed an answer to the program, and go on unless a halt is in the way."""
        execution = interpreter.answered(execution, answer)
        self.state.execution = execution
        if isinstance(execution.action, End):
            if not (self._model.interrupts_alone and self._scsw.pending):
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
        self._present(self._with_path(lifecycle.program_controlled(self._scsw, cpa)))

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


def _is_ccw(action: Action) -> bool:
    return isinstance(action, FetchWords) and action.what == Words.CCW
