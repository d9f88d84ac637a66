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

MANY = 50_000
"""Scenarios with more states are slow; `ccw-actors explore --all` has them."""
_SEEN = "a real subchannel: the reference shows the same"
STATES: dict[tuple[str, Network], int] = {
    ("seed", "channel"): 32_138,
    ("seed", "mailbox"): 38_082,
    ("seed-seen", "channel"): 54_468,
    ("seed-seen", "mailbox"): 50_717,
    ("halt", "channel"): 10_350,
    ("halt", "mailbox"): 12_535,
    ("clear-twice", "channel"): 12_734,
    ("clear-twice", "mailbox"): 12_830,
    ("clear-anywhere", "channel"): 18_517,
    ("clear-anywhere", "mailbox"): 21_896,
    ("halt-anywhere", "channel"): 12_746,
    ("halt-anywhere", "mailbox"): 15_411,
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
    ("attention", "mailbox"): 3_062,
    ("attention-twice", "channel"): 953,
    ("attention-twice", "mailbox"): 1_413,
    ("attention-clear", "channel"): 1_267,
    ("attention-clear", "mailbox"): 1_478,
    ("disable", "channel"): 487,
    ("disable", "mailbox"): 532,
    ("cancel", "channel"): 123_701,
    ("cancel", "mailbox"): 120_189,
    ("resume", "channel"): 25_806,
    ("resume", "mailbox"): 28_187,
    ("reset", "channel"): 1_053,
    ("reset", "mailbox"): 1_163,
    ("reset-halt", "channel"): 8_020,
    ("reset-halt", "mailbox"): 9_343,
    ("reset-clear", "channel"): 10_714,
    ("reset-clear", "mailbox"): 12_437,
    ("reset-suspended", "channel"): 423,
    ("reset-suspended", "mailbox"): 441,
    ("unplug", "channel"): 138_656,
    ("unplug", "mailbox"): 112_249,
    ("unplug-waiting", "channel"): 6_683,
    ("unplug-waiting", "mailbox"): 4_076,
    ("unplug-store", "channel"): 48_184,
    ("unplug-store", "mailbox"): 29_683,
    ("unplug-cancel", "channel"): 52_920,
    ("unplug-cancel", "mailbox"): 34_900,
    ("unplug-resume", "channel"): 7_488,
    ("unplug-resume", "mailbox"): 4_592,
    ("absent", "channel"): 4_880,
    ("absent", "mailbox"): 5_983,
    ("no-path", "channel"): 12_897,
    ("no-path", "mailbox"): 16_218,
    ("unplugged", "channel"): 52_831,
    ("unplugged", "mailbox"): 58_573,
    ("pci-halt", "channel"): 24_852,
    ("pci-halt", "mailbox"): 25_218,
    ("pci-halt-unhurried", "channel"): 33_785,
    ("pci-halt-unhurried", "mailbox"): 26_653,
    ("cancel-late", "channel"): 1_943,
    ("cancel-late", "mailbox"): 2_016,
    ("resume-early", "channel"): 557,
    ("resume-early", "mailbox"): 608,
    ("suspend-halt", "channel"): 3_725,
    ("suspend-halt", "mailbox"): 4_299,
    ("resume-pci-halt", "channel"): 18_796,
    ("resume-pci-halt", "mailbox"): 19_889,
    ("suspended-again", "channel"): 423,
    ("suspended-again", "mailbox"): 452,
    ("cancel-suspended", "channel"): 354,
    ("cancel-suspended", "mailbox"): 367,
    ("initial-status", "channel"): 13_290,
    ("initial-status", "mailbox"): 15_571,
    ("halt-data", "channel"): 3_994,
    ("halt-data", "mailbox"): 4_563,
    ("restart", "channel"): 6_304,
    ("restart", "mailbox"): 7_212,
    ("in-start", "channel"): 2_762,
    ("in-start", "mailbox"): 3_107,
    ("in-halt", "channel"): 25_701,
    ("in-halt", "mailbox"): 23_676,
    ("in-clear", "channel"): 27_178,
    ("in-clear", "mailbox"): 29_837,
    ("in-suspension", "channel"): 4_934,
    ("in-suspension", "mailbox"): 5_451,
    ("in-halt-alone", "channel"): 2_499,
    ("in-halt-alone", "mailbox"): 2_473,
    ("cancel-halt", "channel"): 3_400,
    ("cancel-halt", "mailbox"): 3_875,
    ("cancel-and-halt", "channel"): 46_401,
    ("cancel-and-halt", "mailbox"): 55_408,
    ("cancel-attention", "channel"): 11_311,
    ("cancel-attention", "mailbox"): 15_975,
    ("stores", "channel"): 49_773,
    ("stores", "mailbox"): 61_262,
    ("settings", "channel"): 577,
    ("settings", "mailbox"): 625,
    ("sense-attention", "channel"): 3_877,
    ("sense-attention", "mailbox"): 5_333,
    ("program-check", "channel"): 217,
    ("program-check", "mailbox"): 242,
    ("sense", "channel"): 745,
    ("sense", "mailbox"): 828,
    ("bare-clear-anywhere", "channel"): 1_968,
    ("bare-clear-anywhere", "mailbox"): 2_214,
    ("bare-halt-anywhere", "channel"): 3_551,
    ("bare-halt-anywhere", "mailbox"): 3_597,
    ("bare-busy", "channel"): 396,
    ("bare-busy", "mailbox"): 332,
    ("bare-two-starts", "channel"): 548,
    ("bare-two-starts", "mailbox"): 596,
    ("bare-clear-late", "channel"): 4_128,
    ("bare-clear-late", "mailbox"): 3_822,
    ("bare-clear-pending", "channel"): 311,
    ("bare-clear-pending", "mailbox"): 310,
    ("bare-pci-clear", "channel"): 547,
    ("bare-pci-clear", "mailbox"): 555,
    ("bare-pci", "channel"): 130,
    ("bare-pci", "mailbox"): 143,
    ("bare-attention", "channel"): 149,
    ("bare-attention", "mailbox"): 212,
    ("bare-attention-clear", "channel"): 144,
    ("bare-attention-clear", "mailbox"): 180,
    ("bare-disable", "channel"): 79,
    ("bare-disable", "mailbox"): 79,
    ("bare-cancel", "channel"): 6_519,
    ("bare-cancel", "mailbox"): 7_116,
    ("bare-resume", "channel"): 4_934,
    ("bare-resume", "mailbox"): 4_914,
    ("bare-unplug", "channel"): 5_947,
    ("bare-unplug", "mailbox"): 7_174,
    ("bare-unplug-waiting", "channel"): 248,
    ("bare-unplug-waiting", "mailbox"): 324,
    ("bare-unplug-store", "channel"): 1_419,
    ("bare-unplug-store", "mailbox"): 1_786,
    ("bare-unplug-cancel", "channel"): 898,
    ("bare-unplug-cancel", "mailbox"): 1_098,
    ("bare-unplug-resume", "channel"): 562,
    ("bare-unplug-resume", "mailbox"): 611,
    ("bare-unplugged", "channel"): 2_873,
    ("bare-unplugged", "mailbox"): 3_499,
    ("bare-pci-halt", "channel"): 7_810,
    ("bare-pci-halt", "mailbox"): 7_415,
    ("bare-cancel-late", "channel"): 337,
    ("bare-cancel-late", "mailbox"): 363,
    ("bare-resume-early", "channel"): 80,
    ("bare-resume-early", "mailbox"): 82,
    ("bare-suspend-halt", "channel"): 763,
    ("bare-suspend-halt", "mailbox"): 708,
    ("bare-resume-pci-halt", "channel"): 4_921,
    ("bare-resume-pci-halt", "mailbox"): 5_085,
    ("bare-suspended-again", "channel"): 104,
    ("bare-suspended-again", "mailbox"): 107,
    ("bare-cancel-suspended", "channel"): 91,
    ("bare-cancel-suspended", "mailbox"): 93,
    ("bare-initial-status", "channel"): 3_419,
    ("bare-initial-status", "mailbox"): 3_634,
    ("bare-halt-data", "channel"): 871,
    ("bare-halt-data", "mailbox"): 838,
    ("bare-restart", "channel"): 2_897,
    ("bare-restart", "mailbox"): 2_853,
    ("bare-in-start", "channel"): 435,
    ("bare-in-start", "mailbox"): 439,
    ("bare-in-halt", "channel"): 8_727,
    ("bare-in-halt", "mailbox"): 8_235,
    ("bare-in-clear", "channel"): 2_626,
    ("bare-in-clear", "mailbox"): 2_485,
    ("bare-in-suspension", "channel"): 739,
    ("bare-in-suspension", "mailbox"): 773,
    ("bare-in-halt-alone", "channel"): 349,
    ("bare-in-halt-alone", "mailbox"): 336,
    ("bare-cancel-halt", "channel"): 499,
    ("bare-cancel-halt", "mailbox"): 506,
    ("bare-cancel-and-halt", "channel"): 10_042,
    ("bare-cancel-and-halt", "mailbox"): 10_183,
    ("bare-cancel-attention", "channel"): 375,
    ("bare-cancel-attention", "mailbox"): 562,
    ("bare-stores", "channel"): 6_365,
    ("bare-stores", "mailbox"): 6_476,
    ("bare-program-check", "channel"): 17,
    ("bare-program-check", "mailbox"): 18,
    ("bare-data-then-pci", "channel"): 5_689,
    ("bare-data-then-pci", "mailbox"): 5_699,
    ("answers", "channel"): 120,
    ("answers", "mailbox"): 129,
    ("answers-again", "channel"): 156,
    ("answers-again", "mailbox"): 167,
    ("answers-stores", "channel"): 29_851,
    ("answers-stores", "mailbox"): 37_508,
    ("answers-refused", "channel"): 66,
    ("answers-refused", "mailbox"): 71,
    ("answers-busy", "channel"): 23,
    ("answers-busy", "mailbox"): 24,
    ("answers-invalid", "channel"): 23,
    ("answers-invalid", "mailbox"): 24,
    ("answers-no-path", "channel"): 23,
    ("answers-no-path", "mailbox"): 24,
    ("answers-pci", "channel"): 788,
    ("answers-pci", "mailbox"): 936,
    ("answers-suspended", "channel"): 174,
    ("answers-suspended", "mailbox"): 188,
    ("answers-clear", "channel"): 156,
    ("answers-clear", "mailbox"): 173,
    ("raw-starts", "channel"): 891,
    ("raw-starts", "mailbox"): 1_064,
    ("raw-halt", "channel"): 2_752,
    ("raw-halt", "mailbox"): 3_561,
    ("raw-clear", "channel"): 22_134,
    ("raw-clear", "mailbox"): 27_824,
    ("raw-halts", "channel"): 7_273,
    ("raw-halts", "mailbox"): 12_289,
    ("raw-cancel", "channel"): 3_616,
    ("raw-cancel", "mailbox"): 5_288,
    ("raw-halt-cancel", "channel"): 6_510,
    ("raw-halt-cancel", "mailbox"): 10_186,
    ("raw-cancel-halt", "channel"): 14_262,
    ("raw-cancel-halt", "mailbox"): 20_414,
    ("raw-halt-clear", "channel"): 22_173,
    ("raw-halt-clear", "mailbox"): 32_997,
    ("raw-resume-halt", "channel"): 7_507,
    ("raw-resume-halt", "mailbox"): 9_894,
    ("raw-resume", "channel"): 15_294,
    ("raw-resume", "mailbox"): 21_018,
    ("raw-resumes", "channel"): 5_289,
    ("raw-resumes", "mailbox"): 6_281,
    ("raw-regions", "channel"): 35_880,
    ("raw-regions", "mailbox"): 40_994,
    ("raw-regions-clear", "channel"): 40_182,
    ("raw-regions-clear", "mailbox"): 46_740,
    ("raw-regions-reset", "channel"): 30_683,
    ("raw-regions-reset", "mailbox"): 32_536,
    ("raw-regions-close", "channel"): 22_231,
    ("raw-regions-close", "mailbox"): 26_770,
    ("raw-regions-unmap", "channel"): 7_203,
    ("raw-regions-unmap", "mailbox"): 8_529,
    ("raw-regions-unmaps", "channel"): 28_537,
    ("raw-regions-unmaps", "mailbox"): 37_492,
    ("raw-regions-attention", "channel"): 4_300,
    ("raw-regions-attention", "mailbox"): 5_733,
    ("raw-regions-lost", "channel"): 27_503,
    ("raw-regions-lost", "mailbox"): 26_279,
    ("raw-regions-crash", "channel"): 93_473,
    ("raw-regions-crash", "mailbox"): 109_622,
    ("raw-regions-crash-unmap", "channel"): 32_877,
    ("raw-regions-crash-unmap", "mailbox"): 38_007,
    ("crash-start", "channel"): 29_196,
    ("crash-clear", "channel"): 323_268,
    ("crash-halt", "channel"): 329_735,
    ("crash-reset", "channel"): 138_111,
    ("crash-nested", "channel"): 194_811,
}


def test_each_scenario_is_counted() -> None:
    """This file has the number of states of every scenario."""
    assert {name for name, _ in STATES} == set(MAKERS)


CASES = [
    pytest.param(*case, marks=pytest.mark.slow) if count > MANY else case
    for case, count in STATES.items()
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


@pytest.mark.parametrize("broken", BREAKAGES, ids=str)
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
