"""Diagrams of Mermaid are drawn, and what is not understood is refused."""

import re

import pytest

from tools.site import flowchart, sequence
from tools.site.mermaid import as_svg

SEQUENCE = """\
sequenceDiagram
    participant A as first & last
    participant B
    A->>B: asks
    B-->>A: answers<br>in two lines
    B->>B: thinks
    Note over A,B: both
"""


def test_a_sequence_has_its_words_and_arrows() -> None:
    """Words are escaped, and lines are broken where Mermaid breaks them."""
    svg = sequence.as_svg(SEQUENCE)
    words = re.findall(r"<text[^>]*>(.*?)</text>", svg)
    assert words == [
        "first &amp; last",
        "B",
        "asks",
        "answers",
        "in two lines",
        "thinks",
        "both",
    ]
    assert svg.count('class="call"') == 2
    assert svg.count('class="answer"') == 1
    assert svg.count('class="note"') == 1


def test_a_picture_has_no_style_of_its_own() -> None:
    """The policy of the page would forbid it."""
    assert "style" not in sequence.as_svg(SEQUENCE)


@pytest.mark.parametrize("line", ["A->>C: asks", "loop forever", "Note over C: x"])
def test_a_line_that_is_not_understood_is_refused(line: str) -> None:
    """The message quotes it."""
    with pytest.raises(ValueError, match=re.escape(repr(line))):
        sequence.as_svg(f"{SEQUENCE}    {line}\n")


def test_a_flow_chart_is_given_to_graphviz() -> None:
    """Chains, labels, and dotted arrows."""
    dot = flowchart.as_dot(
        'flowchart LR\n    A[a<br>b] -- "some words" --> B --> C\n    C -. back .-> A\n'
    )
    assert "rankdir=LR" in dot
    assert 'A [label="a\\nb"];' in dot
    assert 'A -> B [label="some words"];' in dot
    assert 'B -> C [label=""];' in dot
    assert 'C -> A [label="back", style=dashed];' in dot


@pytest.mark.parametrize("line", ["A ==> B", "A -->", "(A) --> B"])
def test_a_flow_chart_that_is_not_understood_is_refused(line: str) -> None:
    """The message quotes the line."""
    with pytest.raises(ValueError, match=re.escape(line)):
        flowchart.as_dot(f"flowchart TB\n    {line}\n")


def test_another_kind_of_diagram_is_refused() -> None:
    """The message says which kinds there are."""
    with pytest.raises(ValueError, match="sequenceDiagram, flowchart, not 'pie'"):
        as_svg("pie\n")
