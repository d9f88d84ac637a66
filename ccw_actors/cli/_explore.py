"""`ccw-actors explore`: explores every schedule of scenarios."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeAlias, cast

import typer

from ccw_actors.cli._browse import BROWSE_OPTIONS, Browse, Opens, Port, browse
from ccw_actors.cli._completion import explorable_scenarios
from ccw_actors.cli._explore_dot import DOT_OPTIONS, Dot, write_dot
from ccw_actors.cli._explore_progress import progress_bar
from ccw_actors.cli._explore_run import Explored, Options, explore_all
from ccw_actors.cli._explore_split import Split, explore_split
from ccw_actors.cli._explore_view import (
    as_fields,
    show,
    show_list,
)
from ccw_actors.cli._printing import say_json
from ccw_actors.cli._scenario_names import (
    ScenarioNameError,
    find_predicate,
    find_scenario,
    scenarios_of,
)
from ccw_actors.cli._usage import refuse_others
from ccw_actors.cli._where import Certificates, Cluster, Resume, Where
from ccw_actors.explore import Counterexample, Limits, TransitionSystem
from ccw_actors.scenarios import SCENARIOS

__all__ = ["explore"]

_VERIFIED, _REFUTED, _USAGE, _INCOMPLETE, _VACUOUS = 0, 1, 2, 3, 4
_INTERRUPTED = 130
_LIMITS = Limits()


class DeliveryOption(StrEnum):
    """How messages are delivered."""

    MAILBOX = "mailbox"
    CHANNEL = "channel"
    UNORDERED = "unordered"


class EngineOption(StrEnum):
    """Which engine explores."""

    AUTO = "auto"
    STATES = "states"
    ORDERS = "orders"
    BRUTE_FORCE = "brute-force"
    RANDOM = "random"
    POS = "pos"


class TimeOption(StrEnum):
    """When timers fire."""

    UNTIMED = "untimed"
    ORDERED = "ordered"


class NoopsOption(StrEnum):
    """What happens to a message that changes nothing on an unordered network."""

    CONSUMED = "consumed"
    KEPT = "kept"


_Names: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        autocompletion=explorable_scenarios,
        metavar="NAME...",
        help="Scenarios: names of --list, FILE:NAME, MODULE:NAME, or cells of the"
        " verdict table, as verdicts/2026/mail. With --list: files.",
        show_default=False,
    ),
]
_Every: TypeAlias = Annotated[
    bool, typer.Option("--all", help="Explore every scenario of --list.")
]
_Listed: TypeAlias = Annotated[
    bool,
    typer.Option("--list", help="List the scenarios of the package, or of files."),
]
_Delivery: TypeAlias = Annotated[
    DeliveryOption, typer.Option(help="How messages are delivered.")
]
_Noops: TypeAlias = Annotated[
    NoopsOption,
    typer.Option(help="What happens to unordered messages that change nothing."),
]
_Engine: TypeAlias = Annotated[
    EngineOption, typer.Option(help="How to explore; auto tries states first.")
]
_Time: TypeAlias = Annotated[TimeOption, typer.Option(help="When timers fire.")]
_Within: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FILE:FUNCTION",
        help="Explore only from states in which this predicate over all actors holds.",
        show_default=False,
    ),
]
_Capacity: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Take no step that puts more than N messages into a channel; 0: no limit.",
    ),
]
_Fingerprints: TypeAlias = Annotated[
    bool,
    typer.Option("--fingerprints", help="Keep 64 bits of each state, to save memory."),
]
_States: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, help="Give up after N states.")
]
_Seconds: TypeAlias = Annotated[
    float, typer.Option(metavar="S", min=0.001, help="Give up after S seconds.")
]
_Seed: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="The seed of the engines random and pos.")
]
_Jobs: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, help="Explore N scenarios at once.")
]
_Split: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Explore each scenario in N shares of its states (engine states), or in N"
        " pieces of its orders or seeds (engines orders, random, pos).",
        show_default=False,
    ),
]
_Save: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        help="Save the counterexamples in this folder.",
        show_default=False,
    ),
]
_Coverage: TypeAlias = Annotated[
    bool,
    typer.Option("--coverage", help="Print which messages were never handled."),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of a table.")
]


def explore(
    context: typer.Context,
    names: _Names = None,
    *,
    every: _Every = False,
    listed: _Listed = False,
    delivery: _Delivery = DeliveryOption.CHANNEL,
    noops: _Noops = NoopsOption.CONSUMED,
    engine: _Engine = EngineOption.AUTO,
    time: _Time = TimeOption.UNTIMED,
    within: _Within = "",
    capacity: _Capacity = 0,
    fingerprints: _Fingerprints = False,
    states: _States = _LIMITS.states,
    seconds: _Seconds = _LIMITS.seconds,
    seed: _Seed = _LIMITS.seed,
    jobs: _Jobs = 1,
    split: _Split = None,
    cluster: Cluster = "",
    certificates: Certificates = None,
    resume: Resume = None,
    save: _Save = None,
    coverage: _Coverage = False,
    as_json: _AsJson = False,
    dot: Dot = None,
    browses: Browse = False,
    port: Port = 0,
    opens: Opens = False,
) -> None:
    """Explore every schedule of scenarios: every order of messages.

    Prints verdicts, counts and what explains each fault; without a name, scenarios.

    Exit status: 0 all verified; 1 one was refuted; 2 usage error, or one could not be
    explored; 3 a limit was reached; 4 one tests nothing (vacuous); 130 interrupted.
    """
    instead = _instead(context, dot, port, browses=browses, opens=opens)
    if listed or not (names or every or instead):
        _list(names or (), as_json=as_json)
        return
    wanted = _looked_up(names or (), within, every=every)
    bounds = Limits(states=states, seconds=seconds, seed=seed)
    options = _options(engine, delivery, noops, time, bounds)._replace(
        within=within, capacity=capacity, fingerprints=fingerprints
    )
    if instead:
        instead(_one(wanted), options)
        return
    where = Split(split or 0, Where(jobs, cluster, resume), certificates)
    _explore(wanted, options, where, save, coverage=coverage, as_json=as_json)


def _explore(
    names: Sequence[str],
    options: Options,
    split: Split,
    save: Path | None,
    *,
    coverage: bool,
    as_json: bool,
) -> NoReturn:
    """Explore scenarios, print the results, and end with the exit status."""
    found = _explored(names, options, split)
    _show(found, _keep(found, save), with_coverage=coverage, as_json=as_json)
    raise typer.Exit(_exit_code(found) if len(found) == len(names) else _INTERRUPTED)


def _instead(
    context: typer.Context, dot: Path | None, port: int, *, browses: bool, opens: bool
) -> Callable[[str, Options], None] | None:
    """Return what is done with one scenario instead of exploring, None for nothing.

    Raises:
        typer.BadParameter: Options were given that it ignores.
    """
    if browses:
        refuse_others(context, "--browse", BROWSE_OPTIONS)
        return partial(browse, port=port, opens=opens)
    if port or opens:
        raise typer.BadParameter("--port and --open are for --browse")
    if dot is not None:
        refuse_others(context, "--dot", DOT_OPTIONS)
        return partial(write_dot, file=dot)
    return None


def _one(names: Sequence[str]) -> str:
    """Return the name of the one scenario.

    Raises:
        typer.BadParameter: There are more, or none.
    """
    if len(names) != 1:
        raise typer.BadParameter(
            f"--browse and --dot: expected the name of one scenario, got {len(names)}"
        )
    return names[0]


def _options(
    engine: EngineOption,
    delivery: DeliveryOption,
    noops: NoopsOption,
    time: TimeOption,
    limits: Limits,
) -> Options:
    """Return options of the command line as those of the explorer."""
    return Options(
        engine=cast("Any", engine.value.replace("-", " ")),
        delivery=delivery.value,
        noops=noops.value,
        time=time.value,
        limits=limits,
    )


def _looked_up(names: Sequence[str], predicate: str, *, every: bool) -> list[str]:
    """Return each name once, when all of scenarios and of a predicate are right.

    Raises:
        typer.BadParameter: A name is wrong, or there are names beside `every`.
    """
    if every and names:
        raise typer.BadParameter("expected names of scenarios or --all, got both")
    wanted = list(dict.fromkeys(SCENARIOS if every else names))
    try:
        for name in wanted:
            find_scenario(name)
        if predicate:
            find_predicate(predicate)
    except ScenarioNameError as error:
        raise typer.BadParameter(str(error)) from error
    return wanted


def _explored(names: Sequence[str], options: Options, split: Split) -> list[Explored]:
    """Explore scenarios; return those that were done before Ctrl-C, if it came."""
    if split.certificates is not None and not split.parts:
        raise typer.BadParameter("--certificates are for --split with --cluster")
    by_name: dict[str, Explored] = {}
    with progress_bar(len(names)) as tick, suppress(KeyboardInterrupt):
        found = (
            explore_split(names, options, split, tick)
            if split.parts
            else explore_all(names, options, split.where, tick)
        )
        for one in found:
            by_name[one.name] = one
            if not split.where.is_here:
                tick.done(len(by_name))
    return [by_name[name] for name in names if name in by_name]


def _show(
    found: Sequence[Explored],
    kept: Mapping[str, Path],
    *,
    with_coverage: bool,
    as_json: bool,
) -> None:
    """Print the results, as text or as JSON."""
    if as_json:
        say_json({"scenarios": {one.name: as_fields(one) for one in found}})
    else:
        show(found, kept, with_coverage=with_coverage)


def _list(files: Sequence[str], *, as_json: bool) -> None:
    """Print the scenarios of files; without files, those of the package."""
    scenarios = _of_files(files) if files else dict(SCENARIOS)
    summaries = {name: _summary(one) for name, one in scenarios.items()}
    if as_json:
        say_json({"scenarios": summaries})
    else:
        show_list(summaries, with_own=not files)


def _of_files(files: Sequence[str]) -> dict[str, Any]:
    """Return the scenarios of files by the names that `find_scenario` takes.

    Raises:
        typer.BadParameter: A file does not exist, or cannot be loaded.
    """
    try:
        return {
            f"{file}:{name}": one
            for file in files
            for name, one in scenarios_of(file).items()
        }
    except ScenarioNameError as error:
        raise typer.BadParameter(str(error)) from error


def _summary(scenario: Any) -> str:
    text = inspect.getdoc(scenario)
    if isinstance(scenario, TransitionSystem):
        text = scenario.summary
    return " ".join((text or "").partition("\n\n")[0].split())


def _exit_code(found: Sequence[Explored]) -> int:
    """Return the exit status of the worst verdict; a refuted one is worst."""
    verdicts = {
        one.result.verdict if one.result is not None else "error" for one in found
    }
    for verdict, code in (
        ("refuted", _REFUTED),
        ("error", _USAGE),
        ("incomplete", _INCOMPLETE),
        ("vacuous", _VACUOUS),
    ):
        if verdict in verdicts:
            return code
    return _VERIFIED


def _keep(found: Sequence[Explored], folder: Path | None) -> dict[str, Path]:
    """Save the counterexamples; return the file of each."""
    kept: dict[str, Path] = {}
    for name, result, _ in found:
        if folder is not None and result is not None and result.verdict == "refuted":
            stem = re.sub(r"\W+", "-", name).strip("-")
            kept[name] = folder / f"{stem}.counterexample.json"
            Counterexample.of(name, result).save(kept[name])
    return kept
