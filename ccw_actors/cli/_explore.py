"""`ccw-actors explore`: goes through every order of a scenario's messages."""

import inspect
import re
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ccw_actors.cli._explore_run import Explored, Options, explore_all
from ccw_actors.cli._explore_view import (
    as_fields,
    progress_bar,
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
from ccw_actors.explore import Counterexample, Limits, TransitionSystem
from ccw_actors.scenarios import SCENARIOS

__all__ = ["explore"]

_VERIFIED, _REFUTED, _USAGE, _INCOMPLETE, _VACUOUS = 0, 1, 2, 3, 4
_CUT_SHORT = 130


class DeliveryOption(StrEnum):
    """How messages are delivered."""

    MAILBOX = "mailbox"
    CHANNEL = "channel"
    UNORDERED = "unordered"


class EngineOption(StrEnum):
    """What goes through the orders."""

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
    """What becomes of a message that changes nothing on an unordered network."""

    CONSUMED = "consumed"
    KEPT = "kept"


def explore(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="Scenarios: names of --list, MODULE:NAME, or FILE:NAME."
            " With --list: files.",
            show_default=False,
        ),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Explore all scenarios of --list.")
    ] = False,
    listed: Annotated[
        bool,
        typer.Option("--list", help="List the scenarios of this package, or of files."),
    ] = False,
    delivery: Annotated[
        DeliveryOption, typer.Option(help="How messages are delivered.")
    ] = DeliveryOption.CHANNEL,
    noops: Annotated[
        NoopsOption,
        typer.Option(help="What becomes of unordered messages that change nothing."),
    ] = NoopsOption.CONSUMED,
    engine: Annotated[
        EngineOption, typer.Option(help="What goes through the orders.")
    ] = EngineOption.AUTO,
    time: Annotated[
        TimeOption, typer.Option(help="When timers fire.")
    ] = TimeOption.UNTIMED,
    within: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="A predicate, as file.py:function: nothing leads out of a state in"
            " which it does not hold.",
        ),
    ] = "",
    capacity: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Have no channel hold more messages; 0 for any."
        ),
    ] = 0,
    fingerprints: Annotated[
        bool,
        typer.Option("--fingerprints", help="Keep 64 bits of a state, not the state."),
    ] = False,
    states: Annotated[
        int, typer.Option(metavar="N", min=1, help="Give up after N states.")
    ] = Limits().states,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=0.001, help="Give up after S seconds.")
    ] = Limits().seconds,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Decides what is taken by lot.")
    ] = Limits().seed,
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, help="Explore N scenarios at once.")
    ] = 1,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Keep counterexamples as files there."
        ),
    ] = None,
    coverage: Annotated[
        bool,
        typer.Option("--coverage", help="Show which messages were never handled."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and nothing else.")
    ] = False,
) -> None:
    """Go through every order in which a scenario's messages can be handled.

    Ends with 0 if all are verified; 1 if one is refuted; 2 for usage, and if a scenario
    could not be explored; 3 if one is incomplete, that is a limit was reached; 4 if one
    is vacuous, that is it tests nothing; 130 after Ctrl-C, when what had been explored
    by then is shown.
    """
    if every and names:
        raise typer.BadParameter("name scenarios, or give --all")
    if listed or not (names or every):
        _list(names or (), as_json=as_json)
        return
    wanted = list(dict.fromkeys(SCENARIOS if every else names or ()))
    try:
        for name in wanted:
            find_scenario(name)
        if within:
            find_predicate(within)
    except ScenarioNameError as error:
        raise typer.BadParameter(str(error)) from error
    options = Options(
        engine=cast("Any", engine.value.replace("-", " ")),
        delivery=delivery.value,
        noops=noops.value,
        time=time.value,
        within=within,
        capacity=capacity,
        fingerprints=fingerprints,
        limits=Limits(states=states, seconds=seconds, seed=seed),
    )
    by_name: dict[str, Explored] = {}
    is_cut_short = True
    with progress_bar(len(wanted)) as tick, suppress(KeyboardInterrupt):
        for one in explore_all(wanted, options, jobs, tick):
            by_name[one.name] = one
            if jobs > 1:
                tick.done(len(by_name))
        is_cut_short = False
    found = [by_name[name] for name in wanted if name in by_name]
    kept = _keep(found, save)
    if as_json:
        say_json({"scenarios": {one.name: as_fields(one) for one in found}})
    else:
        show(found, kept, with_coverage=coverage)
    raise typer.Exit(_CUT_SHORT if is_cut_short else _exit_code(found))


def _list(files: Sequence[str], *, as_json: bool) -> None:
    """Print the scenarios of files, or without one those of this package."""
    scenarios: dict[str, Any] = {} if files else dict(SCENARIOS)
    if files:
        try:
            scenarios = {
                f"{file}:{name}": one
                for file in files
                for name, one in scenarios_of(file).items()
            }
        except ScenarioNameError as error:
            raise typer.BadParameter(str(error)) from error
    summaries = {name: _summary(one) for name, one in scenarios.items()}
    if as_json:
        say_json({"scenarios": summaries})
    else:
        show_list(summaries, with_own=not files)


def _summary(scenario: Any) -> str:
    text = inspect.getdoc(scenario)
    if isinstance(scenario, TransitionSystem):
        text = scenario.summary
    return " ".join((text or "").partition("\n\n")[0].split())


def _exit_code(found: Sequence[Explored]) -> int:
    """Return the worst: a fault that was found comes first."""
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
    """Save the counterexamples; return where each of them is."""
    kept: dict[str, Path] = {}
    for name, result, _ in found:
        if folder is not None and result is not None and result.verdict == "refuted":
            stem = re.sub(r"\W+", "-", name).strip("-")
            kept[name] = folder / f"{stem}.counterexample.json"
            Counterexample.of(name, result).save(kept[name])
    return kept
