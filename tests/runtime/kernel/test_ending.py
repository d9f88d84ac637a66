"""The end of an actor: nothing of it is left, and others are notified."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from ccw_actors.errors import ActorStoppedError
from ccw_actors.runtime import Actor, Mailbox, receive
from ccw_actors.runtime._cell.cell import CLOSED, Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._kernel.contexts import Contexts
from ccw_actors.runtime._kernel.ending import Ending
from ccw_actors.runtime._values.envelope import CHILD_ENDED, UNBOUNDED
from ccw_actors.runtime._values.timer import Timer
from tests.runtime.kernel.cast import (
    Keeper,
    Note,
    Pause,
    Read,
    Steps,
    envelope_of,
)
from tests.runtime.kernel.parts import Parts


class Play(Parts):
    """An `Ending` alone; `errors` are the exceptions of closed handlers."""

    def __init__(self, *, may_return: bool = False) -> None:
        super().__init__(observed=True)
        self.errors: list[tuple[str, str, BaseException]] = []
        self.ending = Ending(
            registry=self.registry,
            asks=self.asks,
            timers=self.timers,
            pressure=self.pressure,
            dead_letters=self.dead_letters,
            death_watch=self.death_watch,
            missing=self.missing,
            observers=self.observers,
            contexts=Contexts(lambda: self.running),
            may_return=may_return,
        )
        self.ending.ended = self.ended.append
        self.ending.raised = self._raised
        self.a = self.add("a", policy=Mailbox(2, "wait"))

    def _raised(self, cell: Cell, what: str, error: BaseException) -> None:
        self.errors.append((cell.path, what, error))

    def end(self, cell: Cell | None = None) -> None:
        """End it, or another one."""
        self.ending.end(self.a if cell is None else cell, "enough")


def test_it_is_not_there_any_more() -> None:
    """Neither its address nor its path finds it, and it takes no message."""
    play = Play()
    play.end()
    assert play.registry.cells == {}
    assert play.registry.at("a") is None
    assert (play.a.life, play.a.status & CLOSED) == (State.ENDED, CLOSED)
    assert play.registry.next_incarnation("a") == 2


def test_it_ends_once() -> None:
    """A second end has no effect, even if another actor is there."""
    play = Play()
    play.end()
    again = play.add("a", incarnation=2)
    play.end()
    assert (play.ended, play.registry.at("a")) == (["a"], again)
    assert play.told.lines == ["stopped a: enough"]


def test_asks_fail() -> None:
    """Those in its mailbox and stash, in hand, owed, and waiting for room."""
    play = Play()
    owed, mailbox, aside, hand = (play.put_ask() for _ in range(4))
    play.a.owe(owed, play.asks.is_pending)
    play.a.put(envelope_of(Read(), "", mailbox))
    play.a.set_aside(envelope_of(Read(), "", aside))
    play.a.put(envelope_of(Note("x")))
    room = play.asked()
    assert play.pressure.asks("a") == {room}
    play.a.turn = Steps(play.a, envelope_of(Read(), "", hand), wait(), _finished)
    play.end()
    numbers = {owed, mailbox, aside, hand, room}
    assert set(play.outcomes) == numbers
    for error in play.outcomes.values():
        assert isinstance(error, ActorStoppedError)
        assert str(error) == "a was asked Read: enough"
    assert (len(play.asks), play.pressure.waiting) == (0, {})


async def wait() -> None:
    """Wait forever."""
    await Pause()


def _finished(*_: object) -> None:
    """Do nothing."""


def test_messages_are_lost() -> None:
    """Stashed messages, then waiting ones, become dead letters."""
    play, lost = Play(), list[str]()
    play.lost.told = lambda path, envelope, why: lost.append(
        f"{envelope.payload[-1:].decode()} to {path}: {why}"
    )
    play.a.put(envelope_of(Note("y")))
    play.a.set_aside(envelope_of(Note("x")))
    play.end()
    assert lost == ["x to a: enough", "y to a: enough"]


def test_timers_and_alarms_go() -> None:
    """Its timers no longer fire."""
    play = Play()
    play.timers.arm(play.timers.next_key("a"), Timer(1.0, b"", None, UNBOUNDED))
    play.a.stop_alarm = play.dispatcher.call_at(2.0, lambda: None)
    play.end()
    assert (play.timers.armed, play.timers.counts) == ({}, {})
    assert play.dispatcher.alarms.next_due() is None


def test_watchers_are_told() -> None:
    """Once each, with the reason."""
    play = Play()
    for watcher in "vw":
        play.death_watch.watch(play.a, watcher, watches=True)
    play.end()
    told = [(watcher, notice.reason) for watcher, notice in play.notices]
    assert told == [("v", "enough"), ("w", "enough")]


def test_children_end_with_it() -> None:
    """Those that are left end before it does."""
    play = Play()
    child = play.add("a/b", parent=play.a)
    play.add("a/b/c", parent=child)
    play.end()
    assert play.ended == ["a/b/c", "a/b", "a"]


def test_parent_is_told() -> None:
    """It forgets the child when it comes to that signal."""
    play = Play()
    child = play.add("a/b", parent=play.a)
    play.end(child)
    assert play.a.signals is not None
    assert [one.kind for one in play.a.signals] == [CHILD_ENDED]
    play.run()
    children: dict[str, Cell] = play.a.children or {}
    assert (children, play.a.life) == ({}, State.RUNNING)


def test_next_actor_at_the_path_of_a_child() -> None:
    """A new child at that path is not forgotten with the last one."""
    play = Play()
    play.end(play.add("a/b", parent=play.a))
    second = play.add("a/b", parent=play.a, incarnation=2)
    play.run()
    children: dict[str, Cell] = play.a.children or {}
    assert children == {"a/b": second}


class Tasks:
    """Some tasks, which are cancelled or not."""

    cancelled = False

    def __len__(self) -> int:
        return 1

    def cancel_all(self, then: Callable[[], None]) -> None:
        """Remember that."""
        then()
        self.cancelled = True


def test_tasks_are_cancelled() -> None:
    """Those that it has left are not waited for."""
    play, tasks = Play(), Tasks()
    play.a.tasks = tasks
    play.end()
    assert tasks.cancelled


def test_what_else_runs_it() -> None:
    """The thread of an actor ends after the actor has."""

    class Finishing(Cell):
        __slots__ = ()

        def finish(self) -> None:
            """Keep the note."""
            finished.append(self.life.name)

    play, finished = Play(), list[str]()
    cell = play.add("f")
    cell.__class__ = Finishing
    play.end(cell)
    assert finished == ["ENDED"]


def test_who_waits_for_its_start() -> None:
    """Note that it will not start."""
    play, told = Play(), list[str]()
    play.a.on_started = [lambda: told.append(play.a.life.name)]
    play.end()
    assert told == ["ENDED"]


class Stubborn(Actor[Note]):
    """Waits, and does not want to end."""

    @receive
    async def note(self, _message: Note) -> None:
        """Wait."""
        try:
            await Pause()
        finally:
            raise KeyError("stubborn")


def test_handler_that_waits() -> None:
    """It is abandoned; an exception is noted, and the rest is cleaned up."""
    play = Play()
    cell = play.add("s", Stubborn())
    cell.put(envelope_of(Note("x")))
    cell.put(envelope_of(Note("y")))
    play.run()
    assert cell.turn is not None
    play.end(cell)
    ((path, what, error),) = play.errors
    assert (path, what, str(error)) == ("s", "Note", "'stubborn'")
    assert (cell.life, play.lost.count) == (State.ENDED, 1)


def test_wait_of_a_thread_that_is_abandoned() -> None:
    """It counts as waiting for nothing."""
    play = Play()
    play.asks.block(play.ask("b", "a"))
    assert play.graph.of("a") == "b to answer Read"
    play.end()
    assert play.graph.of("a") == ""


@pytest.mark.parametrize("may_return", [True, False])
def test_actor_is_let_go(*, may_return: bool) -> None:
    """Unless it may return, nothing holds the actor: references hold the cell.

    That holds nothing of it.
    """
    play = Play(may_return=may_return)
    keeper: Any = Keeper()
    cell = play.add("k", keeper)
    alive = weakref.ref(keeper)
    play.end(cell)
    del keeper
    gc.collect()
    assert (alive() is not None) is may_return
    assert cell.mailbox is None
