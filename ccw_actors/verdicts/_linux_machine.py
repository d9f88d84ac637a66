"""The machine of other designs: a model of vfio-ccw, with one of two emulators.

| path | actor |
|---|---|
| host | the design's memory, and the host's subchannel |
| thread, thread0 ... | the emulator's thread in the kernel, and threads without one |
| work-queue | the design's work queue |
| region-driver | under this package's emulator: the driver that writes the regions |
| neighbour/... | another guest's device, whose START hangs |
"""

from typing import Any, Final

from ccw_actors.actors import GuestSubchannel, Storage
from ccw_actors.designs import (
    Attention,
    Choices,
    DesignRequest,
    DeviceLost,
    IdawChanged,
    PathReport,
    QemuSubchannel,
    RawReader,
    RawWriter,
    RegionDriver,
    SystemCall,
    VfioCcwPrivate,
    WorkQueue,
    is_solicited,
)
from ccw_actors.explore import View, World
from ccw_actors.runtime import ActorRef, Message, System
from ccw_actors.scenarios import ENABLED, STORAGE
from ccw_actors.verdicts._guest import (
    LEFT,
    SCHID,
    spawn_guest,
    spawn_operator,
)
from ccw_actors.verdicts._guest_monitor import GUEST
from ccw_actors.verdicts._machine import VerdictMachine
from ccw_actors.verdicts._programs import RAW_START
from ccw_actors.verdicts._rows import EmulatorName
from ccw_actors.verdicts._scenario import VerdictScenario

__all__ = ["LinuxMachine", "linux_machine"]

_HAPPENS: Final[dict[str, tuple[Message, ...]]] = {
    "attention": (Attention(),),
    "loss": (DeviceLost(),),
    "reports": (PathReport(1), PathReport(2)),
}


class LinuxMachine:
    """A design's memory, threads and work queue."""

    def owned(self, view: View) -> bool:
        """SSCH has given a program to the channel."""
        return bool(view["host"].owned)

    def queued(self, view: View) -> bool:
        """The work queue has an item, or the counter of the eventfd is not zero."""
        return bool(view["work-queue"].items) or view["host"].events > 0

    def started(self, view: View) -> int:
        """The number of SSCHs with condition code 0."""
        return int(view["host"].ssch)

    def unsolicited(self, view: View) -> bool:
        """The slot holds unsolicited status that is queued."""
        return self.queued(view) and not is_solicited(view["host"].irb.scsw)

    def translating(self, view: View) -> bool:
        """The driver's state is CP_PROCESSING."""
        return bool(view["host"].fsm == "CP_PROCESSING")

    def lost(self, view: View) -> bool:
        """V of the host's PMCW is off."""
        return not view["host"].valid

    def hangs(self, view: View) -> bool:
        """The other device's io_mutex is held: its START never releases it."""
        return bool(view["neighbour/host"].mutex)

    def changed(self, view: View) -> bool:
        """The model has handled the change."""
        return bool(view["host"].idaw > 0)

    def broken(self, view: View) -> tuple[str, ...]:
        """The faults that the sections of the model have noted."""
        found: tuple[str, ...] = view["host"].wrong
        return found

    def left(self, view: View) -> str:
        """A program is pinned or live that the channel does not own."""
        host = view["host"]
        if any(one != host.owned for one in host.pinned):
            return LEFT
        left = [
            one for one in host.live if one != host.owned and one not in host.pinned
        ]
        return "I6: memory of a program is never freed" if left else ""


def linux_machine(
    world: World,
    choices: Choices,
    emulator: EmulatorName | None,
    scenario: VerdictScenario,
) -> VerdictMachine:
    """Wire a design with an emulator for a scenario."""
    system = world.system
    ref = system.ref
    driver = "region-driver" if emulator == "ours" else GUEST
    private = VfioCcwPrivate(
        choices, ref("work-queue"), ref(driver), scenario.behaviour, scenario.program
    )
    host = system.spawn(private, "host")
    system.spawn(WorkQueue(), "work-queue")
    system.spawn(SystemCall(host), "thread")
    _spawn_emulator(system, host, emulator, scenario)
    if scenario.programs:
        system.spawn(Storage(STORAGE), "storage")
        spawn_guest(system, scenario)
    spawn_operator(world, scenario)
    if scenario.neighbour:
        _neighbour(system, choices)
    for number, message in enumerate(_HAPPENS.get(scenario.happens, ())):
        world.inject(host, message, f"happening{number}")
    if scenario.program == "changes":
        world.inject(host, IdawChanged())
    return LinuxMachine()


def _spawn_emulator(
    system: System,
    host: ActorRef[Any],
    emulator: EmulatorName | None,
    scenario: VerdictScenario,
) -> None:
    """Spawn the callers of the kernel: an emulator, or threads without one."""
    ref = system.ref
    if scenario.raw:
        system.spawn(RawReader(ref("thread")), GUEST)
        for number, requests in enumerate(scenario.raw):
            thread = system.spawn(SystemCall(host), f"thread{number}")
            writer = RawWriter[DesignRequest](thread, requests)
            system.spawn(writer, f"writer{number}")
    elif emulator == "qemu":
        emulated = QemuSubchannel(SCHID, ENABLED, ref("thread"), ref("css"))
        system.spawn(emulated, GUEST)
    else:
        guest = GuestSubchannel(SCHID, ENABLED, ref("region-driver"), ref("css"))
        system.spawn(guest, GUEST)
        system.spawn(RegionDriver(ref("thread"), ref(GUEST)), "region-driver")


def _neighbour(system: System, choices: Choices) -> None:
    """Spawn another guest's device, whose START hangs in the kernel."""
    ref = system.ref
    private = VfioCcwPrivate(
        choices, ref("work-queue"), ref("neighbour/reader"), case="hangs"
    )
    host = system.spawn(private, "neighbour/host")
    reads = system.spawn(SystemCall(host), "neighbour/thread")
    system.spawn(RawReader(reads), "neighbour/reader")
    writes = system.spawn(SystemCall(host), "neighbour/thread0")
    writer = RawWriter[DesignRequest](writes, (RAW_START,))
    system.spawn(writer, "neighbour/writer")
    host.tell(Attention())
