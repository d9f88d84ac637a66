"""Cio: an operating system's layer above one subchannel, host's or guest's.

It issues one instruction at a time and waits for its condition code. Operations that
arrive meanwhile wait in the order they came; a CLEAR overtakes and cancels those that
have not been issued. Status is taken whenever the subchannel hints at an interruption
or answers condition code 1, and attributed by the FC bits of the IRB and by what the
subchannel had accepted by then, which the order of its answers tells.

| instruction under way | answer | next |
|---|---|---|
| MSCH | cc 0 | ready |
| MSCH | cc 1 | TSCH, then the same instruction again |
| MSCH | cc 3 | not operational: every operation is refused with ENODEV |
| any | Detach, or a restart | the subchannel is given up: NotOperational follows |
| any | NotOperational | the same, and whoever drives is told that it is gone |
| SSCH, HSCH | cc 0 | accepted, which is said where it was asked for |
| SSCH, HSCH | cc 1 | TSCH, then the same instruction again |
| SSCH, HSCH | cc 2 | refused: EBUSY |
| SSCH, HSCH, CSCH | cc 3 | STSCH |
| STSCH | operational | refused: EACCES |
| STSCH | not operational | refused: ENODEV |
| CSCH | cc 0 | the same; START and HALT accepted before are given up |
| TSCH | cc 0 | the status goes up |
| TSCH | cc 1, cc 3 | somebody was here before: nothing goes up |
| RSCH, XSCH | cc 0, cc 2, cc 3 | completed; XSCH with cc 0 has withdrawn the START |
| RSCH, XSCH | cc 1 | TSCH, the status goes up, then completed with cc 1 |
| STSCH | status pending | TSCH, then the same instruction again |
| STSCH | none pending | found |

A CANCEL whose START waits here withdraws it at once. One that comes after status which
was taken since the last Look is completed with cc 1: that status is pending above.
"""

import errno
from typing import TypeAlias

from msgspec import Struct

