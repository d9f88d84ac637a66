"""The races of a passed-through subchannel: verified, or refuted if a rule breaks."""

from collections.abc import Callable

import pytest

from ccw_actors.explore import Network, Scenario, explain, explore
from ccw_actors.scenarios import SCENARIOS
from ccw_actors.scenarios.pass_through import (
    CRASHES,
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
    **CRASHES,
}
# By mailbox a device can be unplugged only before anything else has happened.
STATES: dict[tuple[str, Network], int] = {
    ("seed", "channel"): 32_138,
    ("seed", "mailbox"): 38_082,
    ("seed-seen", "channel"): 54_468,
    ("seed-seen", "mailbox"): 50_717,
    ("halt", "channel"): 10_644,
    ("halt", "mailbox"): 12_894,
    ("clear-twice", "channel"): 12_734,
    ("clear-twice", "mailbox"): 12_830,
    ("clear-anywhere", "channel"): 18_517,
    ("clear-anywhere", "mailbox"): 21_896,
    ("halt-anywhere", "channel"): 13_064,
    ("halt-anywhere", "mailbox"): 15_798,
    ("busy", "channel"): 2_193,
    ("busy", "mailbox"): 2_243,
    ("two-starts", "channel"): 3_284,
    ("two-starts", "mailbox"): 3_749,
    ("clear-late", "channel"): 39_608,
    ("clear-late", "mailbox"): 41_876,
    ("clear-pending", "channel"): 1_894,
    ("clear-pending", "mailbox"): 2_123,
    ("pci-clear", "channel"): 8_211,
    ("pci-clear", "mailbox"): 9_360,
    ("pci", "channel"): 1_159,
    ("pci", "mailbox"): 1_402,
    ("attention", "channel"): 2_327,
    ("attention", "mailbox"): 2_379,
    ("attention-clear", "channel"): 1_267,
    ("attention-clear", "mailbox"): 1_195,
    ("disable", "channel"): 487,
    ("disable", "mailbox"): 532,
    ("cancel", "channel"): 123_701,
    ("cancel", "mailbox"): 120_189,
    ("resume", "channel"): 26_006,
    ("resume", "mailbox"): 28_429,
    ("reset", "channel"): 1_053,
    ("reset", "mailbox"): 1_163,
    ("unplug", "channel"): 138_656,
    ("unplugged", "channel"): 52_831,
    ("unplugged", "mailbox"): 52_590,
    ("crash-start", "channel"): 4_892,
    ("crash-clear", "channel"): 88_812,
    ("crash-halt", "channel"): 84_410,
    ("crash-reset", "channel"): 30_846,
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
    """Each of the four layers has two rules at least that are broken on purpose."""
    parts = [broken.part for broken in BREAKAGES]
    layers = set(Layers.__struct_fields__) - {"device"}
    assert {part for part in layers if parts.count(part) >= 2} == layers


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
