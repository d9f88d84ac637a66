"""The state of the subchannel in `_specification`, and how it changes.

Pure: this module sends no message and sets no timer. The changes of FC, AC and SC are
written out as the architecture has them, and share no code with `channel.lifecycle`.

Source: see `_specification`.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import (
    PATH_0,
    Actl,
    Ccw,
    Cstat,
    Dstat,
    Fctl,
    Irb,
    Orb,
    Pmcw,
    Scsw,
    Stctl,
)
from ccw_actors.channel.ccw import CCW_LENGTH

__all__ = ["WITHDRAWN", "SpecifiedState"]

WITHDRAWN: Final = Actl.START_PENDING | Actl.RESUME_PENDING | Actl.SUSPENDED
"""The activity of a START that XSCH withdraws."""

_READS: Final = frozenset({0x02, 0x06})
_NO_OPERATION: Final = 0x03
_FROM_ORB: Final = 0xF8F8
_PCI: Final = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
_TESTED: Final = WITHDRAWN | Actl.HALT_PENDING | Actl.CLEAR_PENDING


class SpecifiedState(Struct):
    """The state of one subchannel, its device and its storage.

    `at` is the address of the CCW in control; `next` is the step that comes next, ""
    if there is no channel program. `ccw` was fetched there, and `count` is its residual
    count. `step`, `run` and `signal` number the timers. `pci` is the address of a CCW
    whose PCI has not been shown, 0 if none. `halted` says that the halt signal has gone
    out to a device that was at work.
    """

    pmcw: Pmcw
    storage: bytes
    scsw: Scsw = Scsw()
    irb: Irb = Irb(Scsw())
    interruption: bool = False
    at: int = 0
    next: str = ""
    ccw: Ccw = Ccw(0)
    count: int = 0
    step: int = 0
    run: int = 0
    signal: int = 0
    pci: int = 0
    halted: bool = False
    attention: bool = False

    @property
    def is_operational(self) -> bool:
        """Whether instructions have another condition code than 3."""
        return self.pmcw.valid and self.pmcw.enabled

    @property
    def is_pending(self) -> bool:
        """Whether status is pending."""
        return bool(self.scsw.stctl & Stctl.PENDING)

    # -- storage --

    def bytes_at(self, address: int, length: int) -> bytes:
        """Return the bytes of storage at an address."""
        return self.storage[address : address + length]

    def write(self, address: int, data: bytes) -> None:
        """Store data at an address."""
        old = self.storage
        self.storage = old[:address] + data + old[address + len(data) :]

    # -- instructions that apply --

    def start(self, orb: Orb) -> None:
        """SSCH: the channel program will be fetched."""
        self.pmcw = replace(self.pmcw, intparm=orb.intparm, lpum=PATH_0)
        self.scsw = Scsw(
            flags=orb.flags & _FROM_ORB,
            fctl=Fctl.START,
            actl=Actl.START_PENDING,
            cpa=orb.cpa,
        )
        self.run += 1
        self.at, self.pci, self.halted = orb.cpa, 0, False

    def halt(self) -> None:
        """HSCH: status is withdrawn, unless the program is suspended."""
        scsw = self.scsw
        kept = scsw.stctl if scsw.actl & Actl.SUSPENDED else 0
        fctl, actl = scsw.fctl | Fctl.HALT, scsw.actl | Actl.HALT_PENDING
        self.scsw = replace(scsw, fctl=fctl, actl=actl, stctl=kept)
        if not scsw.fctl:
            self.scsw = Scsw(fctl=fctl, actl=actl)
        self.interruption = False

    def clear(self) -> None:
        """CSCH: only the clear function is left."""
        cleared = Actl.CLEAR_PENDING
        self.scsw = replace(self.scsw, fctl=Fctl.CLEAR, actl=cleared, stctl=0)
        self.interruption = self.attention = False
        self.pci = 0
        if self.next != "move":
            # Data on their way may arrive until the clear signal goes out.
            self.end_program()

    def withdraw(self) -> None:
        """XSCH: the START leaves nothing behind."""
        self.scsw = replace(self.scsw, fctl=0, actl=self.scsw.actl & ~WITHDRAWN)
        self.end_program()

    def test(self) -> None:
        """TSCH: status is no longer pending, and its functions end."""
        scsw = self.scsw
        self.interruption = False
        suspended = bool(scsw.actl & Actl.SUSPENDED)
        if scsw.stctl == Stctl.INTERMEDIATE_STATUS and not suspended:
            self.scsw = replace(scsw, stctl=0)
        elif scsw.stctl == Stctl.INTERMEDIATE_STATUS and scsw.fctl == Fctl.START:
            actl = scsw.actl & ~Actl.RESUME_PENDING
            self.scsw = replace(scsw, actl=actl, stctl=0)
        else:
            self.scsw = replace(scsw, fctl=0, actl=scsw.actl & ~_TESTED, stctl=0)
            self.end_program()

    # -- the channel program --

    def then(self, step: str) -> None:
        """Set the next step."""
        self.next, self.step = step, self.step + 1

    def end_program(self) -> None:
        """End the channel program: no further step comes."""
        self.then("")
        self.pci, self.halted = 0, False

    def resumed(self) -> None:
        """Resume a suspended program."""
        actl = self.scsw.actl & ~(Actl.SUSPENDED | Actl.RESUME_PENDING)
        self.scsw = replace(self.scsw, actl=actl | Actl.ACTIVE)

    def fetch(self) -> None:
        """Fetch the CCW in control."""
        self.ccw = Ccw.from_bytes(self.bytes_at(self.at, CCW_LENGTH), 1)
        self.count = self.ccw.count

    def suspend(self) -> None:
        """Suspend the program before its CCW, and show that unless U is on."""
        if self.pci:
            self.join_pci()
        scsw = self.scsw
        shown = 0 if scsw.suppress_suspended else Stctl.INTERMEDIATE_STATUS
        self.scsw = replace(
            scsw,
            actl=scsw.actl & ~(Actl.START_PENDING | Actl.ACTIVE) | Actl.SUSPENDED,
            stctl=scsw.stctl | shown,
            cpa=self.at + CCW_LENGTH,
            dstat=0,
            count=self.ccw.count,
        )
        self.next = ""

    def accept(self) -> bool:
        """Have the device take a command; return whether to show initial status."""
        scsw = self.scsw
        if not scsw.actl & Actl.START_PENDING:
            return False
        actl = scsw.actl & ~Actl.START_PENDING | Actl.ACTIVE
        self.scsw = replace(scsw, actl=actl)
        if not scsw.initial_status:
            return False
        flags = scsw.flags | Scsw.zero_condition.mask
        stctl = scsw.stctl | Stctl.INTERMEDIATE_STATUS
        self.scsw = replace(self.scsw, flags=flags, stctl=stctl)
        return True

    def move(self, record: bytes) -> None:
        """Put the record that a READ reads into storage; other commands take data."""
        if self.ccw.code in _READS:
            data = record[: self.ccw.count]
            self.write(self.ccw.address, data)
            self.count = self.ccw.count - len(data)
        elif self.ccw.code != _NO_OPERATION:
            self.count = 0

    def join_pci(self) -> None:
        """Add a PCI that has not been shown to the status."""
        scsw = self.scsw
        self.scsw = replace(
            scsw,
            actl=scsw.actl & ~Actl.START_PENDING | Actl.ACTIVE,
            stctl=scsw.stctl | Stctl.INTERMEDIATE_STATUS,
            cpa=self.pci + CCW_LENGTH,
            cstat=scsw.cstat | _PCI,
        )
        self.pci = 0

    def end(self, dstat: int, cstat: int) -> None:
        """End the start function, and a halt function that is in progress."""
        if self.pci:
            self.join_pci()
        scsw = self.scsw
        ended = Actl.START_PENDING | Actl.HALT_PENDING | Actl.ACTIVE
        untested = scsw.cstat & _PCI if scsw.stctl & Stctl.INTERMEDIATE else 0
        self.scsw = replace(
            scsw,
            actl=scsw.actl & ~ended,
            stctl=scsw.stctl | Stctl.FINAL_STATUS | (Stctl.ALERT if cstat else 0),
            cpa=self.at + CCW_LENGTH,
            dstat=dstat,
            cstat=cstat | untested,
            count=self.count,
        )
        self.end_program()

    # -- signals --

    def cleared(self) -> None:
        """Note that the clear signal has gone out."""
        self.end_program()
        self.pmcw = replace(self.pmcw, pnom=0, pom=0xFF, lpum=0)
        self.scsw = Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING)

    def halted_at_device(self) -> bool:
        """Note the halt signal; return whether the device was at work."""
        actl = self.scsw.actl & ~Actl.HALT_PENDING
        self.scsw = replace(self.scsw, actl=actl)
        self.halted = bool(actl & Actl.DEVICE_ACTIVE)
        return self.halted

    def halted_alone(self) -> None:
        """End the halt function, in which the device took no part."""
        self.end_program()
        self.scsw = replace(self.scsw, stctl=self.scsw.stctl | Stctl.PENDING)

    # -- what is shown --

    def offer(self) -> bool:
        """Show attention if no status is pending and no function in progress."""
        if not self.attention or self.scsw.fctl or self.is_pending:
            return False
        self.attention = False
        if not self.pmcw.enabled:
            return False
        stctl = Stctl.UNSOLICITED_STATUS
        self.scsw = Scsw(stctl=stctl, dstat=Dstat.ATTENTION)
        return True

    def present(self, irb: Irb) -> None:
        """Make status and an interruption pending."""
        self.irb, self.interruption = irb, True

    def detach(self) -> None:
        """Remove the device."""
        self.end_program()
        self.pmcw = Pmcw(devno=self.pmcw.devno)
        self.scsw, self.irb = Scsw(), Irb(Scsw())
        self.interruption = self.attention = False
        self.signal += 1
