"""Guest alone, with a program in each form, and probes for all other actors."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ccw_actors.actors import Cpu, Guest
from ccw_actors.actors.protocol import (
    Area,
    AwaitInterruption,
    AwaitStatus,
    CancelAwait,
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
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
    Piece,
    ProgramEnded,
    ReadStorage,
    ReportProgress,
    ResumeSubchannel,
    RunProgram,
    SetAddressLimit,
    SetKey,
    SetStorageKey,
    StartSubchannel,
    StorageData,
    StorageKey,
    StorageWritten,
    Store,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
    WriteStorage,
)
from ccw_actors.channel import (
    InterruptionCode,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    StorageCheck,
    SubchannelId,
)
from ccw_actors.errors import ProgramInterruptionError
from ccw_actors.runtime import Message
from ccw_actors.testkit import Probe, ProbeFactory, VirtualSystem

ORB = Orb.command(0x1000)
CODE = InterruptionCode.of(SubchannelId(0, 7), 0, 3)
SUBCHANNEL = 7
ADDRESSING, OPERAND = 5, 21

Program = Callable[[Cpu], Coroutine[Any, Any, Any]]


class Rig:
    """A guest, and probes for all actors that it sends to."""

    def __init__(self, system: VirtualSystem, probe: ProbeFactory) -> None:
        self._system = system
        self.subchannel = probe(Instruction)
        self.css = probe(GuestToSubsystem)
        self.storage = probe(GuestToStorage)
        self.emulator = probe(GuestEnded | GuestReport)
        self.thread = probe(RunProgram | Outcome)
        self._guest: Any = None

    def run(
        self, *steps: Operation, program: Program | None = None, thread: bool = False
    ) -> None:
        """Let the guest begin to run a program."""
        self._guest = self._system.spawn(
            Guest(
                self.thread.ref if thread else program or steps,
                {SUBCHANNEL: self.subchannel.ref},
                self.css.ref,
                self.storage.ref,
                self.emulator.ref,
            ),
            "guest",
        )
        self._system.clock.advance(0.0)

    def tell(self, who: Probe, message: GuestMessage) -> None:
        """Send a message to the guest."""
        who.tell(self._guest, message)
        self._system.clock.advance(0.0)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock."""
        self._system.clock.advance(seconds)

    def answered(self, who: Probe, request: Message, answer: Message) -> None:
        """Expect a request of the guest, and answer it."""
        self.emulator.expect_nothing_now()
        who.expect_now(request)
        who.reply(answer)
        self._system.clock.advance(0.0)

    def ended(self) -> GuestReport:
        """Expect the end of the guest; return its report."""
        for one in (self.subchannel, self.css, self.storage):
            one.expect_nothing_now()
        return self.emulator.expect_now(GuestEnded).report


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """Probes for all actors that a guest needs."""
    return Rig(virtual_system, probe)


# -- instructions ----------------------------------------------------------------------

SENT = [
    (StartSubchannel(ORB), ConditionCode(0), 1),
    (StartSubchannel(ORB), ConditionCode(2), 0),
    (HaltSubchannel(), ConditionCode(0), 0),
    (ClearSubchannel(), ConditionCode(1), 0),
    (ResumeSubchannel(), ConditionCode(2), 0),
    (CancelSubchannel(), ConditionCode(3), 0),
    (ModifySubchannel(Pmcw()), ConditionCode(0), 0),
    (TestSubchannel(), Tested(1, Irb(Scsw())), 0),
    (StoreSubchannel(), Stored(0, Schib()), 0),
]


@pytest.mark.parametrize(("instruction", "answer", "ios"), SENT)
def test_instruction(
    rig: Rig,
    instruction: Instruction,
    answer: ConditionCode | Tested | Stored,
    ios: int,
) -> None:
    """An instruction goes to its subchannel; its condition code is counted."""
    rig.run(Instruct(SUBCHANNEL, instruction))
    rig.answered(rig.subchannel, instruction, answer)
    report = rig.ended()
    assert (report.ios, report.cc) == (ios, {str(answer.cc): 1})
    assert report.result[0][0] == type(answer).__name__


