"""Who is told of the end of an actor."""

from collections.abc import Callable
from typing import Any

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.notices import Terminated
from ccw_actors.runtime._values.reference import ActorRef

__all__ = ["DeathWatch"]


class DeathWatch:
    """Sends `Terminated` to those who watch an actor.

    `ref_of` makes the reference of an address; `send` sends a notice to an address,
    from a path.
    """

    def __init__(
        self,
        ref_of: Callable[[str], ActorRef[Any]],
        send: Callable[[str, str, Terminated], None],
    ) -> None:
        self._ref_of = ref_of
        self._send = send

    def watch(self, cell: Cell, watcher: str, *, watches: bool) -> None:
        """Note that an actor wants to be told of that one's end, or no more."""
        watchers = cell.watchers
        if watchers is None:
            cell.watchers = watchers = dict[str, None]()
        if watches:
            watchers[watcher] = None
        else:
            watchers.pop(watcher, None)

    def ended(self, cell: Cell, reason: str) -> None:
        """Tell all who watch an actor that it has ended."""
        for watcher in cell.watchers or ():
            self.tell(watcher, cell.address, reason)

    def tell(self, watcher: str, address: str, reason: str) -> None:
        """Tell one watcher that an actor is not there any more."""
        notice = Terminated(self._ref_of(address), reason)
        self._send(watcher, path_of(address), notice)
