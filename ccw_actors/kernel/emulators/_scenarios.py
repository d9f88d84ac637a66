"""The scenarios: what a guest and a host do, and what the architecture asks for then.

Each order is fixed: an event of the host comes when the guest has done what is before
it. The names are those of the verdict table where it has the scenario.
"""

import errno
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from ccw_actors.kernel.emulators._errors import NotApplicableError
from ccw_actors.kernel.emulators._trial import Trial

__all__ = ["EMULATOR_SCENARIOS", "EmulatorScenario"]

Course: TypeAlias = Callable[[Trial], Awaitable[None]]


class EmulatorScenario(Struct, frozen=True, kw_only=True):
    """A claim about an emulator: what the guest does, and what it has to see.

    `claim` says what goes wrong in QEMU, "" for what it does right. `asks` is what the
    architecture asks for, with the section of PoP. `cause` names file and function
    where QEMU 7.2 and 10.0 do it. `invariant` is that of the verdict table. `variant`
    says how the order differs from the table's. The subchannel is enabled at first.
    """

    title: str
    claim: str
    asks: str
    course: Course
    cause: str = ""
    invariant: str = "I5"
    variant: str = ""
    cpus: int = 1


async def _sequence(trial: Trial) -> None:
    for function in (trial.start, trial.clear, trial.halt, trial.start):
        await function()
        await trial.status_shown()
        await trial.store()
        await trial.test()
        await trial.store()
    await trial.drain()


