"""Death watch: notifies watchers of the end of an actor."""

from collections.abc import Callable
from typing import Any, Final

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.notices import Terminated
from ccw_actors.runtime._values.reference import ActorRef

__all__ = ["DeathWatch"]

_FORGET_AT: Final = 64


class DeathWatch:
    """Sends `Terminated` to the watchers of an actor.

    `ref_of` returns the reference of an address. `send` sends a notice to an address,
    from a path. `is_there` says whether an actor is at an address: watchers that have
    ended are forgotten when they may be half of all.
    """

    def __init__(
        self,
        ref_of: Callable[[str], ActorRef[Any]],
        send: Callable[[str, str, Terminated], None],
        is_there: Callable[[str], bool],
    ) -> None:
        self._ref_of = ref_of
        self._send = send
        self._is_there = is_there

    def watch(self, cell: Cell, watcher: str, *, watches: bool) -> None:
        """Begin or end a watch of an actor's end."""
        watchers = cell.watchers
        if watchers is None:
            cell.watchers = watchers = dict[str, None]()
        if watches:
            # Only at each power of two, so that checking all costs nothing on average.
            size = len(watchers)
            if size >= _FORGET_AT and size & (size - 1) == 0:
                for one in [one for one in watchers if not self._is_there(one)]:
                    del watchers[one]
            watchers[watcher] = None
        else:
            watchers.pop(watcher, None)

    def ended(self, cell: Cell, reason: str) -> None:
        """Notify all watchers of an actor that it has ended."""
        for watcher in cell.watchers or ():
            self.tell(watcher, cell.address, reason)

    def tell(self, watcher: str, address: str, reason: str) -> None:
        """Notify one watcher that an actor does not exist."""
        notice = Terminated(self._ref_of(address), reason)
        self._send(watcher, path_of(address), notice)
