"""From the mailbox to the end of the handler: messages, signals, answers, waits."""

import contextvars
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError, NoAnswerError
from ccw_actors.runtime import Actor, Message, Request, Restart, receive
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._values.envelope import (
    RESTART,
    STOP,
    STOP_NOW,
    TICK,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Envelope,
    Letter,
    Stamp,
)
from ccw_actors.runtime._values.timer import Timer
from tests.runtime.kernel.cast import (
    ENCODE,
    Blow,
    Count,
    Keeper,
    Note,
    Pause,
    Read,
    envelope_of,
    messages_in,
)
from tests.runtime.kernel.parts import Parts

trace = contextvars.ContextVar("trace", default="none")


class Do(Request[Count], frozen=True):
    """Makes the handler run a function of the test."""

    name: str = ""


class Doer(Actor[Do | Note]):
    """Runs functions of the test; raises an `Exception` among its lines."""

    def __init__(self, does: Callable[["Doer"], Any]) -> None:
        self.does = does
        self.lines: list[object] = []

    @receive
    def do(self, message: Do) -> Any:
        """Do it."""
        self.lines.append(message.name)
        return self.does(self)

    @receive(state="closed")
    def note(self, message: Note) -> None:
        """Keep."""
        self.lines.append(message.text)


class Play(Parts):
    """An actor "a", and code outside that asks it."""

    def __init__(self, does: Callable[[Doer], Any], *, observed: bool = False) -> None:
        super().__init__(observed=observed)
        self.doer = Doer(does)
        self.a = self.add("a", self.doer)

    def do(self, name: str = "", *, sender: str = "") -> int:
        """Ask it; return the number of the ask."""
        number = self.put_ask()
        stamp = 100 + number if self.observers.stamps else 0
        self.a.put(envelope_of(Do(name), sender, number, number=stamp))
        return number

    def wake(self, error: BaseException | None = None) -> None:
        """Continue the waiting handler."""
        turn: Any = self.a.turn
        turn.wake(error=error)
        self.run()


def run_once(parts: Parts, cell: Cell, limit: int = 8) -> int:
    """Run an actor like a dispatcher; return how many messages it handled."""
    handled: int = cell.context.run(parts.invoker.run, cell, limit)
    parts.running.leave()
    return handled


# -- messages -------------------------------------------------------------------


@pytest.mark.parametrize("form", ["bytes", "pair", "envelope", "observed"])
def test_message_in_each_form(form: str) -> None:
    """The handler gets it decoded; while it runs, it is known what is handled."""
    seen: list[tuple[str, Envelope | None]] = []
    payload = ENCODE(Do("x"))
    forms: dict[str, tuple[Letter, str]] = {
        "bytes": (payload, ""),
        "pair": ((payload, "b"), "b"),
        "envelope": (envelope_of(Do("x"), "b"), "b"),
        "observed": (envelope_of(Do("x"), "b", number=5), "b"),
    }

    def look(_doer: Doer) -> None:
        seen.append((play.running.address, play.running.envelope))

    play = Play(look, observed=form == "observed")
    letter, sender = forms[form]
    play.a.mailbox = None
    play.a.put(envelope_of(Do("first")))
    mailbox: Any = play.a.mailbox
    mailbox.append(letter)
    assert run_once(play, play.a) == 2
    assert play.doer.lines == ["first", "x"]
    address, envelope = seen[1]
    assert (address, envelope and envelope.sender) == ("a", sender)
    assert (play.running.address, play.running.letter) == ("", None)
    assert play.told.lines == (["handled 5 Do at a"] if form == "observed" else [])


def test_limit() -> None:
    """No more than that are handled at once, and they are counted."""
    parts, keeper = Parts(), Keeper()
    cell = parts.add("a", keeper)
    for text in "uvwxyz":
        cell.put(envelope_of(Note(text)))
    assert [run_once(parts, cell, 4), run_once(parts, cell, 4)] == [4, 2]
    assert (cell.handled, keeper.texts) == (6, list("uvwxyz"))
    assert run_once(parts, cell, 4) == 0


