"""Fences with a Mermaid diagram, as SVG in the page: no script draws them."""

import re
from html import escape
from typing import Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from tools.site import flowchart, sequence

__all__ = ["as_svg", "setup"]

_WIDE: Final = 1000
"""Wider pictures are scrolled; others are made as small as the page is."""

_KINDS: Final = {
    "sequenceDiagram": ("sequence diagram", sequence.as_svg),
    "flowchart": ("flow chart", flowchart.as_svg),
}


def setup(app: Sphinx) -> ExtensionMetadata:
    """Draw fences named "mermaid"."""
    app.add_directive("mermaid", _Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def as_svg(text: str) -> str:
    """Draw a diagram, in the part of Mermaid that this repository uses.

    Raises `ValueError` for a line of another kind.
    """
    first = text.split(maxsplit=1)[0]
    if first not in _KINDS:
        raise ValueError(f"expected one of {', '.join(_KINDS)}, not {first!r}")
    title, draw = _KINDS[first]
    return draw(text).replace(
        "<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1
    )


class _Mermaid(SphinxDirective):
    """A fence of Mermaid."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture, in a frame that scrolls if the page is narrow."""
        try:
            svg = as_svg("\n".join(self.content))
        except ValueError as error:
            raise self.error(str(error)) from error
        width = re.search(r' width="(\d+)"', svg)
        wide = width is not None and int(width[1]) > _WIDE
        kind = "diagram wide" if wide else "diagram"
        text = f'<div class="{kind}" tabindex="0">{svg}</div>'
        return [nodes.raw("", text, format="html")]
