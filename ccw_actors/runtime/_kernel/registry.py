"""Who is there: the actors of a System by address, and by path."""

from collections.abc import Callable
from typing import Final

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._values.address import address_of, why_no_path

__all__ = ["Registry"]

_REMEMBERED: Final = 16_384


class Registry:
    """The actors that are there, `cells` by address.

    `next_incarnation` numbers those that are spawned at a path one after another,
    `address_at` says which actor a path means now, and `removed` is called with the
    address of each one that is there no more.
    """

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}
        self._renamed: dict[str, Cell] = {}
        self._last: dict[str, int] = {}
        self._forgotten = 0
        self._spawned: dict[str, int] = {}
        self.next_incarnation: Callable[[str], int] = self.count_incarnation
        self.address_at: Callable[[str], str] = self.find
        self.removed: Callable[[str], None] = _ignore

    def at(self, path: str) -> Cell | None:
        """Return the actor at a path, whichever it is."""
        cell = self.cells.get(path)
        return cell if cell is not None else self._renamed.get(path)

    def find(self, path: str) -> str:
        """Return the address of the actor at a path, or of the next that will be."""
        cell = self.at(path)
        if cell is not None:
            return cell.address
        return address_of(path, self.next_incarnation(path))

    def has(self, cell: Cell) -> bool:
        """Whether an actor is there, and not another one that was there before it."""
        return self.cells.get(cell.address) is cell

    def add(self, cell: Cell) -> None:
        """Note that an actor is there."""
        self.cells[cell.address] = cell
        if cell.address is not cell.path:
            self._renamed[cell.path] = cell

    def remove(self, cell: Cell) -> None:
        """Note that an actor is there no more."""
        del self.cells[cell.address]
        self._renamed.pop(cell.path, None)
        last, path = self._last, cell.path
        last.pop(path, None)  # So that it is the one remembered longest.
        last[path] = cell.incarnation
        if len(last) > _REMEMBERED:
            oldest = next(iter(last))
            # Whoever is spawned there again gets a number that nobody has had.
            self._forgotten = max(self._forgotten, last.pop(oldest))
        self.removed(cell.address)

    def replace_all(self, cells: list[Cell]) -> None:
        """Have these be there, and nobody else."""
        self.cells.clear()
        self._renamed.clear()
        for cell in cells:
            self.cells[cell.address] = cell
            if cell.address is not cell.path:
                self._renamed[cell.path] = cell

    def count_incarnation(self, path: str) -> int:
        """Return a number that no actor at that path has had.

        Of paths that were left long ago only the greatest number is remembered.
        """
        return self._last.get(path, self._forgotten) + 1

    def check_free(self, path: str) -> None:
        """Raise `CcwActorsError` if no actor can be spawned at a path."""
        why = why_no_path(path) or ("the path is taken" if self.at(path) else "")
        if why:
            raise CcwActorsError(f"cannot spawn at {path!r}: {why}")

    def free_name(self, kind: str, parent: Cell | None) -> str:
        """Return a name for an actor of a class, below its parent, that nobody has."""
        above = "" if parent is None else f"{parent.path}/"
        while True:
            if parent is not None:
                number = parent.spawned = parent.spawned + 1
            else:
                number = self._spawned[kind] = self._spawned.get(kind, 0) + 1
            name = f"{kind.lower()}-{number}"
            if self.at(f"{above}{name}") is None:
                return name


def _ignore(_address: str) -> None:
    """Nobody listens."""