class Wrong(Message, frozen=True, tag="Note"):
    """Looks like a note, and has a number for its text."""

    text: int


@pytest.mark.parametrize("number", [0, 5])
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Count(1), "Count"),
        (Wrong(7), "Note: Expected `str`, got `int`"),
    ],
)
def test_message_that_is_refused(message: Message, reason: str, number: int) -> None:
    """A message that an actor cannot decode is lost; the actor continues."""
    parts, keeper, lost = Parts(), Keeper(), list[str]()
    parts.lost.told = lambda _path, _envelope, why: lost.append(why)
    cell = parts.add("a", keeper)
    cell.put(envelope_of(message, number=number))
    cell.put(envelope_of(Note("next")))
    assert run_once(parts, cell) == 2
    (why,) = lost
    assert why.startswith(f"refused: {reason}")
    assert keeper.texts == ["next"]
    assert parts.failures.count == 0


def test_bytes_that_are_no_message() -> None:
    """They are refused as well."""
    parts = Parts()
    cell = parts.add("a")
    cell.put(Envelope(b"\xc1nonsense", "", 0, None))
    run_once(parts, cell)
    assert (parts.lost.count, parts.failures.count) == (1, 0)


@pytest.mark.parametrize("number", [0, 5])
def test_message_that_its_behaviour_does_not_handle(number: int) -> None:
    """It is refused, and the reason names the behaviour."""
    play, lost = Play(lambda doer: doer.lines.append("done")), list[str]()
    play.lost.told = lambda _path, _envelope, why: lost.append(why)
    for behaviour in ("", "closed"):
        play.a.behave(play.doer, behaviour)
        play.a.put(envelope_of(Note("x"), number=number))
        run_once(play, play.a)
    assert lost == [
        "refused: Note: no handler for it in the first behaviour",
    ]
    assert play.doer.lines == ["x"]


# -- failures -------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 5])
@pytest.mark.parametrize(
    "error", [ValueError(), TypeError(), KeyError(), RecursionError(), GeneratorExit()]
)
def test_handler_that_raises(error: BaseException, number: int) -> None:
    """Any exception is a failure, also one of a decoder's type."""

    def fail(_doer: Doer) -> None:
        raise error

    play = Play(fail, observed=bool(number))
    asked = play.do()
    play.a.put(envelope_of(Do("next")))
    run_once(play, play.a)
    assert play.doer.lines == [""]
    assert isinstance(play.outcomes[asked], ActorFailedError)
    assert play.outcomes[asked].__cause__ is error
    assert play.failures.kept[0].message == "Do"


@pytest.mark.parametrize("waits", [False, True])
def test_answer_that_is_no_message(*, waits: bool) -> None:
    """It is a failure that names the expected and the given type."""

    async def later() -> str:
        await Pause()
        return "text"

    play = Play(lambda _doer: later() if waits else "text")
    asked = play.do()
    play.run()
    if waits:
        play.wake()
    assert str(play.outcomes[asked]) == (
        "a failed on Do: TypeError: Do was answered with 'text', which is a str, not a"
        " message; expected Count"
    )


def test_answer_that_cannot_travel() -> None:
    """The answering actor fails."""
    wrong: Any = Count(1j)  # type: ignore[arg-type]
    play = Play(lambda _doer: wrong)
    asked = play.do()
    play.run()
    assert "TypeError" in str(play.outcomes[asked])
    assert play.failures.count == 1


# -- answers --------------------------------------------------------------------


@pytest.mark.parametrize("observed", [False, True])
def test_answer(*, observed: bool) -> None:
    """The asker gets the answer."""
    play = Play(lambda _doer: Count(3), observed=observed)
    asked = play.do()
    play.run()
    assert play.outcomes == {asked: Count(3)}


