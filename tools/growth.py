"""Which handlers have grown since a revision: in lines, or in cyclomatic complexity.

    python -m tools.growth REVISION [--check]

A handler is a method with `@receive`. Its lines are those from its `def` to its last,
docstring and all; its complexity is what radon counts. `--check` ends with 1 if a
handler has more than five lines more, or is more complex.
"""

import argparse
import ast
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from tools.complexity import complexities

__all__ = ["Change", "Handler", "changes", "handlers", "main"]

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = "ccw_actors"
LINES_MAX: Final = 5


class Handler(NamedTuple):
    """The size of a handler."""

    lines: int
    complexity: int


class Change(NamedTuple):
    """A handler that has grown; `name` is that of its module, class and method."""

    name: str
    before: Handler
    after: Handler

    @property
    def is_too_much(self) -> bool:
        """Whether it has grown by more than a handler should."""
        lines = self.after.lines - self.before.lines
        return lines > LINES_MAX or self.after.complexity > self.before.complexity


def handlers(root: Path) -> dict[str, Handler]:
    """Return the handlers of a checkout by module, class and method.

    Raises `subprocess.CalledProcessError` if radon fails.
    """
    folder = root / PACKAGE
    files = [
        path
        for path in folder.rglob("*.py")
        if "@receive" in path.read_text(encoding="utf-8")
    ]
    lines = {path: dict(_lines(path)) for path in files}
    found: dict[str, Handler] = {}
    for path, block in complexities(*files):
        method = f"{block.get('classname')}.{block['name']}"
        if block["type"] == "method" and method in lines[path]:
            module = path.relative_to(folder).with_suffix("").as_posix()
            size = Handler(lines[path][method], block["complexity"])
            found[f"{module}:{method}"] = size
    return found


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    for kind in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(kind, ast.ClassDef):
            for method in kind.body:
                if isinstance(
                    method, ast.FunctionDef | ast.AsyncFunctionDef
                ) and "receive" in map(ast.unparse, method.decorator_list):
                    end = method.end_lineno or method.lineno
                    yield f"{kind.name}.{method.name}", end - method.lineno + 1


def changes(
    before: Mapping[str, Handler], after: Mapping[str, Handler]
) -> list[Change]:
    """Return the handlers of both that have more lines, or are more complex."""
    both = [Change(name, before[name], after[name]) for name in after if name in before]
    return [
        one
        for one in both
        if one.after.lines > one.before.lines
        or one.after.complexity > one.before.complexity
    ]


def _at(revision: str) -> dict[str, Handler]:
    """Return the handlers of a revision of this repository."""
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", revision, PACKAGE],
        capture_output=True,
        check=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        return handlers(Path(folder))


def _show(grown: Sequence[Change]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("handler", overflow="fold")
    table.add_column("lines", justify="right")
    table.add_column("complexity", justify="right")
    for one in grown:
        lines = f"{one.before.lines} -> {one.after.lines}"
        complexity = f"{one.before.complexity} -> {one.after.complexity}"
        table.add_row(
            one.name, lines, complexity, style="" if not one.is_too_much else "bold"
        )
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the handlers that have grown; `--check` returns 1 if one has too much."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("revision", help="what to compare this checkout with")
    parser.add_argument(
        "--check", action="store_true", help="end with 1 if one has grown too much"
    )
    options = parser.parse_args(arguments)
    try:
        before = _at(options.revision)
    except subprocess.CalledProcessError as error:
        parser.error(error.stderr.decode().strip())
    after = handlers(ROOT)
    grown = changes(before, after)
    same = sum(name in before for name in after)
    _show(grown)
    print(f"{len(grown)} of {same} handlers have grown since {options.revision}")
    return int(options.check and any(one.is_too_much for one in grown))


if __name__ == "__main__":
    sys.exit(main())
