"""`ccw-actors trace`: reads a trace file and prints what happened."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from ccw_actors.cli.printing import say, say_json
from ccw_actors.trace import (
    OUTSIDE,
    DeadLetterRecord,
    Event,
    FailureRecord,
    TraceReader,
    as_json,
    as_line,
    type_name,
)

__all__ = ["trace"]

_COLOURS = {FailureRecord: "red", DeadLetterRecord: "yellow"}


def trace(
    file: Annotated[Path, typer.Argument(help="A trace file.", dir_okay=False)],
    actor: Annotated[
        str,
        typer.Option(
            metavar="PATTERN",
            help="Only messages from or to actors at such paths, as in 'guest/*'."
            f" What is no actor is called '{OUTSIDE}'.",
        ),
    ] = "*",
    type_: Annotated[
        str,
        typer.Option("--type", metavar="NAME", help="Only messages of this type."),
    ] = "",
    from_: Annotated[
        int,
        typer.Option("--from", metavar="N", help="Only messages from number N on."),
    ] = 0,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Stop after N lines."),
    ] = None,
    *,
    json_lines: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each line.")
    ] = False,
) -> None:
    """Print what happened, a line for each message.

    The columns are time in seconds, number of the message, number of the message that
    caused it, sender and recipient, type and fields.
    """
    with file.open("rb") as source:
        reader = TraceReader(source)
        printed = 0
        events = iter(reader)
        while printed != limit and (event := next(events, None)) is not None:
            name = type_name(event, reader.types)
            if event.number < from_ or (type_ and name != type_):
                continue
            if not any(fnmatchcase(path, actor) for path in _paths(event)):
                continue
            if json_lines:
                say_json(as_json(event, reader.types))
            else:
                say(as_line(event, reader.types), _COLOURS.get(type(event), ""))
            printed += 1


def _paths(event: Event) -> tuple[str, ...]:
    if isinstance(event, FailureRecord):
        return (event.actor,)
    return (event.sender or OUTSIDE, event.recipient or OUTSIDE)
