"""Pending asks: their answers, their deadlines, and other ends."""

import gc
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskCycleError,
    AskTimeoutError,
    MailboxFullError,
    MessageError,
)
from ccw_actors.runtime import Failure, Message, Request
from ccw_actors.runtime._kernel.pending_asks import Pending, PendingAsks
from ccw_actors.runtime._kernel.wait_graph import WaitGraph
from ccw_actors.transport import Codec
from tests.runtime.kernel.cast import (
    ByHand,
    Count,
    Note,
    Read,
    envelope_of,
    sizes_in,
    turn_of,
)


class Play:
    """Asks under a manual clock; `outcomes` are their results."""

    def __init__(self, queue_length: int = 0) -> None:
        self.dispatcher = ByHand()
        self.graph = WaitGraph()
        self.asks = PendingAsks(
            Codec(),
            self.dispatcher.clock,
            self.dispatcher.call_at_clock,
            lambda _address: queue_length,
            self.graph,
        )
        self.outcomes: dict[int, Any] = {}

    def ask(self, timeout: float = math.inf, target: str = "b", asker: str = "") -> int:
        """Ask from outside, or as an actor's thread; return the number of the ask."""

        def settle(answer: Any, error: Exception | None) -> None:
            assert pending.number not in self.outcomes, "settled once"
            self.outcomes[pending.number] = answer if error is None else error

        pending = self.asks.question(target, asker, Read, timeout, settle)
        self.asks.add(pending)
        return pending.number


def test_answer() -> None:
    """The ask returns the decoded answer, and no longer waits."""
    play = Play()
    assert [play.ask(), play.ask(), len(play.asks)] == [1, 2, 2]
    assert play.asks.answer(2, envelope_of(Count(7)))
    assert play.outcomes == {2: Count(7)}
    assert [play.asks.is_pending(number) for number in (1, 2)] == [True, False]
    assert list(play.asks.pending) == [1]


def test_late_answer() -> None:
    """A late answer is counted and reported as late."""
    play = Play()
    number = play.ask()
    play.asks.forget(number)
    assert not play.asks.answer(number, envelope_of(Count(7)))
    assert not play.asks.answer(99, envelope_of(Count(7)))
    assert (play.asks.late, play.outcomes) == (2, {})


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Note("x"), MessageError, "b answered Read with Note; expected Count"),
        (Failure("b", "Read", "no"), ActorFailedError, "b failed on Read: no"),
        (
            Failure("b", "Read", "Read: no", refused=True),
            MessageError,
            "b refused Read: no",
        ),
        (Failure("b", "Read", "no", full=True), MailboxFullError, "Read to b: no"),
    ],
)
def test_answer_that_is_an_error(
    answer: Message, kind: type[Exception], text: str
) -> None:
    """A wrong answer, and a failure, make the ask raise."""
    play = Play()
    assert play.asks.answer(play.ask(), envelope_of(answer))
    with pytest.raises(kind, match=text):
        raise play.outcomes[1]


def test_error_in_place_of_an_answer() -> None:
    """Code outside gets the exception itself, an actor the encoded failure."""
    play, error = Play(), KeyError("itself")
    failure = envelope_of(Failure("b", "Read", "as text"))
    for asker in ("", "a"):
        play.asks.answer(play.ask(asker=asker), failure, error)
    assert play.outcomes[1] is error
    assert str(play.outcomes[2]) == "b failed on Read: as text"


def test_request_that_names_no_answer() -> None:
    """It cannot be asked with, and no number is used up for it."""

    class Vague(Request, frozen=True):  # type: ignore[type-arg]
        """Does not name its answer."""

    play = Play()
    with pytest.raises(TypeError, match="Vague does not say what answers it"):
        _ = play.asks.question("b", "", Vague, 1.0, lambda _answer, _error: None)
    assert play.ask() == 1


# -- deadlines -------------------------------------------------------------------


