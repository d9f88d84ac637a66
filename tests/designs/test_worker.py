"""The worker: each section from the slot to the I/O region, before and after."""

from dataclasses import replace
from typing import Any

import pytest

from ccw_actors.actors.protocol import Signalled
from ccw_actors.channel import Actl, Fctl, Irb, Scsw, Stctl
from ccw_actors.designs import DESIGNS, Section
from ccw_actors.designs.linux._activity import drop_void
from ccw_actors.designs.linux._driver import ToEmulator
from ccw_actors.designs.linux._messages import WorkDone
from ccw_actors.designs.linux._state import Fsm, Waiter
from tests.designs.sections import WAITER, Ran, driver_of, ran

WORKER = "work-queue"
ENDING = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
ENDED = Irb(Scsw(fctl=Fctl.START, stctl=ENDING, cpa=0x7000_1008))
CLEARED = Irb(Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING))
ATTENTION = Irb(Scsw(stctl=Stctl.UNSOLICITED_STATUS))
ACTIVE = Irb(Scsw(fctl=Fctl.START, actl=Actl.SUBCHANNEL_ACTIVE, stctl=0x11))
LOCKED = {"rfc-v4-mutex", "2026", "counted-programs", "clear-flag", "composite"}
LIVE = {"cp": 1, "live": (1,), "pinned": (1,), "started": 1}


def does(design: str, section: Section | str, **before: Any) -> Ran:
    """Have the worker do a section of a state with these fields."""
    one = Section(section) if isinstance(section, str) else section
    return ran(driver_of(design, thread=WORKER, **before), one)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_item_is_no_longer_pending(design: str) -> None:
    """From the start of the worker the item may be queued again."""
    found = does(design, "io_todo", work=True)
    assert found == (Section("read_final"), {"work": False}, [])


@pytest.mark.parametrize(
    ("irb", "final"),
    [(ENDED, True), (CLEARED, True), (ATTENTION, True), (ACTIVE, False)],
)
def test_final_is_noted_of_the_slot_as_it_is(irb: Irb, *, final: bool) -> None:
    """Status is final if neither subchannel nor device is active."""
    found = does("2026", "read_final", irb=irb)
    assert found == (Section("read_irb", final=final), {}, [])


# -- read_irb -------------------------------------------------------------------------

READ = Section("read_irb", final=True)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_solicited_irb_has_its_address_translated(design: str) -> None:
    """The present program translates the address, and its list is walked."""
    found = does(design, READ, irb=ENDED, cp=1)
    assert found.next == Section("test_free", final=True, program=1)
    assert found.changed.pop("irb").scsw.cpa == 0x1008
    holds = {"mutex": WORKER} if design in LOCKED else {}
    assert found.changed == {"walked": ((WORKER, 1),)} | holds


def test_without_a_program_there_is_nothing_to_translate_by() -> None:
    """The host's address stays, and no list is walked."""
    found = does("v5.12", READ, irb=ENDED)
    assert found == (Section("test_free", final=True), {}, [])


@pytest.mark.parametrize("design", DESIGNS)
def test_unsolicited_status_frees_nothing(design: str) -> None:
    """Unsolicited status is only copied; in RFC v2 it is also not final."""
    found = does(design, READ, irb=ATTENTION, cp=1)
    assert found.next == Section("copy_irb", final=design != "rfc-v2")
    assert "walked" not in found.changed


def test_unsolicited_status_behind_a_lost_one() -> None:
    """Any IRB frees the programs that an interruption has detached."""
    found = does("counted-programs", READ, irb=ATTENTION, detached=(1,))
    assert found.next == Section("test_free", final=True)


@pytest.mark.parametrize("design", DESIGNS)
def test_who_takes_io_mutex_first(design: str) -> None:
    """Locked workers take io_mutex here, the others only for the copy."""
    found = does(design, READ, irb=ENDED, mutex="thread0")
    waits = Waiter(WORKER, READ)
    if design in LOCKED:
        assert found == (None, {"waiting": (waits,)}, [])
    else:
        assert found.next is not None


