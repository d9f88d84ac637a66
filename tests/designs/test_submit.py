"""START: each section of a write to the I/O region, before and after."""

import errno
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace as fields

from ccw_actors.actors.protocol import WriteIo, Written
from ccw_actors.channel import Actl, Fctl, Orb, Scsw, Stctl
from ccw_actors.designs import DESIGNS, Section, v4_with
from ccw_actors.designs.linux._driver import Later
from ccw_actors.designs.linux._messages import DeviceGoesOn, Returned
from ccw_actors.designs.linux._state import Fsm
from ccw_actors.designs.linux._submit import write_io
from tests.designs.sections import FIXED, THREAD, WAITER, do, driver_of, ran

START = WriteIo(Orb.command(0x1000), Fctl.START, ret_code=7)
BUSY = Returned(Written(errno.EBUSY))


@pytest.mark.parametrize(
    ("fsm", "section"),
    [
        ("IDLE", Section("io_request")),
        ("CP_PROCESSING", Section("leave_io", errno.EAGAIN)),
        ("CP_PENDING", Section("leave_io", errno.EBUSY)),
        ("STANDBY", Section("leave_io", errno.EIO)),
        ("NOT_OPER", Section("leave_io", errno.EIO)),
    ],
)
def test_the_state_says_what_a_write_does(fsm: Fsm, section: Section) -> None:
    """The state is read once, and io_mutex is held whatever the state."""
    driver = driver_of("v5.12", fsm=fsm)
    assert write_io(driver, START) == section
    state = driver.state
    assert (state.mutex, state.fctl, state.ret_code) == (THREAD, Fctl.START, 7)


def test_a_write_does_not_wait_for_io_mutex() -> None:
    """A failed trylock returns EAGAIN, and the request is not even copied in."""
    driver = driver_of("v5.12", mutex="thread1")
    assert write_io(driver, START) == Returned(Written(errno.EAGAIN))
    assert (driver.state.mutex, driver.state.fctl) == ("thread1", 0)


# -- io_request -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "design", [one for one in DESIGNS if one not in ("rfc-v2", "rfc-v3")]
)
def test_a_start_is_processed(design: str) -> None:
    """The state becomes CP_PROCESSING, whatever else the driver remembers."""
    found = do(design, "io_request", fctl=Fctl.START, kept=Fctl.CLEAR, started=1)
    assert found.next == Section("cp_init")
    assert found.changed == {"fsm": "CP_PROCESSING"}


def test_rfc_v2_admits_a_start_while_nothing_is_kept() -> None:
    """RFC v2 keeps START from here on, and refuses the next one while it is kept."""
    found = do("rfc-v2", "io_request", fctl=Fctl.START)
    assert found.next == Section("cp_init")
    assert found.changed == {"fsm": "CP_PROCESSING", "kept": Fctl.START}
    for kept in (Fctl.START, Fctl.HALT, Fctl.CLEAR):
        refused = do("rfc-v2", "io_request", fctl=Fctl.START, kept=kept)
        assert refused.next == Section("leave_io", errno.EBUSY)
        assert refused.changed == {}


def test_rfc_v3_refuses_a_start_while_one_is_started() -> None:
    """The refusal is a failure inside the FSM, which sets IDLE."""
    found = do("rfc-v3", "io_request", fctl=Fctl.START, started=1)
    assert found.next == Section("fail_io", errno.EBUSY)
    assert found.changed == {}
    assert do("rfc-v3", "io_request", fctl=Fctl.START).next == Section("cp_init")


@pytest.mark.parametrize(
    ("design", "step"),
    [("v5.12", "leave_io"), ("rfc-v2", "fail_io"), ("2026", "fail_io")],
)
def test_other_functions_are_not_supported(design: str, step: str) -> None:
    """The I/O region takes no HALT or CLEAR."""
    found = do(design, "io_request", fctl=Fctl.HALT)
    assert found.next == Section(step, errno.EOPNOTSUPP)


def test_a_write_without_a_function_returns_what_it_brought() -> None:
    """The write returns the ret_code that it brought; 0 looks like success."""
    found = do("2026", "io_request", ret_code=errno.EPERM)
    assert found.next == Section("fail_io", errno.EPERM)
    assert "wrong" not in found.changed
    found = do("2026", "io_request")
    assert found.next == Section("fail_io", 0)
    assert found.changed["wrong"] == (
        "no-op: a write without a function returns success",
    )


@pytest.mark.parametrize("fsm", ["NOT_OPER", "STANDBY"])
def test_a_start_overwrites_that_there_is_no_device(fsm: Fsm) -> None:
    """A START overwrites NOT_OPER or STANDBY: another section read the state."""
    found = do("2026", "io_request", fctl=Fctl.START, fsm=fsm)
    assert found.changed["wrong"] == (f"I10: START overwrites {fsm} by CP_PROCESSING",)


