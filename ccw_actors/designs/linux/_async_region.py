"""HALT and CLEAR: the effects of a write to the async region.

| state | WriteAsync |
|---|---|
| NOT_OPER, STANDBY | EIO |
| IDLE, CP_PENDING | halt, clear |
| CP_PROCESSING | EAGAIN |

The thread holds io_mutex from here to `leave_async`.

Source: Linux drivers/s390/cio/vfio_ccw_async.c (vfio_ccw_async_region_write),
vfio_ccw_fsm.c (fsm_async_request, fsm_do_halt, fsm_do_clear).
"""

import errno
from typing import Final

from ccw_actors.actors.protocol import WriteAsync, Written
from ccw_actors.channel import Cc, Fctl
from ccw_actors.designs.linux._driver import Driver, Next, SectionFunction
from ccw_actors.designs.linux._messages import Returned, Section
from ccw_actors.designs.linux._subchannel import csch, hsch

__all__ = ["SECTIONS", "write_async"]

_HALT_ERRNO: Final = (0, errno.EBUSY, errno.EBUSY, errno.ENODEV)
"""By the condition code of HSCH."""


def write_async(driver: Driver, message: WriteAsync) -> Next:
    """Try io_mutex, and check the state."""
    state = driver.state
    if state.mutex:
        return Returned(Written(errno.EAGAIN))
    state.mutex = driver.thread
    if state.fsm in ("IDLE", "CP_PENDING"):
        return Section("halt" if message.command == "HSCH" else "clear")
    reason = errno.EAGAIN if state.fsm == "CP_PROCESSING" else errno.EIO
    return Section("leave_async", reason)


def halt(driver: Driver, _section: Section) -> Next:
    """Issue HSCH with `sch->lock` held."""
    state = driver.state
    refuses = driver.choices.refuses_halt(state)
    cc = Cc.NOT_APPLICABLE if refuses else hsch(driver)
    if cc == Cc.DONE:
        state.kept |= Fctl.HALT
    return Section("leave_async", _HALT_ERRNO[cc])


def clear(driver: Driver, _section: Section) -> Next:
    """Issue CSCH with `sch->lock` held; no design refuses it."""
    cc = csch(driver)
    if cc == Cc.DONE:
        driver.choices.clear_accepted(driver.state)
    return Section("leave_async", errno.ENODEV if cc else 0)


def leave_async(driver: Driver, section: Section) -> Next:
    """Release io_mutex and return."""
    driver.unlock()
    return Returned(Written(section.errno))


SECTIONS: Final[dict[str, SectionFunction]] = {
    "halt": halt,
    "clear": clear,
    "leave_async": leave_async,
}
"""By the `step` of `Section`."""
