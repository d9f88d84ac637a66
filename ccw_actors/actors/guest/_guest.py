"""Guest: one virtual CPU and the program that it runs, operation by operation.

| state | event | next |
|---|---|---|
| running | the program wants an I/O instruction | instruction: the subchannel is told |
| running | the program wants storage | storage: the guest's Storage is told |
| running | the program waits | waiting: the ChannelSubsystem is told |
| instruction, storage, waiting | the answer | running: the program gets it |
| waiting | the wait's timer | waiting: the wait is cancelled, its answer follows |
| running | the program returns or raises | ended: the Emulator is told |
"""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast, get_args

import msgspec
from msgspec import Struct

from ccw_actors.actors.guest._cpu import BlockingCpu, Cpu
from ccw_actors.actors.protocol import (
    Area,
    AwaitInterruption,
    AwaitStatus,
    CancelAwait,
    CancelSubchannel,
    ChannelSubsystemCalled,
    ClearSubchannel,
    ConditionCode,
    CrwStored,
    Done,
    Fetch,
    GuestEnded,
    GuestMessage,
    GuestReport,
    GuestToStorage,
    GuestToSubsystem,
    HaltSubchannel,
    InsertKey,
    InsertStorageKey,
    Instruct,
    Instruction,
    InstructSubsystem,
    Interruption,
    ModifySubchannel,
    NoInterruption,
    Operate,
    Operation,
    Outcome,
    PathStatus,
    Piece,
    ProgramEnded,
    ReadStorage,
    ReportProgress,
    ResumeSubchannel,
    RunProgram,
    SetKey,
    SetStorageKey,
    StartSubchannel,
    Stopped,
    StorageData,
    StorageKey,
    StorageWritten,
    Store,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
    ThreadToGuest,
    WaitOver,
    WriteStorage,
)
from ccw_actors.channel import Cc, Irb, ProgramException, Schib, Scsw
from ccw_actors.errors import CcwActorsError, DispatcherError, ProgramError
from ccw_actors.runtime import Actor, ActorRef, Failure, ReplyTo, receive
from ccw_actors.transport import Codec

__all__ = [
    "AsyncProgram",
    "BlockingProgram",
    "DataProgram",
    "Guest",
    "ProgramThread",
    "describe",
]

_ROOM_TO_NEST: Final = 128

log = logging.getLogger("ccw_actors")

DataProgram: TypeAlias = Sequence[Operation]
AsyncProgram: TypeAlias = Callable[[Cpu], Coroutine[Any, Any, Any]]
BlockingProgram: TypeAlias = Callable[[BlockingCpu], Any]


