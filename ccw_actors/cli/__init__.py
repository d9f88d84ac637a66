"""The command `ccw-actors`: one module for each subcommand."""

from importlib.metadata import version
from typing import Annotated

import typer

from ccw_actors.cli._conform import conform
from ccw_actors.cli._dasd import dasd
from ccw_actors.cli._explore import explore
from ccw_actors.cli._group import OneLineGroup, run_to_an_end
from ccw_actors.cli._kernel import kernel
from ccw_actors.cli._machines import machines, stop
from ccw_actors.cli._qemu import qemu
from ccw_actors.cli._replay import replay
from ccw_actors.cli._run import run
from ccw_actors.cli._trace import trace
from ccw_actors.cli._trace_check import TraceCommand
from ccw_actors.cli._usage import PlainCommand
from ccw_actors.cli._verdicts import verdicts

__all__ = ["app", "main"]

_NAME = "ccw-actors"

app = typer.Typer(
    name=_NAME,
    cls=OneLineGroup,
    help="s390x channel I/O pass-through built out of actors.\n\n"
    "Exit status: 0 the command succeeded; 1 its answer is no; 2 usage error, or a file"
    " cannot be used. The help of each command has the details.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _command in (run, machines, stop, explore, replay, conform, verdicts):
    app.command(cls=PlainCommand)(_command)
app.command(cls=TraceCommand)(trace)
app.add_typer(qemu, name="qemu")
app.add_typer(dasd, name="dasd")
app.add_typer(kernel, name="kernel")


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
