"""`ccw-actors trace`: reads a trace file and prints what happened."""

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, TypeAlias

import typer
from msgspec import Struct

from ccw_actors.cli._inputs import UnusableFileError, reading
from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._progress import reading_progress
from ccw_actors.cli._sizes import size_option
from ccw_actors.cli._trace_events import (
    NoSuchStartError,
    Wanted,
    paths_of,
    wanted_events,
)
from ccw_actors.cli._trace_follow import following
from ccw_actors.cli._trace_lines import (
    Columns,
    Described,
    describe,
    recipients,
    say_line,
)
from ccw_actors.errors import StreamError
from ccw_actors.trace import (
    OUTSIDE,
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    TraceReader,
    as_json,
    as_line,
)
from ccw_actors.transport import SIZE_MAX
from ccw_actors.wording import Values

__all__ = ["named", "trace"]

_Read: TypeAlias = tuple[EventRecord, TraceReader, Callable[[], Described]]
"""An event, where it was read, and what returns its words."""

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
_Grep: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="Only messages with this text, or regular expression, in their type,"
        " actors or fields in words.",
    ),
]
_Io: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Only the N-th START of a guest in FILE, and every message that it caused,"
        " directly or not, up to the next START of a guest.",
        show_default=False,
    ),
]
_Follow: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--follow",
        help="At the end of FILE wait for more: until the run that writes it has ended,"
        " or until Ctrl-C.",
    ),
]
_InColumns: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--columns",
        help="Print a column for each actor, at the recipient of each message. Too many"
        " actors share the last one.",
    ),
]
_Raw: TypeAlias = Annotated[
    bool,
    typer.Option("--raw", help="Print fields as numbers and bytes, not in words."),
]


def trace(
    file: _File,
    *,
    actor: _Actor = "*",
    type_: _Type = "",
    from_: _From = 0,
    limit: _Limit = None,
    grep: _Grep = "",
    io: _Io = None,
    follow: _Follow = False,
    columns: _InColumns = False,
    raw: _Raw = False,
    value_max: _ValueMax = f"{SIZE_MAX >> 20} MiB",
    json_lines: _JsonLines = False,
) -> None:
    """Print the messages of a trace, one line each.

    The columns are: time in seconds, number of the message, number of the message that
    caused it, sender and recipient, type and fields. 'ccw-actors trace check' decides
    whether a model allows a trace of a kernel.

    Exit status: 0 the trace was printed; 2 usage error, or the file is not a trace, is
    damaged or was cut short (the lines before that are printed); 130 Ctrl-C.
    """
    if columns + raw + json_lines > 1:
        raise typer.BadParameter("expected one of --columns, --raw and --json")
    wanted = Wanted(
        actor=actor, type=type_, first=from_, text=_expression(grep), io=io or 0
    )
    printer = _Printer(
        file=file,
        wanted=wanted,
        limit=limit,
        size_max=size_option(value_max, "--value-max"),
        follows=follow,
    )
    if json_lines:
        printer.say_json()
    elif raw:
        printer.say_raw()
    elif columns:
        printer.say_columns()
    else:
        printer.say_words()


def _expression(text: str) -> re.Pattern[str] | None:
    """Return what to search for, None for nothing.

    Raises:
        typer.BadParameter: It is no regular expression.
    """
    try:
        return re.compile(text) if text else None
    except (re.error, OverflowError, RecursionError) as error:
        raise typer.BadParameter(
            f"{text!r} is no regular expression: {error}. Put a backslash before a"
            " character such as ( to search for it",
            param_hint="--grep",
        ) from error


class _Printer(Struct, frozen=True, kw_only=True):
    """Prints the events of one file that are wanted, `limit` of them at most."""

    file: Path
    wanted: Wanted
    limit: int | None
    size_max: int
    follows: bool

    def say_json(self) -> None:
        """Print events as objects."""
        for event, reader, _ in self._events():
            _say_json(event, reader)

    def say_raw(self) -> None:
        """Print events as lines, with the fields as they are."""
        for event, reader, _ in self._events():
            say(as_line(event, reader.types), _COLOURS.get(type(event), ""))

    def say_words(self) -> None:
        """Print events as lines, with the fields in words."""
        for event, _, words in self._events():
            say_line(event, words().line)

    def say_columns(self) -> None:
        """Print events in columns by actor."""
        actors: Counter[str] = Counter()
        if not self.follows and self.file.is_file():
            actors = recipients(event for event, _, _ in self._events(clears=False))
        columns = Columns(actors)
        for event, _, words in self._events():
            columns.say(event, words().brief)

    def _events(self, *, clears: bool = True) -> Iterator[_Read]:
        """Yield the events; with `clears` the first takes the place of the bar."""
        with ExitStack() as stack:
            with reading(self.file, "a trace"):
                source = stack.enter_context(self._opened())
            clear = _do_nothing
            if self.follows:
                source = following(source)
            else:
                source, clear = stack.enter_context(reading_progress(source, "reading"))
            with named(self.file):
                reader = TraceReader(source, value_size_max=self.size_max)
                values = Values()
                for one in islice(self._wanted(reader, values), self.limit):
                    if clears:
                        clear()
                    yield one

    def _opened(self) -> BinaryIO:
        return (
            self.file.open("rb", buffering=0) if self.follows else self.file.open("rb")
        )

    def _wanted(self, reader: TraceReader, values: Values) -> Iterator[_Read]:
        last: list[tuple[EventRecord, Described]] = []

        def words(event: EventRecord) -> Described:
            if not last or last[0][0] is not event:
                last[:] = [(event, describe(event, reader, values))]
            return last[0][1]

        def searched(event: EventRecord) -> str:
            return " ".join((*paths_of(event), words(event).line))

        try:
            for event in wanted_events(reader, self.wanted, searched):
                yield event, reader, partial(words, event)
        except NoSuchStartError as error:
            raise UnusableFileError(f"{self.file}: {error}") from error


def _do_nothing() -> None:
    pass


@contextmanager
def named(file: Path) -> Generator[None]:
    """Put the name of the trace in front of what is wrong with it."""
    try:
        yield
    except StreamError as error:
        raise StreamError(f"{file}: {error}") from error


def _say_json(event: EventRecord, reader: TraceReader) -> None:
    try:
        say_json(as_json(event, reader.types))
    except RecursionError as error:
        raise StreamError(
            f"message {event.number}: nested too deeply to be shown"
        ) from error
