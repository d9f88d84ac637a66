"""A device whose commands read or write one track, between two probes."""

from collections.abc import Mapping

from msgspec import Struct

from ccw_actors.actors import Device
from ccw_actors.actors.protocol import (
    CommandEnded,
    DeviceToVolume,
    ExecuteCommand,
    ReadTrack,
    ResetDone,
    SubchannelToDevice,
    TrackRead,
    TrackWritten,
    WriteTrack,
)
from ccw_actors.channel import CommandEnd, DeviceCommand, Dstat
from ccw_actors.devices import Failure, NeedTrack, Outcome
from ccw_actors.testkit import ProbeFactory, VirtualSystem

__all__ = ["DONE", "Rig"]

READ, WRITE = 0x06, 0x05
DONE = Dstat.CHANNEL_END | Dstat.DEVICE_END


class Nothing(Struct, frozen=True):
    """A state without anything."""


class OneTrack:
    """A model whose commands read, or write, the track that their count is."""

    state_type = Nothing

    def initial(self) -> Nothing:
        """Return the state."""
        return Nothing()

    def execute(
        self, state: Nothing, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[Nothing] | NeedTrack:
        """Read or write the track."""
        number = command.count
        if command.code == WRITE:
            return Outcome(state, CommandEnd(DONE), ((number, command.data),))
        if number not in tracks:
            return NeedTrack(number)
        return Outcome(state, CommandEnd(DONE, tracks[number]))

    def failed(
        self, state: Nothing, command: DeviceCommand, failure: Failure
    ) -> Outcome[Nothing]:
        """Return a unit check."""
        del command, failure
        return Outcome(state, CommandEnd(DONE | Dstat.UNIT_CHECK))

    def halted(self, state: Nothing) -> Nothing:
        """Keep the state."""
        return state

    def reset(self, state: Nothing) -> Nothing:
        """Keep the state."""
        return state

    def sense(self, state: Nothing) -> bytes:
        """Return no sense data."""
        del state
        return b""


class Rig:
    """A device that keeps four tracks, and probes on both sides of it."""

    def __init__(
        self, system: VirtualSystem, probe: ProbeFactory, *, gather: bool = True
    ) -> None:
        self.clock = system.clock
        self.subchannel = probe(CommandEnded | ResetDone)
        self.volume = probe(DeviceToVolume)
        device = Device(
            OneTrack(), self.volume.ref, tracks_max=4, ahead=2, gather=gather
        )
        self.device = system.spawn(device, "device")

    def tell(self, message: SubchannelToDevice) -> None:
        """Send a message of the subchannel."""
        self.subchannel.tell(self.device, message)
        self.clock.run()

    def read(self, track: int) -> None:
        """Send a command that reads a track."""
        self.tell(ExecuteCommand(1, DeviceCommand(READ, track)))

    def write(self, track: int, data: bytes, *, chaining: bool = False) -> None:
        """Send a command that writes a track."""
        command = DeviceCommand(WRITE, track, data, chaining=chaining)
        self.tell(ExecuteCommand(1, command))

    def ended(
        self, data: bytes = b"", status: int = DONE, *, holds: bool = False
    ) -> None:
        """Expect the end of the command, and no request to the volume."""
        end = CommandEnd(status, data, holds=holds)
        self.subchannel.expect_now(CommandEnded(1, end, b""))
        self.volume.expect_nothing_now()

    def written(self, request: WriteTrack) -> None:
        """Expect a request to the volume; answer it."""
        self.volume.expect_now(request)
        self.volume.reply(TrackWritten(request.number))
        self.clock.run()

    def fetched(self, request: ReadTrack, *tracks: bytes) -> None:
        """Expect a request to the volume; answer it with tracks."""
        self.volume.expect_now(request)
        data, *ahead = tracks
        self.volume.reply(TrackRead(request.number, data, tuple(ahead)))
        self.clock.run()
        self.ended(data)
