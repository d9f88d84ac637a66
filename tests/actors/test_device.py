"""Device alone, between a subchannel and its volume: each row of its table."""

from collections.abc import Mapping

import pytest
from msgspec import Struct

from ccw_actors.actors import Device, MemoryVolume
from ccw_actors.actors.protocol import (
    Attend,
    CommandEnded,
    DescribeVolume,
    DetachDevice,
    DeviceMessage,
    DeviceToSubchannel,
    DeviceToVolume,
    ExecuteCommand,
    HaltSignal,
    ReadTrack,
    ResetDone,
    ResetSignal,
    TrackFailed,
    TrackRead,
    TrackWritten,
    UnsolicitedStatus,
    VolumeDescribed,
    WriteTrack,
)
from ccw_actors.channel import CommandEnd, DeviceCommand, Dstat
from ccw_actors.devices import Failure, Geometry, NeedTrack, Outcome
from ccw_actors.runtime import Message, Restart
from ccw_actors.testkit import ProbeFactory, VirtualSystem

NOP, READ_TWO, WRITE_TWO, CRASH = 0x03, 0x06, 0x05, 0xFF
DONE = Dstat.CHANNEL_END | Dstat.DEVICE_END


class Count(Struct, frozen=True):
    """How many commands have been executed since the reset, and since power on."""

    commands: int = 0
    ever: int = 0


