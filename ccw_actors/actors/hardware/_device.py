"""Device: a control unit and its device, as a thin actor around a device model.

It executes one command at a time. When the model needs a track, the actor asks its
Volume for it, and then executes the same command again. It gathers what the commands of
a chain write: it holds the tracks until the command that ends the chain, or until the
subchannel says that no command does.

| state | event | next |
|---|---|---|
| idle | ExecuteCommand | idle, reading or writing |
| reading | TrackRead | idle, reading or writing |
| reading | TrackFailed | idle: unit check |
| reading | HaltSignal | idle or writing: channel end and device end, nothing moved |
| idle | WriteHeldTracks | idle or writing |
| writing | TrackWritten | idle, or writing the next track |
| writing | TrackFailed | idle: unit check |
| writing | HaltSignal | writing: a track is never left half written |
| any | ResetSignal | idle |

Every end of a chain waits until the held tracks are written. A reset does not wait: the
Volume gets them before anything else.
"""

import logging
from typing import Any, Final, cast

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.hardware._device_tracks import DeviceTracks, TrackImages
from ccw_actors.actors.protocol import (
    Attend,
    CommandEnded,
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
    WriteHeldTracks,
    WriteTrack,
)
from ccw_actors.channel import CommandEnd, DeviceCommand, Dstat
from ccw_actors.devices import DeviceModel, Failure, Outcome
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["Device"]

log = logging.getLogger("ccw_actors")


_CE_DE: Final = Dstat.CHANNEL_AND_DEVICE_END
_NO_COMMAND: Final = DeviceCommand(0, 0, chained=True)


class Work(Struct, frozen=True):
    """The command being executed, and where its end goes.

    `outcome` is set while tracks are written: `writes` are those still to write.
    """

    to: ReplyTo[CommandEnded]
    run: int
    command: DeviceCommand
    outcome: Outcome[Any] | None = None
    writes: TrackImages = ()


class DeviceState(Struct):
    """What the device remembers.

    `model` is the model's own (frozen) state. `tracks` are those that it keeps, `work`
    is what it does, None if it is idle. `reading` is the track that is being read, or
    was read last. `number` is that of the newest request to the Volume: a halt or reset
    has overtaken the request of an answer with another number.
    """

    model: Any
    tracks: DeviceTracks
    work: Work | None = None
    reading: int = -1
    number: int = 0


