"""Wires the actors of machines; no other module does.

A machine file, the scenarios, examples, tests and benchmarks all put machines together
with these functions. Each spawns actors into a System at paths of the caller's choice,
and returns them. Actors may refer to others that are spawned later.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from ccw_actors.actors import (
    ChannelSubsystem,
    Cio,
    Cpu,
    Device,
    Emulator,
    FileVolume,
    Guest,
    GuestSubchannel,
    Region,
    Subchannel,
    VfioCcw,
    VfioCcwRegions,
)
from ccw_actors.actors.hardware import (
    DEVICE,
    PROMPT,
    Pace,
    SubchannelReferences,
    SubchannelSet,
)
from ccw_actors.actors.protocol import (
    DeviceToVolume,
    GuestSubchannelToVfioCcw,
    GuestToStorage,
    GuestToSubchannel,
    Operation,
    ResetSubchannel,
    RunProgram,
    SubchannelToSink,
    SubsystemToSet,
    VfioCcwToStorage,
)
from ccw_actors.channel import ModelDependent, Pmcw, SubchannelId
from ccw_actors.devices import DeviceModel
from ccw_actors.runtime import ActorRef, Restart, System

__all__ = [
    "OURS",
    "DevicePaths",
    "GuestPaths",
    "Layers",
    "Program",
    "add_device",
    "add_driver",
    "add_guest",
    "add_guest_subchannel",
    "add_subchannel",
    "add_subchannel_set",
    "pass_through",
]

Program: TypeAlias = (
    Sequence[Operation]
    | Callable[[Cpu], Coroutine[Any, Any, Any]]
    | ActorRef[RunProgram]
)
"""What a virtual CPU runs; see `Guest`."""

CCWS_AT_ONCE: Final = 16
"""CCWs that VfioCcw reads with one message; see `VfioCcw`."""


class Layers(Struct, frozen=True):
    """The classes of a machine's actors, or functions in their place.

    Call each field like the class of the same name in `ccw_actors.actors`. `pace` is
    that of the host's subchannels, None for the default of `Subchannel`.
    """

    guest_subchannel: Callable[..., GuestSubchannel] = GuestSubchannel
    vfio_ccw: Callable[..., VfioCcw | VfioCcwRegions] = VfioCcw
    cio: Callable[..., Cio] = Cio
    subchannel: Callable[..., Subchannel] = Subchannel
    device: Callable[..., Device] = Device
    volume: Callable[..., FileVolume] = FileVolume
    pace: Pace | None = None


OURS: Final = Layers()
"""The layers that machines have by default."""


class DevicePaths(Struct, frozen=True, kw_only=True):
    """The paths of the actors of one device.

    A device that is passed through has `cio`, `vfio_ccw` and `emulated`, which answers
    the guest's I/O instructions, or replaces the actor that does.
    """

    device: str = "device"
    subchannel: str = "subchannel"
    cio: str = "cio"
    vfio_ccw: str = "vfio-ccw"
    emulated: str = "guest-subchannel"

    @classmethod
    def below(cls, host: str, guest: str) -> "DevicePaths":
        """Return paths below that of the host's device, and of the guest's."""
        return cls(
            device=f"{host}/device",
            subchannel=f"{host}/subchannel",
            cio=f"{host}/cio",
            vfio_ccw=f"{guest}/vfio-ccw",
            emulated=f"{guest}/subchannel",
        )


class GuestPaths(Struct, frozen=True, kw_only=True):
    """The paths of a guest's actors; CPU number N is at `cpu` followed by N."""

    css: str = "css"
    emulator: str = "emulator"
    cpu: str = "cpu"

    @classmethod
    def below(cls, guest: str) -> "GuestPaths":
        """Return paths below that of the guest."""
        return cls(css=f"{guest}/css", emulator=f"{guest}/emulator", cpu=f"{guest}/cpu")


def add_device(
    system: System,
    paths: DevicePaths,
    model: DeviceModel[Any],
    volume: ActorRef[DeviceToVolume] | None,
    *,
    gather: bool = True,
    layers: Layers = OURS,
) -> Device:
    """Spawn a device, which sends unsolicited status to its subchannel.

    With `gather` it writes the tracks of a chain at its end; see `Device`.
    """
    subchannel = system.ref(paths.subchannel)
    device = layers.device(model, volume, gather=gather, subchannel=subchannel)
    system.spawn(device, paths.device, supervision=Restart())
    return device


def add_subchannel(
    system: System,
    paths: DevicePaths,
    schid: SubchannelId,
    pmcw: Pmcw,
    regions: Sequence[Region],
    *,
    sink: ActorRef[SubchannelToSink] | None = None,
    model: ModelDependent | None = None,
    layers: Layers = OURS,
) -> Subchannel:
    """Spawn the subchannel in front of a device.

    It announces interruptions to `sink`, by default its Cio. Channel programs may use
    the storage of `regions`. `model` has the choices that the architecture leaves open.
    """
    subchannel = layers.subchannel(
        schid,
        pmcw,
        system.ref(paths.device),
        tuple(regions),
        system.ref(paths.cio) if sink is None else sink,
        model=model,
        pace=layers.pace or PROMPT,
    )
    system.spawn(subchannel, paths.subchannel, supervision=Restart())
    return subchannel


