"""`ccw-actors explore NAME --browse`: serves a page to walk a scenario by hand."""

from typing import Annotated, Final, TypeAlias

import typer

from ccw_actors.browse import BrowseError, MissingExtraError, Outlooks, Walk, serve
from ccw_actors.cli._explore_run import Options
from ccw_actors.cli._printing import say
from ccw_actors.cli._scenario_names import find_scenario

__all__ = ["BROWSE_OPTIONS", "Browse", "Opens", "Port", "browse"]

BROWSE_OPTIONS: Final = (
    *("--delivery", "--noops", "--engine", "--time", "--states", "--seconds", "--seed"),
    *("--browse", "--port", "--open"),
)
"""The options of `explore` that --browse takes."""

Browse: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--browse",
        help="Serve a page to walk one scenario by hand, until Ctrl-C."
        " 'ccw-actors[browse]' installs what it needs.",
    ),
]
Port: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, max=65535, help="With --browse: the port; 0: a free one."
    ),
]
Opens: TypeAlias = Annotated[
    bool, typer.Option("--open", help="With --browse: open the page in a browser.")
]


def browse(name: str, options: Options, port: int, *, opens: bool) -> None:
    """Serve the walk through one scenario until Ctrl-C, which is raised again.

    Raises:
        typer.BadParameter: It cannot be walked or served.
    """
    try:
        walk = Walk(
            find_scenario(name),
            name,
            delivery=options.delivery,
            time=options.time,
            noops=options.noops,
        )
        outlooks = Outlooks(walk, engine=options.engine, limits=options.limits)
        serve(walk, outlooks, port, say, opens=opens)
    except (BrowseError, MissingExtraError) as error:
        raise typer.BadParameter(f"--browse: {error}") from error
