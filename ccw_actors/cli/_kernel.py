"""`ccw-actors kernel`: builds a kernel, and tries the hazards of the table on it."""

import typer

from ccw_actors.cli._kernel_build import build
from ccw_actors.cli._kernel_test import examine
from ccw_actors.cli._usage import PlainCommand, PlainGroup

__all__ = ["kernel"]

kernel = typer.Typer(
    cls=PlainGroup,
    no_args_is_help=True,
    help="Build a Linux kernel with vfio_ccw, and try the hazards of the verdict table"
    " on it.",
)

kernel.command(cls=PlainCommand)(build)
kernel.command("test", cls=PlainCommand)(examine)