class GuestState(Struct):
    """What a virtual CPU remembers.

    `operation` is the one under way, `asker` whom its outcome goes to if the program
    runs elsewhere. `outcomes` are those of the operations so far, as far as they are
    kept. `timer` is the key of the wait's timer, 0 if none.
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
    coroutine can be brought back to where it was from a snapshot. With `midaws` ORBs
    may have D on.
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
        self._function: AsyncProgram | None = None
        if callable(program):
            self._function = program
        elif isinstance(program, Sequence):
            self._steps = program
        else:
            self._thread = program
        self._subchannels = dict(subchannels)
        self._channel_subsystem = channel_subsystem
        self._storage = storage
        self._emulator = emulator
        self._remember = remember or self._steps is not None
        self._coroutine: Coroutine[Operation, Outcome | None, Any] | None = None
        self.state = GuestState()

    def on_start(self) -> None:
        """Have the program begin."""
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
        """Say what the guest has done so far."""
        return self._report()

    @receive
    def failure(self, message: Failure) -> None:
        """Go on after an instruction that a subchannel has failed on."""
        answer = _NOT_OPERATIONAL.get(message.request)
        if answer is not None:
            self.ref.tell(answer)

    @receive
    def outcome(
        self,
        message: ConditionCode
        | Tested
        | Stored
        | StorageData
        | StorageWritten
        | StorageKey
        | Interruption
        | NoInterruption
        | CrwStored
        | Done
        | PathStatus
        | ChannelSubsystemCalled
        | Stopped,
    ) -> None:
        """Give the program what it waits for."""
        state, operation = self.state, self.state.operation
        assert operation is not None, f"{message} answers nothing"
        if state.timer:
            self.cancel(state.timer)
            state.timer = 0
        if isinstance(message, ConditionCode | Tested | Stored):
            cc = str(message.cc)
            state.cc[cc] = state.cc.get(cc, 0) + 1
            if message.cc == 0 and _is_start(operation):
                state.ios += 1
        elif isinstance(message, Interruption):
            state.interrupts += 1
        elif isinstance(message, StorageData | StorageWritten | StorageKey):
            message = _checked(operation, message)
        state.operation = None
        if state.asker is not None:
            asker, state.asker = state.asker, None
            self.reply(asker, message)
        else:
            self._run_on(message)

    @receive
    def wait_over(self, message: WaitOver) -> None:
        """Cancel the wait, unless it is over already."""
        if message.wait == self.state.waits and self.state.timer:
            self.state.timer = 0
            self._channel_subsystem.tell(CancelAwait())

    def restore(self, snapshot: object) -> None:
        """Set the state; the coroutine is run again when it is needed."""
        super().restore(snapshot)
        self._close()

    def snapshot(self) -> object:
        """Return the state. Raises `DispatcherError` if outcomes are not kept."""
        if not self._remember and self._function is not None:
            raise DispatcherError(
                f"{self.ref.path} runs a coroutine and keeps no outcomes: spawn the"
                " Guest with remember=True to take snapshots"
            )
        return super().snapshot()

    # -- the program --

    def _run_on(self, outcome: Outcome | None) -> None:
        """Let the program go on to its next operation, or its end."""
        state, steps = self.state, self._steps
        if outcome is not None and self._remember:
            state.outcomes.append(outcome)
        if steps is not None:
            done = len(state.outcomes)
            if done < len(steps):
                self._execute(steps[done])
            else:
                kept = msgspec.to_builtins(state.outcomes, builtin_types=(bytes,))
                self._end(kept, None)
            return
        assert self._function is not None, "a thread's program goes on by itself"
        try:
            operation = self._resume(self._function, outcome)
        except StopIteration as stop:
            self._end(stop.value, None)
        except BaseException as error:
            # The guest's error, not ours, and sys.exit() is the guest's end. But where
            # no event loop takes Ctrl-C, that is not the guest's.
            if isinstance(error, KeyboardInterrupt) and not self._is_on_a_loop():
                raise
            self._end(None, describe(error))
        else:
            self._execute(operation)

    def _resume(self, program: AsyncProgram, outcome: Outcome | None) -> Operation:
        """Send the outcome into the coroutine; run it again first after a restore."""
        answers: list[Outcome | None] = [outcome]
        if self._coroutine is None:
            self._coroutine = program(Cpu())
            answers = [None, *self.state.outcomes]
        wanted: object = None
        for answer in answers:
            wanted = self._coroutine.send(answer)
        return _operation(wanted)

    def _close(self) -> None:
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is None:
            return
        try:
            coroutine.close()
        except BaseException as error:  # the guest's, when it is over anyway
            if isinstance(error, KeyboardInterrupt) and not self._is_on_a_loop():
                raise
            log.warning("%s: at its end: %s", self.ref.path, describe(error))

    def _is_on_a_loop(self) -> bool:
        loop: object = self.system.dispatcher.loop
        return loop is not None

    def _end(self, result: object, error: str | None) -> None:
        state = self.state
        problem = _unfit(self.system.codec, result)
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
            case InstructSubsystem(instruction):
                self._channel_subsystem.tell(instruction)
            case AwaitStatus(timeout, mask):
                self.state.waits += 1
                self._channel_subsystem.tell(AwaitInterruption(mask))
                if timeout is not None:
                    self.state.timer = self.after(timeout, WaitOver(self.state.waits))
            case Fetch(address, length):
                self._storage.tell(ReadStorage(0, (Area(address, length),)))
            case Store(address, data):
                self._storage.tell(WriteStorage(0, (Piece(address, data),)))
            case SetKey(address, key):
                self._storage.tell(SetStorageKey(0, address, key))
            case InsertKey(address):
                self._storage.tell(InsertStorageKey(0, address))

    def _instruct(self, subchannel: int, instruction: Instruction) -> None:
        invalid = _operand_exception(instruction, midaws=self._midaws)
        target = self._subchannels.get(subchannel)
        if invalid is not None:
            self.ref.tell(Stopped(ProgramException.OPERAND, invalid))
        elif target is None:
            self.ref.tell(_NOT_OPERATIONAL[type(instruction).__name__])
        else:
            target.tell(instruction)


_NOT_OPERATIONAL: Final[dict[str, ConditionCode | Tested | Stored]] = {
    **{
        kind.__name__: ConditionCode(Cc.NOT_OPERATIONAL)
        for kind in (
            StartSubchannel,
            HaltSubchannel,
            ClearSubchannel,
            ResumeSubchannel,
            CancelSubchannel,
            ModifySubchannel,
        )
    },
    TestSubchannel.__name__: Tested(Cc.NOT_OPERATIONAL, Irb(Scsw())),
    StoreSubchannel.__name__: Stored(Cc.NOT_OPERATIONAL, Schib()),
}
"""What an instruction is answered whose subchannel is not there, or failed on it.

