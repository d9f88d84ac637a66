"""A counterexample as a file: what was wrong, and the names of the steps to it.

The file is JSON, made for a repository: it says which scenario it is of, how that was
explored, and the way to the fault. Steps are found again by their names, so that it
stays good when messages change, as long as they are sent in this order.
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

__all__ = ["Counterexample", "assert_mended"]

_FORMAT: Final = "ccw-actors counterexample"
_SIZE_MAX: Final = 1 << 24


class _Head(msgspec.Struct):
    """What tells that a file is a counterexample; the rest of it is skipped."""

    format: str = ""


class Counterexample(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A way to a fault.

    `scenario` is what the scenario is found by, `version` that of this package.
    `steps` are the names of the steps, `shown` the same for people. Where `steps` is
    empty, the scenario begins with what is wrong.
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
        """Take it from a result.

        Raises `CounterexampleError` if nothing is refuted.
        """
        if result.verdict != "refuted":
            raise CounterexampleError(
                f"{scenario} is {result.verdict}: there is no way to keep"
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
        """Read a file, of 16 MiB at most.

        Raises `CounterexampleError` for one that is none.
        """
        with path.open("rb") as file:
            raw = file.read(_SIZE_MAX + 1)
        if len(raw) > _SIZE_MAX:
            raise CounterexampleError(f"{path}: larger than {_SIZE_MAX >> 20} MiB")
        if _format_of(path, raw) != _FORMAT:
            raise CounterexampleError(f"{path}: not a counterexample ({_FORMAT!r})")
        try:
            return msgspec.json.decode(raw, type=cls)
        except DECODE_ERRORS as error:
            raise CounterexampleError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write a file; folders that lead there are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")

    def replay(self, scenario: Scenario | TransitionSystem[Any, Any]) -> Replayed:
        """Take its steps in a scenario; see `replay`."""
        return replay(
            scenario,
            self.steps,
            delivery=self.delivery or "channel",
            time=self.time or "untimed",
            noops=self.noops,
        )


def _format_of(path: Path, raw: bytes) -> str:
    """Return what a file says that it is, "" if it says nothing of the kind."""
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
        return msgspec.json.decode(raw, type=_Head).format
    except msgspec.ValidationError:
        return _Head().format
    except DECODE_ERRORS as error:
        raise CounterexampleError(f"{path}: not JSON: {error}") from error


def assert_mended(path: Path, scenario: Scenario | TransitionSystem[Any, Any]) -> None:
    """Hold that the way to a fault in a file leads to it no more: a regression test.

    That is so if its steps can be taken and nothing is wrong afterwards, and if they
    cannot be taken any more. Raises `AssertionError` with the way otherwise.
    """
    known = Counterexample.load(path)
    try:
        again = known.replay(scenario)
    except ReplayError:
        return
    if again.violation:
        lines = [f"{n:4} {step}" for n, step in enumerate(again.steps, 1)]
        raise AssertionError("\n".join([f"{path}: {again.violation}", *lines]))