@pytest.mark.parametrize("instruction", {type(one): one for one, _, _ in SENT}.values())
def test_no_such_subchannel(rig: Rig, instruction: Instruction) -> None:
    """An instruction for a missing subchannel has condition code 3."""
    rig.run(Instruct(SUBCHANNEL + 1, instruction))
    assert rig.ended().cc == {"3": 1}


@pytest.mark.actor_failures("subchannel")
@pytest.mark.parametrize("instruction", {type(one): one for one, _, _ in SENT}.values())
def test_failed_subchannel(
    virtual_system: VirtualSystem, probe: ProbeFactory, instruction: Instruction
) -> None:
    """An instruction to a failed subchannel has condition code 3."""
    emulator = probe(GuestEnded)
    guest = Guest(
        [Instruct(SUBCHANNEL, instruction)],
        {SUBCHANNEL: virtual_system.ref("subchannel")},
        probe(GuestToSubsystem).ref,
        probe(GuestToStorage).ref,
        emulator.ref,
    )
    virtual_system.spawn(guest, "guest")
    virtual_system.clock.run()
    assert emulator.expect_now(GuestEnded).report.cc == {"3": 1}


def test_operand_exception(rig: Rig) -> None:
    """An ORB that is an operand exception is not sent, and is not counted."""
    transport = Orb(flags=Orb.transport.mask, cpa=0x1000)
    rig.run(Instruct(SUBCHANNEL, StartSubchannel(transport)))
    report = rig.ended()
    assert report.cc == {}
    assert report.result[0][:2] == ["Stopped", OPERAND]


def test_subsystem_instruction(rig: Rig) -> None:
    """An instruction that names no subchannel goes to the channel subsystem."""
    rig.run(InstructSubsystem(SetAddressLimit(0x10000)))
    rig.answered(rig.css, SetAddressLimit(0x10000), Done())
    assert rig.ended().cc == {}


# -- waiting ---------------------------------------------------------------------------


def test_interruption(rig: Rig) -> None:
    """A wait ends with an interruption, which is counted."""
    rig.run(AwaitStatus(5.0, 0x10))
    rig.answered(rig.css, AwaitInterruption(0x10), Interruption(CODE))
    assert rig.ended().interrupts == 1
    rig.pass_time(10.0)
    rig.css.expect_nothing_now()


def test_timeout(rig: Rig) -> None:
    """After its time a wait is cancelled; the answer to that ends it."""
    rig.run(AwaitStatus(5.0), AwaitStatus())
    rig.css.expect_now(AwaitInterruption())
    rig.pass_time(4.0)
    rig.css.expect_nothing_now()
    rig.pass_time(1.0)
    rig.css.expect_now(CancelAwait())
    rig.css.reply(NoInterruption())
    rig.pass_time(100.0)
    rig.answered(rig.css, AwaitInterruption(), Interruption(CODE))
    assert rig.ended().interrupts == 1


def test_interruption_at_the_last_moment(rig: Rig) -> None:
    """An interruption taken before the wait was cancelled is not lost."""
    rig.run(AwaitStatus(5.0))
    rig.css.expect_now(AwaitInterruption())
    rig.pass_time(5.0)
    rig.css.expect_now(CancelAwait())
    rig.css.reply(Interruption(CODE))
    rig.pass_time(0.0)
    assert rig.ended().interrupts == 1


# -- storage ---------------------------------------------------------------------------

ACCESSES = [
    (
        Fetch(0x10, 2),
        ReadStorage(0, (Area(0x10, 2),)),
        StorageData(0, (b"ab",)),
        StorageData(0, (b"a",), StorageCheck.ADDRESSING),
    ),
    (
        Store(0x10, b"ab"),
        WriteStorage(0, (Piece(0x10, b"ab"),)),
        StorageWritten(0, 2),
        StorageWritten(0, 0, StorageCheck.ADDRESSING),
    ),
    (
        SetKey(0x10, 0x30),
        SetStorageKey(0, 0x10, 0x30),
        StorageKey(0, 0x30),
        StorageKey(0, None),
    ),
    (
        InsertKey(0x10),
        InsertStorageKey(0, 0x10),
        StorageKey(0, 0x30),
        StorageKey(0, None),
    ),
]


