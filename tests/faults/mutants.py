"""Small faults of the production actors, one at a time, as source text.

A condition is negated, or loses an operand; a comparison is off by one; an assignment
to an actor's state is dropped, or a case, or its guard. cosmic-ray replaces operators.
This module drops code, for which cosmic-ray has no operators.
"""

import ast
import difflib
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

__all__ = ["MODULES", "Mutant", "dropped_of", "mutants_of", "path_of", "source_of"]

ROOT: Final = Path(__file__).parents[2]
MODULES: Final = (
    "driver",
    "cio",
    "cio_state",
    "guest_status",
    "guest_subchannel",
    "subchannel",
    "subchannel_functions",
    "subchannel_status",
    "channel_program_run",
)
"""The modules in the folders of `ccw_actors.actors` that are broken."""

OPERATORS: Final = (
    "AddNot",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_GtE_Gt",
)
"""Operators of cosmic-ray."""


class Mutant(NamedTuple):
    """A fault: where it is, what it does, and the whole source with it in it.

    `name` stays the same while the broken line does, wherever the line moves.
    """

    module: str
    kind: str
    where: str
    change: str
    source: str
    line: int

    @property
    def name(self) -> str:
        """The name that a test shows."""
        return f"{self.module}.{self.where}: {self.kind}: {self.change}"


def path_of(module: str) -> Path:
    """Return the path of a module of the actors, not of their messages."""
    places = (ROOT / "ccw_actors" / "actors").glob(f"*/_{module}.py")
    (path,) = (place for place in places if place.parent.name != "protocol")
    return path


def source_of(module: str) -> str:
    """Return the source of a module."""
    return path_of(module).read_text()


def mutants_of(module: str) -> list[Mutant]:
    """Return every fault of a module; equal ones are left out."""
    source = source_of(module)
    return _named(module, source, (*_replaced(source), *_dropped(source)))


def dropped_of(module: str) -> list[Mutant]:
    """Return the faults that leave code out, which need no library."""
    source = source_of(module)
    return _named(module, source, _dropped(source))


def _named(
    module: str, source: str, changes: Iterable[tuple[str, str]]
) -> list[Mutant]:
    functions = _functions(source)
    found: dict[str, Mutant] = {}
    names: dict[str, int] = {}
    for kind, changed in changes:
        if changed in found or not _compiles(changed):
            continue
        line, change = _change(source, changed)
        where = functions.get(line, "")
        if not where:
            continue  # Tables, types and constants are no behaviour of their own.
        mutant = Mutant(module, kind, where, change, changed, line)
        count = names[mutant.name] = names.get(mutant.name, 0) + 1
        if count > 1:
            mutant = mutant._replace(change=f"{change} ({count})")
        found[changed] = mutant
    return list(found.values())


def _replaced(source: str) -> Iterator[tuple[str, str]]:
    # An extra, which not everybody has who tests.
    mutate_code: Any = import_module("cosmic_ray.mutating").mutate_code
    get_operator: Any = import_module("cosmic_ray.plugins").get_operator
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        occurrence = 0
        while (changed := mutate_code(source, operator, occurrence)) is not None:
            yield name, changed
            occurrence += 1


def _dropped(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(targets=[target]) if _is_state(target):
                yield "drop assignment", _without(source, node, "pass")
            case ast.AugAssign(target=target) if _is_state(target):
                yield "drop assignment", _without(source, node, "pass")
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="happened"))):
                yield "drop event", _without(source, node, "pass")
            case ast.BoolOp(values=values):
                for operand in values:
                    neutral = "True" if isinstance(node.op, ast.And) else "False"
                    yield "drop operand", _without(source, operand, neutral)
            case ast.match_case(pattern=pattern, guard=guard):
                if guard is not None:
                    yield "drop guard", _without(source, guard, "True")
                    yield "drop case", _without(source, guard, "False")
                elif ast.get_source_segment(source, pattern) != "_":
                    yield "drop case", _after(source, pattern, " if False")
            case _:
                pass


def _is_state(target: ast.expr) -> bool:
    """Whether an assignment changes an actor's state, at least in part."""
    if isinstance(target, ast.Tuple):
        return any(_is_state(one) for one in target.elts)
    return isinstance(target, ast.Attribute)


def _offset(lines: list[str], line: int, column: int) -> int:
    """Return where in the source a node's position is; columns count bytes."""
    before = lines[line - 1].encode()[:column].decode()
    return sum(map(len, lines[: line - 1])) + len(before)


def _span(source: str, node: ast.AST) -> tuple[int, int]:
    lines = source.splitlines(keepends=True)
    begin = _offset(lines, node.lineno, node.col_offset)  # type: ignore[attr-defined]
    end = _offset(lines, node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
    return begin, end


def _without(source: str, node: ast.AST, instead: str) -> str:
    begin, end = _span(source, node)
    return source[:begin] + instead + source[end:]


def _after(source: str, node: ast.AST, text: str) -> str:
    end = _span(source, node)[1]
    return source[:end] + text + source[end:]


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _change(source: str, changed: str) -> tuple[int, str]:
    """Return the line that is changed first, and the change as text."""
    before, after = source.splitlines(), changed.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    ((_, a, b, c, d),) = [one for one in matcher.get_opcodes() if one[0] != "equal"]
    old = " ".join(line.strip() for line in before[a:b])
    new = " ".join(line.strip() for line in after[c:d])
    return a + 1, f"{old} => {new}"


def _functions(source: str) -> dict[int, str]:
    """Return the name of the function that each line is in."""
    found: dict[int, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for line in range(node.body[0].lineno, (node.end_lineno or 0) + 1):
                found[line] = node.name
    return found
