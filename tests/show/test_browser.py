"""Pages in a real browser: what a reader sees, clicks and types."""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from msgspec.structs import replace

from ccw_actors._visible import visible
from ccw_actors.show import (
    Picture,
    load_record,
    page_of,
    picture_of_cell,
    picture_of_record,
)
from ccw_actors.verdicts import CellName
from tests.show.pages import (
    HOSTILE,
    everything,
    hostile_trace,
    long_picture,
    picture_of,
    race,
    trace_of,
    two_clients_trace,
    written,
)

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe is not installed")

from tests.show.browser import CHROMIUM, Starter, started

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "verdicts" / "records" / "linux-6.1-attention-lost.json"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"no {CHROMIUM}: apt-get install chromium"
    ),
]


@pytest.fixture(scope="module")
def chromium() -> Generator[Starter]:
    """One browser for the tests of this module."""
    with started() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Starter) -> Generator[Starter]:
    """The browser, whose pages are closed after the test."""
    yield chromium
    chromium.close_pages()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind, as files."""
    folder = tmp_path_factory.mktemp("pages")
    cell = picture_of_cell(CellName.parse("verdicts/v5.12/qemu/seed")[0])
    pictures: dict[str, Picture] = {
        "race": race(),
        "trace": picture_of(two_clients_trace()),
        "fields": picture_of(trace_of(everything())),
        "hostile": picture_of(hostile_trace(), HOSTILE),
        "cell": cell,
        "record": picture_of_record(load_record(RECORD)),
    }
    return {
        name: written(page_of(picture), folder, f"{name}.html")
        for name, picture in pictures.items()
    }


def test_concurrent_events_are_side_by_side(
    browser: Starter, files: dict[str, Path]
) -> None:
    """Rows are causal ranks; in the order of the schedule each event has its own."""
    page = browser.open(files["race"])
    places = page.places()
    assert places["1: alice, Add"][1] == places["2: bob, Add"][1]
    assert places["1: alice, Add"][0] != places["2: bob, Add"][0]
    page.tab.click("#recorded")
    rows = [row for _, row in page.places().values()]
    assert len(rows) == len(set(rows)) == 8
    assert page.faults == []


def test_keys_walk_along_causes(browser: Starter, files: dict[str, Path]) -> None:
    """Left goes to the cause, right to the effect, with Shift along the actor."""
    page = browser.open(files["race"])
    page.press("Home")
    assert page.selected.startswith("1: alice, Add")
    page.press("ArrowRight")
    first = page.selected
    assert "counter, Read, from alice" in first
    page.press("ArrowLeft")
    assert page.selected.startswith("1: alice, Add")
    page.press("ArrowRight", "Shift+ArrowDown")
    assert "counter, Read, from bob" in page.selected
    page.press("Shift+ArrowUp")
    assert page.selected == first
    page.press("End")
    assert "counter, Count" in page.selected
    page.press("Escape")
    assert page.selected == ""


def test_past_and_future_of_an_event(browser: Starter, files: dict[str, Path]) -> None:
    """The events are marked, and said to be in the past, in the future or neither."""
    page = browser.open(files["trace"])
    page.tab.locator(".event", has_text="Count").first.click()
    classes = {
        name: page.tab.locator(f".event.{name}").count()
        for name in ("past", "future", "unrelated")
    }
    assert all(classes.values())
    assert sum(classes.values()) == 7
    page.press("h")
    assert page.tab.locator(".event.past").count() == 0


def test_the_other_order_of_the_race(browser: Starter, files: dict[str, Path]) -> None:
    """The switch exchanges the two events, and keeps the selected one."""
    page = browser.open(files["race"])
    assert page.selected.startswith("7: counter, Count, from alice")
    before = page.places()
    page.press("o")
    assert page.selected.endswith("one of the race")
    assert "counter, Count, from alice" in page.selected
    after = page.places()
    assert before != after
    assert page.tab.get_attribute("#other-order", "aria-pressed") == "true"
    assert page.tab.locator(".line.race").count() == 1
    assert page.tab.locator(".line.cut").count() == 0
    page.press("o")
    assert page.places() == before
    assert page.tab.locator(".line.cut").count() == 1
    page.press("r")
    assert page.selected.startswith("4: counter, Read, from bob")
    page.press("p")
    assert page.tab.inner_text(".mark.cut").startswith("Point of no return.")
    assert page.faults == []


def test_states_before_and_after(browser: Starter, files: dict[str, Path]) -> None:
    """The panel has the fields of the actor's state that an event changes."""
    page = browser.open(files["race"])
    cells = page.tab.locator(".difference tbody tr").locator("th, td").all_inner_texts()
    assert cells == ["count", "0", "1"]


