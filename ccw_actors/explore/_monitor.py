"""Runs a scenario's monitor, for properties that depend on earlier steps."""

from typing import Any

from ccw_actors.explore._compact import Compact
from ccw_actors.explore._effects import Effect, Outcome
from ccw_actors.explore._errors import PropertyError
from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._words import Words
from ccw_actors.explore._world import Event, Follower
from ccw_actors.runtime import Snapshot
from ccw_actors.runtime.stepping import Envelope, path_of

__all__ = ["Monitor"]


class Monitor:
    """The values that a scenario's monitor has had, each with a number.

    `values` are the values, `first` is the number of the first one. Without a monitor
    the only value is None. A monitor of one actor keeps its value when others take
    steps.
    """

    def __init__(
        self, declared: Follower | None, compact: Compact, words: Words
    ) -> None:
        self.values: list[Any] = [None]
        self._numbers: dict[Any, int] = {None: 0}
        self._known: dict[object, int] = {}
        self._compact = compact
        self._words = words
        self._update = declared.update if declared is not None else None
        self._of = declared.of if declared is not None else None
        self._only_changes = declared is not None and declared.only_changes
        self.first = self._number(declared.initial) if declared is not None else 0

    def follow(self, state: State, offer: Offer, effect: Effect) -> int:
        """Return the number of the value after a step."""
        changes = effect.sends or effect.puts_back or effect.local != state[offer.owner]
        if not self._follows(offer) or (self._only_changes and not changes):
            return state[1]
        what = -offer.timer or offer.envelope
        key = (state[1], state[0], state[offer.owner], what)
        number = self._known.get(key)
        if number is None:
            compact = self._compact
            sent = [
                (compact.path_of[compact.owners[slot]], compact.envelopes[one])
                for slot, one in effect.sends
            ]
            number = self._known[key] = self._next(state, offer, sent)
        return number

    def follow_far(
        self, state: State, offer: Offer, before: Snapshot, outcome: Outcome
    ) -> int:
        """Return the number of the value after a step that may change anything."""
        if not self._follows(offer):
            return state[1]
        if self._only_changes and not _changes(before, outcome.after, offer):
            return state[1]
        was = {one.cell.path: one.mailbox for one in before.cells}
        sent: list[tuple[str, Envelope]] = []
        for one in outcome.after.cells:
            old = list(was.get(one.cell.path, ()))
            for envelope in one.mailbox:
                if envelope in old:
                    old.remove(envelope)
                else:
                    sent.append((one.cell.path, envelope))
        return self._next(state, offer, sent)

    def _follows(self, offer: Offer) -> bool:
        return self._of is None or self._compact.path_of[offer.owner] == self._of

    def _next(
        self, state: State, offer: Offer, sent: list[tuple[str, Envelope]]
    ) -> int:
        assert self._update is not None, "a monitor follows"
        words = self._words
        envelope = self._compact.envelopes[offer.envelope]
        path = self._compact.path_of[offer.owner]
        messages = tuple((to, words.message(to, one)) for to, one in sent)
        message = words.message(path, envelope) if offer.envelope else None
        event = Event(path, path_of(envelope.sender), message, messages, offer.crash)
        try:
            value = self._update(self.values[state[1]], event)
            return self._number(value)
        except Exception as error:
            raise PropertyError("the monitor", error) from error

    def _number(self, value: Any) -> int:
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number


def _changes(before: Snapshot, after: Snapshot, offer: Offer) -> bool:
    """Whether a step has done more than take a message out of a mailbox."""
    if offer.timer or offer.crash or len(before.cells) != len(after.cells):
        return True
    if dict(before.timers) != dict(after.timers):
        return True
    was = sum(len(one.mailbox) for one in before.cells) - 1
    is_ = sum(len(one.mailbox) for one in after.cells)
    bare = [one._replace(mailbox=()).key() for one in before.cells]
    return was != is_ or bare != [one._replace(mailbox=()).key() for one in after.cells]