@pytest.mark.parametrize("observed", [False, True])
def test_answer_to_what_was_told(*, observed: bool) -> None:
    """An actor that has told the request gets a message; the outside gets none."""
    play = Play(lambda _doer: Count(3), observed=observed)
    teller = play.add("b")
    for sender in ("b", ""):
        play.a.put(envelope_of(Do(), sender, number=7 if observed else 0))
    run_once(play, play.a)
    assert messages_in(teller) == ["Count"]
    assert play.lost.count == 1


def test_late_answer() -> None:
    """An answer to an ask that no longer waits is lost, and counted."""
    play = Play(lambda _doer: Count(3))
    play.asks.forget(play.do())
    play.run()
    assert (play.lost.count, play.asks.late) == (1, 1)


def test_answer_from_another_thread() -> None:
    """It takes the way by the System's thread, and comes from the actor."""
    play = Play(lambda _doer: Count(3))
    asked = play.do()
    play.a.context.run(play.invoker.run, play.a, 8, Running("a"))
    play.calls.drain_all()
    assert play.outcomes == {asked: Count(3)}


@pytest.mark.parametrize("how", ["taken", "aside", "aside and back"])
def test_answer_that_comes_later(how: str) -> None:
    """An actor that read `reply_to` or stashed the request need not answer at once."""

    def take(_doer: Doer) -> None:
        envelope = play.running.envelope
        assert envelope is not None
        if how == "taken":
            play.a.owe(envelope.ask, play.asks.is_pending)
            return
        play.a.set_aside(envelope)
        if how == "aside and back":
            play.a.put_back()

    play = Play(take)
    play.do()
    run_once(play, play.a, 1)
    assert play.outcomes == {}


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("observed", [False, True])
def test_answer_that_never_comes(*, waits: bool, observed: bool) -> None:
    """The ask raises an error with the expected type; the actor continues."""

    async def later() -> None:
        await Pause()

    play = Play(lambda _doer: later() if waits else None, observed=observed)
    asked = play.do()
    play.run()
    if waits:
        play.wake()
    error = play.outcomes[asked]
    assert isinstance(error, NoAnswerError)
    assert "expected Count, got None" in str(error)
    assert (play.failures.count, play.ended) == (0, [])


def test_answer_of_who_stops() -> None:
    """If a handler stops its actor without an answer, the ask raises."""

    def stop(_doer: Doer) -> None:
        play.supervisor.begin_stop(play.a, drain=False)

    play = Play(stop)
    asked = play.do()
    play.run()
    assert isinstance(play.outcomes[asked], ActorStoppedError)


# -- handlers that wait -----------------------------------------------------------


async def wait_and_answer(doer: Doer) -> Count:
    """Wait twice, then answer."""
    for text in ("one", "two"):
        await Pause()
        doer.lines.append(text)
    return Count(len(doer.lines))


@pytest.mark.parametrize("observed", [False, True])
def test_no_message_is_handled_during_a_wait(*, observed: bool) -> None:
    """The next message begins when the handler has ended."""
    play = Play(wait_and_answer, observed=observed)
    first, _ = play.do("first"), play.do("second")
    play.run()
    assert play.doer.lines == ["first"]
    play.wake()
    assert play.doer.lines == ["first", "one"]
    play.wake()
    assert play.doer.lines == ["first", "one", "two", "second"]
    assert play.outcomes == {first: Count(3)}


def test_what_is_handled_when_a_handler_goes_on() -> None:
    """It is its own message again, and not the last handled one."""
    senders: list[str] = []

    async def look(_doer: Doer) -> Count:
        await Pause()
        envelope = play.running.envelope
        senders.append("" if envelope is None else envelope.sender)
        return Count(0)

    play = Play(look)
    other = play.add("b")
    play.do(sender="asker")
    play.run()
    other.put(envelope_of(Note("x"), "another"))
    play.run()
    play.wake()
    assert senders == ["asker"]


def test_handler_that_raises_after_a_wait() -> None:
    """It is a failure on its message."""

    async def fail(_doer: Doer) -> Count:
        await Pause()
        raise ValueError("boom")

    play = Play(fail)
    asked = play.do()
    play.run()
    play.wake()
    assert str(play.outcomes[asked]) == "a failed on Do: ValueError: boom"
    assert play.ended == ["a"]


