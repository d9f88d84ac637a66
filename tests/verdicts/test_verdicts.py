"""The verdict table, and that the models still give the same verdicts."""

import dataclasses
import io
import re
import tokenize
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ccw_actors.designs import DESIGNS, Choices
from ccw_actors.explore import (
    CounterexampleError,
    InlineExecutor,
    Limits,
    World,
    explore,
)
from ccw_actors.verdicts import (
    DESIGN_NAMES,
    HOST_SIDE_ONLY,
    INVARIANTS,
    OUR_DESIGN,
    SAVED,
    VERDICT_SCENARIOS,
    CellName,
    CellNameError,
    VerdictCell,
    cell_scenario,
    cells_of,
    check,
    design_machine,
    design_row,
    explore_cell,
    lines_of,
    load,
    recall,
    save,
)
from ccw_actors.verdicts import _own_machine as own_machine
from ccw_actors.verdicts._fingerprint import program_of, source_between
from ccw_actors.verdicts._guest_monitor import GUEST_SIDE
from ccw_actors.verdicts._interleaving import interleaving
from ccw_actors.verdicts._rows import choices_of
from tools import scenario_page
from tools.verdict_claims import CLAIMS, verdict_of

TABLE = {CellName.of(cell): cell for cell in load().cells}
LINUX = ["v5.12", "rfc-v3", "rfc-v4", "rfc-v4-mutex", "v5.13", "v6.0", "2026"]


def cell(name: str) -> VerdictCell:
    """Return a saved cell."""
    return TABLE[CellName.parse(f"verdicts/{name}")[0]]


def test_table_is_complete() -> None:
    """Every cell is saved, and no exploration reached a limit."""
    assert list(TABLE) == cells_of()
    assert {one.verdict for one in TABLE.values()} <= {"verified", "refuted", "vacuous"}


@pytest.mark.parametrize("scenario", VERDICT_SCENARIOS)
def test_ours_is_verified(scenario: str) -> None:
    """This package is verified in every scenario that applies to it."""
    name = CellName(
        OUR_DESIGN,
        "ours" if VERDICT_SCENARIOS[scenario].has_emulator else None,
        scenario,
    )
    assert name in TABLE or VERDICT_SCENARIOS[scenario].not_ours
    if name in TABLE:
        assert (TABLE[name].verdict, TABLE[name].also) == ("verified", "")


@pytest.mark.parametrize("scenario", VERDICT_SCENARIOS)
def test_host_side_is_verified_under_qemu(scenario: str) -> None:
    """VfioCcw keeps its own promises, whatever the emulator does."""
    emulated = VERDICT_SCENARIOS[scenario].has_emulator
    name = CellName(HOST_SIDE_ONLY, "qemu" if emulated else None, scenario)
    assert name in TABLE or VERDICT_SCENARIOS[scenario].not_ours
    if name in TABLE:
        assert (TABLE[name].verdict, TABLE[name].also) == ("verified", "")


@pytest.mark.parametrize(
    "scenario", ["clear-queued", "clear-pending", "attention", "halt"]
)
def test_qemu_has_faults_of_its_own(scenario: str) -> None:
    """On a kernel that keeps its promises, QEMU's emulator still shows faults."""
    found = cell(f"{OUR_DESIGN}/qemu/{scenario}")
    assert found.verdict == "refuted"
    assert found.why.startswith("I5: ")


@pytest.mark.parametrize("design", LINUX)
def test_mail_is_refuted(design: str) -> None:
    """The six steps of the mail are those of the counterexample, in this order."""
    name = CellName(design, None, "mail")
    explored = explore_cell(name, counts=False)
    assert explored.cell.why == cell(f"{design}/mail").why
    assert explored.cell.steps == cell(f"{design}/mail").steps
    assert explored.counterexample is not None
    lines = lines_of(explored.cell, explored.counterexample)
    steps = [(line.column, line.what.partition("(")[0]) for line in lines]
    mail = [
        ("CPU 1", "fsm_do_clear"),
        ("interrupt", "fsm_irq"),
        ("CPU 2", "fsm_io_helper"),
        ("worker", "vfio_ccw_sch_io_todo"),
        ("worker", "cp_free"),
    ]
    at = -1
    for step in mail:
        at = steps.index(step, at + 1)


