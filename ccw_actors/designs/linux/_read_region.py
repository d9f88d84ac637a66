"""The emulator reads the I/O region: the counter of its eventfd, then the IRB.

Source: Linux drivers/s390/cio/vfio_ccw_ops.c (vfio_ccw_mdev_read_io_region);
fs/eventfd.c (eventfd_read).
"""

from typing import Final

from ccw_actors.actors.protocol import IoRead
from ccw_actors.designs.linux._driver import Driver, Next, SectionFunction
from ccw_actors.designs.linux._messages import Returned, Section
from ccw_actors.designs.linux._subchannel import HOST_CPA, shows_cpa

__all__ = ["SECTIONS", "read_io"]


def read_io(driver: Driver) -> Next:
    """Test and clear the counter; the region is read in another section.

    So status signalled in between is read at once, and its signal stays.
    """
    driver.state.events = 0
    return Section("read_region")


def read_region(driver: Driver, section: Section) -> Next:
    """Take io_mutex; a write that comes now returns EAGAIN."""
    return Section("leave_read") if driver.lock(section) else None


def leave_read(driver: Driver, _section: Section) -> Next:
    """Copy the region to the emulator, and release io_mutex."""
    state = driver.state
    scsw = state.region.scsw
    if scsw.cpa >= HOST_CPA and shows_cpa(scsw):
        driver.wrong("I13", "the guest is shown a host address as CCW address")
    driver.choices.read(state)
    driver.unlock()
    return Returned(IoRead(state.region))


SECTIONS: Final[dict[str, SectionFunction]] = {
    "read_region": read_region,
    "leave_read": leave_read,
}
"""By the `step` of `Section`."""
