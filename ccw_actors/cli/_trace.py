"""`ccw-actors trace`: reads a trace file and prints what happened."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._sizes import size_option
from ccw_actors.errors import StreamError
from ccw_actors.trace import (
    OUTSIDE,
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    TraceReader,
    as_json,
    as_line,
    type_name,
)
from ccw_actors.transport import SIZE_MAX

__all__ = ["trace"]

_COLOURS: dict[type, str] = {FailureRecord: "red", DeadLetterRecord: "yellow"}


_File: TypeAlias = Annotated[Path, typer.Argument(help="A trace file.", dir_okay=False)]
_Actor: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="Only messages from or to actors at such paths, as in 'guest/*'."
        f" What is no actor is called '{OUTSIDE}'.",
    ),
]
_Type: TypeAlias = Annotated[
    str,
    typer.Option("--type", metavar="NAME", help="Only messages of this type."),
]
_From: TypeAlias = Annotated[
    int,
    typer.Option("--from", metavar="N", help="Only messages from number N on."),
]
_Limit: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Stop after N lines."),
]
_ValueMax: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="The largest message that is read: bytes, or a size as in '1 GiB'."
        " It takes up to fifteen times as much memory.",
    ),
]
_JsonLines: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object for each line.")
]


def trace(
    file: _File,
    actor: _Actor = "*",
    type_: _Type = "",
    from_: _From = 0,
    limit: _Limit = None,
    *,
    value_max: _ValueMax = f"{SIZE_MAX >> 20} MiB",
    json_lines: _JsonLines = False,
) -> None:
    """Print what happened, a line for each message.

    The columns are time in seconds, number of the message, number of the message that
    caused it, sender and recipient, type and fields.
    """
    size_max = size_option(value_max, "--value-max")
    with file.open("rb") as source:
        reader = TraceReader(source, value_size_max=size_max)
        for event in islice(_wanted(reader, actor, type_, from_), limit):
            if json_lines:
                _say_json(event, reader)
            else:
                say(as_line(event, reader.types), _COLOURS.get(type(event), ""))


def _wanted(
    reader: TraceReader, pattern: str, name: str, first: int
) -> Iterator[EventRecord]:
    """Yield what is of actors, of a type and of a number that somebody asks for."""
    for event in reader:
        if event.number < first or (name and name != type_name(event, reader.types)):
            continue
        if any(fnmatchcase(path, pattern) for path in _paths(event)):
            yield event


def _say_json(event: EventRecord, reader: TraceReader) -> None:
    try:
        say_json(as_json(event, reader.types))
    except RecursionError as error:
        raise StreamError(
            f"message {event.number}: it is nested too deeply to be shown"
        ) from error


def _paths(event: EventRecord) -> tuple[str, ...]:
    if isinstance(event, FailureRecord):
        return (event.actor,)
    return (event.sender or OUTSIDE, event.recipient or OUTSIDE)
