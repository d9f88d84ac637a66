"""Draws a short picture as SVG: one file without a script, for a page or an issue.

It has its own light background, so that a dark page shows it. A lane is a line down the
drawing, and each event has a row: an arrow from the sender to the actor.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from ccw_actors._visible import visible
from ccw_actors.show._picture import Event, Picture
from ccw_actors.show._slice import (
    Slice,
    label_of,
    lane_name,
    race_of,
    sentence_of,
    slice_of,
)

__all__ = ["ROWS_MAX", "svg_of"]

ROWS_MAX: Final = 60
"""How many events a drawing has at most."""

_LANE: Final = 150
_ROW: Final = 38
_HEAD: Final = 92
_FOOT: Final = 34
_MARGIN: Final = 24
_REST: Final = 340  # room for labels beside the last lane
_CHAR: Final = 7.3  # the width of a character of 12 pixels, in pixels
_STYLE: Final = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1c2330}"
    ".label{paint-order:stroke;stroke:#fff;stroke-width:4px}"
    ".lane{stroke:#c3cad5}.arrow{stroke:#33507a;fill:none}.lost{stroke-dasharray:4 3}"
    ".race{fill:#fde3df}.raced{stroke:#fde3df}"
    ".no-return{stroke:#b3261e;stroke-dasharray:7 5}"
    ".red{fill:#b3261e}.bold{font-weight:bold}.quiet{fill:#5a6475}"
)
_HEAD_OF_ARROW: Final = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
    ' markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#33507a"/></marker>'
)


class _Size(NamedTuple):
    width: int
    height: int


def svg_of(picture: Picture) -> str:
    """Return a drawing of a picture, at most its 60 most telling events.

    Of a counterexample these are events that the fault needs, if they are known.
    """
    part = slice_of(picture, ROWS_MAX)
    lanes = max(len(part.lanes), 1)
    size = _Size(
        2 * _MARGIN + (lanes - 1) * _LANE + _REST,
        _HEAD + _ROW * len(part.events) + _FOOT,
    )
    return "\n".join([*_lines(picture, part, size), ""])


def _lines(picture: Picture, part: Slice, size: _Size) -> Iterator[str]:
    width, height = size
    title = visible(picture.title)
    sentence = sentence_of(picture)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">'
    )
    yield f'<title id="title">{escape(title)}</title>'
    yield f'<desc id="desc">{escape(_description(picture, part))}</desc>'
    yield f"<style>{_STYLE}</style><defs>{_HEAD_OF_ARROW}</defs>"
    yield f'<rect width="{width}" height="{height}" fill="#fff"/>'
    room = _letters(width - 2 * _MARGIN)
    yield _text(_MARGIN, 22, _cut(title, room), "bold")
    if sentence:
        yield _text(_MARGIN, 40, _cut(sentence, room), "red")
    yield from _heads(picture, part, height)
    for row, number in enumerate(part.events):
        yield from _row(picture, part, row, number, width)
    yield from _no_return(picture, part, width)
    if part.hidden:
        events = f"{part.hidden:,} {'event is' if part.hidden == 1 else 'events are'}"
        text = f"{events} not drawn; ccw-actors show has all"
        yield _text(_MARGIN, height - 12, _cut(text, room), "quiet")
    yield "</svg>"


def _description(picture: Picture, part: Slice) -> str:
    """Return what the drawing shows, for those who do not see it."""
    events = [picture.schedules[0].events[number] for number in part.events]
    steps = (
        f"{label_of(picture, one)}, from {lane_name(picture, one.sender)}"
        f" to {lane_name(picture, one.actor)}"
        for one in events
    )
    return ". ".join(filter(None, [sentence_of(picture), *steps]))


def _heads(picture: Picture, part: Slice, height: int) -> Iterator[str]:
    """Yield the name and the line of each lane."""
    for place, lane in enumerate(part.lanes):
        x = _x(place)
        name = lane_name(picture, lane)
        first, slash, last = name.rpartition("/")
        yield f"<g><title>{escape(name)}</title>"
        room = _letters(_LANE - 8)
        yield _text(x - 12, _HEAD - 32, _cut(first + slash, room), "quiet")
        yield _text(x - 12, _HEAD - 16, _cut(last, room), "bold")
        yield "</g>"
        yield (
            f'<line class="lane" x1="{x}" y1="{_HEAD - 8}" x2="{x}"'
            f' y2="{height - _FOOT + 6}"/>'
        )


def _row(
    picture: Picture, part: Slice, row: int, number: int, width: int
) -> Iterator[str]:
    """Yield one event: its arrow or dot, and its label."""
    schedule = picture.schedules[0]
    event = schedule.events[number]
    y = _y(row)
    to = _x(part.lanes.index(event.actor))
    race = race_of(picture, number)
    if race:
        yield (
            f'<rect class="race" x="{_MARGIN // 2}" y="{y - 24}"'
            f' width="{width - _MARGIN}" height="{_ROW - 6}"/>'
        )
        yield _text(_right(race, width), y - 8, race, "label raced red")
    start = _start(event, part)
    if start is None:
        yield f'<circle cx="{to}" cy="{y}" r="4" fill="#33507a"/>'
        left = to
    else:
        lost = " lost" if event.kind in ("dead letter", "arrival") else ""
        yield (
            f'<path class="arrow{lost}" d="M{start} {y}H{to}" marker-end="url(#head)"/>'
        )
        left = min(start, to)
    label = _cut(label_of(picture, event), _letters(width - left - _MARGIN))
    is_bad = event.kind in ("failure", "crash", "dead letter")
    kinds = ("label", "raced" if race else "", "red" if is_bad else "")
    yield _text(left + 8, y - 6, label, " ".join(filter(None, kinds)))


def _start(event: Event, part: Slice) -> int | None:
    """Return where the arrow to an event begins; None without an arrow."""
    if event.kind not in ("message", "arrival", "dead letter"):
        return None
    if event.sender == event.actor:
        return None
    return _x(part.lanes.index(event.sender))


def _no_return(picture: Picture, part: Slice, width: int) -> Iterator[str]:
    """Yield the line below the events after which a fault is certain."""
    after = picture.schedules[0].no_return
    if not after:
        return
    row = sum(number < after for number in part.events)
    y = _y(row) - 27
    yield (
        f'<line class="no-return" x1="{_MARGIN // 2}" y1="{y}"'
        f' x2="{width - _MARGIN // 2}" y2="{y}"/>'
    )
    text = "point of no return"
    yield _text(_right(text, width), y - 4, text, "label red")


def _right(text: str, width: int) -> int:
    """Return where a text begins that ends at the right margin."""
    return round(width - _MARGIN - _CHAR * len(text))


def _x(place: int) -> int:
    return _MARGIN + 12 + place * _LANE


def _y(row: int) -> int:
    return _HEAD + 24 + row * _ROW


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def _letters(width: float) -> int:
    """Return how many characters fit."""
    return int(width / _CHAR)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
