"""The reports on a device that a client of regions has not read: a queue."""

from msgspec import Struct

from ccw_actors.channel import Crw
from ccw_actors.channel.crw import queued

__all__ = ["UnreadReports"]


class UnreadReports(Struct):
    """Reports in the order they came; the client knows of them if `signalled`."""

    reports: tuple[Crw, ...] = ()
    signalled: bool = False

    def add(self, crw: Crw, reports_max: int) -> None:
        """Keep a report; in a full queue the last one says that some are lost."""
        self.reports = queued(self.reports, crw, reports_max)

    def read(self) -> Crw | None:
        """Remove the oldest report; the next ones need another signal."""
        self.signalled = False
        if not self.reports:
            return None
        crw, *others = self.reports
        self.reports = tuple(others)
        return crw

    def signal(self) -> bool:
        """Whether to signal now; the client then knows that there are reports."""
        signals = bool(self.reports) and not self.signalled
        self.signalled = self.signalled or signals
        return signals
