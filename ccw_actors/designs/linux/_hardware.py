"""The host's subchannel and its device, as the driver's lock sees them.

Condition codes, FC, AC and SC are those of `channel.lifecycle`. A channel program is
its number; what the device does with it is a list of things that happen, in their
order and at any time.
"""

from typing import Final, Literal

from msgspec.structs import replace

from ccw_actors.channel import Actl, Dstat, Fctl, Irb, Orb, Pmcw, Scsw, Stctl, lifecycle
from ccw_actors.designs.linux._memory import HostState
from ccw_actors.runtime import Actor, Message, receive

__all__ = [
    "ENDS",
    "HOST_CPA",
    "Attention",
    "Behaviour",
    "Happens",
    "HostSubchannel",
    "guest_cpa",
    "is_final",
    "is_solicited",
    "shows_cpa",
]

Happens = Literal["begin", "end", "pci", "suspend", "channel end", "device end"]
Behaviour = tuple[Happens, ...]
ENDS: Final[Behaviour] = ("begin", "end")

HOST_CPA: Final = 0x7000_0000
GUEST_CPA: Final = 0x1000
_PROGRAM_SIZE: Final = 0x1000
_CCW: Final = 8
_PATH: Final = 0x80
_ENABLED: Final = Pmcw(lpm=_PATH, pim=_PATH, pom=0xFF, pam=_PATH).with_flag(
    Pmcw.valid, on=True
)
_ENDED: Final = Dstat.CHANNEL_END | Dstat.DEVICE_END


class DeviceGoesOn(Message, frozen=True):
    """The device does the next thing of a channel program."""

    program: int
    at: int


class SignalHalt(Message, frozen=True):
    """The halt signal goes out."""


class SignalClear(Message, frozen=True):
    """The clear signal goes out."""


class IoInterruption(Message, frozen=True):
    """A CPU takes the I/O interruption of the subchannel."""


class Attention(Message, frozen=True):
    """The device wants attention that nobody asked for."""


