"""The site in a real Chromium: the search, the verdict table, light and dark."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = [pytest.mark.site, pytest.mark.browser]

TABLE = "docs/generated/verdicts/table.html"
GRID = ".verdict-frame tbody"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a Chromium without a window."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium is installed (Debian: chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def page(
    request: pytest.FixtureRequest, browser: Browser, address: str
) -> Iterator[Page]:
    """Open a page in each scheme of colours; fail if the browser complains.

    It complains of what the content security policy forbids, of files that are not
    there, and of errors in scripts.
    """
    complaints: list[str] = []
    with browser.new_context(base_url=address, color_scheme=request.param) as context:
        opened = context.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
    assert complaints == []


def brightness(page: Page) -> float:
    """Return how bright the page is behind its text, from 0 to 255."""
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    parts = colour[colour.index("(") + 1 : colour.index(")")].split(",")
    return sum(map(float, parts[:3])) / 3


def scheme(page: Page) -> str:
    """Return which scheme of colours the browser asks for."""
    dark: bool = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    return "dark" if dark else "light"


def test_the_search_finds_a_term(page: Page) -> None:
    """From the box of the first page to a page of the runtime."""
    page.goto("index.html")
    page.get_by_placeholder("Search").fill("mailbox")
    page.keyboard.press("Enter")
    found = page.locator("ul.search a", has_text="Mailboxes")
    expect(found.first).to_be_visible()
    found.first.click()
    expect(page.locator("h1")).to_contain_text("Mailboxes")


def test_pages_are_light_or_dark_as_the_reader_wants(page: Page) -> None:
    """Also a diagram is: its words differ from what is behind them."""
    page.goto("index.html")
    assert (brightness(page) > 200) == (scheme(page) == "light")
    fill: str = page.evaluate(
        "getComputedStyle(document.querySelector('.sequence text')).fill"
    )
    colour = fill[fill.index("(") + 1 : -1].split(",")
    assert abs(sum(map(float, colour[:3])) / 3 - brightness(page)) > 100


def test_the_verdict_table_filters(page: Page) -> None:
    """Filters reduce rows and columns, and the address keeps them."""
    page.goto(TABLE)
    expect(page.get_by_role("status")).to_contain_text("of 716 cells")
    filters = page.locator(".verdict-filters")
    filters.get_by_label("Design").select_option("2026")
    filters.get_by_label("Emulator").select_option("qemu")
    filters.get_by_label("Verdict").select_option("refuted")
    expect(page.locator(f"{GRID} tr")).to_have_count(1)
    assert page.locator(f"{GRID} td:not(.refuted)").count() == 0
    expect(page).to_have_url(
        f"{page.url.split('?', maxsplit=1)[0]}"
        "?design=2026&emulator=qemu&verdict=refuted"
    )
    before = page.locator(f"{GRID} td").count()
    page.reload()
    expect(page.locator(f"{GRID} td")).to_have_count(before)
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(f"{GRID} tr").nth(20)).to_be_attached()


def test_a_cell_says_why_and_shows_its_interleaving(page: Page) -> None:
    """Its own address leads to it, and so do the keys of the keyboard."""
    page.goto(f"{TABLE}?design=2026#2026/mail")
    cell = page.locator(".verdict-cell")
    expect(cell).to_contain_text("frees the START's program while the channel owns it")
    expect(cell.locator(".verdict-path tbody tr")).to_have_count(18)
    expect(cell).to_contain_text("vfio_ccw_cp.c")
    page.locator(f"{GRID} a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(cell.locator("h3")).to_contain_text("seed")
    expect(page.locator(f"{GRID} a[aria-current]")).to_have_count(1)
    cell.get_by_role("link", name="all faults of this scenario").click()
    expect(page.locator("h1")).to_contain_text("seed")


def test_a_page_of_the_reference_shows_tables_and_links(page: Page) -> None:
    """A name in a docstring leads to its description."""
    page.goto("api/ccw_actors.runtime.html")
    page.locator("dd a.reference", has_text="receive").first.click()
    assert page.url.endswith("#ccw_actors.runtime.receive")
