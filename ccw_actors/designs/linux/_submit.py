"""A START: the effects of a write to the I/O region, from its trylock to its return.

| state | WriteIo |
|---|---|
| NOT_OPER, STANDBY | EIO |
| IDLE | io_request |
| CP_PROCESSING | EAGAIN |
| CP_PENDING | EBUSY |

The thread holds io_mutex from here to `leave_io`. Sections end where another context
may come between in spite of that: interruptions and, before 2026, the worker.

Source: Linux drivers/s390/cio/vfio_ccw_ops.c (vfio_ccw_mdev_write_io_region),
vfio_ccw_fsm.c (fsm_io_request, fsm_io_helper), vfio_ccw_cp.c (cp_init, cp_prefetch).
`_steps` says which section stands for which function.
"""

import errno
from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import WriteIo, Written
from ccw_actors.channel import Cc, Fctl, Irb, Scsw
from ccw_actors.designs.linux._driver import Driver, Next, SectionFunction
from ccw_actors.designs.linux._messages import Returned, Section
from ccw_actors.designs.linux._programs import begin_to_free, free, walk, walked
from ccw_actors.designs.linux._state import HostState
from ccw_actors.designs.linux._subchannel import ssch

__all__ = [
    "SECTIONS",
    "any_may_initialise",
    "free_may_initialise",
    "initialised_anyway",
    "starts_always",
    "work_is_queued",
    "write_io",
]

_CHAINS: Final = 17


def write_io(driver: Driver, message: WriteIo) -> Next:
    """Try io_mutex, copy the request in, and check the state.

    A client writes the whole region: it replaces the IRB there, whether that has been
    read or not, and whether the request is accepted or not.
    """
    state = driver.state
    if state.mutex:
        return Returned(Written(errno.EAGAIN))
    state.mutex = driver.thread
    state.fctl, state.ret_code = message.fctl, message.ret_code
    state.region = Irb(Scsw())
    match state.fsm:
        case "IDLE":
            return Section("io_request")
        case "CP_PROCESSING":
            return Section("leave_io", errno.EAGAIN)
        case "CP_PENDING":
            return Section("leave_io", errno.EBUSY)
        case _:
            return Section("leave_io", errno.EIO)


def io_request(driver: Driver, _section: Section) -> Next:
    """Set CP_PROCESSING, and check the request.

    Another section read the state. It may have changed since, and is overwritten
    nevertheless.
    """
    state = driver.state
    refused = driver.choices.admit(state)
    if refused is not None:
        return refused
    driver.set_fsm("CP_PROCESSING", "START")
    if state.fctl & Fctl.START:
        return Section("cp_init")
    if state.fctl:
        return _failed(driver, errno.EOPNOTSUPP)
    if not state.ret_code:
        driver.wrong("no-op", "a write without a function returns success")
    return _failed(driver, state.ret_code)


def cp_init(driver: Driver, _section: Section) -> Next:
    """Make a program, and begin to walk its list of CCWs."""
    state, choices = driver.state, driver.choices
    reason = choices.may_initialise(driver)
    if reason:
        return _failed(driver, reason)
    if driver.case == "long":
        if not choices.chains_max:
            driver.wrong("I11", f"a program of {_CHAINS} chains is accepted")
        elif choices.chains_max < _CHAINS:
            return _failed(driver, errno.EINVAL)
    if driver.case == "faulty":
        return _chain_missing(driver)
    choices.programs.renew(driver)
    state.made += 1
    state.cp = state.made
    state.live = (*state.live, state.cp)
    walk(driver, state.cp)
    return Section("cp_prefetch", program=state.cp)


def _chain_missing(driver: Driver) -> Section:
    """Fail at the second chain; the design decides whether the first is freed."""
    state = driver.state
    if not driver.choices.frees_chains:
        state.made += 1
        state.live = (*state.live, state.made)
    return _failed(driver, errno.EFAULT)


def cp_prefetch(driver: Driver, section: Section) -> Next:
    """Read the first IDAW, which determines the length of the list."""
    if driver.case == "hangs":
        return None
    if not driver.state.mapped:
        walked(driver)
        return Section("free_request", errno.EFAULT, program=section.program)
    return Section("copy_idal", program=section.program, idaw=driver.state.idaw)


