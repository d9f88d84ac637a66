"""Lays out what Sphinx reads, so that links between pages lead to pages of the site.

Pages keep their places. README.md becomes index.md, the first page, with the order of
all others. A link to a file that is no page leads to a page that shows the file, and a
link to a folder to a list of its files.
"""

import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from tools.site import pages_of_api, verdict_data

__all__ = ["PAGES", "ROOT", "lay_out", "rewritten"]

ROOT: Final = Path(__file__).parents[2]
NAVIGATION: Final = tomllib.loads(
    (Path(__file__).parent / "navigation.toml").read_text(encoding="utf-8")
)
PAGES: Final = tuple(
    path.relative_to(ROOT).as_posix()
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
)
"""The pages of the repository that are pages of the site."""

_TABLE: Final = "docs/generated/verdicts/table.md"
_SCENARIOS: Final = "docs/generated/verdicts/scenarios/"
_FENCE: Final = re.compile(r"^ *(```+|~~~+).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(
    r"(?P<before>\]\(|^\[[^\]]+\]: )(?P<target>[^)\s#:]+)(?=[)#\s]|$)", re.MULTILINE
)
_LANGUAGES: Final = {
    ".c": "c",
    ".cff": "yaml",
    ".json": "json",
    ".py": "python",
    ".sh": "sh",
    ".toml": "toml",
}
_ALONE: Final = "---\norphan: true\nnosearch: true\n---\n"
"""The head of a page that no list has, and that the search leaves out."""


def lay_out(folder: Path) -> None:
    """Write into a new folder what Sphinx reads."""
    shown: set[str] = set()
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        _write(folder / _place(page), _page(page, text, shown.add))
    for image in sorted((ROOT / "docs").rglob("*.svg")):
        place = folder / image.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, place)
    for path in sorted(shown):
        _write(folder / _shown_at(path), _showing(path, shown))
    verdict_data.write(folder / "extra" / "verdicts")
    for name, text in pages_of_api.pages().items():
        _write(folder / "api" / name, text)


def _page(page: str, text: str, show: Callable[[str], None]) -> str:
    """Return a page as it is on the site."""
    text = rewritten(page, text, show)
    if page == "README.md":
        lists = (_list(where, of) for where, of in NAVIGATION.items())
        return "\n".join([text, *lists])
    if page == _TABLE:
        scenarios = (one for one in PAGES if one.startswith(_SCENARIOS))
        return verdict_data.with_filters(text) + _list("", scenarios)
    return text


def rewritten(page: str, text: str, show: Callable[[str], None]) -> str:
    """Return the text of a page with the links that it has on the site.

    Calls `show` with the path of each file or folder that is to have a page.
    """

    def link(found: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(page).parent / found["target"])
        if (ROOT / target / "README.md").is_file():
            target += "/README.md"
        if not (ROOT / target).exists() or target.endswith(".svg"):
            return found[0]
        if target not in PAGES:
            show(target)
        there = _place(target) if target in PAGES else _shown_at(target)
        return found["before"] + os.path.relpath(there, PurePosixPath(page).parent)

    parts: list[str] = []
    at = 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(link, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, _LINK.sub(link, text[at:])])


def _place(page: str) -> str:
    """Return the place of a page among what Sphinx reads."""
    return "index.md" if page == "README.md" else page


def _shown_at(path: str) -> str:
    """Return the place of the page that shows a file or a folder."""
    return f"files/{path}.md"


def _list(title: str, pages: Iterable[str]) -> str:
    """Return a list of pages for the side bar."""
    lines = ["```{toctree}", ":hidden:", *([f":caption: {title}"] if title else []), ""]
    lines += [f"/{one.rpartition('.')[0]}" for one in pages]
    return "\n".join(["", *lines, "```", ""])


def _showing(path: str, shown: Iterable[str]) -> str:
    """Return the page that shows a file, or lists a folder."""
    where = ROOT / path
    if where.is_dir():
        return f"{_ALONE}# `{path}`\n\n" + "\n".join(_files(where, set(shown))) + "\n"
    text = where.read_text(encoding="utf-8")
    fence = "`" * max(3, *(len(one) + 1 for one in re.findall("`+", text) or ["``"]))
    language = _LANGUAGES.get(where.suffix, "text")
    head = f"{_ALONE}# `{path}`\n\n{fence}{{code-block}} {language}\n:linenos:\n\n"
    return f"{head}{text.rstrip()}\n{fence}\n"


def _files(folder: Path, shown: set[str]) -> Iterator[str]:
    """Yield a line for each file in a folder: with a link if it has a page."""
    here = folder.relative_to(ROOT)
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        path = file.relative_to(ROOT).as_posix()
        if "__pycache__" in path:
            continue
        name = f"`{file.relative_to(folder)}`"
        at = os.path.relpath(_shown_at(path), PurePosixPath("files") / here.parent)
        yield f"- [{name}]({at})" if path in shown else f"- {name}"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
