"""Writes a short picture as a sequence diagram of Mermaid, for Markdown.

Mermaid's syntax is that of its documentation, "Sequence diagrams". In a text, every
character but letters, digits and a few others is an entity code (`#59;`), so no text
can end a line or begin a statement.
"""

from collections.abc import Iterator
from typing import Final

from ccw_actors.show._picture import NOBODY, Event, Picture
from ccw_actors.show._slice import (
    Slice,
    label_of,
    lane_name,
    race_of,
    sentence_of,
    slice_of,
)

__all__ = ["MESSAGES_MAX", "mermaid_of"]

MESSAGES_MAX: Final = 40
"""How many events a diagram has at most; GitHub draws 50,000 characters."""

_LABEL_MAX: Final = 60
_NAME_MAX: Final = 40
_SENTENCE_MAX: Final = 200
_PLAIN: Final = frozenset(" _./,=()-")
_RECT: Final = "rect rgba(255, 99, 71, 0.25)"


def mermaid_of(picture: Picture) -> str:
    """Return the sequence diagram of a picture, at most its 40 most telling events."""
    part = slice_of(picture, MESSAGES_MAX)
    lines = ["sequenceDiagram"]
    lines += (f"    {line}" for line in _lines(picture, part))
    return "\n".join([*lines, ""])


def _lines(picture: Picture, part: Slice) -> Iterator[str]:
    for lane in part.lanes:
        name = _escaped(lane_name(picture, lane), _NAME_MAX)
        yield f"participant {_id(lane)} as {name}"
    if not part.lanes:
        yield "participant nobody as nothing happened"
        return
    sentence = sentence_of(picture)
    if sentence:
        yield _over(part, sentence)
    schedule = picture.schedules[0]
    is_after = False
    for number in part.events:
        if schedule.no_return is not None and number >= schedule.no_return > 0:
            yield from () if is_after else [_no_return(picture, part)]
            is_after = True
        event = schedule.events[number]
        race = race_of(picture, number)
        if not race:
            yield _arrow(picture, event)
            continue
        yield _RECT
        yield f"    {_arrow(picture, event)}"
        yield f"    Note over {_id(event.actor)}: {_escaped(race, _LABEL_MAX)}"
        yield "end"
    if schedule.no_return and not is_after:
        yield _no_return(picture, part)
    if part.hidden:
        steps = f"{part.hidden:,} {'step is' if part.hidden == 1 else 'steps are'}"
        yield _over(part, f"{steps} hidden; ccw-actors show has all")


def _arrow(picture: Picture, event: Event) -> str:
    """Return the line of one event."""
    label = _escaped(label_of(picture, event), _LABEL_MAX)
    to = _id(event.actor)
    if event.kind == "timer":
        return f"{to}->>{to}: {label}"
    if event.kind in ("crash", "failure", "step"):
        return f"Note over {to}: {label}"
    arrow = {"arrival": "--)", "dead letter": "-x"}.get(event.kind, "->>")
    return f"{_id(event.sender)}{arrow}{to}: {label}"


def _no_return(picture: Picture, part: Slice) -> str:
    way_out = picture.schedules[0].way_out
    text = "point of no return"
    return _over(part, f"{text}; the way out was {way_out}" if way_out else text)


def _over(part: Slice, text: str) -> str:
    """Return a note over all participants."""
    ends = dict.fromkeys((_id(part.lanes[0]), _id(part.lanes[-1])))
    return f"Note over {','.join(ends)}: {_escaped(text, _SENTENCE_MAX)}"


def _id(lane: int) -> str:
    return "outside" if lane == NOBODY else f"a{lane}"


def _escaped(text: str, length: int) -> str:
    """Return a text, cut to a length, that Mermaid takes for text only."""
    cut = text if len(text) <= length else f"{text[: length - 1]}…"
    return "".join(
        char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in cut
    )
