"""Guest: one virtual CPU and the program that it runs, operation by operation.

| state | event | next |
|---|---|---|
| running | the program wants an I/O instruction | instruction: sent to the subchannel |
| running | the program wants storage | storage: sent to the guest's Storage |
| running | the program waits | waiting: AwaitInterruption to the ChannelSubsystem |
| instruction, storage, waiting | the answer | running: the program gets it |
| waiting | the wait's timer | waiting: the wait is cancelled, its answer follows |
| running | the program returns or raises | ended: GuestEnded to the Emulator |
"""

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Final, TypeAlias, cast, get_args

import msgspec
from msgspec import Struct

from ccw_actors.actors.guest._coroutine_program import AsyncProgram, CoroutineProgram
from ccw_actors.actors.guest._operations import (
    NOT_OPERATIONAL,
    FromStorage,
    checked,
    is_start,
    operand_exception,
    to_storage,
)
from ccw_actors.actors.guest._program_thread import describe, unfit
from ccw_actors.actors.protocol import (
    AwaitInterruption,
    AwaitStatus,
    CancelAwait,
    ConditionCode,
    Fetch,
    GuestEnded,
    GuestMessage,
    GuestReport,
    GuestToStorage,
    GuestToSubsystem,
    InsertKey,
    Instruct,
    Instruction,
    InstructSubsystem,
    Interruption,
    Operate,
    Operation,
    Outcome,
    ProgramEnded,
    ReportProgress,
    RunProgram,
    SetKey,
    Stopped,
    Store,
    Stored,
    Tested,
    WaitOver,
)
from ccw_actors.channel import Cc, ProgramException
from ccw_actors.errors import DispatcherError
from ccw_actors.runtime import Actor, ActorRef, Failure, ReplyTo, receive

__all__ = ["DataProgram", "Guest"]

log = logging.getLogger("ccw_actors")
# A type is looked up: isinstance takes long where a Struct is of another type.
_FROM_STORAGE: Final = frozenset(get_args(FromStorage))
_WITH_CC: Final = (ConditionCode, Tested, Stored)

DataProgram: TypeAlias = Sequence[Operation]


class GuestState(Struct):
    """What a virtual CPU remembers.

    `operation` is the one in progress, `asker` where its outcome goes if the program
    runs elsewhere. `outcomes` are those of the operations so far, if they are kept.
    `timer` is the key of the wait's timer, 0 if none.
    """

    operation: Operation | None = None
    asker: ReplyTo[Outcome] | None = None
    outcomes: list[Outcome] = []
    waits: int = 0
    timer: int = 0
    ios: int = 0
    interrupts: int = 0
    cc: dict[str, int] = {}
    ended: bool = False
    result: Any = None
    error: str | None = None