async def _attention(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.hold_status()
    await trial.attend()
    await trial.status_waits()
    if await trial.start() == 1:
        await trial.test()
        await trial.start()
    await trial.read_begins()
    await trial.release_status()
    await trial.store()
    await trial.test()
    await trial.store()
    await trial.start()
    await trial.release_reads()
    await trial.drain()


async def _clear_queued(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.hold_status(keeps=True)
    await trial.release_reads()
    await trial.status_waits()
    await trial.clear()
    await trial.status_waits()
    await trial.release_status(holds_on=True)
    await trial.store()
    await trial.test()
    await trial.store()
    await trial.release_status()
    await trial.drain()


async def _clear_dropped(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.hold_status()
    await trial.release_reads()
    await trial.status_waits()
    await trial.clear()
    await trial.store()
    await trial.release_status()
    await trial.drain()
    await trial.start()
    await trial.drain()


async def _clear_pending(trial: Trial) -> None:
    await trial.start()
    await trial.status_shown()
    await trial.hold_status()
    await trial.clear()
    await trial.store()
    await trial.test()
    await trial.store()
    await trial.start()
    await trial.status_waits()
    await trial.release_status()
    await trial.drain()


async def _collapse(trial: Trial) -> None:
    await trial.start()
    await trial.status_shown()
    await trial.hold_status()
    await trial.clear()
    await trial.take_interruption()
    await trial.test()
    await trial.release_status()
    await trial.drain()


async def _clear_twice(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.hold_status()
    await trial.clear()
    await trial.clear()
    await trial.release_reads()
    await trial.status_waits()
    await trial.release_status()
    await trial.drain()
    await trial.start()
    await trial.drain()


async def _halt(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.hold_status()
    await trial.release_reads()
    await trial.status_waits()
    await trial.halt(cpu=1)
    await trial.release_status(holds_on=True)
    await trial.status_waits()
    await trial.release_status()
    await trial.store()
    await trial.test()
    await trial.store()
    await trial.drain()


async def _halt_queued(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.hold_status(keeps=True)
    await trial.release_reads()
    await trial.status_waits()
    await trial.halt(cpu=1)
    await trial.status_waits()
    await trial.release_status(holds_on=True)
    await trial.store()
    await trial.test()
    await trial.store()
    await trial.release_status()
    await trial.drain()


async def _halt_active(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.hold_status()
    if await trial.halt(cpu=1):
        raise NotApplicableError("HSCH is refused")
    await trial.store()
    await trial.release_reads()
    await trial.status_waits()
    await trial.release_status()
    await trial.drain()


async def _guest_reset(trial: Trial) -> None:
    await trial.start()
    await trial.status_shown()
    await trial.reset()
    await trial.modify(enabled=True)
    await trial.store()
    await trial.drain()


async def _cancel(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.cancel()
    await trial.store()
    await trial.start()
    await trial.release_reads()
    await trial.drain()


async def _suspend(trial: Trial) -> None:
    await trial.write_program(suspends=True)
    if await trial.start(suspends=True):
        raise NotApplicableError("SSCH refuses a program that may be suspended")
    await trial.status_shown()
    await trial.test()
    await trial.store()
    await trial.go_on()
    await trial.resume()
    await trial.drain()


async def _pci(trial: Trial) -> None:
    await trial.write_program(pci=True)
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.status_shown()
    await trial.test()
    await trial.store()
    await trial.start()
    await trial.release_reads()
    await trial.drain()


async def _disable(trial: Trial) -> None:
    await trial.hold_reads()
    await trial.start()
    await trial.read_begins()
    await trial.modify(enabled=False)
    await trial.store()
    await trial.release_reads()
    await trial.drain()
    await trial.modify(enabled=False)
    await trial.store()


async def _bad_program(trial: Trial) -> None:
    await trial.refuse_starts(errno.EINVAL)
    await trial.start_beyond_storage()
    await trial.drain()


async def _path_mask(trial: Trial) -> None:
    trial.look_at_first()


async def _interruption(trial: Trial) -> None:
    await trial.start()
    await trial.status_shown()
    await trial.test()
    await trial.take_interruption()
    await trial.drain()


_CSS: Final = "hw/s390x/css.c"
_CCW: Final = "hw/vfio/ccw.c"

EMULATOR_SCENARIOS: Final[Mapping[str, EmulatorScenario]] = {
    "sequence": EmulatorScenario(
        title="START, CLEAR, HALT, START, each after the status of the one before",
        claim="",
        asks="each function is in FC until TSCH takes its status",
        course=_sequence,
    ),
    "attention": EmulatorScenario(
        title="attention, which QEMU reads after a START has been accepted",
        claim="unsolicited status is shown under a START, and takes it out of FC",
        asks="status that no function asked for waits until FC is zero",
        course=_attention,
        cause=f"{_CCW}, vfio_ccw_io_notifier_handler, copies the whole SCSW of the IRB",
    ),
    "clear-queued": EmulatorScenario(
        title="CLEAR while the START's status is in the region",
        claim="the START's status is shown while CLEAR is in progress, and ends FC",
        asks="CSCH drops the status of other functions",
        course=_clear_queued,
        cause=f"{_CCW}, vfio_ccw_io_notifier_handler, copies the whole SCSW of the IRB",
        variant="the region keeps the START's status at CSCH, as Linux's vfio_ccw does",
    ),
    "clear-dropped": EmulatorScenario(
        title="CLEAR while the START's status waits in our driver, which drops it",
        claim="",
        asks="CSCH drops the status of other functions",
        course=_clear_dropped,
    ),
    "clear-pending": EmulatorScenario(
        title="CLEAR while the START's status is pending, then TSCH and START",
        claim="CSCH keeps the old status, which is taken for that of the CLEAR",
        asks="CSCH drops status that is pending; the CLEAR's status is pending alone",
        course=_clear_pending,
        cause=f"{_CSS}, css_do_csch, changes FC and AC, and leaves SC as it is",
    ),
    "collapse": EmulatorScenario(
        title="CLEAR while the START's status is pending, then its interruption",
        claim="the old interruption and status are taken for those of the CLEAR",
        asks="CSCH drops status that is pending, and its interruption",
        course=_collapse,
        cause=f"{_CSS}, css_do_csch, changes FC and AC, and leaves SC and the"
        " interruption as they are",
        invariant="I3, I5",
    ),
    "clear-twice": EmulatorScenario(
        title="two CLEARs during a START, then another START",
        claim="",
        asks="the second CLEAR is accepted, and one status ends both",
        course=_clear_twice,
        invariant="I5",
    ),
    "halt": EmulatorScenario(
        title="HALT by another CPU while the START's status waits in our driver",
        claim="the HALT's status is shown while START and HALT are in progress",
        asks="each function is in FC until TSCH takes a status that shows it",
        course=_halt,
        cause=f"{_CCW}, vfio_ccw_io_notifier_handler, copies the whole SCSW of the IRB",
        cpus=2,
    ),
    "halt-queued": EmulatorScenario(
        title="HALT by another CPU while the START's status is in the region",
        claim="FC loses HALT to the START's status",
        asks="each function is in FC until TSCH takes a status that shows it",
        course=_halt_queued,
        cause=f"{_CCW}, vfio_ccw_io_notifier_handler, copies the whole SCSW of the IRB",
        variant="the region has the START's status when HSCH comes, as Linux's has",
        cpus=2,
    ),
    "halt-active": EmulatorScenario(
        title="HALT by another CPU while the START's channel program is active",
        claim="HSCH takes START out of FC",
        asks="HSCH adds halt to FC, and start stays until TSCH",
        course=_halt_active,
        cause=f"{_CSS}, css_do_hsch, turns the start bit of FC off",
        cpus=2,
    ),
    "guest-reset": EmulatorScenario(
        title="IPL while the START's status is pending",
        claim="a reset leaves the subchannel as it was",
        asks="a reset ends every function and status, and disables the subchannel",
        course=_guest_reset,
        cause=f"{_CCW}, vfio_ccw_reset, resets the host's device and not the SCHIB",
    ),
    "cancel": EmulatorScenario(
        title="XSCH while the channel program is active",
        claim="XSCH is answered without the host, whose START goes on",
        asks="XSCH answers condition code 2 if the subchannel is active",
        course=_cancel,
        cause=f"{_CSS}, css_do_xsch, changes the SCHIB, and has no call of the host",
    ),
    "suspend": EmulatorScenario(
        title="RSCH of a suspended channel program",
        claim="RSCH is another START, and the program is not resumed",
        asks="RSCH resumes the program, whose final status comes",
        course=_suspend,
        cause=f"{_CSS}, css_do_rsch and do_subchannel_work_passthrough, take the way of"
        " SSCH",
        invariant="I8",
    ),
    "pci": EmulatorScenario(
        title="a program-controlled interruption, then the end of the program",
        claim="",
        asks="intermediate status leaves START in FC",
        course=_pci,
    ),
    "disable": EmulatorScenario(
        title="MSCH disables the subchannel during a START, and after it",
        claim="",
        asks="MSCH answers condition code 2 if a function is in progress",
        course=_disable,
    ),
    "interruption": EmulatorScenario(
        title="TPI after TSCH has taken the status",
        claim="TSCH takes the status, and leaves its interruption",
        asks="TSCH clears the interruption of the status that it takes",
        course=_interruption,
        cause="target/s390x/ioinst.c, ioinst_handle_tsch, leaves the interruption in"
        " the list of hw/intc/s390_flic.c; under KVM the kernel takes it off",
        invariant="I3",
    ),
    "bad-program": EmulatorScenario(
        title="START of a channel program beyond storage, which the host refuses",
        claim="the guest is shown a unit exception, which the device never presented",
        asks="a program that cannot be fetched ends in a program check, and device"
        " status comes from the device",
        course=_bad_program,
        cause=f"{_CCW}, vfio_ccw_handle_request, and include/hw/s390x/css.h,"
        " sch_gen_unit_exception: each errno but EBUSY, ENODEV and EACCES becomes a"
        " unit exception",
        invariant="",
        variant="the host refuses with EINVAL, as one may that copies programs; this"
        " package's passes the program on",
    ),
    "path-mask": EmulatorScenario(
        title="STSCH as the first instruction after IPL",
        claim="the logical-path mask is zero after IPL",
        asks="the logical-path mask is that of the installed paths after IPL",
        course=_path_mask,
        cause=f"{_CSS}, css_sch_build_schib, takes PIM, PAM and POM from the host, and"
        " leaves LPM",
        invariant="",
    ),
}
"""By name."""
