"""Edit scripts: where their lines go, and what is said of those that do not apply."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccw_actors.designs import DESIGNS
from ccw_actors.kernel.build import (
    BuildFailedError,
    Change,
    ChangeError,
    Edit,
    edited,
    read_change,
    shipped_changes,
)

SOURCE = """\
#include <linux/vfio.h>
#include "own.h"
#define start(x) { begin(x); }

/* start() { stop(); } */
struct state {
\tint count;
\tlong size;	/* of count */
};

static int helper(int value);

static int start(struct state *state,
\t\t int value)
{
\tchar *said = "stop(); }";

\tif (state->count &&
\t    value)
\t\treturn -1;
\tswitch (value) {
\tcase 1:
\t\tstop();
\t\tbreak;
\tdefault:
\t\tfor (int i = 0; i < 2; i++)
\t\t\tgo(state,
\t\t\t   said ? i : value);
\t}
\tstop();
\treturn helper(value);
}

#ifdef TWICE
int twice(void)
{
\treturn 1;
}
#else
int twice(void)
{
\treturn 2;
}
#endif
"""


def change_of(**edit: Any) -> Change:
    """Return a change with one edit of the file."""
    made = msgspec.convert({"file": "a.c", "lines": "new();", **edit}, Edit)
    return Change(name="x", title="", purpose="", versions=("6.1",), edits=(made,))


def apply(tree: Path, **edit: Any) -> list[str]:
    """Apply one edit; return the line before the new one, the new one, and the next."""
    (tree / "a.c").write_text(SOURCE)
    lines = edited(change_of(**edit), tree, "6.12.1")["a.c"].splitlines()
    (at,) = [number for number, line in enumerate(lines) if "new();" in line]
    assert [*lines[:at], *lines[at + 1 :]] == SOURCE.splitlines()
    return lines[at - 1 : at + 2]


def refused(tree: Path, **edit: Any) -> str:
    """Return what is said of an edit that does not apply."""
    (tree / "a.c").write_text(SOURCE)
    with pytest.raises(BuildFailedError) as error:
        edited(change_of(**edit), tree, "6.12.1")
    return str(error.value)


def test_before_a_statement(tmp_path: Path) -> None:
    """Lines go before a statement of several lines, with its indentation."""
    found = apply(tmp_path, function="start", before="go(")
    assert found[1:] == ["\t\tnew();", "\t\tfor (int i = 0; i < 2; i++)"]


def test_after_a_statement(tmp_path: Path) -> None:
    """Lines go after the last line of a statement."""
    found = apply(tmp_path, function="start", after="value)", occurrence=1)
    assert found == ["\t\treturn -1;", "\tnew();", "\tswitch (value) {"]
    found = apply(tmp_path, function="start", after="said", occurrence=1)
    assert found[0] == '\tchar *said = "stop(); }";'


def test_after_a_label(tmp_path: Path) -> None:
    """A label is no part of the statement behind it."""
    found = apply(tmp_path, function="start", before="stop(", occurrence=1)
    assert found == ["\tcase 1:", "\t\tnew();", "\t\tstop();"]


def test_inside_a_block(tmp_path: Path) -> None:
    """After the head of a block is inside of the block."""
    found = apply(tmp_path, function="start", after="switch")
    assert found == ["\tswitch (value) {", "\t\tnew();", "\tcase 1:"]


def test_comments_strings_and_macros_are_no_code(tmp_path: Path) -> None:
    """Anchors and functions are not found in them."""
    found = apply(tmp_path, function="start", before="stop(", occurrence=2)
    assert found == ["\t}", "\tnew();", "\tstop();"]
    assert "has 2 of stop(, not 3" in refused(
        tmp_path, function="start", before="stop(", occurrence=3
    )


def test_a_struct(tmp_path: Path) -> None:
    """A member goes into a struct."""
    found = apply(tmp_path, struct="state", after="count")
    assert found == ["\tint count;", "\tnew();", "\tlong size;\t/* of count */"]


def test_a_line_of_the_file(tmp_path: Path) -> None:
    """Without a function the anchor is one of a line, which may be no code."""
    found = apply(tmp_path, after="own.h")
    assert found[:2] == ['#include "own.h"', "new();"]


def test_several_lines_and_edits(tmp_path: Path) -> None:
    """Edits of one file do not see each other's lines, and keep their order."""
    (tmp_path / "a.c").write_text(SOURCE)
    edits = (
        Edit(file="a.c", function="start", before="helper(", lines="one();"),
        Edit(file="a.c", struct="state", after="size", lines="int more;"),
        Edit(
            file="a.c",
            function="start",
            before="return",
            occurrence=2,
            lines="if (x)\n\thelper();\n",
        ),
    )
    change = Change(name="x", title="", purpose="", edits=edits)
    found = edited(change, tmp_path, "6.12.1")["a.c"]
    assert "\tone();\n\tif (x)\n\t\thelper();\n\treturn helper(value);" in found
    assert "/* of count */\n\tint more;\n}" in found


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"file": "b.c", "before": "x"}, "there is no file b.c"),
        ({"function": "begin", "before": "x"}, "a.c has no function begin"),
        ({"function": "helper", "before": "x"}, "a.c has no function helper"),
        ({"struct": "start", "before": "x"}, "a.c has no struct start"),
        ({"function": "twice", "before": "return"}, "2 definitions of function twice"),
        ({"function": "start", "before": "star"}, "a.c: start has no star"),
        ({"struct": "state", "before": "s"}, "a.c: struct state has no s"),
        ({"function": "start", "before": "stop("}, "has 2 of stop(; expected an occ"),
        ({"before": "nowhere.h"}, "a.c has no nowhere.h"),
    ],
)
def test_an_edit_that_does_not_apply(
    tmp_path: Path, edit: dict[str, Any], said: str
) -> None:
    """The error names the edit, the place, and the versions of the change."""
    text = refused(tmp_path, **edit)
    assert text.startswith("x, edit 1: ")
    assert said in text
    assert text.endswith("(this is Linux 6.12.1; the change was tried with 6.1)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 1", "Expected `str`, got `int`"),
        ("x = ", "Invalid value"),
        ('edits = []\nname = "a"\ntitle = ""\npurpose = ""', "at least one edit"),
        ('name = "../a"', "missing required field"),
        ("more = 1", "unknown field `more`"),
    ],
)
def test_a_file_that_is_no_script(tmp_path: Path, text: str, said: str) -> None:
    """The error names the file, and says what is wrong."""
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ChangeError) as error:
        read_change(str(path))
    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({}, "either before or after"),
        ({"before": "a", "after": "b"}, "either before or after"),
        ({"function": "a", "struct": "b", "after": "c"}, "either function or struct"),
        ({"before": "a" * 41}, "at most 40 characters"),
        ({"before": "a", "occurrence": -1}, "counts from 1"),
        ({"before": "a", "file": "../a.c"}, "relative to the root"),
        ({"before": "a", "file": "/a.c"}, "relative to the root"),
    ],
)
def test_an_edit_that_is_wrong(edit: dict[str, Any], said: str) -> None:
    """An edit has one anchor, which is short, in a file of the tree."""
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert({"file": "a.c", "lines": "x", **edit}, Edit)


def test_a_change_that_does_not_exist() -> None:
    """The error has a close name, or else all names."""
    with pytest.raises(ChangeError, match=r"did you mean clear-flag\?"):
        read_change("clear-flg")
    with pytest.raises(ChangeError, match="a file or clear-flag, widen-clear"):
        read_change("/nowhere")


@pytest.mark.parametrize("name", shipped_changes())
def test_a_change_of_this_package(name: str) -> None:
    """It has the name of its file, a title, and a design of the verdict table."""
    change = read_change(name)
    assert change.name == name
    assert change.title
    assert change.purpose
    assert change.versions == ("6.1", "6.12", "7.2")
    assert not change.design or change.design in DESIGNS
