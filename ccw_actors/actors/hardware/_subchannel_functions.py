"""The start, halt, clear and resume functions, performed one step a message.

`channel.lifecycle` says what an instruction answers and does to FC, AC and SC;
`channel.program` says what a channel program needs next. This module connects both to
Storage and Device. After SSCH, HSCH, CSCH and RSCH, and before every CCW, the
subchannel sends itself `Proceed`: in between, it handles other messages.

| in progress | message | what happens |
|---|---|---|
| nothing | Proceed, clear pending | clear signal to the device |
| nothing | Proceed, halt pending | status pending, or the program ends before its CCW |
| nothing | Proceed, resume pending | the suspended program goes on |
| nothing | Proceed | next CCW |
| storage | Proceed, clear or halt pending | as above, once storage has answered |
| device | Proceed, halt pending | halt signal to the device, which ends early |
| device | Proceed, clear pending | clear signal to the device |
| storage, device | the answer | next action of the program, or its end |
| device, the end of a chain | the answer | its program's end |
| clear signal | ResetDone | status pending, once storage has also answered |
| reset | ResetDone | the same for what it cut short; ResetSubchannel is answered |
| reset, device gone | ResetDone | not operational, once storage has answered |

So a channel program has no work in progress when its status, or that of the HALT or
CLEAR that ended it, becomes pending.
"""

from typing import Final

from ccw_actors.actors.hardware._channel_program_run import (
    Access,
    cut_short,
    is_ccw,
    to_fetch,
    to_store,
)
from ccw_actors.actors.hardware._regions import areas_of, fetched
from ccw_actors.actors.hardware._subchannel_links import Links
from ccw_actors.actors.hardware._subchannel_pace import Pace, UnshownPci
from ccw_actors.actors.hardware._subchannel_status import SubchannelState
from ccw_actors.actors.protocol import (
    CommandEnded,
    ConditionCode,
    ExecuteCommand,
    HaltSignal,
    Proceed,
    ResetDone,
    ResetSignal,
    StorageData,
    StorageWritten,
    SubchannelReset,
    WriteHeldTracks,
)
from ccw_actors.channel import Actl, Cc, Cstat, ModelDependent, lifecycle
from ccw_actors.channel import program as interpreter
from ccw_actors.channel.actions import (
    Answer,
    Continue,
    End,
    FetchData,
    Fetched,
    FetchWords,
    Interrupt,
    Perform,
    StoreData,
    Suspend,
    WriteHeld,
)
from ccw_actors.channel.actions import Stored as DataStored
from ccw_actors.channel.execution import Execution

__all__ = ["FunctionsAtWork"]

_STEPS: Final[dict[type, str]] = {
    FetchWords: "_fetch",
    FetchData: "_fetch",
    Perform: "_ask_device",
    StoreData: "_store",
    Interrupt: "_interrupt",
    Suspend: "_suspend",
    End: "_finish",
    WriteHeld: "_have_written",
}
"""The name of the method for each type of action."""

_BEFORE_HALT: Final = frozenset({StoreData, WriteHeld})
"""Data that the device has read are stored, those that it has taken are written."""


