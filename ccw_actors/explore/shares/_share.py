"""One share of the states of a model, all of which are explored level by level."""

from array import array
from collections import deque
from collections.abc import Hashable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from ccw_actors.explore._known import Marks
from ccw_actors.explore._model import Model
from ccw_actors.explore.shares._entries import Numbering, TakenStep
from ccw_actors.explore.shares._exchange import Exchange

__all__ = ["NOWHERE", "Share", "ShareFault", "share_of"]

NOWHERE: Final = 0
"""The mark that stands for no state: before an initial one."""

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")


class ShareFault(NamedTuple):
    """A fault, and the mark of its state.

    `is_after` is True for a fault of a step: then the mark is that of the state before.
    """

    mark: int
    violation: str
    is_after: bool


class _Unmarked(NamedTuple, Generic[S, A]):
    """A step into a state that has no mark yet, and the mark of the state before."""

    state: S
    mark: int
    action: A
    after: S


def share_of(mark: int, shares: int) -> int:
    """Return which of so many shares a state belongs to."""
    # The low bits choose the place in the share's own table.
    return (mark >> 32) % shares


class Share(Generic[S, A]):
    """The states whose marks fall to share `number` of `shares`.

    A level has the states that are as many steps away from an initial one. Their steps
    are taken by `expand`. The states that these lead to stay here, or are collected for
    other shares: those are offered the marks (`marks_for`), say which are new to them
    (`new_among`), and get these states (`states_for`, `take`). `fault` is the least
    fault of the level in which one was found.
    """

    def __init__(
        self, model: Model[S, A], exchange: Exchange[S, A], number: int, shares: int
    ) -> None:
        self.model = model
        self.exchange = exchange
        self.number = number
        self.steps = 0
        self.fault: ShareFault | None = None
        self._known = Marks()
        self._before = array("Q")
        self._level: deque[tuple[S, int]] = deque()
        self._next: deque[tuple[S, int]] = deque()
        self._unmarked: list[_Unmarked[S, A]] = []
        self._out: list[dict[int, tuple[S, int]]] = [{} for _ in range(shares)]
        self._offered: dict[int, list[tuple[S, int]]] = {}
        self._awaited: dict[tuple[int, int], list[int]] = {}

    @property
    def states(self) -> int:
        """How many states there are in this share so far."""
        return len(self._known)

    @property
    def left(self) -> int:
        """How many states of this level have steps to be taken."""
        return len(self._level)

    @property
    def has_next(self) -> bool:
        """Whether there are states of the next level."""
        return bool(self._next)

    def begin(self) -> None:
        """Meet the initial states of this share."""
        for state in self.model.initial():
            mark = self.exchange.mark(state)
            if mark is None:
                self._found_fault(NOWHERE, self.model.violation(state), is_after=True)
            elif share_of(mark, len(self._out)) == self.number:
                self._add(state, mark, NOWHERE)

    def go_on(self) -> None:
        """Begin the next level."""
        assert not self._level, "every step of the level before has been taken"
        self._level, self._next = self._next, self._level

    # -- steps ----------------------------------------------------------------------

    def expand(self, states: int) -> None:
        """Take every step of the next so many states of the level."""
        model, level = self.model, self._level
        mark_of, out, here = self.exchange.mark, self._out, self.number
        for _ in range(min(states, len(level))):
            state, before = level.popleft()
            steps = 0
            for action, after in model.moves(state):
                steps += 1
                mark = mark_of(after)
                if mark is None:
                    self._unmarked.append(_Unmarked(state, before, action, after))
                    continue
                # As `_reach` does, without a call for each step.
                to = (mark >> 32) % len(out)
                if to == here:
                    self._add(after, mark, before)
                elif mark not in out[to]:
                    out[to][mark] = after, before
            self.steps += steps
            if not steps and not model.left_out:
                self._found_fault(before, model.rest(state), is_after=False)

    def _reach(self, one: _Unmarked[S, A]) -> None:
        """Meet the state after a step, or collect it; without a mark, let it wait."""
        mark = self.exchange.mark(one.after)
        if mark is None:
            self._unmarked.append(one)
        elif share_of(mark, len(self._out)) == self.number:
            self._add(one.after, mark, one.mark)
        else:
            out = self._out[share_of(mark, len(self._out))]
            out.setdefault(mark, (one.after, one.mark))

    def _add(self, state: S, mark: int, before: int) -> None:
        _, is_new = self._known.add(mark)
        if is_new:
            self._before.append(before)
            self._meet(state, mark)

    def _meet(self, state: S, mark: int) -> None:
        self._next.append((state, mark))
        self._found_fault(mark, self.model.violation(state), is_after=False)

    def _found_fault(self, mark: int, violation: str, *, is_after: bool) -> None:
        if violation:
            fault = ShareFault(mark, violation, is_after)
            self.fault = fault if self.fault is None else min(self.fault, fault)

    # -- what has no mark yet -------------------------------------------------------

    def unmarked(self) -> list[TakenStep]:
        """Return the steps into states without a mark, for the register."""
        for one in self._unmarked:
            failure = self.exchange.failure(one.after)
            self._found_fault(one.mark, failure, is_after=True)
        self._unmarked = [
            one for one in self._unmarked if not self.exchange.failure(one.after)
        ]
        taken = self.exchange.taken
        return [taken(one.state, one.action) for one in self._unmarked]

    def learn(self, entries: Sequence[Numbering]) -> None:
        """Take over what the register has answered, and mark what had no mark.

        Steps that were taken after the register was asked may still have none.
        """
        self.exchange.learn(entries)
        waiting, self._unmarked = self._unmarked, []
        for one in waiting:
            self._reach(one)

    # -- other shares ---------------------------------------------------------------

    def waiting_for(self, share: int) -> int:
        """Return how many states are collected for another share."""
        return len(self._out[share])

    def marks_for(self, share: int, batch: int) -> bytes:
        """Offer the states collected for another share: return their marks."""
        out, self._out[share] = self._out[share], {}
        self._offered[batch] = list(out.values())
        return array("Q", out).tobytes()

    def new_among(self, sender: int, batch: int, marks: bytes) -> bytes:
        """Return a byte for each mark that another share offers: 1 if it is new here.

        The states of the new ones are expected from then on; see `take`.
        """
        offered = array("Q")
        offered.frombytes(marks)
        found = list(map(self._known.add, offered))
        places = [place for place, is_new in found if is_new]
        if places:
            # Until the states come, it is not known which ones were before them.
            self._before.extend([NOWHERE] * len(places))
            self._awaited[sender, batch] = places
        return bytes(is_new for _, is_new in found)

    def states_for(self, batch: int, wanted: bytes) -> tuple[list[bytes], bytes]:
        """Return those states of an offer that are new, and the marks before them."""
        offered = self._offered.pop(batch)
        chosen = [one for one, is_new in zip(offered, wanted, strict=True) if is_new]
        write = self.exchange.write
        before = array("Q", [mark for _, mark in chosen])
        return [write(state) for state, _ in chosen], before.tobytes()

    def take(
        self, sender: int, batch: int, states: Sequence[bytes], before: bytes
    ) -> None:
        """Meet the states of an offer that were new here."""
        marks = array("Q")
        marks.frombytes(before)
        read, known = self.exchange.read, self._known
        places = self._awaited.pop((sender, batch))
        for place, data, mark in zip(places, states, marks, strict=True):
            self._before[place] = mark
            self._meet(read(data), known[place])

    # -- afterwards -----------------------------------------------------------------

    def before(self, mark: int) -> int:
        """Return the mark of the state before one of this share."""
        place, is_new = self._known.add(mark)
        assert not is_new, "only a state of this share is asked for"
        return self._before[place]