class HostSubchannel(Actor):
    """Answers the driver's instructions, which are method calls under `sch->lock`.

    `behaviour` is what the device does with each program.
    """

    state: HostState

    def __init__(self, behaviour: Behaviour = ENDS) -> None:
        self._behaviour = behaviour
        self.state = HostState()

    # -- instructions -----------------------------------------------------------------

    @property
    def _pmcw(self) -> Pmcw:
        pmcw = _ENABLED.with_flag(Pmcw.enabled, on=self.state.enabled)
        return pmcw.with_flag(Pmcw.valid, on=self.state.valid)

    def _ssch(self, program: int) -> int:
        """SSCH of a program: the condition code."""
        state = self.state
        orb = Orb.command(host_cpa(program), suspend="suspend" in self._behaviour)
        cc, scsw = lifecycle.start(state.scsw, self._pmcw, orb)
        if cc == 0:
            state.scsw = scsw
            state.ssch += 1
            state.owned = state.runs = program
            self.after(0.0, DeviceGoesOn(program, 0))
        return cc

    def _hsch(self) -> int:
        """HSCH: the condition code."""
        cc, self.state.scsw = lifecycle.halt(self.state.scsw, self._pmcw)
        if cc == 0:
            self.after(0.0, SignalHalt())
        return cc

    def _csch(self) -> int:
        """CSCH: the condition code."""
        cc, self.state.scsw = lifecycle.clear(self.state.scsw, self._pmcw)
        if cc == 0:
            self.after(0.0, SignalClear())
        return cc

    def _xsch(self) -> int:
        """XSCH: the condition code."""
        cc, self.state.scsw = lifecycle.cancel(self.state.scsw, self._pmcw)
        if cc == 0:
            self.state.runs = self.state.owned = 0
        return cc

    def _tsch(self) -> Irb | None:
        """TSCH: the IRB, None if no status was pending."""
        state = self.state
        irb = Irb(state.scsw)
        cc, state.scsw = lifecycle.test(state.scsw, self._pmcw)
        if cc:
            return None
        if not state.scsw.fctl and not state.runs:
            state.owned = 0
        self._show_attention()
        return irb

    def _vanish(self) -> None:
        """Have no device any more; nothing of it is at work."""
        state = self.state
        state.valid = False
        state.owned = state.runs = 0
        state.scsw = lifecycle.reset(state.scsw)

    # -- what happens to it -----------------------------------------------------------

    @receive
    def device_goes_on(self, message: DeviceGoesOn) -> None:
        """Do what comes next, unless the program has been ended."""
        state, program, at = self.state, message.program, message.at
        if program != state.runs or state.scsw.actl & Actl.CLEAR_PENDING:
            return
        cpa = host_cpa(program) + _CCW
        scsw = state.scsw
        match self._behaviour[at]:
            case "begin":
                scsw = lifecycle.accepted(scsw)
            case "end":
                scsw = lifecycle.ended(scsw, dstat=_ENDED, cstat=0, count=0, cpa=cpa)
                state.runs = 0
            case "pci":
                scsw = lifecycle.program_controlled(scsw, cpa)
            case "suspend":
                scsw = lifecycle.suspended(scsw, cpa, 1)
            case "channel end":
                status = Dstat.CHANNEL_END
                scsw = lifecycle.ended(scsw, dstat=status, cstat=0, count=0, cpa=cpa)
            case "device end":
                scsw = lifecycle.device_ended(scsw, Dstat.DEVICE_END)
                state.runs = 0
        state.scsw = scsw
        self._interrupt()
        if at + 1 < len(self._behaviour):
            self.after(0.0, DeviceGoesOn(program, at + 1))

    @receive
    def signal_halt(self, _message: SignalHalt) -> None:
        """End the program that runs, if one does; it has not begun or it is cut."""
        state, scsw = self.state, self.state.scsw
        if not scsw.actl & Actl.HALT_PENDING:
            return
        state.runs = 0
        idle = replace(scsw, actl=Actl.HALT_PENDING | scsw.actl & Actl.START_PENDING)
        state.scsw = lifecycle.halt_signalled(idle)
        self._interrupt()

    @receive
    def signal_clear(self, _message: SignalClear) -> None:
        """End all; from here on the channel owns nothing."""
        state = self.state
        if not state.scsw.actl & Actl.CLEAR_PENDING:
            return
        state.runs = state.owned = 0
        state.scsw = replace(lifecycle.clear_signalled(state.scsw), cpa=0)
        self._interrupt()

    @receive
    def attention(self, _message: Attention) -> None:
        """Show it as soon as nothing else is to be shown."""
        self.state.held = True
        self._show_attention()

    @receive
    def interruption(self, _message: IoInterruption) -> None:
        """Have the driver take the status, with `sch->lock` held."""
        self.state.due = False
        self._take_interruption()

    def _take_interruption(self) -> None:
        raise NotImplementedError

    def _show_attention(self) -> None:
        state = self.state
        if not state.held or not state.enabled or not state.valid:
            return
        shown = lifecycle.unsolicited(state.scsw, Dstat.ATTENTION)
        if shown is not None:
            state.scsw, state.held = shown, False
            self._interrupt()

    def _interrupt(self) -> None:
        if self.state.scsw.pending and not self.state.due:
            self.state.due = True
            self.after(0.0, IoInterruption())

    # -- faults -----------------------------------------------------------------------

    def _wrong(self, invariant: str, what: str) -> None:
        """Note that an invariant of `WRONG` has been broken, and by what."""
        known = {*self.state.wrong, f"{invariant}: {what}"}
        self.state.wrong = tuple(sorted(known))


def host_cpa(program: int) -> int:
    """Return the address of the host's copy of a program."""
    return HOST_CPA + program * _PROGRAM_SIZE


def guest_cpa(scsw: Scsw, program: int) -> Scsw:
    """Return an SCSW with the guest's CCW address, if it points into that program."""
    inside = scsw.cpa - host_cpa(program)
    if program and 0 <= inside <= 2 * _CCW:
        return replace(scsw, cpa=GUEST_CPA + inside)
    return scsw


def is_final(scsw: Scsw) -> bool:
    """Whether the driver takes a status for the last one: nothing is active."""
    return not scsw.actl & (Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE)


def shows_cpa(scsw: Scsw) -> bool:
    """Whether the CCW address of a status says how far a program has come."""
    ended = scsw.stctl & (Stctl.PRIMARY | Stctl.SECONDARY | Stctl.INTERMEDIATE)
    return bool(scsw.fctl & Fctl.START and ended)


def is_solicited(scsw: Scsw) -> bool:
    """Whether the driver takes a status for an answer (Linux scsw.h)."""
    return bool(scsw.deferred_cc) or scsw.stctl != Stctl.ALERT | Stctl.PENDING
