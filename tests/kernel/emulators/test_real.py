"""A real QEMU: it does what the records say, and the check can fail both ways."""

import asyncio
import platform
import shutil

import pytest
from msgspec.structs import replace

from ccw_actors.channel import Scsw
from ccw_actors.kernel.emulators import EMULATOR_SCENARIOS, Laboratory, open_laboratory
from ccw_actors.kernel.emulators._guest_program import COMPILER
from ccw_actors.kernel.emulators._judgement import Try
from ccw_actors.kernel.emulators._laboratory import run_on
from ccw_actors.kernel.emulators._monitor import Monitor
from ccw_actors.kernel.emulators._qemu_target import QemuTarget
from ccw_actors.kernel.emulators._trial import Trial
from ccw_actors.kernel.records import Record
from tests.kernel.emulators.disk import VERSIONS, saved_record

pytestmark = pytest.mark.linux


@pytest.fixture(scope="module", autouse=True)
def _needs() -> None:
    if platform.machine() != "x86_64":
        pytest.skip(f"emulated guests are for x86_64, this is {platform.machine()}")
    if shutil.which("qemu-system-s390x") is None:
        pytest.skip("apt-get install qemu-system-misc: there is no qemu-system-s390x")
    if shutil.which(COMPILER) is None:
        pytest.skip(f"apt-get install gcc-s390x-linux-gnu: there is no {COMPILER}")


def test_it_does_what_the_records_say() -> None:
    """Each scenario has the outcome, the evidence and the steps of the record.

    A QEMU of another version than those of the records need not, and is only run.
    """

    async def run() -> list[Record]:
        async with open_laboratory(None) as laboratory:
            return [
                await laboratory.run(name, scenario, 1)
                for name, scenario in EMULATOR_SCENARIOS.items()
            ]

    for record in asyncio.run(run()):
        assert record.outcome != "undecided", record.why
        version = ".".join(record.target.version.split(".")[:2])
        if version in VERSIONS:
            saved = saved_record(version, record.scenario)
            once = 1 if saved.reproduced else 0
            assert record == replace(
                saved, target=record.target, tries=1, reproduced=once
            )


class AsksForMore(Monitor):
    """A check with a rule that the architecture does not have: TSCH ends START."""

    def tested(self, cc: int, scsw: Scsw) -> None:
        """Let every status end every function."""
        super().tested(cc, scsw)
        if not cc:
            self.functions = 0


class AsksForNothing(Monitor):
    """A check that lets XSCH do what it likes, as if that were the architecture's."""

    def cancelled(self, cc: int) -> None:
        """Believe that nothing has changed."""
        del cc


async def run(laboratory: Laboratory, name: str, monitor: Monitor) -> Try:
    """Run a scenario with another check."""
    scenario = EMULATOR_SCENARIOS[name]
    target = QemuTarget(None, laboratory.kernel, laboratory.disk, cpus=scenario.cpus)
    async with target:
        return await run_on(target, scenario, monitor)


def test_the_check_decides() -> None:
    """With other expectations the same guest gives other outcomes.

    A wrong rule finds a fault where QEMU has none. Without the rule about XSCH the
    first fault that is found is another one, later.
    """

    async def both() -> tuple[Try, Try]:
        async with open_laboratory(None) as laboratory:
            return (
                await run(laboratory, "pci", AsksForMore()),
                await run(laboratory, "cancel", AsksForNothing()),
            )

    pci, cancel = asyncio.run(both())
    assert any("STSCH shows" in one for one in pci.violations)
    assert not any("XSCH" in one for one in cancel.violations)
    assert "STSCH shows 00000000" in cancel.violations[0]


def test_a_guest_that_stops() -> None:
    """A QEMU that ends amid a scenario leaves it undecided; nothing hangs."""

    async def stopped() -> Try:
        async with open_laboratory(None) as laboratory:
            target = QemuTarget(None, laboratory.kernel, laboratory.disk)

            async def course(trial: Trial) -> None:
                await target.stop()
                await trial.start()

            async with target:
                return await run_on(
                    target, replace(EMULATOR_SCENARIOS["pci"], course=course)
                )

    assert "did not run to its end" in asyncio.run(stopped()).problem
