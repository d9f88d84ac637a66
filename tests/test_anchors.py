"""Links to a part of a page lead to a heading of that page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_ANCHOR = re.compile(
    r"\]\(([^)#:]*)#([^)]+)\)|^\[[^]]+\]: ([^#:\s]+)#(\S+)$", re.MULTILINE
)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    heads = (re.sub(r"[`*]", "", head) for head in _HEADING.findall(page.read_text()))
    plain = (re.sub(r"[^\w -]", "", head.lower()) for head in heads)
    return {head.replace(" ", "-") for head in plain}


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}"
)
def test_anchors_are_headings(page: Path) -> None:
    """So do those that the glossary tool writes at the end of a page."""
    for link, anchor, defined, at in _ANCHOR.findall(page.read_text()):
        target = (page.parent / (link or defined)) if link or defined else page
        assert (anchor or at) in anchors_of(target), f"{link or defined}#{anchor or at}"