def test_fields_in_hex_and_in_words(browser: Starter, files: dict[str, Path]) -> None:
    """The ORB, the SCSW, the sense bytes and the CCWs of a message are decoded."""
    page = browser.open(files["fields"])
    page.press("Home")
    table = page.tab.inner_text(".fields")
    for text in (
        "0x00002000",
        "P: unlimited prefetch is allowed",
        "key 2",
        "start-pending",
        "command reject",
        "equipment check",
        "EBUSY",
        "ISC 3",
        "CC: the next CCW holds the next command",
        "read ipl",
        "18446744073709551615",
        "unit-check",
    ):
        assert text in table
    copies = page.tab.inner_text(".copies")
    assert "irb.scsw" in copies
    assert "start-pending" in copies


def test_copies_of_the_subchannel_are_side_by_side(
    browser: Starter, files: dict[str, Path]
) -> None:
    """Each layer has a row with FC, AC and SC, as its state has them."""
    page = browser.open(files["cell"])
    rows = page.tab.locator(".copies tbody tr").all_inner_texts()
    layers = {row.split("\n")[0] for row in rows}
    assert {"guest-subchannel", "host"} <= layers
    assert any("0x04" in row and "start" in row for row in rows)


def test_the_code_path_follows_the_selection(
    browser: Starter, files: dict[str, Path]
) -> None:
    """A row is marked for the selected event; a number selects its event."""
    page = browser.open(files["cell"])
    page.tab.click("#tab-code")
    assert "vfio_ccw_sch_io_todo()" in page.tab.inner_text(".code .current")
    assert page.tab.locator(".code thead").inner_text().split() == [
        *("#", "io_mutex", "CPU", "1", "CPU", "2"),
        *("emulator", "worker", "interrupt", "channel"),
    ]
    page.tab.locator(".code .link").first.click()
    number = page.tab.inner_text(".code .current th")
    assert page.selected.startswith(f"{number}: ")
    assert page.faults == []


def test_filters(browser: Starter, files: dict[str, Path]) -> None:
    """Actors and types are hidden and shown; causes go through what is hidden."""
    page = browser.open(files["race"])
    assert page.events.count() == 8
    page.press("Escape", "f")
    filters = page.tab.locator("#filters")
    filters.get_by_label("alice").uncheck()
    assert page.events.count() == 6
    assert page.tab.locator(".line.hidden").count() == 1
    assert "6 shown" in page.tab.inner_text("#filter-button")
    filters.get_by_label("Read").uncheck()
    assert page.events.count() == 4
    page.tab.get_by_role("button", name="Show all").click()
    assert page.events.count() == 8
    for box in ("Actors", "Types"):
        group = filters.get_by_role("group", name=box)
        group.get_by_label("all of them").uncheck()
        assert page.tab.get_by_text("No event passes the filters.").is_visible()
        group.get_by_label("all of them").check()
    assert page.events.count() == 8
    assert page.faults == []


def shorter_other_order() -> Picture:
    """Return a race whose other order ends one event sooner."""
    picture = race()
    first, other = picture.schedules
    return replace(picture, schedules=(first, replace(other, events=other.events[:-1])))


def test_open_filters_follow_the_order(browser: Starter, tmp_path: Path) -> None:
    """The numbers are those of the order that is shown, and the focus stays."""
    page = browser.open(written(page_of(shorter_other_order()), tmp_path))
    page.press("f")
    types = page.tab.get_by_role("group", name="Types")
    count = types.locator("label", has_text="Count")
    count.locator("input").focus()
    assert count.locator("small").inner_text() == "4"
    page.press("o")
    assert count.locator("small").inner_text() == "3"
    page.press("Space")
    assert not count.locator("input").is_checked()
    assert page.events.count() == 4
    page.tab.get_by_role("button", name="Show all").press("Enter")
    assert page.events.count() == 7
    assert page.tab.evaluate("document.activeElement.textContent") == "Show all"
    assert page.faults == []


def test_a_page_without_events_says_so(browser: Starter, tmp_path: Path) -> None:
    """Nothing is filtered there."""
    picture = long_picture(1)
    empty = replace(picture, schedules=(replace(picture.schedules[0], events=()),))
    page = browser.open(written(page_of(empty), tmp_path))
    assert page.tab.inner_text("#diagram .empty") == "There are no events."
    page.press("Home", "PageDown", "ArrowRight", "f")
    assert page.faults == []


