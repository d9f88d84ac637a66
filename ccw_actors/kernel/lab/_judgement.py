"""From the tries of a plan to its record: what they showed, and why that is so."""

import errno
import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from ccw_actors.kernel.boot import ClientStep
from ccw_actors.kernel.lab._plan import CLIENT_CPUS, Observed, Plan
from ccw_actors.kernel.lab._programs import in_words
from ccw_actors.kernel.lab._session import CPUS, Try
from ccw_actors.kernel.records import ExecutionOutcome, ExecutionRecord, Target, Window

__all__ = ["judge", "not_applicable"]

_REPORTS: Final = re.compile(
    r"(?:BUG|WARNING|Unable to handle kernel|kernel BUG at|INFO: task)[: ][^\n]*"
)
"""Lines in which a kernel says that something is wrong with itself."""

_REPORTS_MAX: Final = 8


def judge(
    name: str, plan: Plan, target: Target, host: str, tries: Sequence[Try]
) -> ExecutionRecord:
    """Return the record of a plan that was tried.

    `host` is the version of the QEMU.
    """
    harmed = [one for one in tries if one.harm is not None or _reports(one)]
    shown = harmed[0] if harmed else tries[-1]
    outcome, why = _outcome(plan, tries, harmed)
    return ExecutionRecord(
        target=target,
        scenario=name,
        interface="regions",
        host=host,
        cpus=CPUS,
        threads=len(plan.threads),
        window=_window(plan, shown),
        variant=plan.variant,
        invariant=plan.invariant,
        outcome=outcome,
        why=why,
        tries=len(tries),
        reproduced=len(harmed),
        evidence=_evidence(shown),
        steps=(*shown.order.steps, *_client_steps(plan, shown)),
    )


def not_applicable(name: str, target: Target, why: str) -> ExecutionRecord:
    """Return the record of a scenario that cannot be tried on a kernel."""
    return ExecutionRecord(
        target=target,
        scenario=name,
        interface="regions",
        window="none",
        outcome="not applicable",
        why=why,
        tries=0,
    )


def _outcome(
    plan: Plan, tries: Sequence[Try], harmed: Sequence[Try]
) -> tuple[ExecutionOutcome, str]:
    """Return what the tries showed, and why."""
    if harmed:
        first = harmed[0]
        return "reproduced", first.harm.what if first.harm else _reports(first)[0]
    if plan.delays:
        return "undecided", "delays have not brought harm about, and force nothing"
    for one in tries:
        wrong = one.order.failed or one.error or _hang(one) or _not_tried(plan, one)
        if wrong:
            return "undecided", wrong
    last = tries[-1].order
    if last.excluded:
        return "not reproduced", last.excluded
    if last.steps:
        return "not reproduced", "the order ran to its end, and nothing was wrong"
    return "not reproduced", "the client ran to its end, and nothing was wrong"


def _not_tried(plan: Plan, one: Try) -> str:
    """Say which step had to succeed, so that something is tried, and did not."""
    seen = Observed(plan, one.log)
    for label in plan.expects:
        reason = seen.errno(label)
        if reason != 0:
            return f"nothing was tried: the step {label!r} ends with errno {reason}"
    return ""


def _hang(one: Try) -> str:
    if not one.log.is_over:
        return "the client did not come to its end"
    if one.log.hangs:
        thread, step = one.log.hangs[0]
        return f"thread {thread} of the client hangs in {step!r}"
    return ""


def _window(plan: Plan, shown: Try) -> Window:
    """Say how the order came about: one that has failed has forced nothing."""
    if plan.delays:
        return "widened"
    return "forced" if plan.order and not shown.order.failed else "none"


def _reports(one: Try) -> list[str]:
    found = [match.strip() for match in _REPORTS.findall(one.console)]
    return list(dict.fromkeys(found))[:_REPORTS_MAX]


def _evidence(shown: Try) -> tuple[str, ...]:
    harm = () if shown.harm is None else shown.harm.evidence
    return (*harm, *_reports(shown))


def _client_steps(plan: Plan, shown: Try) -> list[str]:
    """Return what the client's threads did, without marks; repetitions are counted."""
    said = [
        f"{_thread(plan, step.thread)}: {in_words(step.what)}{_result(step)}"
        for step in shown.log.steps
        if step.thread < CLIENT_CPUS and step.what != "mark"
    ]
    return [_times(line, len([*group])) for line, group in groupby(said)]


def _thread(plan: Plan, number: int) -> str:
    """Return a thread in words, with its device if there are several."""
    several = plan.devices > 1
    return f"thread {number}{f', device {plan.drives[number]}' if several else ''}"


def _result(step: ClientStep) -> str:
    # The kernel has numbers of its own, which no program knows by name.
    name = errno.errorcode.get(step.errno, f"errno {step.errno}")
    return f": {name}" if step.errno else ""


def _times(line: str, count: int) -> str:
    return line if count == 1 else f"{line} ({count} times)"
