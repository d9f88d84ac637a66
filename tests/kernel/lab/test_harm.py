"""Each harm is seen where it is, and not where it is not."""

import errno

import pytest
from msgspec.structs import replace

from ccw_actors.channel import Actl, Fctl, Irb, Scsw
from ccw_actors.kernel.boot import ClientStep
from ccw_actors.kernel.lab._plan import Observed
from ccw_actors.kernel.lab._plans import PLANS
from tests.kernel.lab.seen import observed, step

START, HALT, CLEAR = (Irb(Scsw(fctl=one, stctl=1)) for one in (4, 2, 1))
DONE, BUSY = step(""), step("", errno=errno.EBUSY)
REPORT = replace(step(""), data=bytes.fromhex("0406004000000000"))
LATE = step("", errno=errno.ETIMEDOUT)
IDLE = Scsw()
SUSPENDED = Scsw(fctl=Fctl.START, actl=Actl.SUSPENDED)


def took(irb: Irb, signals: int = 1) -> ClientStep:
    """Return a step that took an IRB after so many signals."""
    return step("take 3000", thread=1, irb=irb, signals=signals)


def at(cpa: int) -> Irb:
    """Return the IRB of a START with that CCW address."""
    return Irb(Scsw(fctl=Fctl.START, stctl=1, cpa=cpa))


NONE_LEFT, ONE_LEFT, FOUR_MIB = (step("", count=number) for number in (0, 1, 4096))

SEEN: dict[str, tuple[Observed, Observed]] = {
    "mail": (
        observed("mail", {"changed": step("", count=12)}),
        observed("mail", {"changed": NONE_LEFT}),
    ),
    "collapse": (
        observed("collapse", {}, took(CLEAR, 2)),
        observed("collapse", {}, took(START), took(CLEAR)),
    ),
    "halt": (
        observed("halt", {"start": DONE, "halt": DONE}, took(HALT, 2)),
        observed("halt", {"start": DONE, "halt": DONE}, took(START), took(HALT)),
    ),
    "attention-lost": (
        observed("attention-lost", {"again": BUSY, "pins": step("")}, scsw=IDLE),
        observed("attention-lost", {"again": DONE, "pins": step("")}, scsw=IDLE),
    ),
    "suspend": (
        observed("suspend", {"before": DONE, "pins": DONE}, scsw=SUSPENDED),
        observed("suspend", {"before": DONE, "pins": ONE_LEFT}, scsw=SUSPENDED),
    ),
    "reset": (
        observed("reset", {"reset": DONE, "after": step("", irb=START)}),
        observed("reset", {"reset": DONE, "after": step("", errno=errno.ETIMEDOUT)}),
    ),
    "pci": (
        observed("pci", {}, took(at(0x00EC9070))),
        observed("pci", {}, took(at(0x1370))),
    ),
    "bad-chain": (
        observed("bad-chain", {"before": NONE_LEFT, "after": FOUR_MIB}),
        observed("bad-chain", {"before": FOUR_MIB, "after": FOUR_MIB}),
    ),
    "no-function": (
        observed("no-function", {"nothing": DONE}),
        observed("no-function", {"nothing": step("", errno=errno.EINVAL)}),
    ),
    "unmap": (
        observed("unmap", {}, states=("STANDBY", "IDLE")),
        observed("unmap", {}, states=("STANDBY", "STANDBY")),
    ),
    "not-operational": (
        observed("not-operational", {}, ran=True),
        observed("not-operational", {}, ran=False),
    ),
    "double-start": (
        observed("double-start", {"refused": DONE}),
        observed("double-start", {"refused": step("", errno=errno.EAGAIN)}),
    ),
    "reports": (
        replace(observed("reports", {"first": REPORT}), tasks=("adds", "adds")),
        replace(observed("reports", {"first": REPORT}), tasks=("adds",)),
    ),
    "isolation": (
        observed(
            "isolation", {"start": DONE, "starved": LATE, "late": DONE}, scsw=IDLE
        ),
        observed(
            "isolation", {"start": DONE, "starved": DONE, "late": LATE}, scsw=IDLE
        ),
    ),
    "sequence": (
        observed("sequence", {}, took(START), took(CLEAR), took(START)),
        observed("sequence", {}, *map(took, (START, CLEAR, HALT, START))),
    ),
}
"""For a plan of each kind of harm: what shows it, and what is right."""


@pytest.mark.parametrize("name", SEEN)
def test_harm_is_seen(name: str) -> None:
    """What is wrong is told in a sentence."""
    harm = PLANS[name].harm(SEEN[name][0])
    assert harm is not None
    assert harm.what


@pytest.mark.parametrize("name", SEEN)
def test_no_harm_is_seen(name: str) -> None:
    """What is right is no harm."""
    assert PLANS[name].harm(SEEN[name][1]) is None


@pytest.mark.parametrize("name", PLANS)
def test_nothing_seen_is_no_harm(name: str) -> None:
    """No order and no client show no harm, but a sequence without its status is one."""
    harm = PLANS[name].harm(observed(name, {}, ran=False))
    assert (harm is None) is (name != "sequence")


def test_each_kind_of_harm_is_tested() -> None:
    """Every function that looks for harm is in one of these tests."""
    assert {plan.harm for plan in PLANS.values()} == {PLANS[name].harm for name in SEEN}


def test_a_busy_subchannel_may_refuse() -> None:
    """EBUSY is right while a function is in progress."""
    values = {"again": BUSY, "pins": DONE}
    at_work = Scsw(fctl=Fctl.START, actl=Actl.ACTIVE)
    harm = PLANS["attention-lost"].harm
    assert harm(observed("attention-lost", values, scsw=at_work)) is None


@pytest.mark.parametrize(
    ("late", "scsw"),
    [(LATE, IDLE), (DONE, Scsw(fctl=Fctl.START, actl=Actl.ACTIVE))],
)
def test_a_status_that_is_not_there_is_not_held(late: ClientStep, scsw: Scsw) -> None:
    """A START that never ends, or has not ended, shows no status with reason."""
    values = {"start": DONE, "starved": LATE, "late": late}
    assert PLANS["isolation"].harm(observed("isolation", values, scsw=scsw)) is None


def test_a_label_that_no_step_has() -> None:
    """A harm that asks for a step that the plan does not have is our own error."""
    with pytest.raises(KeyError, match="nonsense"):
        observed("mail", {}).step("nonsense")