class Device(Actor[DeviceMessage]):
    """A device of any model; keeps at most `tracks_max` tracks between commands.

    A track that it keeps costs no message to the Volume. If the model needs the track
    after the last one read, the next `ahead` tracks come with it. A model that needs no
    tracks needs no `volume`. Without `gather`, a command has written its tracks when it
    ends. Status that no command asked for goes to `subchannel`.
    """

    state: DeviceState

    def __init__(
        self,
        model: DeviceModel[Any],
        volume: ActorRef[DeviceToVolume] | None,
        *,
        tracks_max: int = 128,
        ahead: int = 7,
        gather: bool = True,
        subchannel: ActorRef[DeviceToSubchannel] | None = None,
    ) -> None:
        self._model = model
        self._volume = volume
        self._subchannel = subchannel
        self._tracks_max = tracks_max
        self._ahead = min(ahead, tracks_max - 1)
        self._gathers = gather
        self.state = DeviceState(model.initial(), DeviceTracks({}))

    def on_restart(self) -> None:
        """Detach the device from its subchannel: a command may have been lost."""
        if self._subchannel is not None:
            self._subchannel.tell(DetachDevice())

    @receive
    def execute(self, message: ExecuteCommand) -> None:
        """Execute a command as far as the kept tracks allow."""
        assert self.state.work is None, "the channel gives one command at a time"
        self._execute(Work(self.reply_to, message.run, message.command))

    @receive
    def write_held(self, message: WriteHeldTracks) -> None:
        """Write the tracks that are held: the chain has ended early."""
        assert self.state.work is None, "the channel gives one command at a time"
        work = Work(self.reply_to, message.run, _NO_COMMAND)
        self._settle(work, Outcome(self.state.model, CommandEnd(_CE_DE)))

    @receive
    def track_read(self, message: TrackRead) -> None:
        """Go on with the command that needs the track."""
        state = self.state
        if state.work is not None and message.number == state.number:
            found = message.data, *message.ahead
            state.reading = state.tracks.keep_all(state.reading, found)
            self._execute(state.work)

    @receive
    def track_written(self, message: TrackWritten) -> None:
        """Go on with the next track, or show the end."""
        work = self.state.work
        if work is None or work.outcome is None or message.number != self.state.number:
            return  # A reset has ended the command.
        (track, data), *rest = work.writes
        self.state.tracks.keep(track, data)
        self._write(replace(work, writes=tuple(rest)), work.outcome)

    @receive
    def track_failed(self, message: TrackFailed) -> None:
        """End the command with unit check, equipment check.

        After a failed write nothing more is written.
        """
        log.warning("%s: %s", self.ref.path, message.reason)
        work = self.state.work
        if work is None or message.number != self.state.number:
            return
        model = self.state.model
        outcome = self._model.failed(model, work.command, Failure.EQUIPMENT)
        end = self._settle if work.outcome is None else self._end
        end(work, outcome)

    @receive
    def halt(self, message: HaltSignal) -> None:
        """End the command early, unless it has ended or is writing."""
        work = self.state.work
        if work is None or work.run != message.run or work.outcome is not None:
            return
        state = self._model.halted(self.state.model)
        self._settle(work, Outcome(state, CommandEnd(_CE_DE)))

    @receive
    def attend(self, _message: Attend) -> None:
        """Show attention to the subchannel, if the device has one."""
        if self._subchannel is not None:
            self._subchannel.tell(UnsolicitedStatus(Dstat.ATTENTION))

    @receive
    def reset(self, message: ResetSignal) -> ResetDone:
        """Forget the command and the state of its channel program.

        A system reset leaves the device as it was after power on.
        """
        model = self._model
        self.state.work = None
        for track, data in self.state.tracks.take_held().items():
            self._tell_write(track, data)
        # An answer of the Volume that is on its way no longer matters.
        self.state.number += 1
        self.state.model = (
            model.initial() if message.system else model.reset(self.state.model)
        )
        self.state.tracks.trim(self._tracks_max)
        return ResetDone(message.run, message.system)

    def snapshot(self) -> object:
        """Return the state; tracks are shared, not copied."""
        state = self.state
        images = tuple(state.tracks.images.items())
        held = state.tracks.held
        return (state.model, images, held, state.work, state.reading, state.number)

    def restore(self, snapshot: object) -> None:
        """Set the state to what it was."""
        model, images, held, work, reading, number = cast(
            "tuple[Any, TrackImages, frozenset[int], Work | None, int, int]", snapshot
        )
        tracks = DeviceTracks(dict(images), held)
        self.state = DeviceState(model, tracks, work, reading, number)

    def _execute(self, work: Work) -> None:
        state = self.state
        result = self._model.execute(state.model, work.command, state.tracks.images)
        if isinstance(result, Outcome):
            self._settle(work, result)
            return
        is_next = 0 < result.number == state.reading + 1
        ahead = self._ahead if is_next else 0
        state.work = work
        state.reading = result.number
        state.number += 1
        assert self._volume is not None, "a model that needs tracks has a volume"
        self._volume.tell(ReadTrack(state.number, result.number, ahead))

    def _settle(self, work: Work, outcome: Outcome[Any]) -> None:
        """Hold what the command writes, or write it with all that is held."""
        tracks, writes = self.state.tracks, outcome.writes
        if not (writes or tracks.held):
            self._end(work, outcome)
        elif self._goes_on(work, outcome):
            tracks.hold(writes)
            self._end(work, outcome)
        else:
            if tracks.held:
                writes = tuple((tracks.take_held() | dict(writes)).items())
            self._write(replace(work, writes=writes), outcome)

    def _goes_on(self, work: Work, outcome: Outcome[Any]) -> bool:
        """Whether the channel gives another command, or says that the chain has ended.

        No more than the kept tracks are held.
        """
        fits = len(self.state.tracks.held) < self._tracks_max
        command = work.command
        may_end = command.suspendable or not command.chaining
        follows = outcome.end.is_normal and not may_end
        return self._gathers and follows and fits

    def _write(self, work: Work, outcome: Outcome[Any]) -> None:
        if not work.writes:
            self._end(work, outcome)
            return
        self.state.work = replace(work, outcome=outcome)
        self._tell_write(*work.writes[0])

    def _tell_write(self, track: int, data: bytes) -> None:
        self.state.number += 1
        assert self._volume is not None, "a model that writes tracks has a volume"
        self._volume.tell(WriteTrack(self.state.number, track, data))

    def _end(self, work: Work, outcome: Outcome[Any]) -> None:
        state = self.state
        state.work = None
        state.number += 1
        state.model = outcome.state
        state.tracks.trim(self._tracks_max)
        end = outcome.end
        if state.tracks.held:
            end = replace(end, holds=True)
        unit_check = end.status & Dstat.UNIT_CHECK
        sense = self._model.sense(outcome.state) if unit_check else b""
        self.reply(work.to, CommandEnded(work.run, end, sense))
