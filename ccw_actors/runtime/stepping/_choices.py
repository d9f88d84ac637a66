"""The possible next steps of a System under the stepping dispatcher."""

from typing import Literal, NamedTuple

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.envelope import RESTART, SIGNAL, Envelope, wrapped
from ccw_actors.runtime._values.timer import EXPIRY, SLEEP, Timer

__all__ = ["Choice", "Choices", "Delivery"]

Delivery = Literal["mailbox", "channel"]


class Choice(NamedTuple):
    """One possible next step.

    `recipient` handles the oldest message from `sender` ("" is the outside). If `timer`
    is nonzero, the timer of that key fires instead, and its message is handled. With
    `crash` the actor fails on that message (`CrashedError`) before it has done
    anything. `enabled` never offers a crash: the caller decides on it.
    """

    recipient: str
    sender: str
    timer: int = 0
    crash: bool = False


class Choices:
    """The choices of one System, and the envelope of each."""

    def __init__(self, kernel: Kernel, delivery: Delivery) -> None:
        self._kernel = kernel
        self._delivery = delivery

    def enabled(self) -> list[Choice]:
        """Return all possible next steps; empty if the System is at rest."""
        choices: list[Choice] = []
        for cell in self._kernel.cells.values():
            lane = self._lane(cell)
            if self._delivery == "mailbox":
                lane = lane[:1]
            senders = dict.fromkeys(e.sender for e in lane)
            choices.extend(Choice(cell.path, sender) for sender in senders)
        choices.extend(
            Choice(path, path, number)
            for (path, number), timer in self._kernel.timers.armed.items()
            if self.may_fire(path, timer)
        )
        return choices

    def may_fire(self, path: str, timer: Timer) -> bool:
        """Whether the actor could handle a timer's message at once, as it has to."""
        cell = self._kernel.registry.at(path)
        assert cell is not None, f"an actor is at {path}"
        if timer.kind == EXPIRY:
            return cell.turn is not None and not cell.turn.is_ready
        if timer.kind in (SLEEP, RESTART):
            return True
        busy = cell.turn is not None or cell.life is not State.RUNNING
        return not busy and not timer.waiting

    def _lane(self, cell: Cell) -> tuple[Envelope, ...]:
        """Return the envelopes that an actor may take next, oldest of a sender first.

        A signal comes before the messages, under channel delivery before those of its
        own sender. A suspended handler takes only what it waits for.
        """
        signals = tuple(cell.signals or ())
        turn = cell.turn
        if turn is not None:
            return (*signals, _resumption(cell)) if turn.is_ready else signals
        if cell.life is not State.RUNNING:
            return signals
        if self._delivery == "mailbox" and signals:
            return signals
        return signals + tuple(map(wrapped, cell.mailbox or ()))

    def envelope(self, choice: Choice) -> Envelope:
        """Return the envelope that a choice would handle.

        Raises `DispatcherError` for a choice that is not enabled.
        """
        found = self._timed(choice) if choice.timer else self._sent(choice)
        if found is not None:
            return found
        names = ", ".join(str(one[:3]) for one in self.enabled()) or "nothing"
        what = f"a crash on {choice[:3]}" if choice.crash else str(choice[:3])
        raise DispatcherError(f"{what} is not enabled; enabled: {names}")

    def _timed(self, choice: Choice) -> Envelope | None:
        """Return the envelope of a timer, None if the timer may not fire."""
        path, _, number, crash = choice
        timer = self._kernel.timers.armed.get((path, number))
        if timer is None or (crash and timer.kind in _OWN):
            return None
        if not self.may_fire(path, timer):
            return None
        cell = self._kernel.registry.at(path)
        assert cell is not None, f"an actor is at {path}"
        return Envelope(timer.payload, cell.address, 0, timer.stamp, timer.kind)

    def _sent(self, choice: Choice) -> Envelope | None:
        """Return the envelope that an actor would take from a sender, or None."""
        cell = self._kernel.registry.at(choice.recipient)
        if cell is None:
            return None
        lane = self._lane(cell)
        if self._delivery == "mailbox":
            lane = lane[:1]
        found = next((one for one in lane if one.sender == choice.sender), None)
        if found is not None and choice.crash and found.kind >= SIGNAL:
            return None
        return found


_OWN = (EXPIRY, SLEEP, RESTART)
"""The kinds of timers without a message, so that an actor cannot crash on one."""


def _resumption(cell: Cell) -> Envelope:
    """Return the envelope with which a suspended handler continues."""
    turn = cell.turn
    if turn is not None and turn.reply is not None:
        return turn.reply
    return Envelope(b"", cell.address, 0, None)