# -- cp_init --------------------------------------------------------------------------


@pytest.mark.parametrize("design", DESIGNS)
def test_a_program_is_made(design: str) -> None:
    """The program has the next number, is live, and its list is walked."""
    found = do(design, "cp_init", made=4)
    assert found.next == Section("cp_prefetch", program=5)
    assert found.changed == {
        "made": 5,
        "cp": 5,
        "live": (5,),
        "walked": ((THREAD, 5),),
    }


@pytest.mark.parametrize("design", ["v5.12", "rfc-v2", "rfc-v3"])
def test_up_to_v5_12_a_live_program_is_initialised_again(design: str) -> None:
    """The older program is forgotten, with its pages pinned."""
    found = do(design, "cp_init", made=1, cp=1, live=(1,), started=1)
    assert found.next == Section("cp_prefetch", program=2)
    assert found.changed["live"] == (1, 2)
    assert found.changed["started"] == 0
    assert found.changed["wrong"] == ("I6: START initialises a live program again",)


@pytest.mark.parametrize(
    "design",
    ["rfc-v4", "rfc-v4-mutex", "v5.13", "v6.0", "2026", "clear-flag", "composite"],
)
def test_a_live_program_is_in_the_way(design: str) -> None:
    """START returns EBUSY since v5.13, and with patch 1 of RFC v4."""
    found = do(design, "cp_init", made=1, cp=1, live=(1,))
    assert found.next == Section("fail_io", errno.EBUSY)
    assert found.changed == {}


def test_counted_programs_are_many() -> None:
    """A program is added to the others; the started one is still known."""
    found = do("counted-programs", "cp_init", made=1, cp=1, live=(1,), started=1)
    assert found.next == Section("cp_prefetch", program=2)
    assert found.changed["live"] == (1, 2)
    assert "started" not in found.changed
    assert "wrong" not in found.changed


@pytest.mark.parametrize(
    ("design", "wrong"),
    [
        ("v5.12", ("I7: START rebuilds the list that the worker walks",)),
        ("counted-programs", ()),
    ],
)
def test_a_walked_list_is_rebuilt(design: str, wrong: tuple[str, ...]) -> None:
    """START rebuilds a single list that is walked; counted programs have one each."""
    found = do(design, "cp_init", made=1, walked=(("work-queue", 1),))
    assert found.changed.get("wrong", ()) == wrong


def test_another_thread_walks_it() -> None:
    """START also rebuilds a list that another thread walks, such as DMA_UNMAP."""
    found = do("2026", "cp_init", walked=(("thread1", 1),))
    assert found.changed["wrong"] == (
        "I7: START rebuilds the list that another thread walks",
    )


@pytest.mark.parametrize("design", DESIGNS)
def test_long_programs_are_refused_by_their_length(design: str) -> None:
    """Since 2026 a program has at most 16 chains, before any number."""
    found = ran(driver_of(design, case="long"), Section("cp_init"))
    if design in FIXED:
        assert found.next == Section("fail_io", errno.EINVAL)
        assert found.changed == {}
    else:
        assert found.next == Section("cp_prefetch", program=1)
        assert found.changed["wrong"] == ("I11: a program of 17 chains is accepted",)
    for limit, accepted in ((16, False), (17, True)):
        other = replace(DESIGNS[design].choices, chains_max=limit)
        found = ran(driver_of(other, case="long"), Section("cp_init"))
        assert (found.next == Section("cp_prefetch", program=1)) is accepted
        assert "wrong" not in found.changed


@pytest.mark.parametrize("design", DESIGNS)
def test_a_chain_that_is_not_there(design: str) -> None:
    """The first chain is freed since 2026; before, it stays forever."""
    found = ran(driver_of(design, case="faulty"), Section("cp_init"))
    step = "leave_io" if design == "v5.12" else "fail_io"
    assert found.next == Section(step, errno.EFAULT)
    assert found.changed == ({} if design in FIXED else {"made": 1, "live": (1,)})


# -- cp_prefetch, copy_idal -----------------------------------------------------------

PREFETCH = Section("cp_prefetch", program=1)
COPY = Section("copy_idal", program=1, idaw=2)
WALKS: dict[str, Any] = {
    "cp": 1,
    "live": (1,),
    "walked": ((THREAD, 1), ("work-queue", 1)),
}


def test_the_first_idaw_is_read() -> None:
    """The list is still walked after the first IDAW has been read."""
    found = ran(driver_of("2026", idaw=2, **WALKS), PREFETCH)
    assert (found.next, found.changed) == (COPY, {})


