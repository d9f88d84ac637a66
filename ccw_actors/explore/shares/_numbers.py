"""Numbers for the actors, queues and worlds of a scenario that hold in every process.

Each process numbers them as it meets them, so the same state is another tuple in each.
One process keeps the register: its numbers are the ones that hold. Another that meets
a new actor or queue tells the register by which step, the register takes that step
itself, and its entry goes to all, who take it as well. Such steps are few: a scenario
of millions of states has some thousands of different actors and queues.
"""

from array import array
from collections.abc import Sequence
from typing import Final

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._global_state import FIRST, Local, Offer, State, trimmed
from ccw_actors.explore._known import print_of
from ccw_actors.explore._worlds import FAILED
from ccw_actors.explore.shares._entries import Numbering, StepName, TakenStep

__all__ = ["ActorExchange", "Register"]

_ALL_BITS: Final = (1 << 64) - 1
_WORLD, _MONITOR, _ITEM = b"w", b"m", b"i"


class ActorExchange:
    """The numbers of one process beside those of the register; see `Exchange`."""

    def __init__(self, model: ActorModel) -> None:
        self.entries = 0
        self._model = model
        self._compact = model.compact
        self._worlds = _Pairs(_WORLD)
        self._monitors = _Pairs(_MONITOR)
        self._items = _Pairs(_ITEM)
        self._items.pair(0, 0)
        self._items.words[0] = 0

    def mark(self, state: State) -> int | None:
        """Return the sum of a word for each part: parts name their own places."""
        try:
            total = sum(map(self._items.words.__getitem__, state[FIRST:]))
            total += self._worlds.words[state[0]] + self._monitors.words[state[1]]
        except KeyError:
            return None
        return total & _ALL_BITS

    def failure(self, state: State) -> str:
        """Return the text of a step that failed, which leads to no state."""
        return self._model.violation(state) if state[0] == FAILED else ""

    def write(self, state: State) -> bytes:
        """Return the numbers of a state that hold everywhere, 64 bits each."""
        return array("q", self._numbers(state)).tobytes()

    def read(self, data: bytes) -> State:
        """Return the state with these numbers."""
        numbers = array("q")
        numbers.frombytes(data)
        return self._state(numbers)

    def taken(self, state: State, action: Offer) -> TakenStep:
        """Return a step by the numbers that hold everywhere."""
        numbers = self._numbers(state)
        return TakenStep(numbers, self._name(state, action))

    def learn(self, entries: Sequence[Numbering]) -> None:
        """Take the steps of the register's next entries, and pair their numbers."""
        for entry in entries:
            self._pair(entry, self._after(entry.taken))
        self.entries += len(entries)

    def _after(self, taken: TakenStep | None) -> State:
        """Return the state after a step, in the numbers of this process."""
        if taken is None:
            return self._model.initial()[0]
        before = self._state(taken.state)
        for offer in self._model.offers(before):
            if self._name(before, offer) == taken.step:
                after, _ = self._model.take(before, offer)
                assert after is not None, "a step that changes nothing is none"
                return after
        raise ExploreError(
            "processes do not agree on which steps are possible: is the scenario the"
            " same each time it is built?"
        )

    def _pair(self, entry: Numbering, after: State) -> None:
        names = self._compact.names
        here = {names[slot]: after[slot] for slot in range(FIRST, len(after))}
        for name, number in entry.items:
            self._items.pair(here[name], number)
        self._worlds.pair(after[0], entry.world)
        self._monitors.pair(after[1], entry.monitor)

    def _numbers(self, state: State) -> tuple[int, ...]:
        items = self._items.numbers
        world, monitor = self._worlds.numbers, self._monitors.numbers
        parts = [items[item] for item in state[FIRST:] if item]
        return (world[state[0]], monitor[state[1]], *parts)

    def _state(self, numbers: Sequence[int]) -> State:
        items, place = self._items.here, self._place
        state = [self._worlds.here[numbers[0]], self._monitors.here[numbers[1]]]
        for number in numbers[FIRST:]:
            item = items[number]
            slot = place(item)
            if slot >= len(state):
                state += [0] * (slot + 1 - len(state))
            state[slot] = item
        return trimmed(state)

    def _place(self, item: int) -> int:
        """Return the slot that an item fills."""
        what = self._compact.items[item]
        assert what is not None, "an item of a state is an actor or a queue"
        if isinstance(what, Local):
            return self._compact.paths[what.cell.cell.path]
        return what.slot

    def _name(self, state: State, offer: Offer) -> StepName:
        envelope = self._compact.envelopes[offer.envelope]
        return StepName(
            self._items.numbers[state[offer.slot]],
            envelope.payload,
            envelope.sender,
            envelope.ask,
            envelope.kind,
            offer.timer,
            offer.crash,
            offer.arrives,
        )


class _Pairs:
    """The register's number and a random word for each number of this process."""

    def __init__(self, kind: bytes) -> None:
        self.numbers: dict[int, int] = {}
        self.here: dict[int, int] = {}
        self.words: dict[int, int] = {}
        self._kind = kind

    def pair(self, here: int, number: int) -> None:
        """Note that a number of this process is that of the register."""
        if here not in self.numbers:
            self.numbers[here] = number
            self.words[here] = print_of(self._kind + number.to_bytes(8, "little"))
        assert self.numbers[here] == number, "equal parts are equal everywhere"
        self.here.setdefault(number, here)


class Register(ActorExchange):
    """The numbers that hold in every process: those of this one; `log` has them all."""

    def __init__(self, model: ActorModel) -> None:
        super().__init__(model)
        self.log: list[Numbering] = []
        self._enter(None, self._after(None))

    def number(self, steps: Sequence[TakenStep]) -> None:
        """Take steps that others have taken; number what is new after them."""
        for taken in steps:
            self._enter(taken, self._after(taken))

    def _enter(self, taken: TakenStep | None, after: State) -> None:
        if after[0] == FAILED:
            return
        names = self._compact.names
        items = tuple(
            (names[slot], after[slot])
            for slot in range(FIRST, len(after))
            if after[slot] not in self._items.numbers
        )
        is_known = (
            after[0] in self._worlds.numbers and after[1] in self._monitors.numbers
        )
        if items or not is_known:
            entry = Numbering(taken, after[0], after[1], items)
            self.log.append(entry)
            self._pair(entry, after)
            self.entries += 1
