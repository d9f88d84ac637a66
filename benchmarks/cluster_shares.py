"""Shares of one process, one after the other: what each part of their work costs."""

import time
from functools import partial
from typing import Any, NamedTuple

from benchmarks.cluster_calls import two_phase
from ccw_actors.explore.shares import Setting, Share, rare_collections

__all__ = ["Timed", "timed"]

AT_ONCE = 1024


class Timed(NamedTuple):
    """Seconds, steps and levels; marks and states given away, and bytes of these."""

    seconds: float
    steps: int
    levels: int
    away: int
    given: int
    size: int


class Given(NamedTuple):
    """Marks and states given away, and bytes of these."""

    marks: int
    states: int
    size: int


def timed(managers: int, count: int) -> Timed:
    """Explore two-phase commit in so many shares of this process."""
    setting = Setting(partial(two_phase, managers))
    shares = [setting.share(number, count) for number in range(count)]
    for one in shares:
        one.begin()
    levels = 0
    total = Given(0, 0, 0)
    with rare_collections():
        began = time.process_time()
        while any(one.has_next for one in shares):
            levels += 1
            for one in shares:
                one.go_on()
            while any(one.left for one in shares):
                for one in shares:
                    one.expand(AT_ONCE)
                    total = _give(one, shares, total)
        took = time.process_time() - began
    return Timed(took, sum(one.steps for one in shares), levels, *total)


def _give(
    share: Share[Any, Any], shares: list[Share[Any, Any]], so_far: Given
) -> Given:
    """Give other shares what is theirs; return what was given until now."""
    marks, count, size = so_far
    for other in shares:
        waiting = share.waiting_for(other.number)
        if waiting:
            wanted = other.new_among(share.number, 0, share.marks_for(other.number, 0))
            states, before = share.states_for(0, wanted)
            if states:
                other.take(share.number, 0, states, before)
            marks += waiting
            count += len(states)
            size += sum(map(len, states)) + len(before)
    return Given(marks, count, size)
