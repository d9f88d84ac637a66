"""FaultyDevice alone, between a subchannel and its device: each row of its tables."""

from collections.abc import Callable
from typing import Any

import pytest

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
from ccw_actors.channel import CommandEnd, DeviceCommand, Dstat
from ccw_actors.errors import FaultError
from ccw_actors.faults import (
    DropFaults,
    Fault,
    FaultPlanned,
    FaultsDropped,
    FaultsReported,
    FaultyDevice,
    PlanFault,
    ReportFaults,
)
from ccw_actors.faults._model import show, where
from ccw_actors.runtime import Message, Restart
from ccw_actors.testkit import ProbeFactory, VirtualSystem

NORMAL = Dstat.CHANNEL_AND_DEVICE_END
RUN = 7
COMMAND = DeviceCommand(0x06, 8)
LATER = DeviceCommand(0x06, 8, chained=True, chaining=True)
DONE = CommandEnded(RUN, CommandEnd(NORMAL, b"data"))


class Rig:
    """A FaultyDevice, and probes for what is around it."""

    def __init__(
        self, system: VirtualSystem, probe: ProbeFactory, *faults: Fault
    ) -> None:
        self.clock = system.clock
        self.system = system
        answers: Any = FaultPlanned | FaultsDropped | FaultsReported
        self.subchannel = probe(CommandEnded | ResetDone | DeviceToSubchannel)
        self.device = probe(DeviceMessage)
        self.path = probe(ConfigurePath)
        self.operator = probe(answers)
        self.faulty = system.spawn(
            FaultyDevice(
                self.device.ref, self.subchannel.ref, faults, path=self.path.ref
            ),
            "faulty",
            supervision=Restart(),
        )

    def tell(self, message: DeviceMessage) -> None:
        """Send a message of the subchannel."""
        self.subchannel.tell(self.faulty, message)
        self.clock.advance(0)

    def execute(self, command: DeviceCommand = COMMAND) -> None:
        """Send a command."""
        self.tell(ExecuteCommand(RUN, command))

    def given(self, command: DeviceCommand) -> None:
        """Expect that the device gets a command."""
        self.device.expect_now(ExecuteCommand(RUN, command))

    def ends(self, end: CommandEnded | ResetDone = DONE) -> None:
        """Let the device end the command."""
        self.device.reply(end)
        self.clock.advance(0)

    def passed(self, message: Message = DONE) -> None:
        """Expect that the subchannel gets this message, and nothing more."""
        self.subchannel.expect_now(message)
        self.nothing_more()

    def nothing_more(self) -> None:
        """Expect no other messages."""
        self.subchannel.expect_nothing_now()
        self.device.expect_nothing_now()
        self.path.expect_nothing_now()


MakeRig = Callable[..., Rig]


@pytest.fixture
def make(virtual_system: VirtualSystem, probe: ProbeFactory) -> MakeRig:
    """Return a function that makes a rig with faults."""

    def new(*faults: Fault) -> Rig:
        return Rig(virtual_system, probe, *faults)

    return new


def test_no_fault(make: MakeRig) -> None:
    """A command and its end are passed on."""
    rig = make()
    rig.execute()
    rig.given(COMMAND)
    rig.ends()
    rig.passed()


def test_unit_check(make: MakeRig) -> None:
    """The device gets a command that ends with unit check, instead."""
    rig = make(Fault("unit check", sense="data check"))
    rig.execute()
    rig.given(show(NORMAL | Dstat.UNIT_CHECK, "data check"))
    rig.ends()
    rig.passed()
    rig.execute()
    rig.given(COMMAND)


def test_stall(make: MakeRig) -> None:
    """The device gets the command after the time, and not before."""
    rig = make(Fault("stall", seconds=5))
    rig.execute()
    rig.clock.advance(4.9)
    rig.nothing_more()
    rig.clock.advance(0.2)
    rig.given(COMMAND)
    rig.ends()
    rig.passed()


def test_halt_of_a_stall(make: MakeRig) -> None:
    """A stalled command that is halted is not executed, also not later."""
    rig = make(Fault("stall", seconds=5))
    rig.execute()
    rig.tell(HaltSignal(RUN + 1))
    rig.nothing_more()
    rig.tell(HaltSignal(RUN))
    rig.given(show(NORMAL))
    rig.ends()
    rig.passed()
    rig.clock.advance(10)
    rig.nothing_more()


