"""What a Cio remembers of its subchannel, and what an instruction or status changes.

A ledger: it returns messages, and the Cio sends them.
"""

from typing import Final, TypeAlias

from msgspec import Struct

from ccw_actors.actors.protocol import (
    Cancel,
    CancelSubchannel,
    Clear,
    ClearSubchannel,
    Halt,
    HaltSubchannel,
    HostOperation,
    Interrupt,
    Look,
    ModifySubchannel,
    Resume,
    ResumeSubchannel,
    SenseConcurrently,
    Start,
    StartSubchannel,
    StoreSubchannel,
)
from ccw_actors.channel import Actl, Fctl, Irb, Pmcw, Scsw
from ccw_actors.runtime import Message

__all__ = ["CioState", "Enable", "Issued", "Waiting", "of_kind"]


class Enable(Message, frozen=True):
    """Enable the subchannel, once it is known to be there."""


Waiting: TypeAlias = HostOperation | Enable

Issued: TypeAlias = (
    StartSubchannel
    | HaltSubchannel
    | ClearSubchannel
    | ResumeSubchannel
    | CancelSubchannel
    | StoreSubchannel
    | ModifySubchannel
)
"""The instruction that an operation issues."""

_NAMES: Final[dict[type[Message], str]] = {
    StartSubchannel: "SSCH",
    HaltSubchannel: "HSCH",
    ClearSubchannel: "CSCH",
    ResumeSubchannel: "RSCH",
    CancelSubchannel: "XSCH",
    StoreSubchannel: "STSCH",
    ModifySubchannel: "MSCH",
}

_WITHOUT_OPERAND: Final[dict[type[Message], Issued]] = {
    Halt: HaltSubchannel(),
    Clear: ClearSubchannel(),
    Cancel: CancelSubchannel(),
    Look: StoreSubchannel(),
}


class CioState(Struct):
    """What a Cio remembers.

    `issued` names the instruction in progress, "" if none; `operation` is the operation
    it belongs to. `waiting` holds the operations not issued yet. `look` says that
    status may be pending. `start`, `halt` and `clear` are the operations that the
    subchannel has accepted and not ended, 0 if none; `newest` is the last one accepted.
    `to_complete` is a Resume or Cancel that met status: it is completed once that has
    gone up. `looked` says that no status has been taken since the last Look, `gone`
    that the driver has still to receive Gone. `pmcw` is the subchannel's as it was last
    modified.
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

    # -- operations that wait --

    def repeat(self, operation: Waiting) -> None:
        """Take the pending status, then issue the operation again."""
        self.look = True
        self.waiting = (operation, *self.waiting)

    def take_late(self) -> Cancel | None:
        """Take the next operation if it is a CANCEL and status came after its Look."""
        if not self.waiting or self.looked:
            return None
        operation, *others = self.waiting
        if type(operation) is not Cancel:
            return None
        self.waiting = tuple(others)
        return operation

    def issue(self) -> Issued:
        """Return the instruction of the operation that has waited longest."""
        operation, *rest = self.waiting
        self.operation = operation
        self.waiting = tuple(rest)
        if type(operation) is SenseConcurrently:
            sense = Pmcw.concurrent_sense
            self.pmcw = self.pmcw.with_flag(sense, on=operation.wanted)
        instruction = self._instruction(operation)
        self.issued = _NAMES[type(instruction)]
        return instruction

    def _instruction(self, operation: Waiting) -> Issued:
        match operation:
            case Start(orb=orb, program=program):
                return StartSubchannel(orb, program)
            case Resume(program=program):
                return ResumeSubchannel(program)
            case Halt() | Clear() | Cancel() | Look():
                return _WITHOUT_OPERAND[type(operation)]
            case Enable() | SenseConcurrently():
                return ModifySubchannel(self.pmcw)

    # -- functions of the subchannel --

    def accept(self, operation: Start | Halt | Clear) -> None:
        """Note that the subchannel has accepted a function."""
        self.newest = operation.number
        match operation:
            case Start():
                self.start = operation.number
            case Halt():
                self.halt = operation.number
            case Clear():
                self.start = self.halt = 0
                self.clear = operation.number
                # CSCH dropped the hinted status. The CLEAR's end brings its own hint.
                self.look = False

    def attribute(self, irb: Irb) -> Interrupt:
        """Return status with the numbers of its operations; end those that it ends."""
        self.looked = False
        fctl = irb.scsw.fctl
        answers = self._accepted(fctl)
        final = not irb.scsw.is_intermediate or _ends_at_test(irb.scsw)
        if final:
            self._end(fctl)
        return Interrupt(answers, answers if final else (), self.newest, irb)

    def _accepted(self, fctl: int) -> tuple[int, ...]:
        functions = (
            (Fctl.START, self.start),
            (Fctl.HALT, self.halt),
            (Fctl.CLEAR, self.clear),
        )
        return tuple(n for function, n in functions if fctl & function and n)

    def _end(self, fctl: int) -> None:
        if fctl & Fctl.START:
            self.start = 0
        if fctl & Fctl.HALT:
            self.halt = 0
        if fctl & Fctl.CLEAR:
            self.clear = 0


def of_kind(
    operations: tuple[Waiting, ...], *kinds: type[Waiting]
) -> tuple[Waiting, ...]:
    """Return the operations that are of one of these kinds."""
    return tuple(one for one in operations if isinstance(one, kinds))


def _ends_at_test(scsw: Scsw) -> bool:
    """Whether TSCH ends a suspended program, because a HALT is pending."""
    return bool(scsw.actl & Actl.SUSPENDED) and scsw.fctl != Fctl.START
