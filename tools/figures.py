"""The size and the shape of the code in figures, and the limits that they keep.

    python -m tools.figures [--json] [--check] [FOLDER]

FOLDER is a checkout, this one unless given. `--check` compares the figures with
`LIMITS` and ends with 1 if one is beyond its limit. What is counted, and how:

- module: a file of `ccw_actors` that ends in .py; its lines are all lines. A p90 is the
  value at nine tenths of the sorted list.
- function: a `def` or `async def`, nested ones and methods included, from its `def` to
  its last line, without decorators, with its docstring.
- public function: one whose name begins with no underscore and that has a body. One of
  a protocol, or an overload, is described where it is defined.
- docstring: the lines of the docstrings of modules, classes and functions. Comment:
  lines with a comment, alone or after code. Code: lines with anything else.
- tests: functions in `tests` whose name begins with "test". Tests of the runtime are
  those in `tests/runtime` and `tests/concurrency`, of any other package those in its
  folder.
- complexity: cyclomatic, as radon counts it. A block is a function, a method or a class
  (the mean of its methods); class C begins at 11.
- circle: modules that import each other when the program runs, in a function or not,
  but not for types alone; counted by the graph that import-linter uses.
- wheel: as `python -m build` makes it.

Duplicated lines are not counted: no maintained library finds lines that differ in names
alone. A command of pylint lists lines that are the same to the letter:

    symilar -d 6 --ignore-imports --ignore-signatures $(git ls-files 'ccw_actors/*.py')
"""

import argparse
import ast
import io
import json
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import tokenize
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import grimp
from rich.console import Console
from rich.table import Table

from tools.complexity import complexities

__all__ = ["LIMITS", "NOT_YET", "Limit", "beyond", "figures", "main"]

PACKAGE = "ccw_actors"
FUNCTION_MAX = 60
CLASS_C = 11
TEST_FOLDERS = {
    "runtime": ("runtime", "concurrency"),
    "explore": ("explore",),
    "actors": ("actors",),
    "designs": ("designs",),
}

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


