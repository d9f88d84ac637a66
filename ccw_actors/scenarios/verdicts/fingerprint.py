"""Fingerprints of code: what a saved verdict rests on.

A fingerprint is that of the program text without comments, docstrings and layout, so
that a verdict is explored again when what it rests on has changed, and only then.
"""

import hashlib
import io
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import Final

import ccw_actors

__all__ = ["fingerprint", "program_of"]

_ROOT: Final = Path(ccw_actors.__file__).parent
_STEPS: Final = _ROOT / "designs" / "linux" / "steps.py"
"""What the steps of a model are called; no model rests on it."""
_NOT_PROGRAM: Final = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
)
_BLOCKS: Final = {tokenize.INDENT: "{", tokenize.DEDENT: "}"}
_STRING_PARTS: Final = frozenset(
    getattr(tokenize, name, -1)
    for name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
)
_IS_F_STRING: Final = re.compile("[rbu]*f[rbu]*['\"]", re.IGNORECASE)
_IN_F_STRING: Final = str.maketrans("", "", " {}\n\t")


@cache
def fingerprint(*parts: str) -> str:
    """Return that of files and folders below the package, 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        place = _ROOT / part
        found = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        files = [file for file in found if file != _STEPS]
        for file in files:
            digest.update(file.relative_to(_ROOT).as_posix().encode())
            digest.update(program_of(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:12]


def program_of(text: str) -> str:
    """Return what of a module's text is program: its tokens, a space between any two.

    In f-strings spaces and braces do not count: Python 3.12 splits them into tokens,
    and 3.11 does not.
    """
    kept: list[str] = []
    line: list[str] = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        depth += (name == "FSTRING_START") - (name == "FSTRING_END")
        if token.type == tokenize.NEWLINE:
            is_docstring = len(line) == 1 and line[0].endswith(('"""', "'''"))
            kept += [] if is_docstring else [*line, "\n"]
            line = []
        elif token.type in _BLOCKS:
            kept.append(_BLOCKS[token.type])
        elif token.type not in _NOT_PROGRAM:
            in_f_string = depth or token.type in _STRING_PARTS
            whole = _IS_F_STRING.match(token.string) is not None
            if in_f_string or whole:
                part = token.string.translate(_IN_F_STRING)
                _join(line, part, goes_on=name != "FSTRING_START" and not whole)
            else:
                line.append(token.string)
    return " ".join(kept)


def _join(line: list[str], part: str, *, goes_on: bool) -> None:
    """Add a part of an f-string to the token that it goes on."""
    if goes_on and line:
        line[-1] += part
    else:
        line.append(part)