def test_search(browser: Starter, files: dict[str, Path]) -> None:
    """It finds types, actors and values, also by their numbers in hexadecimal."""
    page = browser.open(files["fields"])
    counts: dict[str, str] = {}
    for text in ("everything", "sink", "0x2000", "Scsw", "nothing like it"):
        page.search(text)
        counts[text] = page.tab.inner_text("#matches")
    assert counts == {
        "everything": "1 found",
        "sink": "1 found",
        "0x2000": "1 found",
        "Scsw": "1 found",
        "nothing like it": "0 found",
    }


@pytest.mark.parametrize(
    "text",
    [
        "EBUSY",
        "errno 16",
        "channel-end",
        "unlimited prefetch",
        "irb.scsw.dstat",
        "read ipl",
        "0x00002000",
        "8192",
        "0x2000",
        "0xffffffffffffffff",
        "03400000 00000000",
        "0340000000000000",
        "03 40",
        "3 entries",
    ],
)
def test_search_finds_what_the_panel_shows(
    browser: Starter, files: dict[str, Path], text: str
) -> None:
    """Words, fields, numbers in both bases, and bytes with and without spaces."""
    page = browser.open(files["fields"])
    page.search(text)
    assert page.tab.inner_text("#matches") == "1 found"


def test_search_finds_no_part_of_the_encoding(browser: Starter, tmp_path: Path) -> None:
    """Neither keys of JSON nor numbers of types; `[1, 2]` is no Add of number 1."""
    records = (
        ["trace", "ccw-actors", 1],
        ["type", 1, "Values", False, [["items"], ["other"]]],
        ["type", 2, "Orb", False, [["cpa"]]],
        *(
            ["handled", number, 0, 0.0, 1.0, "a", "b", 1, values]
            for number, values in enumerate(
                (
                    [[1, 2], b"\x05"],
                    [[7], {"k": 9}],
                    [[8192], None],
                    [[81920], "\u202e"],
                ),
                1,
            )
        ),
        ["handled", 5, 0, 0.0, 1.0, "a", "b", 2, [-1]],
    )
    trace = b"".join(map(msgspec.msgpack.encode, records))
    page = browser.open(written(page_of(picture_of(trace)), tmp_path))
    found: dict[str, str] = {}
    for text in ("orb", "l", "d", "x", '"n"', "0x1", "0x2000", "\u202e", "\\u202e"):
        page.search(text)
        found[text] = page.tab.inner_text("#matches").removesuffix(" found")
    assert found == {
        "orb": "1",
        "l": "4",
        "d": "0",
        "x": "0",
        '"n"': "0",
        "0x1": "1",
        "0x2000": "1",
        "\u202e": "1",
        "\\u202e": "1",
    }
    page.press("Escape", "End")
    assert page.tab.inner_text(".fields tbody") == "cpa\t-1"
    assert page.faults == []


def test_search_in_many_events_of_their_own(browser: Starter, tmp_path: Path) -> None:
    """Each has another number."""
    page = browser.open(written(page_of(long_picture(20_000)), tmp_path))
    for text, count in (("0x1eef", "1 found"), ("EBUSY", "20,000 found")):
        page.search(text)
        assert page.tab.inner_text("#matches") == count


def test_matches_are_visited(browser: Starter, files: dict[str, Path]) -> None:
    """Enter and n go to the next match, N to the one before; others can be hidden."""
    page = browser.open(files["trace"])
    page.press("Home")
    page.search("Read")
    assert page.tab.inner_text("#matches") == "2 found"
    page.press("Enter")
    first = page.selected
    assert ", Read, " in first
    page.press("Escape", "n")
    assert ", Read, " in page.selected != first
    page.press("N")
    assert page.selected == first
    page.press("f")
    page.tab.get_by_label("Only matches").check()
    assert page.events.count() == 2
    assert page.faults == []


