"""The queue of timed callbacks, and what it forgets."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.runtime._kernel.alarms import Alarms


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=300))
def test_order_and_cancelling(entries: list[tuple[int, bool]]) -> None:
    """Callbacks come out by due time, then as added, without cancelled ones."""
    alarms, called = Alarms(), list[int]()
    made = [
        alarms.add(when, partial(called.append, index))
        for index, (when, _) in enumerate(entries)
    ]
    for alarm, (_, cancelled) in zip(made, entries, strict=True):
        if cancelled:
            alarm.cancel()
            alarm.cancel()
    while alarms.next_due() is not None:
        alarms.pop()()
    for alarm in made:
        alarm.cancel()
    left = [i for i, (_, cancelled) in enumerate(entries) if not cancelled]
    assert called == sorted(left, key=lambda index: entries[index][0])
    assert len(alarms) == 0


def test_cancelled_alarms_take_no_memory() -> None:
    """However many are added and cancelled, the queue stays small."""
    alarms, longest = Alarms(), 0
    alarms.add(0, lambda: None)
    for when in range(10_000):
        alarms.add(when, lambda: None).cancel()
        longest = max(longest, len(alarms))
    assert longest < 200
    assert alarms.next_due() == 0
