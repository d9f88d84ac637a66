"""Fingerprints of the code that a saved verdict depends on.

A fingerprint ignores comments, docstrings and layout. So a verdict is explored again
when the program that it depends on has changed, and only then.
"""

import hashlib
import io
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import ccw_actors

__all__ = ["fingerprint", "program_of", "source_between"]

_ROOT: Final = Path(ccw_actors.__file__).parent
_NOT_PROGRAM: Final = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
)
_BLOCKS: Final = {tokenize.INDENT: "{", tokenize.DEDENT: "}"}


@cache
def fingerprint(*parts: str, without: tuple[str, ...] = ()) -> str:
    """Return 12 hexadecimal digits for files and folders below the package.

    It does not depend on what is in the folders `without`.
    """
    left_out = tuple(_ROOT / one for one in without)
    digest = hashlib.sha256()
    for part in parts:
        place = _ROOT / part
        found = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        for file in found:
            if any(map(file.is_relative_to, left_out)):
                continue
            digest.update(file.relative_to(_ROOT).as_posix().encode())
            digest.update(program_of(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:12]


def program_of(text: str) -> str:
    """Return the tokens of a module without comments and docstrings, parted by spaces.

    The result is the same on every version of Python.
    """
    kept: list[str] = []
    line: list[str] = []
    for kind, token in _tokens(text):
        if kind == tokenize.NEWLINE:
            is_docstring = len(line) == 1 and line[0].endswith(('"""', "'''"))
            kept += [] if is_docstring else [*line, "\n"]
            line = []
        elif kind in _BLOCKS:
            kept.append(_BLOCKS[kind])
        elif kind not in _NOT_PROGRAM:
            line.append(token)
    return " ".join(kept)


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Yield the type and the text of each token; an f-string is one token.

    Python 3.12 has tokens for the parts of an f-string, 3.11 has one for the whole.
    """
    lines = text.splitlines(keepends=True)
    depth, begin = 0, (1, 0)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_START":
            begin = begin if depth else token.start
            depth += 1
        elif name == "FSTRING_END":
            depth -= 1
            if not depth:
                yield tokenize.STRING, source_between(lines, begin, token.end)
        elif not depth:
            yield token.type, token.string


def source_between(
    lines: Sequence[str], begin: tuple[int, int], end: tuple[int, int]
) -> str:
    """Return the text between two places (row from 1, column from 0)."""
    (first, left), (last, right) = begin, end
    if first == last:
        return lines[first - 1][left:right]
    between = lines[first : last - 1]
    return "".join((lines[first - 1][left:], *between, lines[last - 1][:right]))
