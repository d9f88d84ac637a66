"""The machine of this package: its actors of production, under either emulator.

Under its own emulator this is the `PassThroughMachine` of `scenarios`. Under QEMU's,
and where threads write the regions themselves, the driver is `VfioCcwRegions`.
"""

from functools import partial
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors import VfioCcwRegions
from ccw_actors.actors.host import DriverState
from ccw_actors.actors.protocol import (
    Attend,
    DetachDevice,
    Piece,
    ReadStorage,
    StorageWritten,
    WriteIo,
    WriteStorage,
)
from ccw_actors.channel import Cstat, Pmcw, Scsw, Stctl
from ccw_actors.designs import QemuSubchannel, RawReader, RawWriter, shows_cpa
from ccw_actors.explore import View, World
from ccw_actors.machine import (
    DevicePaths,
    Layers,
    add_driver,
    add_subchannel,
)
from ccw_actors.runtime import Actor, ActorRef, Message, Restart, System, receive
from ccw_actors.scenarios import (
    BUFFER,
    ENABLED,
    PROGRAM,
    VALID_HOST,
    HostMachine,
    PassThroughMachine,
    add_disk,
    is_held,
    track,
)
from ccw_actors.verdicts._guest import (
    LEFT,
    SCHID,
    spawn_guest,
    spawn_operator,
)
from ccw_actors.verdicts._guest_monitor import GUEST
from ccw_actors.verdicts._machine import VerdictMachine
from ccw_actors.verdicts._programs import IDAL, RAW_START
from ccw_actors.verdicts._rows import EmulatorName
from ccw_actors.verdicts._scenario import VerdictScenario

__all__ = ["OwnMachine", "own_machine"]

_CHECKS: Final = Cstat.PROGRAM_CHECK | Cstat.PROTECTION_CHECK
_LABEL: Final = b"what a neighbour reads.."


class OwnMachine:
    """This package's VfioCcw, Cio, Subchannel, Device and Storage."""

    def __init__(
        self, emulator: EmulatorName | None, scenario: VerdictScenario
    ) -> None:
        self._emulator = emulator
        self._has_guest = not scenario.raw
        self._program = scenario.program
        first = scenario.raw[0][0] if scenario.raw else None
        self._starts_nothing = isinstance(first, WriteIo) and not first.fctl

    def _driver(self, view: View) -> DriverState:
        """Return the driver's state, which is a part of that of VfioCcwRegions."""
        vfio: Any = view["vfio-ccw"]
        driver: DriverState = vfio if self._emulator == "ours" else vfio.driver
        return driver

    def owned(self, view: View) -> bool:
        """The subchannel executes a program."""
        return view["subchannel"].execution is not None

    def queued(self, view: View) -> bool:
        """An event has not been taken, or intermediate status is shown."""
        untaken = self._driver(view).untaken > 0
        if self._emulator == "qemu" or not self._has_guest:
            return untaken or bool(view["vfio-ccw"].unread.events)
        shown = view[GUEST].schib.scsw.stctl & Stctl.INTERMEDIATE
        return untaken or bool(shown)

    def started(self, view: View) -> int:
        """The number of programs that the subchannel has begun."""
        return int(view["subchannel"].run)

    def unsolicited(self, view: View) -> bool:
        """GuestSubchannel holds status, or an event answers no operation."""
        if self._emulator == "ours":
            return view[GUEST].unsolicited is not None
        events = view["vfio-ccw"].unread.events
        return any(not event.answers for event in events)

    def translating(self, view: View) -> bool:
        """VfioCcw copies a program or pins its pages."""
        program = self._driver(view).program
        return program is not None and program.phase in ("copying", "pinning")

    def lost(self, view: View) -> bool:
        """V of the host's PMCW is off."""
        return not view["subchannel"].schib.pmcw.valid

    def hangs(self, view: View) -> bool:
        """The other device's VfioCcw waits for its storage."""
        return view["neighbour/vfio-ccw"].driver.program is not None

    def changed(self, view: View) -> bool:
        """The CPU has stored the other address."""
        return bool(view["changer"].done)

    def broken(self, view: View) -> tuple[str, ...]:
        """The faults that a comparison of several actors shows."""
        found = self._of_channel(view)
        program = self._driver(view).program
        is_long = self._program == "long"
        if is_long and program is not None and program.phase == "started":
            found.append("I11: a program of 17 chains is given to the channel")
        found += self._of_writers(view)
        if self._has_guest and _shows_host_address(view[GUEST].schib.scsw):
            found.append("I13: the guest is shown a host address as CCW address")
        return tuple(found)

    def _of_channel(self, view: View) -> list[str]:
        """Return the faults of the program that the channel owns."""
        found: list[str] = []
        if not is_held(view):
            found.append("I1: a program is released while the subchannel may use it")
        if self.owned(view) and self._driver(view).program is None:
            found.append("I2: VfioCcw has no program while the channel owns one")
        checked = view["subchannel"].schib.scsw.cstat & _CHECKS
        if checked and self._program != "faulty":
            found.append("I12: the channel meets an address that is not pinned")
        return found

    def _of_writers(self, view: View) -> list[str]:
        """Return the faults in the answers to threads that write the regions."""
        if self._has_guest:
            return []
        found: list[str] = []
        unread = view["vfio-ccw"].unread
        newest = unread.newest_clear
        if any(max(e.answers, default=e.after) < newest for e in unread.events):
            found.append("stale: status from before a RESET is there to be read")
        if self._starts_nothing and 0 in view["writer0"].returned:
            found.append("no-op: a write without a function returns success")
        return found

    def left(self, view: View) -> str:
        """Storage keeps pages pinned for no program."""
        left = view["storage"].pins and not self.owned(view)
        return LEFT if left else ""


