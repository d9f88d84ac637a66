"""The command `ccw-actors`: one module for each subcommand."""

from importlib.metadata import version
from typing import Annotated

import typer

from ccw_actors.cli._commands import LazyGroup
from ccw_actors.cli._group import run_to_an_end

__all__ = ["app", "main"]

_NAME = "ccw-actors"

app = typer.Typer(
    name=_NAME,
    cls=LazyGroup,
    help="s390x channel I/O pass-through built out of actors.\n\n"
    "Exit status: 0 the command succeeded; 1 its answer is no; 2 usage error, or a file"
    " cannot be used. The help of each command has the details.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(version("ccw-actors"))
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Take the options that come before a subcommand."""


def main() -> None:
    """Run the command."""
    run_to_an_end(lambda: app(prog_name=_NAME))
