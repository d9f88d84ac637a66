"""What no linter finds: names nobody uses, copies of constants, names given twice."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from tools.figures import blocks_of

ROOT = Path(__file__).parents[1] / "ccw_actors"

HOOKS = {
    "_clock_resolution": "asyncio's event loop reads it",
    "_create_future": "Pykka asks an actor's class for a future",
    "_fut_waiter": "asyncio's debugging tools read it of a task",
    "_start_actor_loop": "Pykka starts an actor with it",
}
"""Private names that other code uses, and which code."""

COPIES = {
    "FROM_ORB": "the specification shares nothing with the table it is held against",
    "HEADER_SIZE": "of two formats of files",
    "ISC": "of the operating system of the host, and of a guest",
    "LABEL_MAX": "of two kinds of diagrams: they may come to differ",
    "LOG": "the explorer's is private",
    "MIB": "a unit, not a choice",
    "NO_OPERATION": "the specification shares nothing with golden vectors",
    "PATIENCE": "of a signal and of a pipe: they may come to differ",
    "SCHID": "the specification shares nothing with the machines of the table",
    "SECTOR": "of a volume's track and of a journal: they may come to differ",
    "SEEK": "the cells of the table rest on few modules",
    "SIGNALS": "the explorer's is private",
    "SIZE_MAX": "of a message and of a counterexample: they may come to differ",
    "SLACK": "of two tables that are cleared away: they may come to differ",
    "STATUS": "the specification shares nothing with a design's emulator",
    "STEPS_MAX": "of a counterexample and of a golden vector: they may come to differ",
    "TRIES": "of a new file, and of one that is opened: they may come to differ",
}
"""Constants that are defined twice with the same value, and why."""

DOUBLES = {
    "COMMANDS": "of disks of tracks, and of disks of blocks",
    "Case": "of golden vectors, and what is special about a design's program",
    "DeadLetter": "of an exploration, encodable; of a recorder, with what was sent",
    "Driver": "of this package, and of the kernel in a design",
    "Failure": "of an actor, and of a track that cannot be had",
    "Progress": "of an exploration, and of a guest",
    "Request": "a message that is answered, and what a region driver writes",
    "Step": "of a counterexample, and of a design",
    "Verdict": "of an exploration, and of a golden vector",
    "load": "golden vectors, and the verdict table",
}
"""Public names that two packages give to different objects, and why."""

LONG = {
    "runtime/_drive/turn.py:step": "a task's step, where asyncio's time is spent",
    "runtime/_kernel/invoker.py:run": "what every message goes through: calls cost",
}
"""Functions of more than 60 lines, and why each is not split."""

FUNCTION_MAX, COMMAND_MAX, COMPLEXITY_MAX = 60, 50, 12

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_NAMED = (*_FUNCTIONS, ast.ClassDef)
_BITS = re.compile(r"\w+\.[A-Z_]+( \| \w+\.[A-Z_]+)+")
_EMPTY_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "it",
        "its",
        "this",
        "that",
        "of",
        "to",
        "be",
        "is",
        "are",
        "and",
        "or",
    ]
)


class Found(NamedTuple):
    """A name, and its place in the code."""

    path: str
    line: int
    name: str

    def __str__(self) -> str:
        """Return it in the form of a compiler's message."""
        return f"{self.path}:{self.line}: {self.name}"


