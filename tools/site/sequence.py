"""Draws sequence diagrams: participants, messages and notes.

The colours are those of the page (`site.css`), so that a picture is light or dark as
the page is.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from html import escape, unescape
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = ["as_svg"]

_PARTICIPANT: Final = re.compile(r"participant (\w+)(?: as (.+))?")
_MESSAGE: Final = re.compile(r"(\w+)(--?)>>(\w+): (.+)")
_NOTE: Final = re.compile(r"Note over (\w+)(?:,(\w+))?: (.+)")

_LETTER: Final = 7.1
"""About the width of a letter of 13 pixels; a picture has room for wider ones."""
_LINE: Final = 17
_HEAD: Final = 34
_GAP: Final = 14
_MARGIN: Final = 8
_LETTERS_MAX: Final = 52
"""Longer messages and notes are broken into lines."""


class _Arrow(NamedTuple):
    """A message, or a note over columns if `head` is empty."""

    first: int
    last: int
    lines: Sequence[str]
    head: str

    @property
    def width(self) -> float:
        return _width(self.lines)


def as_svg(text: str) -> str:
    """Draw a diagram. Raises `ValueError` for a line that is not understood."""
    titles: dict[str, str] = {}
    arrows: list[_Arrow] = []
    for line in (one.strip() for one in text.splitlines()[1:]):
        if found := _PARTICIPANT.fullmatch(line):
            titles[found[1]] = found[2] or found[1]
        elif line:
            arrows.append(_arrow(line, list(titles)))
    names = list(titles.values())
    columns = _columns(names, arrows)
    width, left = _bounds(names, columns, arrows)
    columns = [one - left for one in columns]
    body, height = _body(columns, arrows)
    parts = [*_lifelines(names, columns, height), *body]
    return (
        f'<svg class="sequence" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}">{"".join(parts)}</svg>'
    )


def _arrow(line: str, names: Sequence[str]) -> _Arrow:
    """Read a message or a note."""
    try:
        if found := _MESSAGE.fullmatch(line):
            ends = names.index(found[1]), names.index(found[3])
            return _Arrow(
                *ends, _lines(found[4]), "answer" if found[2] == "--" else "call"
            )
        if found := _NOTE.fullmatch(line):
            first = names.index(found[1])
            last = names.index(found[2]) if found[2] else first
            return _Arrow(min(first, last), max(first, last), _lines(found[3]), "")
    except ValueError as error:
        raise ValueError(f"no participant is declared for {line!r}") from error
    raise ValueError(f"expected a participant, a message or a note, not {line!r}")


def _lines(text: str) -> list[str]:
    return [
        part
        for line in re.split(r"<br */?>", unescape(text))
        for part in textwrap.wrap(line, _LETTERS_MAX)
    ]


def _width(lines: Sequence[str]) -> float:
    return max(map(len, lines)) * _LETTER


def _columns(names: Sequence[str], arrows: Sequence[_Arrow]) -> list[float]:
    """Return the middle of each column, with room for titles and messages."""
    needs: dict[tuple[int, int], float] = {}
    for at, (one, other) in enumerate(pairwise(names)):
        needs[at, at + 1] = (_title_width(one) + _title_width(other)) / 2 + _GAP
    for arrow in arrows:
        first, last = sorted((arrow.first, arrow.last))
        if first == last and arrow.head:
            last = first + 1
        if last < len(names) and first != last:
            need = arrow.width + 2 * _GAP
            needs[first, last] = max(needs.get((first, last), 0), need)
    columns = [_title_width(names[0]) / 2 + _MARGIN]
    for at in range(1, len(names)):
        columns.append(
            max(
                columns[one] + need for (one, last), need in needs.items() if last == at
            )
        )
    return columns


def _title_width(name: str) -> float:
    return len(name) * _LETTER + 2 * _GAP


def _bounds(
    names: Sequence[str], columns: Sequence[float], arrows: Sequence[_Arrow]
) -> tuple[float, float]:
    """Return the width of the picture, and how far it reaches to the left of 0."""
    right = columns[-1] + _title_width(names[-1]) / 2
    left = 0.0
    for arrow in arrows:
        if not arrow.head:
            middle = (columns[arrow.first] + columns[arrow.last]) / 2
            half = _note_half(arrow, columns)
            left, right = min(left, middle - half - _MARGIN), max(right, middle + half)
        elif arrow.first == arrow.last:
            right = max(right, columns[arrow.first] + arrow.width + 3 * _GAP)
    return right - left + _MARGIN, left


def _note_half(arrow: _Arrow, columns: Sequence[float]) -> float:
    """Return half of the width of a note."""
    span = columns[arrow.last] - columns[arrow.first]
    return max(arrow.width + 2 * _GAP, span + 4 * _GAP) / 2


def _body(
    columns: Sequence[float], arrows: Sequence[_Arrow]
) -> tuple[list[str], float]:
    """Draw messages and notes; return them, and the height of the picture."""
    parts: list[str] = []
    y = float(_HEAD + _GAP + 2)
    for arrow in arrows:
        high = len(arrow.lines) * _LINE
        middle = (columns[arrow.first] + columns[arrow.last]) / 2
        if not arrow.head:
            half = _note_half(arrow, columns)
            parts.append(
                f'<rect class="note" x="{middle - half:.0f}" y="{y:.0f}" rx="3"'
                f' width="{2 * half:.0f}" height="{high + 10}"/>'
            )
            parts += _words(arrow.lines, middle, y + 5, "words")
            y += high + 10 + _GAP
        elif arrow.first == arrow.last:
            parts += _loop(arrow, columns[arrow.first], y)
            y += high + _GAP
        else:
            parts += _words(arrow.lines, middle, y - 4, "words over")
            y += high + 2
            parts.append(
                _line(arrow.head, columns[arrow.first], columns[arrow.last], y)
            )
            y += _GAP
    return parts, y + _MARGIN


def _lifelines(
    names: Sequence[str], columns: Sequence[float], height: float
) -> Iterator[str]:
    for name, x in zip(names, columns, strict=True):
        yield f'<path class="life" d="M{x:.0f} {_HEAD}V{height:.0f}"/>'
        width = _title_width(name)
        yield (
            f'<rect class="who" x="{x - width / 2:.0f}" y="1" rx="4"'
            f' width="{width:.0f}" height="{_HEAD - 2}"/>'
        )
        yield from _words([name], x, (_HEAD - _LINE) / 2, "words title")


def _line(head: str, start: float, end: float, y: float) -> str:
    """Draw an arrow from one column to another."""
    back = -8 if end > start else 8
    tip = end - (1 if end > start else -1)
    return (
        f'<path class="{head}" d="M{start:.0f} {y:.0f}H{tip:.0f}"/>'
        f'<path class="tip" d="M{tip:.0f} {y:.0f}l{back} -4v8z"/>'
    )


def _loop(arrow: _Arrow, x: float, y: float) -> Iterator[str]:
    """Draw a message of a participant to itself."""
    high = len(arrow.lines) * _LINE
    yield f'<path class="{arrow.head}" d="M{x:.0f} {y:.0f}h20v{high}h-18"/>'
    yield f'<path class="tip" d="M{x + 1:.0f} {y + high:.0f}l8 -4v8z"/>'
    for at, line in enumerate(arrow.lines):
        place = f'x="{x + 28:.0f}" y="{y + 13 + at * _LINE:.0f}"'
        yield f'<text class="words over beside" {place}>{escape(line)}</text>'


def _words(lines: Sequence[str], x: float, y: float, kind: str) -> Iterator[str]:
    for at, line in enumerate(lines):
        place = f'x="{x:.0f}" y="{y + 13 + at * _LINE:.0f}"'
        yield f'<text class="{kind}" {place}>{escape(line)}</text>'