def test_a_page_that_is_not_mapped() -> None:
    """Both the begin and the copy of the list return EFAULT."""
    failed = Section("free_request", errno.EFAULT, program=1)
    for section in (PREFETCH, COPY):
        found = ran(driver_of("2026", idaw=2, mapped=False, **WALKS), section)
        assert found.next == failed
        assert found.changed == {"walked": (("work-queue", 1),)}


def test_pages_that_never_come() -> None:
    """The thread never goes on, and keeps io_mutex."""
    driver = driver_of("2026", case="hangs", mutex=THREAD, **WALKS)
    assert ran(driver, PREFETCH) == (None, {}, [])


def test_pages_are_pinned() -> None:
    """The pages of the IDAWs are pinned if the program is live; the walk ends."""
    found = ran(driver_of("2026", idaw=2, **WALKS), COPY)
    assert found.next == Section("io_helper", program=1)
    assert found.changed == {"walked": (("work-queue", 1),), "pinned": (1,)}
    freed = ran(driver_of("2026", idaw=2, cp=1, walked=WALKS["walked"]), COPY)
    assert "pinned" not in freed.changed


@pytest.mark.parametrize("design", DESIGNS)
def test_an_idaw_that_changes(design: str) -> None:
    """A changed IDAW is refused since 2026, and taken before."""
    found = ran(driver_of(design, idaw=3, **WALKS), COPY)
    if design in FIXED:
        assert found.next == Section("free_request", errno.EINVAL, program=1)
    else:
        assert found.next == Section("io_helper", program=1)
        assert found.changed["wrong"] == (
            "I12: the first IDAW is another one when it is read again",
        )


# -- io_helper ------------------------------------------------------------------------

HELPER = Section("io_helper", program=1)
SSCH = Later(DeviceGoesOn(1, 0))


@pytest.mark.parametrize("design", DESIGNS)
def test_ssch(design: str) -> None:
    """The channel owns the program; without CP_PENDING the next section sets IDLE."""
    found = ran(driver_of(design, cp=1, fsm="CP_PROCESSING"), HELPER)
    assert found.effects == [SSCH]
    scsw = found.changed.pop("scsw")
    assert (scsw.fctl, scsw.actl) == (Fctl.START, Actl.START_PENDING)
    pending = design not in ("rfc-v3", "counted-programs")
    assert found.next == Section("leave_io" if pending else "idle_again")
    assert found.changed == {
        "owned": 1,
        "runs": 1,
        "ssch": 1,
        "started": 1,
        "kept": Fctl.START,
    } | ({"fsm": "CP_PENDING"} if pending else {})
    found = do(design, "idle_again", fsm="CP_PROCESSING")
    assert (found.next, found.changed) == (Section("leave_io"), {"fsm": "IDLE"})


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ({"valid": False}, errno.ENODEV),
        ({"scsw": Scsw(fctl=Fctl.CLEAR, actl=Actl.CLEAR_PENDING)}, errno.EBUSY),
        ({"scsw": Scsw(stctl=Stctl.UNSOLICITED_STATUS)}, errno.EBUSY),
    ],
)
def test_ssch_with_another_condition_code(before: dict[str, Any], reason: int) -> None:
    """Condition codes 1 and 2 become EBUSY, 3 ENODEV; the program is freed next."""
    found = ran(driver_of("2026", cp=1, **before), HELPER)
    assert found.next == Section("free_request", reason, program=1)
    assert (found.changed, found.effects) == ({}, [])


def test_the_program_may_be_gone() -> None:
    """A program that another thread has marked as free fails with EIO."""
    for design in ("2026", "counted-programs"):
        driver = driver_of(design)
        free = Section("free_request", errno.EIO)
        assert ran(driver, HELPER).next == free
        marked = Section("free_failed", errno.EIO)
        assert ran(driver, free).next == marked
        assert ran(driver, marked).next == Section("fail_io", errno.EIO)
        assert not driver.state.wrong


REFUSES: list[tuple[str, set[str]]] = [
    ("v5.12", set()),
    ("rfc-v2", set()),
    ("rfc-v3", {"work"}),
    ("rfc-v4", {"work"}),
    ("rfc-v4-mutex", {"work"}),
    ("v5.13", set()),
    ("v6.0", set()),
    ("2026", set()),
    ("counted-programs", set()),
    ("clear-flag", {"void"}),
    ("composite", {"work", "events", "kept"}),
]


@pytest.mark.parametrize("field", ["work", "void", "events", "kept"])
@pytest.mark.parametrize(("design", "refuses"), REFUSES)
def test_what_refuses_a_start(design: str, refuses: set[str], field: str) -> None:
    """Before SSCH each design checks what it remembers, and nothing else."""
    driver = driver_of(design, cp=1)
    setattr(driver.state, field, 2 if field in ("events", "kept") else True)
    found = ran(driver, HELPER)
    if field in refuses:
        assert found == (
            Section("free_request", errno.EBUSY, program=1),
            {},
            [],
        )
    else:
        assert found.effects == [SSCH]


