"""`ccw-actors trace`: reads a trace file and prints what happened."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._sizes import size_option
from ccw_actors.errors import StreamError
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
from ccw_actors.transport import SIZE_MAX

__all__ = ["trace"]

_COLOURS: dict[type, str] = {FailureRecord: "red", DeadLetterRecord: "yellow"}


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
    value_max: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="The largest message that is read: bytes, or a size as in '1 GiB'."
            " It takes up to fifteen times as much memory.",
        ),
    ] = f"{SIZE_MAX >> 20} MiB",
    json_lines: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each line.")
    ] = False,
) -> None:
    """Print what happened, a line for each message.

    The columns are time in seconds, number of the message, number of the message that
    caused it, sender and recipient, type and fields.
    """
    size_max = size_option(value_max, "--value-max")
    with file.open("rb") as source:
        reader = TraceReader(source, value_size_max=size_max)
        printed = 0
        events = iter(reader)
        while printed != limit and (event := next(events, None)) is not None:
            name = type_name(event, reader.types)
            if event.number < from_ or (type_ and name != type_):
                continue
            if not any(fnmatchcase(path, actor) for path in _paths(event)):
                continue
            if json_lines:
                _say_json(event, reader)
            else:
                say(as_line(event, reader.types), _COLOURS.get(type(event), ""))
            printed += 1


def _say_json(event: Event, reader: TraceReader) -> None:
    try:
        say_json(as_json(event, reader.types))
    except RecursionError as error:
        raise StreamError(
            f"message {event.number}: it is nested too deeply to be shown"
        ) from error


def _paths(event: Event) -> tuple[str, ...]:
    if isinstance(event, FailureRecord):
        return (event.actor,)
    return (event.sender or OUTSIDE, event.recipient or OUTSIDE)