class FunctionsAtWork:
    """Performs the functions that a subchannel has accepted; see the table above.

    It has no state: `state` is the actor's, and each method changes it. Messages are
    sent by `links`.
    """

    def __init__(self, links: Links, model: ModelDependent, pace: Pace) -> None:
        self._links = links
        self._model = model
        self._pace = pace

    def cut(self, state: SubchannelState) -> None:
        """Reset the device; a running program ends once that has answered."""
        if state.execution is not None:
            state.end_program("program cut short")
        # A clear signal keeps reservations, the reset signal does not: it is given once
        # the device has answered the clear signal.
        if state.work.signal == "none":
            state.happened("reset signal given")
            self._links.device.tell(ResetSignal(state.run, system=True))

    def proceed(self, state: SubchannelState, message: Proceed) -> None:
        """Do the pending step: clear before halt before the channel program.

        At a pace of "any time" the halt signal and the status of a PCI have their own
        messages.
        """
        match message.what:
            case "step" if message.step == state.step:
                self._go_on(state)
            case "halt signal" if state.scsw.actl & Actl.HALT_PENDING:
                self._signal_halt(state)
            case "pci":
                self._show_pci(state)
            case _:
                pass

    def _go_on(self, state: SubchannelState) -> None:
        actl, execution = state.schib.scsw.actl, state.execution
        if actl & Actl.CLEAR_PENDING:
            if state.work.signal == "none":
                state.happened("clear signal given")
                self._links.device.tell(ResetSignal(state.run))
        elif actl & Actl.HALT_PENDING:
            if self._pace.halt_signal == "next step":
                self._signal_halt(state)
            elif execution is not None:
                self._perform(state, execution)
        elif execution is not None:
            if actl & Actl.RESUME_PENDING:
                state.scsw = lifecycle.resumed(state.scsw)
                execution = interpreter.answered(execution, Continue())
                state.execution = execution
            self._perform(state, execution)

    def storage_data(self, state: SubchannelState, message: StorageData) -> None:
        """Go on with the bytes that were fetched."""
        if message.number != state.run:
            return
        state.flushes = max(0, state.flushes - 1)
        if not state.flushes:
            state.happened("answered")
        execution = state.execution
        if execution is None:
            self._storage_rests(state)
            return
        assert isinstance(execution.action, (FetchWords, FetchData))
        areas = areas_of(execution.action)
        self._answer(state, execution, fetched(areas, message))

    def storage_written(self, state: SubchannelState, message: StorageWritten) -> None:
        """Go on once the data are in storage."""
        if message.number != state.run:
            return
        state.happened("answered")
        execution = state.execution
        if execution is None:
            self._storage_rests(state)
            return
        assert isinstance(execution.action, StoreData)
        self._answer(state, execution, DataStored(message.length, message.check))

    def command_ended(self, state: SubchannelState, message: CommandEnded) -> None:
        """Go on after a command."""
        if message.run != state.run:
            return
        state.happened("answered")
        execution = state.execution
        if execution is not None:
            state.sense = message.sense
            self._answer(state, execution, message.end)

    def reset_done(self, state: SubchannelState, message: ResetDone) -> None:
        """Show the end of the clear function, or of a reset.

        A reset that came before the answer to the clear signal is signalled now.
        """
        if state.resetting and not message.system:
            self._links.device.tell(ResetSignal(state.run, system=True))
            return
        state.happened("signal answered")
        if message.run == state.run and state.work.awaited == "device":
            state.happened("answered")
        if state.scsw.actl & Actl.CLEAR_PENDING:
            state.happened("clear signal answered")
        self._rest_if_quiet(state)

    def _storage_rests(self, state: SubchannelState) -> None:
        """End what waited for storage to finish its work for an ended program.

        That may be XSCH, which has withdrawn the program, and an HSCH after it.
        """
        self.answer_cancelled(state)
        halts = state.scsw.actl & Actl.HALT_PENDING and state.work.owed != "check"
        if halts and not state.uses_storage:
            self._signal_halt(state)
        self._rest_if_quiet(state)

    def answer_cancelled(self, state: SubchannelState) -> None:
        """Answer every XSCH that waited for storage."""
        waiting, state.cancelling = state.cancelling, ()
        for to in waiting:
            self._links.reply(to, ConditionCode(Cc.DONE))
        if waiting:
            self.offer(state)

    def _rest_if_quiet(self, state: SubchannelState) -> None:
        """End a clear function or a reset, once device and storage have answered."""
        if state.work.signal != "none" or state.uses_storage:
            return
        if state.work.owed == "end of clear":
            state.happened("shown")
            state.present_clear(self._model)
            self._links.announce(state)
        elif state.work.owed == "check":
            state.happened("shown")
            check = Cstat.INTERFACE_CONTROL_CHECK
            self._end(state, End(0, check, count=0, cpa=state.scsw.cpa, selected=True))
        if state.work.attachment == "leaving":
            state.happened("loss told")
            self._links.tell_lost()
        waiting, state.resetting = state.resetting, ()
        for to in waiting:
            self._links.reply(to, SubchannelReset(self._links.schid.index))

    def _signal_halt(self, state: SubchannelState) -> None:
        execution = state.execution
        if execution is not None and state.scsw.actl & Actl.DEVICE_ACTIVE:
            state.scsw = lifecycle.halt_signalled(state.scsw)
            state.happened("halt signal given")
            if state.work.awaited == "device":
                self._links.device.tell(HaltSignal(state.run))
            elif not state.uses_storage:
                self._cut_short(state, execution)
        elif not state.uses_storage:
            state.end_program()
            scsw = lifecycle.halt_signalled(state.scsw)
            state.present_signal(scsw, self._model)
            self._links.announce(state)

    def _cut_short(self, state: SubchannelState, execution: Execution) -> None:
        """End a halted program between two commands.

        If the fetched CCW has the PCI flag on, its PCI comes with the end.
        """
        if isinstance(execution.action, Interrupt):
            cpa = execution.action.cpa
            state.scsw = lifecycle.program_controlled(state.scsw, cpa)
        execution = interpreter.ended(execution, cut_short(execution))
        state.execution = execution
        self._perform(state, execution)

    def _answer(
        self, state: SubchannelState, execution: Execution, answer: Answer
    ) -> None:
        """Feed an answer to the program, and go on unless a halt comes first."""
        execution = interpreter.answered(execution, answer)
        state.execution = execution
        action = execution.action
        if type(action) is End:
            # Hercules shows a PCI first, and the end once the PCI has been tested.
            if not (self._model.interrupts_alone and state.scsw.pending):
                self._end(state, action)
        elif type(action) in _BEFORE_HALT:
            self._perform(state, execution)
        elif state.work.owed == "end of halt":
            self._cut_short(state, execution)
        elif is_ccw(action) or state.scsw.actl & Actl.HALT_PENDING:
            self._links.proceed(state)
        else:
            self._perform(state, execution)

    def _perform(self, state: SubchannelState, execution: Execution) -> None:
        """Do what the program needs: ask storage or the device, or answer at once."""
        action = execution.action
        getattr(self, _STEPS[type(action)])(state, execution, action)

    def _fetch(
        self,
        state: SubchannelState,
        execution: Execution,
        action: FetchWords | FetchData,
    ) -> None:
        access = to_fetch(state.run, state.program, self._links.regions, action)
        self._access(state, execution, access)

    def _store(
        self, state: SubchannelState, execution: Execution, action: StoreData
    ) -> None:
        key = execution.orb.key
        access = to_store(state.run, self._links.regions, action.pieces, key)
        self._access(state, execution, access)

    def _suspend(
        self, state: SubchannelState, _execution: Execution, action: Suspend
    ) -> None:
        state.join_pci()
        state.scsw = lifecycle.suspended(state.scsw, action.cpa, action.count)
        self._present_intermediate(state)

    def _finish(self, state: SubchannelState, _execution: Execution, end: End) -> None:
        self._end(state, end)

    def _have_written(
        self, state: SubchannelState, _execution: Execution, _action: WriteHeld
    ) -> None:
        """Have the device write what it holds, before the end is shown."""
        # A Proceed that is on its way concerns a CCW that is no longer executed.
        state.step += 1
        state.happened("device asked")
        self._links.device.tell(WriteHeldTracks(state.run))

    def _ask_device(
        self, state: SubchannelState, _execution: Execution, action: Perform
    ) -> None:
        """Have the device execute a command; with the first, START is accepted."""
        if state.scsw.actl & Actl.START_PENDING:
            state.scsw = lifecycle.accepted(state.scsw)
            self._present_intermediate(state)
        state.happened("device asked")
        self._links.device.tell(ExecuteCommand(state.run, action.command))

    def _interrupt(
        self, state: SubchannelState, execution: Execution, action: Interrupt
    ) -> None:
        """Show a PCI now, or at any time from now on, and go on."""
        if self._pace.pci == "next step":
            state.present_interrupt(action.cpa)
            self._links.announce(state)
        else:
            state.pci = UnshownPci(state.run, action.cpa)
            self._links.later("pci")
        self._answer(state, execution, Continue())

    def _access(
        self,
        state: SubchannelState,
        execution: Execution,
        access: Access | Fetched | DataStored,
    ) -> None:
        """Ask storage, unless the answer is known already."""
        if isinstance(access, (Fetched, DataStored)):
            self._answer(state, execution, access)
        else:
            state.happened("storage asked")
            access.storage.tell(access.message)

    def _end(self, state: SubchannelState, end: End) -> None:
        """Show the end of the start function, and of a halt since its start."""
        state.join_pci()
        scsw = lifecycle.ended(
            state.scsw,
            dstat=end.dstat,
            cstat=end.cstat,
            count=end.count,
            cpa=end.cpa,
            deferred_cc=end.deferred_cc,
        )
        if scsw.actl & Actl.HALT_PENDING:
            scsw = lifecycle.halt_signalled(scsw)
        state.end_program()
        state.present_end(end, scsw)
        self._links.announce(state)

    def _show_pci(self, state: SubchannelState) -> None:
        """Show a PCI, unless the end of its program has shown it."""
        pci, state.pci = state.pci, None
        if pci is not None and pci.run == state.run and state.execution is not None:
            state.present_interrupt(pci.cpa)
            self._links.announce(state)

    def _present_intermediate(self, state: SubchannelState) -> None:
        """Show an intermediate status, if the life cycle gives one."""
        if state.scsw.pending:
            state.present_intermediate(state.scsw, self._model)
            self._links.announce(state)

    def offer(self, state: SubchannelState) -> None:
        """Show held status, unless other status comes first."""
        if state.present_attention(self._links.schid):
            self._links.announce(state)
