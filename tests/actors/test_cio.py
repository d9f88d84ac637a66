"""Cio alone, between a subchannel and its driver: each row of its table."""

import errno

import pytest

from ccw_actors.actors import Cio
from ccw_actors.actors.protocol import (
    Accepted,
    Cancel,
    CancelSubchannel,
    CioToSubchannel,
    CioToVfioCcw,
    Clear,
    ClearSubchannel,
    Completed,
    ConditionCode,
    Detach,
    DetachDevice,
    Found,
    Gone,
    Halt,
    HaltSubchannel,
    HostOperation,
    Interrupt,
    Look,
    ModifySubchannel,
    NotOperational,
    Pending,
    Piece,
    Refused,
    Resume,
    ResumeSubchannel,
    SenseConcurrently,
    Start,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import Actl, Fctl, Irb, Orb, Pmcw, Schib, Scsw, Stctl
from ccw_actors.runtime import Message, Restart
from ccw_actors.testkit import ProbeFactory, VirtualSystem

ORB = Orb.command(0x1000)
PROGRAM = (Piece(0x1000, bytes(8)),)
THERE = Schib(Pmcw(flags=Pmcw.valid.mask))
FINAL = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
INTERMEDIATE = Stctl.INTERMEDIATE_STATUS

FUNCTIONS = [
    pytest.param(Start(7, ORB, PROGRAM), StartSubchannel(ORB, PROGRAM), id="SSCH"),
    pytest.param(Halt(7), HaltSubchannel(), id="HSCH"),
]
ALL_FUNCTIONS = [*FUNCTIONS, pytest.param(Clear(7), ClearSubchannel(), id="CSCH")]
WITHDRAWN = [
    pytest.param(Resume(7, PROGRAM), ResumeSubchannel(PROGRAM), id="RSCH"),
    pytest.param(Cancel(7), CancelSubchannel(), id="XSCH"),
]


class Rig:
    """A Cio, and probes for the subchannel below it and the driver above."""

    def __init__(self, system: VirtualSystem, probe: ProbeFactory) -> None:
        self._clock = system.clock
        self.below = probe(CioToSubchannel)
        self.above = probe(CioToVfioCcw)
        self.cio = system.spawn(
            Cio(self.below.ref, self.above.ref), "cio", supervision=Restart()
        )
        self._clock.run()

    def tell(self, message: HostOperation | Detach | Pending | NotOperational) -> None:
        """Let the Cio handle a message, and all that follow."""
        self.cio.tell(message)
        self._clock.run()

    def answered(self, instruction: Message, answer: Message) -> None:
        """Expect an instruction, and answer it."""
        self.below.expect_now(instruction)
        self.below.reply(answer)
        self._clock.run()

    def ready(self) -> "Rig":
        """Enable the subchannel."""
        self.answered(StoreSubchannel(), Stored(0, THERE))
        self.answered(enabled(), ConditionCode(0))
        return self

    def accept(self, operation: HostOperation, instruction: Message) -> None:
        """Let the subchannel accept an operation."""
        self.tell(operation)
        self.answered(instruction, ConditionCode(0))

    def look_at_nothing(self) -> None:
        """Let a Look find no status, as a Cancel requires."""
        self.tell(Look(6))
        self.answered(StoreSubchannel(), Stored(0, THERE))
        self.above.expect_now(Found(6, THERE))

    def status(self, scsw: Scsw, *, cc: int = 0) -> None:
        """Let the subchannel hint at status, and show it."""
        self.tell(Pending(0, 3))
        self.answered(TestSubchannel(), Tested(cc, Irb(scsw)))


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """A Cio that has issued its first STSCH."""
    return Rig(virtual_system, probe)


def enabled(*, sense: bool = False) -> ModifySubchannel:
    """Return the MSCH that enables the subchannel."""
    pmcw = THERE.pmcw.with_flag(Pmcw.enabled, on=True).with_isc(3)
    return ModifySubchannel(pmcw.with_flag(Pmcw.concurrent_sense, on=sense))


def status(fctl: int, stctl: int = FINAL, actl: int = 0) -> Scsw:
    """Return an SCSW."""
    return Scsw(fctl=fctl, stctl=stctl, actl=actl)


# -- the beginning ---------------------------------------------------------------------


def test_msch_cc_0(rig: Rig) -> None:
    """An enabled subchannel is ready."""
    rig.tell(Start(1, ORB))
    rig.answered(StoreSubchannel(), Stored(0, THERE))
    rig.answered(enabled(), ConditionCode(0))
    rig.below.expect_now(StartSubchannel(ORB))
    rig.above.expect_nothing_now()


def test_msch_cc_1(rig: Rig) -> None:
    """Pending status is taken, then the subchannel is enabled."""
    rig.answered(StoreSubchannel(), Stored(0, THERE))
    rig.answered(enabled(), ConditionCode(1))
    rig.answered(TestSubchannel(), Tested(0, Irb(status(0, Stctl.ALERT))))
    rig.above.expect_now(Interrupt((), (), 0, Irb(status(0, Stctl.ALERT))))
    rig.below.expect_now(enabled())


def test_msch_cc_3(rig: Rig) -> None:
    """With a subchannel that cannot be enabled all operations are refused."""
    rig.answered(StoreSubchannel(), Stored(0, THERE))
    rig.answered(enabled(), ConditionCode(3))
    rig.tell(Start(1, ORB))
    rig.above.expect_now(Refused(1, errno.ENODEV))
    rig.below.expect_nothing_now()


@pytest.mark.parametrize(("cc", "pmcw"), [(3, THERE.pmcw), (0, Pmcw())])
def test_not_there_at_first(rig: Rig, cc: int, pmcw: Pmcw) -> None:
    """Without a subchannel the driver receives Gone."""
    rig.answered(StoreSubchannel(), Stored(cc, Schib(pmcw)))
    rig.above.expect_now(Gone())
    rig.below.expect_nothing_now()


def test_sense_concurrently(rig: Rig) -> None:
    """Concurrent sense is set by MSCH, and each later MSCH keeps it."""
    rig.ready().tell(SenseConcurrently(wanted=True))
    rig.answered(enabled(sense=True), ConditionCode(0))
    rig.tell(SenseConcurrently(wanted=False))
    rig.answered(enabled(), ConditionCode(0))
    rig.above.expect_nothing_now()


# -- SSCH, HSCH, CSCH ------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "instruction"), ALL_FUNCTIONS)
def test_function_cc_0(
    rig: Rig, operation: HostOperation, instruction: Message
) -> None:
    """An accepted operation is not reported unless it asks for that."""
    rig.ready().accept(operation, instruction)
    rig.above.expect_nothing_now()


@pytest.mark.parametrize(
    ("operation", "instruction"),
    [
        (Start(7, ORB, (), acknowledge=True), StartSubchannel(ORB)),
        (Halt(7, acknowledge=True), HaltSubchannel()),
        (Clear(7, acknowledge=True), ClearSubchannel()),
    ],
)
def test_acknowledged(rig: Rig, operation: HostOperation, instruction: Message) -> None:
    """An operation that asks for it is reported as accepted."""
    rig.ready().accept(operation, instruction)
    rig.above.expect_now(Accepted(7))


@pytest.mark.parametrize(("operation", "instruction"), FUNCTIONS)
def test_function_cc_1(
    rig: Rig, operation: HostOperation, instruction: Message
) -> None:
    """Pending status goes up first; then the instruction is issued again."""
    rig.ready().tell(operation)
    rig.answered(instruction, ConditionCode(1))
    rig.answered(TestSubchannel(), Tested(0, Irb(status(0, Stctl.ALERT))))
    rig.above.expect_now(Interrupt)
    rig.answered(instruction, ConditionCode(0))
    rig.above.expect_nothing_now()


@pytest.mark.parametrize(("operation", "instruction"), FUNCTIONS)
def test_function_cc_1_before_a_clear(
    rig: Rig, operation: HostOperation, instruction: Message
) -> None:
    """The instruction is not issued again if a CLEAR waits, which overtakes it."""
    rig.ready().tell(operation)
    rig.tell(Clear(8))
    rig.answered(instruction, ConditionCode(1))
    rig.above.expect_now(Refused(7, errno.ECANCELED))
    rig.below.expect_now(ClearSubchannel())


@pytest.mark.parametrize(("operation", "instruction"), FUNCTIONS)
def test_function_cc_2(
    rig: Rig, operation: HostOperation, instruction: Message
) -> None:
    """A busy subchannel refuses with EBUSY."""
    rig.ready().tell(operation)
    rig.answered(instruction, ConditionCode(2))
    rig.above.expect_now(Refused(7, errno.EBUSY))


@pytest.mark.parametrize(
    ("schib", "reason"), [(THERE, errno.EACCES), (Schib(Pmcw()), errno.ENODEV)]
)
@pytest.mark.parametrize(("operation", "instruction"), ALL_FUNCTIONS)
def test_function_cc_3(
    rig: Rig,
    operation: HostOperation,
    instruction: Message,
    schib: Schib,
    reason: int,
) -> None:
    """STSCH tells a subchannel without a path from a missing one."""
    rig.ready().tell(operation)
    rig.answered(instruction, ConditionCode(3))
    rig.answered(StoreSubchannel(), Stored(0, schib))
    rig.above.expect_now(Refused(7, reason))


def test_csch_cc_0(rig: Rig) -> None:
    """A CLEAR gives up the START and HALT before it: no status belongs to them."""
    rig.ready().accept(Start(1, ORB), StartSubchannel(ORB))
    rig.accept(Halt(2), HaltSubchannel())
    rig.accept(Clear(3), ClearSubchannel())
    every = status(Fctl.START | Fctl.HALT | Fctl.CLEAR)
    rig.status(every)
    rig.above.expect_now(Interrupt((3,), (3,), 3, Irb(every)))


def test_clear_overtakes(rig: Rig) -> None:
    """A CLEAR answers all functions that have not been issued, and goes first."""
    rig.tell(Start(1, ORB))
    rig.tell(Resume(2, ()))
    rig.tell(Halt(3))
    rig.tell(Look(4))
    rig.tell(Clear(5))
    rig.above.expect_all_now(
        Refused(1, errno.ECANCELED),
        Completed(2, 2),
        Refused(3, errno.ECANCELED),
        in_order=True,
    )
    rig.ready()
    rig.below.expect_now(StoreSubchannel())


def test_clear_before_status(rig: Rig) -> None:
    """A CLEAR is issued before status is taken: the CLEAR drops it."""
    rig.ready().tell(Start(1, ORB))
    rig.tell(Pending(0, 3))
    rig.tell(Clear(2))
    rig.answered(StartSubchannel(ORB), ConditionCode(0))
    rig.answered(ClearSubchannel(), ConditionCode(0))
    rig.below.expect_nothing_now()


# -- TSCH ------------------------------------------------------------------------------


def test_tsch_cc_0(rig: Rig) -> None:
    """Final status ends what it answers; `after` is the operation accepted last."""
    rig.ready().accept(Start(1, ORB), StartSubchannel(ORB))
    rig.accept(Halt(2), HaltSubchannel())
    both = status(Fctl.START | Fctl.HALT)
    rig.status(both)
    rig.above.expect_now(Interrupt((1, 2), (1, 2), 2, Irb(both)))
    rig.status(both)
    rig.above.expect_now(Interrupt((), (), 2, Irb(both)))


def test_intermediate_status(rig: Rig) -> None:
    """Intermediate status ends nothing, unless TSCH ends a suspended program."""
    rig.ready().accept(Start(1, ORB), StartSubchannel(ORB))
    suspended = status(Fctl.START, INTERMEDIATE, Actl.SUSPENDED)
    rig.status(suspended)
    rig.above.expect_now(Interrupt((1,), (), 1, Irb(suspended)))
    rig.accept(Halt(2), HaltSubchannel())
    halted = status(Fctl.START | Fctl.HALT, INTERMEDIATE, Actl.SUSPENDED)
    rig.status(halted)
    rig.above.expect_now(Interrupt((1, 2), (1, 2), 2, Irb(halted)))


@pytest.mark.parametrize("cc", [1, 3])
def test_tsch_cc_1_3(rig: Rig, cc: int) -> None:
    """If the status is already gone, nothing goes up."""
    rig.ready().status(status(Fctl.START), cc=cc)
    rig.above.expect_nothing_now()
    rig.below.expect_nothing_now()


# -- RSCH, XSCH, STSCH -----------------------------------------------------------------


@pytest.mark.parametrize("cc", [0, 2, 3])
@pytest.mark.parametrize(("operation", "instruction"), WITHDRAWN)
def test_completed(
    rig: Rig, operation: HostOperation, instruction: Message, cc: int
) -> None:
    """RSCH and XSCH are completed with their condition codes."""
    rig.ready().look_at_nothing()
    rig.tell(operation)
    rig.answered(instruction, ConditionCode(cc))
    rig.above.expect_now(Completed(7, cc))


@pytest.mark.parametrize(("operation", "instruction"), WITHDRAWN)
def test_completed_cc_1(
    rig: Rig, operation: HostOperation, instruction: Message
) -> None:
    """With condition code 1 they are completed once the status has gone up."""
    rig.ready().look_at_nothing()
    rig.tell(operation)
    rig.answered(instruction, ConditionCode(1))
    rig.above.expect_nothing_now()
    rig.answered(TestSubchannel(), Tested(0, Irb(status(Fctl.START))))
    rig.above.expect_now(Interrupt)
    rig.above.expect_now(Completed(7, 1))


@pytest.mark.parametrize("cc", [0, 2])
def test_withdrawn_start(rig: Rig, cc: int) -> None:
    """After XSCH with condition code 0 no status belongs to the START."""
    rig.ready().accept(Start(1, ORB), StartSubchannel(ORB))
    rig.look_at_nothing()
    rig.tell(Cancel(7))
    rig.answered(CancelSubchannel(), ConditionCode(cc))
    rig.above.expect_now(Completed(7, cc))
    rig.status(status(Fctl.START))
    of = (1,) if cc else ()
    rig.above.expect_now(Interrupt(of, of, 1, Irb(status(Fctl.START))))


def test_cancel_of_a_start_that_waits(rig: Rig) -> None:
    """A CANCEL withdraws at once a START that has not been issued."""
    rig.tell(Start(1, ORB))
    rig.tell(Cancel(2))
    rig.above.expect_now(Completed(2, 0))
    rig.ready()
    rig.below.expect_nothing_now()


def test_late_cancel(rig: Rig) -> None:
    """A CANCEL after status that no Look has seen is completed with cc 1."""
    rig.ready().accept(Start(1, ORB), StartSubchannel(ORB))
    rig.look_at_nothing()
    rig.status(status(Fctl.START, INTERMEDIATE))
    rig.above.expect_now(Interrupt)
    rig.tell(Cancel(7))
    rig.above.expect_now(Completed(7, 1))
    rig.below.expect_nothing_now()


def test_look_while_status_is_pending(rig: Rig) -> None:
    """Status that STSCH shows is taken before the Look is answered."""
    pending = Schib(THERE.pmcw, status(Fctl.START))
    rig.ready().tell(Look(7))
    rig.answered(StoreSubchannel(), Stored(0, pending))
    rig.answered(TestSubchannel(), Tested(0, Irb(pending.scsw)))
    rig.above.expect_now(Interrupt)
    rig.answered(StoreSubchannel(), Stored(0, THERE))
    rig.above.expect_now(Found(7, THERE))


def test_look(rig: Rig) -> None:
    """Without pending status a Look is answered with what STSCH stores."""
    rig.ready().tell(Look(7))
    rig.answered(StoreSubchannel(), Stored(0, THERE))
    rig.above.expect_now(Found(7, THERE))


# -- the end ---------------------------------------------------------------------------


def test_detach(rig: Rig) -> None:
    """A subchannel that the driver gives up is detached, whatever is in progress."""
    rig.tell(Detach())
    rig.below.expect_all_now(StoreSubchannel(), DetachDevice(), in_order=True)


@pytest.mark.actor_failures("cio")
def test_restart(rig: Rig) -> None:
    """A crash also detaches; then all is refused until NotOperational comes."""
    rig.answered(StoreSubchannel(), ConditionCode(0))  # no answer to STSCH
    rig.below.expect_now(DetachDevice())
    rig.tell(Start(1, ORB))
    rig.above.expect_now(Refused(1, errno.ENODEV))
    rig.tell(NotOperational(0))
    rig.above.expect_now(Gone())
    rig.below.expect_nothing_now()


@pytest.mark.actor_failures("cio")
def test_answers_from_before_a_restart(rig: Rig) -> None:
    """Answers to instructions from before a crash have no effect."""
    rig.ready().tell(Start(1, ORB))
    rig.answered(StartSubchannel(ORB), ConditionCode(0))
    rig.tell(Look(2))
    rig.answered(StoreSubchannel(), ConditionCode(0))
    rig.below.expect_now(DetachDevice())
    for late in (Stored(0, THERE), Tested(0, Irb(Scsw())), ConditionCode(0)):
        rig.below.reply(late)
    rig.tell(Look(3))
    rig.above.expect_now(Found(3, Schib(Pmcw())))
    rig.below.expect_nothing_now()


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (Start(7, ORB), Refused(7, errno.ENODEV)),
        (Halt(7), Refused(7, errno.ENODEV)),
        (Clear(7), Refused(7, errno.ENODEV)),
        (Resume(7, ()), Completed(7, 3)),
        (Cancel(7), Completed(7, 3)),
        (Look(7), Found(7, Schib(Pmcw()))),
    ],
)
@pytest.mark.parametrize("issued", [False, True])
def test_not_operational(
    rig: Rig, operation: HostOperation, answer: Message, *, issued: bool
) -> None:
    """All operations, issued or waiting, are answered; then Gone goes up."""
    rig.ready().look_at_nothing()
    if not issued:
        rig.tell(Halt(6))
    rig.tell(operation)
    rig.tell(NotOperational(0))
    if not issued:
        rig.above.expect_now(Refused(6, errno.ENODEV))
    rig.above.expect_now(answer)
    rig.above.expect_now(Gone())
    rig.tell(SenseConcurrently(wanted=True))
    rig.above.expect_nothing_now()