@pytest.mark.parametrize(
    "design", ["rfc-v2", "counted-programs", "clear-flag", OUR_DESIGN]
)
def test_mail_is_verified(design: str) -> None:
    """A START that is refused until the CLEAR is handled does not race with it."""
    found = explore_cell(CellName(design, None, "mail")).cell
    assert found.verdict == "verified"
    assert cell(f"{design}/mail").verdict == "verified"


@pytest.mark.parametrize("design", [*DESIGNS, OUR_DESIGN])
def test_what_was_saved_is_found_again(design: str) -> None:
    """Cheap cells of each design are explored, and their counterexamples replayed."""
    names = [CellName(design, "qemu", one) for one in ("disable", "sequence")]
    names.append(CellName(design, None, "no-function"))
    stale = {name: load_changed(name, hash="") for name in names}
    checked = check(names, stale, InlineExecutor())
    assert checked.explored == len(names)
    assert checked.replayed == sum(TABLE[one].verdict == "refuted" for one in names)
    assert not checked.problems


def test_each_refuted_cell_has_its_counterexample() -> None:
    """It is of its cell, names the broken invariant, and has the cell's steps."""
    refuted = [one for one in TABLE.values() if one.verdict == "refuted"]
    assert len(refuted) > 200
    for one in refuted:
        (saved,) = recall([one])
        known = saved.counterexample
        assert known is not None, one
        assert CellName.parse(known.scenario) == (CellName.of(one), "own")
        assert len(known.steps) == one.steps
        assert one.why.partition(":")[0] in INVARIANTS
        assert one.why.partition(":")[0] in known.violation


def test_each_counterexample_is_kept_once(tmp_path: Path) -> None:
    """Cells that fail in the same steps share a file, and no file is without a cell."""
    files = [one.counterexample for one in TABLE.values() if one.counterexample]
    kept = [path.name for path in (SAVED / "counterexamples").iterdir()]
    assert set(files) == set(kept)
    assert len(kept) < len(files) / 3
    alike = [one for one in TABLE.values() if one.counterexample == files[0]]
    assert len(alike) > 1
    save(recall(alike), tmp_path)
    assert [path.name for path in (tmp_path / "counterexamples").iterdir()] == files[:1]
    again = recall(load(tmp_path).cells, tmp_path)
    assert [one.cell for one in again] == alike
    for one in again:
        assert one.counterexample is not None
        name, _ = CellName.parse(one.counterexample.scenario)
        assert name == CellName.of(one.cell)


def test_each_row_is_a_design_of_its_own() -> None:
    """No two ids are the same design, and no two have the same title."""
    linux = [one for one in DESIGN_NAMES if one not in (OUR_DESIGN, HOST_SIDE_ONLY)]
    choices = [choices_of(one) for one in linux]
    assert all(one not in choices[:at] for at, one in enumerate(choices))
    titles = [design_row(one).title for one in DESIGN_NAMES]
    assert len(set(titles)) == len(titles)
    assert len({one.title for one in VERDICT_SCENARIOS.values()}) == len(
        VERDICT_SCENARIOS
    )


def test_a_lie_in_the_table_is_found() -> None:
    """A verdict that was changed by hand does not pass the check."""
    name = CellName("2026", None, "chains")
    lie = {name: load_changed(name, steps=1, verdict="refuted")}
    assert len(check([name], lie, InlineExecutor()).problems) == 1
    lie = {name: load_changed(name, hash="")}
    assert not check([name], lie, InlineExecutor()).problems
    lie = {name: load_changed(name, hash="", why="something else")}
    assert len(check([name], lie, InlineExecutor()).problems) == 1
    unsaved = check([name], {}, InlineExecutor()).problems
    assert unsaved == ("2026/chains: not in the saved table",)


