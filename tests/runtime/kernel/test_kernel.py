"""All parts of the kernel together, without a System around them."""

from threading import Thread
from typing import Any

import pytest

from ccw_actors.errors import AskTimeoutError, MailboxFullError
from ccw_actors.runtime import Actor, ActorRef, Failure, Mailbox, Terminated, receive
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.envelope import (
    RESTART,
    TICK,
    UNBOUNDED,
    WATCH,
    Envelope,
)
from ccw_actors.runtime._values.timer import SLEEP, Timer
from ccw_actors.transport import Codec
from tests.runtime.kernel.cast import (
    ENCODE,
    ByHand,
    Count,
    Keeper,
    Note,
    Pause,
    Read,
    Steps,
    Told,
    envelope_of,
    make_cell,
    messages_in,
    ref_of,
)


class Play:
    """A kernel under a dispatcher that is moved by hand."""

    def __init__(self, *, restores: bool = False) -> None:
        self.dispatcher = ByHand(restores=restores)
        self.changes = 0
        self.kernel = Kernel(
            self.dispatcher,
            Codec(),
            ref_of=ref_of,
            suspend=Steps,
            observed=self._observed,
            ask_timeout=10.0,
        )

    def _observed(self) -> None:
        self.changes += 1

    def add(
        self, path: str, actor: Actor[Any] | None = None, policy: Mailbox | None = None
    ) -> Cell:
        """Add an actor."""
        cell = make_cell(path, actor, dispatcher=self.dispatcher, policy=policy)
        self.kernel.registry.add(cell)
        return cell

    def timer(
        self, cell: Cell, due: float, kind: int = UNBOUNDED, interval: float = 0.0
    ) -> int:
        """Arm a timer that brings a note; return its number."""
        timer = Timer(due, ENCODE(Note("from a timer")), None, kind, interval)
        return self.kernel.set_timer(cell, timer)


def test_ask_and_answer() -> None:
    """A message goes into a mailbox, is handled, and its answer comes back."""
    play, outcomes = Play(), list[object]()
    kernel, keeper = play.kernel, Keeper()
    play.add("a", keeper)
    kernel.delivery.deliver("a", envelope_of(Note("x")))
    pending = kernel.asks.question(
        "a", "", Read, 1.0, lambda answer, error: outcomes.append(error or answer)
    )
    kernel.delivery.ask(pending, envelope_of(Read(), "", pending.number))
    assert kernel.queue_length("a") == 2
    play.dispatcher.run()
    assert (outcomes, keeper.texts) == ([Count(1)], ["x"])
    assert kernel.queue_length("a") == kernel.queue_length("nobody") == 0


def test_ask_that_nobody_answers() -> None:
    """Its deadline is one of the dispatcher's clock."""
    play, outcomes = Play(), list[object]()
    play.add("a")
    pending = play.kernel.asks.question(
        "a", "", Read, 1.5, lambda answer, error: outcomes.append(error or answer)
    )
    play.kernel.delivery.ask(pending, envelope_of(Read(), "", pending.number))
    play.dispatcher.go_to(2.0)
    (error,) = outcomes
    assert isinstance(error, AskTimeoutError)
    assert (error.age, error.queue_length) == (1.5, 1)


class Caring(Actor[Failure | Terminated]):
    """Keeps notices and failures."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    @receive
    def failure(self, message: Failure) -> None:
        """Keep."""
        self.told.append(message)

    @receive
    def ended(self, message: Terminated) -> None:
        """Keep."""
        self.told.append(message)


def test_watch_and_end() -> None:
    """A watcher receives the notice of the end, at once for an absent actor."""
    dispatcher, caring = ByHand(), Caring()
    codec = Codec(lambda ref: ref.address, lambda _kind, value: ref_of(value))
    kernel = Kernel(
        dispatcher,
        codec,
        ref_of=ref_of,
        suspend=Steps,
        observed=lambda: None,
        ask_timeout=1.0,
    )
    watcher = make_cell("w", caring, dispatcher=dispatcher)
    watcher.decode = codec.raw_decoder(Failure | Terminated)
    for cell in (watcher, make_cell("a", dispatcher=dispatcher)):
        kernel.registry.add(cell)
    for address in ("a", "nobody"):
        kernel.delivery.deliver(address, Envelope(b"", "w", 0, None, WATCH))
    dispatcher.run()
    kernel.delivery.stop(Running(own=True), "a", drain=False)
    dispatcher.run()
    assert caring.told == [
        Terminated(ref_of("nobody"), "there is no such actor"),
        Terminated(ref_of("a"), "the actor has stopped"),
    ]


def test_sender_is_told_of_what_is_lost() -> None:
    """A dead letter comes back as a `Failure`, through the kernel."""
    play, caring = Play(), Caring()
    play.add("c", caring)
    play.kernel.delivery.deliver("nobody", envelope_of(Note("x"), "c"))
    play.dispatcher.run()
    (failure,) = caring.told
    assert (failure.actor, failure.request) == ("nobody", "Note")


@pytest.mark.parametrize("restores", [True, False])
def test_who_may_wait_for_room(*, restores: bool) -> None:
    """Nothing waits if actors can return: a wait would be more state to restore."""
    play = Play(restores=restores)
    play.add("a", policy=Mailbox(1, "wait")).put(envelope_of(Note("x")))
    assert play.kernel.pressure.lacks_room("a") is not restores


def test_changes_are_told() -> None:
    """A callback is called when the stamping of messages changes."""
    play = Play()
    play.kernel.observers.add(Told())
    assert play.changes == 1


def test_own_thread_and_others() -> None:
    """Each thread has its own state; only this one is the System's own."""
    play, found = Play(), list[Running]()
    kernel = play.kernel
    thread = Thread(target=lambda: found.append(kernel.running_here()))
    thread.start()
    thread.join()
    assert kernel.running_here() is kernel.running
    assert (kernel.running.own, found[0].own) == (True, False)


