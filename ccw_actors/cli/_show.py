"""`ccw-actors show`: writes a page, or a drawing, of a trace or a counterexample."""

import re
import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from ccw_actors.cli._inputs import UnusableFileError, check_keeps, reading
from ccw_actors.cli._own_code import why_failed
from ccw_actors.cli._printing import say
from ccw_actors.cli._progress import reading_progress, waiting
from ccw_actors.cli._scenario_names import ScenarioNameError, scenario_of
from ccw_actors.cli._trace import named
from ccw_actors.explore import Counterexample, CounterexampleError, ReplayError
from ccw_actors.show import (
    EVENTS_MAX,
    FORMATS,
    NothingToShowError,
    Picture,
    TooLongError,
    kind_of,
    load_record,
    picture_of_cell,
    picture_of_counterexample,
    picture_of_record,
    picture_of_trace,
)
from ccw_actors.trace import TraceReader
from ccw_actors.verdicts import CellName, CellNameError

__all__ = ["show"]

_EXPECTED: Final = "a trace, a counterexample or a record of a run"
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9._]+")


class FormatOption(StrEnum):
    """In which format a picture is written."""

    HTML = "html"
    MERMAID = "mermaid"
    SVG = "svg"
    PERFETTO = "perfetto"
    SHIVIZ = "shiviz"


_OPENED: Final = (FormatOption.HTML, FormatOption.SVG)

_File: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A trace, a counterexample (explore --save and failing tests write them),"
        " or a record of a kernel's run. Or the name of a cell, as in"
        " verdicts/v5.12/qemu/seed.",
        show_default=False,
    ),
]
_Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="PAGE",
        dir_okay=False,
        help="Where to write the page (default: the name of FILE and .html, in this"
        " folder).",
        show_default=False,
    ),
]
_Format: TypeAlias = Annotated[
    FormatOption,
    typer.Option(
        "--format",
        help="html: a page. mermaid, svg: a diagram of a short run, for Markdown."
        " perfetto: Chrome's trace JSON. shiviz: a log with vector clocks.",
    ),
]
_Scenario: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FILE:NAME",
        help="The scenario of a counterexample, named as for replay. Required if it"
        " does not come with the package.",
        show_default=False,
    ),
]
_Events: TypeAlias = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Show N events of a trace at most."),
]
_Seconds: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Search N seconds at most for each of these: the steps needed, the race,"
        " the point of no return (default: 10).",
        show_default=False,
    ),
]


def show(
    file: _File,
    *,
    output: _Output = None,
    format_: _Format = FormatOption.HTML,
    scenario: _Scenario = "",
    events: _Events = EVENTS_MAX,
    seconds: _Seconds = None,
    opens: Annotated[
        bool, typer.Option("--open", help="Open a page or an SVG in a browser.")
    ] = False,
) -> None:
    """Write an HTML page or a diagram of what happened, and print where it is.

    The page has a lane for each actor, in causal order: what could happen at the same
    time is side by side. It needs no network and is one file, so it can be mailed and
    kept with the results of a test. Runs no code that FILE names, only that of
    --scenario.

    Exit status: 0 the page was written; 2 usage error, or the file cannot be used; 3 a
    step of the counterexample is not possible, so the code has changed.
    """
    if opens and format_ not in _OPENED:
        raise typer.BadParameter(
            f"no browser shows {format_.value}; expected --format html or svg",
            param_hint="--open",
        )
    form = FORMATS[format_.value]
    try:
        picture = _picture(file, scenario, events, seconds)
    except ReplayError as lost:
        say(f"{file}: {lost}")
        raise typer.Exit(3) from lost
    place = output or Path(f"{_stem(file)}{form.suffix}")
    check_keeps(place, file, scenario)
    try:
        place.write_text(form.write(picture), encoding="utf-8")
    except TooLongError as error:
        raise typer.BadParameter(f"{file}: {error}", param_hint="--format") from error
    except OSError as error:
        raise UnusableFileError(f"{place}: {error.strerror}") from error
    say(place)
    if opens:
        webbrowser.open(place.resolve().as_uri())


def _stem(file: str) -> str:
    """Return the name of a page for what is shown."""
    name = file if CellName.is_one(file) else Path(file).name
    for end in (".json", ".counterexample", ".trace"):
        name = name.removesuffix(end)
    return _NO_NAME.sub("-", name).strip("-.") or "page"


def _picture(file: str, scenario: str, events: int, seconds: float | None) -> Picture:
    """Return the picture of a file, or of a cell with that name.

    Raises:
        ReplayError: A step of a counterexample is not possible.
    """
    path = Path(file)
    if CellName.is_one(file) and not path.exists():
        return _cell(file, seconds)
    with reading(path, _EXPECTED):
        kind = kind_of(path)
    if scenario and kind != "counterexample":
        raise typer.BadParameter(
            f"{file}: --scenario is for a counterexample, and this is a {kind}"
        )
    match kind:
        case "trace":
            return _trace(path, events)
        case "record":
            return picture_of_record(load_record(path))
        case "counterexample":
            return _counterexample(path, scenario, seconds)


def _trace(path: Path, events: int) -> Picture:
    with (
        reading(path, _EXPECTED),
        path.open("rb") as source,
        reading_progress(source, "reading") as (measured, _),
        named(path),
    ):
        reader = TraceReader(measured)
        return picture_of_trace(reader, path.name, file=str(path), events_max=events)


def _cell(name: str, seconds: float | None) -> Picture:
    try:
        of, checks = CellName.parse(name)
        if checks != "own":
            raise typer.BadParameter(
                f"{name}: expected the name of a cell, {of.scenario_name()}"
            )
        with waiting("explaining the counterexample"):
            return picture_of_cell(of, seconds_max=seconds)
    except (CellNameError, NothingToShowError) as error:
        raise typer.BadParameter(str(error)) from error


def _counterexample(path: Path, scenario: str, seconds: float | None) -> Picture:
    try:
        known = Counterexample.load(path)
        found = scenario_of(path, known, scenario)
    except (CounterexampleError, ScenarioNameError) as error:
        raise typer.BadParameter(str(error)) from error
    name = scenario or known.scenario
    try:
        with waiting("explaining the counterexample"):
            return picture_of_counterexample(
                known, found, name, file=str(path), seconds_max=seconds
            )
    except ReplayError:
        raise
    except (Exception, SystemExit) as error:  # it is the scenario's own
        raise typer.BadParameter(f"{name}: {why_failed(error)}") from error
