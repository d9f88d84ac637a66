"""Device: a control unit and its device, as a thin actor around a device model.

It executes one command at a time. When the model needs a track, the actor asks its
Volume for it, and then executes the same command again.

| state | event | next |
|---|---|---|
| idle | ExecuteCommand | idle, reading or writing |
| reading | TrackRead | idle, reading or writing |
| reading | TrackFailed | idle: unit check |
| reading | HaltSignal | idle: channel end and device end, nothing moved |
| writing | TrackWritten | idle, or writing the next track |
| writing | TrackFailed | idle: unit check |
| writing | HaltSignal | writing: a track is never left half written |
| any | ResetSignal | idle |
"""

import logging
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

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
    WriteTrack,
)
from ccw_actors.channel import CommandEnd, Dstat
from ccw_actors.devices import DeviceModel, Failure, Outcome
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["Device"]

log = logging.getLogger("ccw_actors")


class Work(Struct, frozen=True):
    """The command being executed, where its end goes, and the track it waits for.

    `outcome` is set while tracks are being written: `written` counts the written ones.
    """

    to: ReplyTo[CommandEnded]
    request: ExecuteCommand
    outcome: Outcome[Any] | None = None
    written: int = 0


class DeviceState(Struct):
    """What the device remembers.

    `model` is the model's own (frozen) state. `tracks` holds the tracks used last, the
    most recent last. `number` is that of the newest request to the Volume: a halt or
    reset has overtaken the request of an answer with another number.
    """

    model: Any
    tracks: dict[int, bytes]
    work: Work | None = None
    reading: int = -1
    number: int = 0


class Device(Actor[DeviceMessage]):
    """A device of any model; keeps at most `tracks_max` tracks between commands.

    A model that needs no tracks needs no `volume`. Status that no command asked for
    goes to `subchannel`.
    """

    state: DeviceState

    def __init__(
        self,
        model: DeviceModel[Any],
        volume: ActorRef[DeviceToVolume] | None,
        *,
        tracks_max: int = 4,
        subchannel: ActorRef[DeviceToSubchannel] | None = None,
    ) -> None:
        self._model = model
        self._volume = volume
        self._subchannel = subchannel
        self._tracks_max = tracks_max
        self.state = DeviceState(model.initial(), {})

    def on_restart(self) -> None:
        """Detach the device from its subchannel: a command may have been lost."""
        if self._subchannel is not None:
            self._subchannel.tell(DetachDevice())

    @receive
    def execute(self, message: ExecuteCommand) -> None:
        """Execute a command as far as the kept tracks allow."""
        assert self.state.work is None, "the channel gives one command at a time"
        self._execute(Work(self.reply_to, message))

    @receive
    def track_read(self, message: TrackRead) -> None:
        """Go on with the command that needs the track."""
        work, track = self.state.work, self.state.reading
        if work is not None and message.number == self.state.number:
            self._keep(track, message.data)
            self._execute(work)

    @receive
    def track_written(self, message: TrackWritten) -> None:
        """Go on with the next track, or show the end."""
        work = self.state.work
        if work is None or work.outcome is None or message.number != self.state.number:
            return  # A reset has ended the command.
        self._keep(*work.outcome.writes[work.written])
        self._write(replace(work, written=work.written + 1), work.outcome)

    @receive
    def track_failed(self, message: TrackFailed) -> None:
        """End the command with unit check, equipment check."""
        log.warning("%s: %s", self.ref.path, message.reason)
        work = self.state.work
        if work is None or message.number != self.state.number:
            return
        outcome = self._model.failed(
            self.state.model, work.request.command, Failure.EQUIPMENT
        )
        self._end(work, outcome)

    @receive
    def halt(self, message: HaltSignal) -> None:
        """End the command early, unless it has ended or is writing."""
        work = self.state.work
        if work is None or work.request.run != message.run or work.outcome is not None:
            return
        state = self._model.halted(self.state.model)
        end = CommandEnd(Dstat.CHANNEL_AND_DEVICE_END)
        self._end(work, Outcome(state, end))

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
        # An answer of the Volume that is on its way no longer matters.
        self.state.number += 1
        self.state.model = (
            model.initial() if message.system else model.reset(self.state.model)
        )
        self._trim()
        return ResetDone(message.run, message.system)

    def snapshot(self) -> object:
        """Return the state; tracks are shared, not copied."""
        state = self.state
        tracks = tuple(state.tracks.items())
        return (state.model, tracks, state.work, state.reading, state.number)

    def restore(self, snapshot: object) -> None:
        """Set the state to what it was."""
        model, tracks, work, reading, number = cast(
            "tuple[Any, tuple[tuple[int, bytes], ...], Work | None, int, int]", snapshot
        )
        self.state = DeviceState(model, dict(tracks), work, reading, number)

    def _execute(self, work: Work) -> None:
        state = self.state
        result = self._model.execute(state.model, work.request.command, state.tracks)
        if isinstance(result, Outcome):
            self._write(replace(work, outcome=result), result)
            return
        state.work = work
        state.reading = result.number
        state.number += 1
        assert self._volume is not None, "a model that needs tracks has a volume"
        self._volume.tell(ReadTrack(state.number, result.number))

    def _write(self, work: Work, outcome: Outcome[Any]) -> None:
        if work.written == len(outcome.writes):
            self._end(work, outcome)
            return
        self.state.work = work
        self.state.number += 1
        track, data = outcome.writes[work.written]
        assert self._volume is not None, "a model that writes tracks has a volume"
        self._volume.tell(WriteTrack(self.state.number, track, data))

    def _end(self, work: Work, outcome: Outcome[Any]) -> None:
        self.state.work = None
        self.state.number += 1
        self.state.model = outcome.state
        self._trim()
        end = outcome.end
        unit_check = end.status & Dstat.UNIT_CHECK
        sense = self._model.sense(outcome.state) if unit_check else b""
        self.reply(work.to, CommandEnded(work.request.run, end, sense))

    def _keep(self, track: int, data: bytes) -> None:
        self.state.tracks.pop(track, None)
        self.state.tracks[track] = data

    def _trim(self) -> None:
        """Drop the oldest tracks, but never while a command may need them all."""
        tracks = self.state.tracks
        excess = len(tracks) - self._tracks_max
        if excess > 0:
            for track in list(tracks)[:excess]:
                del tracks[track]
