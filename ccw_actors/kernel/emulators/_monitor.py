"""Monitor: holds what a guest sees of a subchannel against the architecture.

It follows the functions that the subchannel has accepted and not ended, which a guest
can know: FC changes by the guest's own instructions and by nothing else.

| seen | then, by PoP |
|---|---|
| STSCH | FC has the functions in progress |
| TSCH cc 0 | the status is of the functions in progress; unless it is intermediate |
| | status alone, they have ended |
| TSCH cc 0 | no unit exception: the device presents none in any scenario |
| TSCH cc 0, FC clear alone | pending alone, no device or subchannel status |
| SSCH, HSCH, CSCH cc 0 | the function is in progress; CSCH ends the others |
| SSCH, HSCH cc 2 | a function is in progress that forbids it |
| MSCH cc 0 | no function was in progress |
| XSCH cc 0 | the channel program was not active; START is no longer in progress |
| RSCH cc 0 | the channel program was suspended |
| TPI cc 1 | status is pending |
| STSCH after IPL | LPM is PIM |
| a reset | no function, no status, not enabled |
| the host has nothing to do | each function in progress gets its status |

Source: PoP, "Function Control", "Status Control", "Clear Function", "I/O Instructions",
"Logical-Path Mask",
"Unit Exception", "I/O-System Reset".
"""

from typing import Final

from msgspec import Struct

from ccw_actors.channel import Actl, Dstat, Fctl, Pmcw, Schib, Scsw, Stctl

__all__ = ["Monitor", "Violation", "described", "functions_in"]

_FUNCTION_CONTROL: Final = 'PoP, "Function Control"'
_CLEAR: Final = 'PoP, "Clear Function"'
_RESET: Final = 'PoP, "I/O-System Reset"'


class Violation(Struct, frozen=True):
    """What a guest saw that the architecture does not allow, and the section of PoP."""

    seen: str
    section: str

    def __str__(self) -> str:
        return f"{self.seen} ({self.section})"


def functions_in(fctl: int) -> str:
    """Return the names of functions, joined by plus signs; "none" for none."""
    names = [name for bit, name in Fctl.NAMES.items() if fctl & bit]
    return "+".join(names) or "none"


def described(scsw: Scsw) -> str:
    """Return an SCSW as three words in hexadecimal, and in names."""
    names = (
        ("FC", "fctl"),
        ("AC", "actl"),
        ("SC", "stctl"),
        ("device status", "dstat"),
        ("subchannel status", "cstat"),
    )
    named = [
        f"{title} {scsw.names_of(field)}"
        for title, field in names
        if getattr(scsw, field)
    ]
    return f"{scsw.to_bytes().hex(' ', 4)} ({', '.join(named) or 'nothing'})"


