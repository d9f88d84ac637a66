"""The races of a passed-through subchannel: verified, or refuted if a rule breaks."""

from collections.abc import Callable

import pytest

from ccw_actors.explore import Network, Scenario, explain, explore
from ccw_actors.scenarios import SCENARIOS
from ccw_actors.scenarios.pass_through import (
    WINDOWS,
    clear_twice,
    halt,
    seed,
    seed_seen,
)
from ccw_actors.scenarios.pass_through.house import Layers
from tests.scenarios.breakages import BREAKAGES, Breakage

MAKERS: dict[str, Callable[[Layers | None], Scenario]] = {
    "seed": seed,
    "seed-seen": seed_seen,
    "halt": halt,
    "clear-twice": clear_twice,
    **WINDOWS,
}
# By mailbox a device can be unplugged only before anything else has happened.
STATES: dict[tuple[str, Network], int] = {
    ("seed", "channel"): 40_826,
    ("seed", "mailbox"): 50_266,
    ("seed-seen", "channel"): 67_993,
    ("seed-seen", "mailbox"): 67_053,
    ("halt", "channel"): 12_690,
    ("halt", "mailbox"): 15_489,
    ("clear-twice", "channel"): 16_864,
    ("clear-twice", "mailbox"): 17_823,
    ("two-starts", "channel"): 3_704,
    ("two-starts", "mailbox"): 4_178,
    ("clear-late", "channel"): 50_633,
    ("clear-late", "mailbox"): 57_004,
    ("clear-pending", "channel"): 2_263,
    ("clear-pending", "mailbox"): 2_539,
    ("pci-clear", "channel"): 11_259,
    ("pci-clear", "mailbox"): 14_285,
    ("pci", "channel"): 1_249,
    ("pci", "mailbox"): 1_498,
    ("attention", "channel"): 2_543,
    ("attention", "mailbox"): 2_580,
    ("attention-clear", "channel"): 1_476,
    ("attention-clear", "mailbox"): 1_388,
    ("disable", "channel"): 542,
    ("disable", "mailbox"): 587,
    ("cancel", "channel"): 164_287,
    ("cancel", "mailbox"): 168_958,
    ("resume", "channel"): 30_434,
    ("resume", "mailbox"): 34_062,
    ("reset", "channel"): 1_471,
    ("reset", "mailbox"): 1_726,
    ("unplug", "channel"): 90_078,
    ("unplugged", "channel"): 39_972,
    ("unplugged", "mailbox"): 64_692,
}


@pytest.mark.parametrize(("name", "delivery"), STATES)
def test_verified(name: str, delivery: Network) -> None:
    """All orders of the messages of production actors are right; so many states."""
    result = explore(SCENARIOS[name], delivery=delivery)
    assert result.verdict == "verified", str(result)
    assert result.states == STATES[name, delivery]


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda broken: broken.kind.__name__)
def test_breakage_is_refuted(broken: Breakage) -> None:
    """A rule that is broken on purpose shows in the scenario that is named there."""
    result = explore(MAKERS[broken.scenario](broken.layers))
    assert result.verdict == "refuted"
    assert result.violation == broken.violation


def test_each_part_is_broken() -> None:
    """Each of the four has two rules at least that are broken on purpose."""
    parts = [broken.part for broken in BREAKAGES]
    assert {part: parts.count(part) >= 2 for part in Layers.__struct_fields__} == {
        "guest_subchannel": True,
        "vfio_ccw": True,
        "cio": True,
        "subchannel": True,
    }


def test_explanation_of_an_early_release() -> None:
    """It names the race, in steps that all are needed."""
    (broken,) = [one for one in BREAKAGES if one.kind.__name__ == "ReleasesAtClear"]
    scenario = seed(broken.layers)
    explanation = explain(scenario, explore(scenario))
    assert len(explanation.needed) == len(explanation.steps) == 17
    sent = [step.message.partition("(")[0] for step in explanation.steps]
    assert "ClearSubchannel" in sent
    assert sent[-1] == "StartSubchannel"
    text = str(explanation)
    assert text.startswith("REFUTED: no program is released while the subchannel")
    assert "no continuation is right any more" in text
