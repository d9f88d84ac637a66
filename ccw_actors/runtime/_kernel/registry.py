"""The actors of a System by address and by path."""

from collections.abc import Callable
from typing import Final, NamedTuple

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._values.address import address_of, folder_of, why_no_path

__all__ = ["Registry"]

_REMEMBERED: Final = 16_384


class Registry:
    """The existing actors, `cells` by address.

    `next_incarnation` numbers the actors at a path one after another, `address_at` says
    which actor a path means now, and `removed` is called with the address of each
    removed actor. For a path that has been unused for long it remembers only the
    greatest number, unless the path is in a folder that it was told to `keep`.
    """

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}
        self._renamed: dict[str, Cell] = {}
        self._last: dict[str, int] = {}
        self._forgotten = 0
        self._kept: dict[str, _Kept] = {}
        self._spawned: dict[str, int] = {}
        self.next_incarnation: Callable[[str], int] = self.count_incarnation
        self.address_at: Callable[[str], str] = self.find
        self.removed: Callable[[str], None] = _ignore

    def at(self, path: str) -> Cell | None:
        """Return the current actor at a path."""
        cell = self.cells.get(path)
        return cell if cell is not None else self._renamed.get(path)

    def find(self, path: str) -> str:
        """Return the address of the actor at a path, or else of the next one."""
        cell = self.at(path)
        if cell is not None:
            return cell.address
        return address_of(path, self.next_incarnation(path))

    def has(self, cell: Cell) -> bool:
        """Whether this actor exists, and not a later one at its path."""
        return self.cells.get(cell.address) is cell

    def add(self, cell: Cell) -> None:
        """Add an actor."""
        self.cells[cell.address] = cell
        if cell.address is not cell.path:
            self._renamed[cell.path] = cell

    def remove(self, cell: Cell) -> None:
        """Remove an actor."""
        del self.cells[cell.address]
        self._renamed.pop(cell.path, None)
        self._remember(cell.path, cell.incarnation)
        self.removed(cell.address)

    def _remember(self, path: str, incarnation: int) -> None:
        """Note the last actor at a path."""
        kept = self._kept.get(folder_of(path)) if self._kept else None
        if kept is not None:
            kept.last[path] = incarnation
            return
        last = self._last
        last.pop(path, None)  # to make it the newest entry
        last[path] = incarnation
        if len(last) > _REMEMBERED:
            oldest = next(iter(last))
            # The next actor there gets an unused number.
            self._forgotten = max(self._forgotten, last.pop(oldest))

    def replace_all(self, cells: list[Cell]) -> None:
        """Replace all actors by these."""
        self.cells.clear()
        self._renamed.clear()
        for cell in cells:
            self.cells[cell.address] = cell
            if cell.address is not cell.path:
                self._renamed[cell.path] = cell

    def count_incarnation(self, path: str) -> int:
        """Return an unused incarnation number for a path."""
        kept = self._kept.get(folder_of(path)) if self._kept else None
        if kept is not None:
            return kept.last.get(path, kept.before) + 1
        return self._last.get(path, self._forgotten) + 1

    def keep(self, folder: str) -> None:
        """Remember the last number of each path in a folder, until `release`.

        So the address of the first actor at a path stays the same until it is spawned.
        """
        last = {path: n for path, n in self._last.items() if folder_of(path) == folder}
        self._kept[folder] = _Kept(self._forgotten, last)

    def release(self, folder: str) -> None:
        """Remember the paths of a folder no longer than others."""
        kept = self._kept.pop(folder, None)
        for path, incarnation in () if kept is None else kept.last.items():
            self._remember(path, incarnation)

    def check_free(self, path: str) -> None:
        """Raise `CcwActorsError` if no actor can be spawned at a path."""
        why = why_no_path(path) or ("the path is taken" if self.at(path) else "")
        if why:
            raise CcwActorsError(f"cannot spawn at {path!r}: {why}")

    def free_name(self, kind: str, parent: Cell | None) -> str:
        """Return an unused name for an actor of a class, below its parent."""
        above = "" if parent is None else f"{parent.path}/"
        while True:
            if parent is not None:
                number = parent.spawned = parent.spawned + 1
            else:
                number = self._spawned[kind] = self._spawned.get(kind, 0) + 1
            name = f"{kind.lower()}-{number}"
            if self.at(f"{above}{name}") is None:
                return name


class _Kept(NamedTuple):
    """The last numbers in a folder: `before`, unless `last` has the path."""

    before: int
    last: dict[str, int]


def _ignore(_address: str) -> None:
    """Do nothing."""
