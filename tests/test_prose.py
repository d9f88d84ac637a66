"""The check of the English finds what it should, where a person reads it."""

from pathlib import Path

import pytest

from tools.prose import findings, main

MODULE = '''"""Whoever reads this.

The command `goes by` is code.
"""

# Each class
# is under
# way.
NAME = "by lot"
MESSAGE = f"the file {NAME} is read anew"
'''
PAGE = """\
# It goes by size

A fence is code, and so is `anew`:

```text
whoever
```

<!-- anew -->

| what becomes of it | the the [text](anew.md) |
"""


def lines_of(path: Path) -> list[int]:
    """Return the lines in which something is found."""
    return [int(one.partition(":")[0]) for one in findings(path)]


def test_module_is_read_where_it_is_prose(tmp_path: Path) -> None:
    """Docstrings, comments over several lines and sentences count; code does not."""
    path = tmp_path / "module.py"
    path.write_text(MODULE)
    assert lines_of(path) == [1, 7, 10]


def test_strings_of_tests_are_input(tmp_path: Path) -> None:
    """A test's strings are not prose, its docstrings and comments are."""
    path = tmp_path / "tests" / "module.py"
    path.parent.mkdir()
    path.write_text(MODULE)
    assert lines_of(path) == [1, 7]


def test_page_is_read_where_it_is_prose(tmp_path: Path) -> None:
    """Headings and cells of tables count; code, comments and addresses do not."""
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    assert lines_of(path) == [1, 11, 11]


def test_findings_say_what_to_write(tmp_path: Path) -> None:
    """A finding has the words, and what to write instead of them."""
    path = tmp_path / "page.md"
    path.write_text("It waits for ever,\nand it is under\nway.\n")
    assert [*findings(path)] == [
        "1: 'for ever' is archaic.",
        "2: instead of 'under way': in progress",
    ]


def test_exit_status_says_whether_something_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 with a line for each finding, 0 and silence without one."""
    path = tmp_path / "page.md"
    path.write_text("This is fine.\n")
    with pytest.raises(SystemExit) as ended:
        main([path])
    assert (ended.value.code, capsys.readouterr().out) == (0, "")
    path.write_text("This is done anew.\n")
    with pytest.raises(SystemExit) as ended:
        main([path])
    assert ended.value.code == 1
    assert (
        capsys.readouterr().out == f"{path}:1: instead of 'anew': again, from scratch\n"
    )