@pytest.mark.parametrize("design", DESIGNS)
def test_void_status_is_not_handled(design: str) -> None:
    """clear-flag drops status until that of the CLEAR comes, and releases io_mutex."""
    found = does(design, READ, irb=ENDED, void=True, waiting=(WAITER,))
    if design == "clear-flag":
        assert found.next == WorkDone()
        assert found.changed == {"mutex": WAITER.thread, "waiting": ()}
        assert found.effects == [WAITER]
    else:
        assert found.next == Section("test_free", final=True)
    found = does(design, READ, irb=CLEARED, void=True)
    assert found.next == Section("test_free", final=True)


def test_who_drops_status_without_a_lock_gives_none_up() -> None:
    """A worker without io_mutex does not release that of another thread."""
    choices = replace(DESIGNS["v6.0"].choices, drops=drop_void)
    driver = driver_of(choices, thread=WORKER, irb=ENDED, void=True, mutex="thread0")
    assert ran(driver, READ) == (WorkDone(), {}, [])


# -- test_free ------------------------------------------------------------------------

PENDING: dict[str, Any] = {"fsm": "CP_PENDING"}
BY_STATE = [one for one in DESIGNS if one not in ("rfc-v3", "counted-programs")]


@pytest.mark.parametrize(
    ("design", "before", "final", "program"),
    [
        *((design, PENDING | LIVE, True, 1) for design in BY_STATE),
        *((design, PENDING | LIVE, False, None) for design in BY_STATE),
        *((design, LIVE | {"fsm": "IDLE"}, True, None) for design in BY_STATE),
        ("2026", PENDING, True, 0),
        ("rfc-v3", LIVE, True, 1),
        ("rfc-v3", LIVE, False, None),
        ("rfc-v3", LIVE | PENDING | {"started": 0}, True, None),
        ("rfc-v3", {"started": 0}, True, None),
        ("counted-programs", LIVE | PENDING, True, None),
        ("counted-programs", {"detached": (3, 4)}, True, 3),
        ("counted-programs", {"detached": (3, 4)}, False, 3),
    ],
)
def test_what_frees_a_program(
    design: str, before: dict[str, Any], program: int | None, *, final: bool
) -> None:
    """CP_PENDING, the started flag, or the list of detached programs decides."""
    walks = (("thread1", 1), (WORKER, 1))
    section = Section("test_free", final=final, program=1)
    found = does(design, section, walked=walks, **before)
    assert found.changed == {"walked": walks[:1]}
    if program is None:
        assert found.next == Section("copy_irb", final=final)
    else:
        assert found.next == Section("cp_free", final=final, program=program)


# -- cp_free, free_chains -------------------------------------------------------------


def test_the_program_there_is_now_is_freed() -> None:
    """A START may have replaced the program that was meant."""
    section = Section("cp_free", final=True, program=1)
    found = does("2026", section, cp=2, live=(1, 2), started=2)
    assert found.next == Section("free_chains", final=True, program=2)
    assert found.changed == {"cp": 0, "started": 0, "walked": ((WORKER, 2),)}
    found = does("counted-programs", section, cp=2, live=(1, 2), started=2)
    assert found.next == Section("free_chains", final=True, program=1)
    assert found.changed == {"walked": ((WORKER, 1),)}


def test_none_may_be_left() -> None:
    """If another thread has freed the program, nothing is walked or freed."""
    found = does("2026", Section("cp_free", final=True, program=1))
    assert found == (Section("free_chains", final=True), {}, [])
    found = does("2026", Section("free_chains", final=True))
    assert found.next == Section("copy_irb", final=True, finished=True)
    assert found.changed == {}


FREED_IN_USE = (
    "I1: the CLEAR's interrupt frees the START's program while the channel owns it"
)
FREE = Section("free_chains", final=True, program=1)
WALKED: dict[str, Any] = {"live": (1, 2), "pinned": (1, 2), "walked": ((WORKER, 1),)}


