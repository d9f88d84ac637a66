"""The documents show what the code has."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from ccw_actors import pytest_plugin
from ccw_actors.cli import app
from ccw_actors.runtime import Mailbox
from ccw_actors.runtime._cell import lifecycle as actor_lifecycle
from ccw_actors.scenarios import SCENARIOS
from ccw_actors.verdicts import CellName, load
from tools.pages import PAGES as GENERATED_PAGES
from tools.pages import differing, left_over
from tools.tutorials import TUTORIALS

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / "docs" / "runtime"
EXPLORE = ROOT / "docs" / "explore"
VERDICTS = ROOT / "docs" / "verdicts"
GENERATED = ROOT / "docs" / "generated"
INDEX = ROOT / "docs" / "README.md"
INDEXES = [folder / "index.md" for folder in (RUNTIME, EXPLORE, VERDICTS)]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN_HERE = [page for page in PAGES if page not in TUTORIALS]
"""The pages whose code is run here: `tests/test_tutorials.py` runs the tutorials."""
TESTED_ELSEWHERE = {
    "coverage": "tests/scenarios/test_coverage.py",
    "pass-through": "tests/test_message_flow.py",
    "subchannel-states": "tests/actors/test_subchannel_work.py",
}
"""The generated pages that take seconds, and the tests that compare them."""

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_TEST = re.compile(r"`(tests/[^`:]+\.py)::(\w+)`")
_SECONDS = re.compile(r"\d+\.\d\d$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page: its language, the file it quotes, where it begins."""

    language: str
    source: str
    text: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(found[1], found[2] or "", found[3], text.count("\n", 0, found.start(3)))
        for found in _BLOCK.finditer(text)
    ]


def program_of(page: Path) -> list[Block]:
    """Return the Python of a page, without the blocks that quote a file."""
    blocks = blocks_of(page)
    return [
        block for block in blocks if block.language == "python" and not block.source
    ]


def rows_of(page: Path, below: str = "") -> list[str]:
    """Return the rows of a page's tables (below a heading), without their heads."""
    text = page.read_text()
    lines = (text.partition(below)[2] if below else text).splitlines()
    heads = {at - 1 for at, line in enumerate(lines) if line.startswith("|---")}
    return [
        line
        for at, line in enumerate(lines)
        if line.startswith("| ") and at not in heads
    ]


def table_of(docstring: str | None) -> str:
    """Return the table in a docstring."""
    assert docstring is not None
    lines = (line.strip() for line in docstring.splitlines())
    return "\n".join(line for line in lines if line.startswith("|"))


def name(page: Path) -> str:
    """Return the name of a page in the names of tests."""
    return f"{page.parent.name}-{page.stem}"


@pytest.mark.parametrize("page", sorted({*GENERATED_PAGES} - {*TESTED_ELSEWHERE}))
def test_generated_pages_are_up_to_date(page: str) -> None:
    """A page is what `python -m tools.pages` writes now."""
    assert not differing([GENERATED_PAGES[page]])


def test_other_generated_pages_have_tests() -> None:
    """Each of the pages that the test above leaves out is named by another one."""
    assert set(TESTED_ELSEWHERE) <= set(GENERATED_PAGES)
    for page, path in TESTED_ELSEWHERE.items():
        assert page in (ROOT / path).read_text(), page


def test_no_generated_page_is_left_over() -> None:
    """Each page in docs/generated has a generator, or is in speed, or it is deleted."""
    assert left_over() == []


def test_what_an_own_design_does_is_what_the_example_prints() -> None:
    """The page shows the output of the example, word for word."""
    script = ROOT / "examples" / "designs" / "own_design.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert done.stdout in (VERDICTS / "index.md").read_text()


def test_findings_are_cells_that_are_refuted() -> None:
    """The first page describes a cell's fault in the words of the table."""
    text = (VERDICTS / "index.md").read_text()
    saved = {CellName.of(cell): cell for cell in load().cells}
    found = re.findall(r"^\| \[([^]]+)\]\([^)]*\) \| (.+?) \| ", text, re.MULTILINE)
    assert len(found) > 15
    for name, what in found:
        cell = saved[CellName.parse(f"verdicts/{name}")[0]]
        said = cell.why or cell.also
        assert said.partition(": ")[2] in what, (name, said)


def test_scenarios_of_the_interface_page_are_there() -> None:
    """Each answer names its exploration or test, and every scenario named exists."""
    text = (ROOT / "docs" / "interface.md").read_text()
    named = set(re.findall(r"`ccw-actors explore ([a-z-]+)`", text))
    assert named <= set(SCENARIOS)
    answers = text.split("\n## ")[1:]
    assert len(answers) == 10
    for answer in answers:
        assert "\nChecked by " in answer, answer.partition("\n")[0]


def test_life_page_has_the_table() -> None:
    """The page of an actor's life has the table of its states."""
    assert f"\n\n{actor_lifecycle.as_markdown()}\n" in (RUNTIME / "life.md").read_text()