def test_reset_of_a_stall(make: MakeRig) -> None:
    """A stalled command that a reset ends is not executed, also not later."""
    rig = make(Fault("stall", seconds=5))
    rig.execute()
    rig.tell(ResetSignal(RUN))
    rig.device.expect_now(ResetSignal(RUN))
    rig.ends(ResetDone(RUN))
    rig.passed(ResetDone(RUN))
    rig.execute()
    rig.given(COMMAND)
    rig.clock.advance(10)
    rig.nothing_more()


def test_late_interrupt(make: MakeRig) -> None:
    """The last command is executed, and its end is late; an earlier one is not."""
    rig = make(Fault("late interrupt", seconds=5))
    rig.execute(LATER)
    rig.given(LATER)
    rig.ends()
    rig.passed()
    rig.execute()
    rig.given(COMMAND)
    rig.ends()
    rig.clock.advance(4.9)
    rig.nothing_more()
    rig.clock.advance(0.2)
    rig.passed()


def test_lost_interrupt(make: MakeRig) -> None:
    """The end does not come, until a reset; then the device works."""
    rig = make(Fault("lost interrupt"))
    rig.execute()
    rig.given(COMMAND)
    rig.ends()
    rig.clock.advance(1000)
    rig.nothing_more()
    rig.tell(ResetSignal(RUN, system=True))
    rig.device.expect_now(ResetSignal(RUN, system=True))
    rig.ends(ResetDone(RUN, system=True))
    rig.passed(ResetDone(RUN, system=True))


@pytest.mark.parametrize("effect", ["late interrupt", "lost interrupt"])
def test_halt_of_what_is_held(make: MakeRig, effect: str) -> None:
    """A HALT makes the device show the end that it has."""
    seconds = {"seconds": 5.0} if effect == "late interrupt" else {}
    rig = make(Fault(effect, **seconds))  # type: ignore[arg-type]
    rig.execute()
    rig.given(COMMAND)
    rig.ends()
    rig.tell(HaltSignal(RUN))
    rig.passed()
    rig.clock.advance(10)
    rig.nothing_more()


def test_halt_without_a_fault(make: MakeRig) -> None:
    """A HALT is passed on while the device works, and ignored while it does not."""
    rig = make()
    rig.tell(HaltSignal(RUN))
    rig.nothing_more()
    rig.execute()
    rig.given(COMMAND)
    rig.tell(HaltSignal(RUN))
    rig.device.expect_now(HaltSignal(RUN))
    rig.nothing_more()


@pytest.mark.parametrize(
    ("effect", "status", "end"),
    [
        ("busy", Dstat.BUSY, Dstat.DEVICE_END),
        (
            "control unit busy",
            Dstat.BUSY | Dstat.STATUS_MODIFIER,
            Dstat.CONTROL_UNIT_END,
        ),
    ],
)
def test_busy(make: MakeRig, effect: Any, status: int, end: int) -> None:
    """Every START finds it busy for the time; then it shows that it is not."""
    rig = make(Fault(effect, seconds=5))
    for _ in range(2):
        rig.execute()
        rig.given(show(status))
        rig.ends()
        rig.passed()
        rig.clock.advance(1)
    rig.clock.advance(4)
    rig.passed(UnsolicitedStatus(end))
    rig.execute()
    rig.given(COMMAND)


def test_busy_once(make: MakeRig) -> None:
    """Without a time, one START finds it busy; a later command never does."""
    rig = make(Fault("busy"))
    for command, given in (
        (LATER, LATER),
        (COMMAND, show(Dstat.BUSY)),
        (COMMAND, COMMAND),
    ):
        rig.execute(command)
        rig.given(given)
        rig.ends()
        rig.passed()
    rig.clock.advance(10)
    rig.nothing_more()


def test_path_off_and_on(make: MakeRig) -> None:
    """The path is configured off, and on after the time; the command is given."""
    rig = make(Fault("path off", seconds=5))
    rig.execute()
    rig.given(COMMAND)
    rig.path.expect_now(ConfigurePath(available=False))
    rig.path.reply(PathConfigured(0))
    rig.clock.advance(4.9)
    rig.nothing_more()
    rig.clock.advance(0.2)
    rig.path.expect_now(ConfigurePath(available=True))
    rig.nothing_more()


def test_unsolicited_status(make: MakeRig) -> None:
    """The status is shown beside the end of the command."""
    rig = make(Fault("unsolicited status", status="device end"))
    rig.execute()
    rig.given(COMMAND)
    rig.subchannel.expect_now(UnsolicitedStatus(Dstat.DEVICE_END))
    rig.ends()
    rig.passed()


