"""`ccw-actors trace`: reads a trace file and prints what happened."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._progress import reading_progress
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

__all__ = ["named", "trace"]

_COLOURS: dict[type, str] = {FailureRecord: "red", DeadLetterRecord: "yellow"}


_File: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="The trace.", show_default=False)
]
_Actor: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="Only messages from or to actors whose path matches, as in 'guest/*'."
        f" Senders and recipients that are not actors are called '{OUTSIDE}'.",
    ),
]
_Type: TypeAlias = Annotated[
    str,
    typer.Option("--type", metavar="TYPE", help="Only messages of this type."),
]
_From: TypeAlias = Annotated[
    int,
    typer.Option("--from", metavar="N", help="Only messages with number N or more."),
]
_Limit: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Print N lines at most."),
]
_ValueMax: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="The largest message to read: bytes, or a size as in '1 GiB'."
        " Reading one takes up to fifteen times as much memory.",
    ),
]
_JsonLines: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per line.")
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
    """Print the messages of a trace, one line each.

    The columns are: time in seconds, number of the message, number of the message that
    caused it, sender and recipient, type and fields. 'ccw-actors trace check' decides
    whether a model allows a trace of a kernel.

    Exit status: 0 the trace was printed; 2 usage error, or the file is not a trace, is
    damaged or was cut short (the lines before that are printed).
    """
    size_max = size_option(value_max, "--value-max")
    with ExitStack() as stack:
        with reading(file, "a trace"):
            source = stack.enter_context(file.open("rb"))
        measured, clear = stack.enter_context(reading_progress(source, "reading"))
        with named(file):
            reader = TraceReader(measured, value_size_max=size_max)
            for event in islice(_wanted(reader, actor, type_, from_), limit):
                clear()
                if json_lines:
                    _say_json(event, reader)
                else:
                    say(as_line(event, reader.types), _COLOURS.get(type(event), ""))


@contextmanager
def named(file: Path) -> Generator[None]:
    """Put the name of the trace in front of what is wrong with it."""
    try:
        yield
    except StreamError as error:
        raise StreamError(f"{file}: {error}") from error


def _wanted(
    reader: TraceReader, pattern: str, name: str, first: int
) -> Iterator[EventRecord]:
    """Yield the events of the actors, the type and the numbers that were asked for."""
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
            f"message {event.number}: nested too deeply to be shown"
        ) from error


def _paths(event: EventRecord) -> tuple[str, ...]:
    if isinstance(event, FailureRecord):
        return (event.actor,)
    return (event.sender or OUTSIDE, event.recipient or OUTSIDE)