class TwoTracks:
    """A model that reads tracks 0 and 1, or writes them."""

    state_type = Count

    def initial(self) -> Count:
        """Return a state without commands."""
        return Count()

    def execute(
        self, state: Count, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[Count] | NeedTrack:
        """Read or write both tracks, do nothing, or crash."""
        assert command.code != CRASH
        if command.code == READ_TWO:
            for number in (0, 1):
                if number not in tracks:
                    return NeedTrack(number)
        data = tracks[0] + tracks[1] if command.code == READ_TWO else b""
        writes = ((0, b"x"), (1, b"y")) if command.code == WRITE_TWO else ()
        after = Count(state.commands + 1, state.ever + 1)
        return Outcome(after, CommandEnd(DONE, data), writes)

    def failed(
        self, state: Count, command: DeviceCommand, failure: Failure
    ) -> Outcome[Count]:
        """Return a unit check."""
        del command
        assert failure is Failure.EQUIPMENT
        return Outcome(state, CommandEnd(DONE | Dstat.UNIT_CHECK))

    def halted(self, state: Count) -> Count:
        """Keep the state."""
        return state

    def reset(self, state: Count) -> Count:
        """Forget the commands."""
        return Count(0, state.ever)

    def sense(self, state: Count) -> bytes:
        """Return both counts as sense data."""
        return bytes((state.commands, state.ever))


class Rig:
    """A device, and probes for its subchannel and its volume."""

    def __init__(self, system: VirtualSystem, probe: ProbeFactory) -> None:
        self._clock = system.clock
        self.subchannel = probe(CommandEnded | ResetDone | DeviceToSubchannel)
        self.volume = probe(DeviceToVolume)
        self.device = system.spawn(
            Device(
                TwoTracks(),
                self.volume.ref,
                tracks_max=1,
                subchannel=self.subchannel.ref,
            ),
            "device",
            supervision=Restart(),
        )

    def tell(self, message: DeviceMessage) -> None:
        """Send a message of the subchannel."""
        self.subchannel.tell(self.device, message)
        self._clock.run()

    def execute(self, code: int, run: int = 7) -> None:
        """Send a command."""
        self.tell(ExecuteCommand(run, DeviceCommand(code, 8)))

    def answered(self, request: Message, answer: Message) -> None:
        """Expect a request to the volume, and answer it."""
        self.volume.expect_now(request)
        self.volume.reply(answer)
        self._clock.run()

    def ended(self, status: int = DONE, data: bytes = b"", sense: bytes = b"") -> None:
        """Expect the end of the command."""
        end = CommandEnd(status, data)
        self.subchannel.expect_now(CommandEnded(7, end, sense))
        self.nothing_more()

    def nothing_more(self) -> None:
        """Expect no other messages."""
        self.subchannel.expect_nothing_now()
        self.volume.expect_nothing_now()


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """An idle device."""
    return Rig(virtual_system, probe)


def test_command_without_tracks(rig: Rig) -> None:
    """A command that needs no track ends at once."""
    rig.execute(NOP)
    rig.ended()


def test_read(rig: Rig) -> None:
    """Tracks are read one at a time, then the command is executed."""
    rig.execute(READ_TWO)
    rig.answered(ReadTrack(1, 0), TrackRead(1, b"a"))
    rig.answered(ReadTrack(2, 1), TrackRead(2, b"b"))
    rig.ended(data=b"ab")


def test_tracks_kept(rig: Rig) -> None:
    """Between commands the track used last is kept, and no more than `tracks_max`."""
    test_read(rig)
    rig.execute(READ_TWO)
    rig.answered(ReadTrack(4, 0), TrackRead(4, b"a"))
    rig.ended(data=b"ab")


def test_write(rig: Rig) -> None:
    """A command ends when all the tracks that it has changed are written."""
    rig.execute(WRITE_TWO)
    rig.answered(WriteTrack(1, 0, b"x"), TrackWritten(1))
    rig.subchannel.expect_nothing_now()
    rig.answered(WriteTrack(2, 1, b"y"), TrackWritten(2))
    rig.ended()


def test_read_failed(rig: Rig) -> None:
    """A track that cannot be read ends the command in unit check, with sense."""
    rig.execute(READ_TWO)
    rig.answered(ReadTrack(1, 0), TrackFailed(1, "torn"))
    rig.ended(DONE | Dstat.UNIT_CHECK, sense=b"\0\0")


def test_write_failed(rig: Rig) -> None:
    """A failed write ends the command in unit check, with the state from before."""
    rig.execute(WRITE_TWO)
    rig.answered(WriteTrack(1, 0, b"x"), TrackFailed(1, "full"))
    rig.ended(DONE | Dstat.UNIT_CHECK, sense=b"\0\0")


def test_halt_while_reading(rig: Rig) -> None:
    """A halt ends a read early; a late track does not go to a new command."""
    rig.execute(READ_TWO)
    rig.tell(HaltSignal(7))
    rig.subchannel.expect_now(CommandEnded(7, CommandEnd(DONE)))
    rig.answered(ReadTrack(1, 0), TrackRead(1, b"late"))
    rig.execute(READ_TWO)
    rig.answered(ReadTrack(3, 0), TrackRead(1, b"late"))
    rig.nothing_more()
    rig.volume.reply(TrackRead(3, b"a"))
    rig.tell(HaltSignal(6))
    rig.answered(ReadTrack(4, 1), TrackRead(4, b"b"))
    rig.ended(data=b"ab")


def test_halt_while_writing(rig: Rig) -> None:
    """A halt does not end a write: no track is left half written."""
    rig.execute(WRITE_TWO)
    rig.tell(HaltSignal(7))
    rig.subchannel.expect_nothing_now()
    rig.answered(WriteTrack(1, 0, b"x"), TrackWritten(1))
    rig.answered(WriteTrack(2, 1, b"y"), TrackWritten(2))
    rig.ended()


def test_halt_while_idle(rig: Rig) -> None:
    """A halt after the end of a command does nothing."""
    rig.tell(HaltSignal(7))
    rig.nothing_more()


@pytest.mark.parametrize("answer", [TrackRead(1, b"a"), TrackFailed(1, "torn")])
def test_reset_while_reading(rig: Rig, answer: Message) -> None:
    """A reset drops the command: it never ends."""
    rig.execute(READ_TWO)
    rig.tell(ResetSignal(7))
    rig.subchannel.expect_now(ResetDone(7))
    rig.answered(ReadTrack(1, 0), answer)
    rig.nothing_more()


def test_reset_while_writing(rig: Rig) -> None:
    """A reset also drops a command while its tracks are written."""
    rig.execute(WRITE_TWO)
    rig.tell(ResetSignal(7))
    rig.subchannel.expect_now(ResetDone(7))
    rig.answered(WriteTrack(1, 0, b"x"), TrackWritten(1))
    rig.nothing_more()


@pytest.mark.parametrize(("system", "sense"), [(False, b"\0\1"), (True, b"\0\0")])
def test_reset_of_the_model(rig: Rig, sense: bytes, *, system: bool) -> None:
    """The clear signal resets the model, the reset signal to its power-on state."""
    rig.execute(NOP)
    rig.ended()
    rig.tell(ResetSignal(7, system))
    rig.subchannel.expect_now(ResetDone(7, system))
    rig.execute(READ_TWO)
    request = rig.volume.expect_now(ReadTrack)
    rig.volume.reply(TrackFailed(request.number, "torn"))
    rig.tell(HaltSignal(6))
    rig.ended(DONE | Dstat.UNIT_CHECK, sense=sense)


def test_attention(rig: Rig) -> None:
    """An operator's key is shown as attention."""
    rig.tell(Attend())
    rig.subchannel.expect_now(UnsolicitedStatus(Dstat.ATTENTION))
    rig.nothing_more()


@pytest.mark.actor_failures("device")
def test_restart(rig: Rig) -> None:
    """After a crash the device is detached from its subchannel."""
    rig.execute(CRASH)
    rig.subchannel.expect_now(DetachDevice())
    rig.nothing_more()


def test_memory_volume(virtual_system: VirtualSystem) -> None:
    """A volume in memory describes itself, reads, writes, and refuses other tracks."""
    shape = Geometry("3390", cylinders=1, heads=15, track_size=56832)
    volume = virtual_system.spawn(MemoryVolume(shape, {0: b"a", 3: b"b"}))
    assert volume.ask(DescribeVolume(), block=True) == VolumeDescribed(shape)
    assert volume.ask(ReadTrack(1, 3), block=True) == TrackRead(1, b"b")
    assert volume.ask(WriteTrack(2, 3, b"c"), block=True) == TrackWritten(2)
    assert volume.ask(ReadTrack(3, 3), block=True) == TrackRead(3, b"c")
    assert volume.ask(ReadTrack(4, 0), block=True) == TrackRead(4, b"a")
    lost = TrackFailed(5, "there is no track 7")
    assert volume.ask(ReadTrack(5, 7), block=True) == lost
    assert volume.ask(WriteTrack(5, 7, b"d"), block=True) == lost
