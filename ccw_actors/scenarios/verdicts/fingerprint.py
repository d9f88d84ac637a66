"""Fingerprints of code: what a saved verdict rests on.

A fingerprint is that of the program text without comments, docstrings and layout, so
that a verdict is explored again when what it rests on has changed, and only then.
"""

import hashlib
import io
import tokenize
from functools import cache
from pathlib import Path
from typing import Final

import ccw_actors

__all__ = ["fingerprint"]

_ROOT: Final = Path(ccw_actors.__file__).parent
_LAYOUT: Final = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)
_NOT_COUNTED: Final = str.maketrans("", "", " \n\t{}")


@cache
def fingerprint(*parts: str) -> str:
    """Return that of files and folders below the package, 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        place = _ROOT / part
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        for file in files:
            digest.update(file.relative_to(_ROOT).as_posix().encode())
            digest.update(_program(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:12]


def _program(text: str) -> str:
    """Return what of a module's text is program.

    Spaces and braces do not count: Python 3.12 splits f-strings and 3.11 does not.
    """
    kept: list[str] = []
    line: list[str] = []
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    for token in tokens:
        if token.type == tokenize.NEWLINE:
            is_docstring = len(line) == 1 and line[0].endswith(('"""', "'''"))
            kept += [] if is_docstring else [*line, "\n"]
            line = []
        elif token.type not in _LAYOUT:
            line.append(token.string)
    return "".join(kept).translate(_NOT_COUNTED)
