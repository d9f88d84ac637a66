"""FaultyDevice: stands between a subchannel and its device, and makes faults happen.

It passes on every message of either, in order, unless a command meets a fault. It gives
the device one command at a time, as a subchannel does.

| state | event | next |
|---|---|---|
| idle | ExecuteCommand, a fault is at a place | locating: `where` to the device |
| idle | ExecuteCommand | as its fault says, see below |
| idle | WriteHeldTracks | executing |
| locating | CommandEnded with the place | as its fault says |
| locating | CommandEnded without it | idle: the end is passed on |
| stalled | HeldOver | executing |
| executing | CommandEnded | idle: the end is passed on |
| executing, late interrupt | CommandEnded | held |
| executing, lost interrupt | CommandEnded | lost |
| held | HeldOver | idle: the end is passed on |
| locating, executing | HaltSignal | the same, not late or lost: it is passed on |
| stalled | HaltSignal | executing: `show` channel end and device end |
| held, lost | HaltSignal | idle: the end is passed on |
| gone | HaltSignal | gone |
| any | ResetSignal | resetting: the signal is passed on |
| resetting | ResetDone | idle: it is passed on |

| the command's fault | next | beside that |
|---|---|---|
| none | executing | |
| unit check | executing: `show` it | |
| busy, control unit busy | executing: `show` it | with `seconds`, BusyOver after them |
| stall | stalled | HeldOver after its `seconds` |
| late interrupt, lost interrupt | executing | |
| path off | executing | ConfigurePath; with `seconds`, PathBack after them |
| path on | executing | ConfigurePath |
| unsolicited status | executing | UnsolicitedStatus to the subchannel |
| not operational | gone | DetachDevice to the subchannel |

Until BusyOver every first command of a channel program finds the device busy. Then the
subchannel gets the status that ends the busy condition: device end, or control unit
end.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    Attend,
    CommandEnded,
    ConfigurePath,
    DetachDevice,
    DeviceMessage,
    DeviceToSubchannel,
    ExecuteCommand,
    HaltSignal,
    PathConfigured,
    ResetDone,
    ResetSignal,
    UnsolicitedStatus,
    WriteHeldTracks,
)
from ccw_actors.channel import DeviceCommand, Dstat
from ccw_actors.faults._fault import Fault, check_fault
from ccw_actors.faults._messages import (
    BusyOver,
    DropFaults,
    FaultDue,
    FaultMessage,
    FaultPlanned,
    FaultsDropped,
    FaultsReported,
    HeldOver,
    PathBack,
    PlanFault,
    ReportFaults,
)
from ccw_actors.faults._model import place_in, show, where
from ccw_actors.faults._place import Place
from ccw_actors.faults._plan import Plan, met, needs_place, planned
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["FaultyDevice", "FaultyDeviceState"]

_NORMAL: Final = Dstat.CHANNEL_AND_DEVICE_END
_STATUS: Final = {
    "attention": Dstat.ATTENTION,
    "device end": Dstat.DEVICE_END,
    "control unit end": Dstat.CONTROL_UNIT_END,
}
_BUSY: Final = {
    "busy": Dstat.BUSY,
    "control unit busy": Dstat.BUSY | Dstat.STATUS_MODIFIER,
}
_BUSY_ENDS: Final = {
    _BUSY["busy"]: Dstat.DEVICE_END,
    _BUSY["control unit busy"]: Dstat.CONTROL_UNIT_END,
}

Phase = Literal["locating", "stalled", "executing", "held", "lost", "gone"]


class Work(Struct, frozen=True):
    """The command in progress, how far it is, and where its end goes.

    `fault` is the effect of its fault, and `end` how it has ended while that is held.
    """

    to: ReplyTo[CommandEnded]
    run: int
    command: DeviceCommand | None
    phase: Phase = "executing"
    fault: Fault | None = None
    end: CommandEnded | None = None


class FaultyDeviceState(Struct):
    """What it remembers.

    `plan` are the faults, and `last` the number of the newest. `busy` is the status
    that START finds, 0 for none. `resets` are answered by the device in their order.
    `number` is that of the only `HeldOver` that still counts.
    """

    plan: Plan = ()
    last: int = 0
    work: Work | None = None
    busy: int = 0
    resets: tuple[ReplyTo[ResetDone], ...] = ()
    number: int = 0


class FaultyDevice(Actor[DeviceMessage | DeviceToSubchannel | FaultMessage]):
    """The `device` of a FaultyModel, with `faults`, in front of its `subchannel`.

    The device takes this actor for its subchannel, and the subchannel for its device.
    `path` is the channel path to the device; without one, faults of the path do
    nothing.
    """

    state: FaultyDeviceState

    def __init__(
        self,
        device: ActorRef[DeviceMessage],
        subchannel: ActorRef[DeviceToSubchannel],
        faults: tuple[Fault, ...] = (),
        *,
        path: ActorRef[ConfigurePath] | None = None,
    ) -> None:
        for fault in faults:
            check_fault(fault)
        self._device = device
        self._subchannel = subchannel
        self._path = path
        self._faults = faults
        self.state = FaultyDeviceState()

    def on_start(self) -> None:
        """Plan the first faults."""
        for fault in self._faults:
            self._plan(fault)

    def on_restart(self) -> None:
        """Detach the device from its subchannel: a command may have been lost."""
        self._subchannel.tell(DetachDevice())

    # -- what the subchannel sends -----------------------------------------------------

    @receive
    def execute(self, message: ExecuteCommand) -> None:
        """Find out which fault the command meets, and begin it."""
        assert self.state.work is None, "the channel gives one command at a time"
        command = message.command
        work = Work(self.reply_to, message.run, command)
        if needs_place(self.state.plan, command):
            self._give(replace(work, phase="locating"), where(command))
        else:
            self._meet(work, command, Place())

    @receive
    def write_held(self, message: WriteHeldTracks) -> None:
        """Have the device write its tracks: this is no command, and has no faults."""
        assert self.state.work is None, "the channel gives one command at a time"
        self.state.work = Work(self.reply_to, message.run, None)
        self._device.tell(message)

    @receive
    def halt(self, message: HaltSignal) -> None:
        """End the command early, or pass its end on at once."""
        work = self.state.work
        if work is None or work.run != message.run or work.phase == "gone":
            return
        if work.phase == "stalled":
            self._give(replace(work, phase="executing", fault=None), show(_NORMAL))
        elif work.end is not None:
            self._end(work, work.end)
        else:
            # What the device answers now is the end of the HALT, which is shown.
            self.state.work = replace(work, fault=None)
            self._device.tell(message)

    @receive
    def reset(self, message: ResetSignal) -> None:
        """Forget the command, and have the device forget it."""
        state = self.state
        state.work = None
        state.number += 1
        state.resets = (*state.resets, self.reply_to)
        self._device.tell(message)

    @receive
    def attend(self, message: Attend) -> None:
        """Have the device show attention."""
        self._device.tell(message)

    # -- what the device and the path send ---------------------------------------------

    @receive
    def ended(self, message: CommandEnded) -> None:
        """Go on after a command, or with its place."""
        work = self.state.work
        if work is None:
            return  # A reset has ended the command.
        place = place_in(message.end) if work.phase == "locating" else None
        if place is not None:
            assert work.command is not None, "only commands are located"
            self._meet(work, work.command, place)
        elif work.fault is None or work.phase == "locating":
            self._end(work, message)
        elif work.fault.effect == "lost interrupt":
            self.state.work = replace(work, phase="lost", end=message)
        else:
            self._hold(replace(work, phase="held", end=message), work.fault)

    @receive
    def reset_done(self, message: ResetDone) -> None:
        """Pass it on."""
        state = self.state
        if state.resets:  # A restart has forgotten the request.
            to, state.resets = state.resets[0], state.resets[1:]
            self.reply(to, message)

    @receive
    def unasked(self, message: DeviceToSubchannel) -> None:
        """Pass on what the device shows unasked."""
        self._subchannel.tell(message)

    @receive
    def path_configured(self, _message: PathConfigured) -> None:
        """Do nothing: the path has reported it itself."""

    # -- time --------------------------------------------------------------------------

    @receive
    def held_over(self, message: HeldOver) -> None:
        """Execute a command that was stalled, or pass on an end that is late."""
        work = self.state.work
        if work is None or message.number != self.state.number:
            return
        if work.end is not None:
            self._end(work, work.end)
        else:
            assert work.command is not None, "only commands are stalled"
            self._give(replace(work, phase="executing", fault=None), work.command)

    @receive
    def busy_over(self, _message: BusyOver) -> None:
        """Show the status that ends the busy condition."""
        busy, self.state.busy = self.state.busy, 0
        self._subchannel.tell(UnsolicitedStatus(_BUSY_ENDS[busy]))

    @receive
    def path_back(self, _message: PathBack) -> None:
        """Configure the path on again."""
        self._configure(available=True)

    @receive
    def due(self, message: FaultDue) -> None:
        """Make a fault happen that needs no command."""
        state = self.state
        for index, one in enumerate(state.plan):
            if one.number == message.number:
                now = replace(one, happened=1)
                state.plan = (*state.plan[:index], now, *state.plan[index + 1 :])
                self._happen(one.fault)

    # -- what an operator asks ---------------------------------------------------------

    @receive
    def plan(self, message: PlanFault) -> FaultPlanned:
        """Have one more fault. Raises `FaultError` if it cannot be."""
        check_fault(message.fault)
        return FaultPlanned(self._plan(message.fault))

    @receive
    def report(self, _message: ReportFaults) -> FaultsReported:
        """Return the faults."""
        return FaultsReported(self.state.plan)

    @receive
    def drop(self, message: DropFaults) -> FaultsDropped:
        """Forget faults; numbers that it does not have are left out of the answer."""
        plan = self.state.plan
        wanted = message.numbers or tuple(one.number for one in plan)
        self.state.plan = tuple(one for one in plan if one.number not in wanted)
        return FaultsDropped(tuple(one.number for one in plan if one.number in wanted))

    def _plan(self, fault: Fault) -> int:
        state = self.state
        state.last += 1
        state.plan = (*state.plan, planned(state.last, fault))
        if fault.after is not None:
            self.after(fault.after, FaultDue(state.last))
        return state.last

    # -- a command and its fault -------------------------------------------------------

    def _meet(self, work: Work, command: DeviceCommand, place: Place) -> None:
        """Begin a command as its fault says."""
        state = self.state
        if state.busy and not command.chained:
            self._give(replace(work, phase="executing"), show(state.busy))
            return
        state.plan, fault = met(state.plan, command, place)
        work = replace(work, phase="executing")
        if fault is None:
            self._give(work, command)
            return
        match fault.effect:
            case "unit check":
                self._give(work, show(_NORMAL | Dstat.UNIT_CHECK, fault.sense))
            case "busy" | "control unit busy":
                self._give(work, show(self._become_busy(fault)))
            case "stall":
                self._hold(replace(work, phase="stalled"), fault)
            case "late interrupt" | "lost interrupt":
                self._give(replace(work, fault=fault), command)
            case "not operational":
                state.work = replace(work, phase="gone")
                self._subchannel.tell(DetachDevice())
            case _:
                self._happen(fault)
                self._give(work, command)

    def _happen(self, fault: Fault) -> None:
        """Make a fault happen that leaves the command as it is."""
        match fault.effect:
            case "path off":
                self._configure(available=False)
                if fault.seconds:
                    self.after(fault.seconds, PathBack())
            case "path on":
                self._configure(available=True)
            case "unsolicited status":
                self._subchannel.tell(UnsolicitedStatus(_STATUS[fault.status]))
            case _:
                self._subchannel.tell(DetachDevice())

    def _become_busy(self, fault: Fault) -> int:
        """Be busy for the time of the fault; return the status that says so."""
        status = _BUSY[fault.effect]
        if fault.seconds:
            self.state.busy = status
            self.after(fault.seconds, BusyOver())
        return status

    def _configure(self, *, available: bool) -> None:
        if self._path is not None:
            self._path.tell(ConfigurePath(available))

    def _give(self, work: Work, command: DeviceCommand) -> None:
        """Give the device a command."""
        self.state.work = work
        self._device.tell(ExecuteCommand(work.run, command))

    def _hold(self, work: Work, fault: Fault) -> None:
        """Go on with a command after the time of its fault."""
        state = self.state
        state.work = work
        state.number += 1
        self.after(fault.seconds, HeldOver(state.number))

    def _end(self, work: Work, end: CommandEnded) -> None:
        self.state.work = None
        self.state.number += 1
        self.reply(work.to, end)
