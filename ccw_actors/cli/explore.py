"""`ccw-actors explore`: goes through every order of a scenario's messages."""

import inspect
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from ccw_actors.cli.printing import as_text, new_console, paragraph, say_json, visible
from ccw_actors.cli.scenario_names import (
    Explored,
    ScenarioNameError,
    find_scenario,
    replay_command,
)
from ccw_actors.explore import (
    Counterexample,
    Engine,
    Limits,
    Result,
    TransitionSystem,
    explain,
)
from ccw_actors.explore import Progress as Reached
from ccw_actors.explore import explore as explore_scenario
from ccw_actors.scenarios import SCENARIOS

__all__ = ["explore"]

_VERIFIED, _REFUTED, _INCOMPLETE, _CUT_SHORT = 0, 1, 3, 130
_STYLES = {
    "verified": "green",
    "refuted": "red",
    "incomplete": "yellow",
    "vacuous": "yellow",
}
_SHOW_AFTER = 2.0


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


def explore(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="Scenarios: names of --list, module:function, or file.py:function.",
            show_default=False,
        ),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Explore all scenarios of --list.")
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="List the scenarios of this package.")
    ] = False,
    delivery: Annotated[
        DeliveryOption, typer.Option(help="How messages are delivered.")
    ] = DeliveryOption.CHANNEL,
    engine: Annotated[
        EngineOption, typer.Option(help="What goes through the orders.")
    ] = EngineOption.AUTO,
    time: Annotated[
        TimeOption, typer.Option(help="When timers fire.")
    ] = TimeOption.UNTIMED,
    states: Annotated[
        int, typer.Option(metavar="N", min=1, help="Give up after N states.")
    ] = Limits().states,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=0.001, help="Give up after S seconds.")
    ] = Limits().seconds,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Decides what is taken by lot.")
    ] = Limits().seed,
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

    Ends with 0 if all are verified, 1 if one is refuted, 3 if one is incomplete, that
    is a limit was reached, 2 for usage, 130 after Ctrl-C, when what had been explored
    by then is shown.
    """
    if listed:
        _list(as_json=as_json)
        return
    wanted = list(SCENARIOS) if every else names or []
    if not wanted or (every and names):
        raise typer.BadParameter("name scenarios, or give --all or --list")
    try:
        scenarios = {name: find_scenario(name) for name in wanted}
    except ScenarioNameError as error:
        raise typer.BadParameter(str(error)) from error
    limits = Limits(states=states, seconds=seconds, seed=seed)
    results: dict[str, Result] = {}
    is_cut_short = False
    with _bar(len(scenarios)) as tick, suppress(KeyboardInterrupt):
        is_cut_short = True
        for name, scenario in scenarios.items():
            results[name] = explore_scenario(
                scenario,
                engine=cast("Engine", engine.value.replace("-", " ")),
                delivery=delivery.value,
                time=time.value,
                limits=limits,
                tick=partial(tick, name),
            )
        is_cut_short = False
    kept = _keep(results, save)
    if as_json:
        say_json({"scenarios": dict(map(_as_json, results.items()))})
    else:
        _show(results, scenarios, kept, with_coverage=coverage)
    raise typer.Exit(_CUT_SHORT if is_cut_short else _exit_code(results))


def _list(*, as_json: bool) -> None:
    summaries = {name: _summary(scenario) for name, scenario in SCENARIOS.items()}
    if as_json:
        say_json({"scenarios": summaries})
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for name, summary in summaries.items():
        table.add_row(as_text(name), as_text(summary))
    new_console().print(table)


def _summary(scenario: Explored) -> str:
    if isinstance(scenario, TransitionSystem):
        return scenario.summary
    text = inspect.getdoc(scenario)
    return " ".join((text or "").partition("\n\n")[0].split())


def _as_json(item: tuple[str, Result]) -> tuple[str, dict[str, Any]]:
    name, result = item
    found = {
        "verdict": result.verdict,
        "scope": result.scope,
        "delivery": result.delivery,
        "time": result.time,
        "engine": result.engine,
        "schedules": result.schedules,
        "classes": result.classes,
        "states": result.states,
        "steps": result.steps,
        "seconds": round(result.seconds, 3),
        "violation": result.violation,
        "coverage": msgspec.to_builtins(result.coverage),
        "counterexample": None,
    }
    if result.verdict == "refuted":
        found["counterexample"] = msgspec.to_builtins(Counterexample.of(name, result))
    return name, found


def _exit_code(results: dict[str, Result]) -> int:
    verdicts = {result.verdict for result in results.values()}
    if "refuted" in verdicts:
        return _REFUTED
    return _INCOMPLETE if "incomplete" in verdicts else _VERIFIED


def _keep(results: dict[str, Result], folder: Path | None) -> dict[str, Path]:
    """Save the counterexamples; return where each of them is."""
    kept: dict[str, Path] = {}
    for name, result in results.items():
        if folder is not None and result.verdict == "refuted":
            stem = re.sub(r"\W+", "-", name).strip("-")
            kept[name] = folder / f"{stem}.counterexample.json"
            Counterexample.of(name, result).save(kept[name])
    return kept


def _show(
    results: dict[str, Result],
    scenarios: dict[str, Explored],
    kept: dict[str, Path],
    *,
    with_coverage: bool,
) -> None:
    console = new_console()
    table = Table(box=None, pad_edge=False)
    table.add_column("scenario", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("engine", no_wrap=True)
    for column in ("states", "orders", "schedules", "steps", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, result in results.items():
        table.add_row(
            as_text(name),
            as_text(result.verdict, style=_STYLES[result.verdict]),
            result.engine,
            *map(
                _number,
                (result.states, result.classes, result.schedules, result.steps),
            ),
            f"{result.seconds:.2f}",
        )
    console.print(table)
    for name, result in results.items():
        console.print()
        console.print(as_text(f"{name}: {result.scope}"))
        if result.verdict == "refuted":
            text = str(explain(scenarios[name], result))
            console.print(paragraph(text))
        if with_coverage and result.coverage is not None:
            console.print(paragraph(result.coverage), soft_wrap=True)
        if name in kept:
            console.print(as_text(replay_command(kept[name], name)), soft_wrap=True)


def _number(number: int | None) -> str:
    if number is None:
        return "-"
    return f"{number:,}" if number < 10**7 else f"{number:.1e}"


class _Tick:
    """Shows how far an exploration has come, once it has taken a while."""

    def __init__(self, progress: Progress, count: int) -> None:
        self._progress = progress
        self._count = count
        self._task = progress.add_task("", total=None, rate="", visible=False)
        self._names: list[str] = []
        self._began = 0.0

    def __call__(self, name: str, reached: Reached) -> None:
        progress = self._progress
        now = progress.get_time()
        if name not in self._names:
            self._names.append(name)
            self._began = now
            progress.reset(self._task, visible=False)
        if now - self._began < _SHOW_AFTER:
            return
        rate = reached.steps / (now - self._began)
        what = "states" if reached.engine == "states" else "orders"
        progress.update(
            self._task,
            visible=True,
            description=visible(f"{len(self._names)}/{self._count} {name}"),
            completed=reached.found,
            total=reached.found + reached.left,
            rate=f"{reached.found:,} {what}, {reached.left:,} known to be left,"
            f" {rate:,.0f} steps/s",
        )


@contextmanager
def _bar(count: int) -> Generator[_Tick]:
    """Show progress on a terminal, beside what is printed."""
    console = new_console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        yield _Tick(progress, count)
