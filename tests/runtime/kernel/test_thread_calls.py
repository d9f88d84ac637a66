"""Calls from other threads: made on the System's own, in order, a batch at a time."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from ccw_actors.errors import ActorStoppedError
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from tests.runtime.kernel.cast import ByHand


def elsewhere(call: Callable[[], object]) -> BaseException | None:
    """Call in another thread; return its exception."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is looked at
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


class Play:
    """Calls of a System whose own thread is this one; `made` are those made so far."""

    def __init__(self) -> None:
        self.dispatcher = ByHand()
        self.calls = ThreadCalls(self.dispatcher, threading.get_ident())
        self.made: list[int] = []

    def from_elsewhere(self, *numbers: int) -> None:
        """Make calls from another thread."""

        def call() -> None:
            for number in numbers:
                self.calls.call(partial(self.made.append, number))

        assert elsewhere(call) is None


def test_own_thread_makes_its_calls_at_once() -> None:
    """They wake no thread."""
    play = Play()
    play.calls.call(partial(play.made.append, 1))
    assert (play.made, play.dispatcher.woken) == ([1], [])


def test_one_wake_for_a_batch() -> None:
    """The System's thread is woken once, and then makes all in order."""
    play = Play()
    play.from_elsewhere(1, 2, 3)
    assert (play.made, len(play.dispatcher.woken)) == ([], 1)
    play.dispatcher.woken.pop()()
    assert play.made == [1, 2, 3]
    play.from_elsewhere(4)
    assert len(play.dispatcher.woken) == 1


def test_budget() -> None:
    """A flood is made a budget at a time, and the rest the next time."""
    play = Play()
    play.dispatcher.budget = 10
    play.from_elsewhere(*range(25))
    lengths: list[int] = []
    while play.dispatcher.woken:
        play.dispatcher.woken.pop()()
        lengths.append(len(play.made))
    assert lengths == [10, 20, 25]
    assert play.made == list(range(25))


def test_call_that_raises() -> None:
    """The error comes out; the calls behind it are made by the next drain."""
    play = Play()

    def call() -> None:
        play.calls.call(lambda: 1 / 0)
        play.calls.call(partial(play.made.append, 2))

    assert elsewhere(call) is None
    with pytest.raises(ZeroDivisionError):
        play.dispatcher.woken.pop()()
    play.calls.drain()
    assert play.made == [2]


def test_call_made_by_a_call() -> None:
    """It is made at once, before those that wait: it is on the own thread."""
    play = Play()

    def nested() -> None:
        play.calls.call(partial(play.made.append, 1))

    def call() -> None:
        play.calls.call(nested)
        play.calls.call(partial(play.made.append, 2))

    assert elsewhere(call) is None
    play.calls.drain()
    assert play.made == [1, 2]


def test_closed() -> None:
    """If no thread can be woken, a call raises, and a note is dropped; none is kept."""
    play = Play()
    play.dispatcher.is_closed = True
    add = partial(play.made.append, 1)
    assert isinstance(elsewhere(lambda: play.calls.call(add)), ActorStoppedError)
    assert elsewhere(lambda: play.calls.note(add)) is None
    play.dispatcher.is_closed = False
    play.calls.drain_all()
    assert play.made == []
    play.from_elsewhere(2)
    assert len(play.dispatcher.woken) == 1


def test_loop_that_closes_between_the_look_and_the_call() -> None:
    """Then it also raises, and the next call tries to wake it again."""

    class Closing(ByHand):
        def check_awake(self) -> None:
            """Say that all is well."""

        def wake(self, callback: Callable[[], None]) -> None:
            """Raise that it is closed."""
            del callback
            raise ActorStoppedError("closed")

    calls = ThreadCalls(Closing(), threading.get_ident())
    for _ in range(2):
        error = elsewhere(lambda: calls.call(lambda: None))
        assert isinstance(error, ActorStoppedError)


def test_note_of_a_closed_one() -> None:
    """It is dropped, and no error comes out, on the own thread nor elsewhere."""
    play = Play()
    play.dispatcher.is_closed = True

    def closed() -> None:
        raise ActorStoppedError("closed")

    play.calls.note(closed)
    assert elsewhere(lambda: play.calls.note(closed)) is None
    play.calls.note(partial(play.made.append, 1))
    assert play.made == [1]


def test_woken_again_for_the_rest() -> None:
    """Calls that come while the rest waits do not wake it once more."""
    play = Play()
    play.dispatcher.budget = 1
    play.from_elsewhere(1, 2)
    play.dispatcher.woken.pop()()
    play.from_elsewhere(3)
    assert (play.made, len(play.dispatcher.woken)) == ([1], 1)


def test_drain_all() -> None:
    """A System that ends makes all waiting calls, regardless of the budget."""
    play = Play()
    play.dispatcher.budget = 1
    play.from_elsewhere(*range(25))
    play.calls.drain_all()
    assert play.made == list(range(25))
