"""Changes under test: edit scripts, which insert our lines into a Linux.

A script has none of Linux' lines. It names a file, a function and an identifier of it,
so it applies to each version that has them.
"""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ccw_actors._suggestions import did_you_mean
from ccw_actors.kernel.build._c_text import (
    Span,
    bodies,
    places,
    statement,
    without_comments,
)
from ccw_actors.kernel.build._errors import BuildFailedError, ChangeError

__all__ = ["Change", "Edit", "edited", "read_change", "shipped_changes"]

_SHIPPED = Path(__file__).parent / "changes"
_ANCHOR_MAX = 40


class Edit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Lines to insert before or after a statement.

    The statement is the one that has an anchor, in the body of `function` or of
    `struct`, or else anywhere in the file: then it is a line, such as that of an
    include. `before` or `after` is the anchor: an identifier, or a call's name with its
    parenthesis. `occurrence` counts from 1, and is needed where the anchor is not
    unique. `lines` are indented as the statement is.
    """

    file: str
    function: str = ""
    struct: str = ""
    before: str = ""
    after: str = ""
    occurrence: int = 0
    lines: str

    def __post_init__(self) -> None:
        if bool(self.before) == bool(self.after):
            raise ValueError("expected either before or after")
        if self.function and self.struct:
            raise ValueError("expected either function or struct")
        if len(self.anchor) > _ANCHOR_MAX or "\n" in self.anchor:
            raise ValueError(
                f"an anchor has at most {_ANCHOR_MAX} characters, one line"
            )
        if self.occurrence < 0:
            raise ValueError("occurrence counts from 1")
        if ".." in Path(self.file).parts or Path(self.file).is_absolute():
            raise ValueError("file is relative to the root of the tree")

    @property
    def anchor(self) -> str:
        """The text to look for."""
        return self.before or self.after

    @property
    def where(self) -> str:
        """What is searched, for an error."""
        inside = self.function or (self.struct and f"struct {self.struct}")
        return f"{self.file}: {inside}" if inside else self.file


class Change(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change under test.

    `name` is a word for names of files. `purpose` says what it is for. `design` is its
    row in the verdict table, "" for none. `versions` are the series that it has been
    tried with, such as "6.12".
    """

    name: str
    title: str
    purpose: str
    design: str = ""
    versions: tuple[str, ...] = ()
    edits: tuple[Edit, ...]

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").isalnum():
            raise ValueError("name has letters, digits and hyphens")
        if not self.edits:
            raise ValueError("expected at least one edit")


def shipped_changes() -> dict[str, Path]:
    """Return the changes that this package has, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"))}


def read_change(name: str) -> Change:
    """Return a change of this package by its name, or that of a file.

    Raises:
        ChangeError: There is none, or the file is not an edit script.
    """
    shipped = shipped_changes()
    path = shipped.get(name) or Path(name)
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Change)
    except FileNotFoundError:
        near = did_you_mean(name, shipped)
        known = f"; {near}" if near else f", expected a file or {', '.join(shipped)}"
        raise ChangeError(f"there is no change {name}{known}") from None
    except OSError as error:
        raise ChangeError(
            f"{path}: {error.strerror}; expected an edit script"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ChangeError(f"{path}: {error}") from error


def edited(change: Change, tree: Path, version: str) -> dict[str, str]:
    """Return the texts of the files that a change changes, by their names.

    Raises:
        BuildFailedError: The tree has no such file, function or anchor, or several.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    texts: dict[str, str] = {}
    for number, edit in enumerate(change.edits, 1):
        try:
            text = texts.get(edit.file) or _read(tree, edit)
            texts[edit.file] = text
            found.setdefault(edit.file, []).append(_insertion(text, edit))
        except _NotFound as error:
            series = ", ".join(change.versions) or "no version"
            raise BuildFailedError(
                f"{change.name}, edit {number}: {error} (this is Linux {version}; the"
                f" change was tried with {series})"
            ) from None
    return {name: _inserted(texts[name], found[name]) for name in found}


class _NotFound(Exception):  # noqa: N818 - becomes an error with its edit's number
    """An edit does not apply; the text says where, and why."""


def _read(tree: Path, edit: Edit) -> str:
    try:
        return (tree / edit.file).read_text()
    except (OSError, UnicodeDecodeError):
        raise _NotFound(f"there is no file {edit.file}") from None


def _insertion(text: str, edit: Edit) -> tuple[int, str]:
    """Return where to insert what."""
    if not (edit.function or edit.struct):
        return _line_insertion(text, edit)
    body = _body(text, edit)
    at = _choice(places(text, body, edit.anchor), edit)
    span = statement(text, body, at)
    line = text.rfind("\n", 0, span.start) + 1
    indent = text[line : line + len(text[line:]) - len(text[line:].lstrip())]
    if edit.before:
        return line, _indented(edit.lines, indent)
    if text[span.end - 1] == "{":
        indent += "\t"
    end = _end_of_line(text, span.end)
    return end, _indented(edit.lines, indent)


def _line_insertion(text: str, edit: Edit) -> tuple[int, str]:
    code = without_comments(text)
    found: list[int] = []
    at = code.find(edit.anchor)
    while at >= 0:
        found.append(at)
        at = code.find(edit.anchor, at + 1)
    at = _choice(found, edit)
    line = text.rfind("\n", 0, at) + 1
    return (line if edit.before else _end_of_line(text, at)), _indented(edit.lines, "")


def _body(text: str, edit: Edit) -> Span:
    kind, name = (
        ("function", edit.function) if edit.function else ("struct", edit.struct)
    )
    found = bodies(text, kind, name)
    if not found:
        raise _NotFound(f"{edit.file} has no {kind} {name}")
    if len(found) > 1:
        raise _NotFound(f"{edit.file} has {len(found)} definitions of {kind} {name}")
    return found[0]


def _choice(found: list[int], edit: Edit) -> int:
    """Return the wanted place of several."""
    if not found:
        raise _NotFound(f"{edit.where} has no {edit.anchor}")
    if edit.occurrence > len(found):
        raise _NotFound(
            f"{edit.where} has {len(found)} of {edit.anchor}, not {edit.occurrence}"
        )
    if len(found) > 1 and not edit.occurrence:
        raise _NotFound(
            f"{edit.where} has {len(found)} of {edit.anchor}; expected an occurrence"
        )
    return found[max(edit.occurrence, 1) - 1]


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _indented(lines: str, indent: str) -> str:
    return "".join(
        f"{indent}{line}\n" if line.strip() else "\n"
        for line in lines.strip("\n").split("\n")
    )


def _inserted(text: str, insertions: list[tuple[int, str]]) -> str:
    """Return a text with insertions; those at one place keep their order."""
    parts: list[Any] = []
    last = 0
    for at, lines in sorted(insertions, key=lambda one: one[0]):
        parts += [text[last:at], lines]
        last = at
    return "".join([*parts, text[last:]])
