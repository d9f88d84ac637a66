"""How `ccw-actors trace` prints events: a line each, in words, or in columns by actor.

An actor has the same colour wherever it stands, in every run. Colours are for a
terminal only, and not where `NO_COLOR` is set.
"""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from zlib import crc32

from rich.text import Text

from ccw_actors._visible import visible
from ccw_actors.cli._printing import new_console, say
from ccw_actors.cli._trace_events import paths_of
from ccw_actors.errors import StreamError
from ccw_actors.trace import (
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    TraceReader,
    message_of,
    type_name,
)
from ccw_actors.wording import Values, brief_of, line_of

__all__ = ["Columns", "Described", "describe", "recipients", "say_line"]

_COLOURS: Final = (
    "cyan",
    "green",
    "magenta",
    "blue",
    "bright_cyan",
    "bright_green",
    "bright_magenta",
    "bright_blue",
)
_FAILED: Final = "red"
_LOST: Final = "yellow"
_DIM: Final = "dim"
_COLUMN_MIN: Final = 14
_GUTTER: Final = 29
_REST: Final = "others"

_Part = tuple[str, str]
"""Text, and its style."""


class Described(NamedTuple):
    """The content of an event in words: all of it, and the few that fit in a column."""

    line: str
    brief: str


def describe(event: EventRecord, reader: TraceReader, values: Values) -> Described:
    """Return an event in words. `values` collects the types of the messages.

    Raises:
        StreamError: The message is nested too deeply.
    """
    if isinstance(event, FailureRecord):
        line = f"failed on {event.message}: {event.reason}"
        return Described(line, line)
    try:
        body = values.write(message_of(event, reader.types))
    except RecursionError as error:
        raise StreamError(
            f"message {event.number}: it is nested too deeply to be shown"
        ) from error
    types = values.types
    lost = ""
    if isinstance(event, DeadLetterRecord):
        lost = f"  dead letter: {event.reason}"
    brief = " ".join((type_name(event, reader.types), brief_of(body, types))).rstrip()
    return Described(line_of(body, types) + lost, f"lost: {brief}" if lost else brief)


def _colour_of(path: str) -> str:
    """Return the colour of an actor."""
    return _COLOURS[crc32(path.encode("utf-8", "replace")) % len(_COLOURS)]


def say_line(event: EventRecord, words: str) -> None:
    """Print an event as one line: time, number, cause, sender, recipient, words."""
    parts = _gutter(event)
    if isinstance(event, FailureRecord):
        parts = [*parts[:-1], _actor(event.actor), (" ", "")]
    else:
        sender, recipient = paths_of(event)
        parts += [_actor(sender), (" -> ", _DIM), _actor(recipient), ("  ", "")]
    _say([*parts, (words, _style(event))])


def _gutter(event: EventRecord) -> list[_Part]:
    """Return time and number of an event, and at last the number of its cause."""
    if isinstance(event, FailureRecord):
        at, cause = event.failed_at, ""
    else:
        at = event.lost_at if isinstance(event, DeadLetterRecord) else event.handled_at
        cause = f"#{event.cause}" if event.cause else "-"
    return [(f"{at:12.6f} #{event.number:<6} ", _DIM), (f"{cause:<7} ", _DIM)]


def _actor(path: str) -> _Part:
    return path, _colour_of(path)


def _style(event: EventRecord) -> str:
    if isinstance(event, FailureRecord):
        return _FAILED
    return _LOST if isinstance(event, DeadLetterRecord) else ""


class Columns:
    """Prints events in columns: one for each actor, at the recipient of a message.

    The columns share the width of the terminal. If there are too many actors, the
    busiest have columns, and all others share the last. A header names the columns; it
    is printed again when an actor occurs that was not known.
    """

    def __init__(self, actors: Counter[str]) -> None:
        self._known = set(actors)
        self._width = shutil.get_terminal_size().columns
        fit = max((self._width - _GUTTER) // _COLUMN_MIN, 2)
        busiest = [path for path, _ in actors.most_common(fit)]
        if len(actors) > fit:
            busiest.pop()
        self._set(sorted(busiest), shares=len(actors) > fit)
        self._fit = fit
        self._is_headed = False

    def _set(self, actors: Sequence[str], *, shares: bool) -> None:
        self._columns = {path: number for number, path in enumerate(actors)}
        self._names = [*actors, *([_REST] if shares else [])]
        self._shares = shares
        room = self._width - _GUTTER
        self._cell = max(room // max(len(self._names), 1), _COLUMN_MIN)

    def _add(self, path: str) -> None:
        """Make room for an actor that was not known."""
        self._known.add(path)
        if self._shares:
            return
        actors = [*self._columns, path]
        is_full = len(actors) > self._fit
        self._set(actors[: self._fit - 1] if is_full else actors, shares=is_full)
        self._is_headed = False

    def say(self, event: EventRecord, words: str) -> None:
        """Print one event."""
        path = paths_of(event)[-1]
        if path not in self._known:
            self._add(path)
        if not self._is_headed:
            self._say_header()
        number = self._columns.get(path, len(self._names) - 1)
        is_last = number == len(self._names) - 1
        space = self._width - _GUTTER - number * self._cell
        room = max(space if is_last else self._cell - 1, 1)
        text = words
        if path not in self._columns:
            text = f"{_cut_left(visible(path), max(room - 12, room // 2, 1))} {words}"
        style = _style(event) or _colour_of(path)
        indent = " " * (number * self._cell)
        _say([*_gutter(event), (indent, ""), (_cut(visible(text), room), style)])

    def _say_header(self) -> None:
        self._is_headed = True
        parts: list[_Part] = [(f"{'time':>12} {'number':<7} {'cause':<7} ", "bold")]
        for name in self._names:
            shown = _cut_left(visible(name), self._cell - 1)
            style = "bold" if name == _REST else f"bold {_colour_of(name)}"
            parts += [(f"{shown:<{self._cell}}", style)]
        text, style = parts[-1]
        _say([*parts[:-1], (text.rstrip(), style)])


def recipients(events: Iterable[EventRecord]) -> Counter[str]:
    """Count the events of each actor that would have a column."""
    return Counter(paths_of(event)[-1] for event in events)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _cut_left(text: str, length: int) -> str:
    return text if len(text) <= length else f"…{text[len(text) - length + 1 :]}"


def _say(parts: Sequence[_Part]) -> None:
    """Print a line, with its colours on a terminal."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        say("".join(text for text, _ in parts))
        return
    line = Text.assemble(*((visible(text), style) for text, style in parts))
    new_console().print(line, soft_wrap=True)
