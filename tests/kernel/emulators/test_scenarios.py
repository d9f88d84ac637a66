"""The scenarios on a bare subchannel, on broken ones, and on the table's model."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccw_actors.actors import Subchannel
from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    HaltSubchannel,
    ModifySubchannel,
    ResetSubchannel,
    ResumeSubchannel,
    SubchannelReset,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import Fctl, Irb, Scsw
from ccw_actors.kernel.emulators import EMULATOR_SCENARIOS
from ccw_actors.kernel.emulators._bare_target import BareTarget
from ccw_actors.kernel.emulators._judgement import Runs, Try, difference, judged
from ccw_actors.kernel.emulators._laboratory import run_bare, run_model, run_on
from ccw_actors.machine import Layers
from ccw_actors.runtime import receive
from tests.kernel.emulators.disk import (
    NOT_IN_THE_MODEL,
    VERSIONS,
    make_disk,
    saved_record,
)

CLAIMS = [name for name, scenario in EMULATOR_SCENARIOS.items() if scenario.claim]
CONTROLS = [name for name, scenario in EMULATOR_SCENARIOS.items() if not scenario.claim]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a disk for all tests: none writes to it."""
    return make_disk(tmp_path_factory.mktemp("disk"))


@functools.cache
def on_bare(disk: Path, name: str) -> Try:
    """Run a scenario on a bare subchannel, once for all tests."""
    return asyncio.run(run_bare(disk, EMULATOR_SCENARIOS[name]))


@functools.cache
def on_model(disk: Path, name: str) -> Try:
    """Run a scenario on the table's model of QEMU, once for all tests."""
    return asyncio.run(run_model(disk, EMULATOR_SCENARIOS[name]))


@pytest.mark.parametrize("name", EMULATOR_SCENARIOS)
def test_a_bare_subchannel_is_right(disk: Path, name: str) -> None:
    """Each order runs to its end on a bare subchannel, which breaks no rule."""
    done = on_bare(disk, name)
    assert not done.wrong
    assert len(done.steps) > 1 or name == "path-mask"


class AnswersCancel(Subchannel):
    """XSCH says that the START is withdrawn, and does nothing."""

    @receive
    def cancel_start(self, message: CancelSubchannel) -> ConditionCode:
        """Answer condition code 0."""
        del message
        return ConditionCode(0)


class LosesStart(Subchannel):
    """HSCH takes START out of FC."""

    @receive
    def halt(self, message: HaltSubchannel) -> ConditionCode:
        """Halt, and change FC."""
        answer = super().halt(message)
        scsw = self.state.scsw
        self.state.scsw = replace(scsw, fctl=scsw.fctl & ~Fctl.START)
        return answer


class KeepsStatus(Subchannel):
    """CSCH leaves pending status, which the next TSCH shows with FC clear."""

    _old: Scsw | None = None

    @receive
    def clear(self, message: ClearSubchannel) -> ConditionCode:
        """Clear, and keep the old status."""
        scsw = self.state.scsw
        self._old = replace(scsw, fctl=Fctl.CLEAR) if scsw.pending else None
        return super().clear(message)

    @receive
    def test(self, message: TestSubchannel) -> Tested:
        """Take the old status first."""
        old, self._old = self._old, None
        return super().test(message) if old is None else Tested(0, Irb(old))


class IgnoresResume(Subchannel):
    """RSCH is refused."""

    @receive
    def resume(self, message: ResumeSubchannel) -> ConditionCode:
        """Answer condition code 2."""
        del message
        return ConditionCode(2)


class IgnoresReset(Subchannel):
    """A reset changes nothing."""

    @receive
    def reset(self, message: ResetSubchannel) -> SubchannelReset:  # type: ignore[override]
        """Answer at once."""
        del message
        return SubchannelReset(0)


class LetsDisable(Subchannel):
    """MSCH is accepted whatever is in progress."""

    @receive
    def modify(self, message: ModifySubchannel) -> ConditionCode:
        """Answer condition code 0."""
        super().modify(message)
        return ConditionCode(0)