@pytest.mark.parametrize(("operation", "request_", "answer", "beyond"), ACCESSES)
def test_storage(
    rig: Rig, operation: Operation, request_: Message, answer: Message, beyond: Message
) -> None:
    """Storage answers an access; one that reaches beyond it is stopped."""
    rig.run(operation, operation)
    rig.answered(rig.storage, request_, answer)
    rig.answered(rig.storage, request_, beyond)
    first, second = rig.ended().result
    assert first[0] == type(answer).__name__
    assert second[:2] == ["Stopped", ADDRESSING]


# -- the program's end -----------------------------------------------------------------


def test_coroutine(rig: Rig) -> None:
    """A coroutine gets the outcomes of its operations, and returns the result."""

    async def program(cpu: Cpu) -> list[object]:
        cc = await cpu.start(SUBCHANNEL, ORB)
        code = await cpu.wait()
        nothing = await cpu.wait(1.0)
        return [cc, code is not None, nothing, await cpu.storage[0:2]]

    rig.run(program=program)
    rig.answered(rig.subchannel, StartSubchannel(ORB), ConditionCode(0))
    rig.answered(rig.css, AwaitInterruption(), Interruption(CODE))
    rig.answered(rig.css, AwaitInterruption(), NoInterruption())
    rig.answered(rig.storage, ReadStorage(0, (Area(0, 2),)), StorageData(0, (b"ab",)))
    report = rig.ended()
    assert report == GuestReport(1, 1, {"0": 1}, [0, True, None, b"ab"])


def test_program_interruption(rig: Rig) -> None:
    """A stopped operation raises in the coroutine, which may go on."""

    async def program(cpu: Cpu) -> int:
        try:
            await cpu.storage.write(0, b"a")
        except ProgramInterruptionError as error:
            return error.code
        return 0

    rig.run(program=program)
    request = WriteStorage(0, (Piece(0, b"a"),))
    beyond = StorageWritten(0, 0, StorageCheck.ADDRESSING)
    rig.answered(rig.storage, request, beyond)
    assert rig.ended().result == ADDRESSING


def test_error(rig: Rig) -> None:
    """An error that the coroutine raises ends the guest, reported in one line."""

    async def program(cpu: Cpu) -> None:
        await cpu.halt(SUBCHANNEL)
        raise ValueError("no\nmore")

    rig.run(program=program)
    rig.answered(rig.subchannel, HaltSubchannel(), ConditionCode(0))
    assert rig.ended().error == "ValueError: no more"


def test_unfit_result(rig: Rig) -> None:
    """A result that cannot be in a message is an error."""

    async def program(cpu: Cpu) -> object:
        await cpu.halt(SUBCHANNEL)
        return object()

    rig.run(program=program)
    rig.answered(rig.subchannel, HaltSubchannel(), ConditionCode(0))
    error = rig.ended().error
    assert error is not None
    assert error.startswith("the result of the program: ")


def test_thread(rig: Rig) -> None:
    """A program elsewhere receives RunProgram; its operations are answered to it."""
    rig.run(thread=True)
    rig.thread.expect_now(RunProgram())
    rig.tell(rig.thread, Operate(Instruct(SUBCHANNEL, HaltSubchannel())))
    rig.answered(rig.subchannel, HaltSubchannel(), ConditionCode(1))
    rig.thread.expect_now(ConditionCode(1))
    rig.tell(rig.thread, ProgramEnded("result"))
    assert rig.ended() == GuestReport(0, 0, {"1": 1}, "result")


def test_progress(rig: Rig) -> None:
    """ReportProgress returns how far the guest has come."""
    rig.run(Instruct(SUBCHANNEL, StartSubchannel(ORB)), AwaitStatus())
    rig.answered(rig.subchannel, StartSubchannel(ORB), ConditionCode(0))
    rig.tell(rig.emulator, ReportProgress())
    rig.emulator.expect_now(GuestReport(1, 0, {"0": 1}))
