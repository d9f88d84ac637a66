"""`ccw-actors kernel build`: builds a kernel with vfio_ccw."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from ccw_actors.cli._printing import complain, say, say_json, visible
from ccw_actors.cli._progress import new_progress
from ccw_actors.debian import SoftwareError
from ccw_actors.kernel.build import (
    ADDITIONS,
    BuildFailedError,
    ChangeError,
    KernelSourceError,
    ToolMissingError,
    default_cache,
    shipped_changes,
)
from ccw_actors.kernel.build import build as build_kernel

__all__ = ["build"]

_UNUSABLE, _NOT_BUILT = 2, 125
_UNUSABLE_INPUTS = (ChangeError, KernelSourceError, SoftwareError, ToolMissingError)


_Source: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="TREE-or-PACKAGE",
        help="A folder with Linux' sources, or a Debian package of them: 6.1, 6.12,"
        " linux-source-7.2, or sid for the newest one. Name a folder ./6.12 if it"
        " looks like a package.",
        show_default=False,
    ),
]
_Change: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SCRIPT",
        help="Build with a change under test: the file of an edit script, or one of"
        f" {', '.join(shipped_changes())}.",
        show_default=False,
    ),
]
_Additions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help=f"Add a detector: {', '.join(ADDITIONS)}. May be repeated.",
        show_default=False,
    ),
]
_Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Write the kernel here (default: a folder in"
        " ~/.cache/ccw-actors/kernel/kernels).",
        show_default=False,
    ),
]
_Jobs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="How many commands make runs at once (default: one a processor).",
        show_default=False,
    ),
]
_Refresh: TypeAlias = Annotated[
    bool, typer.Option("--refresh", help="Look for newer packages.")
]
_AsJson: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Print the folder and its build.json as JSON."),
]


def build(
    source: _Source,
    *,
    change: _Change = "",
    config_add: _Additions = None,
    output: _Output = None,
    jobs: _Jobs = None,
    refresh: _Refresh = False,
    as_json: _AsJson = False,
) -> None:
    """Build a Linux kernel with vfio_ccw, for `ccw-actors kernel test`.

    Prints the folder that it wrote, with bzImage, vmlinux, System.map, config and
    build.json. A tree is never modified: it is built in the cache, where a later build
    finds what has not changed.

    Exit status: 0 it was built; 2 usage error, or TREE-or-PACKAGE, SCRIPT or a program
    that is needed cannot be used; 125 this kernel does not build.
    """
    try:
        with _shown() as tell:
            folder, done = build_kernel(
                source,
                default_cache(),
                output=output,
                change=change,
                additions=config_add or (),
                jobs=jobs,
                refresh=refresh,
                tell=tell,
            )
    except BuildFailedError as error:
        complain(error)
        raise typer.Exit(_NOT_BUILT) from None
    except _UNUSABLE_INPUTS as error:
        complain(error)
        raise typer.Exit(_UNUSABLE) from None
    if as_json:
        say_json({"folder": str(folder), **msgspec.to_builtins(done)})
    else:
        say(folder)


@contextmanager
def _shown() -> Generator[Callable[[str], None]]:
    """Show the newest step on a terminal, and how many there have been."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed} steps", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with new_progress(*columns) as progress:
        task = progress.add_task("", total=None)
        yield lambda line: progress.update(
            task, advance=1, description=visible(" ".join(line.split()))
        )
