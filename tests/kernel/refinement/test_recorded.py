"""The models are held to real kernels: runs are allowed, faulty models are not."""

import pytest
from msgspec.structs import replace

from ccw_actors.actors.protocol import WriteIo, Written
from ccw_actors.designs import DESIGNS, Driver, Section
from ccw_actors.designs.linux import _submit
from ccw_actors.designs.linux._driver import Next, SectionFunction
from ccw_actors.designs.linux._messages import Returned
from ccw_actors.designs.linux._private import SECTIONS
from ccw_actors.designs.linux._submit import write_io
from ccw_actors.kernel.refinement import (
    KernelTrace,
    check_kernel_trace,
)
from tests.kernel.refinement.recorded import DESIGNS_RUN, traces_of
from tests.kernel.refinement.variants import VARIANTS, Variant

RUNS = [
    (design, name)
    for design in (*DESIGNS_RUN, "clear-flag")
    for name in traces_of(design)
]
FAULTS = [
    (design, name)
    for design in DESIGNS_RUN
    for name, variant in VARIANTS.items()
    if design in variant.of
]


def refusing(design: str, variant: Variant) -> list[str]:
    """Return the first of the design's runs that a variant of it refuses, if any.

    Where none is expected to, a third of the runs has to do.
    """
    choices = variant.apply(DESIGNS[design].choices)
    step = 3 if design in variant.not_by else 1
    for name, trace in list(traces_of(design).items())[::step]:
        if check_kernel_trace(trace, choices).decision == "refused":
            return [name]
    return []


@pytest.mark.parametrize(("design", "name"), RUNS)
def test_a_run_of_a_kernel_is_allowed(design: str, name: str) -> None:
    """The model of the kernel's version can have done all of it."""
    trace = traces_of(design)[name]
    answer = check_kernel_trace(trace, DESIGNS[design].choices)
    assert answer.decision == "allowed", answer


def test_there_are_runs_of_each_kind() -> None:
    """Both kernels ran with one thread, with two, and with two that reset."""
    for design in DESIGNS_RUN:
        kinds = {name.split("-")[1] for name in traces_of(design)}
        assert kinds >= {"1x1x1", "2x2x1"}, design
        assert len(traces_of(design)) >= 12


@pytest.mark.parametrize(("design", "name"), FAULTS)
def test_a_faulty_model_is_refused(design: str, name: str) -> None:
    """Some run refuses each variant, unless the table says why none does."""
    variant = VARIANTS[name]
    refused = refusing(design, variant)
    assert bool(refused) is (design not in variant.not_by), (refused, variant.why_not)


@pytest.mark.parametrize("design", DESIGNS_RUN)
def test_the_check_discriminates(design: str) -> None:
    """Of at least 20 variants of each version, the runs refuse at least 15."""
    mine = [one for one in VARIANTS.values() if design in one.of]
    refused = [one for one in mine if design not in one.not_by]
    assert len(mine) >= 20
    assert len(refused) >= 15
    assert all(one.why_not for one in mine if one not in refused)


def test_a_write_replaces_the_irb(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a write left the IRB in the I/O region, some run would be refused."""

    def leaves(driver: Driver, message: WriteIo) -> Next:
        region = driver.state.region
        following = write_io(driver, message)
        driver.state.region = region
        return following

    monkeypatch.setattr(_submit, "write_io", leaves)
    decisions = {
        check_kernel_trace(trace, DESIGNS["2026"].choices).decision
        for trace in traces_of("2026").values()
    }
    assert decisions == {"allowed", "refused"}


def test_io_mutex_is_held_to_the_end_of_halt_and_clear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If HALT and CLEAR gave io_mutex up before, some run would be refused."""

    def released(function: SectionFunction) -> SectionFunction:
        def early(driver: Driver, section: Section) -> Next:
            following = function(driver, section)
            driver.unlock()
            return following

        return early

    for step in ("halt", "clear"):
        monkeypatch.setitem(SECTIONS, step, released(SECTIONS[step]))
    monkeypatch.setitem(SECTIONS, "leave_async", _returns)
    decisions = {
        check_kernel_trace(trace, DESIGNS["2026"].choices).decision
        for trace in traces_of("2026").values()
    }
    assert decisions == {"allowed", "refused"}


def _returns(_driver: Driver, section: Section) -> Returned:
    return Returned(Written(section.errno))


def some_trace() -> KernelTrace:
    """Return a run of two threads."""
    return next(t for name, t in traces_of("2026").items() if "2x2x1" in name)


def test_other_versions_are_refused() -> None:
    """The run of a kernel with the fixes of 2026 is not one of v5.12 or of RFC v3."""
    for design in ("v5.12", "v5.13", "rfc-v2", "rfc-v3", "rfc-v4", "composite"):
        answer = check_kernel_trace(some_trace(), DESIGNS[design].choices)
        assert answer.decision == "refused", design
        assert answer.instead, design


def test_a_change_shows() -> None:
    """A kernel with the flag at CLEAR is not one without it, and the other way."""
    for mine, other in (("clear-flag", "2026"), ("2026", "clear-flag")):
        choices = DESIGNS[other].choices
        decisions = {
            check_kernel_trace(trace, choices).decision
            for trace in traces_of(mine).values()
        }
        assert "refused" in decisions, other


def test_every_kernel_ran() -> None:
    """All three kernels with the fixes of 2026 are among its runs."""
    versions = {trace.header.kernel for trace in traces_of("2026").values()}
    assert versions == {"6.1.192", "6.12.118", "7.2.13"}


def test_changed_results_are_refused() -> None:
    """Another result of a write, at the place where it is, is no longer allowed."""
    trace, choices = some_trace(), DESIGNS["2026"].choices
    changed = 0
    for at, event in enumerate(trace.events):
        if event.event != "exit vfio_ccw_mdev_write":
            continue
        result = -5 if event.number("ret") >= 0 else 124
        other = replace(event, values={"ret": result})
        events = (*trace.events[:at], other, *trace.events[at + 1 :])
        answer = check_kernel_trace(KernelTrace(trace.header, events), choices)
        assert answer.decision == "refused"
        assert answer.number == at + 1
        changed += 1
    assert changed > 5


@pytest.mark.parametrize("kind", ["tsch", "enter cp_free", "fsm event", "csch"])
def test_missing_events_are_refused(kind: str) -> None:
    """A run without one of its events is not allowed: the model must show it."""
    trace, choices = some_trace(), DESIGNS["2026"].choices
    places = [
        at
        for at, event in enumerate(trace.events)
        if event.event == kind
        if kind != "tsch" or (event.interrupt and event.number("cc") == 0)
    ]
    refused = 0
    for at in places:
        exits = at + 1 if kind.startswith("enter") else at
        left = trace.events[:at] + trace.events[exits + 1 :]
        answer = check_kernel_trace(KernelTrace(trace.header, left), choices)
        refused += answer.decision == "refused"
    assert refused == len(places) > 0


def test_too_many_states_are_undecided() -> None:
    """With a bound of one state, the search gives up and says where."""
    answer = check_kernel_trace(
        some_trace(), DESIGNS["2026"].choices, configurations_max=1
    )
    assert (answer.decision, answer.number > 0) == ("undecided", True)
