"""DMA_UNMAP of the page that channel programs name.

The core of vfio unmaps a page that is not pinned. Otherwise it notifies the driver,
which checks whether its program names the page and, if so, resets the device.

Source: Linux drivers/vfio/vfio_iommu_type1.c (vfio_dma_do_unmap),
drivers/s390/cio/vfio_ccw_ops.c (vfio_ccw_dma_unmap), vfio_ccw_cp.c (cp_iova_pinned).
"""

from typing import Final

from ccw_actors.actors.protocol import Written
from ccw_actors.designs.linux._driver import Driver, Next, SectionFunction
from ccw_actors.designs.linux._messages import Returned, Section
from ccw_actors.designs.linux._programs import walk, walked

__all__ = ["SECTIONS", "unmap_dma"]


def unmap_dma() -> Next:
    """Enter the ioctl."""
    return Section("unmap")


def unmap(driver: Driver, _section: Section) -> Next:
    """Unmap the page if it is not pinned; the lock of the IOMMU is held."""
    if driver.state.pinned:
        return Section("check_pinned")
    driver.state.mapped = False
    return Returned(Written(0))


def check_pinned(driver: Driver, _section: Section) -> Next:
    """Check whether there is a program; no version has io_mutex here."""
    return Section("walk_pinned" if driver.state.cp else "unmap")


def walk_pinned(driver: Driver, section: Section) -> Next:
    """Begin to walk the program for the page; before 2026 without io_mutex."""
    if driver.locks("unmap") and not driver.lock(section):
        return None
    walk(driver, driver.state.cp)
    return Section("checked", program=driver.state.cp)


def checked(driver: Driver, section: Section) -> Next:
    """Reset the device if there was a program; then check the page again."""
    walked(driver)
    if driver.locks("unmap"):
        # The reset below waits for the work queue, whose worker may need io_mutex.
        driver.unlock()
    if section.program:
        return Section("disable", then="unmap")
    return Section("unmap")


SECTIONS: Final[dict[str, SectionFunction]] = {
    "unmap": unmap,
    "check_pinned": check_pinned,
    "walk_pinned": walk_pinned,
    "checked": checked,
}
"""By the `step` of `Section`."""
