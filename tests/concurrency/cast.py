"""The actors of the tests of the guarantees, in addition to the runtime's own cast."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import pytest

from ccw_actors.runtime import Actor, Failure, System, Terminated, receive
from ccw_actors.testkit import Recorder
from tests.runtime.cast import Carry, Collect, Note, Notes

PATIENCE = 10.0  # Real seconds that no test should reach.

virtual_time = pytest.mark.asyncio(loop_factories=["virtual"])
"""For a test about seconds: with this loop they pass without a wait."""


async def until(done: Callable[[], object]) -> None:
    """Run the loop until a condition holds, which must not need time to pass."""
    began = perf_counter()
    while not done():
        if perf_counter() - began > PATIENCE:
            raise TimeoutError(f"{done} is still false")
        await asyncio.sleep(0)


async def rest() -> None:
    """Run the loop as long as the messages of a small test may need."""
    for _ in range(20):
        await asyncio.sleep(0)


async def raised_by(ask: Awaitable[object]) -> BaseException:
    """Return the exception of an ask."""
    try:
        answer = await ask
    except Exception as error:  # noqa: BLE001 - it is looked at
        return error
    raise AssertionError(f"nothing was raised, the answer is {answer!r}")


class Story(Recorder):
    """Also keeps the starts and ends of actors, and all dead letters as text."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.lives: list[str] = []

    def spawned(self, actor: str) -> None:
        """Keep the actor."""
        self.lives.append(f"{actor} spawned")

    def restarted(self, actor: str) -> None:
        """Keep the actor."""
        self.lives.append(f"{actor} restarted")

    def stopped(self, actor: str, reason: str) -> None:
        """Keep the actor and the reason."""
        self.lives.append(f"{actor}: {reason}")

    @property
    def lost(self) -> list[str]:
        """The texts of notes, or else the types of messages, that reached no actor.

        Each one is followed by the reason.
        """
        found: list[str] = []
        for event, reason in self.dead_letters:
            if not event.recipient:
                continue  # An answer to a message from the test.
            message = self.message(event)
            what = message.text if isinstance(message, Note) else type(message).__name__
            found.append(f"{what}: {reason}")
        return found


class Waiter(Actor[Note | Carry | Collect]):
    """Keeps notes; the handler of a `Carry` waits until `gate` opens."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.gate = asyncio.Event()
        self.inside = asyncio.Event()

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        self.texts.append(message.text)

    @receive
    async def carry(self, message: Carry) -> Note:
        """Wait for the gate, then answer."""
        self.texts.append(f"begin {message.text}")
        self.inside.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.texts.append(f"cancelled {message.text}")
            raise
        self.texts.append(f"end {message.text}")
        return Note(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell."""
        return Notes(tuple(self.texts))

    def on_stop(self) -> None:
        """Note the end."""
        self.texts.append("stopped")


class Watcher(Actor[Note | Terminated | Failure]):
    """Watches the actor at each path it receives; keeps ends and failures.

    A path with a minus before it ends a watch.
    """

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.failures: list[Failure] = []

    @receive
    def note(self, message: Note) -> None:
        """Begin or end a watch."""
        ref = self.system.ref(message.text.removeprefix("-"))
        if message.text.startswith("-"):
            self.unwatch(ref)
        else:
            self.watch(ref)

    @receive
    def terminated(self, message: Terminated) -> None:
        """Keep the path and the reason."""
        self.ends.append(f"{message.ref.path}: {message.reason}")

    @receive
    def failure(self, message: Failure) -> None:
        """Keep the message."""
        self.failures.append(message)


class Blocked(Actor[Note | Carry | Collect]):
    """For a thread: a `Carry` blocks it until `gate` opens."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.gate = threading.Event()
        self.inside = threading.Event()

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        self.texts.append(message.text)

    @receive
    def carry(self, message: Carry) -> Note:
        """Block, then answer."""
        self.inside.set()
        self.gate.wait(PATIENCE)
        return Note(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell."""
        return Notes(tuple(self.texts))

    def on_stop(self) -> None:
        """Note the end."""
        self.texts.append("stopped")


def in_a_thread(call: Callable[[], Any]) -> "asyncio.Future[Any]":
    """Call a function in another thread; return the future of its result."""
    return asyncio.ensure_future(asyncio.to_thread(call))
