"""The host's subchannel under the driver's lock: instructions, and the device."""

from typing import Any

import pytest
from msgspec.structs import replace

from ccw_actors.channel import Actl, Cstat, Dstat, Fctl, Scsw, Stctl
from ccw_actors.designs import Driver
from ccw_actors.designs.linux._driver import Behaviour, Happens, Later
from ccw_actors.designs.linux._messages import (
    DeviceGoesOn,
    IoInterruption,
    SignalClear,
    SignalHalt,
)
from ccw_actors.designs.linux._subchannel import (
    attend,
    clear_goes_out,
    csch,
    device_goes_on,
    guest_cpa,
    halt_goes_out,
    host_cpa,
    hsch,
    is_final,
    is_solicited,
    pmcw_of,
    shows_cpa,
    ssch,
    tsch,
    vanish,
    xsch,
)
from tests.designs.sections import driver_of

INTERRUPTS = Later(IoInterruption())
STARTED = Scsw(fctl=Fctl.START, actl=Actl.START_PENDING)
RUNNING = Scsw(fctl=Fctl.START, actl=Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE)
ENDING = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
ENDED = Scsw(fctl=Fctl.START, stctl=ENDING)


def host(behaviour: Behaviour = ("begin", "end"), **before: Any) -> Driver:
    """Return a driver whose subchannel and device have these fields."""
    return driver_of("2026", thread="", behaviour=behaviour, **before)


# -- instructions ---------------------------------------------------------------------


def test_ssch_gives_the_program_to_the_channel() -> None:
    """After SSCH the device goes on with the program at any time."""
    driver = host()
    assert ssch(driver, 3) == 0
    state = driver.state
    assert (state.owned, state.runs, state.ssch) == (3, 3, 1)
    assert state.scsw.fctl == Fctl.START
    assert driver.effects == [Later(DeviceGoesOn(3, 0))]
    assert ssch(driver, 4) == 2
    assert (state.owned, state.ssch, len(driver.effects)) == (3, 1, 1)


@pytest.mark.parametrize(("last", "suspends"), [("suspend", True), ("end", False)])
def test_a_program_that_suspends_has_an_orb_that_says_so(
    last: Happens, *, suspends: bool
) -> None:
    """The SCSW has suspend control on for such a program, and else off."""
    driver = host(("begin", last))
    ssch(driver, 1)
    assert driver.state.scsw.suspend_control is suspends


def test_halt_and_clear_send_signals() -> None:
    """A signal follows condition code 0 only."""
    driver = host(scsw=RUNNING)
    assert (hsch(driver), csch(driver)) == (0, 0)
    assert driver.effects == [Later(SignalHalt()), Later(SignalClear())]
    driver = host(enabled=False)
    assert (hsch(driver), csch(driver), driver.effects) == (3, 3, [])


def test_two_clears_have_one_signal() -> None:
    """CSCH is accepted again before the signal has gone out: one signal for both."""
    driver = host(scsw=RUNNING)
    assert (csch(driver), csch(driver)) == (0, 0)
    assert driver.effects == [Later(SignalClear())]
    clear_goes_out(driver)
    assert csch(driver) == 0
    assert driver.effects.count(Later(SignalClear())) == 2


def test_cancel_takes_a_program_back_that_has_not_begun() -> None:
    """After XSCH the channel owns nothing; XSCH of a running program is refused."""
    driver = host(scsw=STARTED, owned=1, runs=1)
    assert xsch(driver.state) == 0
    assert (driver.state.owned, driver.state.runs) == (0, 0)
    driver = host(scsw=RUNNING, owned=1, runs=1)
    assert xsch(driver.state) == 2
    assert (driver.state.owned, driver.state.runs) == (1, 1)


def test_tsch_ends_what_the_channel_owns() -> None:
    """TSCH of final status ends ownership if no program is running."""
    driver = host(scsw=ENDED, owned=1)
    irb = tsch(driver)
    assert irb is not None
    assert irb.scsw == ENDED
    assert (driver.state.owned, driver.state.scsw.pending) == (0, False)
    driver = host(scsw=STARTED, owned=1, runs=1)
    assert tsch(driver) is None
    assert driver.state.owned == 1


