"""Judges the tries of a scenario: its outcome, why, and the evidence, as a record."""

import re
from typing import Final

from msgspec import Struct

from ccw_actors.kernel.emulators._scenarios import EmulatorScenario
from ccw_actors.kernel.records import ExecutionOutcome, ExecutionRecord, Target

__all__ = ["Runs", "Try", "difference", "judged"]

_CODE: Final = re.compile(r"CPU \d: (\w+).*: cc (\d)")
_SCSW: Final = re.compile(r"[0-9a-f]{4}([0-9a-f]{4}) [0-9a-f]{8} [0-9a-f]{8} \(.*\)")


class Try(Struct, frozen=True):
    """One try: what the guest saw that is not allowed, and every step.

    `problem` says why the order did not run to its end, `refusal` why it cannot.
    """

    violations: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    problem: str = ""
    refusal: str = ""

    @property
    def wrong(self) -> str:
        """What a run that should have nothing wrong has, "" if nothing."""
        return "; ".join(self.violations) or self.problem or self.refusal


class Runs(Struct, frozen=True):
    """The tries on a QEMU, and one on a bare subchannel and one on the model."""

    tries: tuple[Try, ...]
    bare: Try
    model: Try


def judged(
    target: Target, name: str, scenario: EmulatorScenario, runs: Runs
) -> ExecutionRecord:
    """Make the record of a scenario on a QEMU."""
    bad = [one for one in runs.tries if one.violations]
    shown = next(iter(bad), runs.tries[0])
    outcome, why = _outcome(scenario, runs)
    return ExecutionRecord(
        target=target,
        scenario=name,
        interface="instructions",
        cpus=scenario.cpus,
        window="forced",
        variant=scenario.variant,
        invariant=scenario.invariant,
        outcome=outcome,
        why=why,
        tries=len(runs.tries),
        reproduced=len(bad) if outcome == "reproduced" else 0,
        evidence=(
            *shown.violations,
            f"the architecture asks for: {scenario.asks}",
            f"a bare subchannel of this package shows: {_codes_of(runs.bare)}",
            f"the verdict table's model of QEMU: {difference(shown, runs.model)}",
        ),
        steps=shown.steps,
    )


def _outcome(scenario: EmulatorScenario, runs: Runs) -> tuple[ExecutionOutcome, str]:
    """Return the outcome of the tries, and one sentence about it."""
    if runs.bare.wrong:
        return "undecided", f"a bare subchannel fails the check: {runs.bare.wrong}"
    problem = next((one.problem for one in runs.tries if one.problem), "")
    refusal = next((one.refusal for one in runs.tries if one.refusal), "")
    first = next((one.violations[0] for one in runs.tries if one.violations), "")
    if first:
        cause = f"; in QEMU 7.2 and 10.0: {scenario.cause}" if scenario.cause else ""
        return "reproduced", f"{scenario.claim or first}{cause}"
    if problem:
        return "undecided", problem
    if refusal:
        return "not applicable", refusal
    return "not reproduced", "the guest saw what the architecture asks for"


def _codes_of(one: Try) -> str:
    """Return the instructions of a try with their condition codes."""
    found = [_CODE.search(step) for step in one.steps]
    return ", ".join(f"{code[1]} cc {code[2]}" for code in found if code) or "nothing"


def difference(real: Try, model: Try) -> str:
    """Say where a model has another condition code, FC, AC or SC than the real try."""
    for number, step in enumerate(real.steps):
        other = model.steps[number] if number < len(model.steps) else "nothing"
        if _plain(step) != _plain(other):
            return f"another step, {other}, where this QEMU has {step}"
    if len(model.steps) > len(real.steps):
        return f"one more step, {model.steps[len(real.steps)]}"
    return "the same condition codes, FC, AC and SC in every step"


def _plain(step: str) -> str:
    """Return a step with FC, AC and SC alone of an SCSW."""
    return _SCSW.sub(r"\1", step)
