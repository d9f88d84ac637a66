"""Prints text that others have written: it is shown, and neither obeyed nor read.

Labels, names of datasets, guests and actors, errors, traces and counterexamples come
from anybody. To a terminal some characters are commands, and to the library that draws
tables brackets are markup. So all that a command prints goes through this module.
"""

import json
import sys

import msgspec
import typer
from rich.console import Console
from rich.text import Text

__all__ = [
    "as_text",
    "complain",
    "new_console",
    "paragraph",
    "say",
    "say_json",
    "visible",
]

_LINE_MAX = 1000


def visible(text: object, *, keep: str = "") -> str:
    r"""Return text whose every character can be seen, on one line.

    What is not printable (control characters, line ends, marks that turn the direction
    of writing, halves of characters) becomes an escape as Python writes it, such as
    "\x1b", unless it is one of `keep`.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        char
        if char.isprintable() or char in keep
        else char.encode("unicode_escape").decode("ascii")
        for char in shown
    )


def say(text: object, style: str = "") -> None:
    """Print a line; `style` is a colour, for a terminal."""
    line = visible(text)
    if style and sys.stdout.isatty():
        line = typer.style(line, fg=style)
    typer.echo(line)


def complain(text: object) -> None:
    """Print a line to standard error that begins with the name of the command.

    Of one that is too long to be read the middle is left out.
    """
    line = " ".join(str(text).split())
    if len(line) > _LINE_MAX:
        line = f"{line[: _LINE_MAX // 2]} ... {line[-_LINE_MAX // 2 :]}"
    typer.echo(f"ccw-actors: {visible(line)}", err=True)


def say_json(value: object) -> None:
    """Print a value as a line of JSON, in ASCII; what is no number is null."""
    plain = json.loads(msgspec.json.encode(value))
    typer.echo(json.dumps(plain).replace("\x7f", r"\u007f"))


def as_text(text: object, style: str = "") -> Text:
    """Return text as a table or a console takes it."""
    return Text(visible(text), style=style, overflow="fold")


def paragraph(text: object) -> Text:
    """Return text of several lines, for a console."""
    return Text(visible(text, keep="\n"), overflow="fold")


def new_console(*, stderr: bool = False) -> Console:
    """Return a console that takes no text for markup."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