class Limit(NamedTuple):
    """The limit of a figure: at least this, or at most."""

    least: float = float("-inf")
    most: float = float("inf")

    def holds(self, value: float) -> bool:
        """Whether a value is within the limit."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        """Return it in the form that the table shows."""
        if self.most == float("inf"):
            return f">= {self.least:g}"
        return f"<= {self.most:g}"


LIMITS = {
    "module lines, median": Limit(most=132.5),
    "module lines, p90": Limit(most=318),
    "module lines, max": Limit(most=447),
    "function lines, median": Limit(most=6),
    "function lines, p90": Limit(most=18),
    "function lines, max": Limit(most=109),
    "functions over 60 lines": Limit(most=2),
    "public functions with a docstring, %": Limit(least=95),
    "docstring : code": Limit(least=0.213),
    "comment : code": Limit(least=0.0065),
    "comment : code, actors": Limit(least=0.005),
    "comment : code, scenarios": Limit(least=0.0008),
    "tests : source": Limit(least=0.67),
    "tests : source, runtime": Limit(least=1.278),
    "tests : source, explore": Limit(least=0.936),
    "tests : source, actors": Limit(least=0.235),
    "tests : source, designs": Limit(least=0.10),
    "tests": Limit(least=1141),
    "tests with a docstring, %": Limit(least=100),
    "test lines, median": Limit(most=9),
    "test lines, p90": Limit(most=18),
    "test lines, max": Limit(most=42),
    "complexity, mean": Limit(most=2.65),
    "blocks of class C or worse, per 1,000": Limit(most=15),
    "modules in a circle": Limit(most=0),
    "modules with TYPE_CHECKING": Limit(most=22),
    "modules without __all__": Limit(most=3),
    "wheel, KB": Limit(most=700),
}
"""The figures of revision 44a9795: none may become worse. The wheel, which had 887 KB
then, has to come below 700.
"""

NOT_YET: dict[str, float] = {
    "wheel, KB": 1505,
}
"""Figures beyond their limit, and the value that they may not exceed until then."""


@dataclass(frozen=True)
class Source:
    """A file of code."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The text of the file."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def lines(self) -> int:
        """The number of its lines."""
        return len(self.text.splitlines())

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of its syntax tree."""
        return list(ast.walk(ast.parse(self.text)))

    @property
    def has_code(self) -> bool:
        """Whether it has more than a docstring."""
        return bool(self.code_lines)

    @cached_property
    def functions(self) -> list[_Function]:
        """Its functions and methods."""
        return [one for one in self.nodes if isinstance(one, _Function)]

    @cached_property
    def docstring_lines(self) -> set[int]:
        """The numbers of the lines of its docstrings."""
        found: set[int] = set()
        for node in self.nodes:
            if (
                isinstance(node, ast.Module | ast.ClassDef | _Function)
                and ast.get_docstring(node) is not None
            ):
                first = node.body[0]
                found.update(range(first.lineno, (first.end_lineno or 0) + 1))
        return found

    @cached_property
    def comment_lines(self) -> set[int]:
        """The numbers of the lines that have a comment."""
        return {one.start[0] for one in self._tokens() if one.type == tokenize.COMMENT}

    @cached_property
    def code_lines(self) -> set[int]:
        """The numbers of the lines that have code."""
        found: set[int] = set()
        for one in self._tokens():
            if one.type not in _NOT_CODE:
                found.update(range(one.start[0], one.end[0] + 1))
        return found - self.docstring_lines

    def _tokens(self) -> Iterator[tokenize.TokenInfo]:
        return tokenize.generate_tokens(io.StringIO(self.text).readline)


def sources(folder: Path) -> list[Source]:
    """Return the files of code below a folder."""
    return [Source(path) for path in sorted(folder.rglob("*.py"))]


def figures(root: Path, *, wheel: bool = True) -> dict[str, float]:
    """Return the figures of a checkout; with `wheel` that of the wheel as well.

    Raises:
        subprocess.CalledProcessError: radon or the build failed.
    """
    package = sources(root / PACKAGE)
    found = _of_modules(package) | _of_functions(package) | _of_words(root, package)
    found |= _of_tests(root, package) | _of_complexity(root)
    found["modules in a circle"] = len(circles(root))
    found["modules with TYPE_CHECKING"] = sum(
        "TYPE_CHECKING" in one.text for one in package
    )
    found["modules without __all__"] = sum(
        not re.search(r"^__all__\b.* = ", one.text, re.MULTILINE) and one.has_code
        for one in package
    )
    if wheel:
        found["wheel, KB"] = round(wheel_size(root) / 1000, 1)
    return found


def _of_modules(package: Sequence[Source]) -> dict[str, float]:
    lengths = [one.lines for one in package]
    return {"modules": len(package), "lines": sum(lengths)} | _spread(
        "module lines", lengths
    )


def _of_functions(package: Sequence[Source]) -> dict[str, float]:
    functions = [one for source in package for one in source.functions]
    lengths = [_length(one) for one in functions]
    public = [one for one in functions if _is_public(one)]
    return _spread("function lines", lengths) | {
        "functions over 60 lines": sum(one > FUNCTION_MAX for one in lengths),
        "public functions with a docstring, %": _percent(public),
    }


def _of_words(root: Path, package: Sequence[Source]) -> dict[str, float]:
    found = {
        "docstring : code": _share(
            (len(one.docstring_lines), len(one.code_lines)) for one in package
        ),
        "comment : code": _comments(package),
    }
    for part in ("actors", "scenarios"):
        found[f"comment : code, {part}"] = _comments(sources(root / PACKAGE / part))
    return found


def _of_tests(root: Path, package: Sequence[Source]) -> dict[str, float]:
    tests = sources(root / "tests")
    found = {
        "tests : source": _share(
            [(sum(one.lines for one in tests), sum(one.lines for one in package))]
        )
    }
    for part, folders in TEST_FOLDERS.items():
        lines = sum(_lines(root / "tests" / name) for name in folders)
        found[f"tests : source, {part}"] = _share(
            [(lines, _lines(root / PACKAGE / part))]
        )
    functions = [
        one
        for source in tests
        for one in source.functions
        if one.name.startswith("test")
    ]
    return found | {
        "tests": len(functions),
        "tests with a docstring, %": _percent(functions),
        **_spread("test lines", [_length(one) for one in functions]),
    }


def _lines(folder: Path) -> int:
    return sum(one.lines for one in sources(folder))


def _of_complexity(root: Path) -> dict[str, float]:
    blocks = [block for _, block in blocks_of(root / PACKAGE)]
    worse = sum(one >= CLASS_C for one in blocks)
    return {
        "complexity, mean": round(sum(blocks) / len(blocks), 2),
        "blocks of class C or worse": worse,
        "blocks of class C or worse, per 1,000": round(1000 * worse / len(blocks), 1),
    }


def blocks_of(folder: Path) -> list[tuple[str, int]]:
    """Return the functions, methods and classes of a folder, and their complexity.

    A block is named by its file, its line and its name, "cli/_run.py:24 run".
    """
    return [
        (
            f"{path.relative_to(folder)}:{block['lineno']} {block['name']}",
            block["complexity"],
        )
        for path, block in complexities(folder)
    ]


def circles(root: Path) -> set[str]:
    """Return the modules that are in an import-time circle, or between two."""
    with _first_on_path(root):
        graph = grimp.build_graph(
            PACKAGE, exclude_type_checking_imports=True, cache_dir=None
        )
    left = {
        name: graph.find_modules_directly_imported_by(name) for name in graph.modules
    }
    while True:
        known = {one for names in left.values() for one in names}
        ends = {name for name, names in left.items() if not names or name not in known}
        if not ends:
            return set(left)
        left = {name: names - ends for name, names in left.items() if name not in ends}


def wheel_size(root: Path) -> int:
    """Return the size in bytes of the wheel of a checkout."""
    # The backend looks for its own program on PATH, even in a venv not activated.
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [*command, "--outdir", folder, root],
            env=os.environ | {"PATH": path},
            capture_output=True,
            check=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.stat().st_size


@contextmanager
def _first_on_path(root: Path) -> Generator[None]:
    """Import the package of a checkout, not the installed or imported one."""
    imported = sys.modules.pop(PACKAGE, None)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))
        if imported is not None:
            sys.modules[PACKAGE] = imported


def _length(function: _Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def _is_public(function: _Function) -> bool:
    last = function.body[-1]
    is_declared = isinstance(last, ast.Expr) and ast.unparse(last) == "..."
    return not function.name.startswith("_") and not is_declared


def _percent(functions: Sequence[_Function]) -> float:
    with_one = sum(ast.get_docstring(one) is not None for one in functions)
    return round(100 * with_one / len(functions), 1)


def _comments(package: Iterable[Source]) -> float:
    return _share((len(one.comment_lines), len(one.code_lines)) for one in package)


def _share(pairs: Iterable[tuple[int, int]]) -> float:
    """Return the sum of the first over the sum of the second, 0 for no code."""
    firsts, seconds = [sum(column) for column in zip(*pairs, strict=True)] or (0, 0)
    return round(firsts / seconds, 4) if seconds else 0.0


def _spread(what: str, lengths: Iterable[int]) -> dict[str, float]:
    ordered = sorted(lengths)
    return {
        f"{what}, median": statistics.median(ordered),
        f"{what}, p90": ordered[int(len(ordered) * 0.9)],
        f"{what}, max": ordered[-1],
    }


def beyond(found: dict[str, float]) -> list[str]:
    """Return the figures beyond their limit, and entries of `NOT_YET` without need."""
    problems: list[str] = []
    for name, value in found.items():
        limit = LIMITS.get(name, Limit())
        if name not in NOT_YET:
            if not limit.holds(value):
                problems.append(f"{name}: {value:g}, expected {limit}")
        elif limit.holds(value):
            problems.append(f"{name}: {value:g} is within {limit}: not in NOT_YET")
        elif not _as_known(limit, NOT_YET[name]).holds(value):
            problems.append(f"{name}: {value:g}, was {NOT_YET[name]:g}")
    return problems


def _as_known(limit: Limit, value: float) -> Limit:
    """Return a limit of the same kind at another value."""
    return Limit(most=value) if limit.most < float("inf") else Limit(least=value)


def _show(found: dict[str, float]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("limit", justify="right")
    for name, value in found.items():
        limit = str(LIMITS[name]) if name in LIMITS else ""
        if name in NOT_YET:
            limit += f" (not yet: {NOT_YET[name]:g})"
        table.add_row(name, f"{value:,g}" if value < 10**5 else f"{value:,}", limit)
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; return 1 if `--check` finds one beyond its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).parents[1]
    )
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument(
        "--check", action="store_true", help="end with 1 beyond a limit"
    )
    options = parser.parse_args(arguments)
    found = figures(options.folder.resolve())
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)
    problems = beyond(found) if options.check else []
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
