"""The verdict on one golden vector."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct

from ccw_actors.conformance._compare import Difference, compare, expectation
from ccw_actors.conformance._play import Observation, play
from ccw_actors.conformance._setup import HERCULES, personality_of
from ccw_actors.conformance._vectors import Case
from ccw_actors.conformance.rules import HERCULES_RULES, QEMU_RULES, Rule
from ccw_actors.errors import (
    ActorFailedError,
    AskTimeoutError,
    ImageError,
    ProgramInterruptionError,
    UnsupportedSetupError,
    VectorError,
)

__all__ = ["Judgement", "Verdict", "explanation", "rules_of", "run_case", "verdict_of"]

# What a value of a setup or an instruction makes Python raise that is none it can be.
_NOT_UNDERSTOOD = (ArithmeticError, LookupError, TypeError, ValueError)


class Verdict(StrEnum):
    """The verdict on a case.

    `EXPLAINED`: rules tell where the real system departs from the architecture, and
    predict every value observed. `UNEXPLAINED`: the case is marked as a deviation, is
    not equal, and no rule applies.
    """

    AGREE = "agree"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    DIFFER = "differ"
    UNSTABLE = "unstable"
    UNSUPPORTED = "unsupported"


class Judgement(Struct, frozen=True):
    """A verdict, its reason, and the differences."""

    verdict: Verdict
    why: str = ""
    differences: tuple[Difference, ...] = ()


def run_case(case: Case, images: Path, scratch: Path) -> Judgement:
    """Run a case and judge it.

    A case that cannot be run or understood is unsupported. A case on which the host
    fails differs.
    """
    try:
        return _judged(case, images, scratch)
    except (UnsupportedSetupError, VectorError, ImageError) as error:
        return Judgement(Verdict.UNSUPPORTED, str(error))
    except (ActorFailedError, AskTimeoutError) as error:
        return Judgement(Verdict.DIFFER, f"the host failed: {error}")
    except _NOT_UNDERSTOOD as error:
        why = f"the case cannot be understood: {type(error).__name__}: {error}"
        return Judgement(Verdict.UNSUPPORTED, why)


def _judged(case: Case, images: Path, scratch: Path) -> Judgement:
    judgement = verdict_of(case, _played(case, images, scratch, ()))
    if judgement.verdict in (Verdict.UNEXPLAINED, Verdict.DIFFER):
        rules = explanation(case, images, scratch)
        if rules:
            why = " ".join(_text(rule) for rule in rules)
            return Judgement(Verdict.EXPLAINED, why, judgement.differences)
    return judgement


def verdict_of(case: Case, found: Observation) -> Judgement:
    """Compare the observation of a run without rules with that of the case."""
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


def rules_of(setup: dict[str, Any]) -> tuple[type[Rule], ...]:
    """Return the rules for the kind of host that a setup is for.

    Raises:
        VectorError: No known kind of host has such a setup.
    """
    return HERCULES_RULES if personality_of(setup) is HERCULES else QEMU_RULES


def explanation(case: Case, images: Path, scratch: Path) -> tuple[type[Rule], ...]:
    """Return the rules that together predict every value observed, or none.

    None of them can be left out.

    Raises:
        UnsupportedSetupError: A device or an operator command is not supported.
        VectorError: The case cannot be understood.
    """
    rules = [kind() for kind in rules_of(case.setup)]
    try:
        predicted = _played(case, images, scratch, rules)
    except ProgramInterruptionError:
        # A rule read where there is no storage: it does not apply to this case.
        return ()
    if compare(expectation(case), predicted):
        return ()
    needed = tuple(type(rule) for rule in rules if rule.applied)
    for kind in needed:
        fewer = tuple(other for other in needed if other is not kind)
        if _predict(fewer, case, images, scratch):
            needed = fewer
    return needed


def _predict(
    kinds: Sequence[type[Rule]], case: Case, images: Path, scratch: Path
) -> bool:
    """Whether rules predict every value observed."""
    found = _played(case, images, scratch, [kind() for kind in kinds])
    return not compare(expectation(case), found)


def _played(
    case: Case, images: Path, scratch: Path, rules: Sequence[Rule]
) -> Observation:
    with TemporaryDirectory(dir=scratch) as own:
        return play(case.script, images, Path(own), rules)


def _text(rule: type[Rule]) -> str:
    demands = rule.demands[0].upper() + rule.demands[1:]
    return f"{demands}. {rule.does[0].upper() + rule.does[1:]}."
