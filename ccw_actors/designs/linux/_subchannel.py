"""The host's subchannel and its device, under the driver's lock.

Condition codes, FC, AC and SC are those of `channel.lifecycle`. A channel program is
its number; the steps of the device in it come in their order and at any time. Each
function runs with `sch->lock` held: an I/O instruction and the change of the driver's
state with it are one section.

Source: Linux drivers/s390/cio/ioasm.c (the instructions), scsw.h.
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.channel import (
    PATH_0,
    Actl,
    Cc,
    Dstat,
    Fctl,
    Irb,
    Orb,
    Pmcw,
    Scsw,
    Stctl,
    lifecycle,
)
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.designs.linux._driver import Driver, Happens
from ccw_actors.designs.linux._messages import (
    DeviceGoesOn,
    IoInterruption,
    SignalClear,
    SignalHalt,
)
from ccw_actors.designs.linux._state import HostState

__all__ = [
    "GUEST_CPA",
    "HOST_CPA",
    "attend",
    "clear_goes_out",
    "csch",
    "device_goes_on",
    "guest_cpa",
    "halt_goes_out",
    "host_cpa",
    "hsch",
    "is_final",
    "is_solicited",
    "pmcw_of",
    "show_attention",
    "shows_cpa",
    "ssch",
    "tsch",
    "vanish",
    "xsch",
]

HOST_CPA: Final = 0x7000_0000
"""Where the host's copies of channel programs begin; guest addresses are all below."""
GUEST_CPA: Final = 0x1000
"""Where the guest's channel program is."""
_PROGRAM_SIZE: Final = 0x1000
_PMCW: Final = Pmcw(lpm=PATH_0, pim=PATH_0, pom=0xFF, pam=PATH_0)
_LAST: Final = frozenset({"end", "device end"})
_ENDED: Final = Dstat.CHANNEL_AND_DEVICE_END


# -- instructions ---------------------------------------------------------------------


def pmcw_of(state: HostState) -> Pmcw:
    """Return the PMCW of the host's subchannel."""
    pmcw = _PMCW.with_flag(Pmcw.enabled, on=state.enabled)
    return pmcw.with_flag(Pmcw.valid, on=state.valid)


def ssch(driver: Driver, program: int) -> int:
    """SSCH of a program: the condition code."""
    state = driver.state
    orb = Orb.command(host_cpa(program), suspend="suspend" in driver.behaviour)
    cc, scsw = lifecycle.start(state.scsw, pmcw_of(state), orb)
    if cc == Cc.DONE:
        state.scsw = scsw
        state.ssch += 1
        state.owned = state.runs = program
        driver.later(DeviceGoesOn(program, 0))
    return cc


def hsch(driver: Driver) -> int:
    """HSCH: the condition code."""
    state = driver.state
    cc, state.scsw = lifecycle.halt(state.scsw, pmcw_of(state))
    if cc == Cc.DONE:
        driver.later(SignalHalt())
    return cc


def csch(driver: Driver) -> int:
    """CSCH: the condition code; two CLEARs in a row have one signal."""
    state = driver.state
    is_on_its_way = state.scsw.actl & Actl.CLEAR_PENDING
    cc, state.scsw = lifecycle.clear(state.scsw, pmcw_of(state))
    if cc == Cc.DONE and not is_on_its_way:
        driver.later(SignalClear())
    return cc


def xsch(state: HostState) -> int:
    """XSCH: the condition code."""
    cc, state.scsw = lifecycle.cancel(state.scsw, pmcw_of(state))
    if cc == Cc.DONE:
        state.runs = state.owned = 0
    return cc


def tsch(driver: Driver) -> Irb | None:
    """TSCH: the IRB, None if no status was pending."""
    state = driver.state
    irb = Irb(state.scsw)
    cc, state.scsw = lifecycle.test(state.scsw, pmcw_of(state))
    if cc:
        return None
    if not state.scsw.fctl and not state.runs:
        state.owned = 0
    # Only now is the subchannel free for attention that the device has held back.
    show_attention(driver)
    return irb


# -- what the device does -------------------------------------------------------------


