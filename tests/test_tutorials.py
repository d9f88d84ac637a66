"""The tutorials do what they show, from the first file to the last command."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tools.tutorials import TUTORIALS, actions_of, as_run


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_tutorial_prints_what_is_shown(page: Path, tmp_path: Path) -> None:
    """Run in an empty folder, every command prints what stands below it."""
    shown = page.read_text()
    assert as_run(shown, tmp_path) == shown


def test_there_is_one_for_each_reader() -> None:
    """Each of the three writes files and runs commands."""
    assert len(TUTORIALS) == 3
    for page in TUTORIALS:
        kinds = [action.kind for action in actions_of(page.read_text())]
        assert kinds[0] == "file"
        assert kinds.count("file") >= 3
        assert kinds.count("run") >= 4


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_files_are_named_in_the_text(page: Path) -> None:
    """A reader sees which file to write: a fence's own words are not shown."""
    paragraphs = page.read_text().split("\n\n")
    for above, block in pairwise(paragraphs):
        fence = re.match(r"```\w+ \w+=([^\s:]+)", block)
        assert fence is None or f"`{fence[1]}`" in above, block


def test_output_that_differs_is_seen(tmp_path: Path) -> None:
    """A page whose command prints something else does not come back as it was."""
    page = "```python file=a.py\nprint(1)\n```\n```console\n$ python a.py\n{}\n```\n"
    assert as_run(page.format(1), tmp_path) == page.format(1)
    assert as_run(page.format(2), tmp_path) == page.format(1)


def test_files_are_extended_and_changed(tmp_path: Path) -> None:
    """`add` adds at the end, `replace` puts a definition in the place of another."""
    page = """
```python file=a.py
class A:
    x = 1
    def f(self):
        return 1
```
```python add=a.py
print(A().f(), A.x)
```
```python replace=a.py:A.f
    def f(self):
        return 2
```
```console
$ python a.py
2 1
```
"""
    assert as_run(page, tmp_path) == page


def test_definition_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A page cannot replace what no file has."""
    (tmp_path / "a.py").write_text("def f(): ...")
    page = "```python replace=a.py:g\npass\n```\n"
    with pytest.raises(ValueError, match="no definition of g"):
        as_run(page, tmp_path)