def test_timeout() -> None:
    """At its deadline an ask ends with an error that names target, type and time."""
    play = Play(queue_length=3)
    play.dispatcher.go_to(10.0)
    play.ask(2.0)
    other = play.asks.question("c", "b", Read, 1.0, lambda _answer, _error: None)
    play.asks.block(other)
    play.dispatcher.go_to(11.9)
    assert play.outcomes == {}
    play.dispatcher.go_to(12.0)
    error = play.outcomes[1]
    assert isinstance(error, AskTimeoutError)
    assert (error.target, error.message, error.age) == ("b", "Read", 2.0)
    assert (error.queue_length, error.waits_for) == (3, "c to answer Read")
    assert (play.asks.expired, len(play.asks)) == (1, 0)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((0.0, 1.0, 1.0, *range(2, 40), math.inf)), st.booleans()
        ),
        max_size=120,
    )
)
def test_each_ends_at_its_deadline(entries: list[tuple[float, bool]]) -> None:
    """With however many different timeouts: those not answered, and at their time.

    There are more of them here than there are lanes, so that some stand in the heap.
    """
    play = Play()
    ends: dict[int, float] = {}
    for at, (timeout, answered) in enumerate(entries):
        play.dispatcher.go_to(at / 8)
        number = play.ask(timeout)
        if answered:
            play.asks.answer(number, envelope_of(Count(0)))
        else:
            ends[number] = at / 8 + timeout
    now = len(entries) / 8
    while now < 100:
        now += 0.125
        play.dispatcher.go_to(now)
        expired = {n for n, end in play.outcomes.items() if end != Count(0)}
        assert expired == {number for number, end in ends.items() if end <= now}
    assert all(
        end == math.inf for number, end in ends.items() if number in play.asks.pending
    )


@pytest.mark.parametrize("timeouts", [1, 16, 40])
def test_answered_asks_take_no_memory(timeouts: int) -> None:
    """However many were answered long before their deadlines, few are remembered."""
    play = Play()
    waits = play.ask(50.0)
    for number in range(5000):
        answered = play.ask(100.0 + number % timeouts)
        play.asks.answer(answered, envelope_of(Count(0)))
    play.outcomes.clear()
    gc.collect()
    assert sum(isinstance(one, Pending) for one in gc.get_objects()) < 200
    assert list(play.asks.pending) == [waits]
    assert len(play.dispatcher.alarms) < 200


def test_deadlines_that_were_looked_at_take_no_memory() -> None:
    """The same if the next deadline was read each time."""
    play = Play()
    waits = play.ask(50.0)
    for _ in range(5000):
        answered = play.ask(100.0)
        play.asks.tidy()
        play.asks.answer(answered, envelope_of(Count(0)))
    play.outcomes.clear()
    assert max(sizes_in(play.asks)) < 200
    assert list(play.asks.pending) == [waits]


def test_no_clock_goes_to_a_deadline_of_the_past() -> None:
    """When all are answered and tidied, nothing is due; else the earliest one left."""
    play = Play()
    asked = [play.ask(timeout) for timeout in (5.0, 1.0, 3.0)]
    assert play.dispatcher.alarms.next_due() == 1.0
    play.asks.answer(asked[1], envelope_of(Count(0)))
    play.asks.tidy()
    assert play.dispatcher.alarms.next_due() == 3.0
    for number in (asked[0], asked[2]):
        play.asks.answer(number, envelope_of(Count(0)))
    play.asks.tidy()
    assert play.dispatcher.alarms.next_due() is None


def test_earlier_deadline_moves_the_alarm() -> None:
    """An ask that comes due before all others does so at its time."""
    play = Play()
    play.ask(9.0)
    play.ask(2.0)
    play.dispatcher.go_to(3.0)
    assert list(play.outcomes) == [2]


# -- other ends ------------------------------------------------------------------