def device_goes_on(driver: Driver, message: DeviceGoesOn) -> None:
    """Do the next step of a program, unless the program has been ended."""
    state, program, at = driver.state, message.program, message.at
    # An accepted CLEAR stops the device before its signal has gone out.
    if program != state.runs or state.scsw.actl & Actl.CLEAR_PENDING:
        return
    done = driver.behaviour[at]
    state.scsw = _after(done, state.scsw, host_cpa(program) + CCW_LENGTH)
    if done in _LAST:
        state.runs = 0
    _interrupt(driver)
    if at + 1 < len(driver.behaviour):
        driver.later(DeviceGoesOn(program, at + 1))


def _after(done: Happens, scsw: Scsw, cpa: int) -> Scsw:
    """Return the SCSW after a step of the device."""
    match done:
        case "begin":
            after = lifecycle.accepted(scsw)
        case "end":
            after = lifecycle.ended(scsw, dstat=_ENDED, cstat=0, count=0, cpa=cpa)
        case "pci":
            after = lifecycle.program_controlled(scsw, cpa)
        case "suspend":
            after = lifecycle.suspended(scsw, cpa, 1)
        case "channel end":
            status = Dstat.CHANNEL_END
            after = lifecycle.ended(scsw, dstat=status, cstat=0, count=0, cpa=cpa)
        case "device end":
            after = lifecycle.device_ended(scsw, Dstat.DEVICE_END)
    return after


def halt_goes_out(driver: Driver) -> None:
    """End the running program, if there is one, whether it has begun or not."""
    state, scsw = driver.state, driver.state.scsw
    if not scsw.actl & Actl.HALT_PENDING:
        return
    state.runs = 0
    idle = replace(scsw, actl=Actl.HALT_PENDING | scsw.actl & Actl.START_PENDING)
    state.scsw = lifecycle.halt_signalled(idle)
    _interrupt(driver)


def clear_goes_out(driver: Driver) -> None:
    """End all; from here on the channel owns nothing."""
    state = driver.state
    if not state.scsw.actl & Actl.CLEAR_PENDING:
        return
    state.runs = state.owned = 0
    state.scsw = replace(lifecycle.clear_signalled(state.scsw), cpa=0)
    _interrupt(driver)


def attend(driver: Driver) -> None:
    """Show attention as soon as no other status comes first."""
    driver.state.held = True
    show_attention(driver)


def show_attention(driver: Driver) -> None:
    """Show attention that is held back, if it can be shown."""
    state = driver.state
    if not state.held or not state.enabled or not state.valid:
        return
    shown = lifecycle.unsolicited(state.scsw, Dstat.ATTENTION)
    if shown is not None:
        state.scsw, state.held = shown, False
        _interrupt(driver)


def vanish(state: HostState) -> None:
    """Lose the device, with all its work."""
    state.valid = False
    state.owned = state.runs = 0
    state.scsw = lifecycle.reset(state.scsw)


def _interrupt(driver: Driver) -> None:
    """Interrupt a CPU if status is pending; one interruption is enough."""
    if driver.state.scsw.pending and not driver.state.due:
        driver.state.due = True
        driver.later(IoInterruption())


# -- addresses and status -------------------------------------------------------------


def host_cpa(program: int) -> int:
    """Return the address of the host's copy of a program."""
    return HOST_CPA + program * _PROGRAM_SIZE


def guest_cpa(scsw: Scsw, program: int) -> Scsw:
    """Return an SCSW with the guest's CCW address, if it points into that program."""
    inside = scsw.cpa - host_cpa(program)
    if program and 0 <= inside <= 2 * CCW_LENGTH:
        return replace(scsw, cpa=GUEST_CPA + inside)
    return scsw


def is_final(scsw: Scsw) -> bool:
    """Whether the driver takes a status as the last one: AC has no active bit."""
    return not scsw.actl & (Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE)


def shows_cpa(scsw: Scsw) -> bool:
    """Whether the CCW address of a status says how far a program has come."""
    ended = scsw.stctl & (Stctl.PRIMARY | Stctl.SECONDARY | Stctl.INTERMEDIATE)
    return bool(scsw.fctl & Fctl.START and ended)


def is_solicited(scsw: Scsw) -> bool:
    """Whether the driver takes a status as an answer (scsw_is_solicited, scsw.h)."""
    return bool(scsw.deferred_cc) or scsw.stctl != Stctl.UNSOLICITED_STATUS
