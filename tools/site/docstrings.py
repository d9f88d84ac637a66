"""Docstrings, which are Markdown, as the reStructuredText that autodoc reads."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Final

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from tools.site.public import Public, homes, names_of

__all__ = ["as_rst", "setup"]

_SECTION: Final = re.compile(r"(Args|Attributes|Raises|Returns|Yields|Example|Note)s?:")
_ITEM: Final = re.compile(r"\s*(- |\d+\. )")
_CODE: Final = re.compile(r"(`+)(.+?)\1")
_SPECIAL: Final = re.compile(
    r"(?P<emphasis>(\*\*?)(?=\S)[^*]+(?<=\S)\2)|\\|(?<=\w)_(?!\w)|\||\*"
)
_NO_CONVERSION: Final = "Alias for field number"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Convert each docstring before napoleon reads its sections."""
    app.connect("autodoc-process-docstring", _convert, priority=400)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _convert(
    _app: Sphinx,
    _what: str,
    name: str,
    _value: object,
    _options: object,
    lines: list[str],
) -> None:
    lines[:] = as_rst(lines, name)


def _skip(
    _app: Sphinx, _what: str, _name: str, value: object, *_more: object
) -> bool | None:
    """Leave out the fields of named tuples whose only text is Python's own."""
    doc = getattr(value, "__doc__", None)
    return True if isinstance(doc, str) and doc.startswith(_NO_CONVERSION) else None


def as_rst(lines: Sequence[str], where: str) -> list[str]:
    """Return the lines of a docstring as reStructuredText.

    Args:
        lines: The docstring, without the indentation of the code.
        where: The dotted name of what it describes, which its names are near to.
    """
    done: list[str] = []
    in_section = False
    rest = list(lines)
    while rest:
        line = rest[0]
        if line and not line.startswith(" "):
            in_section = _SECTION.fullmatch(line) is not None
        if line.startswith("|"):
            block = _take(rest, lambda one: one.startswith("|"))
            done += ["", *_table(block, where), ""]
        elif line.startswith("```"):
            rest.pop(0)
            block = _take(rest, lambda one: not one.startswith("```"))
            del rest[:1]
            done += _literal(block, line.strip("`") or "text")
        elif line.startswith("    ") and not in_section and _is_new(done):
            block = _take(rest, lambda one: not one or one.startswith("    "))
            done += _literal([one[4:] for one in block], "")
        elif line.endswith(":") and not in_section and _is_deeper(line, rest[1:]):
            rest.pop(0)
            block = _take(rest, partial(_is_below, line))
            done += [_inline(line, where), "", *_definitions(block, where), ""]
        else:
            rest.pop(0)
            if _ITEM.match(line) and done and done[-1].strip():
                done += [""] if not _ITEM.match(done[-1]) and not _in_item(done) else []
            done.append(_inline(line, where))
    return done


def _take(rest: list[str], wanted: Callable[[str], bool]) -> list[str]:
    """Remove and return the first lines that are wanted."""
    count = next((at for at, one in enumerate(rest) if not wanted(one)), len(rest))
    taken = rest[:count]
    del rest[:count]
    return taken


def _is_new(done: Sequence[str]) -> bool:
    """Return whether a paragraph begins, and not inside an item of a list."""
    return (not done or not done[-1].strip()) and not _in_item(done[:-1])


def _in_item(done: Sequence[str]) -> bool:
    """Return whether the last line belongs to an item of a list."""
    for line in reversed(done):
        if _ITEM.match(line):
            return True
        if not line.startswith(" "):
            return False
    return False


def _is_deeper(line: str, after: Sequence[str]) -> bool:
    """Return whether the next line belongs to a line, without an empty one between."""
    return bool(after) and bool(after[0].strip()) and _indent(after[0]) > _indent(line)


def _is_below(line: str, after: str) -> bool:
    return _is_deeper(line, [after])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _definitions(block: Sequence[str], where: str) -> Iterator[str]:
    """Return lines below a line that ends in a colon as a list."""
    deep = _indent(block[0])
    for line in block:
        sign = "- " if _indent(line) == deep and not _ITEM.match(line) else ""
        yield (
            " " * deep
            + (sign or "  " * (_indent(line) > deep))
            + _inline(line.strip(), where)
        )


def _literal(block: Sequence[str], language: str) -> list[str]:
    """Return a block of code: Python, if it is not said and can be read as such."""
    language = language or ("python" if _is_python(block) else "text")
    lines = [f"   {line}" if line else "" for line in block]
    return ["", f".. code-block:: {language}", "", *lines, ""]


def _is_python(block: Sequence[str]) -> bool:
    try:
        ast.parse("\n".join(block))
    except SyntaxError:
        return False
    return True


def _table(block: Sequence[str], where: str) -> Iterator[str]:
    """Return a table of Markdown as a list of lists."""
    yield from (".. list-table::", "   :header-rows: 1", "")
    rows = [re.split(r"(?<!\\)\|", one.strip().strip("|")) for one in block]
    width = len(rows[0])
    for row in [rows[0], *rows[2:]]:
        cells = [*row, *[""] * (width - len(row))]
        for at, cell in enumerate(cells):
            sign = "*" if at == 0 else " "
            text = _inline(cell.strip().replace("\\|", "|"), where)
            yield f"   {sign} - {text}".rstrip()


def _inline(line: str, where: str) -> str:
    """Return a line of text: code stays code, and names that are public are links."""
    parts: list[str] = []
    at = 0
    for found in _CODE.finditer(line):
        parts.append(_plain(line[at : found.start()]))
        parts.append(_code(found[2].strip(), where))
        at = found.end()
        if re.match(r"\w", line[at:]):
            parts.append("\\ ")
    return "".join(parts) + _plain(line[at:])


def _plain(text: str) -> str:
    """Return text in which signs are no markup, but for emphasis."""
    return _SPECIAL.sub(
        lambda found: found[0] if found["emphasis"] else f"\\{found[0]}", text
    )


def _code(text: str, where: str) -> str:
    """Return a piece of code, as a link if it is the name of something public."""
    name = text.removesuffix("()")
    target = _link(name, where) if name.replace(".", "").isidentifier() else None
    if target is None or target == where:
        return f"``{text}``"
    return f":py:obj:`{text} <{target}>`"


def _link(name: str, where: str) -> str | None:
    """Return the dotted name of what a docstring names; None if that is not clear."""
    first, _, member = name.partition(".")
    for module in _above(where):
        if first in _names(module) and (places := _places().get(first)):
            near = [one for one in places if one.module == module] or places
            return str(near[0]) if not member else None
    places = _places().get(first, [])
    if len(places) == 1 and first[:1].isupper() and not member:
        return str(places[0])
    return None


def _above(where: str) -> Iterator[str]:
    """Yield the dotted names above one, the nearest first."""
    while where:
        yield where
        where = where.rpartition(".")[0]


@cache
def _names(module: str) -> frozenset[str]:
    return frozenset(names_of(module)) if module in _modules() else frozenset()


@cache
def _modules() -> frozenset[str]:
    return frozenset(one.module for one in homes().values())


@cache
def _places() -> dict[str, list[Public]]:
    """Return where the reference shows each name."""
    found: dict[str, list[Public]] = {}
    for home in homes().values():
        found.setdefault(home.name, []).append(home)
    return found
