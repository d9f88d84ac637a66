"""The verdict on one golden vector."""

from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from ccw_actors.errors import UnsupportedSetupError
from ccw_actors.machine.conform.compare import (
    Difference,
    compare,
    expectation,
)
from ccw_actors.machine.conform.play import Observation, play
from ccw_actors.machine.conform.vectors import Case

__all__ = ["Judgement", "Verdict", "judge", "verdict_of"]


class Verdict(StrEnum):
    """What can be said of a case.

    `UNEXPLAINED` is one that is marked as a deviation and is not equal.
    """

    AGREE = "agree"
    UNEXPLAINED = "unexplained"
    DIFFER = "differ"
    UNSTABLE = "unstable"
    UNSUPPORTED = "unsupported"


class Judgement(Struct, frozen=True):
    """A verdict, why, and what is different if that matters."""

    verdict: Verdict
    why: str = ""
    differences: tuple[Difference, ...] = ()


def judge(case: Case, images: Path, scratch: Path) -> Judgement:
    """Run a case and judge it.

    Raises:
        VectorError: The case cannot be understood.
    """
    try:
        with TemporaryDirectory(dir=scratch) as own:
            found = play(case.script, images, Path(own))
    except UnsupportedSetupError as error:
        return Judgement(Verdict.UNSUPPORTED, str(error))
    return verdict_of(case, found)


def verdict_of(case: Case, found: Observation) -> Judgement:
    """Judge what was found against what the case says."""
    differences = compare(expectation(case), found)
    if not case.stable:
        return Judgement(Verdict.UNSTABLE, "; ".join(case.volatile))
    if not differences:
        return Judgement(Verdict.AGREE)
    if case.deviation is not None:
        return Judgement(Verdict.UNEXPLAINED, case.deviation, differences)
    first = differences[0]
    why = f"{first.where}, {first.field}: {first.expected}, found {first.found}"
    return Judgement(Verdict.DIFFER, why, differences)
