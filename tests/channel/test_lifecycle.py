"""The life cycle of the functions is what the architecture's tables say."""

import itertools

import pytest
from msgspec.structs import replace

from ccw_actors.channel import (
    Actl,
    Cstat,
    Dstat,
    Fctl,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    lifecycle,
)

ON = Pmcw(flags=Pmcw.enabled.mask | Pmcw.valid.mask, pam=0x80)
OFF = Pmcw(flags=Pmcw.valid.mask, pam=0x80)
ORB = Orb.command(0x1000)
IDLE = Scsw()
ACTIVE = Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE
INTERMEDIATE = Stctl.INTERMEDIATE_STATUS
CE_DE = Dstat.CHANNEL_END | Dstat.DEVICE_END


def started(orb: Orb = ORB) -> Scsw:
    """Return a subchannel that is start pending."""
    cc, scsw = lifecycle.start(IDLE, ON, orb)
    assert cc == 0
    return scsw


def active(orb: Orb = ORB) -> Scsw:
    """Return a subchannel whose device executes its first command."""
    return lifecycle.accepted(started(orb))


def final(dstat: int = CE_DE, cstat: int = 0) -> Scsw:
    """Return a subchannel whose start function has ended."""
    return lifecycle.ended(active(), dstat=dstat, cstat=cstat, count=0, cpa=0x1008)


def suspended(*, suppressed: bool = False) -> Scsw:
    """Return a subchannel that is suspended before its first CCW."""
    orb = Orb.command(0x1000, suspend=True, suppress_suspended=suppressed)
    return lifecycle.suspended(started(orb), 0x1008, 7)


def words(scsw: Scsw) -> str:
    """Return the right half of word 0: FC, AC, SC."""
    return scsw.to_bytes()[2:4].hex()


ALL_STATES = [
    Scsw(fctl=fctl, actl=actl, stctl=stctl)
    for fctl, actl, stctl in itertools.product(range(8), range(128), range(32))
]


def test_every_state_has_one_answer_to_every_instruction() -> None:
    """No combination of FC, AC and SC is without a row; a refusal changes nothing."""
    for scsw in ALL_STATES:
        answers = [
            lifecycle.start(scsw, ON, ORB),
            lifecycle.halt(scsw, ON),
            lifecycle.clear(scsw, ON),
            lifecycle.resume(scsw, ON),
            lifecycle.cancel(scsw, ON),
            lifecycle.test(scsw, ON),
        ]
        assert all(cc == 0 or after == scsw for cc, after in answers)


def test_start_is_refused_by_pending_status_before_functions() -> None:
    """START: 1 with status pending, otherwise 2 with any function, otherwise 0."""
    for scsw in ALL_STATES:
        expected = 1 if scsw.pending else 2 if scsw.fctl else 0
        assert lifecycle.start(scsw, ON, ORB)[0] == expected


def test_test_subchannel_leaves_no_status() -> None:
    """TEST: 0 exactly with status pending, and then SC is zero."""
    for scsw in ALL_STATES:
        cc, after = lifecycle.test(scsw, ON)
        assert cc == (0 if scsw.pending else 1)
        assert cc == 1 or after.stctl == 0


def test_functions_end_at_test_subchannel_only() -> None:
    """Of the instructions, only TEST, CANCEL and CLEAR take a bit away from FC."""
    for scsw in ALL_STATES:
        for _, after in (
            lifecycle.start(scsw, ON, ORB),
            lifecycle.halt(scsw, ON),
            lifecycle.resume(scsw, ON),
        ):
            assert after.fctl & scsw.fctl == scsw.fctl


def test_disabled_subchannel_is_not_operational() -> None:
    """Without E or V every instruction but MODIFY answers 3, whatever the state."""
    invalid = replace(ON, flags=Pmcw.enabled.mask)
    for pmcw, scsw in itertools.product((OFF, invalid), (IDLE, active(), final())):
        assert lifecycle.start(scsw, pmcw, ORB) == (3, scsw)
        for instruction in (
            lifecycle.halt,
            lifecycle.clear,
            lifecycle.resume,
            lifecycle.cancel,
            lifecycle.test,
        ):
            assert instruction(scsw, pmcw) == (3, scsw)


def test_start_without_path() -> None:
    """START: 3 at once if no path of the ORB is available."""
    assert lifecycle.start(IDLE, ON, replace(ORB, lpm=0x40)) == (3, IDLE)


def test_start_takes_the_orbs_bits() -> None:
    """START replaces the old SCSW by the bits of the ORB."""
    old = Scsw(flags=0x0707, cpa=8, dstat=0xFF, cstat=0xFF, count=9)
    orb = replace(ORB, flags=0xFFFB)
    cc, scsw = lifecycle.start(old, ON, orb)
    assert (cc, words(scsw), scsw.flags, scsw.cpa) == (0, "4400", 0xF8F8, ORB.cpa)
    assert (scsw.dstat, scsw.cstat, scsw.count) == (0, 0, 0)