# -- a request that has failed --------------------------------------------------------


def test_a_refused_start_frees_its_program() -> None:
    """One section marks the program as free, the next frees it and ends the walk."""
    section = Section("free_request", errno.EBUSY, program=1)
    driver = driver_of("2026", cp=1, live=(1,), pinned=(1,), started=1)
    found = ran(driver, section)
    assert found.next == fields(section, step="free_failed")
    assert found.changed == {"cp": 0, "started": 0, "walked": ((THREAD, 1),)}
    found = ran(driver, fields(section, step="free_failed"))
    assert found.next == Section("fail_io", errno.EBUSY)
    assert found.changed == {"walked": (), "live": (), "pinned": ()}


def test_counted_programs_free_the_one_that_was_refused() -> None:
    """A program that was started before stays."""
    section = Section("free_request", errno.EBUSY, program=2)
    driver = driver_of("counted-programs", cp=2, live=(1, 2), started=1)
    assert ran(driver, section).changed == {"walked": ((THREAD, 2),)}
    found = ran(driver, fields(section, step="free_failed"))
    assert found.changed == {"cp": 0, "walked": (), "live": (1,)}


@pytest.mark.parametrize("before", ["CP_PROCESSING", "CP_PENDING"])
def test_up_to_v5_12_the_write_handler_sets_idle_on_error(before: Fsm) -> None:
    """Any error sets IDLE, also if the state is that of another START."""
    driver = driver_of("v5.12", fsm=before, mutex=THREAD)
    assert ran(driver, Section("leave_io", errno.EBUSY)).next == BUSY
    assert (driver.state.fsm, driver.state.mutex) == ("IDLE", "")
    wrong = ("I10: a refused START makes the state of another IDLE",)
    assert driver.state.wrong == (wrong if before == "CP_PENDING" else ())


@pytest.mark.parametrize("design", [one for one in DESIGNS if one != "v5.12"])
def test_the_fsm_sets_idle_on_error(design: str) -> None:
    """The FSM sets IDLE after a failure; the write handler does not."""
    driver = driver_of(design, fsm="CP_PENDING", mutex=THREAD)
    found = ran(driver, Section("leave_io", errno.EBUSY))
    assert (found.next, found.changed) == (BUSY, {"mutex": ""})
    driver = driver_of(design, fsm="CP_PROCESSING")
    found = ran(driver, Section("fail_io", errno.EBUSY))
    assert found.next == Section("leave_io", errno.EBUSY)
    assert found.changed == {"fsm": "IDLE"}
    found = do(design, "io_request", fctl=Fctl.HALT)
    assert found.next == Section("fail_io", errno.EOPNOTSUPP)


def test_a_start_that_was_accepted_leaves_the_state_alone() -> None:
    """Even in v5.12 the state stays; the next thread gets io_mutex."""
    found = do("v5.12", "leave_io", fsm="CP_PENDING", mutex=THREAD, waiting=(WAITER,))
    assert found.next == Returned(Written(0))
    assert found.changed == {"mutex": WAITER.thread, "waiting": ()}
    assert found.effects == [WAITER]


@pytest.mark.parametrize("design", DESIGNS)
def test_rfc_v2_forgets_a_start_that_failed(design: str) -> None:
    """RFC v2 forgets the START alone; the other designs forget nothing."""
    kept = Fctl.START | Fctl.CLEAR
    found = do(design, "fail_io", fsm="CP_PROCESSING", kept=kept)
    forgets = {"kept": Fctl.CLEAR} if design == "rfc-v2" else {}
    assert found.changed == {"fsm": "IDLE"} | forgets


# -- the patches of RFC v4 ------------------------------------------------------------


@pytest.mark.parametrize("patches", list(permutations("1234")))
def test_patches_of_v4_add_up(patches: tuple[str, ...]) -> None:
    """All four patches in any order are the RFC; no patch is v5.12."""
    assert v4_with("".join(patches)).choices == DESIGNS["rfc-v4"].choices
    assert v4_with("").choices == DESIGNS["v5.12"].choices


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        ("1", {"may_initialise"}),
        ("2", {"refuses_start"}),
        ("3", {"idle_on_error"}),
        ("4", {"freed", "sets_idle"}),
    ],
)
def test_what_a_patch_of_v4_changes(patch: str, changed: set[str]) -> None:
    """Each patch changes other choices, so any subset can be combined."""
    before, after = vars(DESIGNS["v5.12"].choices), vars(v4_with(patch).choices)
    assert {name for name in after if after[name] != before[name]} == changed
    with pytest.raises(KeyError):
        v4_with("5")
