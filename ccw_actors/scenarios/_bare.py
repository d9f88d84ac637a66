"""The same guest on a machine of its own: its CPUs, one subchannel, one device.

What can happen there is what a guest may see of a passed-through subchannel, too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ccw_actors.actors import (
    MemoryVolume,
    Region,
    Storage,
    Subchannel,
)
from ccw_actors.actors.hardware import SubchannelState
from ccw_actors.actors.protocol import Piece, Proceed
from ccw_actors.channel import Actl, Pmcw, SubchannelId, lifecycle
from ccw_actors.channel.actions import End, Suspend
from ccw_actors.channel.execution import Execution
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.explore import Network, Reference, Scenario, World, refines
from ccw_actors.machine import (
    GuestPaths,
    Layers,
    Program,
    add_device,
    add_guest,
    add_subchannel,
)
from ccw_actors.runtime import Message, receive
from ccw_actors.scenarios._history import visible
from ccw_actors.scenarios._machine import (
    ENABLED,
    GEOMETRY,
    PATHS,
    PROGRAM,
    STORAGE,
    PassThroughMachine,
    one_read,
    track,
)

__all__ = [
    "RECORD",
    "UnhurriedSubchannel",
    "bare_machine",
    "like_one_subchannel",
    "reference",
]

RECORD = b"what the channel reads.."


class SignalHalt(Message, frozen=True):
    """The halt signal is to go out now."""


class ShowInterrupt(Message, frozen=True):
    """The status of a PCI is to become pending now."""


class UnhurriedState(SubchannelState):
    """What it remembers besides: a PCI that has not been shown yet.

    That is the number of its channel program, and the CCW address; 0 if there is none.
    """

    pci_of: int = 0
    pci: int = 0


class UnhurriedSubchannel(Subchannel):
    """One that takes the time which the architecture leaves it.

    After HSCH the halt signal goes out at any time; how far a channel program comes
    meanwhile, and how it ends there, is open. The status of a PCI becomes pending at
    any time after its CCW was fetched, or with the status that suspends or ends the
    program. The subchannel that drives devices does either before the next CCW.
    """

    state: UnhurriedState

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        schib = self.state.schib
        self.state = UnhurriedState(schib)  # pyright: ignore[reportIncompatibleVariableOverride]

    @receive
    def show_interrupt(self, _message: ShowInterrupt) -> None:
        """Show the PCI, unless the end of the program has."""
        if self._take_interrupt() and self.state.execution is not None:
            self._present_interrupt(self.state.pci)

    # The next methods stand in for steps that `Subchannel` takes at once. Here a timer
    # puts each off: without a clock it fires at any time, and that is what is open.
    def _interrupt(self, cpa: int) -> None:
        self.state.pci_of, self.state.pci = self.state.run, cpa
        self.after(0.0, ShowInterrupt())

    def _perform(self, execution: Execution) -> None:
        state = self.state
        # A PCI is shown with the suspension at the latest.
        if isinstance(execution.action, Suspend) and self._take_interrupt():
            scsw = lifecycle.program_controlled(state.schib.scsw, state.pci)
            state.schib = replace(state.schib, scsw=scsw)
        super()._perform(execution)

    def _take_interrupt(self) -> bool:
        """Whether there is a PCI of this program, which is shown now."""
        is_there = self.state.pci_of == self.state.run
        self.state.pci_of = 0
        return is_there

    def _end(self, end: End) -> None:
        state = self.state
        if self._take_interrupt():
            scsw = lifecycle.program_controlled(state.schib.scsw, state.pci)
            state.schib = replace(state.schib, scsw=scsw)
        super()._end(end)

    def _begin_halt(self) -> None:
        self.after(0.0, SignalHalt())

    @receive
    def signal_halt(self, _message: SignalHalt) -> None:
        """Signal, if the program has not ended before."""
        if self.state.schib.scsw.actl & Actl.HALT_PENDING:
            self._signal_halt()

    @receive
    def proceed(self, message: Proceed) -> None:
        """Do what is pending but a halt."""
        state = self.state
        scsw = state.schib.scsw
        # The halt signal is not out yet: the program goes on as if there was no HSCH.
        if message.step == state.step and scsw.actl & Actl.HALT_PENDING:
            if state.execution is not None:
                self._perform(state.execution)
        else:
            super().proceed(message)


def bare_machine(
    *programs: Program,
    guest_pmcw: Pmcw = ENABLED,
    content: bytes | None = None,
    storage_size: int = STORAGE,
    image: bytes | None = None,
    happens: Mapping[str, Any] | None = None,
    subchannel: Callable[..., Subchannel] = UnhurriedSubchannel,
) -> Scenario:
    """Return the scenario of CPUs "cpu0", "cpu1", ... on a bare subchannel.

    The arguments are those of `PassThroughMachine`. Messages that `happens` has by path
    come from outside, at any time.
    """

    def scenario(world: World) -> None:
        system = world.system
        ref = system.ref
        program = Piece(PROGRAM, one_read() if content is None else content)
        storage = system.spawn(Storage(storage_size, (program,)), "storage")
        first = track(RECORD) if image is None else image
        volume = system.spawn(MemoryVolume(GEOMETRY, {0: first}), "volume")
        model = device_model(DeviceConfiguration("3390", GEOMETRY))
        layers = Layers(subchannel=subchannel)
        add_device(system, PATHS, model, volume)
        guest = GuestPaths()
        add_subchannel(
            system,
            PATHS,
            SubchannelId(0, 0),
            guest_pmcw,
            (Region(0, storage_size, storage),),
            sink=guest.css,
            layers=layers,
        )
        add_guest(
            system,
            guest,
            programs,
            {0: ref(PATHS.subchannel)},
            storage,
            cpus=len(programs) + 1,
            remember=True,
        )
        for path, message in (happens or {}).items():
            ref(path).tell(message)

    return scenario


def reference(*programs: Program, delivery: Network = "channel") -> Reference:
    """Return all that the CPUs can see on a bare subchannel."""
    return Reference(bare_machine(*programs), visible, delivery=delivery)


def like_one_subchannel(
    *programs: Program, known: Reference | None = None, layers: Layers | None = None
) -> Scenario:
    """Return a scenario in which a guest sees what it could have seen on a bare one.

    `known` is the reference if it has been made, and whose states are to be used.
    """

    def scenario(world: World) -> None:
        PassThroughMachine(world.system, *programs, layers=layers)
        of = reference(*programs) if known is None else known
        refines(world, "a real subchannel", of)

    return scenario
