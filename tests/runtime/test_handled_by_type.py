"""A System counts the messages that its actors handle, by type."""

import asyncio
import gc
from collections import defaultdict
from threading import Thread

import pykka
import pytest

from ccw_actors.runtime import (
    Actor,
    Handled,
    Message,
    Observer,
    Request,
    System,
    VirtualDispatcher,
    receive,
)


class Note(Message, frozen=True):
    """A message."""


class Got(Message, frozen=True):
    """The answer to a request."""


class Get(Request[Got], frozen=True):
    """A request."""


class Taker(Actor[Note | Get]):
    """Takes notes, and answers requests."""

    @receive
    def note(self, message: Note) -> None:
        """Do nothing."""

    @receive
    async def get(self, _message: Get) -> Got:
        """Wait, and answer."""
        await asyncio.sleep(0)
        return Got()


class Foreign(pykka.ThreadingActor):
    """An actor of Pykka's that answers."""

    def on_receive(self, message: object) -> object:
        """Answer."""
        return Got() if isinstance(message, Get) else None


class Blocking(Actor[Note | Get]):
    """Answers on its own thread."""

    @receive
    def note(self, message: Note) -> None:
        """Do nothing."""

    @receive
    def get(self, _message: Get) -> Got:
        """Answer."""
        return Got()


class Messages(Observer):
    """Observes messages."""

    def __init__(self) -> None:
        self.types: list[str] = []

    def handled(self, event: Handled) -> None:
        """Keep the type."""
        self.types.append(event.message_type.__name__)


class Failures(Observer):
    """Observes failures alone."""

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Do nothing."""


@pytest.mark.asyncio
@pytest.mark.parametrize("observer", [None, Messages(), Failures()])
async def test_on_every_thread(observer: Observer | None) -> None:
    """Messages count on the loop, in threads and for foreign actors; answers do not."""
    async with System() as system:
        if observer is not None:
            system.observe(observer)
        foreign = Foreign.start()
        takers = (
            system.spawn(Taker(), "taker"),
            system.spawn_thread(Blocking(), "blocking"),
            system.bridge(foreign, "foreign", Note | Get, stop=True),
        )
        for taker in takers:
            taker.tell(Note())
            taker.tell(Note())
            await taker.ask(Get())
        assert system.handled_by_type() == {"Note": 6, "Get": 3}
        await system.shutdown()
        assert system.handled_by_type() == {"Note": 6, "Get": 3}


def test_of_failures_alone_nothing_is_numbered() -> None:
    """Messages have no stamps for an observer that does not want to know of them."""
    dispatcher, messages = VirtualDispatcher(), Messages()
    system = System(dispatcher)
    taker = system.spawn(Taker(), "taker")
    system.observe(Failures())
    taker.tell(Note())
    system.observe(messages)
    taker.tell(Note())
    dispatcher.run()
    assert system.handled_by_type() == {"Note": 2}
    assert messages.types == ["Note"]


@pytest.mark.asyncio
async def test_threads_that_have_ended_are_counted() -> None:
    """What actors in threads have handled is counted when their threads have ended."""
    async with System() as system:
        for number in range(1, 4):
            blocking = system.spawn_thread(Blocking(), "blocking")
            blocking.tell(Note())
            await blocking.ask(Get())
            blocking.stop()
            await blocking.stopped()
            assert system.handled_by_type() == {"Note": number, "Get": number}


@pytest.mark.asyncio
async def test_threads_that_send_leave_nothing() -> None:
    """A thread without an actor counts nothing, so nothing of it is kept."""

    def tables(threads: int) -> int:
        for _ in range(threads):
            thread = Thread(target=taker.tell, args=(Note(),))
            thread.start()
            thread.join()
        gc.collect()
        return sum(type(one) is defaultdict for one in gc.get_objects())

    async with System() as system:
        taker = system.spawn(Taker(), "taker")
        before = tables(2)
        assert tables(20) == before
        await taker.ask(Get())
        assert system.handled_by_type() == {"Note": 22, "Get": 1}
