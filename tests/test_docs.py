"""What the documents show is what the code has."""

from pathlib import Path

from ccw_actors.channel import lifecycle

ROOT = Path(__file__).parent.parent


def test_life_cycle_page_is_the_table() -> None:
    """The page ends with the table as the code renders it."""
    page = (ROOT / "docs" / "life-cycle.md").read_text()
    assert page.endswith("\n\n" + lifecycle.as_markdown())