def own_machine(
    world: World, emulator: EmulatorName | None, scenario: VerdictScenario
) -> VerdictMachine:
    """Wire this package's layers with an emulator for a scenario."""
    system = world.system
    ref = system.ref
    host_pmcw = ENABLED if scenario.happens == "attention" else VALID_HOST
    if emulator == "ours":
        PassThroughMachine(
            system, *scenario.programs, content=scenario.content, host_pmcw=host_pmcw
        )
    else:
        _spawn_regions(system, scenario, host_pmcw)
    spawn_operator(world, scenario)
    if scenario.neighbour:
        _own_neighbour(system)
    if scenario.happens == "attention":
        ref("device").tell(Attend())
    if scenario.happens == "loss":
        ref("subchannel").tell(DetachDevice())
    if scenario.program == "changes":
        system.spawn(Changer(ref("storage")), "changer")
    return OwnMachine(emulator, scenario)


def _spawn_regions(system: System, scenario: VerdictScenario, host_pmcw: Pmcw) -> None:
    """Spawn VfioCcwRegions, and the actors that read and write its regions."""
    kernel = system.ref("vfio-ccw")
    limits: Literal["linux", "none"]
    limits = "linux" if scenario.program == "long" else "none"
    front = partial(VfioCcwRegions, limits=limits)
    HostMachine(
        system,
        layers=Layers(vfio_ccw=front),
        content=scenario.content,
        host_pmcw=host_pmcw,
    )
    emulated: Actor = RawReader(kernel)
    if not scenario.raw:
        emulated = QemuSubchannel(SCHID, ENABLED, kernel, system.ref("css"))
    system.spawn(emulated, GUEST, supervision=Restart())
    for number, requests in enumerate(scenario.raw):
        system.spawn(RawWriter(kernel, requests), f"writer{number}")
    if scenario.programs:
        spawn_guest(system, scenario)


class Change(Message, frozen=True):
    """Have the CPU store now."""


class ChangerState(Struct):
    """Whether the IDAW has been changed."""

    done: bool = False


class Changer(Actor):
    """A CPU of the guest that stores another address in the first IDAW."""

    state: ChangerState

    def __init__(self, storage: ActorRef[Any]) -> None:
        self._storage = storage
        self.state = ChangerState()

    def on_start(self) -> None:
        """Send itself the message, which is handled at any time."""
        self.ref.tell(Change())

    @receive
    def change(self, _message: Change) -> None:
        """Store another address in the first IDAW."""
        self._storage.tell(WriteStorage(0, (Piece(IDAL, bytes(8)),)))

    @receive
    def stored(self, _message: StorageWritten) -> None:
        """Note that the address is stored."""
        self.state.done = True


class _Silent(Actor):
    """A storage that never answers."""

    @receive
    def anything(self, _message: ReadStorage) -> None:
        """Leave it unanswered."""


def _own_neighbour(system: System) -> None:
    """Spawn another guest's device, whose START hangs in the kernel."""
    ref = system.ref
    below = DevicePaths.below("neighbour", "neighbour")
    paths = replace(below, emulated="neighbour/reader")
    storage = system.spawn(_Silent(), "neighbour/storage")
    add_disk(system, track(_LABEL), paths=paths, volume="neighbour/volume")
    add_subchannel(system, paths, SCHID, ENABLED, ())
    add_driver(system, paths, storage, base=0, layers=Layers(vfio_ccw=VfioCcwRegions))
    vfio = ref(paths.vfio_ccw)
    system.spawn(RawReader(vfio), paths.emulated)
    system.spawn(RawWriter(vfio, (RAW_START,)), "neighbour/writer")
    ref(paths.device).tell(Attend())


def _shows_host_address(scsw: Scsw) -> bool:
    inside = PROGRAM <= scsw.cpa < BUFFER
    return scsw.pending and shows_cpa(scsw) and not inside
