"""What a scenario can say, and what becomes of it."""

from typing import Any, cast

import msgspec
import pykka
import pytest

from ccw_actors.errors import DispatcherError
from ccw_actors.explore import (
    ClockError,
    DeadLetter,
    Engine,
    Event,
    ExploreError,
    Network,
    Result,
    View,
    World,
    explore,
)
from ccw_actors.runtime import (
    Actor,
    Mailbox,
    Message,
    Request,
    Restart,
    Terminated,
    receive,
)

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")


class Say(Message, frozen=True):
    """A word."""

    word: str


class Ask(Request[Say], frozen=True):
    """Asks for a word."""


class BookState(msgspec.Struct):
    """The words, in order, and the timer set last."""

    words: list[str]
    timer: int = 0


class Book(Actor):
    """Keeps words, and obeys some of them."""

    state: BookState

    def __init__(self) -> None:
        self.state = BookState([])

    @receive
    def say(self, message: Say) -> None:
        """Keep a word, and obey it."""
        state = self.state
        state.words.append(message.word)
        match message.word:
            case "fail":
                raise ValueError("as told")
            case "stop":
                self.stop()
            case "spawn":
                self.watch(self.spawn(Book, "page"))
                self.system.ref(f"{self.path}/page").tell(Say("stop"))
            case "wait":
                state.timer = self.after(5, Say("rang"))
            case "every":
                state.timer = self.every(5, Say("rang"))
            case "cancel":
                self.cancel(state.timer)
            case "rang" if state.words.count("rang") == 3:
                self.cancel(state.timer)
            case "clock":
                state.words.append(f"{self.now():g}")
            case "stash":
                state.words.pop()
                self.stash()
            case _:
                pass

    @receive
    def ask(self, _message: Ask) -> Say:
        """Answer by the last word."""
        return Say(self.state.words[-1] if self.state.words else "")

    @receive
    def terminated(self, _message: Terminated) -> None:
        """Keep it."""
        self.state.words.append("ended")


def told(
    *words: tuple[str, str], ends: set[str] | None = None, **options: Any
) -> tuple[Result, set[str]]:
    """Explore a book that is told words, each by a source; return the ends it has."""
    found: set[str] = set()

    def scenario(world: World) -> None:
        book = world.spawn(Book(), "book", **options.get("book", {}))
        for source, word in words:
            world.inject(book, Say(word), source=source)
        if "may_fail" in options:
            world.may_fail(book)

        def note(view: View) -> bool:
            found.add(" ".join(view[book].words) if book in view else "(gone)")
            return ends is None or found <= ends

        world.final("ends as expected", note)

    engine: Engine = options.get("engine", "states")
    delivery: Network = options.get("delivery", "channel")
    return explore(scenario, engine=engine, delivery=delivery), found


@pytest.mark.parametrize("engine", ENGINES)
def test_sources_are_apart(engine: Engine) -> None:
    """What one source sends keeps its order; of two sources it may be any."""
    _, found = told(("x", "1"), ("x", "2"), ("y", "3"), engine=engine)
    assert found == {"1 2 3", "1 3 2", "3 1 2"}


@pytest.mark.parametrize("engine", ENGINES)
def test_timers_fire_at_any_time(engine: Engine) -> None:
    """A timer may fire before or after any message that comes once it is set."""
    _, found = told(("x", "wait"), ("x", "1"), engine=engine)
    assert found == {"wait 1 rang", "wait rang 1"}


@pytest.mark.parametrize("engine", ENGINES)
def test_cancelled_timers_do_not_fire(engine: Engine) -> None:
    """A timer that is cancelled may have fired before, and does not afterwards."""
    _, found = told(("x", "wait"), ("x", "cancel"), engine=engine)
    assert found == {"wait cancel", "wait rang cancel"}


def test_periodic_timers_go_on() -> None:
    """A periodic timer fires again and again until it is cancelled."""
    result, found = told(("x", "every"))
    assert found == {"every rang rang rang"}
    assert [str(step) for step in result.counterexample] == []
    assert result.steps == 4