def load_changed(name: CellName, **changes: Any) -> VerdictCell:
    """Return a saved cell with other values."""
    return replace(TABLE[name], **changes)


@pytest.mark.parametrize(
    ("choice", "without", "scenario"),
    [
        ("chains_max", 0, "chains"),
        ("checks_idaw", False, "idaw"),
        ("frees_chains", False, "bad-chain"),
        ("locked", {"worker", "close", "unmap"}, "reports"),
        pytest.param(
            "locked",
            {"worker", "unmap", "reports"},
            "reset",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_each_choice_matters(choice: str, without: object, scenario: str) -> None:
    """A fix of 2026 is what verifies the scenario that it is about, or some of it."""
    now = DESIGNS["2026"].choices
    assert getattr(now, choice) != without
    changes: dict[str, Any] = {choice: without}
    before = dataclasses.replace(now, **changes)
    faults = [faults_of(choices, scenario) for choices in (now, before)]
    assert faults[1] - faults[0]


def faults_of(choices: Choices, scenario: str) -> set[str]:
    """Return which invariants of a scenario a design breaks, each looked for alone.

    Where no fault ends the search, `reset` has more than three million states, as
    quiescing repeats. What is broken there is found among the first few hundred.
    """
    found: set[str] = set()
    limits = Limits(states=30_000) if scenario == "reset" else None
    for invariant in VERDICT_SCENARIOS[scenario].invariants:

        def holds(world: World, one: str = invariant) -> None:
            machine = design_machine(world, choices, "qemu", scenario)
            world.system_invariant(
                one,
                lambda view: not any(w.startswith(one) for w in machine.broken(view)),
            )
            world.final(one, lambda view: one != "I6" or not machine.left(view))

        result = explore(holds, engine="states", limits=limits)
        assert result.verdict != "incomplete" or scenario == "reset"
        if result.verdict == "refuted":
            found.add(invariant)
    return found


@pytest.mark.parametrize(
    ("design", "mail", "seed"),
    [
        ("rfc-v2", "verified", "refuted"),
        ("rfc-v3", "refuted", "refuted"),
        ("rfc-v4", "refuted", "refuted"),
        ("rfc-v4-mutex", "refuted", "refuted"),
        ("counted-programs", "verified", "verified"),
        ("clear-flag", "verified", "refuted"),
        ("composite", "verified", "refuted"),
    ],
)
def test_proposals_are_as_the_page_says(design: str, mail: str, seed: str) -> None:
    """The page is right about which proposals close the mail's race and the seed's."""
    assert cell(f"{design}/mail").verdict == mail
    assert cell(f"{design}/ours/seed").verdict == seed
    assert cell(f"{design}/qemu/collapse").verdict == "refuted"


def test_claims_rest_on_the_table() -> None:
    """A claim is confirmed by its cells, and not if one of them contradicts it."""
    cells = list(TABLE.values())
    found = {claim.name: verdict_of(claim, cells) for claim in CLAIMS}
    assert set(found.values()) == {"confirmed", "not reproduced"}
    for claim in CLAIMS:
        assert claim.cells or claim.reason
        if claim.cells:
            assert claim.by in INVARIANTS
            others = [cell for cell in cells if cell.verdict == "verified"]
            with pytest.raises(LookupError):
                verdict_of(claim, others)


def test_invariants_of_scenarios_can_be_broken() -> None:
    """A model can break each, and so can this package wherever it has a cell."""
    text = Path(own_machine.__file__ or "").read_text(encoding="utf-8")
    own = {*re.findall(r'"(\S+): [a-zA-Z]', text), "I6", *GUEST_SIDE}
    assert len(own) > 10
    for scenario in VERDICT_SCENARIOS.values():
        assert set(scenario.invariants) <= set(INVARIANTS)
        assert own & set(scenario.invariants) or scenario.not_ours
        assert bool(scenario.programs) != bool(scenario.raw)
        assert scenario.conditions


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("verdicts/2026/qemu", "expected verdicts/DESIGN/EMULATOR/SCENARIO"),
        ("verdicts/2027/qemu/seed", "no design '2027'"),
        ("verdicts/2026/vmware/seed", "no emulator 'vmware'"),
        ("verdicts/2026/qemu/seeds", "no scenario 'seeds'"),
        ("verdicts/2026/qemu/seed/last", "expected verdicts/DESIGN/EMULATOR/SCENARIO"),
        ("verdicts/2026/qemu/mail", "without an emulator: see verdicts/2026/mail$"),
        ("verdicts/2026/qemu/mail/about", "an emulator: see verdicts/2026/mail$"),
        (
            "verdicts/2026/qemu/seed/about",
            "no longer needed: see verdicts/2026/qemu/seed$",
        ),
        ("verdicts/2026/seed", "takes an emulator: see verdicts/2026/qemu/seed$"),
        ("verdicts/2025/qemu/seed", "2025 was the same as v6.0: see v6.0"),
        ("verdicts/ours/unmap", "no message takes a page of Storage away"),
        ("verdicts/rfc-v4-1/qemu/pci", "with some patches there are only sequence"),
    ],
)
def test_wrong_names(name: str, text: str) -> None:
    """The error for a wrong name says what is wrong."""
    with pytest.raises(CellNameError, match=text):
        CellName.parse(name)


def test_an_interleaving_has_what_matters() -> None:
    """An interleaving leaves out steps that only continue a thread."""
    explored = explore_cell(CellName("v5.12", None, "no-function"), counts=False)
    known = explored.counterexample
    assert known is not None
    steps = known.replay(cell_scenario(CellName.of(explored.cell))).steps
    lines = interleaving(steps)
    assert 0 < len(lines) < len(steps)
    assert {line.column for line in lines} == {"CPU 1"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("if x:\n    a()\n    b()\n", "if x:\n    a()\nb()\n"),
        ("x = {1}\n", "x = 1\n"),
        ("x = 'a b'\n", "x = 'ab'\n"),
        ("x = f'{a}b'\n", "x = f'{a}c'\n"),
    ],
)
def test_a_fingerprint_is_that_of_the_program(one: str, other: str) -> None:
    """Different programs have different fingerprints."""
    assert program_of(one) != program_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # why\n", "x = 1\n"),
        ('def f():\n    """Say."""\n    return 1\n', "def f():\n\n    return 1\n"),
        ("f(\n    1\n)\n", "f(1)\n"),
        ("x = (1\n     + 2)\n", "x = (1 + 2)\n"),
    ],
)
def test_a_fingerprint_is_not_that_of_layout(one: str, other: str) -> None:
    """Comments, docstrings and line breaks do not count."""
    assert program_of(one) == program_of(other)


def test_source_between_two_places() -> None:
    """Strings of one line and of several are found by where they begin and end."""
    text = 'x = f"{a} b"\ny = f"""{a}\n  c\n"""\nz = "d"\n'
    lines = text.splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    found = [
        source_between(lines, one.start, one.end)
        for one in tokens
        if one.type == tokenize.STRING
    ]
    assert found[-1] == '"d"'
    assert source_between(lines, (1, 4), (1, 12)) == 'f"{a} b"'
    assert source_between(lines, (2, 4), (4, 3)) == 'f"""{a}\n  c\n"""'
    assert program_of(text).count("{a}") == 2


def test_a_page_needs_what_was_saved() -> None:
    """The error names a missing counterexample and its folder."""
    name = CellName("2026", None, "mail")
    lost = load_changed(name, counterexample="lost.json")
    with pytest.raises(CounterexampleError, match=r"lost\.json is not in"):
        scenario_page.as_markdown("mail", [lost])
