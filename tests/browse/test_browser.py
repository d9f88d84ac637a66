"""The page that the command serves, in a browser."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tests.show.pages import HOSTILE

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe is not installed")

from tests.show.browser import CHROMIUM, Starter, started

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"no {CHROMIUM}: apt-get install chromium"
    ),
]

CARELESS = "examples/explore/lease.py:careless"
LOOKED = 'html[data-looked="true"]'
PATIENCE = 60_000

HOSTILE_SCENARIO = f"""
from ccw_actors.explore import World
from ccw_actors.runtime import Actor, Message, receive

TEXT = {HOSTILE!r}

class Say(Message, frozen=True):
    text: str

class Listener(Actor[Say]):
    @receive
    def say(self, message: Say) -> None:
        pass

def hostile(world: World) -> None:
    one = world.spawn(Listener(), TEXT)
    world.inject(one, Say(TEXT), source=TEXT)
    world.final(TEXT, lambda view: False)
"""


@pytest.fixture(name="starter", scope="module")
def _starter() -> Iterator[Starter]:
    with started() as starter:
        yield starter


@contextmanager
def served(name: str) -> Generator[tuple[str, "subprocess.Popen[str]"]]:
    """Serve a scenario with the command; yield the address, and end it by Ctrl-C."""
    command = [sys.executable, "-m", "ccw_actors", "explore", name, "--browse"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 128 + signal.SIGINT
        assert process.stderr is not None
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


class Walked:
    """A served page, and what it shows."""

    def __init__(
        self,
        starter: Starter,
        address: str,
        scheme: Literal["light", "dark"] = "light",
    ) -> None:
        self.own = address.partition("?")[0]
        self.page = starter.visit(address, self.own, scheme=scheme)
        self.tab = self.page.tab
        self.tab.set_default_timeout(PATIENCE)

    def looked(self) -> None:
        """Wait until it is known of each choice whether it can fail."""
        self.tab.wait_for_selector(LOOKED)

    def at(self, steps: int) -> None:
        """Wait until so many steps are taken."""
        self.tab.wait_for_selector(f'html[data-steps="{steps}"]')

    def findings(self) -> list[str]:
        """Return whether each choice can fail, in the order of the page."""
        found: list[str] = self.tab.locator(".finding").all_inner_texts()
        return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_scenario_is_walked(
    starter: Starter, scheme: Literal["light", "dark"]
) -> None:
    """There and back by keys and clicks, by a link, and to the fault."""
    with served(CARELESS) as (address, _):
        walked = Walked(starter, address, scheme=scheme)
        tab = walked.tab
        assert tab.url == walked.own
        walked.looked()
        assert walked.findings() == ["✕ can fail", "✕ can fail"]
        assert walked.page.accessibility_faults() == []
        tab.keyboard.press("2")
        walked.at(1)
        tab.keyboard.press("j")
        assert "chosen" in (tab.locator(".card").nth(1).get_attribute("class") or "")
        tab.keyboard.press("k")
        tab.click(".card[data-name='lock>bob'] .take")
        walked.at(2)
        walked.looked()
        assert sorted(walked.findings()) == ["✓ cannot fail", *2 * ["✕ can fail"]]
        assert tab.locator(".event").count() == 2
        assert walked.page.accessibility_faults() == []
        walked.page.screenshot(f"browse-walk-{scheme}")
        link = tab.url
        tab.keyboard.press("Backspace")
        walked.at(1)
        tab.go_back()
        walked.at(2)
        tab.goto("about:blank")
        tab.goto(link)
        walked.at(2)
        walked.looked()
        tab.click("#to-fault")
        walked.at(7)
        assert "no write of an old lease" in tab.inner_text(".end")
        assert tab.inner_text("#verdict") == "fault"
        assert tab.locator(".take").count() == 0
        assert walked.page.accessibility_faults() == []
        walked.page.screenshot(f"browse-fault-{scheme}")
        tab.click("#begin")
        walked.at(0)
        assert walked.page.faults == []


def test_open_filters_follow_the_walk(starter: Starter) -> None:
    """Their boxes are those of the place that is shown, and the focus stays."""
    with served(CARELESS) as (address, _):
        walked = Walked(starter, address)
        tab = walked.tab
        assert tab.inner_text("#diagram .empty") == "Nothing has happened yet."
        tab.keyboard.press("f")
        types = tab.get_by_role("group", name="Types").locator("label")
        assert types.all_inner_texts() == ["all of them"]
        tab.click("#to-fault")
        walked.at(7)
        whole = counts(walked)
        assert set(whole) == {"Acquire", "Lease", "Expired", "Write"}
        assert whole == drawn(walked)
        store = tab.locator("#filters").get_by_label("store")
        store.focus()
        tab.go_back()
        walked.at(0)
        assert counts(walked) == {}
        assert store.evaluate("box => box === document.activeElement")
        tab.click(".take >> nth=0")
        walked.at(1)
        ((name, count),) = counts(walked).items()
        assert count == 1
        types.filter(has_text=name).locator("input").uncheck()
        assert tab.locator(".event").count() == 0
        empty = tab.inner_text("#diagram .empty")
        assert empty == "No event passes the filters."
        assert walked.page.faults == []


def counts(walked: Walked) -> dict[str, int]:
    """Return how many events of each type the filters say."""
    labels = walked.tab.get_by_role("group", name="Types").locator("label")
    texts: list[str] = labels.all_inner_texts()
    found = (text.split("\n") for text in texts[1:])
    return {name: int(count) for name, count in found}


def drawn(walked: Walked) -> Counter[str]:
    """Return how many events of each type are drawn."""
    return Counter(walked.tab.locator(".event b").all_inner_texts())


def test_hostile_text_stays_text(starter: Starter, tmp_path: Path) -> None:
    """Names of actors, of sources and of faults, and the content of messages."""
    file = tmp_path / "hostile.py"
    file.write_text(HOSTILE_SCENARIO, encoding="utf-8")
    with served(f"{file}:hostile") as (address, _):
        walked = Walked(starter, address)
        tab = walked.tab
        walked.looked()
        assert walked.findings() == ["✕ fails at once"]
        tab.keyboard.press("1")
        walked.at(1)
        walked.looked()
        assert tab.locator("img, .next b[onclick]").count() == 0
        shown = tab.inner_text("#next")
        assert "</script><img src=x" in shown
        assert "\\u202e" in shown
        assert "\u202e" not in tab.inner_text("body")
        link = tab.url
        assert re.fullmatch(r"#way=[\w-]+", link.removeprefix(walked.own))
        assert walked.page.faults == []


def test_a_bad_link_leads_to_the_beginning(starter: Starter) -> None:
    """Whatever it holds, and the page says so."""
    with served(CARELESS) as (address, _):
        walked = Walked(starter, address)
        for bad in ("#way=!!", "#way=AAAA", "#other", "#way=i1YqLUhRslJQ0lGAAA"):
            walked.tab.goto("about:blank")
            walked.tab.goto(walked.own + bad)
            walked.at(0)
        assert walked.page.faults == []


def test_another_browser_is_refused(starter: Starter) -> None:
    """It has no cookie, and the address without the token is not enough."""
    with served(CARELESS) as (address, _):
        walked = Walked(starter, address)
        chromium = walked.tab.context.browser
        assert chromium is not None
        other = chromium.new_context()
        page = other.new_page()
        answer = page.goto(walked.own)
        assert answer is not None
        assert answer.status == 403
        assert "token is missing" in page.inner_text("body")
        other.close()


def test_the_command_refuses_what_it_cannot_serve() -> None:
    """One line, and exit status 2."""
    for wrong in (
        ["--browse"],
        ["seed", "halt", "--browse"],
        ["seed", "--browse", "--delivery", "unordered"],
        ["seed", "--browse", "--capacity", "2"],
        ["seed", "--browse", "--json"],
        ["seed", "--port", "1"],
        ["nothing", "--browse"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ccw_actors", "explore", *wrong],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"NO_COLOR": "1"},
        )
        assert done.returncode == 2, wrong
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stdout == ""
