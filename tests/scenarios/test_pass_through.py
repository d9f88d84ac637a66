"""The races of a passed-through subchannel: verified, or refuted if a rule breaks."""

import pytest

from ccw_actors.actors.hardware import PROMPT
from ccw_actors.explore import Network, Reference, World, explain, explore, refines
from ccw_actors.machine import Layers
from ccw_actors.scenarios import MAKERS, SCENARIOS, bare_scenario
from ccw_actors.scenarios._history import visible
from ccw_actors.scenarios._parts import DATA_THEN_PCI, PARTS
from ccw_actors.scenarios._specified import BARE, specified_scenario
from tests.scenarios.breakages import BREAKAGES, Breakage, StaysHalted

MANY: dict[Network, int] = {"channel": 8_000, "mailbox": 3_000}
"""Scenarios with more states are slow; `ccw-actors explore --all` verifies all of them.

It does so under channel delivery. Mailbox delivery differs in the order of messages of
different senders, which the small scenarios have as well.
"""
LARGE = "crash-nested"
"""A scenario of so many states that even a fault is found late."""
_SEEN = "a real subchannel: the reference shows the same"
STATES: dict[tuple[str, Network], int] = {
    ("seed", "channel"): 19_110,
    ("seed", "mailbox"): 20_735,
    ("seed-seen", "channel"): 29_517,
    ("seed-seen", "mailbox"): 27_170,
    ("halt", "channel"): 5_501,
    ("halt", "mailbox"): 5_840,
    ("clear-twice", "channel"): 9_208,
    ("clear-twice", "mailbox"): 8_045,
    ("clear-anywhere", "channel"): 11_621,
    ("clear-anywhere", "mailbox"): 12_502,
    ("halt-anywhere", "channel"): 6_454,
    ("halt-anywhere", "mailbox"): 6_864,
    ("busy", "channel"): 1_622,
    ("busy", "mailbox"): 1_687,
    ("two-starts", "channel"): 2_340,
    ("two-starts", "mailbox"): 2_475,
    ("clear-late", "channel"): 22_520,
    ("clear-late", "mailbox"): 23_157,
    ("clear-pending", "channel"): 1_242,
    ("clear-pending", "mailbox"): 1_216,
    ("pci-clear", "channel"): 6_262,
    ("pci-clear", "mailbox"): 6_429,
    ("pci", "channel"): 587,
    ("pci", "mailbox"): 627,
    ("attention", "channel"): 1_477,
    ("attention", "mailbox"): 1_749,
    ("attention-twice", "channel"): 615,
    ("attention-twice", "mailbox"): 912,
    ("attention-clear", "channel"): 980,
    ("attention-clear", "mailbox"): 1_142,
    ("disable", "channel"): 350,
    ("disable", "mailbox"): 362,
    ("cancel", "channel"): 72_483,
    ("cancel", "mailbox"): 65_219,
    ("resume", "channel"): 12_523,
    ("resume", "mailbox"): 12_335,
    ("reset", "channel"): 792,
    ("reset", "mailbox"): 838,
    ("reset-halt", "channel"): 5_255,
    ("reset-halt", "mailbox"): 5_380,
    ("reset-clear", "channel"): 7_658,
    ("reset-clear", "mailbox"): 8_141,
    ("reset-suspended", "channel"): 340,
    ("reset-suspended", "mailbox"): 345,
    ("unplug", "channel"): 105_993,
    ("unplug", "mailbox"): 71_627,
    ("unplug-waiting", "channel"): 5_505,
    ("unplug-waiting", "mailbox"): 2_886,
    ("unplug-store", "channel"): 39_507,
    ("unplug-store", "mailbox"): 20_445,
    ("unplug-cancel", "channel"): 42_833,
    ("unplug-cancel", "mailbox"): 23_553,
    ("unplug-resume", "channel"): 6_444,
    ("unplug-resume", "mailbox"): 3_814,
    ("absent", "channel"): 4_202,
    ("absent", "mailbox"): 4_974,
    ("no-path", "channel"): 7_589,
    ("no-path", "mailbox"): 8_311,
    ("unplugged", "channel"): 45_379,
    ("unplugged", "mailbox"): 47_633,
    ("pci-halt", "channel"): 14_126,
    ("pci-halt", "mailbox"): 12_551,
    ("pci-halt-unhurried", "channel"): 14_489,
    ("pci-halt-unhurried", "mailbox"): 10_101,
    ("cancel-late", "channel"): 1_135,
    ("cancel-late", "mailbox"): 1_191,
    ("resume-early", "channel"): 458,
    ("resume-early", "mailbox"): 486,
    ("suspend-halt", "channel"): 1_785,
    ("suspend-halt", "mailbox"): 1_809,
    ("resume-pci-halt", "channel"): 8_803,
    ("resume-pci-halt", "mailbox"): 8_310,
    ("suspended-again", "channel"): 329,
    ("suspended-again", "mailbox"): 339,
    ("cancel-suspended", "channel"): 286,
    ("cancel-suspended", "mailbox"): 294,
    ("initial-status", "channel"): 7_055,
    ("initial-status", "mailbox"): 7_298,
    ("halt-data", "channel"): 1_961,
    ("halt-data", "mailbox"): 1_965,
    ("restart", "channel"): 3_420,
    ("restart", "mailbox"): 3_418,
    ("in-start", "channel"): 1_407,
    ("in-start", "mailbox"): 1_430,
    ("in-halt", "channel"): 11_004,
    ("in-halt", "mailbox"): 8_550,
    ("in-clear", "channel"): 14_661,
    ("in-clear", "mailbox"): 14_788,
    ("in-suspension", "channel"): 3_298,
    ("in-suspension", "mailbox"): 3_260,
    ("in-halt-alone", "channel"): 1_813,
    ("in-halt-alone", "mailbox"): 1_796,
    ("cancel-halt", "channel"): 1_963,
    ("cancel-halt", "mailbox"): 2_048,
    ("cancel-and-halt", "channel"): 24_176,
    ("cancel-and-halt", "mailbox"): 26_009,
    ("cancel-attention", "channel"): 6_815,
    ("cancel-attention", "mailbox"): 8_763,
    ("stores", "channel"): 25_345,
    ("stores", "mailbox"): 26_074,
    ("settings", "channel"): 476,
    ("settings", "mailbox"): 493,
    ("sense-attention", "channel"): 2_895,
    ("sense-attention", "mailbox"): 3_859,
    ("program-check", "channel"): 164,
    ("program-check", "mailbox"): 172,
    ("sense", "channel"): 504,
    ("sense", "mailbox"): 511,
    ("bare-clear-anywhere", "channel"): 1_751,
    ("bare-clear-anywhere", "mailbox"): 1_986,
    ("bare-halt-anywhere", "channel"): 2_416,
    ("bare-halt-anywhere", "mailbox"): 2_488,
    ("bare-busy", "channel"): 405,
    ("bare-busy", "mailbox"): 329,
    ("bare-two-starts", "channel"): 534,
    ("bare-two-starts", "mailbox"): 582,
    ("bare-clear-late", "channel"): 3_817,
    ("bare-clear-late", "mailbox"): 3_653,
    ("bare-clear-pending", "channel"): 333,
    ("bare-clear-pending", "mailbox"): 325,
    ("bare-pci-clear", "channel"): 788,
    ("bare-pci-clear", "mailbox"): 802,
    ("bare-pci", "channel"): 150,
    ("bare-pci", "mailbox"): 165,
    ("bare-attention", "channel"): 144,
    ("bare-attention", "mailbox"): 206,
    ("bare-attention-clear", "channel"): 145,
    ("bare-attention-clear", "mailbox"): 180,
    ("bare-disable", "channel"): 77,
    ("bare-disable", "mailbox"): 77,
    ("bare-cancel", "channel"): 6_180,
    ("bare-cancel", "mailbox"): 6_838,
    ("bare-resume", "channel"): 3_582,
    ("bare-resume", "mailbox"): 3_653,
    ("bare-unplug", "channel"): 5_947,
    ("bare-unplug", "mailbox"): 7_174,
    ("bare-unplug-waiting", "channel"): 244,
    ("bare-unplug-waiting", "mailbox"): 319,
    ("bare-unplug-store", "channel"): 1_419,
    ("bare-unplug-store", "mailbox"): 1_786,
    ("bare-unplug-cancel", "channel"): 898,
    ("bare-unplug-cancel", "mailbox"): 1_098,
    ("bare-unplug-resume", "channel"): 534,
    ("bare-unplug-resume", "mailbox"): 570,
    ("bare-unplugged", "channel"): 2_873,
    ("bare-unplugged", "mailbox"): 3_499,
    ("bare-pci-halt", "channel"): 8_790,
    ("bare-pci-halt", "mailbox"): 8_849,
    ("bare-cancel-late", "channel"): 275,
    ("bare-cancel-late", "mailbox"): 298,
    ("bare-resume-early", "channel"): 68,
    ("bare-resume-early", "mailbox"): 69,
    ("bare-suspend-halt", "channel"): 490,
    ("bare-suspend-halt", "mailbox"): 453,
    ("bare-resume-pci-halt", "channel"): 2_763,
    ("bare-resume-pci-halt", "mailbox"): 2_824,
    ("bare-suspended-again", "channel"): 95,
    ("bare-suspended-again", "mailbox"): 98,
    ("bare-cancel-suspended", "channel"): 77,
    ("bare-cancel-suspended", "mailbox"): 79,
    ("bare-initial-status", "channel"): 2_180,
    ("bare-initial-status", "mailbox"): 2_256,
    ("bare-halt-data", "channel"): 696,
    ("bare-halt-data", "mailbox"): 672,
    ("bare-restart", "channel"): 1_884,
    ("bare-restart", "mailbox"): 1_849,
    ("bare-in-start", "channel"): 426,
    ("bare-in-start", "mailbox"): 430,
    ("bare-in-halt", "channel"): 8_518,
    ("bare-in-halt", "mailbox"): 8_047,
    ("bare-in-clear", "channel"): 2_683,
    ("bare-in-clear", "mailbox"): 2_452,
    ("bare-in-suspension", "channel"): 710,
    ("bare-in-suspension", "mailbox"): 734,
    ("bare-in-halt-alone", "channel"): 358,
    ("bare-in-halt-alone", "mailbox"): 345,
    ("bare-cancel-halt", "channel"): 476,
    ("bare-cancel-halt", "mailbox"): 486,
    ("bare-cancel-and-halt", "channel"): 9_491,
    ("bare-cancel-and-halt", "mailbox"): 9_777,
    ("bare-cancel-attention", "channel"): 366,
    ("bare-cancel-attention", "mailbox"): 552,
    ("bare-stores", "channel"): 6_061,
    ("bare-stores", "mailbox"): 6_214,
    ("bare-program-check", "channel"): 16,
    ("bare-program-check", "mailbox"): 17,
    ("bare-data-then-pci", "channel"): 4_515,
    ("bare-data-then-pci", "mailbox"): 4_620,
    ("answers", "channel"): 47,
    ("answers", "mailbox"): 51,
    ("answers-again", "channel"): 66,
    ("answers-again", "mailbox"): 71,
    ("answers-stores", "channel"): 12_015,
    ("answers-stores", "mailbox"): 15_407,
    ("answers-refused", "channel"): 47,
    ("answers-refused", "mailbox"): 51,
    ("answers-busy", "channel"): 22,
    ("answers-busy", "mailbox"): 23,
    ("answers-invalid", "channel"): 22,
    ("answers-invalid", "mailbox"): 23,
    ("answers-no-path", "channel"): 22,
    ("answers-no-path", "mailbox"): 23,
    ("answers-pci", "channel"): 228,
    ("answers-pci", "mailbox"): 289,
    ("answers-suspended", "channel"): 76,
    ("answers-suspended", "mailbox"): 82,
    ("answers-clear", "channel"): 63,
    ("answers-clear", "mailbox"): 71,
    ("raw-starts", "channel"): 786,
    ("raw-starts", "mailbox"): 864,
    ("raw-halt", "channel"): 2_079,
    ("raw-halt", "mailbox"): 2_164,
    ("raw-clear", "channel"): 17_312,
    ("raw-clear", "mailbox"): 18_124,
    ("raw-halts", "channel"): 5_850,
    ("raw-halts", "mailbox"): 6_341,
    ("raw-cancel", "channel"): 3_069,
    ("raw-cancel", "mailbox"): 3_681,
    ("raw-halt-cancel", "channel"): 5_340,
    ("raw-halt-cancel", "mailbox"): 5_779,
    ("raw-cancel-halt", "channel"): 10_955,
    ("raw-cancel-halt", "mailbox"): 11_543,
    ("raw-halt-clear", "channel"): 17_436,
    ("raw-halt-clear", "mailbox"): 18_133,
    ("raw-resume-halt", "channel"): 6_782,
    ("raw-resume-halt", "mailbox"): 7_699,
    ("raw-resume", "channel"): 13_415,
    ("raw-resume", "mailbox"): 16_682,
    ("raw-resumes", "channel"): 5_059,
    ("raw-resumes", "mailbox"): 6_097,
    ("raw-regions", "channel"): 29_856,
    ("raw-regions", "mailbox"): 29_863,
    ("raw-regions-clear", "channel"): 33_966,
    ("raw-regions-clear", "mailbox"): 34_829,
    ("raw-regions-reset", "channel"): 26_793,
    ("raw-regions-reset", "mailbox"): 25_653,
    ("raw-regions-close", "channel"): 17_729,
    ("raw-regions-close", "mailbox"): 18_930,
    ("raw-regions-unmap", "channel"): 6_187,
    ("raw-regions-unmap", "mailbox"): 6_326,
    ("raw-regions-unmaps", "channel"): 24_537,
    ("raw-regions-unmaps", "mailbox"): 28_156,
    ("raw-regions-attention", "channel"): 4_300,
    ("raw-regions-attention", "mailbox"): 5_733,
    ("raw-regions-lost", "channel"): 23_711,
    ("raw-regions-lost", "mailbox"): 20_223,
    ("raw-regions-crash", "channel"): 81_152,
    ("raw-regions-crash", "mailbox"): 88_167,
    ("raw-regions-crash-unmap", "channel"): 28_191,
    ("raw-regions-crash-unmap", "mailbox"): 30_101,
    ("crash-start", "channel"): 23_679,
    ("crash-clear", "channel"): 240_038,
    ("crash-halt", "channel"): 202_599,
    ("crash-reset", "channel"): 110_530,
    ("crash-nested", "channel"): 140_466,
    ("interruption-mask", "channel"): 221,
    ("interruption-mask", "mailbox"): 287,
    ("interruption-isc", "channel"): 513,
    ("interruption-isc", "mailbox"): 587,
    ("interruption-crash", "channel"): 644,
    ("interruption-crash", "mailbox"): 757,
    ("bare-interruption-mask", "channel"): 383,
    ("bare-interruption-mask", "mailbox"): 479,
    ("bare-interruption-crash", "channel"): 2_345,
    ("bare-interruption-crash", "mailbox"): 3_026,
    ("held-writes-halt", "channel"): 10_210,
    ("held-writes-halt", "mailbox"): 9_983,
    ("held-writes-clear", "channel"): 11_357,
    ("held-writes-clear", "mailbox"): 12_739,
    ("held-writes-check", "channel"): 1_374,
    ("held-writes-check", "mailbox"): 1_509,
}


