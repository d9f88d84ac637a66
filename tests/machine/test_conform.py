"""What real systems observed is what the emulated host gives."""

import functools
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from msgspec.structs import replace

from ccw_actors.errors import UnsupportedSetupError, VectorError
from ccw_actors.machine.conform import (
    Case,
    Judgement,
    Observation,
    Verdict,
    load,
    play,
)
from ccw_actors.machine.conform.judge import verdict_of
from ccw_actors.machine.conform.vectors import Entry, Instruction, Script

DATA = Path(__file__).parents[1] / "data"
IMAGES = DATA / "images"
CASES = (
    *load(DATA / "hercules-public.json.gz"),
    *load(DATA / "qemu-public.json.gz"),
)
NOT_LIKE_THE_ARCHITECTURE = {
    "attention-tsch": "STSCH does not show the status that TSCH shows next",
    "q-ida2-2k": "each IDAW gets the first bytes of the data again",
    "q-ida2-4k": "each IDAW gets the first bytes of the data again",
    "q-orb-I": "the initial status is not shown, though the ORB asks for it",
    "q-state-pendfinal-csch": "CSCH leaves the old status pending",
}
"""Unmarked vectors believed wrong, and what the real system does there."""
NOT_YET = {
    "format-write-track-overflow": "our disk ends one CCW too early",
    "int-pci": "no time passes here between a PCI and the next CCW",
    "pci-in-chain-polled-late": "the ESW of a PCI status is not set",
}
"""Unmarked vectors that are right, and what is wrong with us."""


@functools.cache
def found(index: int) -> Observation | str:
    """Run a case once; text says why it cannot be run."""
    case = CASES[index]
    with TemporaryDirectory() as scratch:
        try:
            return play(case.script, IMAGES, Path(scratch))
        except UnsupportedSetupError as error:
            return str(error)


def judged(index: int) -> Judgement:
    """Judge a case that can be run."""
    observation = found(index)
    assert isinstance(observation, Observation)
    return verdict_of(CASES[index], observation)


PLAIN = [
    index
    for index, case in enumerate(CASES)
    if case.stable and case.deviation is None and case.category != "unit-record"
]
"""The cases that are stable and not marked, by index."""


@pytest.mark.parametrize("index", PLAIN, ids=[CASES[index].name for index in PLAIN])
def test_real_systems(index: int) -> None:
    """Every plain case agrees, but for those known, which have to differ."""
    name = CASES[index].name
    if name == "tape-senseid":
        pytest.skip("there is no tape")
    known = name in NOT_LIKE_THE_ARCHITECTURE or name in NOT_YET
    verdict = judged(index)
    assert verdict.verdict is (Verdict.DIFFER if known else Verdict.AGREE), verdict.why


def test_known_cases_are_there() -> None:
    """No name of a case that differs is left over."""
    names = {case.name for case in CASES}
    assert {*NOT_LIKE_THE_ARCHITECTURE, *NOT_YET} <= names


def altered(case: Case) -> list[Case]:
    """Return copies of a case with one observed value changed: cc, IRB, storage."""
    copies: list[Case] = []
    for number, entry in enumerate(case.observed):
        changed: list[Entry] = []
        if isinstance(entry.cc, int):
            changed.append(replace(entry, cc=entry.cc ^ 1))
        if entry.irb is not None:
            last = entry.irb[:-1] + ("0" if entry.irb[-1] != "0" else "1")
            changed.append(replace(entry, irb=last))
        for other in changed:
            observed = (*case.observed[:number], other, *case.observed[number + 1 :])
            copies.append(replace(case, observed=observed))
    for address, content in case.storage_after.items():
        last = content[:-1] + ("0" if content[-1] != "0" else "1")
        after = {**case.storage_after, address: last}
        copies.append(replace(case, storage_after=after))
    return copies


def test_every_value_counts() -> None:
    """One value changed in what was observed makes a case differ that agreed."""
    counts: Counter[Verdict] = Counter()
    for index in PLAIN:
        observation = found(index)
        if isinstance(observation, str) or judged(index).verdict is not Verdict.AGREE:
            continue
        for other in altered(CASES[index]):
            counts[verdict_of(other, observation).verdict] += 1
    assert set(counts) == {Verdict.DIFFER}
    assert counts[Verdict.DIFFER] > len(PLAIN)


def test_wrong_files(tmp_path: Path) -> None:
    """What is no file of vectors is refused, in words."""
    file = tmp_path / "vectors.json"
    file.write_text('[{"name": "x"}]')
    with pytest.raises(VectorError, match="expected golden vectors"):
        load(file)
    file.write_bytes(b"\x1f\x8b nothing")
    with pytest.raises(VectorError, match="expected golden vectors"):
        load(file)


@pytest.mark.parametrize(
    ("setup", "error", "said"),
    [
        ({}, VectorError, "expected devices or qemu_args"),
        ({"devices": [{"devno": "0120"}]}, VectorError, "'type'"),
        (
            {"devices": [{"devno": "0580", "type": "3420"}]},
            UnsupportedSetupError,
            "no model of 3420",
        ),
        (
            {"devices": [{"devno": "0120", "type": "3390", "image": "none.img"}]},
            UnsupportedSetupError,
            "no image none.img",
        ),
    ],
)
def test_wrong_setups(
    tmp_path: Path, setup: dict[str, Any], error: type[Exception], said: str
) -> None:
    """A setup that makes no sense, or needs what is not there, is refused."""
    with pytest.raises(error, match=said):
        play(Script(setup, {}, ()), IMAGES, tmp_path)


def test_unknown_instruction(tmp_path: Path) -> None:
    """An instruction that there is not is refused with those there are."""
    setup = {"qemu_args": ["-device", "virtio-rng-ccw,devno=fe.0.0120"]}
    script = Script(setup, {}, (Instruction("SIGP"),))
    with pytest.raises(VectorError, match=r"'SIGP': expected one of .*SSCH"):
        play(script, IMAGES, tmp_path)
