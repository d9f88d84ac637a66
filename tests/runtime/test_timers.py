"""Timers: messages that an actor sends itself, later."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime import (
    Choice,
    Dispatcher,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
)
from tests.runtime.cast import CancelTimer, Diary, Note, SetTimer, texts_of
from tests.runtime.worlds import until


def diary_with_timers(where: Dispatcher | System, *delays: float) -> Diary:
    """Return a diary that has set timers named by their delays."""
    diary = Diary()
    system = where if isinstance(where, System) else System(where)
    ref = system.spawn(diary, "diary")
    for delay in delays:
        ref.ask(SetTimer(delay, f"{delay:g}"), block=True)
    return diary


@given(st.lists(st.integers(0, 1000), max_size=20))
def test_virtual_clock(delays: list[int]) -> None:
    """Timers fire by due time, simultaneous ones as set, and `now` is the due time."""
    dispatcher = VirtualDispatcher()
    diary = diary_with_timers(dispatcher, *delays)
    dispatcher.run()
    assert texts_of(diary) == [f"{delay} at {delay:g}" for delay in sorted(delays)]
    assert dispatcher.now() == max(delays, default=0)


def test_messages_come_before_time() -> None:
    """The virtual clock advances only when no message waits."""
    dispatcher = VirtualDispatcher()
    diary = diary_with_timers(dispatcher, 0)
    diary.ref.tell(Note("sent later, handled first"))
    dispatcher.run()
    assert texts_of(diary) == ["sent later, handled first", "0 at 0"]


def test_cancel() -> None:
    """A cancelled timer does not fire, and the clock does not wait for it."""
    dispatcher = VirtualDispatcher()
    diary = diary_with_timers(dispatcher, 1, 2, 3)
    for number in (2, 3, 3, 99):
        diary.ref.tell(CancelTimer(number))
    dispatcher.run()
    assert texts_of(diary) == ["1 at 1"]
    assert dispatcher.now() == 1


@pytest.mark.parametrize("dispatcher", [VirtualDispatcher, SteppingDispatcher])
def test_timers_of_a_stopped_actor(
    dispatcher: type[VirtualDispatcher | SteppingDispatcher],
) -> None:
    """Timers end with their actor; a new one at its path gets none of them."""
    world = dispatcher()
    system = System(world)
    diary = diary_with_timers(system, 1, 2)
    diary.ref.stop()
    world.run()
    heir = Diary()
    system.spawn(heir, "diary")
    world.run()
    assert texts_of(diary) == ["stopped"]
    assert texts_of(heir) == []
    assert world.now() == 0


def test_stepping_fires_in_any_order() -> None:
    """Every armed timer is a choice; time advances to the latest one that fired."""
    dispatcher = SteppingDispatcher()
    diary = diary_with_timers(dispatcher, 5, 10)
    first, second = dispatcher.enabled()
    assert (first, second) == (Choice("diary", "diary", 1), Choice("diary", "diary", 2))
    dispatcher.step(second)
    dispatcher.step(first)
    assert texts_of(diary) == ["10 at 10", "5 at 10"]
    with pytest.raises(DispatcherError, match=r"not enabled; enabled: nothing"):
        dispatcher.step(first)


@pytest.mark.asyncio
async def test_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the loop timers fire by due time, not before it."""
    loop = asyncio.get_running_loop()
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary")
        with monkeypatch.context() as clock:
            now = loop.time()
            clock.setattr(loop, "time", lambda: now)
            for delay in (0.003, 0.001, 0.002, 60.0):
                await ref.ask(SetTimer(delay, f"{delay}"))
        await until(lambda: len(texts_of(diary)) == 3)
        fired = [text.split(" at ") for text in texts_of(diary)]
        assert [name for name, _ in fired] == ["0.001", "0.002", "0.003"]
        assert all(float(at) >= float(name) for name, at in fired)