@cache
def trees() -> Mapping[str, ast.Module]:
    """Return the modules of the package by their paths in it."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
        for path in sorted(ROOT.rglob("*.py"))
    }


def unused(modules: Mapping[str, ast.Module]) -> Iterator[Found]:
    """Yield private names that no code uses.

    One of a module is to be used in that module, one of a class or an object anywhere.
    A function that a decorator has registered is used by the code that keeps it.
    """
    uses = {path: _uses(tree) for path, tree in modules.items()}
    everywhere = Counter[str]()
    for names in uses.values():
        everywhere.update(names)
    for path, tree in modules.items():
        for name, whole in _definitions(tree.body):
            if _is_private(name) and uses[path][name] <= _uses(whole)[name]:
                yield Found(path, whole.lineno, name)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for name, part in _definitions(node.body):
                    if _is_private(name) and everywhere[name] <= _uses(part)[name]:
                        yield Found(path, part.lineno, name)
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and _is_private(node.attr)
                and not everywhere[node.attr]
            ):
                yield Found(path, node.lineno, node.attr)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _definitions(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names that statements define, except registered functions."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if not any(isinstance(one, ast.Call) for one in node.decorator_list):
                    yield node.name, node
            case ast.Assign(targets=targets):
                for target in targets:
                    for one in ast.walk(target):
                        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                            yield one.id, node
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node
            case ast.If(body=first, orelse=second):
                yield from _definitions([*first, *second])
            case _:
                pass


def _uses(node: ast.AST) -> Counter[str]:
    """Count the names that are read in a piece of code."""
    found: Counter[str] = Counter()
    for one in ast.walk(node):
        match one:
            case ast.Name(id=name, ctx=ast.Load()) | ast.alias(name=name):
                found[name] += 1
            case ast.Attribute(attr=name, ctx=ast.Load() | ast.Del()):
                found[name] += 1
            case ast.keyword(arg=str(name)):
                found[name] += 1
            case ast.Constant(value=str(name)) if name.isidentifier():
                found[name] += 1
            case ast.MatchClass(kwd_attrs=names):
                found.update(names)
            case _:
                pass
    return found


def copied(modules: Mapping[str, ast.Module]) -> Iterator[list[Found]]:
    """Yield constants that several modules define with the same value.

    Two with the same name are copies, and two that join the same bits, whatever their
    names. A name for what has one elsewhere, as in `_PCI = Cstat.PCI`, is no copy, nor
    is a type variable, which every module needs for itself.
    """
    known: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for path, tree in modules.items():
        for node in tree.body:
            for found, value in _constants(path, node, ""):
                name = "" if _BITS.fullmatch(value) else found.name.strip("_")
                known[name, value].append(found)
            if isinstance(node, ast.ClassDef):
                for part in node.body:
                    for found, value in _constants(path, part, node.name):
                        if _BITS.fullmatch(value):
                            known["", value].append(found)
    for places in known.values():
        if len({found.path for found in places}) > 1:
            yield places


def repeated(modules: Mapping[str, ast.Module]) -> Iterator[list[Found]]:
    """Yield constants of modules that a class of `channel` has, with the same value.

    They have the same name; the value may be written another way, as 2 and `1 << 1`.
    """
    codes = {
        (found.name, number): found
        for path, tree in modules.items()
        if path.startswith("channel/")
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for found, number in _numbers(path, node.body)
    }
    for path, tree in modules.items():
        for found, number in _numbers(path, tree.body):
            known = codes.get((found.name.strip("_"), number))
            if known is not None:
                yield [found, known]


def _numbers(path: str, body: Iterable[ast.stmt]) -> Iterator[tuple[Found, int]]:
    """Yield the constants that statements define and that are numbers."""
    for node in body:
        for found, value in _constants(path, node, ""):
            number = _number(value)
            if number is not None:
                yield found, number


def _number(value: str) -> int | None:
    """Return the number that is written so, None if it is something else."""
    match ast.parse(value, mode="eval").body:
        case ast.Constant(value=int(number)):
            return number
        case ast.BinOp(ast.Constant(int(number)), ast.LShift(), ast.Constant(int(by))):
            return number << by
        case _:
            return None


def _constants(path: str, node: ast.stmt, owner: str) -> Iterator[tuple[Found, str]]:
    """Yield the constant that a statement defines, and its value as text."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            return
    is_alias = isinstance(value, ast.Name | ast.Attribute)
    is_variable = isinstance(value, ast.Call) and ast.unparse(value.func) in {
        "ParamSpec",
        "TypeVar",
    }
    is_constant = name.strip("_").isupper() and not name.startswith("__")
    if is_constant and not is_alias and not is_variable:
        text = ast.unparse(value)
        if owner:
            text = re.sub(r"\b(?=[A-Z_]+\b)", f"{owner}.", text)
        yield Found(path, node.lineno, name), text


def repeats(modules: Mapping[str, ast.Module]) -> Iterator[Found]:
    """Yield functions and classes whose docstring only repeats their name."""
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, _NAMED):
                said = set(
                    re.findall(r"[a-z]+", (ast.get_docstring(node) or "").lower())
                )
                named = {one.lower() for one in re.findall(r"[A-Z]?[a-z]+", node.name)}
                if said and said - _EMPTY_WORDS <= named:
                    yield Found(path, node.lineno, node.name)


def doubles() -> Iterator[str]:
    """Yield public names that packages give to different objects."""
    meanings: dict[str, dict[int, str]] = defaultdict(dict)
    for path in trees():
        package = path.removesuffix("/__init__.py").replace("/", ".")
        if path.endswith("/__init__.py") and "._" not in package:
            module = import_module(f"ccw_actors.{package}")
            for name in getattr(module, "__all__", ()):
                meanings[name].setdefault(id(getattr(module, name)), package)
    for name, packages in meanings.items():
        if len(packages) > 1:
            yield f"{name}: {', '.join(packages.values())}"


