"""Docstrings become reStructuredText: code, tables, lists, links."""

from tools.site.docstrings import as_rst

WHERE = "ccw_actors.runtime.Actor"


def test_code_stays_code() -> None:
    """A name that nothing public has is no link, nor is that of what is described."""
    assert as_rst(["Sets `state` of an `Actor`."], WHERE) == [
        "Sets ``state`` of an ``Actor``."
    ]


def test_a_public_name_is_a_link_to_its_description() -> None:
    """It may come from another module if only one has it."""
    (line,) = as_rst(["Returns an `ActorRef` for `explore()`, or a `Verdict`."], WHERE)
    assert ":py:obj:`ActorRef <ccw_actors.runtime.ActorRef>`" in line
    assert "``explore()``" in line


def test_signs_of_restructured_text_are_only_signs() -> None:
    """What is no markup in Markdown is none on the site."""
    assert as_rst(["a|b and name_ and *one* word"], WHERE) == [
        r"a\|b and name\_ and *one* word"
    ]


def test_a_table_has_its_cells() -> None:
    """Also empty ones, and those with code."""
    lines = as_rst(["Text:", "", "| a | b |", "|---|---|", "| `x` | |"], WHERE)
    assert [line for line in lines if line] == [
        "Text:",
        ".. list-table::",
        "   :header-rows: 1",
        "   * - a",
        "     - b",
        "   * - ``x``",
        "     -",
    ]


def test_an_indented_paragraph_is_a_block_of_code() -> None:
    """Python is shown as Python, anything else as text."""
    assert ".. code-block:: python" in as_rst(["So:", "", "    x = f(1)"], WHERE)
    assert ".. code-block:: text" in as_rst(["So:", "", "    run that --now"], WHERE)


def test_sections_of_arguments_stay_as_they_are() -> None:
    """Napoleon reads them."""
    section = ["Args:", "    one: The first.", "", "    two: The other."]
    assert as_rst(section, WHERE) == section


def test_a_list_begins_a_paragraph() -> None:
    """Markdown needs no empty line before a list."""
    assert as_rst(["Some:", "- one", "- two"], WHERE) == ["Some:", "", "- one", "- two"]


def test_lines_below_a_colon_are_a_list() -> None:
    """A line that is indented further goes on."""
    lines = as_rst(["It raises:", "    A: one", "        more", "    B: two"], WHERE)
    assert [line for line in lines if line] == [
        "It raises:",
        "    - A: one",
        "      more",
        "    - B: two",
    ]