def test_each_scenario_is_counted() -> None:
    """This file has the number of states of every scenario."""
    assert {name for name, _ in STATES} == set(MAKERS)


CASES = [
    pytest.param(*case, marks=pytest.mark.slow) if count > MANY[case[1]] else case
    for case, count in STATES.items()
]
BROKEN = [
    pytest.param(one, marks=pytest.mark.slow) if one.scenario == LARGE else one
    for one in BREAKAGES
]


@pytest.mark.parametrize(("name", "delivery"), CASES)
def test_verified(name: str, delivery: Network) -> None:
    """Every schedule of the actors of production is correct; the states are counted."""
    result = explore(SCENARIOS[name], delivery=delivery)
    assert result.verdict == "verified", str(result)
    assert result.states == STATES[name, delivery]


@pytest.mark.parametrize("name", BARE)
def test_the_prompt_subchannel_is_as_described(name: str) -> None:
    """The subchannel that drives devices is correct; CPUs see what they may."""
    result = explore(MAKERS[name](Layers(pace=PROMPT)))
    assert result.verdict == "verified", str(result)


def test_what_is_wrong_on_both_sides_is_not_as_described() -> None:
    """The description shows a fault of the class that is host and reference."""
    programs, content = PARTS["restart"].programs, PARTS["restart"].content
    described = specified_scenario(*programs, content=content)

    def scenario(world: World) -> None:
        bare_scenario(*programs, content=content, subchannel=StaysHalted, pace=PROMPT)(
            world
        )
        refines(world, "the description", Reference(described, visible))

    assert explore(scenario).violation == (
        "the description: the reference shows the same"
    )


