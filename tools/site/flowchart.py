"""Draws flow charts with Graphviz: nodes with labels, and arrows with labels."""

import re
import subprocess
from collections.abc import Iterator
from typing import Final

__all__ = ["as_dot", "as_svg"]

_NODE: Final = re.compile(r"(\w+)(?:\[(.*?)\])?")
_ARROW: Final = re.compile(
    r"\s*(?:(?P<plain>-->)"
    r"|--\s+(?P<words>.+?)\s+-->"
    r"|-\.\s+(?P<dotted>.+?)\s+\.->)\s*"
)
_WIDTH_MAX: Final = 900
_DIRECTIONS: Final = ("LR", "TB")
_STYLE: Final = """\
    bgcolor=transparent; nodesep=0.35; ranksep=0.45;
    node [shape=box, style=rounded, fontname="DejaVu Sans", fontsize=11, height=0.4];
    edge [fontname="DejaVu Sans", fontsize=9, arrowsize=0.6];"""


def as_svg(text: str) -> str:
    """Draw a chart. Raises `ValueError` for a line that is not understood.

    One that would be too wide for a page goes from top to bottom, whatever it says.
    """
    dot = as_dot(text)
    svg, width = _drawn(dot)
    if width > _WIDTH_MAX:
        down, width_down = _drawn(dot.replace("rankdir=LR", "rankdir=TB"))
        return down if width_down < width else svg
    return svg


def _drawn(dot: str) -> tuple[str, int]:
    """Return a picture, and its width in pixels."""
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input=dot,
        capture_output=True,
        check=True,
        text=True,
    )
    svg = done.stdout[done.stdout.index("<svg ") :]
    svg = re.sub(r"<title>.*?</title>|<!--.*?-->|\s+xmlns(:\w+)?=\"\S+\"", "", svg)
    size = re.search(r'width="(\d+)pt" height="(\d+)pt"', svg)
    assert size is not None, "dot writes the size of its picture"
    wide, high = (int(one) * 11 // 10 for one in size.groups())
    svg = svg.replace(size[0], f'class="flowchart" width="{wide}" height="{high}"')
    return " ".join(svg.split()), wide


def as_dot(text: str) -> str:
    """Return a chart in the language of Graphviz."""
    first, *lines = (one.strip() for one in text.strip().splitlines())
    direction = first.partition(" ")[2]
    if direction not in _DIRECTIONS:
        raise ValueError(f"expected flowchart LR or TB, not {first!r}")
    parts = [f"digraph {{ rankdir={direction};", _STYLE]
    for line in lines:
        parts += _statements(line)
    return "\n".join([*parts, "}"])


def _statements(line: str) -> Iterator[str]:
    """Read a chain of nodes and arrows."""
    at, before, arrow = 0, "", ""
    while True:
        node = _NODE.match(line, at)
        if node is None:
            raise ValueError(f"expected a node at the end of {line[:at]!r} in {line!r}")
        if node[2] is not None:
            yield f"    {node[1]} [label={_quoted(node[2])}];"
        if before:
            yield f"    {before} -> {node[1]} [{arrow}];"
        if node.end() == len(line):
            return
        found = _ARROW.match(line, node.end())
        if found is None:
            raise ValueError(
                f"expected an arrow after {line[: node.end()]!r} in {line!r}"
            )
        words = found["words"] or found["dotted"] or ""
        label = words.strip('"')
        arrow = f"label={_quoted(label)}"
        arrow += ", style=dashed" if found["dotted"] else ""
        at, before = found.end(), node[1]


def _quoted(text: str) -> str:
    r"""Return a label of Graphviz, where \n ends a line."""
    return '"' + re.sub(r"<br */?>", r"\\n", text).replace('"', r"\"") + '"'