def test_ends_with_its_actor() -> None:
    """An ask to a stopped actor fails, with the request and the reason."""
    play = Play()
    number = play.ask()
    play.asks.stopped(number, "it was told to")
    play.asks.stopped(number, "again")
    with pytest.raises(ActorStoppedError, match=r"^b was asked Read: it was told to$"):
        raise play.outcomes[number]


def test_all_stopped() -> None:
    """At the end of a System every ask ends, regardless of its target."""
    play = Play()
    for target in ("b", "c"):
        play.ask(target=target)
    play.asks.all_stopped("the end")
    assert [str(error) for error in play.outcomes.values()] == [
        "b was asked Read: the end",
        "c was asked Read: the end",
    ]
    assert len(play.asks) == 0


def test_restart() -> None:
    """An ask that was taken fails at a restart; one that is on its way does not."""
    play = Play()
    taken, coming = play.ask(), play.ask()
    play.asks.on_the_way.add(coming)
    for number in (taken, coming, 99):
        play.asks.restarted(number)
    assert list(play.outcomes) == [taken]
    with pytest.raises(ActorFailedError, match="restarted before it answered"):
        raise play.outcomes[taken]


# -- those who can do nothing else -----------------------------------------------


def test_ask_of_a_handler() -> None:
    """Its actor waits for the one asked until there is an answer, which resumes it."""
    play, turn = Play(), turn_of("a")
    pending = play.asks.begin("b", "a", Read, 9.0, turn)
    assert play.graph.of("a") == "b to answer Read"
    play.dispatcher.go_to(0.25)
    assert pending.describe() == "b to answer Read, for 0.250 s"
    answer = envelope_of(Count(1))
    assert play.asks.answer(pending.number, answer)
    assert (turn.is_ready, turn.reply, play.graph.waits) == (True, answer, {})
    turn.close()


def test_handler_that_gives_up() -> None:
    """An abandoned ask no longer waits, and its answer is late."""
    play, turn = Play(), turn_of("a")
    pending = play.asks.begin("b", "a", Read, 9.0, turn)
    pending.leave()
    assert (play.graph.waits, len(play.asks)) == ({}, 0)
    assert not play.asks.answer(pending.number, envelope_of(Count(1)))
    turn.close()


def test_handler_whose_time_is_over() -> None:
    """It goes on with the error, and waits for nobody."""
    play, turn = Play(), turn_of("a")
    _ = play.asks.begin("b", "a", Read, 2.0, turn)
    play.dispatcher.go_to(2.0)
    assert isinstance(turn.error, AskTimeoutError)
    assert play.graph.waits == {}
    turn.close()


def test_circle() -> None:
    """The ask that would close a cycle raises, also if it blocks; nothing is added."""
    play, turn, other = Play(), turn_of("a"), turn_of("b")
    _ = play.asks.begin("b", "a", Read, 9.0, turn)
    with pytest.raises(AskCycleError) as caught:
        _ = play.asks.begin("a", "b", Read, 9.0, other)
    assert caught.value.cycle == ("b", "a", "b")
    blocking = play.asks.question("a", "b", Read, 9.0, lambda _a, _e: None)
    with pytest.raises(AskCycleError):
        play.asks.block(blocking)
    assert list(play.graph.waits) == ["a"]
    assert len(play.asks) == 1
    turn.close()
    other.close()


def test_thread_that_has_its_answer() -> None:
    """It no longer waits, and all may ask it."""
    play = Play()
    number = play.ask(asker="a")
    play.asks.block(play.asks.pending[number])
    assert play.graph.of("a") == "b to answer Read"
    play.asks.answer(number, envelope_of(Count(1)))
    assert (play.graph.waits, play.outcomes) == ({}, {number: Count(1)})


def test_abandoned_thread() -> None:
    """An abandoned thread counts as waiting for nothing."""
    play = Play()
    asked = play.asks.question("b", "a", Read, 9.0, lambda _answer, _error: None)
    play.asks.block(asked)
    assert play.graph.of("a") == "b to answer Read"
    play.asks.abandon("a")
    assert play.graph.of("a") == ""
