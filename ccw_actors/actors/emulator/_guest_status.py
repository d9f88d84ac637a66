"""What a guest's subchannel remembers, and what it shows of the layers below.

| FC | answered so far | event | what the guest sees |
|---|---|---|---|
| start | nothing | START's end | status pending: START's |
| start | nothing | START's intermediate status | status pending, FC stays |
| start, halt | nothing | START's end | nothing yet: HALT is unanswered |
| start, halt | START | HALT's end | status pending: START's, with both in FC |
| start, halt | nothing | the end of both | status pending |
| halt | nothing | HALT's end | status pending |
| clear | nothing | CLEAR's end | status pending |
| clear | nothing | anything older than CLEAR | nothing: the status is dropped |
| any | | unsolicited status | held until FC is zero and nothing is pending |
| any | | the host's subchannel is gone | not operational, and a channel report |

The ledger of one `GuestSubchannel`, which sends all messages. A method that makes
status pending returns True, and the caller announces the interruption.
"""

import errno

from msgspec import Struct, field
from msgspec.structs import replace

from ccw_actors.actors.hardware import InterruptionRequest
from ccw_actors.actors.protocol import (
    Instruction,
    InstructionAnswer,
    Settings,
    SubchannelReset,
)
from ccw_actors.channel import (
    Actl,
    Cstat,
    Fctl,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    lifecycle,
)
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.runtime import ReplyTo

__all__ = ["GuestSubchannelState", "Issued", "SentDown"]


class Issued(Struct, frozen=True):
    """An instruction, and where its answer goes."""

    instruction: Instruction
    to: ReplyTo[InstructionAnswer]


class SentDown(Struct, frozen=True):
    """An instruction that the layers below have to answer, as operation `number`."""

    issued: Issued
    number: int


