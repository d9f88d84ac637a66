"""The command `ccw-actors`: one module for each subcommand."""

from importlib.metadata import version
from typing import Annotated

import typer

from ccw_actors.cli._conform import conform
from ccw_actors.cli._dasd import dasd
from ccw_actors.cli._explore import explore
from ccw_actors.cli._group import OneLineGroup, run_to_an_end
from ccw_actors.cli._machines import machines, stop
from ccw_actors.cli._qemu import qemu
from ccw_actors.cli._replay import replay
from ccw_actors.cli._run import run
from ccw_actors.cli._trace import trace
from ccw_actors.cli._verdicts import verdicts

__all__ = ["app", "main"]

app = typer.Typer(
    name="ccw-actors",
    cls=OneLineGroup,
    help="s390x channel I/O pass-through built out of actors.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(machines)
app.command()(stop)
app.command()(trace)
app.command()(explore)
app.command()(replay)
app.command()(conform)
app.command()(verdicts)
app.add_typer(qemu, name="qemu")
app.add_typer(dasd, name="dasd")


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
    run_to_an_end(app)
