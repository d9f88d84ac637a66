"""The life cycle of actors: start, failure, restart, stop, end."""

import contextvars
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime import (
    Actor,
    Escalate,
    Failure,
    Message,
    Restart,
    Stop,
    Supervision,
    receive,
)
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._values.envelope import (
    ESCALATED,
    RESTART,
    STOP,
    STOP_NOW,
    TICK,
    UNBOUNDED,
    Envelope,
)
from ccw_actors.runtime._values.timer import Timer
from tests.runtime.kernel.cast import (
    Blow,
    Keeper,
    Note,
    Pause,
    Read,
    envelope_of,
    messages_in,
)
from tests.runtime.kernel.parts import Parts

BOOM: Any = ValueError("boom")
role = contextvars.ContextVar("role", default="nobody")


class Hooked(Actor[Note | Blow]):
    """Records its hooks with their roles; they raise given errors.

    A hook whose name is in `waits` is async, and waits for the test.
    """

    def __init__(
        self,
        lines: list[str],
        raises: dict[str, BaseException] | None = None,
        waits: tuple[str, ...] = (),
    ) -> None:
        self.lines = lines
        self.raises = raises or {}
        self.waits = waits

    def run(self, hook: str, more: str = "") -> Coroutine[Any, Any, None] | None:
        """Run a hook."""
        self.lines.append(f"{hook}{more} as {role.get()}")
        if hook in self.waits:
            return self.wait(hook)
        if hook in self.raises:
            raise self.raises[hook]
        return None

    async def wait(self, hook: str) -> None:
        """Wait, and go on."""
        await Pause()
        if hook in self.raises:
            raise self.raises[hook]
        self.lines.append(f"{hook} is over")

    def on_start(self) -> Coroutine[Any, Any, None] | None:
        """Run it."""
        return self.run("on_start")

    def on_restart(self) -> Coroutine[Any, Any, None] | None:
        """Run it."""
        return self.run("on_restart")

    def on_stop(self) -> Coroutine[Any, Any, None] | None:
        """Run it."""
        return self.run("on_stop", f" of {self.failed_with!r}")

    def on_failure(self, error: BaseException) -> None:
        """Run it."""
        self.run("on_failure", f" of {error!r}")

    @receive
    def note(self, message: Note) -> None:
        """Record it."""
        self.run(message.text)

    @receive
    async def blow(self, message: Blow) -> None:
        """Wait, then raise."""
        await Pause()
        raise ValueError(message.error)


class Play(Parts):
    """One actor "a"; `lines` are the records of its hooks, in all its lives."""

    def __init__(
        self,
        supervision: Supervision | None = None,
        raises: dict[str, BaseException] | None = None,
        waits: tuple[str, ...] = (),
        *,
        runs: bool = True,
    ) -> None:
        super().__init__(observed=True)
        self.lines: list[str] = []
        self.make = partial(Hooked, self.lines, raises, waits)
        self.a = self.add("a", self.make(), supervision=supervision, runs=runs)
        self.a.make = self.make
        self.a.origin = contextvars.Context()
        self.a.origin.run(role.set, "a")
        self.a.context = self.a.origin.copy()

    def fail(self, message: Message | None = None, error: Exception = BOOM) -> None:
        """Make it fail, on a message if there is one."""
        envelope = None if message is None else envelope_of(message)
        self.supervisor.fail(self.a, "Note", error, envelope)
        self.run()

    def state(self) -> State:
        """Return its state in the life cycle."""
        return self.a.life

    def wake(self) -> None:
        """Continue the waiting hook or handler."""
        turn: Any = self.a.turn
        turn.wake()
        self.run()


# -- starting -------------------------------------------------------------------


def test_start() -> None:
    """`on_start` runs in the actor's context, and then it takes messages."""
    play = Play(runs=False)
    play.a.put(envelope_of(Note("x")))
    play.supervisor.start(play.a)
    assert (play.state(), play.lines) == (State.RUNNING, ["on_start as a"])
    play.run()
    assert play.lines == ["on_start as a", "x as a"]
    assert role.get() == "nobody"