def test_tsch_shows_what_was_held_back() -> None:
    """TSCH frees the subchannel, which then shows the held attention."""
    driver = host(scsw=ENDED, owned=1, held=True)
    tsch(driver)
    assert driver.state.scsw.dstat == Dstat.ATTENTION
    assert driver.effects == [INTERRUPTS]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("valid", [True, False])
def test_the_pmcw_has_e_and_v(*, enabled: bool, valid: bool) -> None:
    """The PMCW shows E and V of the state, and one path."""
    pmcw = pmcw_of(host(enabled=enabled, valid=valid).state)
    assert (pmcw.enabled, pmcw.valid, pmcw.pam) == (enabled, valid, 0x80)


# -- the device -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happens", "stctl", "runs"),
    [
        ("begin", 0, 1),
        ("end", ENDING, 0),
        ("pci", Stctl.INTERMEDIATE_STATUS, 1),
        ("channel end", Stctl.PRIMARY | Stctl.PENDING, 1),
    ],
)
def test_what_the_device_does(happens: Happens, stctl: int, runs: int) -> None:
    """Each step interrupts a CPU if status is pending; the next step comes later."""
    driver = host((happens, "end"), scsw=RUNNING, owned=1, runs=1)
    device_goes_on(driver, DeviceGoesOn(1, 0))
    state = driver.state
    assert (state.scsw.stctl, state.runs, state.owned) == (stctl, runs, 1)
    following = Later(DeviceGoesOn(1, 1))
    assert driver.effects == ([INTERRUPTS, following] if stctl else [following])
    assert state.due is bool(stctl)


def test_the_device_suspends_and_ends_late() -> None:
    """Suspension has the CCW's address; device end comes after channel end."""
    scsw = replace(RUNNING, flags=Scsw.suspend_control.mask)
    driver = host(("suspend",), scsw=scsw, owned=1, runs=1)
    device_goes_on(driver, DeviceGoesOn(1, 0))
    assert driver.state.scsw.actl & Actl.SUSPENDED
    assert driver.state.scsw.cpa == host_cpa(1) + 8
    late = Scsw(actl=Actl.DEVICE_ACTIVE)
    driver = host(("device end",), scsw=late, owned=1, runs=1)
    device_goes_on(driver, DeviceGoesOn(1, 0))
    assert driver.state.scsw.dstat & Dstat.DEVICE_END
    assert driver.state.runs == 0


@pytest.mark.parametrize(
    "before",
    [
        {"scsw": RUNNING, "runs": 2},
        {"scsw": RUNNING, "runs": 0},
        {"scsw": Scsw(fctl=Fctl.CLEAR, actl=Actl.CLEAR_PENDING), "runs": 1},
    ],
)
def test_a_program_that_was_ended_does_not_go_on(before: dict[str, Any]) -> None:
    """A step is void if another program or none runs, or a CLEAR is pending."""
    driver = host(("end",), **before)
    device_goes_on(driver, DeviceGoesOn(1, 0))
    assert driver.state.scsw == before["scsw"]
    assert driver.effects == []


def test_a_cpu_is_interrupted_once() -> None:
    """Status that becomes pending with an interruption on its way causes no other."""
    driver = host(("pci", "end"), scsw=RUNNING, runs=1, due=True)
    device_goes_on(driver, DeviceGoesOn(1, 0))
    assert driver.effects == [Later(DeviceGoesOn(1, 1))]


def test_the_halt_signal_cuts_the_program() -> None:
    """The channel owns the program until TSCH; without a HALT nothing happens."""
    halting = Scsw(
        fctl=Fctl.START | Fctl.HALT,
        actl=Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE | Actl.HALT_PENDING,
    )
    driver = host(scsw=halting, owned=1, runs=1)
    halt_goes_out(driver)
    assert (driver.state.runs, driver.state.owned) == (0, 1)
    assert driver.state.scsw.pending
    assert driver.effects == [INTERRUPTS]
    driver = host(scsw=RUNNING, owned=1, runs=1)
    halt_goes_out(driver)
    assert (driver.state.runs, driver.effects) == (1, [])