def lengths() -> Iterator[tuple[str, int]]:
    """Yield the functions of the package, and how many lines each has."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, _FUNCTIONS):
                length = (node.end_lineno or 0) - node.lineno + 1
                yield f"{path}:{node.name}", length


@cache
def all_unused() -> list[Found]:
    """Return the private names of the package that no code uses."""
    return list(unused(trees()))


@cache
def all_copied() -> list[list[Found]]:
    """Return the constants of the package that stand twice."""
    return list(copied(trees()))


def test_private_names_are_used() -> None:
    """Every private name has a use."""
    found = [one for one in all_unused() if one.name not in HOOKS]
    assert [str(one) for one in found] == []


def test_constants_stand_once() -> None:
    """No constant is a copy of one in another module."""
    groups = [
        list(map(str, group))
        for group in (*all_copied(), *repeated(trees()))
        if group[0].name.strip("_") not in COPIES
    ]
    assert groups == []


def test_what_is_excepted_is_found() -> None:
    """Each exception in the lists above still applies."""
    lost = {one.name for one in all_unused()}
    twice = {one.name.strip("_") for group in all_copied() for one in group}
    assert set(HOOKS) - lost == set()
    assert set(COPIES) - twice == set()
    assert set(DOUBLES) - {one.partition(":")[0] for one in doubles()} == set()
    assert set(LONG) == {name for name, length in lengths() if length > FUNCTION_MAX}


def test_docstrings_say_more_than_the_name() -> None:
    """No docstring only repeats the name."""
    assert [str(one) for one in repeats(trees())] == []


def test_public_names_of_rooms_mean_one_thing() -> None:
    """No two packages export the same name for different objects."""
    assert [one for one in doubles() if one.partition(":")[0] not in DOUBLES] == []


def test_functions_are_short() -> None:
    """A function has at most 60 lines, one of the command line 50."""
    found = {
        name: length
        for name, length in lengths()
        if length > (COMMAND_MAX if name.startswith("cli/") else FUNCTION_MAX)
    }
    assert set(found) - set(LONG) == set()


def test_commands_are_simple() -> None:
    """No function of the command line has a complexity of more than twelve."""
    found = {
        name: ways for name, ways in blocks_of(ROOT / "cli") if ways > COMPLEXITY_MAX
    }
    assert found == {}


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("_A = 1", ["_A"]),
        ("_A, _B = 1, 2\nprint(_A)", ["_B"]),
        ("def _f():\n    return _f()", ["_f"]),
        ("class C:\n    def _m(self): ...", ["_m"]),
        ("class C:\n    def m(self):\n        self._x = 1", ["_x"]),
        ("_A = 1\nprint(_A)", []),
        ("class C:\n    _m: int\n\nC(_m=1)", []),
        ("@app.command()\ndef _f(): ...", []),
    ],
)
def test_unused_names_are_found(program: str, names: list[str]) -> None:
    """A constant, function, method or attribute without a use is found."""
    found = list(unused({"one.py": ast.parse(program)}))
    assert [one.name for one in found] == names


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("_A = 4096", "A = 4096", 1),
        ("A: Final = 1 << 4", "A = 1 << 4", 1),
        ("_A = B.X | B.Y", "_C = 1\nclass B:\n    XY: Final = X | Y", 1),
        ("_A = 4096", "_B = 4096", 0),
        ("_A = B.X", "_A = B.X", 0),
        ('T = TypeVar("T")', 'T = TypeVar("T")', 0),
        ("_A = 1", "_A = 2", 0),
    ],
)
def test_copies_are_found(one: str, other: str, count: int) -> None:
    """A constant that another module has with that value is found."""
    modules = {"one.py": ast.parse(one), "other.py": ast.parse(other)}
    assert len(list(copied(modules))) == count


@pytest.mark.parametrize(
    ("constant", "count"),
    [("_BUSY = 2", 1), ("BUSY: Final = 0x02", 1), ("_BUSY = 3", 0), ("_B = 2", 0)],
)
def test_repeated_codes_are_found(constant: str, count: int) -> None:
    """A constant that a class of `channel` has is found, however it is written."""
    codes = "class Cc:\n    DONE: Final = 0\n    BUSY: Final = 1 << 1"
    modules = {"channel/_codes.py": ast.parse(codes), "one.py": ast.parse(constant)}
    assert len(list(repeated(modules))) == count


def test_empty_docstrings_are_found() -> None:
    """A docstring that only repeats the name is found; others are not."""
    program = """
def stop_actor():
    '''Stop the actor.'''

def stop():
    '''Stop after the message in hand.'''
"""
    found = list(repeats({"one.py": ast.parse(program)}))
    assert [one.name for one in found] == ["stop_actor"]
