"""The models are held to real kernels: runs are allowed, faulty models are not."""

from copy import copy
from dataclasses import replace as with_fields

import pytest
from msgspec.structs import replace

from ccw_actors.actors.protocol import WriteIo
from ccw_actors.designs import DESIGNS, Driver, Section
from ccw_actors.designs.linux import _submit, _teardown
from ccw_actors.designs.linux._driver import Next, SectionFunction
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


def decisions(design: str) -> set[str]:
    """Return what the model of a design, as it is now, says of the design's runs.

    It asks no further once a run is refused and another one is allowed.
    """
    choices, found = DESIGNS[design].choices, set[str]()
    for trace in traces_of(design).values():
        found.add(check_kernel_trace(trace, choices).decision)
        if {"allowed", "refused"} <= found:
            break
    return found


def test_a_write_replaces_the_irb(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a write left the IRB in the I/O region, some run would be refused."""

    def leaves(driver: Driver, message: WriteIo) -> Next:
        region = driver.state.region
        following = write_io(driver, message)
        driver.state.region = region
        return following

    monkeypatch.setattr(_submit, "write_io", leaves)
    assert decisions("2026") == {"allowed", "refused"}


@pytest.mark.parametrize(
    ("steps", "last"),
    [(("halt", "clear"), "leave_async"), (("read_region",), "leave_read")],
)
def test_io_mutex_is_held_to_the_end(
    steps: tuple[str, ...], last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If HALT, CLEAR or a read released io_mutex before, some run would be refused."""

    def early(function: SectionFunction) -> SectionFunction:
        def done(driver: Driver, section: Section) -> Next:
            following = function(driver, section)
            if following is not None:
                driver.unlock()
            return following

        return done

    def late(function: SectionFunction) -> SectionFunction:
        def done(driver: Driver, section: Section) -> Next:
            # Only for what it returns: io_mutex has been released.
            return function(with_fields(driver, state=copy(driver.state)), section)

        return done

    for step in steps:
        monkeypatch.setitem(SECTIONS, step, early(SECTIONS[step]))
    monkeypatch.setitem(SECTIONS, last, late(SECTIONS[last]))
    assert decisions("2026") == {"allowed", "refused"}


def test_a_wait_for_an_interruption_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """If quiescing waited until an interruption came, some run would be refused."""

    def waits(_driver: Driver, _message: object) -> None: ...

    monkeypatch.setattr(_teardown, "wait_expired", waits)
    assert decisions("clear-flag") == {"allowed", "refused"}


def test_dma_unmap_needs_no_lock_without_a_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If DMA_UNMAP always took io_mutex, some run would be refused."""

    def always(_driver: Driver, _section: Section) -> Next:
        return Section("walk_pinned")

    monkeypatch.setitem(SECTIONS, "check_pinned", always)
    assert decisions("2026") == {"allowed", "refused"}


def test_open_looks_at_the_state_before_it_enables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If OPEN looked at the state with the lock held, some run would be refused."""
    enables = SECTIONS["enable"]

    def looks_again(driver: Driver, section: Section) -> Next:
        look = SECTIONS["open"](driver, section)
        return enables(driver, section) if isinstance(look, Section) else look

    monkeypatch.setitem(SECTIONS, "enable", looks_again)
    assert decisions("2026") == {"allowed", "refused"}


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
