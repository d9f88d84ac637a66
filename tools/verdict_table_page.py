"""The page of the whole verdict table, with what its rows and columns are."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from ccw_actors.designs import DESIGNS, Choices
from ccw_actors.kernel.records import ExecutionRecord, load_records
from ccw_actors.verdicts import (
    DESIGN_NAMES,
    EMULATORS,
    OUR_DESIGN,
    V4_SUBSETS,
    VERDICT_SCENARIOS,
    CellName,
    EmulatorName,
    VerdictCell,
    all_invariants,
    cell_text,
    design_row,
    share,
    signs_legend,
)
from tools.design_tables import choices_table
from tools.executed_page import RECORDS, executed_mark
from tools.markdown import GENERATED, table

__all__ = ["as_markdown", "records_by_cell"]

_COUNTS: Final = """\
Below ✘ is how many schedules fail. Schedules that differ only in the order of
independent steps are one class. The table counts classes if there are at most 5,000 of
them, and otherwise tries 1,000 random schedules. Follow the link of a cell to a
counterexample, or to the other invariant that is broken. Below that, a cell says on
which real kernels the scenario was tried, and what that showed; follow the link for the
record. The terms are in the [glossary](../../glossary.md).
"""
_PATCHES: Final = """\
v5.12 with the patches named: 1 is the initialised check, 2 work_pending, 3 IDLE inside
the FSM, 4 freeing together with IDLE.
"""
_RAW: Final = "There is no emulator in between."
_CHOICES: Final = """\
What each design chooses in the model; an empty cell is as in v5.12.
`ccw_actors/designs/linux` says what each choice and each function is (`Choices` in
`_driver.py`, `_versions.py`).
"""


def as_markdown(cells: Sequence[VerdictCell]) -> str:
    """Render the whole table, and what its rows and scenarios are."""
    under = [cell for cell in cells if cell.emulator]
    written = [cell for cell in cells if not cell.emulator]
    text = [GENERATED, "# The verdict table", "", *_signs(cells), "", _COUNTS]
    text += ["## Scenarios of a guest", "", _grid(_designs(under)), ""]
    text += ["## Scenarios of threads that write the regions", "", _RAW, ""]
    text += [_grid(_designs(written)), ""]
    text += ["## The patches of RFC v4, one by one", "", _PATCHES]
    text += [_grid(_subsets(under)), "", _grid(_subsets(written)), ""]
    text += ["## Designs", "", *_design_list(), ""]
    text += [_CHOICES, choices_table(_choices()), "", "## Emulators", ""]
    text += [
        f"- **{row.title}**, `{name}`: {row.summary}."
        for name, row in EMULATORS.items()
    ]
    text += ["", "## Scenarios", "", *_scenario_list()]
    text += ["", "## Invariants", ""]
    text += [f"- **{name}**: {what}." for name, what in all_invariants().items()]
    return "\n".join(text) + "\n"


def _signs(cells: Sequence[VerdictCell]) -> Iterator[str]:
    yield table(("sign", "meaning"), signs_legend(cells).items())


def _designs(cells: Sequence[VerdictCell]) -> list[VerdictCell]:
    return [cell for cell in cells if cell.design not in V4_SUBSETS]


def _subsets(cells: Sequence[VerdictCell]) -> list[VerdictCell]:
    return [cell for cell in cells if cell.design in V4_SUBSETS]


def _design_list() -> Iterator[str]:
    for name in DESIGN_NAMES:
        if name not in V4_SUBSETS:
            row = design_row(name)
            yield f"- **{row.title}**, `{name}`: {row.summary}."


def _scenario_list() -> Iterator[str]:
    for name, scenario in VERDICT_SCENARIOS.items():
        own = (
            f" Not for `{OUR_DESIGN}`: {scenario.not_ours}."
            if scenario.not_ours
            else ""
        )
        about = f" Its invariants: {', '.join(scenario.invariants)}."
        yield (
            f"- **{scenario.title}**, [`{name}`](scenarios/{name}.md):"
            f" {scenario.summary}.{about}{own}"
        )


def _grid(cells: Sequence[VerdictCell]) -> str:
    """Render cells as a table: designs down, their scenarios across."""
    known = {CellName.of(cell): cell for cell in cells}
    tried = {cell.scenario for cell in cells}
    scenarios = [name for name in VERDICT_SCENARIOS if name in tried]
    rows: list[tuple[str, EmulatorName | None]] = [
        *dict.fromkeys((cell.design, cell.emulator) for cell in cells)
    ]
    has_emulator = any(emulator for _, emulator in rows)
    heads = ["design", *["emulator"] * has_emulator]
    heads += [f"{VERDICT_SCENARIOS[name].title}<br>`{name}`" for name in scenarios]
    lines: list[list[str]] = []
    for design, emulator in rows:
        found = [known.get(CellName(design, emulator, one)) for one in scenarios]
        lines.append([_design(design), *_emulator(emulator), *map(_linked, found)])
    return table(heads, lines)


def _design(name: str) -> str:
    return f"{design_row(name).title}<br>`{name}`"


def _emulator(name: EmulatorName | None) -> list[str]:
    """Return the text of the column of emulators, if there is one."""
    return [] if name is None else [f"{EMULATORS[name].title}<br>`{name}`"]


def _linked(cell: VerdictCell | None) -> str:
    text = cell_text(cell)
    if cell is None:
        return text
    if cell.why or cell.also:
        text = f"[{text}](scenarios/{cell.scenario}.md)"
    executed = executed_mark(records_by_cell(), cell.design, cell.scenario)
    mark = f"[{executed}](../../verdicts/executed.md#{cell.scenario})"
    return "<br>".join(filter(None, (text, share(cell), executed and mark)))


@cache
def records_by_cell() -> dict[tuple[str, str], list[ExecutionRecord]]:
    """Return the records of real kernels, by design and scenario."""
    found: dict[tuple[str, str], list[ExecutionRecord]] = {}
    for record in load_records(RECORDS):
        found.setdefault((record.target.design, record.scenario), []).append(record)
    return found


def _choices() -> dict[str, Choices]:
    return {name: design.choices for name, design in DESIGNS.items()}
