"""Pykka's threads and the event loop: the same verbs, and no useless waits."""

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pykka
import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    DispatcherError,
    MailboxFullError,
    MessageError,
)
from ccw_actors.runtime import Actor, Mailbox, Restart, System, Terminated, receive
from tests.concurrency.cast import (
    PATIENCE,
    Blocked,
    Story,
    in_a_thread,
    raised_by,
    until,
)
from tests.runtime.cast import (
    Blow,
    Carry,
    Collect,
    Deliver,
    Diary,
    Note,
    Notes,
    texts_of,
)

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[2]


class Foreign(pykka.ThreadingActor):
    """Written for Pykka: keeps notes, answers, raises, and may block."""

    use_daemon_thread = True

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.gate = threading.Event()
        self.inside = threading.Event()

    def on_receive(self, message: Any) -> Any:
        """Act on the type of the message."""
        match message:
            case Note(text):
                self.texts.append(text)
                return None
            case Carry(text):
                self.inside.set()
                self.gate.wait(PATIENCE)
                return Note(text)
            case Blow(reason):
                raise ValueError(reason)
            case Collect():
                return Notes(tuple(self.texts))
            case _:
                return 7


ACCEPTS = Note | Carry | Blow | Collect | Deliver


async def test_foreign_actor() -> None:
    """Others tell and ask it like any actor; its messages are copies, in order."""
    async with System() as system:
        ref = system.bridge(Foreign.start(), "foreign", ACCEPTS, stop=True)
        texts = tuple(str(number) for number in range(100))
        for text in texts:
            ref.tell(Note(text))
        assert await ref.ask(Collect()) == Notes(texts)


async def test_foreign_actor_that_raises() -> None:
    """Its exception fails only that ask."""
    async with System() as system:
        ref = system.bridge(Foreign.start(), "foreign", ACCEPTS, stop=True)
        error = await raised_by(ref.ask(Blow("loud")))
        assert isinstance(error, ActorFailedError)
        assert (error.actor, error.reason) == ("foreign", "ValueError: loud")
        assert await ref.ask(Collect()) == Notes(())


async def test_foreign_answer_that_is_no_message() -> None:
    """The ask fails, and its error says what was expected."""
    async with System() as system:
        ref = system.bridge(Foreign.start(), "foreign", ACCEPTS, stop=True)
        ref.tell(Deliver())
        await until(lambda: system.failures)
        assert "answers Deliver with a message or None, not with 7" in str(
            system.failures[0]
        )


async def test_foreign_actor_refuses() -> None:
    """Messages that it does not accept are refused and never reach it."""
    async with System() as system:
        ref = system.bridge(Foreign.start(), "foreign", Note, stop=True)
        assert isinstance(await raised_by(ref.ask(Collect())), MessageError)


async def test_foreign_actor_that_stops() -> None:
    """Asks fail, watchers are notified, and it no longer exists."""

    class Watcher(Actor[Terminated]):
        def __init__(self) -> None:
            self.ends: list[str] = []

        @receive
        def ended(self, message: Terminated) -> None:
            """Keep the message."""
            self.ends.append(f"{message.ref.path}: {message.reason}")

    async with System() as system:
        foreign = Foreign.start()
        ref = system.bridge(foreign, "foreign", ACCEPTS)
        watcher = Watcher()
        system.spawn(watcher, "watcher")
        watcher.watch(ref)
        actor: Any = foreign._actor_weakref()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        asked = asyncio.ensure_future(ref.ask(Carry("x")))
        assert await asyncio.to_thread(partial(actor.inside.wait, PATIENCE))
        _ = foreign.stop(block=False)
        waiting = asyncio.ensure_future(raised_by(ref.ask(Collect())))
        await asyncio.sleep(0)
        actor.gate.set()
        assert await asked == Note("x")
        assert isinstance(await waiting, ActorStoppedError)
        await until(lambda: watcher.ends)
        assert watcher.ends == ["foreign: the Pykka actor has stopped"]
        assert not ref.is_alive


