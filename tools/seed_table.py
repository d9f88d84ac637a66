"""The README's verdict table: the scenarios `seed` and `mail`, with a legend."""

from collections.abc import Sequence
from typing import Final

from ccw_actors.verdicts import (
    DESIGN_NAMES,
    EMULATORS,
    HOST_SIDE_ONLY,
    V4_SUBSETS,
    VERDICT_SCENARIOS,
    CellName,
    VerdictCell,
    design_row,
    invariants_legend,
)
from tools.markdown import table

__all__ = ["legend", "seed_table"]

_WORDS: Final = {
    "refuted in N steps": (
        "a schedule breaks the invariant named; the shortest one handles N messages"
    ),
    "verified": "no schedule breaks an invariant",
    "verified, but": (
        "the scenario's own invariants hold, and the other one named is broken"
    ),
}


def seed_table(cells: Sequence[VerdictCell]) -> str:
    """Render the scenarios `seed` and `mail`, for the README."""
    known = {CellName.of(cell): cell for cell in cells}
    seed, mail = VERDICT_SCENARIOS["seed"].title, VERDICT_SCENARIOS["mail"].title
    heads = ["design", "id"]
    heads += [f"{seed} (`seed`),<br>{row.title}" for row in EMULATORS.values()]
    heads.append(f"{mail}<br>(`mail`)")
    rows: list[list[str]] = []
    for design, names in _rows().items():
        texts = [_text(known.get(name)) for name in names]
        rows.append([design_row(design).title, f"`{design}`", *texts])
    return table(heads, rows)


def legend(cells: Sequence[VerdictCell]) -> str:
    """Render what the words and the invariants in the table mean."""
    wanted = {name for names in _rows().values() for name in names}
    mine = [cell for cell in cells if CellName.of(cell) in wanted]
    meanings = _WORDS | invariants_legend(mine)
    return table(("in the table", "what it means"), meanings.items())


def _rows() -> dict[str, list[CellName]]:
    """Return the cells of each design."""
    return {
        design: [
            *(CellName(design, emulator, "seed") for emulator in EMULATORS),
            CellName(design, None, "mail"),
        ]
        for design in DESIGN_NAMES
        if design not in (*V4_SUBSETS, HOST_SIDE_ONLY)
    }


def _text(cell: VerdictCell | None) -> str:
    if cell is None:
        return "-"
    if cell.steps is None:
        also = cell.also.partition(":")[0]
        return f"{cell.verdict}, but {also} is broken" if also else cell.verdict
    return f"refuted in {cell.steps} steps: {cell.why.partition(': ')[0]}"
