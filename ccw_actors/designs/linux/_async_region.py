"""HALT and CLEAR: the effects of a write to the async region.

| state | WriteAsync |
|---|---|
| NOT_OPER, STANDBY | EIO |
| IDLE, CP_PENDING | halt, clear |
| CP_PROCESSING | EAGAIN |

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
    if state.fsm in ("IDLE", "CP_PENDING"):
        state.mutex = driver.thread
        return Section("halt" if message.command == "HSCH" else "clear")
    reason = errno.EAGAIN if state.fsm == "CP_PROCESSING" else errno.EIO
    return Returned(Written(reason))


def halt(driver: Driver, _section: Section) -> Next:
    """Issue HSCH with `sch->lock` held, and return."""
    state = driver.state
    refuses = driver.choices.refuses_halt(state)
    cc = Cc.NOT_APPLICABLE if refuses else hsch(driver)
    if cc == Cc.DONE:
        state.kept |= Fctl.HALT
    driver.unlock()
    return Returned(Written(_HALT_ERRNO[cc]))


def clear(driver: Driver, _section: Section) -> Next:
    """Issue CSCH with `sch->lock` held, and return; no design refuses it."""
    cc = csch(driver)
    if cc == Cc.DONE:
        driver.choices.clear_accepted(driver.state)
    driver.unlock()
    return Returned(Written(errno.ENODEV if cc else 0))


SECTIONS: Final[dict[str, SectionFunction]] = {"halt": halt, "clear": clear}
"""By the `step` of `Section`."""
