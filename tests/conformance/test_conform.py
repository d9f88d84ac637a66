"""The emulated host gives the values observed on real systems."""

import functools
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from msgspec.structs import replace

from ccw_actors.conformance import (
    Case,
    Entry,
    Instruction,
    Judgement,
    Observation,
    Script,
    Verdict,
    compare,
    load,
    play,
    run_case,
)
from ccw_actors.conformance._compare import expectation
from ccw_actors.conformance._judgement import explanation, verdict_of
from ccw_actors.conformance.rules import HERCULES_RULES, QEMU_RULES, Rule
from ccw_actors.conformance.rules._qemu_states import StaleInterruption
from ccw_actors.errors import UnsupportedSetupError, VectorError

DATA = Path(__file__).parents[1] / "data"
IMAGES = DATA / "images"
CASES = (
    *load(DATA / "hercules-public.json.gz"),
    *load(DATA / "hercules-2-public.json.gz"),
    *load(DATA / "qemu-public.json.gz"),
)


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
    """Judge a case that can be run, by the architecture alone."""
    observation = found(index)
    assert isinstance(observation, Observation)
    return verdict_of(CASES[index], observation)


@functools.cache
def explained_by(index: int) -> tuple[type[Rule], ...]:
    """Return the rules that explain a case that departs from the architecture."""
    with TemporaryDirectory() as scratch:
        return explanation(CASES[index], IMAGES, Path(scratch))


@functools.cache
def predicted(index: int) -> Observation:
    """Run a case with the rules that explain it."""
    rules = [rule() for rule in explained_by(index)]
    with TemporaryDirectory() as scratch:
        return play(CASES[index].script, IMAGES, Path(scratch), rules)


PLAIN = [
    index
    for index, case in enumerate(CASES)
    if case.stable and case.deviation is None and case.category != "unit-record"
]
"""The cases that are stable and not marked, by index."""


DEVIATING = [
    index
    for index, case in enumerate(CASES)
    if case.stable and case.deviation is not None and case.category != "unit-record"
]
"""The cases that are stable and marked, by index."""
NOT_RUN = {
    "attach-device-crw": "no device is attached while the host runs",
    "tape-senseid": "there is no tape",
}


def named(indexes: list[int]) -> pytest.MarkDecorator:
    """Run a test for each of these cases."""
    names = [CASES[index].name for index in indexes]
    return pytest.mark.parametrize("index", indexes, ids=names)


@named([*PLAIN, *DEVIATING])
def test_real_systems(index: int) -> None:
    """Every case agrees, or rules explain it."""
    case = CASES[index]
    if case.name in NOT_RUN:
        assert isinstance(found(index), str)
        pytest.skip(NOT_RUN[case.name])
    verdict = judged(index)
    assert verdict.verdict is Verdict.AGREE or explained_by(index), verdict.why


LIVE = {
    "AnyPathFunction",
    "FormatInSpiteOfMask",
    "ModelOf3370",
    "ModifierAtTheEnd",
    "SeekInstead",
    "UncheckedBlockSize",
    "UndocumentedUpdate",
    "UnknownCalls",
}
"""Rules that only chains for a live Hercules need: see tests/oracle/live."""


def test_rules_are_needed() -> None:
    """Some case needs each rule."""
    needed = {
        rule
        for index in (*PLAIN, *DEVIATING)
        if CASES[index].name not in NOT_RUN
        and judged(index).verdict is not Verdict.AGREE
        for rule in explained_by(index)
    }
    unneeded = {*HERCULES_RULES, *QEMU_RULES} - needed
    assert {rule.__name__ for rule in unneeded} == {"StaleInterruption"} | LIVE


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


@pytest.mark.slow
def test_every_value_counts() -> None:
    """A case that agrees differs if one observed value is changed."""
    counts: Counter[Verdict] = Counter()
    for index in PLAIN:
        observation = found(index)
        if isinstance(observation, str) or judged(index).verdict is not Verdict.AGREE:
            continue
        for other in altered(CASES[index]):
            counts[verdict_of(other, observation).verdict] += 1
    assert set(counts) == {Verdict.DIFFER}
    assert counts[Verdict.DIFFER] > len(PLAIN)


@pytest.mark.slow
def test_every_value_is_predicted() -> None:
    """An explained case is unexplained if one observed value is changed."""
    changes = 0
    for index in (*PLAIN, *DEVIATING):
        if isinstance(found(index), str) or judged(index).verdict is Verdict.AGREE:
            continue
        for other in altered(CASES[index]):
            assert compare(expectation(other), predicted(index)), other.name
            changes += 1
    assert changes > len(DEVIATING)


def test_one_altered_value_is_judged() -> None:
    """A changed case is neither explained nor skipped."""
    for name, verdict in (
        ("senseid-count4-sli", Verdict.DIFFER),
        ("q-orb-I", Verdict.DIFFER),
        ("tic-first", Verdict.UNEXPLAINED),
    ):
        case = next(case for case in CASES if case.name == name)
        with TemporaryDirectory() as scratch:
            for other in altered(case):
                found = run_case(other, IMAGES, Path(scratch))
                assert found.verdict is verdict, name


def test_stale_interruption() -> None:
    """QEMU delivers an interruption whose status TEST SUBCHANNEL has taken."""
    case = next(case for case in CASES if case.name == "q-int-basic")
    enable, start, _, test, _ = case.instructions
    instructions = (enable, start, test, Instruction("TPI", addr="0x0"))
    script = Script(case.setup, case.storage, instructions)
    with TemporaryDirectory() as scratch:
        ours = play(script, IMAGES, Path(scratch))
        rule = StaleInterruption()
        theirs = play(script, IMAGES, Path(scratch), [rule])
    assert ours.entries[:3] == theirs.entries[:3]
    assert ours.entries[3].cc == 0
    assert theirs.entries[3].lowcore_184_195 == "000100001234567800000000"
    assert theirs.entries[3].cc == 1


def test_wrong_files(tmp_path: Path) -> None:
    """A file that has no vectors is refused with a reason."""
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
    """A setup that is invalid, or needs a device that is not there, is refused."""
    with pytest.raises(error, match=said):
        play(Script(setup, {}, ()), IMAGES, tmp_path)


def test_unknown_instruction(tmp_path: Path) -> None:
    """An unknown instruction is refused, and the error lists the known ones."""
    setup = {"qemu_args": ["-device", "virtio-rng-ccw,devno=fe.0.0120"]}
    script = Script(setup, {}, (Instruction("SIGP"),))
    with pytest.raises(VectorError, match=r"'SIGP': expected one of .*SSCH"):
        play(script, IMAGES, tmp_path)
