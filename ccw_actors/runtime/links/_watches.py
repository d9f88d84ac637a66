"""The watches of this System's actors over one link."""

from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.address import local_part

__all__ = ["Watches"]

_FORGET_ABOVE = 64


class Watches:
    """Which actors here watch which over the link, by remote address.

    When the link is lost, each of them is told so, once.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._watches: dict[tuple[str, str], str] = {}

    def begin(self, watcher: str, address: str) -> None:
        """Note that an actor watches the one at a remote address."""
        size = len(self._watches)
        if size >= _FORGET_ABOVE and size & (size - 1) == 0:
            cells = self._kernel.cells
            for one in [one for one in self._watches if one[0] not in cells]:
                del self._watches[one]
        self._watches[watcher, local_part(address)] = address

    def stop(self, watcher: str, address: str) -> None:
        """Note that it no longer does."""
        self._watches.pop((watcher, local_part(address)), None)

    def told(self, watcher: str, target: str) -> None:
        """Note that the other System has told it of the end of an actor there."""
        self._watches.pop((watcher, target), None)

    def lost(self, reason: str) -> None:
        """Tell all watchers that the link is lost."""
        watches, self._watches = self._watches, {}
        for (watcher, _), address in watches.items():
            if watcher in self._kernel.cells:
                self._kernel.death_watch.tell(watcher, address, reason)