def test_normal_course() -> None:
    """Start pending, active, final status, tested: idle again."""
    assert words(started()) == "4400"
    assert words(active()) == "40c0"
    assert words(final()) == "4007"
    cc, after = lifecycle.test(final(), ON)
    assert (cc, words(after), after.dstat) == (0, "0000", CE_DE)


@pytest.mark.parametrize(
    ("dstat", "cstat", "expected"),
    [
        (CE_DE, 0, "4007"),
        (CE_DE, Cstat.INCORRECT_LENGTH, "4017"),
        (CE_DE | Dstat.UNIT_CHECK, 0, "4017"),
        (CE_DE | Dstat.UNIT_EXCEPTION, 0, "4017"),
        (0, Cstat.PROGRAM_CHECK, "4017"),
        (Dstat.UNIT_CHECK, 0, "4017"),
        (Dstat.CHANNEL_END, 0, "4045"),
        (Dstat.CHANNEL_END | Dstat.UNIT_CHECK, 0, "4055"),
        (Dstat.CHANNEL_END, Cstat.PROGRAM_CHECK, "4055"),
        (CE_DE, Cstat.PROGRAM_CONTROLLED_INTERRUPTION, "4007"),
    ],
)
def test_endings(dstat: int, cstat: int, expected: str) -> None:
    """The status of an ending decides on alert, secondary and device active."""
    assert words(final(dstat, cstat)) == expected


def test_device_end_joins_an_untested_channel_end() -> None:
    """Channel end and device end are shown together if TEST came after both."""
    both = lifecycle.device_ended(final(Dstat.CHANNEL_END), Dstat.DEVICE_END)
    assert (words(both), both.dstat) == ("4007", CE_DE)


def test_device_end_after_a_test() -> None:
    """Device end alone is secondary status of a function that has ended."""
    _, tested = lifecycle.test(final(Dstat.CHANNEL_END), ON)
    assert words(tested) == "0040"
    late = lifecycle.device_ended(tested, Dstat.DEVICE_END)
    assert (words(late), late.dstat) == ("0003", Dstat.DEVICE_END)


def test_initial_status_interruption() -> None:
    """With I, the accepted command is intermediate status with Z."""
    scsw = active(Orb.command(0x1000, initial_status=True))
    assert (words(scsw), scsw.zero_condition) == ("40c9", True)
    assert words(lifecycle.test(scsw, ON)[1]) == "40c0"


def test_program_controlled_interruption_stays_until_tested() -> None:
    """PCI is intermediate status, and joins a final status if not tested before."""
    shown = lifecycle.program_controlled(active(), 0x1008)
    assert (words(shown), shown.cstat) == ("40c9", 0x80)
    late = lifecycle.ended(shown, dstat=CE_DE, cstat=0, count=0, cpa=0x1010)
    assert (words(late), late.cstat) == ("400f", 0x80)
    _, tested = lifecycle.test(shown, ON)
    clean = lifecycle.ended(tested, dstat=CE_DE, cstat=0, count=0, cpa=0x1010)
    assert (words(clean), clean.cstat) == ("4007", 0)


def test_suspend_and_resume() -> None:
    """Suspended is intermediate status, which has to be tested before RESUME."""
    scsw = suspended()
    assert (words(scsw), scsw.cpa, scsw.count) == ("4029", 0x1008, 7)
    assert lifecycle.resume(scsw, ON)[0] == 1
    _, tested = lifecycle.test(scsw, ON)
    assert words(tested) == "4020"
    cc, pending = lifecycle.resume(tested, ON)
    assert (cc, words(pending)) == (0, "4820")
    assert lifecycle.resume(pending, ON)[0] == 2
    assert words(lifecycle.resumed(pending)) == "40c0"


def test_suppressed_suspension_shows_no_status() -> None:
    """With U, a suspended subchannel has no status and can be resumed at once."""
    scsw = suspended(suppressed=True)
    assert words(scsw) == "4020"
    assert lifecycle.resume(scsw, ON)[0] == 0


def test_resume_of_what_is_not_suspended() -> None:
    """RESUME: 2 when idle, start pending, active or halted."""
    halted = lifecycle.halt(suspended(suppressed=True), ON)[1]
    for scsw in (IDLE, started(), active(), halted):
        assert lifecycle.resume(scsw, ON) == (2, scsw)


def test_cancel() -> None:
    """CANCEL takes back a start that is pending or suspended, without status."""
    for scsw in (started(), suspended(suppressed=True)):
        cc, after = lifecycle.cancel(scsw, ON)
        assert (cc, words(after)) == (0, "0000")
    assert lifecycle.cancel(active(), ON)[0] == 2
    assert lifecycle.cancel(IDLE, ON)[0] == 2
    assert lifecycle.cancel(final(), ON)[0] == 1


def test_halt_of_an_idle_subchannel() -> None:
    """HALT when nothing runs ends with status pending alone."""
    cc, scsw = lifecycle.halt(IDLE, ON)
    assert (cc, words(scsw)) == (0, "2200")
    assert words(lifecycle.halt_signalled(scsw)) == "2001"