def test_ask_of_a_handler() -> None:
    """The answer goes to the waiting handler, and not into the mailbox."""

    async def ask(_doer: Doer) -> Count:
        turn: Any = play.running.turn
        pending = play.asks.begin("b", "a", Read, 9.0, turn)
        play.delivery.put_ask(pending, envelope_of(Read(), "a", pending.number))
        answer: Count = await pending
        return answer

    play = Play(ask, observed=True)
    keeper = Keeper()
    keeper.texts += "xyz"
    play.add("b", keeper)
    asked = play.do()
    play.run()
    assert play.outcomes == {asked: Count(3)}
    assert play.told.lines[-2:] == ["handled 1 Count at a", "handled 2 Count at "]


# -- signals ----------------------------------------------------------------------


def test_signals_come_first() -> None:
    """A stop comes before messages that were there before it."""
    play = Play(lambda _doer: Count(0))
    asked = play.do()
    play.a.signal(Envelope(b"", "", 0, None, STOP_NOW))
    play.run()
    assert play.doer.lines == []
    assert isinstance(play.outcomes[asked], ActorStoppedError)


def test_signal_by_itself() -> None:
    """One that was taken out of the system lane is handled as that actor."""
    play, addresses = Play(lambda _doer: None), list[str]()
    watching = play.supervisor.begin_stop

    def begin_stop(cell: Cell, *, drain: bool) -> None:
        addresses.append(play.running.address)
        watching(cell, drain=drain)

    play.supervisor.begin_stop = begin_stop  # type: ignore[method-assign]
    play.invoker.signalled(play.a, Envelope(b"", "", 0, None, STOP_NOW))
    assert (addresses, play.ended) == (["a"], ["a"])


def test_messages_wait_while_signals_do() -> None:
    """A run that has handled signals continues with messages if the actor lives."""
    parts, keeper = Parts(), Keeper()
    cell = parts.add("a", keeper)
    cell.signal(Envelope(b"", "", 0, None, RESTART))
    cell.put(envelope_of(Note("x")))
    assert run_once(parts, cell) == 1
    assert (keeper.texts, cell.signals) == (["x"], deque())


def test_stop_in_its_place() -> None:
    """Messages behind a draining stop are not handled in the same run either."""
    parts, keeper = Parts(), Keeper()
    cell = parts.add("a", keeper)
    cell.put(envelope_of(Note("before")))
    cell.put(Envelope(b"", "", 0, None, STOP))
    cell.put(envelope_of(Note("after")))
    assert run_once(parts, cell) == 2
    assert keeper.texts == ["before", "on_stop"]
    assert parts.lost.count == 1


def test_watching() -> None:
    """A watch keeps its place among the messages of who watches."""
    play = Play(lambda _doer: Count(0))
    for kind, watcher in ((WATCH, "b"), (WATCH, "c"), (UNWATCH, "b")):
        play.a.put(Envelope(b"", watcher, 0, None, kind))
    run_once(play, play.a)
    watchers: dict[str, None] = play.a.watchers or {}
    assert list(watchers) == ["c"]
    assert not play.a.exempt_in - play.a.exempt_out


def test_restart_ends_a_run() -> None:
    """A restarted actor has another context, and so another run."""
    parts = Parts()
    cell = parts.add("a", supervision=Restart())
    cell.make = Keeper
    cell.origin = contextvars.Context()
    for message in (Blow(), Note("x")):
        cell.put(envelope_of(message))
    context = cell.context
    assert run_once(parts, cell) == 1
    parts.run()
    keeper: Any = cell.actor
    assert keeper.texts == ["on_start", "x"]
    assert cell.context is not context


