"""The models of other designs: each runs in order, and its steps are documented."""

import re
from pathlib import Path

import pytest

from ccw_actors.actors.protocol import GuestReport, ReportProgress
from ccw_actors.designs import DESIGNS, Features, v4_with
from ccw_actors.designs.linux._steps import STEPS
from ccw_actors.explore import World
from ccw_actors.runtime import Choice
from ccw_actors.verdicts import (
    EMULATORS,
    OURS,
    V4_SUBSETS,
    CellName,
    cell_scenario,
)

MODEL = Path(__file__).parents[2] / "ccw_actors" / "designs" / "linux"
_SECTION = re.compile(r'(?:Section\(|step=|closed = )\s*"(\w+)"')


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
@pytest.mark.parametrize("design", [*DESIGNS, OURS, *V4_SUBSETS])
def test_runs_in_order(design: str, emulator: str) -> None:
    """START, CLEAR, HALT and START, each after the other: all accepted, all ended."""
    report = run_in_order(design, emulator)
    assert (report.ios, report.interrupts, report.cc) == (2, 4, {"0": 8})


def test_each_section_is_documented() -> None:
    """The table of steps names every section that a thread can be sent to."""
    sections = {
        name
        for file in MODEL.glob("*.py")
        for name in _SECTION.findall(file.read_text(encoding="utf-8"))
    }
    sections |= {
        "halt",
        "clear",
        "open",
        "unmap",
        "crw_todo",
        "notoper_todo",
        "io_todo",
    }
    assert sections == {name for name in STEPS if name.islower()}


def test_each_step_names_its_place() -> None:
    """What is code of the host has a function, a file, a lock and what it does."""
    code = [step for step in STEPS.values() if step.function]
    assert len(code) > 35
    for step in code:
        assert all((step.file, step.lock, step.does, step.brief)), step.function


def test_patches_of_v4_add_up() -> None:
    """All four patches are the RFC, none is v5.12."""
    assert v4_with("1234").features == DESIGNS["rfc-v4"].features
    assert v4_with("").features == DESIGNS["v5.12"].features == Features()