def test_start_that_raises() -> None:
    """The error comes out, and the actor does not exist; `on_stop` does not run."""
    play = Play(raises={"on_start": OSError("no port")}, runs=False)
    with pytest.raises(OSError, match="no port"):
        play.supervisor.start(play.a)
    assert (play.registry.at("a"), play.state()) == (None, State.ENDED)
    assert play.lines == ["on_start as a"]
    assert play.told.lines == ["stopped a: the actor failed to start"]
    assert play.failures.count == 0


def test_start_that_waits() -> None:
    """Messages wait until the start, and code that awaits it is notified."""
    play, started = Play(waits=("on_start",), runs=False), list[str]()
    play.a.on_started = [lambda: started.append(play.state().name)]
    play.supervisor.start(play.a)
    play.a.put(envelope_of(Note("x")))
    play.run()
    assert (play.state(), play.lines, started) == (
        State.STARTING,
        ["on_start as a"],
        [],
    )
    play.wake()
    assert play.lines == ["on_start as a", "on_start is over", "x as a"]
    assert started == ["RUNNING"]


def test_start_that_waits_and_raises() -> None:
    """It is a failure, on which supervision decides; `on_stop` does not run.

    Code that awaits the start gets the error.
    """
    play = Play(raises={"on_start": BOOM}, waits=("on_start",), runs=False)
    found: list[BaseException | None] = []
    play.a.on_started = [lambda: found.append(play.a.start_error)]
    play.supervisor.start(play.a)
    play.run()
    play.wake()
    assert play.lines == ["on_start as a", "on_failure of ValueError('boom') as a"]
    assert found == [BOOM]
    assert (play.state(), play.a.start_error) == (State.ENDED, BOOM)
    assert play.failures.kept[0].message == "on_start"


def test_stop_of_one_that_starts() -> None:
    """An `on_start` that ignores the stop is awaited; `on_stop` runs after it.

    One that is cancelled has not failed.
    """
    play = Play(waits=("on_start",), runs=False)
    play.supervisor.start(play.a)
    play.run()
    play.a.put(Envelope(b"", "", 0, None, STOP))
    play.supervisor.begin_stop(play.a, drain=True)
    assert play.state() is State.STOPPING
    play.wake()
    assert play.lines[-2:] == ["on_start is over", "on_stop of None as a"]
    assert (play.state(), play.failures.count) == (State.ENDED, 0)


def test_start_that_fails_until_it_does_not() -> None:
    """With `Restart` an async `on_start` runs again, and the error is cleared."""
    raises: dict[str, BaseException] = {"on_start": BOOM}
    play = Play(Restart(), raises, ("on_start",), runs=False)
    play.supervisor.start(play.a)
    play.run()
    play.wake()
    assert (play.state(), play.a.start_error) == (State.RUNNING, None)
    assert play.lines[-1] == "on_restart as a"


# -- failing --------------------------------------------------------------------


def test_failure() -> None:
    """`on_failure`, then `on_stop` with the error; then the actor has ended."""
    play = Play()
    play.fail(Note("x"))
    assert play.lines == [
        "on_failure of ValueError('boom') as a",
        "on_stop of ValueError('boom') as a",
    ]
    assert play.told.lines == [
        "failed a on Note: ValueError('boom')",
        "stopped a: the actor failed",
    ]
    assert (play.registry.at("a"), play.ended) == (None, ["a"])


def test_failure_is_told_to_who_asked() -> None:
    """Somebody outside gets it with the error itself; a sender gets a `Failure`."""

    class Careful(Actor[Failure]):
        @receive
        def failure(self, message: Failure) -> None:
            """Keep the note."""

    play = Play(Restart())
    sender = play.add("b", Careful())
    number = play.put_ask()
    play.supervisor.fail(play.a, "Read", BOOM, envelope_of(Read(), "", number))
    play.supervisor.fail(play.a, "Note", BOOM, envelope_of(Note("x"), "b"))
    error = play.outcomes[number]
    assert (type(error), error.__cause__) == (ActorFailedError, BOOM)
    (failure,) = play.failures_told(sender)
    assert (failure.actor, failure.request, failure.kind) == ("a", "Note", "ValueError")
    assert failure.reason == "ValueError: boom"