@pytest.mark.parametrize(
    ("design", "idle"),
    [
        ("v5.12", False),
        ("rfc-v2", False),
        ("rfc-v3", False),
        ("rfc-v4", True),
        ("rfc-v4-mutex", True),
        ("v5.13", False),
        ("v6.0", False),
        ("2026", False),
        ("counted-programs", False),
        ("clear-flag", False),
        ("composite", False),
    ],
)
def test_a_program_is_freed(design: str, *, idle: bool) -> None:
    """Memory and pages are freed; patch 4 of RFC v4 sets IDLE at once."""
    found = does(design, FREE, fsm="CP_PENDING", irb=ENDED, **WALKED)
    assert found.next == Section("copy_irb", final=True, finished=True)
    idles = {"fsm": "IDLE"} if idle else {}
    assert found.changed == {"live": (2,), "pinned": (2,), "walked": ()} | idles


@pytest.mark.parametrize("design", DESIGNS)
def test_counted_programs_are_freed_one_by_one(design: str) -> None:
    """All detached programs are freed; then the IRB is copied."""
    found = does(design, FREE, irb=ENDED, detached=(1, 2), **WALKED)
    copy = Section("copy_irb", final=True, finished=True)
    more = Section("cp_free", final=True, program=2)
    assert found.next == (more if design == "counted-programs" else copy)
    assert found.changed["detached"] == (2,)
    found = does(design, FREE, irb=ENDED, detached=(1,), **WALKED)
    assert found.next == copy


@pytest.mark.parametrize(
    ("before", "wrong"),
    [
        (
            {"owned": 1, "irb": CLEARED},
            FREED_IN_USE,
        ),
        (
            {"live": (), "irb": ENDED},
            "I7: the START's interrupt frees a program that is free",
        ),
        (
            {"walked": (("thread0", 1), (WORKER, 1)), "irb": ENDED},
            "I7: the START's interrupt frees a program whose list another walks",
        ),
        ({"owned": 2, "irb": ENDED}, None),
    ],
)
def test_what_may_be_wrong_with_that(before: dict[str, Any], wrong: str | None) -> None:
    """The broken invariant names the interrupt for which the worker takes it."""
    found = does("2026", FREE, **WALKED | before)
    assert found.changed.get("wrong") == (None if wrong is None else (wrong,))


# -- copy_irb, copy_rest --------------------------------------------------------------

COPY = Section("copy_irb", final=True, finished=True)
COPIED = Section("set_idle", final=True, finished=True)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_irb_is_copied_inside_io_mutex(design: str) -> None:
    """The copy takes io_mutex; a locked worker has it already, and keeps it."""
    holds = WORKER if design in LOCKED else ""
    before = {"irb": ENDED, "fresh": True, "mutex": holds, "waiting": (WAITER,)}
    found = does(design, COPY, **before)
    assert found.next == COPIED
    copied = {"region": ENDED, "fresh": False}
    if design in LOCKED:
        assert found == (COPIED, copied, [])
    else:
        given = {"mutex": WAITER.thread, "waiting": ()}
        assert found == (COPIED, copied | given, [WAITER])
    found = does(design, COPY, irb=ENDED, mutex="thread0")
    assert found == (None, {"waiting": (Waiter(WORKER, COPY),)}, [])


def test_an_irb_is_handed_over_twice() -> None:
    """The slot is not emptied, and the worker copies the same IRB again."""
    found = does("2026", COPY, irb=CLEARED, mutex=WORKER)
    assert found.changed["wrong"] == ("I3: the CLEAR's interrupt is handed over twice",)


def test_the_copy_in_halves() -> None:
    """An interruption between the halves tears the IRB: io_mutex does not block it."""
    driver = driver_of("2026", thread=WORKER, case="halves", torn=True, irb=ENDED)
    found = ran(driver, COPY)
    rest = Section("copy_rest", final=True, finished=True)
    assert found == (rest, {"mutex": WORKER, "torn": False}, [])
    assert "wrong" not in does("2026", rest, fresh=True).changed
    assert does("2026", rest, fresh=True, torn=True).changed["wrong"] == (
        "torn: an interruption fills the slot while it is copied",
    )


