"""Writes a graph of states in DOT, the language of Graphviz.

| state | drawn as |
|---|---|
| the first | an arrow from a point leads to it |
| nothing is left to do there | a double line around it |
| something is wrong there | an octagon with the name of what is wrong |

Its tooltip (in SVG) has the states of the actors.
"""

from collections.abc import Iterator
from typing import Final

from ccw_actors._visible import visible
from ccw_actors.explore import GraphState, StateGraph

__all__ = ["dot_of"]

_LABEL_MAX: Final = 60
_BACKSLASH: Final = "\N{REVERSE SOLIDUS OPERATOR}"


def dot_of(graph: StateGraph, name: str) -> str:
    """Return a graph of states, called `name`, in DOT."""
    return "\n".join((f"digraph {_quoted(name)} {{", *_lines(graph), "}", ""))


def _lines(graph: StateGraph) -> Iterator[str]:
    yield '    node [shape=ellipse, fontname="sans-serif"]'
    yield '    edge [fontname="sans-serif", fontsize=10]'
    sources = {step.source for step in graph.steps}
    for number in range(graph.initial):
        yield f"    begin{number} [shape=point]"
        yield f"    begin{number} -> {number}"
    for number, state in enumerate(graph.states):
        label = _quoted(str(number))
        looks = "" if number in sources else ", peripheries=2"
        if state.violation:
            label = _quoted(f"{number}: {state.violation}", _LABEL_MAX)
            looks = ', shape=octagon, color="#b00020", penwidth=2'
        yield f"    {number} [label={label}, tooltip={_actors(state)}{looks}]"
    for step in graph.steps:
        label = _quoted(step.text, _LABEL_MAX)
        yield f"    {step.source} -> {step.target} [label={label}]"


def _actors(state: GraphState) -> str:
    """Return the states of the actors, a line for each.

    A backslash becomes a similar character: Graphviz 2.43 takes escapes of a tooltip
    for escapes twice, and that of a label once.
    """
    lines = (f"{path}: {text}" if path else text for path, text in state.actors.items())
    shown = (visible(line).replace("\\", _BACKSLASH) for line in lines)
    return f'"{"&#10;".join(map(_escaped, shown))}"'


def _quoted(text: str, length: int = 0) -> str:
    """Return a text, cut to a length unless it is 0, as DOT's quoted string."""
    is_long = 0 < length < len(text)
    return f'"{_escaped(f"{text[: length - 1]}…" if is_long else text)}"'


def _escaped(text: str) -> str:
    """Return text in which Graphviz finds no escape, no entity and no end of it."""
    shown = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return shown.replace("&", "&amp;")
