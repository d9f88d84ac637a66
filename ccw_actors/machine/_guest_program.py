"""A guest's program, found by its dotted name."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ccw_actors._suggestions import did_you_mean
from ccw_actors.actors.protocol import Operation

__all__ = ["Form", "GuestProgram", "import_named"]


class Form(Enum):
    """A program: a list of operations, a coroutine function, or a blocking function."""

    DATA = "data"
    ASYNC = "async"
    BLOCKING = "blocking"


class GuestProgram:
    """A program and the name it was found by.

    `body` is a coroutine function or a plain (blocking) function, whose first parameter
    is the cpu, or a sequence of operations.

    Raises:
        ValueError: `body` is none of them.
    """

    __slots__ = ("body", "form", "name")

    def __init__(
        self, body: Callable[..., Any] | Sequence[Operation], name: str = ""
    ) -> None:
        self.body = body
        self.name = name or getattr(body, "__name__", type(body).__name__)
        self.form = _form(body, self.name)

    @classmethod
    def find(cls, name: object, folder: Path) -> "GuestProgram":
        """Import a program by its dotted name; see `import_named`.

        Raises:
            ValueError: There is no such name, or it is no program.
        """
        return cls(import_named(name, folder), str(name))

    def misfit(self, arguments: Mapping[str, Any]) -> str | None:
        """Return why the program cannot be called with these arguments, or None."""
        if not callable(self.body):
            return "a program in the form of data takes none" if arguments else None
        try:
            signature = inspect.signature(self.body)
        except ValueError:  # functions written in C may have no signature
            return None
        try:
            signature.bind(None, **arguments)
        except TypeError as error:
            return str(error)
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GuestProgram) and self.body == other.body

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<GuestProgram {self.name} ({self.form.value})>"


def import_named(name: object, folder: Path) -> Any:
    """Import "package.module:callable" or "package.module.callable".

    Modules in `folder` can be imported, also later while the machine runs: it is put in
    front of `sys.path`, as Python does for a script's own folder.

    Raises:
        ValueError: `name` is no such name, or there is nothing of that name.
    """
    expected = 'expected a dotted name such as "package.module:callable"'
    if not isinstance(name, str):
        raise ValueError(f"{expected}, got {name!r}")  # noqa: TRY004 - told to msgspec
    module, colon, path = name.partition(":")
    if not colon:
        module, _, path = name.rpartition(".")
    parts = [*module.split("."), *path.split(".")]
    if not all(part.isidentifier() for part in parts):
        raise ValueError(f"{expected}, got {name!r}")
    found: Any = _imported(module, folder)
    for part in path.split("."):
        found = _attribute(found, part)
    return found


def _form(body: object, name: str) -> Form:
    if inspect.iscoroutinefunction(body):
        return Form.ASYNC
    if callable(body) and not isinstance(body, type):
        return Form.BLOCKING
    if isinstance(body, Sequence) and not isinstance(body, str | bytes):
        steps = cast("Sequence[object]", body)
        wrong = {type(one).__name__ for one in steps if not isinstance(one, Operation)}
        if not wrong:
            return Form.DATA
        raise ValueError(
            f"{name}: expected a sequence of operations, but it has"
            f" {', '.join(sorted(wrong))} in it"
        )
    raise ValueError(
        f"{name}: expected a coroutine function, a function or a sequence of"
        f" operations, got {_described(body)}"
    )


def _described(body: object) -> str:
    if isinstance(body, type):
        return f"the class {body.__name__}"
    return f"a {type(body).__name__}"


def _imported(name: str, folder: Path) -> ModuleType:
    folder = folder.resolve()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise ValueError(f"importing {name} failed: {error}") from error
        raise ValueError(
            f"expected a module that can be imported, but there is no module"
            f" {error.name}, neither installed nor in {folder}"
        ) from error
    except (Exception, SystemExit) as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"importing {name} failed: {text}") from error
    _check_origin(module, folder)
    return module


def _check_origin(module: ModuleType, folder: Path) -> None:
    """Refuse a module of that name from the folder of another machine file."""
    top = module.__name__.partition(".")[0]
    if top == __name__.partition(".")[0]:
        return  # a machine file may be in a clone of this package
    beside = (folder / f"{top}.py").exists() or (folder / top).is_dir()
    origin = getattr(module, "__file__", None)
    if beside and origin and not Path(origin).resolve().is_relative_to(folder):
        raise ValueError(
            f"expected the module {top} in {folder}, but {origin} has taken its name"
        )


def _attribute(owner: object, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        place = getattr(owner, "__name__", repr(owner))
        parts = (f"{place} has no {name}", did_you_mean(name, dir(owner), 1))
        raise ValueError("; ".join(filter(None, parts))) from error