@pytest.mark.parametrize("number", [0, 5])
def test_tick(number: int) -> None:
    """A periodic timer's message is handled like one that the actor told itself.

    From then on its timer may fire again; its number is none of an ask.
    """
    senders: list[str] = []

    def look(_doer: Doer) -> None:
        envelope = play.running.envelope
        senders.append("" if envelope is None else f"{envelope.sender} {envelope.ask}")

    play = Play(look)
    asked = play.put_ask()
    key = play.timers.next_key("a")
    assert key[1] == asked
    play.timers.arm(key, Timer(1.0, b"", None, TICK, 1.0, waiting=True))
    play.a.put(envelope_of(Do(), "a", asked, TICK, number=number))
    run_once(play, play.a)
    assert senders == ["a 0"]
    assert not play.timers.armed[key].waiting
    assert play.outcomes == {}


def test_what_does_not_count() -> None:
    """A handled reply does not affect the count of messages."""
    parts, keeper = Parts(), Keeper()
    cell = parts.add("a", keeper)
    for text in "xy":
        cell.put(envelope_of(Note(text), kind=UNBOUNDED))
    run_once(parts, cell)
    assert keeper.texts == ["x", "y"]
    assert cell.exempt_in == cell.exempt_out == 2


# -- traces -----------------------------------------------------------------------


class Traces:
    """Keeps the trace in a context variable, and counts who is inside."""

    inside = 0

    def inject(self) -> str:
        """Return the current trace."""
        return trace.get()

    def attach(self, traceparent: str) -> object:
        """Enter the trace."""
        self.inside += 1
        return trace.set(traceparent)

    def detach(self, token: Any) -> None:
        """Leave the trace."""
        self.inside -= 1
        trace.reset(token)


@pytest.mark.parametrize("how", ["plain", "waits", "raises", "waits and raises"])
def test_trace(how: str) -> None:
    """A handler is in the trace of its message from its beginning to its end."""
    seen: list[str] = []

    async def later(_doer: Doer) -> Count:
        seen.append(trace.get())
        await Pause()
        seen.append(trace.get())
        return end()

    def at_once(_doer: Doer) -> Count:
        seen.append(trace.get())
        return end()

    def end() -> Count:
        if how.endswith("raises"):
            raise ValueError
        return Count(0)

    play = Play(later if how.startswith("waits") else at_once)
    traces = Traces()
    play.observers.propagate(traces)
    context = play.a.context
    stamp = Stamp(1, 0, 0.0, Do, "the trace")
    play.a.put(Envelope(ENCODE(Do()), "", play.put_ask(), stamp))
    play.run()
    if how.startswith("waits"):
        play.wake()
    assert set(seen) == {"the trace"}
    assert (traces.inside, context.run(trace.get)) == (0, "none")
    assert len(play.outcomes) == 1


# -- what a stepping dispatcher does -------------------------------------------------


def test_crash_on_a_message() -> None:
    """The actor fails as if its handler had raised; the ask fails."""
    play = Play(lambda _doer: Count(0))
    asked = play.put_ask()
    play.invoker.crash(play.a, envelope_of(Do(), "", asked), ValueError("boom"))
    play.run()
    assert str(play.outcomes[asked]) == "a failed on Do: ValueError: boom"
    assert play.doer.lines == []


def test_crash_between_messages() -> None:
    """It loses none."""
    play = Play(lambda _doer: Count(0))
    play.invoker.crash(play.a, None, ValueError("boom"))
    play.run()
    assert play.failures.kept[0].message == "no message"


def test_crash_of_a_handler_that_waits() -> None:
    """It fails on the message that it has in hand."""
    play = Play(wait_and_answer)
    asked = play.do()
    play.run()
    play.invoker.crash(play.a, None, ValueError("boom"))
    play.run()
    assert str(play.outcomes[asked]) == "a failed on Do: ValueError: boom"


def test_resume() -> None:
    """A waiting handler continues at once."""
    play = Play(wait_and_answer)
    play.do()
    play.run()
    turn: Any = play.a.turn
    turn.wake()
    play.invoker.resume(play.a, turn)
    assert play.doer.lines == ["", "one"]
    turn.close()
