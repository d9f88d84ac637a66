"""VfioCcwPrivate: the driver's memory as an actor, and the function of each section.

It is one actor, as `sch->lock` makes one section of each I/O instruction and the change
of the driver's state with it. Threads and the work queue have their sections done here,
one message each. Steps of the device, and the interruption of a CPU, come as timers: at
any time after they are due.
"""

from typing import Final

from ccw_actors.actors.protocol import (
    CloseDevice,
    ReadIo,
    ReadReport,
    RegionsToClient,
    ResetDevice,
    UnmapDma,
    WriteAsync,
    WriteIo,
)
from ccw_actors.designs.linux import _async_region as async_region
from ccw_actors.designs.linux import _interrupt as interrupt
from ccw_actors.designs.linux import _read_region as read_region
from ccw_actors.designs.linux import _reports as reports
from ccw_actors.designs.linux import _subchannel as subchannel
from ccw_actors.designs.linux import _submit as submit
from ccw_actors.designs.linux import _teardown as teardown
from ccw_actors.designs.linux import _unmap as unmap
from ccw_actors.designs.linux import _worker as worker
from ccw_actors.designs.linux._driver import (
    ENDS,
    Behaviour,
    Case,
    Choices,
    Driver,
    Later,
    Next,
    SectionFunction,
    ToEmulator,
    ToWorker,
)
from ccw_actors.designs.linux._messages import (
    Attention,
    Call,
    DeviceGoesOn,
    DeviceLost,
    Flush,
    Happening,
    IdawChanged,
    IoInterruption,
    PathReport,
    Queued,
    ReportAdded,
    Section,
    SignalClear,
    SignalHalt,
    Timer,
    WaitExpired,
)
from ccw_actors.designs.linux._state import HostState, Waiter, note
from ccw_actors.runtime import Actor, ActorRef, receive

__all__ = ["SECTIONS", "VfioCcwPrivate"]

SECTIONS: Final[dict[str, SectionFunction]] = {
    **submit.SECTIONS,
    **async_region.SECTIONS,
    **worker.SECTIONS,
    **read_region.SECTIONS,
    **teardown.SECTIONS,
    **unmap.SECTIONS,
    **reports.SECTIONS,
}
"""Every section that a thread can be sent to, by the `step` of `Section`."""


class VfioCcwPrivate(Actor[Call | Section | Happening]):
    """A host's subchannel, and `struct vfio_ccw_private` of a design.

    Work goes to `worker`, signals to `emulator`. `behaviour` has the steps of the
    device in each program, `case` names a special case.
    """

    state: HostState

    def __init__(
        self,
        choices: Choices,
        worker: ActorRef[Queued | Flush],
        emulator: ActorRef[RegionsToClient],
        behaviour: Behaviour = ENDS,
        case: Case = "",
    ) -> None:
        self._choices = choices
        self._worker = worker
        self._emulator = emulator
        self._behaviour = behaviour
        self._case: Case = case
        self.state = HostState()

    @receive
    def call(self, message: Call) -> None:
        """Let a thread enter the kernel, and send it its first section."""
        assert self.sender is not None, "a call has a thread"
        driver = self._driver(self.sender.path)
        first = _enter(driver, message)
        self._carry_out(driver)
        if first is not None:
            self.sender.tell(first)

    @receive
    def section(self, message: Section) -> Next:
        """Do one section of a thread, and send the thread its next one."""
        assert self.sender is not None, "a section has a thread"
        driver = self._driver(self.sender.path)
        following = SECTIONS[message.step](driver, message)
        self._carry_out(driver)
        state = self.state
        if state.fsm == "IDLE" and state.owned and self._choices.pending_state:
            note(state, "I2", "the state is IDLE while the channel owns a program")
        return following

    @receive
    def happens(self, message: Happening | Timer) -> None:
        """Do a step without a thread: of the hardware, or of an interrupted CPU."""
        driver = self._driver("")
        if isinstance(message, Happening):
            _happen(driver, message)
        else:
            _go_on(driver, message)
        self._carry_out(driver)

    def _driver(self, thread: str) -> Driver:
        return Driver(self.state, self._choices, self._behaviour, self._case, thread)

    def _carry_out(self, driver: Driver) -> None:
        """Carry out the effects, in order."""
        for effect in driver.effects:
            match effect:
                case ToWorker(message):
                    self._worker.tell(message)
                case ToEmulator(message):
                    self._emulator.tell(message)
                case Later(message):
                    self.after(0.0, message)
                case Waiter(thread=thread, section=section):
                    self.system.ref(thread).tell(section)


def _enter(driver: Driver, message: Call) -> Next:
    """Enter the kernel by a system call; return what the thread does next."""
    match message:
        case WriteIo():
            first = submit.write_io(driver, message)
        case WriteAsync():
            first = async_region.write_async(driver, message)
        case ReadIo():
            first = read_region.read_io(driver)
        case ReadReport():
            first = reports.read_report(driver)
        case ResetDevice():
            first = teardown.reset_device(driver)
        case CloseDevice():
            first = teardown.close_device(driver)
        case UnmapDma():
            first = unmap.unmap_dma()
    return first


def _happen(driver: Driver, message: Happening) -> None:
    """Do what the hardware does, or a CPU of the guest."""
    match message:
        case Attention():
            subchannel.attend(driver)
        case DeviceLost():
            teardown.device_lost(driver)
        case PathReport():
            reports.path_report(driver, message)
        case IdawChanged():
            driver.state.idaw += 1


def _go_on(driver: Driver, message: Timer) -> None:
    """Do a step that was due: of the subchannel, or of an interrupted CPU."""
    match message:
        case DeviceGoesOn():
            subchannel.device_goes_on(driver, message)
        case SignalHalt():
            subchannel.halt_goes_out(driver)
        case SignalClear():
            subchannel.clear_goes_out(driver)
        case IoInterruption():
            interrupt.interruption(driver)
        case ReportAdded():
            reports.report_added(driver)
        case WaitExpired():
            teardown.wait_expired(driver, message)