def test_halt_before_the_start() -> None:
    """A start that is still pending never runs, and TEST shows it as pending."""
    _, scsw = lifecycle.halt(started(), ON)
    ended = lifecycle.halt_signalled(scsw)
    assert words(ended) == "6401"
    assert words(lifecycle.test(ended, ON)[1]) == "0000"


def test_halt_of_an_active_device() -> None:
    """The device ends first; one status shows both functions."""
    _, scsw = lifecycle.halt(active(), ON)
    signalled = lifecycle.halt_signalled(scsw)
    assert (words(scsw), words(signalled)) == ("62c0", "60c0")
    ended = lifecycle.ended(signalled, dstat=CE_DE, cstat=0, count=0, cpa=0x1008)
    assert words(ended) == "6007"
    assert words(lifecycle.test(ended, ON)[1]) == "0000"


def test_halt_drops_intermediate_status_of_a_running_program() -> None:
    """An untested PCI is dropped, but a suspended status stays until TEST."""
    shown = lifecycle.program_controlled(active(), 0x1008)
    assert words(lifecycle.halt(shown, ON)[1]) == "62c0"
    assert words(lifecycle.halt(suspended(), ON)[1]) == "6229"


def test_halt_of_a_suspended_program() -> None:
    """TEST ends both functions, also when the suspension was not tested (2.7)."""
    for scsw in (suspended(), suspended(suppressed=True)):
        ended = lifecycle.halt_signalled(lifecycle.halt(scsw, ON)[1])
        assert ended.pending
        assert words(lifecycle.test(ended, ON)[1]) == "0000"


def test_second_halt() -> None:
    """HALT: 1 with its own status or that of an ended start, 2 during a halt."""
    _, halting = lifecycle.halt(IDLE, ON)
    assert lifecycle.halt(halting, ON)[0] == 2
    assert lifecycle.halt(lifecycle.halt_signalled(halting), ON)[0] == 1
    assert lifecycle.halt(final(), ON)[0] == 1


def test_clear_drops_everything() -> None:
    """CLEAR is accepted in every state, and no earlier status survives."""
    for scsw in ALL_STATES:
        cc, clearing = lifecycle.clear(scsw, ON)
        assert (cc, words(clearing)) == (0, "1100")
        assert lifecycle.clear_signalled(clearing) == Scsw(
            fctl=Fctl.CLEAR, stctl=Stctl.PENDING
        )


def test_clear_signal_resets_the_paths() -> None:
    """After the clear signal POM is all ones, PNOM and LPUM are zero."""
    pmcw = lifecycle.cleared(replace(ON, pnom=0x80, lpum=0x80, pom=0))
    assert (pmcw.pnom, pmcw.lpum, pmcw.pom) == (0, 0, 0xFF)


def test_no_path_shows_deferred_condition_code() -> None:
    """A start that finds no path has deferred condition code 3 and keeps FC."""
    scsw = lifecycle.no_path(started())
    assert (words(scsw), scsw.deferred_cc) == ("4011", 3)


def test_refused_first_command_shows_deferred_condition_code() -> None:
    """The interpreter's deferred condition code reaches the SCSW."""
    scsw = lifecycle.ended(
        active(), dstat=Dstat.BUSY, cstat=0, count=0, cpa=0x1008, deferred_cc=1
    )
    assert (words(scsw), scsw.deferred_cc) == ("4017", 1)


def test_unsolicited_status() -> None:
    """Unsolicited status is shown on an idle subchannel and held on any other."""
    shown = lifecycle.unsolicited(IDLE, Dstat.ATTENTION)
    assert shown is not None
    assert shown.to_bytes() == bytes.fromhex("000000110000000080000000")
    waiting = lifecycle.test(final(Dstat.CHANNEL_END), ON)[1]
    for scsw in (shown, started(), active(), final(), suspended(), waiting):
        assert lifecycle.unsolicited(scsw, Dstat.ATTENTION) is None


def test_modify() -> None:
    """MODIFY: 1 with status pending, 2 with a function, otherwise it is done."""
    new = Schib(replace(ON, intparm=7), mba=0x40)
    for scsw, expected in ((final(), 1), (active(), 2), (IDLE, 0)):
        old = Schib(ON, scsw)
        cc, after = lifecycle.modify(old, new)
        assert cc == expected
        assert after == (old if cc else Schib(new.pmcw, scsw, new.mba))


def test_reset_leaves_nothing() -> None:
    """A reset subchannel shows zeros."""
    assert lifecycle.reset(final()) == IDLE


def test_what_cannot_happen_is_an_error() -> None:
    """A halt signal without a halt is an error of the caller."""
    with pytest.raises(AssertionError, match="halt signalled"):
        lifecycle.halt_signalled(active())


def test_table_as_document() -> None:
    """The document has a line for every row, with the bits in words."""
    lines = lifecycle.as_markdown().splitlines()
    assert len(lines) == len(lifecycle.TABLE) + 2
    assert {line.count("|") for line in lines} == {8}
    assert "| CSCH | otherwise | 0 | = clear | = clear-pending | = 0 |  |" in lines
    assert (
        "| resumed | AC any of resume-pending |  |  "
        "| -resume-pending -suspended +subchannel-active +device-active |  |  |"
    ) in lines