def test_on_failure_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and everything continues."""
    play = Play(raises={"on_failure": KeyError("worse")})
    play.fail()
    assert "a: on_failure also raised" in caplog.text
    assert play.lines[-1] == "on_stop of ValueError('boom') as a"
    assert play.registry.at("a") is None


def test_failure_of_a_handler_that_waits() -> None:
    """The handler is abandoned, and its sender is notified."""
    play = Play()
    number = play.put_ask()
    play.a.put(envelope_of(Blow("x"), "", number))
    play.run()
    turn: Any = play.a.turn
    assert turn is not None
    play.supervisor.fail(play.a, "a child", BOOM)
    play.run()
    assert play.a.turn is None
    assert isinstance(play.outcomes[number], ActorFailedError)


class Stubborn(Actor[Note]):
    """Raises where its handler is to end."""

    @receive
    async def note(self, _message: Note) -> None:
        """Wait, and do not want to end."""
        try:
            await Pause()
        finally:
            raise KeyError("stubborn")


def test_handler_whose_end_raises() -> None:
    """An abandoned handler that raises instead of ending is one more failure."""
    play = Play()
    cell = play.add("b", Stubborn())
    cell.put(envelope_of(Note("x")))
    play.run()
    play.ending.end(cell, "enough")
    (kept,) = play.failures.kept
    assert (kept.actor, kept.message) == ("b", "Note")
    assert kept.reason == "KeyError: 'stubborn'"
    assert cell.life is State.ENDED


def test_failure_of_who_has_ended() -> None:
    """It is noted, except that of a thread which finds that it was stopped."""
    play = Play()
    play.ending.end(play.a, "enough")
    play.supervisor.fail(play.a, "Note", ActorStoppedError("gone"))
    assert play.failures.count == 0
    play.supervisor.fail(play.a, "Note", BOOM)
    assert play.failures.count == 1
    assert play.state() is State.ENDED


@pytest.mark.parametrize("supervision", [Restart(), Stop(), Escalate()])
def test_errors_that_escalate(supervision: Supervision) -> None:
    """They bypass the actor's supervision: it stops, and the System gets the error."""
    play = Play(supervision)
    play.supervisor.escalates = (KeyboardInterrupt,)
    error: Any = KeyboardInterrupt()
    play.fail(error=error)
    assert play.escalated[0] is error
    assert play.registry.at("a") is None
    assert play.told.lines[0] == "failed a on Note: KeyboardInterrupt()"


def test_any_other_error_is_a_failure() -> None:
    """Also one that is no `Exception`."""
    play = Play(Restart())
    play.supervisor.escalates = (KeyboardInterrupt,)
    error: Any = GeneratorExit()
    play.fail(error=error)
    assert (play.escalated, play.state()) == ([], State.RUNNING)


# -- decisions ------------------------------------------------------------------


def test_supervision_that_looks_at_the_error() -> None:
    """A function decides, and is given the error."""
    seen: list[BaseException] = []

    def decide(error: BaseException) -> Restart:
        seen.append(error)
        return Restart()

    play = Play(decide)
    play.fail()
    assert (seen, play.state(), play.supervisor.restarted) == ([BOOM], State.RUNNING, 1)


def raising(error: BaseException) -> Stop:
    """Decide nothing."""
    raise LookupError(error)


def test_supervision_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """Then the actor stops, and the log says why."""
    play = Play(raising)
    play.fail()
    assert "a: its supervision raised, so it stops" in caplog.text
    assert "LookupError" in caplog.text
    assert play.registry.at("a") is None


def test_limit() -> None:
    """One failure more than the limit, within the time, and it is not restarted."""
    play = Play(Restart(limit=2, within=10.0))
    for _ in range(2):
        play.fail()
    assert play.state() is State.RUNNING
    play.fail()
    assert (play.state(), play.supervisor.restarted) == (State.ENDED, 2)