@pytest.mark.parametrize(
    ("page", "docstring"),
    [
        ("mailboxes", Mailbox.__doc__),
        ("testing", pytest_plugin.__doc__),
    ],
)
def test_tables_are_those_of_the_code(page: str, docstring: str | None) -> None:
    """A page has the table of a docstring, row by row."""
    assert table_of(docstring) in (RUNTIME / f"{page}.md").read_text()


@pytest.mark.parametrize("page", RUN_HERE, ids=name)
def test_python_runs(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python of a page runs, block by block, and prints the text below it."""
    module = ModuleType(f"docs_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks_of(page):
        if block.language == "python" and not block.source:
            capsys.readouterr()
            code = compile("\n" * block.line + block.text, str(page), "exec")
            exec(code, vars(module))  # noqa: S102 - that is what is tested
        elif block.language == "text":
            assert capsys.readouterr().out == block.text


@pytest.mark.parametrize("page", RUN_HERE, ids=name)
def test_commands_print_what_is_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of a page, in a folder of examples, print the text below them."""
    monkeypatch.setenv("COLUMNS", "88")
    shutil.copytree(ROOT / "examples" / "explore", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for block in blocks_of(page):
        if block.language == "console":
            shown = [one.partition("\n") for one in block.text.split("$ ccw-actors ")]
            for command, _, output in shown[1:]:
                done = CliRunner().invoke(app, shlex.split(command))
                lines = "\n".join(map(str.rstrip, done.stdout.splitlines()))
                expected = output.rstrip("\n")
                assert _SECONDS.sub("0.00", lines) == expected, command


def test_tests_of_the_testing_page_pass(tmp_path: Path) -> None:
    """The tests on the page pass, with the fixtures that it names."""
    program = "\n".join(block.text for block in program_of(RUNTIME / "testing.md"))
    (tmp_path / "test_page.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{program.count('def test_')} passed" in done.stdout, done.stdout


@pytest.mark.parametrize("page", RUN_HERE, ids=name)
def test_quotes_are_the_files(page: Path) -> None:
    """A block that names a file is in that file, word for word."""
    for block in blocks_of(page):
        if block.source:
            assert block.text in (ROOT / block.source).read_text(), block.line


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """The files that a page links to exist."""
    for link in _LINK.findall(page.read_text()):
        assert (page.parent / link).exists(), link


def links_of(page: Path) -> set[Path]:
    """Return the pages that a page links to."""
    links = _LINK.findall(page.read_text())
    return {(page.parent / link).resolve() for link in links} & set(PAGES)


def reached(*, via_index: bool) -> set[Path]:
    """Return the pages that links lead to from docs/README.md.

    With `via_index` only the links of pages that are named index.md are followed.
    """
    todo, found = {INDEX}, {INDEX}
    while todo:
        page = todo.pop()
        if page in (INDEX, *INDEXES) or not via_index:
            links = links_of(page) - found - {ROOT / "README.md"}
            found |= links
            todo |= links
    return found


@pytest.mark.parametrize("page", PAGES[1:], ids=name)
def test_every_page_is_in_an_index(page: Path) -> None:
    """docs/README.md links to each page, or to an index that does.

    To a generated page the links of any page may lead.
    """
    assert page in reached(via_index=GENERATED not in page.parents)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_tests_are_there(page: Path) -> None:
    """The tests that a page names exist."""
    for path, test in _TEST.findall(page.read_text()):
        tree = ast.parse((ROOT / path).read_text())
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert test in {node.name for node in tree.body if isinstance(node, functions)}


@pytest.mark.parametrize(
    ("page", "below", "rows_min"),
    [
        (RUNTIME / "guarantees.md", "", 30),
        (ROOT / "docs" / "files.md", "", 15),
        (EXPLORE / "promise.md", "## What keeps it honest", 10),
        (RUNTIME / "messages.md", "## Evolution", 10),
    ],
    ids=["runtime", "files", "explore", "evolution"],
)
def test_every_guarantee_has_a_test(page: Path, below: str, rows_min: int) -> None:
    """Each row of the page names a test."""
    rows = rows_of(page, below)
    assert len(rows) > rows_min
    for row in rows:
        assert _TEST.search(row), row


@pytest.mark.parametrize(
    ("page", "count"),
    [(RUNTIME / "complaints.md", 23), (EXPLORE / "questions.md", 15)],
    ids=["runtime", "explore"],
)
def test_every_complaint_has_an_answer(page: Path, count: int) -> None:
    """Each row has the complaint's source, and the test or file that answers it."""
    rows = rows_of(page)
    numbers = [row.split(" | ")[0] for row in rows]
    assert numbers == [f"| {number}" for number in range(1, count + 1)]
    for row in rows:
        _, complaint, answer, shown = row.strip("| ").split(" | ")
        assert "](https://github.com/" in complaint
        assert answer
        assert _TEST.search(shown) or _LINK.search(shown), row