class KeepsInterruption(Subchannel):
    """TSCH leaves the interruption of the status that it takes."""

    @receive
    def test(self, message: TestSubchannel) -> Tested:
        """Take the status."""
        answer = super().test(message)
        request = self.state.interruption
        request.pending = request.pending or answer.cc == 0
        return answer


@pytest.mark.parametrize(
    ("broken", "name", "seen"),
    [
        (AnswersCancel, "cancel", "XSCH cc 0 while the channel program is active"),
        (LosesStart, "halt-active", "functions in progress: start+halt"),
        (KeepsStatus, "clear-pending", "more than pending"),
        (KeepsStatus, "collapse", "more than pending"),
        (IgnoresResume, "suspend", "RSCH cc 2"),
        (IgnoresReset, "guest-reset", "after a reset"),
        (LetsDisable, "disable", "MSCH cc 0 with functions in progress: start"),
        (KeepsInterruption, "interruption", "no status is pending"),
    ],
)
def test_a_broken_subchannel_is_found(
    disk: Path, broken: Callable[..., Subchannel], name: str, seen: str
) -> None:
    """The check finds a fault of the kind that QEMU has in our own subchannel."""

    async def run() -> Try:
        async with BareTarget(disk, Layers(subchannel=broken)) as target:
            return await run_on(target, EMULATOR_SCENARIOS[name])

    found = asyncio.run(run()).violations
    assert any(seen in one for one in found), found


@pytest.mark.parametrize("name", EMULATOR_SCENARIOS)
def test_the_model_has_the_faults(disk: Path, name: str) -> None:
    """The verdict table's model of QEMU breaks a rule where QEMU does, else none."""
    done = on_model(disk, name)
    assert not done.problem
    is_faulty = name in CLAIMS and name not in NOT_IN_THE_MODEL
    assert bool(done.violations) is is_faulty, done


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", EMULATOR_SCENARIOS)
def test_the_records_are_of_these_scenarios(
    disk: Path, version: str, name: str
) -> None:
    """What a record says about the scenario, and both references, is what they say now.

    Also where the model takes another step than the QEMU of the record.
    """
    record = saved_record(version, name)
    assert record.target.version.startswith(f"{version}.")
    model = on_model(disk, name)
    bare = on_bare(disk, name)
    real = Try(_violations(record.evidence), record.steps)
    runs = Runs((real,) * record.tries, bare, model)
    assert judged(record.target, name, EMULATOR_SCENARIOS[name], runs) == record


def _violations(evidence: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in evidence if one.endswith(")") and "(PoP, " in one)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_model_takes_qemus_steps(version: str) -> None:
    """Condition codes, FC, AC and SC are the same, but for what the model lacks."""
    same = "the same condition codes, FC, AC and SC in every step"
    differ = {
        name
        for name in EMULATOR_SCENARIOS
        if same not in saved_record(version, name).evidence[-1]
    }
    assert differ == {*NOT_IN_THE_MODEL}


@pytest.mark.parametrize("version", VERSIONS)
def test_both_kinds_of_outcome(version: str) -> None:
    """QEMU has every fault of a claim, and does the rest as the architecture asks."""
    outcome = {name: saved_record(version, name).outcome for name in EMULATOR_SCENARIOS}
    assert {outcome[name] for name in CLAIMS} == {"reproduced"}
    assert {outcome[name] for name in CONTROLS} == {"not reproduced"}


def test_a_difference_is_named() -> None:
    """Other condition codes and FC, AC, SC are differences; other words are not."""
    first = "CPU 0: STSCH: cc 0, 00c04400 00200000 00000000 (FC start)"
    words = "CPU 0: STSCH: cc 0, 00004400 00000000 00000000 (FC start)"
    other = "CPU 0: STSCH: cc 0, 00c02400 00200000 00000000 (FC halt)"
    assert difference(Try(steps=(first,)), Try(steps=(words,))).startswith("the same")
    assert "another step" in difference(Try(steps=(first,)), Try(steps=(other,)))
    assert "nothing" in difference(Try(steps=(first, first)), Try(steps=(first,)))
    assert "one more" in difference(Try(steps=(first,)), Try(steps=(first, first)))