def test_the_clear_signal_ends_all() -> None:
    """The channel owns nothing any longer; without a pending CLEAR nothing happens."""
    clearing = Scsw(fctl=Fctl.CLEAR, actl=Actl.CLEAR_PENDING, cpa=host_cpa(1))
    driver = host(scsw=clearing, owned=1, runs=1)
    clear_goes_out(driver)
    state = driver.state
    assert (state.runs, state.owned, state.scsw.cpa) == (0, 0, 0)
    assert state.scsw.pending
    assert driver.effects == [INTERRUPTS]
    driver = host(scsw=RUNNING, owned=1, runs=1)
    clear_goes_out(driver)
    assert (driver.state.owned, driver.effects) == (1, [])


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ({}, True),
        ({"scsw": RUNNING}, False),
        ({"scsw": ENDED}, False),
        ({"enabled": False}, False),
        ({"valid": False}, False),
    ],
)
def test_attention_is_held_until_it_can_be_shown(
    before: dict[str, Any], *, shown: bool
) -> None:
    """Attention is shown if FC and SC are zero and the subchannel is enabled."""
    driver = host(**before)
    attend(driver)
    assert driver.state.held is not shown
    assert (driver.effects == [INTERRUPTS]) is shown


def test_a_device_vanishes() -> None:
    """The device takes all its work with it."""
    driver = host(scsw=RUNNING, owned=1, runs=1)
    vanish(driver.state)
    state = driver.state
    assert (state.valid, state.owned, state.runs) == (False, 0, 0)
    assert (state.scsw.fctl, state.scsw.actl) == (0, 0)


# -- addresses and status -------------------------------------------------------------


def test_addresses_of_a_program_are_translated() -> None:
    """Addresses up to two CCWs into the program are; others stay."""
    for inside, guest in ((0, 0x1000), (8, 0x1008), (16, 0x1010)):
        assert guest_cpa(Scsw(cpa=host_cpa(2) + inside), 2).cpa == guest
    for scsw, program in (
        (Scsw(cpa=host_cpa(2) + 24), 2),
        (Scsw(cpa=host_cpa(1)), 2),
        (Scsw(cpa=host_cpa(0)), 0),
    ):
        assert guest_cpa(scsw, program) == scsw


def test_what_the_driver_takes_for_final() -> None:
    """Status without active bits is final, also that of a suspended program."""
    assert is_final(ENDED)
    assert is_final(Scsw(actl=Actl.SUSPENDED))
    assert not is_final(Scsw(actl=Actl.DEVICE_ACTIVE))
    assert not is_final(RUNNING)


def test_what_the_driver_takes_for_an_answer() -> None:
    """Everything but alert status alone is, and that with a deferred condition code."""
    assert is_solicited(ENDED)
    assert not is_solicited(Scsw(stctl=Stctl.UNSOLICITED_STATUS))
    assert is_solicited(Scsw(stctl=Stctl.UNSOLICITED_STATUS, flags=0x0100))


def test_where_an_address_says_how_far_a_program_has_come() -> None:
    """The CCW address counts in a START's final or intermediate status."""
    assert shows_cpa(ENDED)
    assert shows_cpa(Scsw(fctl=Fctl.START, stctl=Stctl.INTERMEDIATE))
    assert not shows_cpa(Scsw(fctl=Fctl.START, stctl=Stctl.PENDING))
    assert not shows_cpa(Scsw(fctl=Fctl.CLEAR, stctl=ENDING))
    assert not shows_cpa(
        Scsw(stctl=Stctl.ALERT, cstat=Cstat.PROGRAM_CONTROLLED_INTERRUPTION)
    )