@pytest.mark.parametrize("engine", ENGINES)
def test_clock_is_not_to_be_read(engine: Engine) -> None:
    """A handler that reads the clock is no function of state and message."""
    with pytest.raises(ClockError, match=r"book on Say reads the clock.*self\.after"):
        told(("x", "1"), ("x", "clock"), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_failure_refutes(engine: Engine) -> None:
    """A handler that raises is a fault, and nothing is logged or printed of it."""
    result, _ = told(("x", "1"), ("y", "fail"), engine=engine)
    assert result.verdict == "refuted"
    assert result.violation == "book failed on Say: ValueError: as told"
    assert str(result.counterexample[-1]) == "y > book: Say(word='fail')"


def test_exploring_is_silent(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed, and failures that are explored are not logged."""
    told(("x", "fail"), ("y", "fail"), may_fail=True)
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("engine", ENGINES)
def test_failure_that_is_allowed(engine: Engine) -> None:
    """An actor that may fail does what its supervision says, in every order."""
    options: dict[str, Any] = {"engine": engine, "may_fail": True}
    _, found = told(("x", "1"), ("y", "fail"), **options)
    assert found == {"(gone)"}
    options["book"] = {"supervision": Restart()}
    _, found = told(("x", "1"), ("y", "fail"), **options)
    assert found == {"", "1"}
    options["book"] = {"supervision": Restart(delay=1.0)}
    result, found = told(("x", "1"), ("y", "fail"), **options)
    assert found == {"", "1"}
    assert result.verdict == "verified"


@pytest.mark.parametrize("engine", ENGINES)
def test_stop_overtakes(engine: Engine) -> None:
    """An actor that stops may or may not have handled what others have sent."""
    _, found = told(("x", "stop"), ("y", "1"), engine=engine)
    assert found == {"(gone)"}


@pytest.mark.parametrize("engine", ENGINES)
def test_children_are_explored(engine: Engine) -> None:
    """Actors that are spawned take part, and their end is told in any order."""
    _, found = told(("x", "spawn"), ("x", "1"), engine=engine)
    assert found == {"spawn 1 ended", "spawn ended 1"}


def test_messages_set_aside_for_ever_are_a_fault() -> None:
    """A System at rest with a message that nobody has handled is a deadlock."""
    result, _ = told(("x", "stash"))
    assert result.violation == "book: at rest, and leaves 1 message"


@pytest.mark.parametrize("first", ["book", "sender"])
def test_bound_of_a_mailbox(first: str) -> None:
    """A full mailbox refuses, in the orders in which it is full."""
    full: dict[str, set[str]] = {}

    class Sender(Actor):
        @receive
        def say(self, message: Say) -> None:
            """Pass it on."""
            self.system.ref("book").tell(message)

    def scenario(world: World) -> None:
        book, sender = (world.system.ref(path) for path in ("book", "sender"))
        for path in (first, *{"book", "sender"} - {first}):
            mailbox = Mailbox(1, "drop newest") if path == "book" else None
            world.spawn(Book() if path == "book" else Sender(), path, mailbox=mailbox)
        world.inject(sender, Say("1"))
        world.inject(sender, Say("2"))
        found = full.setdefault(world.delivery, set())

        def note(view: View) -> bool:
            found.add(" ".join(view[book].words))
            return True

        world.final("noted", note)

    for delivery in ("channel", "mailbox"):
        for engine in ENGINES:
            full.clear()
            explore(scenario, delivery=delivery, engine=engine)
            assert full[delivery] == {"1", "1 2"}


def test_monitor_sees_every_step() -> None:
    """A monitor is told who handled what from whom, and what was sent."""
    events: list[Event] = []

    def scenario(world: World) -> None:
        book = world.spawn(Book(), "book")
        asker = world.spawn(Book(), "asker")
        world.inject(book, Say("word"), source="asker")
        world.inject(book, Ask(), source="asker")

        def update(value: int, event: Event) -> int:
            events.append(event)
            return value + 1

        world.monitor(0, update)
        world.final("three steps", lambda view: view.monitor == 3)
        world.final("answered", lambda view: view[asker].words == ["word"])

    assert explore(scenario).verdict == "verified"
    assert events == [
        Event("book", "asker", Say("word"), ()),
        Event("book", "asker", Ask(), (("asker", Say("word")),)),
        Event("asker", "book", Say("word"), ()),
    ]


def test_sometimes_of_one_actor() -> None:
    """What an actor never is refutes a scenario that expected to see it."""

    def scenario(world: World) -> None:
        book = world.spawn(Book(), "book")
        world.inject(book, Say("1"))
        world.sometimes("is told", lambda state: state.words == ["1"], of=book)
        world.sometimes("is told twice", lambda state: len(state.words) == 2, of=book)

    for engine in ENGINES:
        result = explore(scenario, engine=engine)
        assert result.violation == "never: is told twice"


def test_view() -> None:
    """A view has all actors that exist, by path and by reference."""

    def scenario(world: World) -> None:
        book = world.spawn(Book(), "book")
        world.spawn(Book(), "other")

        def look(view: View) -> bool:
            there = book in view and "other" in view and "third" not in view
            return there and len(view) == 2 and set(view) == {"book", "other"}

        world.system_invariant("both are there", look)
        world.inject(book, Say("x"))

    assert explore(scenario).verdict == "verified"


def test_result_says_what_it_is_about() -> None:
    """The scope names actors, delivery, time and granularity."""
    result, _ = told(("x", "1"), delivery="mailbox")
    assert result.verdict == "verified"
    assert bool(result)
    assert result.scope == (
        "Covers all schedules of one actor under mailbox delivery, one handler at a"
        " time, timers firing at any time after they are set, handlers being functions"
        " of state and message."
    )


def test_step_of_a_timer() -> None:
    """A timer that fires is told from a message."""
    result, _ = told(("x", "wait"), ends=set())
    assert [str(step) for step in result.counterexample] == [
        "x > book: Say(word='wait')",
        "book timer 1: Say(word='rang')",
    ]


def test_injection_needs_an_actor() -> None:
    """A message for nobody is a mistake in the scenario."""

    def scenario(world: World) -> None:
        world.inject(world.system.ref("nobody"), Say("x"))

    with pytest.raises(ExploreError, match="cannot inject into 'nobody'"):
        explore(scenario)


def test_lives_on_an_unordered_network() -> None:
    """Actors end on an unordered network, too; what comes then is a dead letter."""
    words = ("x", "stop"), ("x", "1")
    result, _ = told(*words, delivery="unordered", ends={"(gone)"})
    assert result.verdict == "verified"
    assert result.dead_letters == (DeadLetter("book", "Say", "there is no such actor"),)


def test_threads_cannot_be_explored() -> None:
    """An actor in a thread is refused, and the error says what to do instead."""

    class Blocking(Actor):
        @receive
        def say(self, _message: Say) -> None:
            """Do nothing."""

    def scenario(world: World) -> None:
        world.system.spawn_thread(Blocking(), "blocking")

    with pytest.raises(DispatcherError, match=r"an actor in its place.*pykka\.md"):
        explore(scenario)


def test_pykka_actors_cannot_be_explored() -> None:
    """Nor can a Pykka actor be bridged."""

    class Foreign(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> None:
            """Do nothing."""
            del message

    foreign = Foreign.start()

    def scenario(world: World) -> None:
        world.system.bridge(foreign, "foreign", Say)

    try:
        with pytest.raises(DispatcherError, match=r"an actor in its place"):
            explore(scenario)
    finally:
        foreign.stop()


def test_what_cannot_be_explored_is_refused() -> None:
    """A name that is no engine is an error, not "verified"."""

    def nobody(world: World) -> None:
        world.sometimes("anything", lambda _: True)

    with pytest.raises(ExploreError, match="no engine 'stats', expected one of 'auto'"):
        explore(nobody, engine=cast("Engine", "stats"))
