"""Full mailboxes: what makes room in them, and who waits for it."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ccw_actors.errors import MailboxFullError
from ccw_actors.runtime.cell import Cell, Envelope, wrapped
from ccw_actors.transport import tag_of

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["Room"]


class Room:
    """Keeps the bounds of all mailboxes of a System.

    Who waits for room is let in when half of a mailbox is free, in the order of coming:
    filling up again one by one would cost a turn of the loop each. `dropped` and
    `refused` count messages.
    """

    def __init__(self, mail: "Mail") -> None:
        self._mail = mail
        self.waiting: dict[str, deque[tuple[Callable[[], bool], int]]] = {}
        self.dropped = 0
        self.refused = 0

    def make(self, cell: Cell, envelope: Envelope) -> bool:
        """Return whether there is, or now is, room for one envelope more.

        False when the envelope itself was dropped. Raises `MailboxFullError`.
        """
        if not cell.is_full():
            return True
        policy = cell.policy.when_full
        if policy == "drop newest":
            self._drop(cell, envelope)
            return False
        if policy == "drop oldest":
            oldest = _oldest(cell)
            if oldest is not None:
                self._drop(cell, oldest)
            return True
        self.refused += 1
        raise MailboxFullError(
            f"{tag_of(envelope.payload)} to {cell.path}: its mailbox has reached its"
            f" bound of {cell.policy.bound} messages"
        )

    def lacks(self, path: str) -> bool:
        """Whether somebody who can wait has to wait before sending to that path."""
        cell = self._mail.cells.get(path)
        return (
            cell is not None
            and cell.policy.when_full == "wait"
            and self._mail.dispatcher.loop is not None
            and (path in self.waiting or cell.is_full())
        )

    def queue(self, path: str, enter: Callable[[], bool], ask: int = 0) -> None:
        """Have `enter` send a message to that path as soon as there is room for it.

        It returns whether it has sent one: who waited may have given up. When nobody
        is at the path any more it is called, too. `ask` is the number of the ask that
        the message is, if it is one.
        """
        self.waiting.setdefault(path, deque()).append((enter, ask))
        cell = self._mail.cells.get(path)
        if cell is not None:
            self.freed(cell)  # An actor's thread may have made room meanwhile.

    def freed(self, cell: Cell) -> None:
        """Let those in who wait for room there, if half of it is free."""
        waiting = self.waiting.get(cell.path)
        if waiting is None:
            return
        bound = cell.policy.bound
        room = bound - cell.waiting()
        if room * 2 < bound:
            return
        while waiting and room > 0:
            enter, _ = waiting.popleft()
            if enter():
                room -= 1
        if not waiting:
            self.waiting.pop(cell.path, None)

    def ended(self, path: str) -> None:
        """Let all in who wait for room at a path where nobody is any more."""
        for enter, _ in self.waiting.pop(path, ()):
            enter()

    def asks(self, path: str) -> set[int]:
        """Return the numbers of the asks that wait for room at a path."""
        return {ask for _, ask in self.waiting.get(path, ())}

    def _drop(self, cell: Cell, envelope: Envelope) -> None:
        self.dropped += 1
        reason = f"the mailbox was full with {cell.policy.bound} messages"
        self._mail.dead_letter(cell.path, envelope, reason, full=True)


def _oldest(cell: Cell) -> Envelope | None:
    """Take the oldest message that counts out of a mailbox."""
    mailbox = cell.mailbox
    while mailbox:
        try:
            found = next((one for one in mailbox if not wrapped(one).kind), None)
            if found is not None:
                mailbox.remove(found)
        except (RuntimeError, ValueError):
            continue  # The actor's thread took a message meanwhile.
        return None if found is None else wrapped(found)
    return None
