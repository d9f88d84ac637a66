"""Explores a scenario in shares in one process, without messages between them."""

from typing import Any, NamedTuple

from ccw_actors.explore import Step
from ccw_actors.explore.shares import Base, Setting, Share, ShareFault, way_to
from ccw_actors.explore.shares import share_of as share_of_mark

__all__ = ["Explored", "explored_in_shares"]

_AT_ONCE = 50


class Explored(NamedTuple):
    """The counts of all shares, those of each, and the fault with its way."""

    states: int
    steps: int
    of_each: tuple[int, ...]
    fault: ShareFault | None
    path: tuple[Step, ...]


class _Run:
    def __init__(self, setting: Setting, count: int) -> None:
        self.base: Base = setting.base()
        self.shares = [setting.share(number, count) for number in range(count)]
        self._batch = 0
        for share in self.shares:
            self._catch_up(share)
            share.begin()

    def level(self) -> bool:
        """Take all steps of the next level; return whether there were any."""
        for share in self.shares:
            share.go_on()
        if not any(share.left for share in self.shares):
            return False
        while any(share.left for share in self.shares):
            for share in self.shares:
                self._expand(share)
        return True

    def _catch_up(self, share: Share[Any, Any]) -> None:
        register = self.base.register
        if register is not None:
            share.learn(register.log[share.exchange.entries :])

    def _expand(self, share: Share[Any, Any]) -> None:
        share.expand(_AT_ONCE)
        taken = share.unmarked()
        if taken:
            register = self.base.register
            assert register is not None, "only actors have parts without a number"
            register.number(taken)
            self._catch_up(share)
        for other in self.shares:
            if share.waiting_for(other.number):
                self._give(share, other)

    def _give(self, share: Share[Any, Any], other: Share[Any, Any]) -> None:
        self._batch += 1
        marks = share.marks_for(other.number, self._batch)
        wanted = other.new_among(share.number, self._batch, marks)
        states, before = share.states_for(self._batch, wanted)
        self._catch_up(other)
        if states:
            other.take(share.number, self._batch, states, before)

    def marks(self, fault: ShareFault) -> list[int]:
        """Return the marks of the states on the way to a fault."""
        marks: list[int] = []
        mark = fault.mark
        while mark:
            marks.insert(0, mark)
            mark = self.shares[share_of_mark(mark, len(self.shares))].before(mark)
        return marks


def explored_in_shares(setting: Setting, count: int) -> Explored:
    """Explore a scenario up to the end of the first level with a fault."""
    run = _Run(setting, count)
    faults: list[ShareFault] = []
    while not faults and run.level():
        faults = [one.fault for one in run.shares if one.fault is not None]
    fault = min(faults, default=None)
    path = () if fault is None else way_to(run.base, fault, run.marks(fault))
    return Explored(
        sum(one.states for one in run.shares),
        sum(one.steps for one in run.shares),
        tuple(one.states for one in run.shares),
        fault,
        path,
    )