class Guest(Actor[GuestMessage]):
    """Runs `program`: a sequence of operations, a coroutine function, or a thread.

    `subchannels` maps subchannel numbers to the guest's subchannels. A thread is the
    reference of a `ProgramThread`. With `remember` every outcome is kept, so that a
    snapshot can restore a coroutine. With `midaws` ORBs may have D on.
    """

    state: GuestState

    def __init__(
        self,
        program: DataProgram | AsyncProgram | ActorRef[RunProgram],
        subchannels: Mapping[int, ActorRef[Instruction]],
        channel_subsystem: ActorRef[GuestToSubsystem],
        storage: ActorRef[GuestToStorage],
        emulator: ActorRef[GuestEnded],
        *,
        remember: bool = False,
        midaws: bool = False,
    ) -> None:
        self._midaws = midaws
        self._thread: ActorRef[RunProgram] | None = None
        self._steps: DataProgram | None = None
        self._coroutine: CoroutineProgram | None = None
        if callable(program):
            self._coroutine = CoroutineProgram(program)
        elif isinstance(program, Sequence):
            self._steps = program
        else:
            self._thread = program
        self._subchannels = copy(subchannels)
        self._channel_subsystem = channel_subsystem
        self._storage = storage
        self._emulator = emulator
        self._remember = remember or self._steps is not None
        self.state = GuestState()

    def on_start(self) -> None:
        """Tell itself, or the program's thread, to begin."""
        (self._thread or self.ref).tell(RunProgram())

    def on_stop(self) -> None:
        """Close a coroutine that is still waiting."""
        self._close()

    @receive
    def run(self, _message: RunProgram) -> None:
        """Run the program up to its first operation."""
        self._run_on(None)

    @receive
    def operate(self, message: Operate) -> None:
        """Execute an operation of a program that runs elsewhere."""
        self.state.asker = self.reply_to
        self._execute(message.operation)

    @receive
    def program_ended(self, message: ProgramEnded) -> None:
        """Note the end of a program that runs elsewhere."""
        self._end(message.result, message.error)

    @receive
    def report(self, _message: ReportProgress) -> GuestReport:
        """Return what the guest has done so far."""
        return self._report()

    @receive
    def failure(self, message: Failure) -> None:
        """Go on after an instruction on which a subchannel has failed."""
        answer = NOT_OPERATIONAL.get(message.request)
        if answer is not None:
            self.ref.tell(answer)

    @receive
    def outcome(self, message: Outcome) -> None:
        """Give the program what it waits for."""
        state, operation = self.state, self.state.operation
        assert operation is not None, f"{message} answers no operation"
        if state.timer:
            self.cancel(state.timer)
            state.timer = 0
        self._count(operation, message)
        if type(message) in _FROM_STORAGE:
            message = checked(operation, cast("FromStorage", message))
        state.operation = None
        if state.asker is not None:
            asker, state.asker = state.asker, None
            self.reply(asker, message)
        else:
            self._run_on(message)

    def _count(self, operation: Operation, outcome: Outcome) -> None:
        """Count condition codes, channel programs and interruptions."""
        state = self.state
        if type(outcome) is Interruption:
            state.interrupts += 1
        elif isinstance(outcome, _WITH_CC):
            cc = str(outcome.cc)
            state.cc[cc] = state.cc.get(cc, 0) + 1
            if outcome.cc == Cc.DONE and is_start(operation):
                state.ios += 1

    @receive
    def wait_over(self, message: WaitOver) -> None:
        """Cancel the wait, unless it has ended already."""
        if message.wait == self.state.waits and self.state.timer:
            self.state.timer = 0
            self._channel_subsystem.tell(CancelAwait())

    def restore(self, snapshot: object) -> None:
        """Set the state; the coroutine is run again when it is needed."""
        super().restore(snapshot)
        self._close()

    def snapshot(self) -> object:
        """Return the state. Raises `DispatcherError` if outcomes are not kept."""
        if not self._remember and self._coroutine is not None:
            raise DispatcherError(
                f"{self.ref.path} runs a coroutine and keeps no outcomes: spawn the"
                " Guest with remember=True to take snapshots"
            )
        return super().snapshot()

    # -- the program --

    def _run_on(self, outcome: Outcome | None) -> None:
        """Let the program go on to its next operation, or its end."""
        if outcome is not None and self._remember:
            self.state.outcomes.append(outcome)
        if self._steps is not None:
            self._take_step(self._steps)
        else:
            assert self._coroutine is not None, "a thread's program goes on alone"
            self._run_coroutine(self._coroutine, outcome)

    def _take_step(self, steps: DataProgram) -> None:
        outcomes = self.state.outcomes
        if len(outcomes) < len(steps):
            self._execute(steps[len(outcomes)])
        else:
            kept = msgspec.to_builtins(outcomes, builtin_types=(bytes,))
            self._end(kept, None)

    def _run_coroutine(
        self, program: CoroutineProgram, outcome: Outcome | None
    ) -> None:
        try:
            operation = program.resume(outcome, self.state.outcomes)
        except StopIteration as stop:
            self._end(stop.value, None)
        except BaseException as error:
            # The error is the guest's, and sys.exit() ends the guest alone. But without
            # an event loop that takes it, Ctrl-C is not the guest's.
            if isinstance(error, KeyboardInterrupt) and not self._is_on_a_loop():
                raise
            self._end(None, describe(error))
        else:
            self._execute(operation)

    def _close(self) -> None:
        if self._coroutine is None:
            return
        try:
            self._coroutine.close()
        except BaseException as error:  # the guest's, which has ended anyway
            if isinstance(error, KeyboardInterrupt) and not self._is_on_a_loop():
                raise
            log.warning("%s: at its end: %s", self.ref.path, describe(error))

    def _is_on_a_loop(self) -> bool:
        loop: object = self.system.dispatcher.loop
        return loop is not None

    def _end(self, result: object, error: str | None) -> None:
        state = self.state
        problem = unfit(self.system.codec, result)
        if problem:
            result, error = None, error or problem
        state.ended = True
        state.result, state.error = result, error
        self._emulator.tell(GuestEnded(self._report()))

    def _report(self) -> GuestReport:
        s = self.state
        return GuestReport(s.ios, s.interrupts, s.cc, s.result, s.error)

    # -- operations --

    def _execute(self, operation: Operation) -> None:
        self.state.operation = operation
        match operation:
            case Instruct(subchannel, instruction):
                self._instruct(subchannel, instruction)
            case AwaitStatus(timeout, mask):
                self._await_status(timeout, mask)
            case InstructSubsystem(instruction):
                self._channel_subsystem.tell(instruction)
            case Fetch() | Store() | SetKey() | InsertKey():
                self._storage.tell(to_storage(operation))

    def _await_status(self, timeout: float | None, mask: int) -> None:
        self.state.waits += 1
        self._channel_subsystem.tell(AwaitInterruption(mask))
        if timeout is not None:
            self.state.timer = self.after(timeout, WaitOver(self.state.waits))

    def _instruct(self, subchannel: int, instruction: Instruction) -> None:
        invalid = operand_exception(instruction, midaws=self._midaws)
        target = self._subchannels.get(subchannel)
        if invalid is not None:
            self.ref.tell(Stopped(ProgramException.OPERAND, invalid))
        elif target is None:
            self.ref.tell(NOT_OPERATIONAL[type(instruction).__name__])
        else:
            target.tell(instruction)