By the name of its type: a `Failure` says no more of the message.
"""


class ProgramThread(Actor[RunProgram]):
    """Runs a blocking program in its own thread; see `System.spawn_thread`."""

    def __init__(
        self, program: BlockingProgram, guest: ActorRef[ThreadToGuest]
    ) -> None:
        self._program = program
        self._guest = guest

    @receive
    def run(self, _message: RunProgram) -> None:
        """Run the program to its end."""
        try:
            result = self._program(BlockingCpu(self._guest))
        except BaseException as error:  # noqa: BLE001 - sys.exit() ends a guest, too
            self._guest.tell(ProgramEnded(error=describe(error)))
            return
        problem = _unfit(self.system.codec, result)
        if problem:
            self._guest.tell(ProgramEnded(error=problem))
        else:
            self._guest.tell(ProgramEnded(result))


def _unfit(codec: Codec, result: object) -> str:
    """Say why what a program has returned cannot be in a message, "" if it can."""
    nested = result
    for _ in range(_ROOM_TO_NEST):  # for what messages and reports put around it
        nested = [nested]
    try:
        codec.encode(nested)
    except BaseException as problem:  # noqa: BLE001 - it may be anything's doing
        return f"the result of the program: {describe(problem)}"
    return ""


def describe(error: BaseException) -> str:
    """Return one line for a person: the text of our own errors, else with the type."""
    try:
        text = str(error)
    except BaseException as other:  # noqa: BLE001 - a guest's error may do anything
        text = f"it cannot be shown: {type(other).__name__}"
    if not isinstance(error, CcwActorsError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return " ".join(text.split())


def _operation(wanted: object) -> Operation:
    if isinstance(wanted, get_args(Operation)):
        return cast("Operation", wanted)
    raise ProgramError(
        f"a guest program awaits the methods of its cpu only, it awaited {wanted!r}"
    )


def _operand_exception(instruction: Instruction, *, midaws: bool) -> str | None:
    match instruction:
        case StartSubchannel(orb=orb):
            return orb.invalid(midaws=midaws)
        case ModifySubchannel(pmcw=pmcw, mba=mba):
            return Schib(pmcw, mba=mba).invalid()
        case _:
            return None


def _is_start(operation: Operation) -> bool:
    return isinstance(operation, Instruct) and isinstance(
        operation.instruction, StartSubchannel
    )


def _checked(
    operation: Operation, outcome: StorageData | StorageWritten | StorageKey
) -> StorageData | StorageWritten | StorageKey | Stopped:
    """Turn an access beyond the guest's storage into its program exception."""
    match operation, outcome:
        case Fetch(address, length), StorageData(parts=parts):
            done, what = len(parts[0]), "read"
        case Store(address, data), StorageWritten(length=done):
            length, what = len(data), "write"
        case ((SetKey(address) | InsertKey(address)), StorageKey(key=key)):
            done, length, what = int(key is not None), 1, "reach the key of"
        case _:
            raise AssertionError(f"{outcome} does not answer {operation}")
    if done == length:
        return outcome
    limit = f"ends at {address + done:#x}" if done else "does not have them"
    reason = (
        f"addressing exception: cannot {what} {length} bytes at {address:#x},"
        f" the guest's storage {limit}"
    )
    return Stopped(ProgramException.ADDRESSING, reason)
