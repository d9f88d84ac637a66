"""Cio: an operating system's layer above one subchannel, host's or guest's.

It issues one instruction at a time and waits for its condition code. Operations that
arrive meanwhile wait in the order they came; a CLEAR overtakes and cancels those that
have not been issued. Status is taken whenever the subchannel hints at an interruption
or answers condition code 1, and attributed by the FC bits of the IRB and by what the
subchannel had accepted by then, which the order of its answers tells.

| instruction under way | answer | next |
|---|---|---|
| MSCH | cc 0 | ready |
| MSCH | cc 3 | not operational: every operation is refused with ENODEV |
| SSCH, HSCH | cc 0 | accepted |
| SSCH, HSCH | cc 1 | TSCH, then the same instruction again |
| SSCH, HSCH | cc 2, cc 3 | refused: EBUSY, ENODEV |
| CSCH | cc 0 | accepted; START and HALT accepted before are given up |
| CSCH | cc 3 | refused: ENODEV |
| TSCH | cc 0 | the status goes up |
| TSCH | cc 1, cc 3 | somebody was here before: nothing goes up |
"""

import errno
from typing import Any, TypeAlias

from msgspec import Struct

from ccw_actors.actors.protocol import (
    Accepted,
    Clear,
    ClearSubchannel,
    ConditionCode,
    Halt,
    HaltSubchannel,
    Interrupt,
    ModifySubchannel,
    Pending,
    Refused,
    Start,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import Fctl, Irb, Pmcw, Stctl
from ccw_actors.runtime import Actor, ActorRef, receive

__all__ = ["Cio"]

Operation: TypeAlias = Start | Halt | Clear

_REFUSALS = {2: errno.EBUSY, 3: errno.ENODEV}
_INTERMEDIATE = Stctl.INTERMEDIATE | Stctl.PENDING


class CioState(Struct):
    """What a Cio remembers.

    `issued` names the instruction under way, "" if none; `operation` is the operation
    it belongs to. `waiting` holds the operations not issued yet. `look` says that
    status may be pending. `start`, `halt` and `clear` are the operations that the
    subchannel has accepted and not ended, 0 if none; `newest` is the last one accepted.
    """

    issued: str = "STSCH"
    operation: Operation | None = None
    waiting: tuple[Operation, ...] = ()
    look: bool = False
    operational: bool = True
    start: int = 0
    halt: int = 0
    clear: int = 0
    newest: int = 0


class Cio(Actor):
    """Drives `subchannel` for `driver`, with interruptions in subclass `isc`."""

    state: CioState

    def __init__(
        self, subchannel: ActorRef[Any], driver: ActorRef[Any], *, isc: int = 3
    ) -> None:
        self._subchannel = subchannel
        self._driver = driver
        self._isc = isc
        self.state = CioState()

    def on_start(self) -> None:
        """Find out what the subchannel is, to enable it."""
        self._subchannel.tell(StoreSubchannel())

    @receive
    def stored(self, message: Stored) -> None:
        """Enable the subchannel."""
        if message.cc != 0 or not message.schib.pmcw.valid:
            self._answered(3)
            return
        self.state.issued = "MSCH"
        pmcw = message.schib.pmcw.with_flag(Pmcw.enabled, on=True)
        self._subchannel.tell(ModifySubchannel(pmcw.with_isc(self._isc)))

    @receive
    def operate(self, message: Start | Halt | Clear) -> None:
        """Issue the operation's instruction when its turn comes."""
        state = self.state
        if isinstance(message, Clear):
            for overtaken in state.waiting:
                self._driver.tell(Refused(overtaken.number, errno.ECANCELED))
            state.waiting = ()
        state.waiting = (*state.waiting, message)
        self._go_on()

    @receive
    def pending(self, _message: Pending) -> None:
        """Take the status when no instruction is under way."""
        self.state.look = True
        self._go_on()

    @receive
    def condition_code(self, message: ConditionCode) -> None:
        """Note what the subchannel made of the instruction."""
        self._answered(message.cc)

    @receive
    def tested(self, message: Tested) -> None:
        """Pass status up, with the numbers it belongs to."""
        self.state.issued = ""
        self.state.look = False
        if message.cc == 0:
            self._attribute(message.irb)
        self._go_on()

    def _answered(self, cc: int) -> None:
        state = self.state
        operation, state.operation, state.issued = state.operation, None, ""
        if operation is None:
            state.operational = cc == 0
        elif cc == 0:
            self._accept(operation)
        elif cc == 1:
            state.look = True
            if not any(isinstance(other, Clear) for other in state.waiting):
                state.waiting = (operation, *state.waiting)
            else:
                self._driver.tell(Refused(operation.number, errno.ECANCELED))
        else:
            self._driver.tell(Refused(operation.number, _REFUSALS[cc]))
        self._go_on()

    def _accept(self, operation: Operation) -> None:
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
                state.look = False
        self._driver.tell(Accepted(operation.number))

    def _go_on(self) -> None:
        """Issue the next instruction unless one is under way."""
        state = self.state
        if state.issued:
            return
        if not state.operational:
            for operation in state.waiting:
                self._driver.tell(Refused(operation.number, errno.ENODEV))
            state.waiting = ()
        elif state.waiting and isinstance(state.waiting[0], Clear):
            self._issue("CSCH", ClearSubchannel())
        elif state.look:
            state.issued = "TSCH"
            self._subchannel.tell(TestSubchannel())
        elif state.waiting and isinstance(state.waiting[0], Start):
            start = state.waiting[0]
            self._issue("SSCH", StartSubchannel(start.orb, start.program))
        elif state.waiting:
            self._issue("HSCH", HaltSubchannel())

    def _issue(
        self, name: str, instruction: StartSubchannel | HaltSubchannel | ClearSubchannel
    ) -> None:
        state = self.state
        state.operation, *rest = state.waiting
        state.waiting = tuple(rest)
        state.issued = name
        self._subchannel.tell(instruction)

    def _attribute(self, irb: Irb) -> None:
        state = self.state
        scsw = irb.scsw
        final = scsw.stctl != _INTERMEDIATE
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
