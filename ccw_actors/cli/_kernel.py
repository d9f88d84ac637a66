"""`ccw-actors kernel`: builds a kernel, and tries the races of the table on it."""

import typer

from ccw_actors.cli._kernel_build import build
from ccw_actors.cli._kernel_test import examine
from ccw_actors.cli._usage import PlainCommand, PlainGroup

__all__ = ["kernel"]

kernel = typer.Typer(
    cls=PlainGroup,
    no_args_is_help=True,
    help="Build a Linux kernel with vfio_ccw, and try the races of the verdict table"
    " on it.\n\n"
    "Exit status: 0 the command succeeded, and found nothing; 1 it found something; 2"
    " usage error, or what it was given cannot be used; 125 a kernel does not build or"
    " boot.",
)

kernel.command(cls=PlainCommand)(build)
kernel.command("test", cls=PlainCommand)(examine)
