"""A counterexample as a file: the fault, and the names of the steps to it.

The file is JSON that can be kept in a repository. It names the scenario, how that was
explored, and the steps to the fault. Steps are found again by their names, so the file
stays valid when the contents of messages change, but not who sends to whom in which
order.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from ccw_actors.explore._errors import CounterexampleError, ReplayError
from ccw_actors.explore._plain import TransitionSystem
from ccw_actors.explore._replay import Replayed, replay
from ccw_actors.explore._result import Engine, Network, Noops, Result, Time
from ccw_actors.explore._world import Scenario
from ccw_actors.transport import DECODE_ERRORS

__all__ = ["Counterexample", "assert_fixed"]

_FORMAT: Final = "ccw-actors counterexample"
_SIZE_MAX: Final = 1 << 24


class _Head(msgspec.Struct):
    """The field that marks a file as a counterexample; all others are skipped."""

    format: str = ""


class Counterexample(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """The steps to a fault.

    `scenario` is the name of the scenario, `version` that of this package. `steps` are
    the names of the steps, `shown` their texts. `steps` is empty if the initial state
    already has the fault.
    """

    format: Literal["ccw-actors counterexample"] = _FORMAT
    format_version: Literal[1] = 1
    version: str
    scenario: str
    engine: Engine
    delivery: Network | None
    time: Time | None
    noops: Noops = "consumed"
    violation: str
    steps: tuple[str, ...]
    shown: tuple[str, ...]

    @classmethod
    def of(cls, scenario: str, result: Result) -> "Counterexample":
        """Return the counterexample of a result.

        Raises `CounterexampleError` if the result is not refuted.
        """
        if result.verdict != "refuted":
            raise CounterexampleError(
                f"{scenario} is {result.verdict}: it has no counterexample"
            )
        return cls(
            version=version("ccw-actors"),
            scenario=scenario,
            engine=result.engine,
            delivery=result.delivery,
            time=result.time,
            noops=result.noops,
            violation=result.violation,
            steps=result.names,
            shown=tuple(map(str, result.counterexample)),
        )

    @classmethod
    def load(cls, path: Path) -> "Counterexample":
        """Read a file of at most 16 MiB.

        Raises `CounterexampleError` if it is not a counterexample.
        """
        with path.open("rb") as file:
            raw = file.read(_SIZE_MAX + 1)
        if len(raw) > _SIZE_MAX:
            raise CounterexampleError(f"{path}: larger than {_SIZE_MAX >> 20} MiB")
        if _format_of(path, raw) != _FORMAT:
            text = f"not a counterexample: expected the format {_FORMAT!r}"
            raise CounterexampleError(f"{path}: {text}")
        try:
            return msgspec.json.decode(raw, type=cls)
        except DECODE_ERRORS as error:
            raise CounterexampleError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write a file, and create the folders that it is in."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")

    def replay(self, scenario: Scenario | TransitionSystem[Any, Any]) -> Replayed:
        """Take the steps in a scenario; see `replay`."""
        return replay(
            scenario,
            self.steps,
            delivery=self.delivery or "channel",
            time=self.time or "untimed",
            noops=self.noops,
        )


def _format_of(path: Path, raw: bytes) -> str:
    """Return the format that a file names, "" if it names none."""
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
        return msgspec.json.decode(raw, type=_Head).format
    except msgspec.ValidationError:
        return _Head().format
    except DECODE_ERRORS as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise CounterexampleError(f"{path}: not JSON: {why}") from error


def assert_fixed(path: Path, scenario: Scenario | TransitionSystem[Any, Any]) -> None:
    """Check that the steps in a file no longer lead to a fault: a regression test.

    It passes if no fault is met on the steps, or if a step is no longer possible.
    Raises `AssertionError` with the steps otherwise.
    """
    known = Counterexample.load(path)
    try:
        again = known.replay(scenario)
    except ReplayError:
        return
    if again.violation:
        lines = [f"{n:4} {step}" for n, step in enumerate(again.steps, 1)]
        raise AssertionError("\n".join([f"{path}: {again.violation}", *lines]))
