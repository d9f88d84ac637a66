"""What the tries of a plan show, as a record."""

import pytest

from ccw_actors.kernel.boot import ClientLog
from ccw_actors.kernel.lab import DELAYED_PLANS
from ccw_actors.kernel.lab import _harm as harm
from ccw_actors.kernel.lab._judgement import judge
from ccw_actors.kernel.lab._order import LookAtHost, LookAtTask, OrderStep, ReadState
from ccw_actors.kernel.lab._plan import Harm, HarmCheck
from ccw_actors.kernel.lab._plans import NOT_REACHED, PLANS
from ccw_actors.kernel.lab._runner import OrderEnd
from ccw_actors.kernel.lab._session import Try
from ccw_actors.kernel.records import Target
from ccw_actors.verdicts import VERDICT_SCENARIOS
from tests.kernel.lab.seen import log_of, step

TARGET = Target(kind="linux", version="6.12.118")
LOG = log_of(step("async 2"), step("mark", number=1))
RAN = OrderEnd(("CPU 1 is at its next mark",))
HARM = Harm("memory is overwritten", ("12 pages",))
OOPS = "[    2.5] BUG: KASAN: slab-use-after-free in cp_free+0x10/0x20\n"


def tried(
    order: OrderEnd = RAN,
    harm: Harm | None = None,
    log: ClientLog = LOG,
    console: str = "",
    error: str = "",
) -> Try:
    """Return a try."""
    return Try(order, harm, log, console, error)


NOT_REACHED_PLACE = OrderEnd((), failed="CPU 0 does not reach cp_free()")
EXCLUDED = OrderEnd(("one",), excluded="CPU 0 does not reach cp_free(): it keeps it")

JUDGED = {
    "harm in one of three": (
        [tried(), tried(harm=HARM), tried()],
        ("reproduced", "memory is overwritten", 1),
    ),
    "a report of the kernel": (
        [tried(console=OOPS)],
        ("reproduced", "BUG: KASAN: slab-use-after-free in cp_free+0x10/0x20", 1),
    ),
    "harm, although the order has failed": (
        [tried(NOT_REACHED_PLACE, harm=HARM)],
        ("reproduced", "memory is overwritten", 1),
    ),
    "no harm": (
        [tried(), tried()],
        ("not reproduced", "the order ran to its end, and nothing was wrong", 0),
    ),
    "no harm without an order": (
        [tried(OrderEnd(()))],
        ("not reproduced", "the client ran to its end, and nothing was wrong", 0),
    ),
    "excluded": (
        [tried(EXCLUDED)],
        ("not reproduced", "CPU 0 does not reach cp_free(): it keeps it", 0),
    ),
    "a failed order": (
        [tried(), tried(NOT_REACHED_PLACE)],
        ("undecided", "CPU 0 does not reach cp_free()", 0),
    ),
    "a client that is not over": (
        [tried(log=log_of(is_over=False))],
        ("undecided", "the client did not come to its end", 0),
    ),
    "a client that hangs": (
        [tried(log=ClientLog((), ((1, "reset"),), (), "", (), is_over=True))],
        ("undecided", "thread 1 of the client hangs in 'reset'", 0),
    ),
    "a kernel that does not end": (
        [tried(error="the kernel does not come to its end")],
        ("undecided", "the kernel does not come to its end", 0),
    ),
}


@pytest.mark.parametrize("name", JUDGED)
def test_judged(name: str) -> None:
    """No harm counts only if the order has come to its end."""
    tries, expected = JUDGED[name]
    record = judge("mail", PLANS["mail"], TARGET, "QEMU 7.2", tries)
    assert (record.outcome, record.why, record.reproduced) == expected
    assert record.tries == len(tries)


def test_an_errno_of_the_kernels_own() -> None:
    """A number that no program knows by name is shown as it is."""
    log = log_of(step("async 2", errno=524), step("async 1", errno=16))
    record = judge("mail", PLANS["mail"], TARGET, "QEMU 7.2", [tried(log=log)])
    assert record.steps[1:] == ("thread 0: CLEAR: errno 524", "thread 0: HALT: EBUSY")


@pytest.mark.parametrize("name", PLANS)
def test_an_order_looks_at_what_its_harm_is_about(name: str) -> None:
    """A harm in the driver's state, or in a task, needs an order that looks there."""
    looks: dict[HarmCheck, tuple[type[OrderStep], int]] = {
        harm.state_overwritten: (ReadState, 2),
        harm.never_freed: (LookAtHost, 1),
        harm.suspended_is_freed: (LookAtHost, 1),
        harm.starved: (LookAtHost, 1),
        harm.taken_while_added: (LookAtTask, 2),
    }
    plan = PLANS[name]
    kind, count = looks.get(plan.harm, (ReadState, 0))
    assert sum(isinstance(one, kind) for one in plan.order) >= count


def test_a_try_in_vain_decides_nothing() -> None:
    """A program that has to be accepted, and is not, leaves the scenario undecided."""
    plain = step("io", errno=22)
    record = judge("chains", PLANS["chains"], TARGET, "", [tried(log=log_of(plain))])
    assert (record.outcome, record.why) == (
        "undecided",
        "nothing was tried: the step 'plain' ends with errno 22",
    )


def test_record_has_evidence_and_steps() -> None:
    """The try with the harm is what the record tells of; marks are no steps."""
    tries = [tried(), tried(harm=HARM, console=OOPS)]
    record = judge("mail", PLANS["mail"], TARGET, "QEMU 7.2", tries)
    assert record.evidence == (
        "12 pages",
        "BUG: KASAN: slab-use-after-free in cp_free+0x10/0x20",
    )
    assert record.steps == (
        "CPU 1 is at its next mark",
        "thread 0: CLEAR",
    )
    assert (record.window, record.threads, record.invariant) == ("forced", 2, "I1")


def test_steps_of_two_devices() -> None:
    """A record of a plan with two devices says which one a thread has driven."""
    tries = [tried(log=log_of(step("async 2"), step("async 2", thread=1)))]
    record = judge("isolation", PLANS["isolation"], TARGET, "", tries)
    assert record.steps[1:] == (
        "thread 0, device 0: CLEAR",
        "thread 1, device 1: CLEAR",
    )


def test_harm_without_its_order_is_not_forced() -> None:
    """The record does not claim an order that has failed."""
    tries = [tried(NOT_REACHED_PLACE, harm=HARM)]
    assert judge("mail", PLANS["mail"], TARGET, "", tries).window == "none"


def test_delays_show_harm_and_not_its_absence() -> None:
    """A record says that the window was widened; without harm nothing follows."""
    plan = DELAYED_PLANS["mail"]
    record = judge("mail", plan, TARGET, "", [tried(), tried(harm=HARM)])
    assert (record.window, record.outcome, record.reproduced) == (
        "widened",
        "reproduced",
        1,
    )
    record = judge("mail", plan, TARGET, "", [tried()])
    assert (record.window, record.outcome) == ("widened", "undecided")
    assert record.why == "delays have not brought harm about, and force nothing"


def test_every_scenario_of_the_table_has_a_plan_or_a_reason() -> None:
    """Nothing of the verdict table is left out in silence."""
    assert {*PLANS, *NOT_REACHED} == set(VERDICT_SCENARIOS)
    assert not set(PLANS) & set(NOT_REACHED)


@pytest.mark.parametrize("name", PLANS)
def test_invariant_is_one_of_the_table(name: str) -> None:
    """A plan looks for the harm that the table's scenario is about."""
    wanted = VERDICT_SCENARIOS[name].invariants
    assert name == "sequence" or PLANS[name].invariant in wanted