def test_limit_forgets() -> None:
    """Restarts of long ago do not count."""
    play = Play(Restart(limit=1, within=10.0))
    for when in (0.0, 11.0, 22.0):
        play.dispatcher.go_to(when)
        play.fail()
        assert play.state() is State.RUNNING
    play.fail()
    assert play.state() is State.ENDED


def test_escalation() -> None:
    """The parent fails with the same error, when the child has been told to stop."""
    play = Play(Escalate())
    parent = play.add("p", Keeper())
    play.a.parent, parent.children = parent, {"a": play.a}
    play.fail()
    assert [str(one) for one in play.failures.kept] == [
        "a failed on Note: ValueError: boom",
        "p failed on child a: ActorFailedError: a failed on Note: ValueError: boom",
    ]
    assert play.ended == ["a", "p"]


def test_escalation_without_a_parent() -> None:
    """The System gets the error."""
    play = Play(Escalate())
    play.fail()
    (error,) = play.escalated
    assert str(error) == "a failed on Note: ValueError: boom"


def test_escalation_after_the_last_restart() -> None:
    """`then` is what comes after too many."""
    play = Play(Restart(limit=1, then=Escalate()))
    play.fail()
    assert play.escalated == []
    play.fail()
    assert len(play.escalated) == 1


def test_escalation_to_a_parent_that_stops() -> None:
    """A parent on its way out has nothing to fail of."""
    play = Play(waits=("on_stop",))
    play.supervisor.begin_stop(play.a, drain=False)
    payload = play.delivery.encode(Failure("a/b", "Note", "boom"))
    play.a.signal(Envelope(payload, "a/b", 0, None, ESCALATED))
    play.run()
    assert (play.failures.count, play.state()) == (0, State.STOPPING)
    play.wake()
    assert play.state() is State.ENDED


# -- restarting -----------------------------------------------------------------


def test_restart() -> None:
    """A life ends normally, then a new actor is created in its own context."""
    play = Play(Restart())
    first = play.a.actor
    play.a.context.run(role.set, "spoilt")
    play.fail()
    assert play.lines == [
        "on_failure of ValueError('boom') as spoilt",
        "on_stop of ValueError('boom') as spoilt",
        "on_restart as a",
    ]
    assert play.a.actor is not first
    assert play.told.lines[1:] == ["restarted a"]
    hooked: Any = play.a.actor
    assert (hooked.failed_with, play.a.failure) == (None, None)


def test_restart_keeps_the_mailbox() -> None:
    """The next life handles stashed messages, then waiting ones."""
    play = Play(Restart())
    play.a.put(envelope_of(Note("y")))
    play.a.set_aside(envelope_of(Note("x")))
    play.fail()
    assert play.lines[-2:] == ["x as a", "y as a"]


def test_asks_at_a_restart() -> None:
    """Asks in the mailbox and the stash survive; taken ones fail."""
    play = Play(Restart())
    taken, waits, aside = (play.put_ask() for _ in range(3))
    for number in (taken, waits, aside):
        play.a.owe(number, play.asks.is_pending)
    play.a.put(envelope_of(Read(), "", waits))
    play.a.set_aside(envelope_of(Read(), "", aside))
    play.a.put(envelope_of(Note("x"), "", taken, TICK))
    play.supervisor.fail(play.a, "Note", BOOM)
    assert list(play.outcomes) == [taken]
    assert "restarted before it answered" in str(play.outcomes[taken])
    assert messages_in(play.a)[:2] == ["Read", "Read"]


def test_timers_at_a_restart() -> None:
    """Those of the last life do not fire in the next one."""
    play = Play(Restart())
    payload = envelope_of(Note("late")).payload
    for path in ("a", "b"):
        play.timers.arm(
            play.timers.next_key(path), Timer(1.0, payload, None, UNBOUNDED)
        )
    play.fail()
    assert list(play.timers.armed) == [("b", 1)]


