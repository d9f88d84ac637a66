"""Graphs of states in DOT: Graphviz itself reads them."""

import shutil
import subprocess
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from ccw_actors.explore import GraphState, GraphStep, StateGraph, state_graph
from ccw_actors.show import dot_of
from examples.explore.first import two_clients

SVG: Final = "{http://www.w3.org/2000/svg}"
HOSTILE: Final = (
    '"];evil [label="',
    "<b>bold</b>",
    "&lt;&#60;",
    "\\N\\G\\",
    "line\nline\r\x1b[31m\u202e",
    "\ud800",
)


def drawn(graph: StateGraph, name: str = "it") -> ET.Element:
    """Return the SVG that Graphviz draws."""
    dot = shutil.which("dot")
    if dot is None:
        pytest.skip("there is no dot; Debian's package graphviz has it")
    done = subprocess.run(
        [dot, "-Tsvg"],
        input=dot_of(graph, name).encode(),
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return ET.fromstring(done.stdout)  # noqa: S314 - Graphviz's own


def groups(svg: ET.Element, kind: str) -> dict[str, list[str]]:
    """Return the texts of all nodes, or of all edges, by title."""
    return {
        group.findtext(f"{SVG}title", ""): [
            one.text or "" for one in group.iter(f"{SVG}text")
        ]
        for group in svg.iter(f"{SVG}g")
        if group.get("class") == kind
    }


def test_each_state_and_step_is_drawn() -> None:
    """Nodes are states by number, edges are steps with their texts."""
    graph = state_graph(two_clients)
    svg = drawn(graph)
    nodes, edges = groups(svg, "node"), groups(svg, "edge")
    numbers = list(map(str, range(len(graph.states))))
    assert sorted(nodes) == sorted([*numbers, "begin0"])
    (wrong,) = (n for n, one in enumerate(graph.states) if one.violation)
    assert nodes[str(wrong)] == [f"{wrong}: nothing is lost"]
    ways = {f"{one.source}->{one.target}": [one.text] for one in graph.steps}
    assert edges == {"begin0->0": [], **ways}


def test_tooltip_has_the_states_of_actors() -> None:
    """It has a line for each actor."""
    state = GraphState({"counter": "Counted(count=0)", "other": "Other()"}, "")
    svg = drawn(StateGraph((state,), (), 1))
    titles = [one.get("{http://www.w3.org/1999/xlink}title") for one in svg.iter()]
    assert "counter: Counted(count=0)\nother: Other()" in titles


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """No text ends another one, or becomes an escape or an entity."""
    state = GraphState({text: text}, text)
    svg = drawn(StateGraph((state,), (GraphStep(0, 0, text),), 1), text)
    shown = text.encode("unicode_escape").decode() if not text.isprintable() else text
    assert groups(svg, "node") == {"0": [f"0: {shown}"], "begin0": []}
    assert groups(svg, "edge") == {"0->0": [shown], "begin0->0": []}
    titles = [one.get("{http://www.w3.org/1999/xlink}title") for one in svg.iter()]
    similar = shown.replace("\\", "\N{REVERSE SOLIDUS OPERATOR}")
    assert f"{similar}: {similar}" in titles
