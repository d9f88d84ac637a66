"""Shows a counterexample as a table: who does what, step by step.

A counterexample of the verdict table has a column for each CPU, the worker and the
channel, and leaves out the steps that only carry messages. Any other one has a column
for each actor.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.table import Table

from ccw_actors.cli._printing import as_text, paragraph
from ccw_actors.explore import Step
from ccw_actors.verdicts import CellName, Line, columns_of
from ccw_actors.verdicts import interleaving as lines_of

__all__ = ["Row", "interleaving", "row_table", "rows_of", "steps_table"]

_CPU_WIDTH: Final = 34
_ACTOR_WIDTH: Final = 22


class Row(NamedTuple):
    """One step: its number, who takes it, and what it is."""

    number: int
    who: str
    what: str


def interleaving(lines: Sequence[Line], width: int) -> Table:
    """Return the table for lines of a counterexample of the verdict table.

    It has a column for each of CPUs, worker and channel if `width` is enough for that.
    Lines have the numbers of their steps.
    """
    rows = [Row(line.number, line.column, line.what) for line in lines]
    columns = columns_of(lines)
    if width < _CPU_WIDTH * len(columns):
        table = _narrow(rows)
    else:
        rows = [row._replace(what=row.what.replace("(): ", "()\n")) for row in rows]
        table = _wide(rows, columns)
    table.caption = as_text("Steps that only carry messages are left out.")
    table.caption_justify = "left"
    return table


def steps_table(name: str, steps: Sequence[Step], width: int) -> Table:
    """Return the table for the steps of a scenario with that name."""
    if CellName.is_one(name):
        return interleaving(lines_of(steps), width)
    rows = rows_of(name, steps)
    actors = list(dict.fromkeys(row.who for row in rows))
    longest = max(map(len, actors), default=0)
    if width < max(_ACTOR_WIDTH, longest + 2) * len(actors):
        return _narrow(rows)
    return _wide(rows, actors)


def rows_of(name: str, steps: Sequence[Step]) -> list[Row]:
    """Return the steps of a scenario with that name, one row for each that matters."""
    if CellName.is_one(name):
        return [Row(line.number, line.column, line.what) for line in lines_of(steps)]
    return [
        Row(number, step.actor or "action", _what(step))
        for number, step in enumerate(steps, 1)
    ]


def row_table(row: Row, rows: Sequence[Row]) -> Table:
    """Return a table of one row, aligned with those of all other rows."""
    return _narrow([row], rows, shows_head=row is rows[0])


def _wide(rows: Sequence[Row], columns: Sequence[str]) -> Table:
    """Return a table with a column for each who."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    for column in columns:
        table.add_column(as_text(column), overflow="fold")
    for row in rows:
        text = paragraph(row.what)
        cells = [text if one == row.who else "" for one in columns]
        table.add_row(str(row.number), *cells)
    return table


def _narrow(
    rows: Sequence[Row], aligned: Sequence[Row] = (), *, shows_head: bool = True
) -> Table:
    """Return a table with a column for all who; as wide as for the `aligned` rows."""
    every = [*rows, *aligned]
    table = Table(box=None, pad_edge=False, show_header=shows_head)
    width = max((len(str(row.number)) for row in every), default=0)
    table.add_column("", justify="right", min_width=width)
    width = max((len(row.who) for row in every), default=0)
    table.add_column("who", min_width=width, no_wrap=True)
    table.add_column("what", overflow="fold")
    for row in rows:
        table.add_row(str(row.number), as_text(row.who), as_text(row.what))
    return table


def _what(step: Step) -> str:
    """Return what an actor handles, and from whom."""
    if not step.actor or (step.crash and not step.message):
        return step.message or "crash"
    what = f"crash on {step.message}" if step.crash else step.message
    if step.timer:
        return f"timer {step.timer}: {what}"
    return f"{step.sender or 'outside'}: {what}"
