"""Laboratory: runs scenarios on a QEMU and on a bare subchannel, and makes records."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.errors import AskTimeoutError
from ccw_actors.kernel.emulators._bare_target import BareTarget
from ccw_actors.kernel.emulators._errors import NotApplicableError
from ccw_actors.kernel.emulators._guest_program import compile_guest, compiler_version
from ccw_actors.kernel.emulators._monitor import Monitor
from ccw_actors.kernel.emulators._qemu_target import QemuTarget
from ccw_actors.kernel.emulators._qemu_version import QemuVersion, qemu_version
from ccw_actors.kernel.emulators._scenarios import EmulatorScenario
from ccw_actors.kernel.emulators._target import Target
from ccw_actors.kernel.emulators._trial import Trial
from ccw_actors.kernel.records import Outcome, Record
from ccw_actors.kernel.records import Target as RecordTarget
from ccw_actors.vfio import check_host, find_qemu

__all__ = ["Laboratory", "Try", "judged", "open_laboratory", "run_bare", "run_on"]

_DESIGN: Final = "qemu"
_VOLSER: Final = "EMPTY1"


class Try(Struct, frozen=True):
    """One try: what the guest saw that is not allowed, and every step.

    `problem` says why the order did not run to its end, `refusal` why it cannot.
    """

    violations: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    problem: str = ""
    refusal: str = ""


async def run_on(
    target: Target, scenario: EmulatorScenario, monitor: Monitor | None = None
) -> Try:
    """Run a scenario on a target; `monitor` judges it."""
    trial = Trial(target, monitor)
    problem = refusal = ""
    try:
        await trial.begin()
        await scenario.course(trial)
    except (TimeoutError, AskTimeoutError) as error:
        said = str(error) or "the guest does not answer"
        problem = f"the order did not run to its end: {said}"
    except NotApplicableError as error:
        refusal = str(error)
    violations = tuple(map(str, trial.monitor.violations))
    return Try(violations, tuple(trial.steps), problem, refusal)


async def run_bare(disk: Path, scenario: EmulatorScenario) -> Try:
    """Run a scenario on a bare subchannel of this package, with the image `disk`."""
    async with BareTarget(disk) as target:
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
    ) -> Record:
        """Run a scenario `tries` times, each in a QEMU of its own.

        Raises:
            EmulatorTestError: A guest does not start.
        """
        reference = await run_bare(self.disk, scenario)
        results: list[Try] = []
        for _ in range(tries):
            on_try()
            results.append(await self._try(scenario))
        return judged(self._target(), name, scenario, reference, results)

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
async def open_laboratory(program: str | None) -> AsyncIterator[Laboratory]:
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


def judged(
    target: RecordTarget,
    name: str,
    scenario: EmulatorScenario,
    reference: Try,
    results: Sequence[Try],
) -> Record:
    """Make the record of a scenario; `reference` is the try on a bare subchannel."""
    bad = [one for one in results if one.violations]
    shown = next(iter(bad), results[0])
    outcome, why = _outcome(scenario, reference, results)
    checked = "a bare subchannel of this package passes the same check"
    return Record(
        target=target,
        scenario=name,
        interface="instructions",
        cpus=scenario.cpus,
        window="forced",
        variant=scenario.variant,
        invariant=scenario.invariant,
        outcome=outcome,
        why=why,
        tries=len(results),
        reproduced=len(bad) if outcome == "reproduced" else 0,
        evidence=(
            *shown.violations,
            f"the architecture asks for: {scenario.asks}",
            *(() if _faults_of(reference) else (checked,)),
        ),
        steps=shown.steps,
    )


def _outcome(
    scenario: EmulatorScenario, reference: Try, results: Sequence[Try]
) -> tuple[Outcome, str]:
    """Return the outcome of the tries, and one sentence about it."""
    problem = next((one.problem for one in results if one.problem), "")
    refusal = next((one.refusal for one in results if one.refusal), "")
    first = next((one.violations[0] for one in results if one.violations), "")
    if wrong := _faults_of(reference):
        return "undecided", f"a bare subchannel fails the same check: {wrong}"
    if first:
        cause = f"; in QEMU 7.2 and 10.0: {scenario.cause}" if scenario.cause else ""
        return "reproduced", f"{scenario.claim or first}{cause}"
    if refusal:
        return "not applicable", refusal
    if problem:
        return "undecided", problem
    return "not reproduced", "the guest saw what the architecture asks for"


def _faults_of(reference: Try) -> str:
    """Return what is wrong with the try on a bare subchannel, "" if nothing is."""
    return "; ".join(reference.violations) or reference.problem or reference.refusal
