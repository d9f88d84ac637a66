"""Type checkers hold the actors of channel I/O to their messages.

The functions below are checked, not run. A comment that silences no error is itself an
error, so each comment marks what mypy and pyright must reject.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type, get_args
from unittest.mock import Mock

import pytest

from ccw_actors.actors import (
    ChannelPath,
    ChannelSubsystem,
    Cio,
    Device,
    Emulator,
    FileVolume,
    Guest,
    GuestSubchannel,
    MemoryVolume,
    ProgramThread,
    Region,
    Storage,
    Subchannel,
    VfioCcw,
    VfioCcwRegions,
)
from ccw_actors.actors.host import Driver, DriverState
from ccw_actors.actors.protocol import (
    Attend,
    ChannelPathMessage,
    ChannelSubsystemMessage,
    CioMessage,
    CioToSubchannel,
    CioToVfioCcw,
    Clear,
    ClearRequest,
    ClearSubchannel,
    DetachDevice,
    DeviceMessage,
    DeviceToSubchannel,
    DeviceToVolume,
    EmulatorMessage,
    GuestMessage,
    GuestSubchannelMessage,
    GuestToStorage,
    GuestToSubsystem,
    HaltSignal,
    HaltSubchannel,
    IoEvent,
    NotePath,
    Pending,
    Pin,
    Proceed,
    ReadTrack,
    RegionsMessage,
    RegionsToClient,
    Report,
    ReportProgress,
    ResetPath,
    ResetSubchannel,
    RunProgram,
    SetStorageKey,
    StorageData,
    StorageMessage,
    StorageToVfioCcw,
    SubchannelMessage,
    SubchannelToDevice,
    SubchannelToSink,
    SubchannelToStorage,
    SubsystemToSubchannel,
    TakeInterruption,
    TestSubchannel,
    ThreadToGuest,
    TrackRead,
    UnsolicitedStatus,
    VfioCcwMessage,
    VfioCcwToCio,
    VfioCcwToGuestSubchannel,
    VfioCcwToStorage,
    VolumeMessage,
    WriteAsync,
    WriteStorage,
)
from ccw_actors.devices import DeviceModel, Geometry
from ccw_actors.runtime import ActorRef, System, spec_of
from tests.actors.handlers import handlers_of_driver


def host(
    system: System,
    model: DeviceModel[Any],
    subchannel: ActorRef[SubchannelMessage],
    driver: ActorRef[CioToVfioCcw],
) -> None:
    """The layers of the host, from the volume up."""
    volume = system.spawn(MemoryVolume(Geometry("3390", 1, 15, 56832), {}))
    assert_type(volume, ActorRef[VolumeMessage])
    volume.tell(ReadTrack(1, 0))
    volume.tell(TrackRead(1, b""))  # type: ignore[arg-type]
    file = system.spawn_thread(FileVolume(Path("disk"), read_only=True))
    file.tell(Attend())  # type: ignore[arg-type]

    device = system.spawn(Device(model, volume, subchannel=subchannel))
    assert_type(device, ActorRef[DeviceMessage])
    device.tell(HaltSignal(1))
    device.tell(HaltSubchannel())  # type: ignore[arg-type]
    Device(model, device)  # type: ignore[arg-type]

    storage = system.spawn(Storage(0x1000))
    assert_type(storage, ActorRef[StorageMessage])
    storage.tell(Pin(1, ()))
    storage.tell(StorageData(1, ()))  # type: ignore[arg-type]
    region = Region(0, 0x1000, storage)
    region.storage.tell(WriteStorage(1, ()))
    region.storage.tell(Pin(1, ()))  # type: ignore[arg-type]
    Region(0, 0x1000, device)  # type: ignore[arg-type]

    cio = system.spawn(Cio(subchannel, driver))
    assert_type(cio, ActorRef[CioMessage])
    cio.tell(Clear(1))
    cio.tell(ClearRequest(1))  # type: ignore[arg-type]
    cio.tell(ClearSubchannel())  # type: ignore[arg-type]
    Cio(driver, subchannel)  # type: ignore[arg-type]


def between(
    system: System,
    cio: ActorRef[VfioCcwToCio],
    storage: ActorRef[VfioCcwToStorage],
    guest: ActorRef[GuestSubchannelMessage],
    client: ActorRef[RegionsToClient],
) -> None:
    """The layers between the host's subchannel and a guest's, or a client's."""
    vfio_ccw = system.spawn(VfioCcw(cio, storage, guest, base=0))
    assert_type(vfio_ccw, ActorRef[VfioCcwMessage])
    vfio_ccw.tell(Clear(1))  # type: ignore[arg-type]
    vfio_ccw.tell(WriteAsync("CSCH"))  # type: ignore[arg-type]
    VfioCcw(storage, cio, guest, base=0)  # type: ignore[arg-type]
    VfioCcw(cio, storage, client, base=0)  # type: ignore[arg-type]

    regions = system.spawn(VfioCcwRegions(cio, storage, client, base=0))
    assert_type(regions, ActorRef[RegionsMessage])
    regions.tell(WriteAsync("CSCH"))
    regions.tell(Pending(0, 3))  # type: ignore[arg-type]
    ChannelPath(0, [], listeners=[regions])
    ChannelPath(0, [], listeners=[vfio_ccw])  # type: ignore[list-item]


