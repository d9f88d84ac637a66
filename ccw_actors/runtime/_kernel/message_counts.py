"""How many messages of each type the actors of a System have handled."""

from collections import Counter, defaultdict
from threading import Lock

from ccw_actors.runtime._cell.running import Counts

__all__ = ["MessageCounts"]


class MessageCounts:
    """A table for each thread that handles messages: it adds to its own without a lock.

    `own` is that of the System's own thread.
    """

    def __init__(self) -> None:
        self.own: Counts = defaultdict(int)
        self._others: list[Counts] = []
        self._moving = Lock()

    def table(self) -> Counts:
        """Return the table of one more thread, which adds to it; on any thread."""
        table: Counts = defaultdict(int)
        self._others.append(table)
        return table

    def end(self, table: Counts) -> None:
        """Keep the numbers of a thread that has ended; on the System's own thread."""
        with self._moving:
            # Not `remove`: two tables with the same numbers are equal.
            self._others = [one for one in self._others if one is not table]
            for kind, count in table.items():
                self.own[kind] += count

    def by_type(self) -> dict[str, int]:
        """Return the numbers by the name of the type; on any thread."""
        counts: Counter[str] = Counter()
        with self._moving:
            # A thread may add a type meanwhile.
            tables = [table.copy() for table in (self.own, *self._others)]
        for table in tables:
            for kind, count in table.items():
                counts[kind.__name__] += count
        return dict(counts)
