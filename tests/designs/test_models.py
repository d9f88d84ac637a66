"""The models of other designs: each runs in order, and its steps are documented."""

import pytest

from ccw_actors.actors.protocol import GuestReport, ReportProgress
from ccw_actors.designs import DESIGNS, STEPS, v4_with
from ccw_actors.designs.linux._private import SECTIONS
from ccw_actors.explore import World
from ccw_actors.runtime import Choice
from ccw_actors.verdicts import (
    EMULATORS,
    OUR_DESIGN,
    V4_SUBSETS,
    CellName,
    cell_scenario,
)
from ccw_actors.verdicts._rows import choices_of


def run_in_order(design: str, emulator: str) -> GuestReport:
    """Run the sequence of one CPU, messages in the order sent and timers last."""
    name, _ = CellName.parse(f"verdicts/{design}/{emulator}/sequence")
    world = World("mailbox")
    cell_scenario(name)(world)
    dispatcher = world.dispatcher
    while choices := dispatcher.enabled():
        dispatcher.step(min(choices, key=_is_timer))
    report: GuestReport = world.system.ref("cpu0").ask(ReportProgress(), block=True)
    return report


def _is_timer(choice: Choice) -> bool:
    return bool(choice.timer)


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize("design", [*DESIGNS, OUR_DESIGN, *V4_SUBSETS])
def test_runs_in_order(design: str, emulator: str) -> None:
    """START, CLEAR, HALT and START in sequence are all accepted, and all end."""
    report = run_in_order(design, emulator)
    assert (report.ios, report.interrupts, report.cc) == (2, 4, {"0": 8})


def test_each_section_is_documented() -> None:
    """The table of steps names every section that a thread can be sent to."""
    assert set(SECTIONS) == {name for name in STEPS if name.islower()}


def test_each_step_says_what_it_does() -> None:
    """Each step has a few words, and code of the host also has a function."""
    code = [step for step in STEPS.values() if step.function]
    assert len(code) > 35
    assert all(step.brief for step in STEPS.values())
    assert {name for name in SECTIONS if not STEPS[name].function} == set()


def test_each_design_has_a_title() -> None:
    """Each title is short enough for a table, unique, and not the summary."""
    titles = [design.title for design in DESIGNS.values()]
    titles += [v4_with(subset.removeprefix("rfc-v4-")).title for subset in V4_SUBSETS]
    assert len(set(titles)) == len(titles)
    assert all(0 < len(title) <= 26 for title in titles)
    assert all(design.title != design.summary for design in DESIGNS.values())


def test_no_two_designs_choose_the_same() -> None:
    """No two names have the same choices."""
    chosen = {name: design.choices for name, design in DESIGNS.items()}
    chosen |= {subset: choices_of(subset) for subset in V4_SUBSETS}
    assert len(set(chosen.values())) == len(chosen)
