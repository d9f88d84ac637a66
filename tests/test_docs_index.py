"""docs/README.md leads to every page."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)|^\[[^]]+\]: ([^#\s]+)", re.MULTILINE)
_ANCHOR = re.compile(r"\]\(([^)#:]*)#([^)]+)\)")


def links_of(page: Path) -> set[Path]:
    """Return the pages that a page links to."""
    found = (one or other for one, other in _LINK.findall(page.read_text()))
    return {(page.parent / link).resolve() for link in found if link.endswith(".md")}


def test_every_page_can_be_reached() -> None:
    """Following links from the index one comes to each page below docs."""
    reached: set[Path] = set()
    waiting = {DOCS / "README.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting |= links_of(page) - reached
    assert set(DOCS.rglob("*.md")) <= reached


def test_anchors_are_headings() -> None:
    """A link to a part of a page names a heading that the page has."""
    for page in DOCS.rglob("*.md"):
        for link, anchor in _ANCHOR.findall(page.read_text()):
            target = (page.parent / link) if link else page
            assert anchor in anchors_of(target), (page.name, link, anchor)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    heads = re.findall(r"^#{1,6} (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w -]", "", head.lower()) for head in heads)
    return {head.replace(" ", "-") for head in plain}


def test_each_tutorial_is_in_the_index() -> None:
    """The index itself links to the three tutorials."""
    tutorials = set((DOCS / "tutorials").glob("*.md"))
    assert len(tutorials) == 3
    assert tutorials <= links_of(DOCS / "README.md")
