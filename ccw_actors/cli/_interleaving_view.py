"""A counterexample of a verdict as a table: who does what, line by line."""

from collections.abc import Sequence

from rich.table import Table

from ccw_actors.cli._printing import as_text, paragraph
from ccw_actors.verdicts import Line, columns_of

__all__ = ["interleaving"]

_COLUMN_WIDTH = 34


def interleaving(lines: Sequence[Line], width: int, *, by_step: bool = False) -> Table:
    """Return a table with a column for each who does something, if there is room.

    Lines are numbered from 1 on, or `by_step` as the steps they are; there are more
    steps than lines.
    """
    columns = columns_of(lines)
    is_wide = width >= _COLUMN_WIDTH * len(columns)
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    for column in columns if is_wide else ("who", "what"):
        table.add_column(as_text(column), overflow="fold")
    for number, line in enumerate(lines, 1):
        if is_wide:
            text = paragraph(line.what.replace("(): ", "()\n"))
            cells = [text if one == line.column else "" for one in columns]
        else:
            cells = [as_text(line.column), as_text(line.what)]
        table.add_row(str(line.number if by_step else number), *cells)
    return table