# -- set_idle -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("design", "if_final", "if_freed"),
    [
        ("v5.12", True, False),
        ("rfc-v2", True, False),
        ("rfc-v3", False, False),
        ("rfc-v4", False, False),
        ("rfc-v4-mutex", False, False),
        ("v5.13", False, True),
        ("v6.0", False, True),
        ("2026", False, True),
        ("counted-programs", False, True),
        ("clear-flag", False, True),
        ("composite", False, True),
    ],
)
def test_what_makes_the_worker_set_idle(
    design: str, *, if_final: bool, if_freed: bool
) -> None:
    """A final status does up to v5.12, freeing the program since v5.13."""
    for final, finished, idle in ((True, False, if_final), (False, True, if_freed)):
        section = Section("set_idle", final=final, finished=finished)
        found = does(design, section, fsm="CP_PENDING", region=ENDED)
        assert found.next == Section("signal")
        assert found.changed.get("fsm") == ("IDLE" if idle else None)


def test_a_locked_worker_gives_io_mutex_up() -> None:
    """A locked worker releases io_mutex after it has set the state."""
    before = {"mutex": WORKER, "waiting": (WAITER,)}
    found = does("2026", "set_idle", **before)
    assert found.changed == {"mutex": WAITER.thread, "waiting": ()}
    assert found.effects == [WAITER]
    assert does("v6.0", "set_idle", mutex="thread0").changed == {}


@pytest.mark.parametrize("fsm", ["NOT_OPER", "STANDBY"])
def test_the_worker_overwrites_what_others_have_set(fsm: Fsm) -> None:
    """The worker overwrites the state of a RESET or a loss since its start."""
    found = does("2026", Section("set_idle", finished=True), fsm=fsm)
    assert found.changed["wrong"] == (f"I10: the worker overwrites {fsm} by IDLE",)


ALL = Fctl.START | Fctl.HALT | Fctl.CLEAR


@pytest.mark.parametrize(
    ("fctl", "left"),
    [
        (Fctl.START, Fctl.HALT | Fctl.CLEAR),
        (Fctl.HALT, Fctl.CLEAR),
        (Fctl.START | Fctl.HALT, Fctl.CLEAR),
        (Fctl.CLEAR, 0),
        (0, Fctl.HALT | Fctl.CLEAR),
    ],
)
def test_rfc_v2_forgets_what_a_final_status_answers(fctl: int, left: int) -> None:
    """By the FC of the IRB, a HALT ends the START, a CLEAR ends both."""
    region = Irb(Scsw(fctl=fctl))
    final = Section("set_idle", final=True)
    assert does("rfc-v2", final, kept=ALL, region=region).changed == {"kept": left}
    section = Section("set_idle")
    assert does("rfc-v2", section, kept=ALL, region=region).changed == {}


@pytest.mark.parametrize("design", [one for one in DESIGNS if one != "rfc-v2"])
def test_others_forget_nothing_that_is_kept(design: str) -> None:
    """Other designs forget nothing, even at final status."""
    final = Section("set_idle", final=True)
    assert "kept" not in does(design, final, kept=ALL, region=CLEARED).changed


@pytest.mark.parametrize("design", DESIGNS)
def test_status_counts_again_when_the_clear_is_handled(design: str) -> None:
    """In clear-flag the CLEAR's status clears the flag, a START's does not."""
    assert "void" not in does(design, "set_idle", void=True, region=ENDED).changed
    found = does(design, "set_idle", void=True, region=CLEARED)
    ends = design == "clear-flag"
    assert found.changed.get("void") == (False if ends else None)


# -- signal ---------------------------------------------------------------------------


def test_the_eventfd_is_signalled() -> None:
    """The emulator is woken if the counter was 0."""
    found = does("2026", "signal")
    assert found == (WorkDone(), {"events": 1}, [ToEmulator(Signalled())])
    assert does("2026", "signal", events=1) == (WorkDone(), {"events": 2}, [])


def test_status_from_before_a_reset_is_handed_over() -> None:
    """A worker queued before a RESET passes its status on after it."""
    found = does("2026", "signal", irb=ENDED, age=0, resets=1)
    assert found.changed["wrong"] == (
        "stale: after RESET the START's interrupt is handed over",
    )
    assert "wrong" not in does("2026", "signal", irb=ENDED, age=1, resets=1).changed
