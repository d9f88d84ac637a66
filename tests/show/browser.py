"""A page in a browser: Debian's Chromium, driven by Playwright.

Whatever the page does wrong is noted: an error, a word on the console, a violation of
its policy, a dialog, or a request for anything but the page itself.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Dialog, Locator, Page, sync_playwright

__all__ = ["CHROMIUM", "Opened", "Starter", "started"]

CHROMIUM: Final = Path("/usr/bin/chromium")
SCREENSHOTS: Final = "CCW_ACTORS_SCREENSHOTS"
"""The environment variable with the folder in which screenshots are kept."""

_NOTE_VIOLATIONS: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


class Opened:
    """One page in a tab; `tab` is Playwright's page.

    It may request what begins with `own`.
    """

    def __init__(
        self, browser: Browser, address: str, own: str, **options: Any
    ) -> None:
        self._faults: list[str] = []
        self.tab: Page = browser.new_page(**options)
        self.tab.add_init_script(_NOTE_VIOLATIONS)
        note = self._faults.append
        self.tab.on("pageerror", lambda error: note(f"error: {error}"))
        self.tab.on("console", lambda message: note(f"console: {message.text}"))
        self.tab.on("request", self._requested)
        self.tab.on("dialog", self._dialog)
        self._own = own
        self.tab.goto(address)
        self.tab.wait_for_selector("html[data-ready]")

    def _dialog(self, dialog: Dialog) -> None:
        self._faults.append("dialog")
        dialog.dismiss()

    def _requested(self, request: Any) -> None:
        if request.url != "data:," and not request.url.startswith(self._own):
            self._faults.append(f"request: {request.url}")

    @property
    def faults(self) -> list[str]:
        """What went wrong so far."""
        violations: list[str] = self.tab.evaluate("window.violations")
        return [*self._faults, *violations]

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.tab.keyboard.press(key)

    def search(self, text: str) -> None:
        """Search for a text, and wait for the matches."""
        self.tab.fill("#search", text)
        self.tab.wait_for_function(
            "text => document.getElementById('matches').dataset.query === text",
            arg=text,
        )

    @property
    def selected(self) -> str:
        """What the selected event is, as a screen reader says it; "" for none."""
        found = self.tab.locator('.event[aria-selected="true"]')
        return found.get_attribute("aria-label") or "" if found.count() else ""

    @property
    def events(self) -> Locator:
        """The events that are drawn."""
        return self.tab.locator(".event")

    def places(self) -> dict[str, tuple[int, int]]:
        """Return for each drawn event its type, and its lane and row in pixels."""
        return dict(
            self.tab.evaluate(
                """() => [...document.querySelectorAll(".event")].map(event => [
                  event.getAttribute("aria-label").split(",").slice(0, 2).join(","),
                  [parseInt(event.style.left), parseInt(event.style.top)]])"""
            )
        )

    def accessibility_faults(self) -> list[str]:
        """Return what axe finds: the rule, and the elements that break it."""
        # The package has no types.
        axe: Any = import_module("axe_playwright_python.sync_playwright")
        found: list[dict[str, Any]] = axe.Axe().run(self.tab).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]

    def screenshot(self, name: str) -> Path | None:
        """Keep a screenshot, if there is a folder for it; return its file."""
        folder = os.environ.get(SCREENSHOTS)
        if not folder:
            return None
        file = Path(folder) / f"{name}.png"
        self.tab.screenshot(path=file)
        return file


class Starter:
    """Opens pages in one browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[Opened] = []

    def open(
        self,
        file: Path,
        *,
        width: int = 1400,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
    ) -> Opened:
        """Open a page in a window of that size."""
        address = file.resolve().as_uri()
        return self.visit(address, address, width=width, height=height, scheme=scheme)

    def visit(
        self,
        address: str,
        own: str,
        *,
        width: int = 1400,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
    ) -> Opened:
        """Open the page at an address, which may request what begins with `own`."""
        size = {"width": width, "height": height}
        page = Opened(self._browser, address, own, viewport=size, color_scheme=scheme)
        self._opened.append(page)
        return page

    def close_pages(self) -> None:
        """Close all open pages."""
        for page in self._opened:
            page.tab.close()
        self._opened.clear()


@contextmanager
def started() -> Generator[Starter]:
    """Start a browser, and end it with all its pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        try:
            yield Starter(browser)
        finally:
            browser.close()