class Monitor:
    """What one guest has seen, and the violations in it.

    `is_active` and `is_suspended` say how far the channel program is at the host, as
    far as a scenario has waited for that.
    """

    def __init__(self) -> None:
        self.functions = 0
        self.is_active = False
        self.is_suspended = False
        self.violations: list[Violation] = []
        self._interruption_taken = False

    def _violated(self, seen: str, section: str) -> None:
        self.violations.append(Violation(seen, section))

    # -- instructions ------------------------------------------------------------------

    def started(self, cc: int) -> None:
        """SSCH."""
        if cc == 0 and self.functions:
            self._violated(
                f"SSCH cc 0 with functions in progress: {functions_in(self.functions)}",
                'PoP, "START SUBCHANNEL"',
            )
        if cc == 2 and not self.functions:
            self._violated(
                "SSCH cc 2 with no function in progress", 'PoP, "START SUBCHANNEL"'
            )
        if cc == 0:
            self.functions = Fctl.START

    def halted(self, cc: int) -> None:
        """HSCH."""
        if cc == 2 and not self.functions & (Fctl.HALT | Fctl.CLEAR):
            self._violated(
                f"HSCH cc 2 with functions in progress: {functions_in(self.functions)}",
                'PoP, "HALT SUBCHANNEL"',
            )
        if cc == 0:
            self.functions |= Fctl.HALT

    def cleared(self, cc: int) -> None:
        """CSCH."""
        if cc == 0:
            self.functions = Fctl.CLEAR
            self.is_active = self.is_suspended = False

    def cancelled(self, cc: int) -> None:
        """XSCH."""
        section = 'PoP, "CANCEL SUBCHANNEL"'
        if cc == 0 and self.is_active:
            self._violated("XSCH cc 0 while the channel program is active", section)
        if cc == 0 and not self.functions & Fctl.START:
            self._violated("XSCH cc 0 with no START in progress", section)
        if cc == 0:
            self.functions = 0

    def resumed(self, cc: int) -> None:
        """RSCH."""
        if self.is_suspended and cc != 0:
            self._violated(
                f"RSCH cc {cc} while the channel program is suspended",
                'PoP, "RESUME SUBCHANNEL"',
            )
        if cc == 0:
            self.is_suspended = False

    def modified(self, cc: int) -> None:
        """MSCH."""
        if cc == 0 and self.functions:
            self._violated(
                f"MSCH cc 0 with functions in progress: {functions_in(self.functions)}",
                'PoP, "MODIFY SUBCHANNEL"',
            )

    def stored(self, cc: int, schib: Schib) -> None:
        """STSCH."""
        shown = schib.scsw.fctl
        if cc == 0 and shown != self.functions:
            self._violated(
                f"STSCH shows {described(schib.scsw)};"
                f" functions in progress: {functions_in(self.functions)}",
                _FUNCTION_CONTROL,
            )
            # The guest has no other way to know: what follows is judged by this.
            self.functions = shown

    def tested(self, cc: int, scsw: Scsw) -> None:
        """TSCH."""
        if self._interruption_taken and cc:
            self._violated(
                "TPI has taken an interruption, but no status is pending",
                'PoP, "TEST SUBCHANNEL"',
            )
        self._interruption_taken = False
        if cc:
            return
        if scsw.fctl != self.functions:
            self._violated(
                f"TSCH shows {described(scsw)};"
                f" functions in progress: {functions_in(self.functions)}",
                _FUNCTION_CONTROL,
            )
        if scsw.fctl == Fctl.CLEAR and not _is_of_clear(scsw):
            self._violated(
                f"TSCH shows a status of CLEAR that has more than pending:"
                f" {described(scsw)}",
                _CLEAR,
            )
        if scsw.dstat & Dstat.UNIT_EXCEPTION:
            self._violated(
                "TSCH shows a unit exception that the device has not presented:"
                f" {described(scsw)}",
                'PoP, "Unit Exception"',
            )
        if not scsw.is_intermediate:
            self.functions = 0
        self.is_suspended = bool(scsw.actl & Actl.SUSPENDED and self.functions)

    def interruption(self, *, taken: bool) -> None:
        """TPI; the next instruction of this kind has to be TSCH."""
        self._interruption_taken = taken

    # -- what comes from outside -------------------------------------------------------

    def first_stored(self, pmcw: Pmcw) -> None:
        """STSCH, the first instruction after IPL."""
        if pmcw.lpm != pmcw.pim:
            self._violated(
                f"after IPL, LPM is {pmcw.lpm:02x} and PIM {pmcw.pim:02x}",
                'PoP, "Logical-Path Mask"',
            )

    def reset(self) -> None:
        """Note that the guest is reset: no function is in progress."""
        self.functions = 0
        self.is_active = self.is_suspended = False

    def stored_after_reset(self, schib: Schib) -> None:
        """STSCH, the first instruction after a reset."""
        scsw = schib.scsw
        if scsw.fctl or scsw.actl or scsw.stctl:
            self._violated(f"after a reset, STSCH shows {described(scsw)}", _RESET)
        if schib.pmcw.enabled:
            self._violated("after a reset, the subchannel is enabled", _RESET)

    def settled(self) -> None:
        """Note that the host has nothing to do, and the guest has taken all status."""
        if self.functions and not self.is_suspended:
            self._violated(
                f"the status of {functions_in(self.functions)} never comes",
                'PoP, "Conclusion of I/O Operations"',
            )


def _is_of_clear(scsw: Scsw) -> bool:
    """Whether a status is as the clear function makes it."""
    is_alone = scsw.stctl == Stctl.PENDING and not scsw.actl
    return is_alone and not (scsw.dstat or scsw.cstat)