def test_error_that_has_escalated() -> None:
    """Without an event loop the error is kept, to be raised once."""
    kernel, error = Play().kernel, KeyboardInterrupt()
    kernel.raise_escalated()
    kernel.unraised = error
    with pytest.raises(KeyboardInterrupt) as caught:
        kernel.raise_escalated()
    assert caught.value is error
    kernel.raise_escalated()


def test_notice_of_an_end_has_a_number() -> None:
    """With an observer the notice is an ordinary message from the ended actor."""
    play, told = Play(), Told()
    codec = Codec(lambda ref: ref.address, custom_types=(ActorRef,))
    play.kernel.delivery.encode = codec.encode
    watcher = play.add("w", Caring())
    play.kernel.observers.add(told)
    cell = play.add("a")
    play.kernel.death_watch.watch(cell, "w", watches=True)
    play.kernel.ending.end(cell, "enough")
    assert watcher.mailbox is not None
    (notice,) = watcher.mailbox
    assert isinstance(notice, Envelope)
    assert notice.stamp is not None
    assert (notice.sender, notice.stamp.message_type) == ("a", Terminated)


# -- timers -----------------------------------------------------------------------


def test_timer() -> None:
    """Its message comes from the actor itself, when it is due, and does not count."""
    play = Play()
    cell = play.add("a", policy=Mailbox(1))
    assert [play.timer(cell, 2.0), play.timer(cell, 1.0)] == [1, 2]
    cell.put(envelope_of(Note("x")))
    play.dispatcher.go_to(1.0)
    assert messages_in(cell) == ["x", "from a timer"]
    assert cell.mailbox is not None
    assert cell.mailbox[1] == envelope_of(Note("from a timer"), "a", kind=UNBOUNDED)


def test_timer_that_was_taken_back() -> None:
    """It brings nothing."""
    play = Play()
    cell = play.add("a")
    play.kernel.cancel_timer(cell, play.timer(cell, 1.0))
    play.dispatcher.go_to(2.0)
    assert cell.mailbox is None


def test_timer_of_who_has_ended() -> None:
    """Its message reaches nobody, and an absent actor can set no timer."""
    play = Play()
    cell = play.add("a")
    play.timer(cell, 1.0)
    play.kernel.ending.end(cell, "enough")
    assert play.timer(cell, 1.0) == 0
    assert play.kernel.timers.counts == {}


def test_timers_of_the_last_actor_at_a_path() -> None:
    """An ended actor cannot set or cancel timers of the current one."""
    play = Play()
    first = play.add("a")
    number = play.timer(first, 1.0)
    play.kernel.ending.end(first, "enough")
    second = make_cell("a", dispatcher=play.dispatcher, incarnation=2)
    play.kernel.registry.add(second)
    assert play.timer(second, 2.0) == number
    play.kernel.cancel_timer(first, number)
    assert play.timer(first, 1.0) == 0
    play.dispatcher.go_to(1.5)
    assert second.mailbox is None
    play.dispatcher.go_to(2.0)
    assert messages_in(second) == ["from a timer"]


def test_periodic_timer() -> None:
    """While one of its messages waits it brings no other, and goes on when it may."""
    play, keeper = Play(), Keeper()
    cell = play.add("a", keeper)
    play.timer(cell, 1.0, TICK, 1.0)
    play.dispatcher.go_to(3.5)
    assert messages_in(cell) == ["from a timer"]
    play.dispatcher.run()
    play.dispatcher.go_to(4.0)
    play.dispatcher.run()
    assert keeper.texts == ["from a timer"] * 2


def test_pause_before_a_restart() -> None:
    """Its timer is a signal: it comes into the system lane, and not the mailbox."""
    play = Play()
    cell = play.add("a")
    play.timer(cell, 1.0, RESTART)
    play.dispatcher.go_to(1.0)
    assert cell.mailbox is None
    assert [one.kind for one in cell.signals or ()] == [RESTART]


class Sleeper(Actor[Note]):
    """Waits in its handler, and notes when it continues."""

    done = False

    @receive
    async def note(self, _message: Note) -> None:
        """Sleep."""
        await Pause()
        self.done = True


def test_sleep() -> None:
    """Its timer wakes the waiting handler, and brings no message."""
    play, sleeper = Play(), Sleeper()
    cell = play.add("a", sleeper)
    cell.put(envelope_of(Note("x")))
    play.dispatcher.run()
    play.timer(cell, 1.0, SLEEP)
    play.dispatcher.go_to(1.0)
    play.dispatcher.run()
    assert sleeper.done
    play.timer(cell, 2.0, SLEEP)
    play.dispatcher.go_to(2.0)
    assert play.kernel.queue_length("a") == 0


def test_where_lives_come_back() -> None:
    """Under a dispatcher that restores, a full mailbox raises, and causes are kept."""
    play = Play(restores=True)
    cell = play.add("a", policy=Mailbox(1))
    cell.put(envelope_of(Note("x"), "b"))
    with pytest.raises(MailboxFullError):
        play.kernel.delivery.deliver("a", envelope_of(Note("y"), "b"))
    error = ValueError("boom")
    play.kernel.supervisor.fail(cell, "Note", error)
    assert play.kernel.failures.kept[0].__cause__ is error
