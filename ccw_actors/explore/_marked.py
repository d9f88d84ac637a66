"""Explores the scenario of a test with `@pytest.mark.explore`."""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ccw_actors.explore._counterexample import Counterexample
from ccw_actors.explore._entry import explore
from ccw_actors.explore._explain import explain
from ccw_actors.explore._result import Result
from ccw_actors.explore._world import Scenario

__all__ = ["failure"]


def failure(
    scenario: Scenario, options: Mapping[str, Any], name: str, file: Callable[[], Path]
) -> str:
    """Explore a scenario; return why it does not hold, "" if it does.

    `options` are those of `explore`. `name` is the scenario's name for `replay`, "" if
    it has none. The counterexample is saved in `file`. Raises `TypeError` for an
    unknown option.
    """
    result = explore(scenario, **options)
    if result:
        return ""
    if result.verdict != "refuted":
        return str(result)
    lines = [str(explain(scenario, result)), result.scope]
    if name:
        lines.append(_kept(name, result, file()))
    return "\n".join(lines)


def _kept(name: str, result: Result, path: Path) -> str:
    """Save a counterexample; return the command that replays it."""
    Counterexample.of(name, result).save(path)
    command = shlex.join(["ccw-actors", "replay", str(path), "--scenario", name])
    return f"Replay it step by step: {command}"