@pytest.mark.parametrize("name", ["race", "trace", "hostile", "cell", "record"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 420)])
def test_no_accessibility_fault(
    browser: Starter,
    files: dict[str, Path],
    name: str,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    """Axe finds none, whatever is open: an event, the filters, the other tabs."""
    page = browser.open(files[name], width=width, scheme=scheme)
    page.screenshot(f"{name}-{scheme}-{width}")
    page.press("End", "f")
    assert page.accessibility_faults() == []
    page.press("f")
    for tab in page.tab.locator('[role="tab"]').all()[1:]:
        tab.click()
        assert page.accessibility_faults() == []
        page.screenshot(f"{name}-{scheme}-{width}-{tab.get_attribute('id')}")
    assert page.faults == []


def test_hostile_text_stays_text(browser: Starter, files: dict[str, Path]) -> None:
    """Names and bytes of a trace are shown as they are, and never obeyed."""
    page = browser.open(files["hostile"])
    count = page.events.count()
    assert count == 4
    seen = ""
    page.press("Home", "f")
    page.tab.locator("#events").focus()
    for _ in range(count):
        seen += page.tab.inner_text("#side")
        page.press("ArrowDown")
    page.search(HOSTILE)
    for tab in page.tab.locator('[role="tab"]').all():
        tab.click()
        seen += page.tab.inner_text("#side")
    shown = HOSTILE.replace("\u202e", r"\u202e").replace("\x07", r"\u0007")
    assert seen.count(shown) > 3
    assert page.tab.inner_text("h1") == visible(HOSTILE)
    assert page.tab.locator("img, b[onclick], iframe, script[src]").count() == 0
    assert page.tab.locator("script").count() == 2
    assert page.faults == []


def test_every_part_of_a_page_is_reached_by_keys(
    browser: Starter, files: dict[str, Path]
) -> None:
    """Tab goes from the buttons to the events and to the panel."""
    page = browser.open(files["race"])
    reached: set[str] = set()
    for _ in range(40):
        page.press("Tab")
        reached.add(page.tab.evaluate("document.activeElement.id"))
    assert {"search", "causal", "other-order", "events", "tab-event"} <= reached


def test_a_long_page_draws_only_what_is_in_view(
    browser: Starter, tmp_path: Path
) -> None:
    """The rows of a long page are drawn as they come into view."""
    page = browser.open(written(page_of(long_picture(20_000)), tmp_path))
    assert page.events.count() < 200
    page.press("End")
    assert page.selected.startswith("20000: ")
    assert page.events.count() < 200
    page.press("Home")
    assert page.selected.startswith("1: ")
    assert page.faults == []


def test_a_page_prints_all_of_its_events(
    browser: Starter, files: dict[str, Path]
) -> None:
    """On paper there are no buttons, and the lanes do not scroll."""
    page = browser.open(files["cell"])
    drawn = page.events.count()
    page.tab.emulate_media(media="print")
    page.tab.wait_for_function(
        "count => document.querySelectorAll('.event').length > count", arg=drawn
    )
    assert page.events.count() == 93
    assert not page.tab.locator(".tools").is_visible()
    assert page.tab.pdf().startswith(b"%PDF")
    assert page.faults == []


def test_the_lanes_of_a_printed_page_fit_on_paper(
    browser: Starter, files: dict[str, Path]
) -> None:
    """However many there are, at 96 dots to an inch of A4 or Letter."""
    page = browser.open(files["cell"])
    page.tab.emulate_media(media="print")
    page.tab.wait_for_function(
        """() => [...document.querySelectorAll(".event, .lane")].every(
          one => one.getBoundingClientRect().right <= 720)"""
    )
    assert page.events.count() == 93


def test_a_long_page_prints_the_rows_in_view(browser: Starter, tmp_path: Path) -> None:
    """It says which they are, and needs few sheets; afterwards it is as before."""
    page = browser.open(written(page_of(long_picture(20_000)), tmp_path))
    page.press("End")
    page.tab.wait_for_timeout(100)
    assert not page.tab.locator(".printed").is_visible()
    before = page.tab.evaluate("document.querySelector('.scroller').scrollTop")
    page.tab.emulate_media(media="print")
    page.tab.wait_for_selector(".printed")
    said = re.fullmatch(
        r"Rows ([\d,]+) to 20,000 of 20,000. "
        "Filter to at most 1,500 rows to print all.",
        page.tab.inner_text(".printed"),
    )
    assert said is not None
    count = 20_001 - int(said[1].replace(",", ""))
    assert 10 < count < 40
    assert page.events.count() == count
    height = page.tab.evaluate("document.querySelector('.rows').offsetHeight")
    assert height == 30 * (count + 1)
    box = page.events.last.bounding_box()
    assert box is not None
    assert box["y"] < 1200
    assert len(re.findall(rb"/Type\s*/Page\b", page.tab.pdf())) < 5
    page.tab.emulate_media(media="screen")
    page.tab.wait_for_selector(".printed", state="hidden")
    after = page.tab.evaluate("document.querySelector('.scroller').scrollTop")
    assert after == before
    assert page.tab.locator('.event[aria-selected="true"]').is_visible()
    assert page.faults == []
