"""Cio: an operating system's layer above one subchannel, host's or guest's.

It issues one instruction at a time and waits for its condition code. Other operations
wait in the order they came; a CLEAR overtakes and cancels those that have not been
issued. Cio takes status whenever the subchannel hints at an interruption or answers
condition code 1. It attributes status by the FC bits of the IRB and by the functions
that the subchannel had accepted by then, which the order of its answers tells.

| instruction in progress | answer | next |
|---|---|---|
| MSCH | cc 0 | ready |
| MSCH | cc 1 | TSCH, then the same instruction again |
| MSCH | cc 3 | not operational: every operation is refused with ENODEV |
| any | Detach, or a restart | the subchannel is given up: NotOperational follows |
| any | NotOperational | the same, and the driver receives Gone |
| SSCH, HSCH | cc 0 | accepted; Accepted goes up if the operation asked for it |
| SSCH, HSCH | cc 1 | TSCH, then the same instruction again |
| SSCH, HSCH | cc 2 | refused: EBUSY |
| SSCH, HSCH, CSCH | cc 3 | STSCH |
| STSCH | operational | refused: EACCES |
| STSCH | not operational | refused: ENODEV |
| CSCH | cc 0 | the same; START and HALT accepted before are given up |
| TSCH | cc 0 | the status goes up |
| TSCH | cc 1, cc 3 | the status is already gone: nothing goes up |
| RSCH, XSCH | cc 0, cc 2, cc 3 | completed; XSCH with cc 0 has withdrawn the START |
| RSCH, XSCH | cc 1 | TSCH, the status goes up, then completed with cc 1 |
| STSCH | status pending | TSCH, then the same instruction again |
| STSCH | none pending | found |

A CANCEL whose START waits here withdraws it at once. If Cio has taken status since the
last Look, it completes a CANCEL with cc 1: that status is pending above.
"""

import errno
from typing import Final

