"""Which scenario a name on the command line is.

| name | what it is |
|---|---|
| `clear-twice` | a scenario of this package, see `ccw-actors explore --list` |
| `verdicts/DESIGN/EMULATOR/SCENARIO` | a cell of the verdict table |
| `verdicts/DESIGN/SCENARIO` | a cell without an emulator: threads write the regions |
| `package.module:name` | a scenario in a module that can be imported |
| `path/file.py:name`, `path/test_file.py::name` | a scenario in a file |

A scenario in a module or a file is a function that takes a World, or a
TransitionSystem.

The first three come with this package. The others are the user's own code, which runs
when its module is imported: only for a name that the user has given on the command
line, never for one in a counterexample's file.
"""

import importlib
import importlib.util
import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, cast

from ccw_actors._suggestions import did_you_mean
from ccw_actors.cli._own_code import why_failed
from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import Counterexample, Scenario, TransitionSystem, World
from ccw_actors.scenarios import SCENARIOS
from ccw_actors.verdicts import CellName, CellNameError, cell_scenario

__all__ = [
    "Explored",
    "ScenarioNameError",
    "find_predicate",
    "find_scenario",
    "replay_command",
    "scenario_of",
    "scenarios_of",
    "shipped_scenario",
]

Explored: TypeAlias = Scenario | TransitionSystem[Any, Any]


class ScenarioNameError(CcwActorsError):
    """No scenario has that name."""


def shipped_scenario(name: str) -> Explored | None:
    """Return a scenario that comes with this package, None for another name.

    Imports nothing. Raises `ScenarioNameError` for a cell that does not exist.
    """
    if not CellName.is_one(name):
        return SCENARIOS.get(name)
    try:
        return cell_scenario(*CellName.parse(name))
    except CellNameError as error:
        raise ScenarioNameError(str(error)) from error


def scenario_of(file: Path, known: Counterexample, name: str) -> Explored:
    """Return the scenario of a counterexample in a file: that of `name`, if given.

    Raises `ScenarioNameError` if there is none, or if no name is given and the scenario
    does not come with this package.
    """
    found = find_scenario(name) if name else shipped_scenario(known.scenario)
    if found is None:
        raise ScenarioNameError(
            f"{file}: its scenario {known.scenario!r} does not come with the package."
            " If you trust that code, name it with --scenario FILE:NAME"
        )
    return found


def replay_command(file: Path, name: str) -> str:
    """Return the command that replays a counterexample of a scenario."""
    own = [] if shipped_scenario(name) is not None else ["--scenario", name]
    return shlex.join(["ccw-actors", "replay", str(file), *own])


def find_scenario(name: str) -> Explored:
    """Return the scenario of a name that the user has given.

    Raises `ScenarioNameError`.
    """
    shipped = shipped_scenario(name)
    if shipped is not None:
        return shipped
    if ":" not in name:
        raise ScenarioNameError(_why_none(name))
    found = _named(name)
    if not _is_scenario(found):
        raise ScenarioNameError(
            f"{name}: expected a function of one World or a TransitionSystem"
        )
    return cast("Explored", found)


def _why_none(name: str) -> str:
    """Return what is wrong with a name without a colon, and names close to it."""
    if name.endswith(".py"):
        has = ", ".join(scenarios_of(name)) or "no scenario"
        return f"{name}: expected FILE:NAME; the file has {has}"
    hint = did_you_mean(name, SCENARIOS) or "see explore --list"
    return f"no scenario has the name {name!r}; {hint}"


def find_predicate(name: str) -> Callable[[Any], object]:
    """Return the function of a name like `file.py:function`.

    Raises `ScenarioNameError`.
    """
    found = _named(name)
    if not callable(found) or not _takes_one(found):
        raise ScenarioNameError(f"{name}: expected a function of one argument")
    return cast("Callable[[Any], object]", found)


def scenarios_of(file: str) -> dict[str, Explored]:
    """Return the scenarios that a file defines, by name.

    Those are transition systems, and functions of the file whose one parameter is named
    `world` or annotated as a `World`. Raises `ScenarioNameError`.
    """
    module = _module(file)
    return {
        name: cast("Explored", value)
        for name, value in vars(module).items()
        if not name.startswith("_") and _is_offered(value, module.__name__)
    }


def _is_offered(value: object, module: str) -> bool:
    """Whether a value is a scenario that this module defines."""
    if isinstance(value, TransitionSystem):
        return True
    return getattr(value, "__module__", "") == module and _wants_a_world(value)


def _wants_a_world(value: object) -> bool:
    if not inspect.isfunction(value) or not _takes_one(value):
        return False
    first = next(iter(inspect.signature(value).parameters.values()), None)
    named = first is not None and first.name == "world"
    return named or (first is not None and first.annotation in (World, "World"))


def _named(name: str) -> object:
    """Return the value that has a name like `file.py:name` or `module:name`."""
    where, _, what = name.partition("::" if "::" in name else ":")
    module = _module(where)
    found = getattr(module, what, None) if what else None
    if found is None:
        raise ScenarioNameError(f"{name}: {where} has no {what!r}")
    return found


def _module(where: str) -> ModuleType:
    path = Path(where)
    is_file = path.suffix == ".py"
    if is_file and not path.is_file():
        raise ScenarioNameError(f"{where}: no such file")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return _loaded(path) if is_file else importlib.import_module(where)
    except (Exception, SystemExit) as error:
        text = f"{where}: cannot be loaded: {why_failed(error)}"
        raise ScenarioNameError(text) from error


def _loaded(path: Path) -> ModuleType:
    sys.path.insert(1, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None, "a file that ends with .py has a spec"
    assert spec.loader is not None, "and a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _is_scenario(found: object) -> bool:
    if isinstance(found, TransitionSystem):
        return True
    return callable(found) and _takes_one(found)


def _takes_one(found: Callable[..., object]) -> bool:
    try:
        inspect.signature(found).bind(None)
    except TypeError:
        return False
    return True
