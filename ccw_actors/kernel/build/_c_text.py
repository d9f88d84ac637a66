"""Finds functions, structs and statements in C, well enough to insert lines."""

import re
from typing import NamedTuple

__all__ = ["Span", "bodies", "places", "statement", "without_comments"]

_COMMENT = r"/\*.*?\*/|//[^\n]*"
_LITERAL = r'"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'"
_DIRECTIVE = r"^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n\\]|\\.)*"
_COMMENTS = re.compile(f"({_LITERAL})|{_COMMENT}", re.DOTALL)
_NO_CODE = re.compile(f"{_DIRECTIVE}|{_COMMENT}|{_LITERAL}", re.DOTALL | re.MULTILINE)
_LABEL = re.compile(r"\s*(case\b[^?]*|default\s*|[A-Za-z_]\w*\s*)\Z")
_AFTER_PARAMETERS = re.compile(r"(?:\s|__\w+|\([^()]*\))*\{")


class Span(NamedTuple):
    """Offsets in a text: the first character, and the one after the last."""

    start: int
    end: int


def without_comments(text: str) -> str:
    """Return a text of the same length with blanks for comments."""
    return _COMMENTS.sub(lambda found: found[1] or _blank(found[0]), text)


def _code(text: str) -> str:
    """Return a text of the same length with blanks for all that is no code."""
    return _NO_CODE.sub(lambda found: _blank(found[0]), text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def bodies(text: str, kind: str, name: str) -> list[Span]:
    """Return what is between the braces of each definition.

    `kind` is "function" or "struct".
    """
    code = _code(text)
    depths = _depths(code, "{", "}")
    if kind == "struct":
        heads = re.finditer(rf"\bstruct\s+{re.escape(name)}\b[^;{{}}()]*\{{", code)
        opened = [head.end() - 1 for head in heads]
    else:
        heads = re.finditer(rf"\b{re.escape(name)}\s*\(", code)
        opened = [
            at
            for head in heads
            if (at := _brace_after(code, head.end() - 1)) is not None
        ]
    return [Span(at + 1, _closing(depths, at)) for at in opened if depths[at] == 0]


def _brace_after(code: str, parenthesis: int) -> int | None:
    """Return where the body of a function begins; None if it is no definition."""
    depth = 0
    for at in range(parenthesis, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            found = _AFTER_PARAMETERS.match(code, at + 1)
            return found.end() - 1 if found else None
    return None


def _closing(depths: list[int], opening: int) -> int:
    """Return where the brace that is opened is closed, or the end of the text."""
    inner = depths[opening] + 1
    for at in range(opening + 1, len(depths)):
        if depths[at] < inner:
            return at - 1
    return len(depths)


def _depths(code: str, opening: str, closing: str) -> list[int]:
    """Return for each character how many brackets are open before it."""
    depth, found = 0, list[int]()
    for char in code:
        found.append(depth)
        depth += (char == opening) - (char == closing)
    return found


def places(text: str, body: Span, anchor: str) -> list[int]:
    """Return where an anchor is in the code of a body.

    An anchor that begins or ends with a letter is not found inside a longer name.
    """
    first = r"\b" if re.match(r"\w", anchor) else ""
    last = r"\b" if re.search(r"\w\Z", anchor) else ""
    pattern = re.compile(f"{first}{re.escape(anchor)}{last}")
    code = _code(text)
    return [found.start() for found in pattern.finditer(code, *body)]


def statement(text: str, body: Span, at: int) -> Span:
    """Return the statement, or the head of a block, that has a place of a body.

    A label before it is no part of it.
    """
    code = _code(text)[: body.end]
    start, depth = body.start, 0
    for here in range(body.start, len(code)):
        char = code[here]
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth or char not in ";{}:":
            continue
        if char == ":" and not _LABEL.match(code[start:here]):
            continue
        if here >= at:
            return Span(_first(code, start), here + 1)
        start = here + 1
    return Span(_first(code, start), body.end)


def _first(code: str, start: int) -> int:
    """Return the first place from `start` that is not blank."""
    return start + len(code[start:]) - len(code[start:].lstrip())
