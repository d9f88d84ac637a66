"""What the documents show is what the code has."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccw_actors.channel import lifecycle

ROOT = Path(__file__).parent.parent
RUNTIME = sorted((ROOT / "docs" / "runtime").glob("*.md"))


def test_life_cycle_page_is_the_table() -> None:
    """The page ends with the table as the code renders it."""
    page = (ROOT / "docs" / "life-cycle.md").read_text()
    assert page.endswith("\n\n" + lifecycle.as_markdown())


def test_every_guarantee_has_a_test() -> None:
    """The tests that the page names are there, one for each promise."""
    page = (ROOT / "docs" / "runtime" / "guarantees.md").read_text()
    rows = [
        line
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith("| promise")
    ]
    assert len(rows) > 30
    for row in rows:
        (named,) = re.findall(r"`(tests/[^`]+)`", row)
        path, _, name = named.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = {node.name for node in tree.body if isinstance(node, functions)}
        assert name in found, named


@pytest.mark.parametrize("page", RUNTIME, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Pages and examples that a page of the runtime names are there."""
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
    for named in re.findall(r"`((?:examples|tests)/[^`:]+)`", text):
        assert (ROOT / named).exists(), named


@pytest.mark.parametrize("page", RUNTIME, ids=lambda page: page.stem)
def test_programs_run(page: Path) -> None:
    """The programs of a page run, one after the other, and print what it shows."""
    text = page.read_text()
    programs = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(programs)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for shown in re.findall(r"```\n\n```text\n(.*?)```", text, re.DOTALL):
        assert shown in done.stdout