def add_subchannel_set(
    system: System,
    path: str,
    indexes: Sequence[int],
    pmcw: Callable[[int], Pmcw],
    regions: Sequence[Region],
    *,
    sink: ActorRef[SubchannelToSink],
    device: Callable[[int], DeviceModel[Any]] | None = None,
    model: ModelDependent | None = None,
    layers: Layers = OURS,
) -> SubchannelReferences:
    """Spawn the parent of subchannels, which makes each when something first uses it.

    So is the device of each, of the model that `device` makes; None for no devices. An
    index is that of a `SubchannelId`: for subchannel set 0 the number. `pmcw` says what
    a subchannel starts with. Each is under `path`, at its index. Give the result to a
    ChannelSubsystem and to `add_guest`, and its `all` to them and to ChannelPaths. For
    the others see `add_subchannel`.

    Raises `DispatcherError` under the stepping dispatcher.
    """
    used = tuple(regions)

    def subchannel(schid: SubchannelId, pmcw: Pmcw) -> Subchannel:
        return layers.subchannel(
            schid,
            pmcw,
            system.ref(f"{path}/{DEVICE}{schid.index}"),
            used,
            sink,
            model=model,
            pace=layers.pace or PROMPT,
        )

    def new_device(index: int) -> Device:
        assert device is not None, "the set has devices"
        return layers.device(device(index), None, subchannel=ref(index))

    def ref(index: int) -> ActorRef[Any]:
        return system.ref(f"{path}/{index}")

    devices = None if device is None else new_device
    parent = SubchannelSet(indexes, pmcw, subchannel, devices)
    all_ = system.spawn(parent, path, supervision=Restart())
    return SubchannelReferences(indexes, ref, all_)


def add_driver(
    system: System,
    paths: DevicePaths,
    storage: ActorRef[VfioCcwToStorage],
    *,
    base: int,
    emulated: ActorRef[Any] | None = None,
    ccws_at_once: int = CCWS_AT_ONCE,
    layers: Layers = OURS,
) -> VfioCcw | VfioCcwRegions:
    """Spawn the layers that drive a subchannel for an emulator: Cio, VfioCcw on top.

    `storage` is the guest's, `base` the address at which the host has it. `emulated` is
    the actor above, which may be in another System; by default that at its path here.
    """
    vfio_ccw = layers.vfio_ccw(
        system.ref(paths.cio),
        storage,
        system.ref(paths.emulated) if emulated is None else emulated,
        base=base,
        ccws_at_once=ccws_at_once,
    )
    system.spawn(vfio_ccw, paths.vfio_ccw, supervision=Restart())
    cio = layers.cio(system.ref(paths.subchannel), system.ref(paths.vfio_ccw))
    system.spawn(cio, paths.cio, supervision=Restart())
    return vfio_ccw


def add_guest_subchannel(
    system: System,
    paths: DevicePaths,
    number: int,
    pmcw: Pmcw,
    *,
    sink: ActorRef[SubchannelToSink],
    vfio_ccw: ActorRef[GuestSubchannelToVfioCcw] | None = None,
    layers: Layers = OURS,
) -> GuestSubchannel:
    """Spawn subchannel `number` of a guest; it announces interruptions to `sink`.

    `vfio_ccw` is the actor below, which may be in another System; by default that at
    its path here.
    """
    guest_subchannel = layers.guest_subchannel(
        SubchannelId(0, number),
        pmcw,
        system.ref(paths.vfio_ccw) if vfio_ccw is None else vfio_ccw,
        sink,
    )
    system.spawn(guest_subchannel, paths.emulated, supervision=Restart())
    return guest_subchannel


def pass_through(
    system: System,
    paths: DevicePaths,
    storage: ActorRef[VfioCcwToStorage],
    *,
    base: int,
    number: int = 0,
    pmcw: Pmcw,
    sink: ActorRef[SubchannelToSink],
    layers: Layers = OURS,
) -> GuestSubchannel:
    """Spawn the layers that make a guest's subchannel of host subchannel `number`.

    `storage` is the guest's, `base` the address at which the host has it. The guest's
    subchannel starts with `pmcw`, and announces interruptions to `sink`.
    """
    add_driver(system, paths, storage, base=base, layers=layers)
    return add_guest_subchannel(system, paths, number, pmcw, sink=sink, layers=layers)


def add_guest(
    system: System,
    paths: GuestPaths,
    programs: Sequence[Program],
    subchannels: Mapping[int, ActorRef[GuestToSubchannel]],
    storage: ActorRef[GuestToStorage],
    *,
    sets: Sequence[ActorRef[SubsystemToSet | ResetSubchannel]] = (),
    css: ChannelSubsystem | None = None,
    cpus: int | None = None,
    resets: bool = True,
    remember: bool = False,
    midaws: bool = False,
) -> list[Guest]:
    """Spawn a guest: a CPU for each program, which then runs, CSS and emulator.

    When `cpus` CPUs have ended, by default one for each program, the emulator `resets`
    all subchannels and reports. `css` replaces the channel subsystem that would have
    the `subchannels`. `sets` have them, if they are made on first use. For `remember`
    and `midaws` see `Guest`.
    """
    system.spawn(css or ChannelSubsystem(subchannels, sets=sets), paths.css)
    count = len(programs) if cpus is None else cpus
    reset: Sequence[ActorRef[ResetSubchannel]] = sets or tuple(subchannels.values())
    system.spawn(Emulator(count, reset if resets else ()), paths.emulator)
    guests = [
        Guest(
            program,
            subchannels,
            system.ref(paths.css),
            storage,
            system.ref(paths.emulator),
            remember=remember,
            midaws=midaws,
        )
        for program in programs
    ]
    for number, guest in enumerate(guests):
        system.spawn(guest, f"{paths.cpu}{number}")
    return guests