from ccw_actors.actors.host._cio_state import CioState, Enable, Waiting, of_kind
from ccw_actors.actors.protocol import (
    Accepted,
    Cancel,
    CioMessage,
    CioToSubchannel,
    CioToVfioCcw,
    Clear,
    Completed,
    ConditionCode,
    Detach,
    DetachDevice,
    Found,
    Gone,
    Halt,
    HostOperation,
    Look,
    NotOperational,
    Pending,
    Refused,
    Resume,
    SenseConcurrently,
    Start,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import Cc, Irb, Pmcw, Schib
from ccw_actors.runtime import Actor, ActorRef, receive

__all__ = ["Cio"]

_ISC: Final = 3
"""The subclass of the interruptions: Linux arch/s390/include/asm/isc.h (IO_SCH_ISC)."""


class Cio(Actor[CioMessage]):
    """Drives `subchannel` for `driver`."""

    state: CioState

    def __init__(
        self,
        subchannel: ActorRef[CioToSubchannel],
        driver: ActorRef[CioToVfioCcw],
    ) -> None:
        self._subchannel = subchannel
        self._driver = driver
        self.state = CioState()

    def on_start(self) -> None:
        """Store the subchannel, to enable it then."""
        self._subchannel.tell(StoreSubchannel())

    def on_restart(self) -> None:
        """Give up the subchannel: the operations that it had accepted are not known."""
        self.state.issued = ""
        self.state.operational = False
        self._subchannel.tell(DetachDevice())

    @receive
    def detach(self, _message: Detach) -> None:
        """Give up the subchannel for the driver."""
        self._subchannel.tell(DetachDevice())

    @receive
    def stored(self, message: Stored) -> None:
        """Enable the subchannel, or go on with the operation that issued STSCH."""
        state = self.state
        if not state.issued:
            # STSCH was issued before a restart, or the subchannel is gone by now.
            return
        state.issued = ""
        there = message.cc == Cc.DONE and message.schib.pmcw.valid
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
        state.pmcw = pmcw.with_isc(_ISC)
        state.waiting = (Enable(), *state.waiting)

    @receive
    def host_operation(self, message: HostOperation) -> None:
        """Issue the operation's instruction when its turn comes."""
        state = self.state
        if type(message) is Clear:
            for overtaken in state.waiting:
                self._overtaken(overtaken)
            # A CLEAR ends functions; operations on the subchannel itself stay.
            state.waiting = of_kind(state.waiting, Enable, SenseConcurrently, Look)
        if type(message) is Cancel and of_kind(state.waiting, Start):
            waiting = state.waiting
            state.waiting = tuple(w for w in waiting if not isinstance(w, Start))
            self._driver.tell(Completed(message.number, Cc.DONE))
            return
        state.waiting = (*state.waiting, message)
        self._go_on()

    @receive
    def pending(self, _message: Pending) -> None:
        """Take the status when no instruction is in progress."""
        self.state.look = True
        self._go_on()

    @receive
    def not_operational(self, _message: NotOperational) -> None:
        """Give up all operations that the subchannel had accepted."""
        state = self.state
        state.operational, state.gone = False, True
        state.start = state.halt = state.clear = state.to_complete = 0
        operation, state.operation, state.issued = state.operation, None, ""
        if operation is not None:
            self._not_operational(operation)
        self._go_on()

    @receive
    def condition_code(self, message: ConditionCode) -> None:
        """Note how the subchannel has answered the instruction."""
        # With no instruction in progress, it answers one from before a restart or
        # before the end of the subchannel: the driver has its answer already.
        if self.state.issued:
            self._answered(message.cc)

    @receive
    def tested(self, message: Tested) -> None:
        """Pass status up, with the numbers of its operations."""
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
        """Answer a Look, once no status is pending."""
        state = self.state
        if message.cc == Cc.DONE and message.schib.scsw.pending:
            state.repeat(look)
        else:
            state.looked = True
            self._driver.tell(Found(look.number, message.schib))

    def _overtaken(self, operation: Waiting) -> None:
        """Answer an operation that was not issued because of a CLEAR."""
        if isinstance(operation, Start | Halt | Clear):
            self._driver.tell(Refused(operation.number, errno.ECANCELED))
        elif isinstance(operation, Resume | Cancel):
            self._driver.tell(Completed(operation.number, Cc.NOT_APPLICABLE))

    def _answered(self, cc: int) -> None:
        state = self.state
        operation, state.operation, state.issued = state.operation, None, ""
        match operation:
            case None:
                raise AssertionError("no instruction was in progress")
            case Start() | Halt() | Clear():
                self._begun(operation, cc)
            case Resume() | Cancel():
                self._completed(operation, cc)
            case Enable() | SenseConcurrently():
                self._modified(operation, cc)
            case Look():
                raise AssertionError("STSCH is answered by Stored")
        self._go_on()

    def _modified(self, operation: Enable | SenseConcurrently, cc: int) -> None:
        state = self.state
        if cc == Cc.STATUS_PENDING:
            state.repeat(operation)
        elif cc == Cc.NOT_OPERATIONAL:
            state.operational = False

    def _begun(self, operation: Start | Halt | Clear, cc: int) -> None:
        state = self.state
        if cc == Cc.DONE:
            self._accept(operation)
        elif cc == Cc.NOT_APPLICABLE:
            self._driver.tell(Refused(operation.number, errno.EBUSY))
        elif cc == Cc.NOT_OPERATIONAL:
            state.operation, state.issued = operation, "STSCH"
            self._subchannel.tell(StoreSubchannel())
        elif of_kind(state.waiting, Clear):
            state.look = True
            self._overtaken(operation)
        else:
            state.repeat(operation)

    def _completed(self, operation: Resume | Cancel, cc: int) -> None:
        state = self.state
        if cc == Cc.STATUS_PENDING:
            state.look = True
            state.to_complete = operation.number
            return
        if cc == Cc.DONE and isinstance(operation, Cancel):
            state.start = 0
        self._driver.tell(Completed(operation.number, cc))

    def _accept(self, operation: Start | Halt | Clear) -> None:
        self.state.accept(operation)
        if operation.acknowledge:
            self._driver.tell(Accepted(operation.number))

    def _go_on(self) -> None:
        """Issue the next instruction unless one is in progress."""
        state = self.state
        if state.issued:
            return
        if not state.operational:
            self._give_up()
        elif state.waiting and type(state.waiting[0]) is Clear:
            # CSCH drops the status that TSCH would take.
            self._issue()
        elif state.look:
            state.issued = "TSCH"
            state.look = False
            self._subchannel.tell(TestSubchannel())
        elif late := state.take_late():
            self._driver.tell(Completed(late.number, Cc.STATUS_PENDING))
            self._go_on()
        elif state.waiting:
            self._issue()

    def _give_up(self) -> None:
        """Answer all operations that wait: the subchannel is not operational."""
        state = self.state
        waiting, state.waiting = state.waiting, ()
        for operation in waiting:
            self._not_operational(operation)
        if state.gone:
            state.gone = False
            self._driver.tell(Gone())

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
        self._subchannel.tell(self.state.issue())

    def _attribute(self, irb: Irb) -> None:
        self._driver.tell(self.state.attribute(irb))