def test_not_operational(make: MakeRig) -> None:
    """The subchannel loses its device, which does not get the command."""
    rig = make(Fault("not operational"))
    rig.execute()
    rig.passed(DetachDevice())
    rig.tell(HaltSignal(RUN))
    rig.nothing_more()
    rig.tell(ResetSignal(RUN))
    rig.device.expect_now(ResetSignal(RUN))


def test_without_a_command(make: MakeRig) -> None:
    """A fault with a time happens then, once, also without a command."""
    rig = make(Fault("path off", after=3), Fault("path on", after=5))
    rig.clock.advance(2.9)
    rig.nothing_more()
    rig.clock.advance(0.2)
    rig.path.expect_now(ConfigurePath(available=False))
    rig.clock.advance(10)
    rig.path.expect_now(ConfigurePath(available=True))
    rig.execute()
    rig.given(COMMAND)
    rig.nothing_more()


def test_place(make: MakeRig) -> None:
    """The device says where a command goes; only one at the track meets the fault."""
    rig = make(Fault("stall", seconds=5, track=(1, 2)))
    place = where(LATER)
    for tracks in (b"[[[0,1]]]", b"[[[1,2]]]"):
        rig.execute(LATER)
        rig.given(place)
        rig.ends(CommandEnded(RUN, CommandEnd(NORMAL, tracks)))
        if tracks == b"[[[1,2]]]":
            rig.nothing_more()
            rig.clock.advance(5)
        rig.given(LATER)
        rig.ends()
        rig.passed()
    rig.execute(LATER)
    rig.given(LATER)


def test_place_that_cannot_be_found(make: MakeRig) -> None:
    """If the device ends early, halted or with a check, that is the command's end."""
    rig = make(Fault("stall", seconds=5, track=(1, 2)))
    rig.execute()
    rig.given(where(COMMAND))
    rig.tell(HaltSignal(RUN))
    rig.device.expect_now(HaltSignal(RUN))
    end = CommandEnded(RUN, CommandEnd(NORMAL))
    rig.ends(end)
    rig.passed(end)


def test_held_tracks(make: MakeRig) -> None:
    """Writing what is held is no command: it meets no fault."""
    rig = make(Fault("stall", seconds=5))
    rig.tell(WriteHeldTracks(RUN))
    rig.device.expect_now(WriteHeldTracks(RUN))
    rig.ends()
    rig.passed()


def test_what_comes_unasked(make: MakeRig) -> None:
    """Attention reaches the device, and what the device shows the subchannel."""
    rig = make()
    rig.tell(Attend())
    rig.device.expect_now(Attend())
    rig.device.tell(rig.faulty, UnsolicitedStatus(Dstat.ATTENTION))
    rig.clock.advance(0)
    rig.passed(UnsolicitedStatus(Dstat.ATTENTION))


def test_operator(make: MakeRig) -> None:
    """Faults are planned, counted and dropped while the device is used."""
    rig = make(Fault("path on", nth=5))
    busy = Fault("busy", times=2)
    rig.operator.tell(rig.faulty, PlanFault(busy))
    rig.clock.advance(0)
    rig.operator.expect_now(FaultPlanned(2))
    rig.execute()
    rig.given(show(Dstat.BUSY))
    rig.ends()
    rig.operator.tell(rig.faulty, ReportFaults())
    rig.clock.advance(0)
    (report,) = rig.operator.expect_all_now(FaultsReported)
    assert [(one.number, one.seen, one.happened) for one in report.faults] == [
        (1, 1, 0),
        (2, 1, 1),
    ]
    rig.operator.tell(rig.faulty, DropFaults((2, 3)))
    rig.clock.advance(0)
    rig.operator.expect_now(FaultsDropped((2,)))
    rig.execute()
    rig.given(COMMAND)


def test_fault_that_cannot_be(make: MakeRig) -> None:
    """A wrong fault is refused before anything is spawned."""
    with pytest.raises(FaultError, match="seconds"):
        make(Fault("stall"))


@pytest.mark.actor_failures("faulty")
def test_restart(make: MakeRig) -> None:
    """After a failure the subchannel loses its device, whose late answer is dropped."""
    rig = make()
    rig.execute()
    rig.given(COMMAND)
    rig.execute()
    rig.passed(DetachDevice())
    rig.ends()
    rig.device.tell(rig.system.ref("faulty"), ResetDone(RUN))
    rig.clock.advance(0)
    rig.nothing_more()