def test_a_pci_that_is_withdrawn_late() -> None:
    """Data tell a guest that a PCI was newer than its HALT, which withdraws it.

    That is so wherever the host withdraws the PCI: docs/pass-through.md says so.
    """
    result = explore(DATA_THEN_PCI(None))
    assert result.violation == _SEEN
    last = result.counterexample[-1].message
    assert "cstat=0," in last, last


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_breakage_is_refuted(broken: Breakage) -> None:
    """The scenario named refutes a rule that is broken on purpose."""
    result = explore(MAKERS[broken.scenario](broken.layers))
    assert result.verdict == "refuted"
    # What pytest adds to a failed assertion is on lines of its own.
    assert result.violation.partition("\n")[0] == broken.violation


def test_each_part_is_broken() -> None:
    """At least two rules of each of the four layers are broken on purpose."""
    parts = [broken.part for broken in BREAKAGES]
    layers = set(Layers.__struct_fields__) - {"device", "pace", "volume"}
    assert {part for part in layers if parts.count(part) >= 2} == layers


def test_explanation_of_an_early_release() -> None:
    """The counterexample names the race, and needs all its steps."""
    (broken,) = [one for one in BREAKAGES if one.kind.__name__ == "ReleasesAtClear"]
    scenario = MAKERS["seed"](broken.layers)
    explanation = explain(scenario, explore(scenario))
    assert len(explanation.needed) == len(explanation.steps) == 17
    sent = [step.message.partition("(")[0] for step in explanation.steps]
    assert "ClearSubchannel" in sent
    assert sent[-1] == "StartSubchannel"
    text = str(explanation)
    assert text.startswith("REFUTED: no program is released while the subchannel")
    assert "Point of no return: step " in text
