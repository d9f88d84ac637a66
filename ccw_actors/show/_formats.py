"""The formats in which a picture can be written."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from ccw_actors.show._mermaid import mermaid_of
from ccw_actors.show._page import page_of
from ccw_actors.show._perfetto import perfetto_of
from ccw_actors.show._picture import Picture
from ccw_actors.show._shiviz import shiviz_of
from ccw_actors.show._svg import svg_of

__all__ = ["FORMATS", "Format", "FormatName"]

FormatName: TypeAlias = Literal["html", "mermaid", "svg", "perfetto", "shiviz"]


class Format(NamedTuple):
    """A format: how its files end, and what writes a picture in it.

    `write` raises `TooLongError` for a picture that is too long for the format.
    """

    suffix: str
    write: Callable[[Picture], str]


FORMATS: Final[Mapping[FormatName, Format]] = {
    "html": Format(".html", page_of),
    "mermaid": Format(".mmd", mermaid_of),
    "svg": Format(".svg", svg_of),
    "perfetto": Format(".perfetto.json", perfetto_of),
    "shiviz": Format(".shiviz.log", shiviz_of),
}
"""All formats, by the names that `ccw-actors show --format` takes."""
