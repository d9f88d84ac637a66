"""`ccw-actors dump`: what each actor of a running machine is doing."""

from typing import Annotated, Any

import msgspec
import typer
from rich import box
from rich.table import Table

from ccw_actors.cli._completion import running_machines
from ccw_actors.cli._printing import as_text, paragraph, print_table, say, say_json
from ccw_actors.control import NAME_RULE, ControlClient, DumpActors, is_name
from ccw_actors.runtime import ActorDump, Dump

__all__ = ["dump"]


def dump(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The machine's name, as 'ccw-actors machines' prints it.",
            autocompletion=running_machines,
            show_default=False,
        ),
    ],
    *,
    everyone: Annotated[
        bool, typer.Option("--all", help="Also list the actors that are idle.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print a JSON object, with all actors and asks."),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.01, help="Wait this long for an answer."),
    ] = 5.0,
) -> None:
    """Print what each actor of a running machine is doing, and who waits for whom.

    Prints a line per actor that is not idle: its path, its class, what it is doing, the
    messages in its mailbox and put aside, and what it waits for. Then a line per
    pending ask.

    Exit status: 0 the machine has answered; 1 no such machine is running, or it does
    not answer; 2 usage error, such as a name that no machine can have.
    """
    if not is_name(name):
        raise typer.BadParameter(
            f"expected {NAME_RULE}, got {name[:80]!r}", param_hint="NAME"
        )
    with ControlClient(name, timeout=timeout) as client:
        found = client.ask(DumpActors()).dump
    if as_json:
        say_json(_plain(found))
        return
    idle = [] if everyone else [one for one in found.actors if _is_idle(one)]
    shown = [one for one in found.actors if one not in idle]
    if shown:
        print_table(_view(shown))
    for ask in found.asks:
        asker = ask.asker or "the outside"
        say(f"{asker} waits for {ask.target} to answer {ask.message}, {ask.age:.3f} s")
    if not everyone:
        say(f"{len(idle)} of {len(found.actors)} actors are idle")


def _is_idle(one: ActorDump) -> bool:
    return one.doing == "idle" and not one.mailbox


def _plain(found: Dump) -> dict[str, Any]:
    return {
        "actors": [msgspec.structs.asdict(one) for one in found.actors],
        "asks": [msgspec.structs.asdict(one) for one in found.asks],
    }


def _view(actors: list[ActorDump]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("actor", overflow="fold")
    table.add_column("class", no_wrap=True)
    table.add_column("doing", no_wrap=True)
    for name in ("queued", "stashed", "handled"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("waits for", overflow="fold")
    for one in actors:
        table.add_row(
            paragraph(one.path),
            as_text(one.kind),
            one.doing,
            *(f"{number:,}" for number in (one.mailbox, one.stash, one.handled)),
            paragraph(one.waits_for),
        )
    return table