def test_pause_before_a_restart() -> None:
    """The pause grows, messages wait, and nothing of the old life is left."""
    play = Play(Restart(delay=1.0))
    for number, begins in enumerate((1.0, 3.0)):
        play.fail()
        play.a.put(envelope_of(Note(f"note {number}")))
        play.dispatcher.go_to(begins - 0.5)
        play.run()
        assert play.state() is State.RESTARTING
        assert play.lines[-1] == "on_stop of ValueError('boom') as a"
        play.dispatcher.go_to(begins)
        play.run()
        assert play.lines[-1] == f"note {number} as a"


def test_stop_in_the_pause() -> None:
    """It ends at once; its last life has had its `on_stop`."""
    play = Play(Restart(delay=1.0))
    play.fail()
    play.a.signal(Envelope(b"", "", 0, None, STOP_NOW))
    play.run()
    assert play.state() is State.ENDED
    assert play.lines.count("on_stop of ValueError('boom') as a") == 1
    assert play.timers.armed == {}
    play.dispatcher.go_to(9.0)
    play.run()
    assert play.lines[-1] == "on_stop of ValueError('boom') as a"


def test_restart_waits_for_children() -> None:
    """They end first, and only then the actor has its `on_stop` and begins again."""
    play = Play(Restart())
    child = play.add("a/c", Hooked(play.lines, waits=("on_stop",)), parent=play.a)
    play.fail()
    assert play.lines[-1] == "on_stop of None as nobody"
    assert play.state() is State.RESTARTING
    turn: Any = child.turn
    turn.wake()
    play.run()
    assert play.lines[-3:] == [
        "on_stop is over",
        "on_stop of ValueError('boom') as a",
        "on_restart as a",
    ]


def test_restart_waits_for_an_async_stop() -> None:
    """The next life begins when the last one has ended."""
    play = Play(Restart(), waits=("on_stop",))
    play.fail()
    assert play.state() is State.RESTARTING
    play.wake()
    assert play.lines[-2:] == ["on_stop is over", "on_restart as a"]


def test_factory_that_raises() -> None:
    """Creating the next actor is part of its start: an error is another failure."""
    play = Play(Restart(limit=3))

    def make() -> Hooked:
        raise LookupError("no actor")

    play.a.make = make
    play.fail()
    assert play.state() is State.ENDED
    assert [one.message for one in play.failures.kept] == ["Note"] + ["on_start"] * 3


def test_restart_without_anything_to_begin_with() -> None:
    """Then it stops."""
    play = Play(Restart())
    play.a.make = None
    play.fail()
    assert play.state() is State.ENDED


def test_persistent_outlives_a_restart() -> None:
    """A new actor has the old `persistent` data."""
    play = Play(Restart())
    actor: Any = play.a.actor
    actor.persistent = kept = Note("as if a struct")
    play.fail()
    begun: Any = play.a.actor
    assert begun is not actor
    assert begun.persistent is kept


# -- stopping -------------------------------------------------------------------


def test_stop() -> None:
    """`on_stop` runs, and waiting messages become dead letters."""
    play = Play()
    play.a.put(envelope_of(Note("x"), number=1))
    play.a.signal(Envelope(b"", "", 0, None, STOP_NOW))
    play.run()
    assert play.lines == ["on_stop of None as a"]
    assert play.told.lines == [
        "lost Note: the actor has stopped",
        "stopped a: the actor has stopped",
    ]


def test_stop_that_drains() -> None:
    """Earlier messages are handled, later ones are lost."""
    play = Play()
    play.a.put(envelope_of(Note("x")))
    play.a.put(Envelope(b"", "", 0, None, STOP))
    play.a.put(envelope_of(Note("y")))
    play.run()
    assert play.lines == ["x as a", "on_stop of None as a"]
    assert play.lost.count == 1


@pytest.mark.parametrize("drain", [True, False])
def test_stop_of_a_handler_that_waits(*, drain: bool) -> None:
    """One that drains waits for it; another cancels it, which is no failure."""
    play = Play()
    number = play.put_ask()
    play.a.put(envelope_of(Blow("x"), "", number))
    play.run()
    if drain:
        play.supervisor.begin_stop(play.a, drain=True)
        play.run()
        assert (play.state(), play.lines) == (State.STOPPING, [])
        play.wake()
        assert play.failures.count == 1
        assert play.lines[-1] == "on_stop of ValueError('x') as a"
    else:
        play.a.signal(Envelope(b"", "", 0, None, STOP_NOW))
        play.run()
        assert play.failures.count == 0
        assert play.lines == ["on_stop of None as a"]
        assert isinstance(play.outcomes[number], ActorStoppedError)
    assert play.state() is State.ENDED


