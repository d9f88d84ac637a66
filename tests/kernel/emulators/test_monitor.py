"""The rules by which what a guest sees is judged: each can be broken, and kept."""

from collections.abc import Callable

import pytest

from ccw_actors.channel import Actl, Cstat, Dstat, Fctl, Pmcw, Schib, Scsw, Stctl
from ccw_actors.kernel.emulators._monitor import Monitor, described, functions_in

FINAL = Stctl.FINAL_STATUS


def schib(scsw: Scsw, *, enabled: bool = False) -> Schib:
    """Return a SCHIB with that status."""
    return Schib(Pmcw().with_flag(Pmcw.enabled, on=enabled), scsw)


def started(monitor: Monitor) -> None:
    """Note a START that was accepted."""
    monitor.started(0)


def active(monitor: Monitor) -> None:
    """Note a START whose channel program is active."""
    monitor.started(0)
    monitor.is_active = True


def suspended(monitor: Monitor) -> None:
    """Note a START whose channel program is suspended, as the guest has seen."""
    monitor.started(0)
    monitor.tested(0, Scsw(fctl=Fctl.START, actl=Actl.SUSPENDED, stctl=0x09))


def cleared(monitor: Monitor) -> None:
    """Note a CLEAR that was accepted."""
    monitor.cleared(0)


def halted(monitor: Monitor) -> None:
    """Note a START and a HALT that were accepted."""
    monitor.started(0)
    monitor.halted(0)


def interrupted(monitor: Monitor) -> None:
    """Note a START and that an interruption was taken."""
    monitor.started(0)
    monitor.interruption(taken=True)


def nothing(monitor: Monitor) -> None:
    """Note nothing."""
    del monitor


START_ENDED = Scsw(fctl=Fctl.START, stctl=FINAL, dstat=Dstat.CHANNEL_AND_DEVICE_END)
CLEAR_ENDED = Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING)
BOTH_ENDED = Scsw(fctl=Fctl.START | Fctl.HALT, stctl=FINAL)
PCI = Scsw(fctl=Fctl.START, stctl=Stctl.INTERMEDIATE_STATUS, cstat=0x80)

Act = Callable[[Monitor], None]

RULES: list[tuple[str, Act, Act, Act]] = [
    ("SSCH", started, lambda m: m.started(0), lambda m: m.started(2)),
    ("SSCH busy", nothing, lambda m: m.started(2), lambda m: m.started(0)),
    ("HSCH busy", started, lambda m: m.halted(2), lambda m: m.halted(0)),
    (
        "HSCH twice",
        halted,
        lambda m: m.stored(0, schib(START_ENDED)),
        lambda m: m.halted(2),
    ),
    ("XSCH", active, lambda m: m.cancelled(0), lambda m: m.cancelled(2)),
    ("XSCH alone", nothing, lambda m: m.cancelled(0), lambda m: m.cancelled(2)),
    ("RSCH", suspended, lambda m: m.resumed(2), lambda m: m.resumed(0)),
    ("MSCH", started, lambda m: m.modified(0), lambda m: m.modified(2)),
    (
        "STSCH",
        halted,
        lambda m: m.stored(0, schib(START_ENDED)),
        lambda m: m.stored(0, schib(BOTH_ENDED)),
    ),
    (
        "TSCH",
        cleared,
        lambda m: m.tested(0, START_ENDED),
        lambda m: m.tested(0, CLEAR_ENDED),
    ),
    (
        "TSCH of CLEAR",
        cleared,
        lambda m: m.tested(0, Scsw(fctl=Fctl.CLEAR, stctl=FINAL)),
        lambda m: m.tested(0, CLEAR_ENDED),
    ),
    (
        "CLEAR with device status",
        cleared,
        lambda m: m.tested(0, Scsw(fctl=Fctl.CLEAR, stctl=1, dstat=0x0C)),
        lambda m: m.tested(0, CLEAR_ENDED),
    ),
    (
        "CLEAR still pending",
        cleared,
        lambda m: m.tested(0, Scsw(fctl=Fctl.CLEAR, actl=Actl.CLEAR_PENDING, stctl=1)),
        lambda m: m.tested(0, CLEAR_ENDED),
    ),
    (
        "unit exception",
        started,
        lambda m: m.tested(0, Scsw(fctl=Fctl.START, stctl=FINAL, dstat=0x01)),
        lambda m: m.tested(
            0, Scsw(fctl=Fctl.START, stctl=FINAL, cstat=Cstat.PROGRAM_CHECK)
        ),
    ),
    (
        "TPI",
        interrupted,
        lambda m: m.tested(1, Scsw()),
        lambda m: m.tested(0, START_ENDED),
    ),
    (
        "reset",
        nothing,
        lambda m: m.stored_after_reset(schib(START_ENDED)),
        lambda m: m.stored_after_reset(schib(Scsw())),
    ),
    (
        "enabled after reset",
        nothing,
        lambda m: m.stored_after_reset(schib(Scsw(), enabled=True)),
        lambda m: m.stored_after_reset(schib(Scsw())),
    ),
    (
        "LPM",
        nothing,
        lambda m: m.first_stored(Pmcw(lpm=0, pim=0x80)),
        lambda m: m.first_stored(Pmcw(lpm=0x80, pim=0x80)),
    ),
]


@pytest.mark.parametrize(("name", "before", "wrong", "right"), RULES)
def test_a_rule(name: str, before: Act, wrong: Act, right: Act) -> None:
    """What the architecture does not allow is one violation; what it allows is none."""
    for act, count in ((wrong, 1), (right, 0)):
        monitor = Monitor()
        before(monitor)
        assert not monitor.violations, name
        act(monitor)
        assert len(monitor.violations) == count, (name, monitor.violations)
        assert all("PoP" in str(one) for one in monitor.violations)


def test_intermediate_status_ends_nothing() -> None:
    """START stays in progress after a PCI, and ends with its final status."""
    monitor = Monitor()
    started(monitor)
    monitor.tested(0, PCI)
    assert monitor.functions == Fctl.START
    monitor.tested(0, START_ENDED)
    assert (monitor.functions, monitor.violations) == (0, [])


@pytest.mark.parametrize(
    ("before", "never"), [(started, 1), (suspended, 0), (nothing, 0)]
)
def test_status_that_never_comes(before: Act, never: int) -> None:
    """A function without status is a violation, unless its program is suspended."""
    monitor = Monitor()
    before(monitor)
    monitor.settled()
    assert len(monitor.violations) == never


def test_an_scsw_in_words() -> None:
    """An SCSW is shown as three words in hexadecimal, and by the names of its bits."""
    assert described(START_ENDED) == (
        "00004007 00000000 0c000000 (FC start, SC primary+secondary+pending,"
        " device status channel-end+device-end)"
    )
    assert described(Scsw()) == "00000000 00000000 00000000 (nothing)"
    assert functions_in(Fctl.START | Fctl.HALT) == "start+halt"
    assert functions_in(0) == "none"