def copy_idal(driver: Driver, section: Section) -> Next:
    """Copy the list of IDAWs, the first one again, and pin their pages."""
    state, program = driver.state, section.program
    walked(driver)
    if section.idaw != state.idaw:
        if driver.choices.checks_idaw:
            return Section("free_request", errno.EINVAL, program=program)
        driver.wrong("I12", "the first IDAW is another one when it is read again")
    if not state.mapped:
        return Section("free_request", errno.EFAULT, program=program)
    if program in state.live:
        state.pinned = (*state.pinned, program)
    return Section("io_helper", program=program)


def io_helper(driver: Driver, section: Section) -> Next:
    """Issue SSCH; `sch->lock` is held, so the interruption comes before or after."""
    state, choices = driver.state, driver.choices
    if not state.cp:
        # cp_free is called, and finds nothing.
        return Section("free_request", errno.EIO)
    refuses = choices.refuses_start(state)
    cc = Cc.NOT_APPLICABLE if refuses else ssch(driver, section.program)
    if cc:
        reason = errno.ENODEV if cc == Cc.NOT_OPERATIONAL else errno.EBUSY
        return Section("free_request", reason, program=section.program)
    state.started = section.program
    state.kept |= Fctl.START
    if not choices.pending_state:
        return Section("idle_again")
    driver.set_fsm("CP_PENDING", "START")
    return Section("leave_io")


def idle_again(driver: Driver, _section: Section) -> Next:
    """Set IDLE after SSCH: without CP_PENDING the next START is taken at once."""
    driver.set_fsm("IDLE", "a START that was accepted")
    return Section("leave_io")


def free_request(driver: Driver, section: Section) -> Next:
    """Begin to free the program of a failed request."""
    program = begin_to_free(driver, section.program)
    return replace(section, step="free_failed", program=program)


def free_failed(driver: Driver, section: Section) -> Next:
    """Free the program of a failed request, and end the request."""
    free(driver, section.program, "a refused START")
    return _failed(driver, section.errno)


def _failed(driver: Driver, reason: int) -> Section:
    """Go on to the section where this design sets IDLE after a failed request."""
    in_fsm = driver.choices.idle_on_error == "FSM"
    return Section("fail_io" if in_fsm else "leave_io", reason)


def fail_io(driver: Driver, section: Section) -> Next:
    """Set IDLE inside the FSM, after a failed request."""
    driver.choices.start_failed(driver.state)
    driver.set_fsm("IDLE", "a failed START")
    return Section("leave_io", section.errno)


def leave_io(driver: Driver, section: Section) -> Next:
    """Release io_mutex and return.

    A write handler that sets IDLE does so for every error, also if a START was refused
    because of the state that another START had set.
    """
    if section.errno and driver.choices.idle_on_error == "write handler":
        if driver.state.fsm == "CP_PENDING":
            driver.wrong("I10", "a refused START makes the state of another IDLE")
        driver.set_fsm("IDLE", "a refused START")
    driver.unlock()
    return Returned(Written(section.errno))


# -- choices: may_initialise ----------------------------------------------------------


def initialised_anyway(driver: Driver) -> int:
    """Initialise over a live program: up to v5.12."""
    if driver.state.cp:
        driver.wrong("I6", "START initialises a live program again")
    return 0


def free_may_initialise(driver: Driver) -> int:
    """Refuse (EBUSY) while a program is initialised: patch 1 of RFC v4, since v5.13."""
    return errno.EBUSY if driver.state.cp else 0


def any_may_initialise(_driver: Driver) -> int:
    """Initialise one more: a list holds any number of programs."""
    return 0


# -- choices: refuses_start; more of them are in `_activity` --------------------------


def starts_always(_state: HostState) -> bool:
    """Refuse nothing: SSCH decides."""
    return False


def work_is_queued(state: HostState) -> bool:
    """Refuse while the work item is queued: work_pending(), RFC v3, patch 2 of v4.

    It is no longer queued once its worker has begun.
    """
    return state.work


SECTIONS: Final[dict[str, SectionFunction]] = {
    "io_request": io_request,
    "cp_init": cp_init,
    "cp_prefetch": cp_prefetch,
    "copy_idal": copy_idal,
    "io_helper": io_helper,
    "idle_again": idle_again,
    "free_request": free_request,
    "free_failed": free_failed,
    "fail_io": fail_io,
    "leave_io": leave_io,
}
"""By the `step` of `Section`."""