def test_children_end_first() -> None:
    """The youngest first, and `on_stop` of the parent last of all."""
    play = Play()
    for name in "bc":
        play.add(f"a/{name}", Hooked(play.lines), parent=play.a)
    play.a.signal(Envelope(b"", "", 0, None, STOP_NOW))
    play.run()
    assert play.ended == ["a/c", "a/b", "a"]
    assert play.lines[-1] == "on_stop of None as a"


def test_children_drain_with_their_parent() -> None:
    """They also handle their waiting messages first."""
    play = Play()
    child = play.add("a/b", Hooked(play.lines), parent=play.a)
    child.put(envelope_of(Note("x")))
    play.a.put(Envelope(b"", "", 0, None, STOP))
    play.run()
    assert play.lines == [
        "x as nobody",
        "on_stop of None as nobody",
        "on_stop of None as a",
    ]


def test_second_stop_does_not_wait_for_what_drains() -> None:
    """It is passed on to children that are draining."""
    play = Play()
    child = play.add("a/b", Hooked(play.lines, waits=("x",)), parent=play.a)
    child.put(envelope_of(Blow()))
    play.run()
    play.a.put(Envelope(b"", "", 0, None, STOP))
    play.run()
    assert (play.state(), child.life) == (State.STOPPING, State.RUNNING)
    play.a.signal(Envelope(b"", "", 0, None, STOP_NOW))
    play.run()
    assert play.ended == ["a/b", "a"]


def test_stop_of_who_has_ended() -> None:
    """There is nothing to be done."""
    play = Play()
    for _ in range(2):
        play.supervisor.begin_stop(play.a, drain=False)
    assert play.ended == ["a"]


def test_on_stop_that_raises() -> None:
    """It is noted, and the actor ends."""
    play = Play(raises={"on_stop": BOOM})
    play.supervisor.begin_stop(play.a, drain=False)
    assert play.failures.kept[0].message == "on_stop"
    assert play.told.lines[-1] == "stopped a: the actor has stopped"
    assert play.state() is State.ENDED


def test_on_stop_that_waits() -> None:
    """The System waits for it, no second stop cuts it short, and it may raise."""
    play = Play(raises={"on_stop": BOOM}, waits=("on_stop",))
    for _ in range(2):
        play.supervisor.begin_stop(play.a, drain=False)
    play.run()
    assert play.state() is State.STOPPING
    play.wake()
    assert play.state() is State.ENDED
    assert play.failures.kept[0].message == "on_stop"


def test_on_stop_that_is_late() -> None:
    """After `stop_timeout` it is abandoned, which is noted, and the actor ends."""
    play = Play(waits=("on_stop",))
    play.supervisor.stop_timeout = 2.0
    play.supervisor.begin_stop(play.a, drain=False)
    play.run()
    play.dispatcher.go_to(1.9)
    assert play.state() is State.STOPPING
    play.dispatcher.go_to(2.0)
    assert play.state() is State.ENDED
    (kept,) = play.failures.kept
    assert kept.reason == "TimeoutError: on_stop has not ended in 2 s"
    assert "on_stop is over" not in play.lines


def test_on_stop_that_ends_in_time() -> None:
    """Its deadline is taken back with it."""
    play = Play(waits=("on_stop",))
    play.supervisor.begin_stop(play.a, drain=False)
    play.run()
    play.wake()
    assert play.state() is State.ENDED
    assert play.dispatcher.alarms.next_due() is None


@pytest.mark.parametrize("waits", [(), ("on_stop",)])
def test_on_stop_that_escalates(waits: tuple[str, ...]) -> None:
    """An escalating error there also escalates."""
    error = KeyboardInterrupt()
    play = Play(raises={"on_stop": error}, waits=waits)
    play.supervisor.escalates = (KeyboardInterrupt,)
    play.supervisor.begin_stop(play.a, drain=False)
    play.run()
    if waits:
        play.wake()
    assert (play.escalated, play.state()) == ([error], State.ENDED)