def guests(
    system: System,
    subchannels: Mapping[int, ActorRef[GuestSubchannelMessage]],
    storage: ActorRef[GuestToStorage],
) -> None:
    """The actors of a guest, except its subchannels."""
    css = system.spawn(ChannelSubsystem(subchannels))
    assert_type(css, ActorRef[ChannelSubsystemMessage])
    css.tell(Pending(0, 3))
    css.tell(TakeInterruption())  # type: ignore[arg-type]
    ChannelSubsystem({0: storage})  # type: ignore[dict-item]

    emulator = system.spawn(Emulator(1, list(subchannels.values())))
    assert_type(emulator, ActorRef[EmulatorMessage])
    emulator.tell(ReportProgress())  # type: ignore[arg-type]

    guest = system.spawn(Guest([], subchannels, css, storage, emulator))
    assert_type(guest, ActorRef[GuestMessage])
    guest.tell(TestSubchannel())  # type: ignore[arg-type]
    thread = system.spawn_thread(ProgramThread(lambda cpu: cpu, guest))
    assert_type(thread, ActorRef[RunProgram])
    Guest(thread, subchannels, css, storage, emulator)
    Guest(emulator, subchannels, css, storage, emulator)  # type: ignore[arg-type]


def paths(
    system: System,
    subchannels: list[ActorRef[SubchannelMessage]],
    guests: list[ActorRef[GuestSubchannelMessage]],
) -> None:
    """A channel path takes its messages; only a host's subchannel knows paths."""
    path = system.spawn(ChannelPath(0, subchannels))
    assert_type(path, ActorRef[ChannelPathMessage])
    path.tell(ResetPath())
    path.tell(ResetSubchannel())  # type: ignore[arg-type]
    ChannelSubsystem(dict(enumerate(subchannels)), {0: path})
    ChannelPath(0, guests)  # type: ignore[arg-type]


def subchannels(
    host: ActorRef[SubchannelMessage], guest: ActorRef[GuestSubchannelMessage]
) -> None:
    """Host's and guest's subchannels take instructions, but no `Proceed` of others."""
    for takes in (host, guest):
        takes.tell(HaltSubchannel())
        takes.tell(DetachDevice())
        takes.tell(Proceed(1))  # type: ignore[arg-type]
    host.tell(NotePath(0, available=True))
    guest.tell(NotePath(0, available=True))  # type: ignore[arg-type]
    host.tell(UnsolicitedStatus(0x80))


def narrow(
    to_volume: ActorRef[DeviceToVolume],
    to_device: ActorRef[SubchannelToDevice],
    to_storage: ActorRef[SubchannelToStorage],
    above: ActorRef[SubchannelToSink],
) -> None:
    """A reference takes what its layer sends, not everything that the actor takes."""
    to_volume.tell(ReadTrack(1, 0))
    to_device.tell(Attend())  # type: ignore[arg-type]
    to_storage.tell(SetStorageKey(1, 0, 0))  # type: ignore[arg-type]
    above.tell(Report)  # type: ignore[arg-type]


def emulated(guest: ActorRef[VfioCcwToGuestSubchannel], event: IoEvent) -> None:
    """A guest's subchannel takes events from below, and no instructions from there."""
    guest.tell(event)
    guest.tell(HaltSubchannel())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actor", "taken"),
    [
        (ChannelPath, ChannelPathMessage),
        (ChannelSubsystem, ChannelSubsystemMessage),
        (Cio, CioMessage),
        (Device, DeviceMessage),
        (Emulator, EmulatorMessage),
        (FileVolume, VolumeMessage),
        (Guest, GuestMessage),
        (GuestSubchannel, GuestSubchannelMessage),
        (MemoryVolume, VolumeMessage),
        (Storage, StorageMessage),
        (Subchannel, SubchannelMessage),
        (VfioCcwRegions, RegionsMessage),
    ],
)
def test_handled(actor: type[Any], taken: Any) -> None:
    """An actor handles everything that the type of its references lets others send."""
    assert set(get_args(taken)) <= set(spec_of(actor).always)


def test_driver_handles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message of a VfioCcw comes to the method of its driver that takes it.

    The actor has one handler, which passes all messages to the driver.
    """
    handlers = handlers_of_driver()
    messages = {*get_args(VfioCcwMessage), *get_args(StorageToVfioCcw)}
    assert set(handlers) == messages
    driver = Driver.__new__(Driver)
    for kind, method in handlers.items():
        with monkeypatch.context() as patch:
            handler = Mock()
            patch.setattr(Driver, method.__name__, handler)
            fields: dict[str, Any] = dict.fromkeys(kind.__struct_fields__)
            message: Any = kind(**fields)
            driver.handle(DriverState(), message)
            handler.assert_called_once_with(DriverState(), message)


def test_arrows_end_at_takers() -> None:
    """Everything that a layer may send to the next one is taken there."""
    for arrow, taken in (
        (CioToSubchannel, SubchannelMessage),
        (CioToVfioCcw, VfioCcwMessage),
        (DeviceToSubchannel, SubchannelMessage),
        (GuestToSubsystem, ChannelSubsystemMessage),
        (SubsystemToSubchannel, SubchannelMessage),
        (SubsystemToSubchannel, GuestSubchannelMessage),
        (ThreadToGuest, GuestMessage),
        (VfioCcwToCio, CioMessage),
        (VfioCcwToGuestSubchannel, GuestSubchannelMessage),
    ):
        assert set(get_args(arrow)) <= set(get_args(taken))
