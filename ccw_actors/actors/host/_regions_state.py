"""What a VfioCcwRegions remembers of its device, its driver, and its client.

Unanswered requests outlive it: see `_region_requests`.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from ccw_actors.actors.host._driver_state import DriverState
from ccw_actors.actors.host._quiescing import Quiescing
from ccw_actors.actors.host._unread_events import UnreadEvents
from ccw_actors.actors.host._unread_reports import UnreadReports

__all__ = ["RegionsState"]


class RegionsState(Struct):
    """`driver` is what its driver remembers.

    `device` is "leaving" while the host's subchannel is being given up.
    """

    driver: DriverState = msgspec.field(default_factory=DriverState)
    device: Literal["there", "leaving", "gone"] = "there"
    unread: UnreadEvents = msgspec.field(default_factory=UnreadEvents)
    reports: UnreadReports = msgspec.field(default_factory=UnreadReports)
    quiescing: Quiescing = msgspec.field(default_factory=Quiescing)

    @property
    def is_quiet(self) -> bool:
        """Whether no work of the device is in progress at the host."""
        driver = self.driver
        if self.device == "leaving":
            return False
        return driver.program is None and not driver.halt and not driver.clear