@pytest.mark.parametrize("restarts", [True, False])
def test_failure_beside_on_stop(*, restarts: bool) -> None:
    """A failure while a life ends is noted and changes nothing: `on_stop` continues.

    An actor that is about to begin again does so; its first failure is the reason.
    """
    play = Play(Restart(), waits=("on_stop",))
    if restarts:
        play.fail()
    else:
        play.supervisor.begin_stop(play.a, drain=False)
    play.run()
    assert play.state() is (State.RESTARTING if restarts else State.STOPPING)
    play.supervisor.fail(play.a, "a task", KeyError("beside"))
    play.run()
    assert play.failures.count == (2 if restarts else 1)
    assert (play.a.cause is BOOM) is restarts
    play.wake()
    assert "on_stop is over" in play.lines
    assert play.supervisor.restarted == (1 if restarts else 0)


def test_failure_of_a_handler_that_drains() -> None:
    """It has failed, `on_stop` gets the error, and it stops."""
    play = Play(Restart())
    play.a.put(envelope_of(Blow("x")))
    play.run()
    play.supervisor.begin_stop(play.a, drain=True)
    play.fail(error=KeyError("beside"))
    assert play.lines[-1] == "on_stop of KeyError('beside') as a"
    assert (play.state(), play.supervisor.restarted) == (State.ENDED, 0)


# -- tasks ----------------------------------------------------------------------


class Tasks:
    """Some tasks of an actor, which end when the test says so."""

    def __init__(self) -> None:
        self.left = 2
        self.then: Callable[[], None] | None = None
        self.cancelled = 0

    def __len__(self) -> int:
        return self.left

    def cancel_all(self, then: Callable[[], None]) -> None:
        """Remember that."""
        self.cancelled += 1
        self.then = then

    def end(self) -> None:
        """End all."""
        self.left = 0
        assert self.then is not None
        self.then()


def test_tasks_end_with_the_actor() -> None:
    """After `on_stop` they are cancelled, once, and waited for."""
    play, tasks = Play(), Tasks()
    play.a.tasks = tasks
    for _ in range(2):
        play.supervisor.begin_stop(play.a, drain=False)
    play.supervisor.go_on(play.a)
    assert play.lines == ["on_stop of None as a"]
    assert (play.state(), tasks.cancelled) == (State.STOPPING, 1)
    tasks.end()
    assert play.state() is State.ENDED


def test_tasks_that_are_late() -> None:
    """After `stop_timeout` the actor ends without them, and it is noted how many."""
    play, tasks = Play(), Tasks()
    play.a.tasks = tasks
    play.supervisor.begin_stop(play.a, drain=False)
    play.dispatcher.go_to(5.0)
    assert play.state() is State.ENDED
    (kept,) = play.failures.kept
    assert kept.reason == "TimeoutError: 2 of its tasks have not ended in 5 s"
    tasks.end()
    assert play.ended == ["a"]


def test_tasks_end_before_a_restart() -> None:
    """The next life begins without those of the last one."""
    play, tasks = Play(Restart()), Tasks()
    play.a.tasks = tasks
    play.fail()
    assert play.state() is State.RESTARTING
    tasks.end()
    play.run()
    assert (play.state(), len(play.a.tasks or ())) == (State.RUNNING, 0)


def test_late_signals() -> None:
    """A restart of an ended actor has no effect."""
    play = Play()
    play.a.signal(Envelope(b"", "", 0, None, RESTART))
    play.run()
    assert (play.state(), play.lines) == (State.RUNNING, [])


def test_who_cancels_itself() -> None:
    """A handler that is cancelled has failed, unless its actor is being stopped."""
    play = Play()
    play.a.put(envelope_of(Blow("x")))
    play.run()
    turn: Any = play.a.turn
    turn.cancel()
    play.run()
    assert play.failures.kept[0].reason == "Cancelled: "
    assert play.state() is State.ENDED
