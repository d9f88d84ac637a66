"""Whether a shipped scenario sees a small fault of the production actors.

Every fault is judged in its own process, which imports the broken source in place of
the module. So host and reference are broken alike, as they would be in the tree.
"""

import importlib.abc
import importlib.machinery
import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from tests.faults.mutants import MODULES, ROOT, Mutant, path_of

__all__ = ["Judgement", "judge", "lines_reached"]

_SECONDS: Final = 60
_STATES: Final = 200_000


class Judgement(NamedTuple):
    """`scenario` sees the fault by finding `violation`; both empty if none does."""

    scenario: str = ""
    violation: str = ""


class _Broken(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from the source given."""

    def __init__(self, module: str, source: str) -> None:
        self._path = path_of(module)
        self._name = ".".join(self._path.relative_to(ROOT).with_suffix("").parts)
        self._source = source

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> Any:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def get_source(self, fullname: str) -> str:
        del fullname
        return self._source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_source(fullname), str(self._path), "exec")


def judge(mutant: Mutant, names: Sequence[str], seconds: int = _SECONDS) -> Judgement:
    """Explore scenarios in order until one sees the fault.

    A scenario that does not end within `seconds`, or can no longer be explored, has
    seen it. One with more than a few times the states of the largest has not.
    """
    if not names:
        return Judgement()
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.judge", str(seconds)],
        input=json.dumps([mutant.module, mutant.source, *names]),
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    what, scenario, violation = said[-1] if said else ("begins", "import", "")
    if what == "over":
        return Judgement()
    return Judgement(scenario, violation or f"ends with {done.returncode}")


def _judge_here(seconds: int) -> None:
    """Judge faults from standard input; print a verdict for each, one a line."""
    module, source, *names = json.load(sys.stdin)
    sys.meta_path.insert(0, _Broken(module, source))
    name = "import"
    try:
        from ccw_actors.explore import Limits, explore  # noqa: PLC0415
        from ccw_actors.scenarios import SCENARIOS  # noqa: PLC0415

        for name in names:
            _say("begins", name, "")
            signal.alarm(seconds)
            limits = Limits(states=_STATES, seconds=seconds)
            result = explore(SCENARIOS[name], engine="states", limits=limits)
            if result.verdict not in {"verified", "incomplete"}:
                _say("seen", name, result.violation)
                return
    except Exception as error:  # noqa: BLE001 - whatever a fault may lead to
        _say("seen", name, f"{type(error).__name__}: {error}")
        return
    _say("over", "", "")


def _say(*what: str) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def lines_reached(names: Iterable[str]) -> dict[str, dict[str, set[int]]]:
    """Return which lines of which modules each scenario runs through."""
    from ccw_actors.explore import explore  # noqa: PLC0415
    from ccw_actors.scenarios import SCENARIOS  # noqa: PLC0415

    files = {str(path_of(module)): module for module in MODULES}
    found: dict[str, dict[str, set[int]]] = {}
    for name in names:
        reached = found[name] = {module: set() for module in MODULES}
        sys.settrace(_follower(files, reached))
        explore(SCENARIOS[name])
        sys.settrace(None)
    return found


def _follower(files: dict[str, str], reached: dict[str, set[int]]) -> Any:
    def follow(frame: FrameType, _event: str, _argument: object) -> Any:
        module = files.get(frame.f_code.co_filename)
        if module is None:
            return None
        lines = reached[module]
        lines.add(frame.f_lineno)

        def note(frame: FrameType, _event: str, _argument: object) -> Any:
            lines.add(frame.f_lineno)
            return note

        return note

    return follow


if __name__ == "__main__":
    _judge_here(int(sys.argv[1]))