from ccw_actors.actors.protocol import (
    Accepted,
    Cancel,
    CancelSubchannel,
    CioMessage,
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
from ccw_actors.channel import Actl, Cc, Fctl, Irb, Pmcw, Schib, Scsw
from ccw_actors.runtime import Actor, ActorRef, Message, receive

__all__ = ["Cio"]


class Enable(Message, frozen=True):
    """Enable the subchannel, once it is known to be there."""


Waiting: TypeAlias = HostOperation | Enable


class CioState(Struct):
    """What a Cio remembers.

    `issued` names the instruction under way, "" if none; `operation` is the operation
    it belongs to. `waiting` holds the operations not issued yet. `look` says that
    status may be pending. `start`, `halt` and `clear` are the operations that the
    subchannel has accepted and not ended, 0 if none; `newest` is the last one accepted.
    `to_complete` is a Resume or Cancel that has met status: it is completed once that
    has gone up. `looked` says that no status has been taken since the last Look, `gone`
    that whoever drives has still to be told that there is no subchannel. `pmcw` is the
    subchannel's as it was last modified.
    """

    issued: str = "STSCH"
    operation: Waiting | None = None
    waiting: tuple[Waiting, ...] = ()
    look: bool = False
    operational: bool = True
    start: int = 0
    halt: int = 0
    clear: int = 0
    newest: int = 0
    to_complete: int = 0
    looked: bool = False
    gone: bool = False
    pmcw: Pmcw = Pmcw()


class Cio(Actor[CioMessage]):
    """Drives `subchannel` for `driver`, with interruptions in subclass `isc`."""

    state: CioState

    def __init__(
        self,
        subchannel: ActorRef[CioToSubchannel],
        driver: ActorRef[CioToVfioCcw],
        *,
        isc: int = 3,
    ) -> None:
        self._subchannel = subchannel
        self._driver = driver
        self._isc = isc
        self.state = CioState()

    def on_start(self) -> None:
        """Find out what the subchannel is, to enable it."""
        self._subchannel.tell(StoreSubchannel())

    def on_restart(self) -> None:
        """Give the subchannel up: what it had accepted is not known any more."""
        self.state.issued = ""
        self.state.operational = False
        self._subchannel.tell(DetachDevice())

    @receive
    def detach(self, _message: Detach) -> None:
        """Give the subchannel up for whoever drives it."""
        self._subchannel.tell(DetachDevice())

    @receive
    def stored(self, message: Stored) -> None:
        """Enable the subchannel, or tell who has asked."""
        state = self.state
        if not state.issued:
            # It was asked before a restart, or the subchannel has gone since.
            return
        state.issued = ""
        there = message.cc == 0 and message.schib.pmcw.valid
        operation, state.operation = state.operation, None
        match operation:
            case Look():
                self._looked(operation, message)
            case Start() | Halt() | Clear():
                reason = errno.EACCES if there else errno.ENODEV
                self._driver.tell(Refused(operation.number, reason))
            case _:
                self._begin(message, there=there)
        self._go_on()

    def _begin(self, message: Stored, *, there: bool) -> None:
        state = self.state
        state.operational, state.gone = there, not there
        pmcw = message.schib.pmcw.with_flag(Pmcw.enabled, on=True)
        state.pmcw = pmcw.with_isc(self._isc)
        state.waiting = (Enable(), *state.waiting)

    @receive
    def host_operation(self, message: HostOperation) -> None:
        """Issue the operation's instruction when its turn comes."""
        state = self.state
        if isinstance(message, Clear):
            for overtaken in state.waiting:
                self._overtaken(overtaken)
            # What is about the subchannel, and no function at it, outlives a CLEAR.
            state.waiting = _of_kind(state.waiting, Enable, SenseConcurrently, Look)
        if isinstance(message, Cancel) and _of_kind(state.waiting, Start):
            waiting = state.waiting
            state.waiting = tuple(w for w in waiting if not isinstance(w, Start))
            self._driver.tell(Completed(message.number, Cc.DONE))
            return
        state.waiting = (*state.waiting, message)
        self._go_on()

    @receive
    def pending(self, _message: Pending) -> None:
        """Take the status when no instruction is under way."""
        self.state.look = True
        self._go_on()

    @receive
    def not_operational(self, _message: NotOperational) -> None:
        """Give up all that the subchannel had accepted."""
        state = self.state
        state.operational, state.gone = False, True
        state.start = state.halt = state.clear = state.to_complete = 0
        operation, state.operation, state.issued = state.operation, None, ""
        if operation is not None:
            self._not_operational(operation)
        self._go_on()

    @receive
    def condition_code(self, message: ConditionCode) -> None:
        """Note what the subchannel made of the instruction."""
        # Without one it answers what was issued before a restart, or before the end of
        # the subchannel: what became of that has been told.
        if self.state.issued:
            self._answered(message.cc)

    @receive
    def tested(self, message: Tested) -> None:
        """Pass status up, with the numbers it belongs to."""
        state = self.state
        if not state.issued:
            # As for a condition code.
            return
        state.issued = ""
        if message.cc == 0:
            self._attribute(message.irb)
        if state.to_complete:
            number, state.to_complete = state.to_complete, 0
            self._driver.tell(Completed(number, Cc.STATUS_PENDING))
        self._go_on()

    def _looked(self, look: Look, message: Stored) -> None:
        """Take the status that is pending before telling what there is."""
        state = self.state
        if message.cc == 0 and message.schib.scsw.pending:
            state.look = True
            state.waiting = (look, *state.waiting)
        else:
            state.looked = True
            self._driver.tell(Found(look.number, message.schib))

    def _overtaken(self, operation: Waiting) -> None:
        """Answer for an operation that a CLEAR has kept from being issued."""
        if isinstance(operation, Start | Halt | Clear):
            self._driver.tell(Refused(operation.number, errno.ECANCELED))
        elif isinstance(operation, Resume | Cancel):
            self._driver.tell(Completed(operation.number, Cc.NOT_APPLICABLE))

    def _answered(self, cc: int) -> None:
        state = self.state
        operation, state.operation, state.issued = state.operation, None, ""
        match operation:
            case None:
                raise AssertionError("no instruction was under way")
            case Resume() | Cancel():
                self._completed(operation, cc)
            case Enable() | SenseConcurrently():
                if cc == 1:
                    state.look = True
                    state.waiting = (operation, *state.waiting)
                elif cc == 3:
                    state.operational = False
            case Start() | Halt() | Clear():
                self._begun(operation, cc)
            case Look():
                raise AssertionError("STSCH is answered by what it stores")
        self._go_on()

    def _begun(self, operation: Start | Halt | Clear, cc: int) -> None:
        state = self.state
        if cc == 0:
            self._accept(operation)
        elif cc == 2:
            self._driver.tell(Refused(operation.number, errno.EBUSY))
        elif cc > 2:
            state.operation, state.issued = operation, "STSCH"
            self._subchannel.tell(StoreSubchannel())
        elif _of_kind(state.waiting, Clear):
            state.look = True
            self._overtaken(operation)
        else:
            state.look = True
            state.waiting = (operation, *state.waiting)

    def _completed(self, operation: Resume | Cancel, cc: int) -> None:
        state = self.state
        if cc == 1:
            state.look = True
            state.to_complete = operation.number
            return
        if cc == 0 and isinstance(operation, Cancel):
            state.start = 0
        self._driver.tell(Completed(operation.number, cc))

    def _accept(self, operation: Start | Halt | Clear) -> None:
        state = self.state
        state.newest = operation.number
        match operation:
            case Start():
                state.start = operation.number
            case Halt():
                state.halt = operation.number
            case Clear():
                state.start = state.halt = 0
                state.clear = operation.number
                # What was hinted at is gone; the CLEAR's own end is hinted at, too.
                state.look = False
        if operation.acknowledge:
            self._driver.tell(Accepted(operation.number))

    def _go_on(self) -> None:
        """Issue the next instruction unless one is under way."""
        state = self.state
        if state.issued:
            return
        if not state.operational:
            waiting, state.waiting = state.waiting, ()
            for operation in waiting:
                self._not_operational(operation)
            if state.gone:
                state.gone = False
                self._driver.tell(Gone())
        elif state.waiting and isinstance(state.waiting[0], Clear):
            # CSCH drops the status that TSCH would take.
            self._issue()
        elif state.look:
            state.issued = "TSCH"
            state.look = False
            self._subchannel.tell(TestSubchannel())
        elif state.waiting and _is_late(state):
            operation, *others = state.waiting
            assert isinstance(operation, Cancel), "that is what is late"
            state.waiting = tuple(others)
            self._driver.tell(Completed(operation.number, Cc.STATUS_PENDING))
            self._go_on()
        elif state.waiting:
            self._issue()

    def _not_operational(self, operation: Waiting) -> None:
        match operation:
            case Resume(number=number) | Cancel(number=number):
                self._driver.tell(Completed(number, Cc.NOT_OPERATIONAL))
            case Look(number=number):
                self._driver.tell(Found(number, Schib(Pmcw())))
            case Enable() | SenseConcurrently():
                pass
            case Start() | Halt() | Clear():
                self._driver.tell(Refused(operation.number, errno.ENODEV))

    def _issue(self) -> None:
        """Issue the instruction of the operation that has waited longest."""
        state = self.state
        operation, *rest = state.waiting
        state.operation = operation
        state.waiting = tuple(rest)
        subchannel = self._subchannel
        match operation:
            case Start(orb=orb, program=program):
                state.issued = "SSCH"
                subchannel.tell(StartSubchannel(orb, program))
            case Halt():
                state.issued = "HSCH"
                subchannel.tell(HaltSubchannel())
            case Clear():
                state.issued = "CSCH"
                subchannel.tell(ClearSubchannel())
            case Resume(program=program):
                state.issued = "RSCH"
                subchannel.tell(ResumeSubchannel(program))
            case Cancel():
                state.issued = "XSCH"
                subchannel.tell(CancelSubchannel())
            case Look():
                state.issued = "STSCH"
                subchannel.tell(StoreSubchannel())
            case Enable():
                state.issued = "MSCH"
                subchannel.tell(ModifySubchannel(state.pmcw))
            case SenseConcurrently(wanted=wanted):
                state.issued = "MSCH"
                sense = Pmcw.concurrent_sense
                state.pmcw = state.pmcw.with_flag(sense, on=wanted)
                subchannel.tell(ModifySubchannel(state.pmcw))

    def _attribute(self, irb: Irb) -> None:
        state = self.state
        state.looked = False
        scsw = irb.scsw
        final = not scsw.is_intermediate or _ends_at_test(scsw)
        answers: list[int] = []
        for function, number in (
            (Fctl.START, state.start),
            (Fctl.HALT, state.halt),
            (Fctl.CLEAR, state.clear),
        ):
            if scsw.fctl & function and number:
                answers.append(number)
        if final:
            if scsw.fctl & Fctl.START:
                state.start = 0
            if scsw.fctl & Fctl.HALT:
                state.halt = 0
            if scsw.fctl & Fctl.CLEAR:
                state.clear = 0
        ends = tuple(answers) if final else ()
        self._driver.tell(Interrupt(tuple(answers), ends, state.newest, irb))


def _of_kind(
    operations: tuple[Waiting, ...], *kinds: type[Waiting]
) -> tuple[Waiting, ...]:
    return tuple(one for one in operations if isinstance(one, kinds))


def _is_late(state: CioState) -> bool:
    """Whether status has come between a Look and the Cancel that rests on it."""
    return isinstance(state.waiting[0], Cancel) and not state.looked


def _ends_at_test(scsw: Scsw) -> bool:
    """Whether TSCH ends a program that is suspended, because it is to be halted."""
    return bool(scsw.actl & Actl.SUSPENDED) and scsw.fctl != Fctl.START
