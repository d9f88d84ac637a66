"""What a person reads in a file: the prose of Markdown pages and Python modules.

The prose has the length and the lines of its file: what is not prose is blank, and code
inside a sentence is signs that are no word. So a place in it is a place in the file.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

Span = tuple[int, int]
"""From the first character to the one after the last."""

_BLOCKS = re.compile(
    r"^```.*?^```$"  # a fenced block
    r"|^ {4,}\S.*?$"  # an indented one
    r"|<!--.*?-->|</?\w+>",
    re.MULTILINE | re.DOTALL,
)
_INSIDE = re.compile(
    r"``.*?``|`[^`]*`"
    r"|\]\([^)]*\)"  # where a link leads
    r"|https?://\S+",
    re.DOTALL,
)
_OPENING = re.compile(r"""[A-Za-z]*(\"{3}|'{3}|["'])""")
_REPLACED = re.compile(r"\{[^{}]*\}")
_SENTENCE = re.compile(r"[A-Za-z,;:']+ [A-Za-z,;:']+ [A-Za-z]+")


def prose_of(path: Path, *, messages: bool = True) -> str:
    """Return the prose of a file: a page, or a module's docstrings and comments.

    With messages, strings of a module that read like a sentence belong to it.
    """
    text = path.read_text()
    if path.suffix == ".py":
        return _prose_of_module(text, messages=messages)
    return _without_code(_BLOCKS.sub(lambda found: _blank(found[0]), text))


def _blank(text: str, sign: str = " ") -> str:
    """Return as many signs, and the same line ends."""
    return re.sub(r"[^\n]", sign, text)


def _without_code(text: str) -> str:
    """Return a text in which code and addresses are no words."""
    return _INSIDE.sub(lambda found: _blank(found[0], "¤"), text)


def _prose_of_module(text: str, *, messages: bool) -> str:
    kept = sorted([*_comments(text), *_strings(text, messages=messages)])
    parts: list[str] = []
    at = 0
    for first, end in kept:
        parts += (_blank(text[at:first]), _without_code(text[first:end]))
        at = end
    return "".join([*parts, _blank(text[at:])])


def _comments(text: str) -> Iterator[Span]:
    """Yield where the comments are, without their signs."""
    starts = _line_starts(text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            first = starts[token.start[0] - 1] + token.start[1]
            yield first + 1, first + len(token.string)


def _strings(text: str, *, messages: bool) -> Iterator[Span]:
    """Yield where the docstrings are and, with messages, the strings of sentences."""
    starts = _line_starts(text)
    tree = ast.parse(text)
    docstrings = {id(node) for node in _docstrings(tree)}
    for node in _outermost_strings(tree):
        span = _position(text, starts, node)
        shown = _REPLACED.sub("", text[slice(*span)])
        if id(node) in docstrings or (messages and _SENTENCE.search(shown)):
            opening = _OPENING.match(text, *span)
            assert opening is not None
            yield opening.end(), span[1] - len(opening[1])


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield strings that are statements: docstrings, also those of constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _outermost_strings(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield plain and formatted strings, and no string that is a part of one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            yield node
        else:
            yield from _outermost_strings(node)


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _position(text: str, starts: list[int], node: ast.expr) -> Span:
    """Return a node's place in characters: ast counts the bytes of a line."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None

    def place(line: int, column: int) -> int:
        first = starts[line - 1]
        before = text[first : starts[line]].encode()[:column]
        return first + len(before.decode())

    return (
        place(node.lineno, node.col_offset),
        place(node.end_lineno, node.end_col_offset),
    )
