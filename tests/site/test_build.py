"""The site has every page and every public name, and no link of it is broken."""

import json
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from ccw_actors.verdicts import CellName, load
from tools.site.public import Public, home_of
from tools.site.sources import PAGES

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[2]
PUBLIC: dict[str, list[str]] = tomllib.loads(
    (ROOT / "tests" / "public_names.toml").read_text()
)


class Reader(HTMLParser):
    """Notes the anchors of a page, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag has."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif "src" in given or (tag == "link" and "href" in given):
            self.loaded.append(given.get("src") or given["href"])
        elif given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Reader]:
    """Return every page of the site, as read."""
    return {path: Reader(path.read_text()) for path in site.rglob("*.html")}


def test_every_page_of_the_repository_is_on_the_site(site: Path) -> None:
    """Also the README, which is its first page."""
    for page in PAGES:
        at = "index" if page == "README.md" else page.removesuffix(".md")
        assert (site / f"{at}.html").is_file(), page


def test_every_public_name_is_in_the_reference(
    site: Path, pages: dict[Path, Reader]
) -> None:
    """A name is described on one page, to which other modules with it lead."""
    for module, names in PUBLIC.items():
        for name in names:
            public = Public(module, name)
            home = home_of(public)
            there = pages[site / "api" / f"{home.module}.html"]
            assert str(home) in there.anchors, str(public)
            if home != public:
                here = pages[site / "api" / f"{module}.html"]
                links = [link for link in here.links if link.endswith(f"#{home}")]
                assert links, f"{public} does not lead to {home}"


def broken(pages: dict[Path, Reader]) -> Iterator[str]:
    """Yield the links inside the site that lead nowhere."""
    for path, page in pages.items():
        for link in (*page.links, *page.loaded):
            target = urlsplit(link)
            if target.scheme or target.netloc:
                continue
            there = path
            if target.path:
                there = (path.parent / unquote(target.path)).resolve()
            if not there.exists():
                yield f"{path}: {link}: no such file"
            elif (
                there in pages and unquote(target.fragment) not in pages[there].anchors
            ):
                yield f"{path}: {link}: no such anchor"


def test_no_link_inside_the_site_is_broken(pages: dict[Path, Reader]) -> None:
    """Each leads to a page and an anchor that exist."""
    assert list(broken(pages)) == []


def test_nothing_is_loaded_from_elsewhere(
    site: Path, pages: dict[Path, Reader]
) -> None:
    """The site works without the network: also its fonts and styles are its own."""
    for path, page in pages.items():
        assert not [one for one in page.loaded if urlsplit(one).netloc], path
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", style.read_text()), (
            style
        )


def test_each_page_has_a_strict_policy(pages: dict[Path, Reader]) -> None:
    """It allows files of the site, and scripts and styles whose hashes it names."""
    for path, page in pages.items():
        assert page.policy.startswith("default-src 'none'; script-src 'self'"), path
        assert "unsafe" not in page.policy, path


def test_the_search_knows_words_of_pages_and_of_the_reference(site: Path) -> None:
    """It has no pages that only show a file."""
    text = (site / "searchindex.js").read_text()
    index = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert {"mailbox", "subchannel", "counterexampl"} <= set(index["terms"])
    assert "ccw_actors.runtime" in index["objects"]
    found = {index["docnames"][at] for at in _numbers(index["titleterms"]["mailbox"])}
    assert "docs/runtime/mailboxes" in found
    everywhere = {at for places in index["terms"].values() for at in _numbers(places)}
    assert not [at for at in everywhere if index["docnames"][at].startswith("files/")]


def _numbers(places: int | list[int]) -> list[int]:
    """Return the numbers of the pages that have a word."""
    return [places] if isinstance(places, int) else places


def test_the_data_of_the_verdict_table_are_the_saved_cells(site: Path) -> None:
    """Each refuted one has an interleaving, which names files of Linux."""
    table = json.loads((site / "verdicts" / "table.json").read_text())
    paths = json.loads((site / "verdicts" / "paths.json").read_text())
    shown = {cell["name"]: cell for cell in table["cells"]}
    assert list(shown) == [str(CellName.of(cell)) for cell in load().cells]
    for cell in load().cells:
        found = shown[str(CellName.of(cell))]
        assert (found["verdict"] == "refuted") == (cell.verdict == "refuted")
        assert (found["why"], found["steps"]) == (cell.why, cell.steps)
        assert (found["path"] is not None) == (cell.verdict == "refuted")
    mail = paths[shown["2026/mail"]["path"]]
    assert ["CPU 1", "fsm_do_clear(): CSCH", "vfio_ccw_fsm.c"] in mail


def test_the_page_of_the_table_has_a_place_for_its_filters(site: Path) -> None:
    """The whole table stands below it, for a browser without scripts."""
    text = (site / "docs/generated/verdicts/table.html").read_text()
    assert text.index('id="verdicts"') < text.index('id="scenarios-of-a-guest"')
    assert "_static/verdicts.js" in text


def test_diagrams_are_pictures(site: Path) -> None:
    """No page shows the text of one."""
    text = (site / "index.html").read_text()
    assert '<svg role="img" aria-label="sequence diagram"' in text
    assert '<svg role="img" aria-label="flow chart"' in text
    assert "sequenceDiagram" not in text


def test_a_link_to_a_file_leads_to_a_page_that_shows_it(site: Path) -> None:
    """So no link of a page needs the repository."""
    page = site / "files/examples/explore/lost_reply.py.html"
    assert "An ask that crosses" in page.read_text()
