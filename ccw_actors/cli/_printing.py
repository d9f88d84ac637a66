"""Prints text from unknown sources safely: no character of it becomes a command.

Labels, names of datasets, guests and actors, errors, traces and counterexamples come
from anybody. A terminal obeys some characters, and the library that draws tables reads
brackets as markup. So everything that a command prints goes through this module.
"""

import json
import logging
import os
import sys

import msgspec
import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ccw_actors._visible import visible

__all__ = [
    "as_text",
    "complain",
    "measured",
    "new_console",
    "paragraph",
    "print_no_log",
    "print_table",
    "say",
    "say_json",
    "visible",
]

_LINE_MAX = 1000
_NO_LOG = logging.NullHandler()
_WIDTH_MAX = 1 << 16


def say(text: object, style: str = "") -> None:
    """Print a line; `style` is a colour, for a terminal."""
    line = visible(text)
    if style and sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        line = typer.style(line, fg=style)
    typer.echo(line)


def complain(text: object) -> None:
    """Print a line to standard error that begins with the name of the command.

    A line of more than 1,000 characters loses its middle.
    """
    line = " ".join(str(text).split())
    if len(line) > _LINE_MAX:
        line = f"{line[: _LINE_MAX // 2]} ... {line[-_LINE_MAX // 2 :]}"
    typer.echo(f"ccw-actors: {visible(line)}", err=True)


def say_json(value: object) -> None:
    """Print a value as a line of JSON, in ASCII; NaN and infinity are null."""
    plain = json.loads(msgspec.json.encode(value))
    typer.echo(json.dumps(plain).replace("\x7f", r"\u007f"))


def as_text(text: object, style: str = "") -> Text:
    """Return text for a table or a console."""
    return Text(visible(text), style=style, overflow="fold")


def paragraph(text: object) -> Text:
    """Return text that keeps its line ends, for a console."""
    return Text(visible(text, keep="\n"), overflow="fold")


def new_console(*, stderr: bool = False) -> Console:
    """Return a console that reads no text as markup."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def print_table(table: Table) -> None:
    """Print a table; if the terminal is too narrow for its longest words, wider.

    So a name stays on one line, and can be copied.
    """
    console = new_console()
    console.width = max(console.width, measured(table).minimum)
    console.print(table)


def measured(table: Table) -> Measurement:
    """Return the least width of a table, and that with nothing folded."""
    console = new_console()
    unbounded = console.options.update(max_width=_WIDTH_MAX)
    return Measurement.get(console, unbounded, table)


def print_no_log() -> None:
    """Keep this package's log off standard error: the results have its errors."""
    logging.getLogger("ccw_actors").addHandler(_NO_LOG)