class Window:
    """Is set after the actor stops."""

    def __init__(self, real: threading.Event) -> None:
        self.real = real

    def is_set(self) -> bool:
        """Return False."""
        return False


async def test_reply_that_pykka_loses() -> None:
    """A message in the inbox of a stopped actor ends with an error.

    Pykka looks whether an actor is alive and then puts the message into its inbox. The
    actor here seems alive for as long as that takes.
    """
    async with System() as system:
        foreign = Foreign.start()
        ref = system.bridge(foreign, "foreign", ACCEPTS)
        cell: Any = system._kernel.cells["foreign"]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        cell._foreign.actor_stopped = Window(foreign.actor_stopped)  # noqa: SLF001
        foreign.stop()
        assert isinstance(await raised_by(ref.ask(Collect())), ActorStoppedError)


class Caller(Diary):
    """Asks a diary, blocking."""

    @receive
    def carry(self, message: Carry) -> Note:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Ask, and answer with the answer."""
        return self.system.ref("diary").ask(message, block=True)


async def test_thread_that_asks_and_is_asked() -> None:
    """An actor in a thread asks the loop, blocking, while the loop keeps running."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary")
        ticks = 0
        asked = asyncio.ensure_future(
            system.spawn_thread(Caller(), "caller").ask(Carry("x"))
        )
        while not diary.state.carried:
            ticks += 1
            await asyncio.sleep(0)
        ref.tell(Deliver())
        assert await asked == Note("x")
        assert ticks > 0


@pytest.mark.parametrize(
    "hook", ["carry", "on_start", "on_stop", "state"], ids=lambda name: name
)
async def test_async_code_is_refused_in_a_thread(hook: str) -> None:
    """No loop runs in a thread: `spawn_thread` refuses async handlers and hooks."""

    async def wait(*_: object) -> None:
        """Wait."""

    async def carry(_self: object, _message: Carry) -> None:
        """Wait."""

    members: dict[str, Any] = {hook: wait}
    if hook == "carry":
        members = {"carry": receive(carry)}
    if hook == "state":
        members = {"carry": receive(state="busy")(carry)}
    kind = type("Async", (Actor,), members)
    async with System() as system:
        with pytest.raises(DispatcherError, match="is async, and no event loop runs"):
            system.spawn_thread(kind(), "thread")
        assert not system.is_alive("thread")


async def test_bound_from_a_thread() -> None:
    """A thread's undeliverable tell is a dead letter; its ask fails."""
    async with System() as system:
        story = Story(system)
        actor = Blocked()
        ref = system.spawn_thread(actor, "blocked", mailbox=Mailbox(2))
        ref.tell(Carry("x"))
        assert await asyncio.to_thread(partial(actor.inside.wait, PATIENCE))

        def flood() -> BaseException | None:
            for number in range(3):
                ref.tell(Note(str(number)))
            try:
                ref.ask(Collect(), block=True)
            except MailboxFullError as error:
                return error
            return None

        error = await in_a_thread(flood)
        assert isinstance(error, MailboxFullError)
        assert [text.partition(":")[0] for text in story.lost] == ["2"]
        actor.gate.set()
        await until(lambda: actor.texts == ["0", "1"])


async def test_restart_in_a_thread() -> None:
    """An actor in a thread restarts there, and handles the waiting messages."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn_thread(diary, "diary", supervision=Restart())
        ref.tell(Note("old"))
        error = await raised_by(ref.ask(Blow("loud")))
        assert isinstance(error, ActorFailedError)
        ref.tell(Note("new"))
        assert await ref.ask(Collect()) == Notes(("new",))
        assert texts_of(diary) == ["new"]


async def test_nothing_awaits_a_pykka_future() -> None:
    """Our code never gets or awaits a Pykka future, except one that is set."""
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted((ROOT / "ccw_actors").rglob("*.py"))
        for line in path.read_text().splitlines()
        if ".ask(message, block=False)" in line or "self.get(" in line
    ]
    assert found == [
        "pykka_asks.py: self.get(timeout=0)",
        "pykka_cell.py: _ = asking.ask(message, block=False)",
    ]