class GuestSubchannelState(Struct):
    """What a guest's subchannel remembers.

    `number` is the newest operation number; `start`, `halt` and `clear` are those of
    the functions in FC, 0 for none. `answered` has the FC bits that the host has
    reported on, `answer` the status to show for them. `newest_clear` is the number of
    the newest CLEAR or RESET. `unsolicited` is held back. `resetting` waits for CLEAR.
    `below` is the instruction that was passed down; `waiting` are those that have come
    since. `taken` counts events that end an operation, since the last request below.
    `settings` are those of the guest's channel subsystem. `is_gone` says that the host
    has given its subchannel up: after a restart that is later than the guest's being
    not operational.
    """

    schib: Schib
    irb: Irb = Irb(Scsw())
    interruption: InterruptionRequest = field(default_factory=InterruptionRequest)
    number: int = 0
    start: int = 0
    halt: int = 0
    clear: int = 0
    answered: int = 0
    answer: Irb | None = None
    newest_clear: int = 0
    unsolicited: Irb | None = None
    resetting: tuple[ReplyTo[SubchannelReset], ...] = ()
    below: SentDown | None = None
    is_gone: bool = False
    waiting: tuple[Issued, ...] = ()
    taken: int = 0
    settings: Settings = Settings()

    @property
    def scsw(self) -> Scsw:
        """The SCSW of `schib`."""
        return self.schib.scsw

    @scsw.setter
    def scsw(self, scsw: Scsw) -> None:
        self.schib = replace(self.schib, scsw=scsw)

    def next_number(self) -> int:
        """Number one more operation."""
        self.number += 1
        return self.number

    def report_taken(self) -> int:
        """Return how many events were taken since the last request, for the next one.

        Until then the layer below is busy, which no guest can see: that request is the
        first that it could refuse.
        """
        taken, self.taken = self.taken, 0
        return taken

    # -- functions that are accepted --

    def accept_start(self, orb: Orb, scsw: Scsw) -> int:
        """Begin a start function; return its number."""
        pmcw = lifecycle.started(self.schib.pmcw, orb)
        self.schib = replace(self.schib, pmcw=pmcw, scsw=scsw)
        self.start = self.next_number()
        return self.start

    def accept_halt(self, scsw: Scsw) -> int:
        """Begin a halt function; return its number."""
        if not scsw.fctl & Fctl.START:
            # The status of a HALT alone keeps nothing of an earlier START.
            scsw = Scsw(fctl=scsw.fctl, actl=scsw.actl)
        self.scsw = scsw
        self.interruption.withdraw()
        self.halt = self.next_number()
        return self.halt

    def accept_clear(self, scsw: Scsw) -> int | None:
        """Begin a clear function; return its number, None if one is in progress below.

        That one then serves both.
        """
        in_progress = self.clear and not self.answered & Fctl.CLEAR
        self.scsw = scsw
        self.drop_status()
        return None if in_progress else self.clear_host()

    def clear_host(self) -> int:
        """Replace all functions by a CLEAR; return its number."""
        self.forget_functions()
        self.drop_status()
        self.clear = self.newest_clear = self.next_number()
        return self.clear

    def reset(self) -> int:
        """Disable the subchannel; return the number of the CLEAR to send down."""
        number = self.clear_host()
        pmcw = self.schib.pmcw.with_flag(Pmcw.enabled, on=False)
        self.schib = replace(self.schib, pmcw=pmcw, scsw=lifecycle.reset(self.scsw))
        return number

    def lose(self) -> None:
        """Be not operational: the subchannel below is gone."""
        self.schib = Schib(Pmcw(devno=self.schib.pmcw.devno))
        self.irb = Irb(Scsw())
        self.drop_status()
        self.newest_clear = self.next_number()

    def cancel_start(self) -> None:
        """Withdraw the START: XSCH ended with condition code 0."""
        scsw = self.scsw
        fctl, actl = scsw.fctl & ~Fctl.START, scsw.actl & ~Actl.OF_START
        self.scsw = replace(scsw, fctl=fctl, actl=actl)
        self.forget_functions()

    def resume(self) -> None:
        """Show the suspended program as active: RSCH ended with condition code 0."""
        actl = self.scsw.actl & ~(Actl.SUSPENDED | Actl.RESUME_PENDING)
        self.scsw = replace(self.scsw, actl=actl | Actl.ACTIVE)

    def forget_functions(self) -> None:
        """Forget all functions, and the status that was to be shown for them."""
        self.start = self.halt = self.clear = 0
        self.answered = 0
        self.answer = None

    def drop_status(self) -> None:
        """Withdraw the interruption, and drop unsolicited status that is held back."""
        self.interruption.withdraw()
        self.unsolicited = None

    # -- what instructions find --

    def test(self) -> tuple[int, Irb]:
        """TEST SUBCHANNEL: condition code, IRB; this is where FC ends."""
        irb = replace(self.irb, scsw=self.scsw)
        cc, self.scsw = lifecycle.test(self.scsw, self.schib.pmcw)
        if cc == 0:
            self.interruption.withdraw()
            if not self.scsw.fctl:
                self.forget_functions()
        return cc, irb

    def note_activity(self, host: Scsw) -> None:
        """Show how active a START without pending status is at the host.

        A START that has not reached the host is start-pending. One that the host is to
        resume is active, as RSCH has left it here.
        """
        scsw = self.scsw
        if not scsw.fctl & Fctl.START or scsw.pending:
            return
        if not host.fctl & Fctl.START:
            actl = Actl.START_PENDING
        elif host.actl & Actl.RESUME_PENDING:
            actl = Actl.ACTIVE
        else:
            actl = host.actl & Actl.OF_START
        self.scsw = replace(scsw, actl=scsw.actl & ~Actl.OF_START | actl)

    # -- status from below --

    def functions(self, numbers: tuple[int, ...]) -> int:
        """Return the FC bits of the functions that have one of these numbers."""
        return (
            (Fctl.START if self.start in numbers else 0)
            | (Fctl.HALT if self.halt in numbers else 0)
            | (Fctl.CLEAR if self.clear in numbers else 0)
        )

    def end(self, functions: int, irb: Irb) -> bool:
        """Note the end of functions; return whether their status is pending now.

        It becomes pending once every function in FC has been answered. With a START in
        FC it is the START's.
        """
        if self.answer is None or functions & Fctl.START:
            self.answer = irb
        self.answered |= functions
        if functions & Fctl.CLEAR:
            pmcw = lifecycle.cleared(self.schib.pmcw)
            self.schib = replace(self.schib, pmcw=pmcw)
        if self.scsw.fctl & ~self.answered:
            return False
        self.present(self._merged(self.answer))
        return True

    def present_intermediate(self, irb: Irb, after: int) -> bool:
        """Make an intermediate status pending; return whether it is.

        `after` is the newest operation that the host had accepted then. Drop status
        older than the newest HALT: HSCH cleared it. Keep it if the program is suspended
        (PoP, "HALT SUBCHANNEL").
        """
        if after < self.halt and not irb.scsw.actl & Actl.SUSPENDED:
            return False
        self.present(self._merged(irb, ends=False))
        return True

    def present_unsolicited(self) -> bool:
        """Make held status pending if nothing else is; return whether it is.

        A subchannel that is not enabled drops it.
        """
        irb = self.unsolicited
        if irb is None or self.scsw.fctl or self.scsw.pending:
            return False
        self.unsolicited = None
        if not self.schib.pmcw.enabled:
            return False
        self.present(irb)
        return True

    def present(self, irb: Irb) -> None:
        """Make status pending."""
        self.irb = irb
        self.scsw = irb.scsw
        self.interruption.pending = True

    def failed_start(self, reason: int) -> Irb:
        """Return the status of a START that was refused with that errno.

        It is status because START already has its condition code.
        """
        if reason == errno.EACCES:
            return Irb(lifecycle.no_path(self.scsw))
        check = (
            Cstat.INTERFACE_CONTROL_CHECK
            if reason == errno.EBUSY
            else Cstat.PROGRAM_CHECK
        )
        cpa = self.scsw.cpa + CCW_LENGTH
        scsw = lifecycle.ended(self.scsw, dstat=0, cstat=check, count=0, cpa=cpa)
        return Irb(scsw)

    def _merged(self, irb: Irb, *, ends: bool = True) -> Irb:
        """Return the host's status with the guest's own bits.

        These are FC, the bits from the ORB, an intermediate status not tested yet, and,
        unless all of FC ends, a pending HALT.
        """
        own, host = self.scsw, irb.scsw
        mine = own.flags & lifecycle.FROM_ORB if own.fctl & Fctl.START else 0
        untested = own.stctl & Stctl.INTERMEDIATE
        pci = own.cstat & Cstat.PROGRAM_CONTROLLED_INTERRUPTION if untested else 0
        signals = own.actl & (Actl.HALT_PENDING | Actl.CLEAR_PENDING)
        scsw = replace(
            host,
            flags=mine | host.flags & ~lifecycle.FROM_ORB,
            fctl=own.fctl,
            actl=host.actl | (0 if ends else signals),
            stctl=host.stctl | untested,
            cstat=host.cstat | pci,
        )
        return replace(irb, scsw=scsw)
