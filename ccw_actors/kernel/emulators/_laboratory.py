"""Laboratory: runs scenarios on a QEMU and on a bare subchannel, and makes records."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.errors import CcwActorsError
from ccw_actors.kernel.emulators._bare_target import BareTarget
from ccw_actors.kernel.emulators._errors import NotApplicableError
from ccw_actors.kernel.emulators._guest_program import compile_guest, compiler_version
from ccw_actors.kernel.emulators._judgement import Runs, Try, judged
from ccw_actors.kernel.emulators._model_target import ModelTarget
from ccw_actors.kernel.emulators._monitor import Monitor
from ccw_actors.kernel.emulators._qemu_target import QemuTarget
from ccw_actors.kernel.emulators._scenarios import EmulatorScenario
from ccw_actors.kernel.emulators._target import Target
from ccw_actors.kernel.emulators._trial import Trial
from ccw_actors.kernel.records import ExecutionRecord
from ccw_actors.kernel.records import Target as RecordTarget
from ccw_actors.vfio import QemuVersion, check_host, find_qemu, qemu_version

__all__ = ["Laboratory", "open_laboratory", "run_bare", "run_model", "run_on"]

_DESIGN: Final = "qemu"
_VOLSER: Final = "EMPTY1"


async def run_on(
    target: Target, scenario: EmulatorScenario, monitor: Monitor | None = None
) -> Try:
    """Run a scenario on a target; `monitor` judges it."""
    trial = Trial(target, monitor)
    problem = refusal = ""
    try:
        await trial.begin()
        await scenario.course(trial)
    except NotApplicableError as error:
        refusal = str(error)
    except (TimeoutError, CcwActorsError) as error:
        said = str(error) or "the guest does not answer"
        problem = f"the order did not run to its end: {said}"
    violations = tuple(map(str, trial.monitor.violations))
    return Try(violations, tuple(trial.steps), problem, refusal)


async def run_bare(disk: Path, scenario: EmulatorScenario) -> Try:
    """Run a scenario on a bare subchannel of this package, with the image `disk`."""
    async with BareTarget(disk) as target:
        return await run_on(target, scenario)


async def run_model(disk: Path, scenario: EmulatorScenario) -> Try:
    """Run a scenario on the verdict table's model of QEMU, with the image `disk`."""
    async with ModelTarget(disk) as target:
        return await run_on(target, scenario)


class Laboratory(Struct, frozen=True):
    """A QEMU `program` of some version, the guest's `kernel`, and the image `disk`."""

    program: Path
    version: QemuVersion
    compiler: str
    kernel: Path
    disk: Path

    async def run(
        self,
        name: str,
        scenario: EmulatorScenario,
        tries: int,
        on_try: Callable[[], None] = lambda: None,
    ) -> ExecutionRecord:
        """Run a scenario `tries` times, each in a QEMU of its own.

        Raises:
            EmulatorTestError: A guest does not start.
        """
        bare = await run_bare(self.disk, scenario)
        model = await run_model(self.disk, scenario)
        results: list[Try] = []
        for _ in range(tries):
            on_try()
            results.append(await self._try(scenario))
        runs = Runs(tuple(results), bare, model)
        return judged(self._target(), name, scenario, runs)

    async def _try(self, scenario: EmulatorScenario) -> Try:
        target = QemuTarget(
            str(self.program), self.kernel, self.disk, cpus=scenario.cpus
        )
        async with target:
            return await run_on(target, scenario)

    def _target(self) -> RecordTarget:
        return RecordTarget(
            kind="qemu",
            version=self.version.number,
            package=self.version.package,
            configuration=("tcg",),
            compiler=self.compiler,
            design=_DESIGN,
        )


@asynccontextmanager
async def open_laboratory(program: str | None) -> AsyncGenerator[Laboratory]:
    """Compile the guest, make a disk, and find the QEMU, by default that on PATH.

    Raises:
        EmulatorTestError: The compiler is missing.
        ClientError: The QEMU is missing, or has no vfio-ccw.
        UnsupportedHostError: This computer does not let other processes be guests.
    """
    check_host()
    found = find_qemu() if program is None else find_qemu(program)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ccw-actors-")))
        kernel, disk = folder / "guest", folder / "disk.img"
        compile_guest(kernel)
        create_tracks(disk, ckd_volume(ckd_type("3390")[0], 1), _VOLSER)
        yield Laboratory(found, qemu_version(found), compiler_version(), kernel, disk)
