"""Links the first use of a glossary term on each page to docs/glossary.md.

A heading `### CCW` of the glossary is a term; one like `### HSCH, HALT` has several
names. In the running text of a hand-written page, the first use of each term becomes a
link by reference, `[CCW]`, which is defined at the end of the page. The README gets
links in place, which add no lines. Code, headings, tables, comments and other links are
left alone. The tool first takes out what it has written before, so that running it
again changes nothing.

python -m tools.glossary --check   exit status 1 if a link is missing or wrong
python -m tools.glossary --write   puts the links into the pages
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Final

__all__ = [
    "GLOSSARY",
    "NOT_LINKED",
    "PAGES",
    "linked",
    "linked_page",
    "running_text",
    "terms",
    "terms_of",
    "words_of",
]

ROOT: Final = Path(__file__).parent.parent
GLOSSARY: Final = ROOT / "docs" / "glossary.md"
README: Final = ROOT / "README.md"

_NOT_BY_HAND: Final = {"generated", "published.md", "glossary.md"}
PAGES: Final = (
    README,
    *sorted(
        page
        for page in (ROOT / "docs").rglob("*.md")
        if not _NOT_BY_HAND.intersection(page.relative_to(ROOT).parts)
    ),
)
"""The pages that are written by hand."""

NOT_LINKED: Final = frozenset(
    {
        "ask",
        "cell",
        "channel",
        "class",
        "delivery",
        "design",
        "engine",
        "fair, fairness",
        "fault",
        "guest",
        "host",
        "incomplete",
        "region",
        "reply",
        "seed",
        "stash",
        "step",
        "tell",
        "volume",
    }
)
"""Terms that are also everyday words, or that pages explain where they use them."""

_MARK = "<!-- Links to the glossary, by `python -m tools.glossary --write`. -->"
_HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
_CODE: Final = (
    re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL),  # fenced
    re.compile(r"(?:^|(?<=\n\n))(?: {4}.*\n+)+"),  # indented
    re.compile(r"<!--[^>]*begin -->.*?<!--[^>]*end -->", re.DOTALL),  # made by a tool
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)*?(?<!`)\1(?!`)", re.DOTALL),
    re.compile(r"</?[a-zA-Z][^>]*>"),
)
_NO_TEXT: Final = (
    re.compile(r"^ {0,3}#{1,6} .*$", re.MULTILINE),  # headings
    re.compile(r"^.*\n(?=(?:=+|-+)[ \t]*$)", re.MULTILINE),
    re.compile(r"^ *\|.*$", re.MULTILINE),  # tables
    re.compile(r"^ {0,3}\[[^]]+\]:.*$", re.MULTILINE),  # definitions
    re.compile(r"!?\[[^][]*\](?:\([^)]*\)|\[[^][]*\])?"),  # links
    re.compile(r"\bhttps?://\S+"),
)
_ADDRESSES: Final = (
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"^ {0,3}\[[^]]+\]:.*$", re.MULTILINE),
    re.compile(r"\bhttps?://\S+"),
)


def terms(glossary: str) -> dict[str, str]:
    """Return the anchor of each name in a glossary, by the name."""
    return {
        name: _anchor(heading)
        for heading in _HEADING.findall(glossary)
        for name in heading.split(", ")
    }


def terms_of(glossary: str) -> dict[str, str]:
    """Return the same without the terms that are not linked."""
    left_out = {_anchor(heading) for heading in NOT_LINKED}
    found = terms(glossary)
    return {name: at for name, at in found.items() if at not in left_out}


def running_text(page: str) -> str:
    """Return a page in which all but running text is blanked, at the same places."""
    return _blanked(page, (*_CODE, *_NO_TEXT))


def words_of(page: str) -> str:
    """Return a page in which code and addresses are blanked: what a reader reads."""
    return _blanked(page, (*_CODE, *_ADDRESSES))


def linked(
    page: str, names: Mapping[str, str], glossary: str, *, in_place: bool = False
) -> str:
    """Return a page with a link to the first use of each term.

    `names` are anchors by name, `glossary` is the glossary's path as the page sees it.
    """
    text = _unlinked(page, glossary, in_place=in_place)
    places = _first_uses(running_text(text), names)
    for at, found in reversed(places.items()):
        link = f"[{found[0]}]({glossary}#{at})" if in_place else _link(text, found)
        text = text[: found.start()] + link + text[found.end() :]
    if in_place or not places:
        return text
    labels = {" ".join(found[0].split()): at for at, found in places.items()}
    lines = [f"[{label}]: {glossary}#{labels[label]}" for label in sorted(labels)]
    return f"{text.rstrip()}\n\n{_MARK}\n\n" + "\n".join(lines) + "\n"


def linked_page(page: Path) -> str:
    """Return what the file of a page should be."""
    names = terms_of(GLOSSARY.read_text())
    glossary = relpath(GLOSSARY, page.parent)
    return linked(page.read_text(), names, glossary, in_place=page == README)


def _first_uses(text: str, names: Mapping[str, str]) -> dict[str, re.Match[str]]:
    """Return where each term is first used, by its anchor."""
    places: dict[str, re.Match[str]] = {}
    if names:
        for found in _any_of(names).finditer(text):
            places.setdefault(names[_name(found[0], names)], found)
    return places


def _link(text: str, found: re.Match[str]) -> str:
    """Return the link, which must not be taken for another kind of brackets."""
    follows = text[found.end() : found.end() + 1]
    return f"[{found[0]}][]" if follows in {"(", "[", ":"} else f"[{found[0]}]"


def _unlinked(page: str, glossary: str, *, in_place: bool) -> str:
    """Take out the links that this tool has made."""
    if in_place:
        return re.sub(rf"\[([^][]*)\]\({re.escape(glossary)}#[^)]*\)", r"\1", page)
    text, mark, definitions = page.partition(_MARK)
    if not mark:
        return page
    labels = re.findall(r"^\[([^]]+)\]: ", definitions, re.MULTILINE)
    pattern = re.compile(rf"\[({'|'.join(map(_spaced, labels))})\](?:\[\]|(?![\[(:]))")
    for found in reversed(list(pattern.finditer(_blanked(text, _CODE)))):
        text = text[: found.start()] + found[1] + text[found.end() :]
    return f"{text.rstrip()}\n"


def _any_of(names: Mapping[str, str]) -> re.Pattern[str]:
    """Return what finds the longest of the names, also in the plural."""
    longest = sorted(names, key=len, reverse=True)
    choices = "|".join(_spaced(name) for name in longest)
    return re.compile(rf"(?<![\w/.-])(?:{choices})s?(?![\w/]|-\w|\.\w)")


def _spaced(name: str) -> str:
    """Return a pattern for a name: a line may end in it, and a sentence begin."""
    first, rest = re.escape(name[0]), re.escape(name[1:]).replace(r"\ ", r"\s+")
    is_word = name.islower() and len(name) > 3
    return f"[{name[0]}{name[0].upper()}]{rest}" if is_word else first + rest


def _name(found: str, names: Mapping[str, str]) -> str:
    """Return which of the names was found."""
    text = " ".join(found.split())
    for name in (text, text.removesuffix("s")):
        for spelled in (name, name[0].lower() + name[1:]):
            if spelled in names:
                return spelled
    raise AssertionError(f"{text} is no name")


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _blanked(page: str, patterns: Sequence[re.Pattern[str]]) -> str:
    """Return a page with zeros in place of what the patterns find."""
    for pattern in patterns:
        page = pattern.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), page)
    return page


def main() -> None:
    """Check the pages, or write the links."""
    parser = argparse.ArgumentParser(description="Link pages to the glossary.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--check", action="store_true", help="name pages that differ")
    chosen.add_argument("--write", action="store_true", help="write the links")
    arguments = parser.parse_args()
    differ: list[Path] = []
    for page in PAGES:
        new = linked_page(page)
        if new != page.read_text():
            differ.append(page)
            if arguments.write:
                page.write_text(new)
    if arguments.check and differ:
        shown = ", ".join(str(page.relative_to(ROOT)) for page in differ)
        sys.exit(f"run python -m tools.glossary --write for {shown}")


if __name__ == "__main__":
    main()
