"""`ccw-actors explore NAME --dot FILE`: writes the graph of a scenario's states."""

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from ccw_actors.cli._explore_run import Options
from ccw_actors.cli._inputs import check_keeps
from ccw_actors.cli._own_code import why_failed
from ccw_actors.cli._printing import say
from ccw_actors.cli._scenario_names import find_scenario
from ccw_actors.explore import GRAPH_STATES_MAX, StateGraph, state_graph
from ccw_actors.show import dot_of

__all__ = ["DOT_OPTIONS", "Dot", "write_dot"]

DOT_OPTIONS: Final = ("--delivery", "--noops", "--time", "--dot")
"""The options of `explore` that --dot takes."""

Dot: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        dir_okay=False,
        help="Write the graph of the states of one scenario in this file, for"
        f" Graphviz, if there are at most {GRAPH_STATES_MAX}.",
        show_default=False,
    ),
]


def write_dot(name: str, options: Options, file: Path) -> None:
    """Write the graph of one scenario, and print how large it is.

    Raises:
        typer.BadParameter: It has too many states or cannot be explored, or the file
            cannot be written.
    """
    check_keeps(file, name)
    graph = _graph(find_scenario(name), options)
    try:
        file.write_text(dot_of(graph, name), encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(
            f"cannot write {file}: {error.strerror}", param_hint="--dot"
        ) from error
    wrong = sum(bool(one.violation) for one in graph.states)
    say(
        f"{file}: {len(graph.states)} states, {wrong} of them wrong;"
        f" {len(graph.steps)} steps"
    )


def _graph(scenario: Any, options: Options) -> StateGraph:
    try:
        return state_graph(
            scenario,
            delivery=options.delivery,
            noops=options.noops,
            time=options.time,
        )
    except (Exception, SystemExit) as error:
        raise typer.BadParameter(f"--dot: {why_failed(error)}") from error
