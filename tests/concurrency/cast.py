"""What the tests of the guarantees are played with, besides the runtime's own cast."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import pytest

from ccw_actors.runtime import Actor, Failure, System, Terminated, receive
from ccw_actors.testkit import Recorder
from tests.runtime.cast import Carry, Collect, Note, Notes

PATIENCE = 10.0  # Real seconds that no test should come near.

virtual_time = pytest.mark.asyncio(loop_factories=["virtual"])
"""For a test that is about seconds: only there they pass by themselves."""


async def until(done: Callable[[], object]) -> None:
    """Let the loop go on until something is so, which must not need time to pass."""
    began = perf_counter()
    while not done():
        if perf_counter() - began > PATIENCE:
            raise TimeoutError(f"{done} is still false")
        await asyncio.sleep(0)


async def rest() -> None:
    """Let the loop go on for as long as messages of a small test may need."""
    for _ in range(20):
        await asyncio.sleep(0)


async def raised_by(ask: Awaitable[object]) -> BaseException:
    """Return what an ask raises."""
    try:
        answer = await ask
    except Exception as error:  # noqa: BLE001 - it is looked at
        return error
    raise AssertionError(f"nothing was raised, the answer is {answer!r}")


class Story(Recorder):
    """Keeps the beginnings and ends of actors, too, and all dead letters as text."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.lives: list[str] = []

    def spawned(self, actor: str) -> None:
        """Keep who."""
        self.lives.append(f"{actor} spawned")

    def restarted(self, actor: str) -> None:
        """Keep who."""
        self.lives.append(f"{actor} restarted")

    def stopped(self, actor: str, reason: str) -> None:
        """Keep who, and why."""
        self.lives.append(f"{actor}: {reason}")

    @property
    def lost(self) -> list[str]:
        """The texts of notes, or else the types of messages, that reached no actor.

        Each one is followed by the reason.
        """
        found: list[str] = []
        for event, reason in self.dead_letters:
            if not event.recipient:
                continue  # An answer to something that the test has told.
            message = self.message(event)
            what = message.text if isinstance(message, Note) else type(message).__name__
            found.append(f"{what}: {reason}")
        return found


class Waiter(Actor[Note | Carry | Collect]):
    """Remembers notes; a `Carry` waits in its handler until `gate` is opened."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.gate = asyncio.Event()
        self.inside = asyncio.Event()

    @receive
    def note(self, message: Note) -> None:
        """Remember."""
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
        """Remember the end."""
        self.texts.append("stopped")


class Watcher(Actor[Note | Terminated | Failure]):
    """Watches whoever it is given the path of; remembers who has ended, and failures.

    A path with a minus before it is watched no more.
    """

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.failures: list[Failure] = []

    @receive
    def note(self, message: Note) -> None:
        """Watch, or watch no more."""
        ref = self.system.ref(message.text.removeprefix("-"))
        if message.text.startswith("-"):
            self.unwatch(ref)
        else:
            self.watch(ref)

    @receive
    def terminated(self, message: Terminated) -> None:
        """Remember who, and why."""
        self.ends.append(f"{message.ref.path}: {message.reason}")

    @receive
    def failure(self, message: Failure) -> None:
        """Remember."""
        self.failures.append(message)


class Blocked(Actor[Note | Carry | Collect]):
    """For a thread: a `Carry` blocks it until `gate` is opened."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.gate = threading.Event()
        self.inside = threading.Event()

    @receive
    def note(self, message: Note) -> None:
        """Remember."""
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
        """Remember the end."""
        self.texts.append("stopped")


def in_a_thread(call: Callable[[], Any]) -> "asyncio.Future[Any]":
    """Call something in another thread; return the future of what it returns."""
    return asyncio.ensure_future(asyncio.to_thread(call))
