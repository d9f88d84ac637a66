"""The cell of an actor: its mailbox, its run queue, its life cycle, its data."""

import gc
import weakref
from typing import Any

import pytest

from ccw_actors.runtime import Actor, Mailbox, Message, receive
from ccw_actors.runtime._cell.cell import CLOSED, IDLE, Cell
from ccw_actors.runtime._cell.lifecycle import Event
from ccw_actors.runtime._values.envelope import (
    STOP,
    STOP_NOW,
    TICK,
    UNBOUNDED,
    Envelope,
)
from ccw_actors.runtime._values.provider import QUEUED
from tests.runtime.kernel.cast import (
    ByHand,
    Keeper,
    Note,
    envelope_of,
    make_cell,
    messages_in,
    turn_of,
)


class Play:
    """A cell with a bound of two, and its run queue."""

    def __init__(self, *, runs: bool = True) -> None:
        self.dispatcher = ByHand()
        self.cell = make_cell(dispatcher=self.dispatcher, policy=Mailbox(2), runs=runs)

    @property
    def queued(self) -> int:
        """How often the cell is in the run queue."""
        return len(self.dispatcher.queue)


# -- the mailbox ----------------------------------------------------------------


def test_first_message() -> None:
    """The first message creates a mailbox and queues the actor, once."""
    play = Play()
    assert (play.cell.mailbox, play.cell.waiting(), play.cell.status) == (None, 0, IDLE)
    for text in "xy":
        play.cell.put(envelope_of(Note(text)))
    assert (play.queued, play.cell.status, play.cell.waiting()) == (1, QUEUED, 2)
    assert messages_in(play.cell) == ["x", "y"]


def test_accept() -> None:
    """The mailbox takes a message while it certainly has room."""
    play = Play()
    taken = [play.cell.accept(envelope_of(Note(text))) for text in "xyz"]
    assert taken == [True, True, False]
    assert (messages_in(play.cell), play.queued) == (["x", "y"], 1)


def test_bound_counts_messages_only() -> None:
    """Replies, timer messages and signals take no room, before or after messages."""
    play = Play()
    for kind in (UNBOUNDED, TICK, STOP):
        play.cell.put(envelope_of(Note("x"), kind=kind))
    assert not play.cell.is_full()
    play.cell.put(envelope_of(Note("y")))
    assert not play.cell.is_full()
    play.cell.put(envelope_of(Note("z")))
    assert play.cell.is_full()
    assert play.cell.mailbox is not None
    play.cell.mailbox.popleft()
    play.cell.exempt_out += 1
    assert play.cell.is_full()
    play.cell.mailbox.pop()
    assert not play.cell.is_full()


def test_stash() -> None:
    """Stashed messages come back in order, before waiting ones, and count."""
    play = Play()
    for text, kind in (("a", 0), ("b", UNBOUNDED)):
        play.cell.set_aside(envelope_of(Note(text), kind=kind))
    assert play.cell.waiting() == 0
    play.cell.put_back()
    assert not play.cell.is_full()
    play.cell.set_aside(envelope_of(Note("d")))
    play.cell.put(envelope_of(Note("c")))
    assert play.cell.is_full()
    play.cell.put_back()
    assert messages_in(play.cell) == ["d", "a", "b", "c"]
    play.cell.put_back()
    assert play.cell.waiting() == 4


def test_stash_without_a_mailbox() -> None:
    """A restored stash becomes the mailbox."""
    play = Play()
    play.cell.set_aside(envelope_of(Note("a")))
    play.cell.put_back()
    assert messages_in(play.cell) == ["a"]


# -- the run queue --------------------------------------------------------------


def test_signal() -> None:
    """A signal closes the mailbox, and always queues the actor."""
    play = Play()
    play.cell.close()
    play.cell.put(envelope_of(Note("x")))
    assert play.queued == 0
    play.cell.signal(Envelope(b"", "", 0, None, STOP_NOW))
    play.cell.signal(Envelope(b"", "", 0, None, STOP_NOW))
    assert (play.queued, play.cell.status) == (1, CLOSED | QUEUED)


def test_settle_of_who_runs() -> None:
    """The actor stays in the run queue while messages wait."""
    play = Play()
    play.cell.put(envelope_of(Note("x")))
    assert (play.cell.settle(), play.cell.status) == (True, QUEUED)
    play.cell.mailbox = None
    assert (play.cell.settle(), play.cell.status) == (False, IDLE)


@pytest.mark.parametrize("event", [None, Event.STARTED, Event.STOP])
def test_settle_of_who_does_not_run(event: Event | None) -> None:
    """While it starts, restarts or stops, messages do not queue the actor."""
    play = Play(runs=False)
    if event is not None:
        play.cell.go_through(event)
    play.cell.put(envelope_of(Note("x")))
    runs = event is Event.STARTED
    assert play.cell.settle() is runs
    assert play.cell.status == (QUEUED if runs else CLOSED)


def test_settle_of_who_waits() -> None:
    """A suspended handler keeps messages out until it can continue."""
    turn = turn_of("a")
    cell: Cell = turn.cell
    cell.put(envelope_of(Note("x")))
    assert (cell.settle(), cell.status) == (False, CLOSED)
    turn.is_ready = True
    assert (cell.settle(), cell.status) == (True, CLOSED | QUEUED)
    turn.close()


def test_settle_with_a_signal() -> None:
    """A signal keeps the actor in the run queue in any state."""
    play = Play(runs=False)
    play.cell.signal(Envelope(b"", "", 0, None, STOP_NOW))
    assert (play.cell.settle(), play.cell.status) == (True, CLOSED | QUEUED)


# -- behaviours -----------------------------------------------------------------


class Open(Message, frozen=True):
    """Handled when closed."""


class Close(Message, frozen=True):
    """Handled when open."""


class Door(Actor):
    """Handles notes always, and other messages in one behaviour."""

    @receive
    def note(self, message: Note) -> None:
        """Keep the note."""

    @receive(state="open")
    def close(self, message: Close) -> None:
        """Close."""

    @receive(state="closed")
    def open(self, message: Open) -> None:
        """Open."""


def test_behave() -> None:
    """An actor handles the messages of its behaviour and those of every behaviour."""
    door = Door()
    cell = make_cell("door", door)
    assert list(cell.handlers) == [Note]
    cell.behave(door, "open")
    assert (cell.behaviour, set(cell.handlers)) == ("open", {Note, Close})
    other = Door()
    cell.behave(other, "")
    assert (cell.behaviour, list(cell.handlers), cell.actor) == ("", [Note], other)


# -- who it is ------------------------------------------------------------------


def test_address() -> None:
    """The first actor at a path is named by the path, later ones with a number."""
    first, second = make_cell("a/b"), make_cell("a/b", incarnation=2)
    assert (first.address, first.incarnation) == ("a/b", 1)
    assert (second.address, second.incarnation, second.path) == ("a/b#2", 2, "a/b")
    second.set_incarnation(1)
    assert second.address == "a/b"
    second.set_incarnation(12)
    assert (second.address, second.incarnation) == ("a/b#12", 12)


def test_asks_in_hand() -> None:
    """A waiting handler has its ask in hand; a waiting hook has none."""
    turn = turn_of("a")
    cell: Cell = turn.cell
    assert cell.asks_in_hand() == ()
    turn.envelope = envelope_of(Note("x"), ask=7)
    assert cell.asks_in_hand() == (7,)
    turn.close()
    cell.turn = None
    assert cell.asks_in_hand() == ()


def test_asks_owed_are_those_that_still_wait() -> None:
    """Promised asks that still wait are kept, however many there are."""
    cell: Any = make_cell()

    def is_pending(number: int) -> bool:
        return number == 17

    for number in range(5000):
        cell.owe(number, is_pending)
    assert 17 in cell.owed
    assert len(cell.owed) < 200


# -- what it keeps --------------------------------------------------------------


def test_rare_things_take_no_room() -> None:
    """Rarely used fields take no memory until they are set."""
    cell: Any = make_cell()
    cell.may_begin = False
    kept = [cell.extras, cell.children, cell.restarts, cell.may_begin]
    assert kept == [None, None, (), False]
    cell.may_begin, cell.spawned = True, 3
    kept = [cell.extras, cell.may_begin, cell.spawned, cell.stash]
    assert kept == [{"may_begin": True, "spawned": 3}, True, 3, None]


def test_forget() -> None:
    """The cell of an ended actor holds nothing of it, even if references remain."""
    actor = Keeper()
    cell = make_cell("a", actor)
    cell.put(envelope_of(Note("x")))
    cell.children = {"a/b": make_cell("a/b")}
    cell.start_error = error = OSError("no database")
    alive = weakref.ref(actor)
    cell.forget()
    del actor
    gc.collect()
    assert alive() is None
    kept: list[Any] = [cell.mailbox, cell.children, cell.handlers]
    assert kept == [None, None, {}]
    assert cell.start_error is error
    cell.actor.on_failure(ValueError())
    assert cell.actor.on_stop() is cell.actor.snapshot() is None
