"""A program of both kinds: Pykka actors ask ours and are asked, also in cycles.

What Pykka does to all its actors does not affect ours.
"""

import asyncio
import math
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pykka
import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime import Actor, ActorRef, Restart, System, Terminated, receive
from tests.concurrency.cast import PATIENCE, raised_by, rest, until
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes, texts_of

pytestmark = pytest.mark.asyncio


class Foreign(pykka.ThreadingActor):
    """Written for Pykka: answers with what a function of its message returns."""

    use_daemon_thread = True

    def __init__(self, answers: Callable[[Any], Any]) -> None:
        super().__init__()
        self.answers = answers

    def on_receive(self, message: Any) -> Any:
        """Answer."""
        return self.answers(message)

    def hello(self) -> str:
        """Be called through a proxy."""
        return "hello"


class Asking(Actor[Carry]):
    """Forwards its question to another actor."""

    def __init__(self, to: ActorRef[Any]) -> None:
        self.to = to

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask."""
        answer: Note = await self.to.ask(message, timeout=PATIENCE)
        return answer


class Widow(Actor[Terminated]):
    """Watches an actor, and keeps the reason of its end."""

    def __init__(self, ref: ActorRef[Any]) -> None:
        self.of = ref
        self.reasons: list[str] = []

    def on_start(self) -> None:
        """Watch."""
        self.watch(self.of)

    @receive
    def ended(self, message: Terminated) -> None:
        """Keep."""
        self.reasons.append(message.reason)


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """End every Pykka actor of a test, so that none affects the next one."""
    yield
    pykka.ActorRegistry.stop_all()


def note(_message: Any) -> Note:
    """Answer anything."""
    return Note("x")


def ask_through(system: System, path: str) -> Callable[[Any], Any]:
    """Return a function that asks our actor, blocking, from a Pykka actor's thread."""
    return lambda message: system.ref(path).ask(message, block=True, timeout=PATIENCE)


# -- circles ----------------------------------------------------------------------


async def test_circle_through_a_pykka_actor() -> None:
    """The ask that closes the cycle fails at once and names it; all others also fail.

    No ask waits for a timeout, and both actors answer afterwards.
    """
    async with System() as system:
        actor = Foreign.start(ask_through(system, "ours"))
        foreign: ActorRef[Any] = system.bridge(actor, "foreign", Carry, stop=True)
        ask_it = partial(Asking, foreign)
        ours = system.spawn(ask_it, "ours", supervision=Restart())
        async with asyncio.timeout(PATIENCE / 2):
            error = await raised_by(ours.ask(Carry("x")))
        assert isinstance(error, ActorFailedError)
        assert "foreign asks ours Carry and would wait for itself" in str(error)
        assert "foreign -> ours -> foreign" in str(error)
        error = await raised_by(ours.ask(Carry("once more")))
        assert "foreign -> ours -> foreign" in str(error)
        assert foreign.is_alive


async def test_pykka_actor_that_asks_itself() -> None:
    """The same through its reference: it would never answer."""
    async with System() as system:
        actor = Foreign.start(ask_through(system, "foreign"))
        foreign: ActorRef[Any] = system.bridge(actor, "foreign", Carry, stop=True)
        error = await raised_by(foreign.ask(Carry("x")))
        assert isinstance(error, ActorFailedError)
        assert "foreign -> foreign" in error.reason


async def test_longer_circle() -> None:
    """With two of each kind in the cycle, in any order."""
    async with System() as system:
        refs: dict[str, ActorRef[Any]] = {}
        for path, asked in (("f", "b"), ("g", "a")):
            actor = Foreign.start(ask_through(system, asked))
            refs[path] = system.bridge(actor, path, Carry, stop=True)
        a = system.spawn(Asking(refs["f"]), "a")
        system.spawn(Asking(refs["g"]), "b")
        error = await raised_by(a.ask(Carry("x")))
        assert "g -> a -> f -> b -> g" in str(error)


async def test_no_circle() -> None:
    """A Pykka actor gets the answer of another actor while an ask waits for it."""
    async with System() as system:
        system.spawn(Diary(), "diary").tell(Note("x"))
        asking = ask_through(system, "diary")

        def first(_message: Any) -> Note:
            return Note(asking(Collect()).texts[0])

        actor = Foreign.start(first)
        foreign: ActorRef[Any] = system.bridge(actor, "foreign", Carry, stop=True)
        ours = system.spawn(Asking(foreign), "ours")
        assert await ours.ask(Carry("y")) == Note("x")


async def test_thread_of_a_pykka_actor() -> None:
    """A thread started by such an actor asks from outside, and closes no cycle."""
    async with System() as system:
        ours = system.spawn(Diary(), "ours")
        answers: list[Notes] = []

        def ask(_message: Any) -> Note:
            thread = threading.Thread(
                target=lambda: answers.append(ours.ask(Collect(), block=True))
            )
            thread.start()
            thread.join(PATIENCE)
            return Note("done")

        foreign: ActorRef[Any] = system.bridge(
            Foreign.start(ask), "foreign", Carry, stop=True
        )
        assert await foreign.ask(Carry("x")) == Note("done")
        assert answers == [Notes(())]


# -- what Pykka does to all of its actors --------------------------------------------


@pytest.mark.parametrize("restarts", [True, False])
async def test_stop_all_leaves_ours_alone(*, restarts: bool) -> None:
    """Our actor in a thread is not in Pykka's registry and keeps running.

    Its `on_stop` does not run, and its watchers receive nothing.
    """
    async with System() as system:
        supervision = Restart() if restarts else None
        diary = Diary()
        ref = system.spawn_thread(diary, "thread", supervision=supervision)
        widow = Widow(ref)
        system.spawn(widow, "widow")
        await ref.ask(Collect())
        assert pykka.ActorRegistry.get_by_class_name("_Thread") == []
        await asyncio.to_thread(pykka.ActorRegistry.stop_all)
        assert await ref.ask(Collect()) == Notes(())
        assert (texts_of(diary), widow.reasons) == ([], [])
    assert texts_of(diary) == ["stopped"]


async def test_stop_all_ends_those_of_pykka() -> None:
    """Pykka may end its own actors: asks fail, watchers are notified."""
    async with System() as system:
        gate = threading.Event()

        def wait(_message: Any) -> Note:
            gate.wait(PATIENCE)
            return Note("x")

        actor = Foreign.start(wait)
        foreign: ActorRef[Any] = system.bridge(actor, "foreign", Carry | Collect)
        widow = Widow(foreign)
        system.spawn(widow, "widow")
        first = asyncio.ensure_future(foreign.ask(Carry("x")))
        second = asyncio.ensure_future(raised_by(foreign.ask(Collect())))
        await rest()
        stopping = asyncio.ensure_future(
            asyncio.to_thread(pykka.ActorRegistry.stop_all)
        )
        await rest()
        gate.set()
        await stopping
        # Pykka's thread does not hold a virtual clock: any deadline would pass.
        await foreign.stopped(timeout=math.inf)
        await until(lambda: widow.reasons)
        assert widow.reasons == ["the Pykka actor has stopped"]
        assert await first == Note("x")
        assert await second is not None
        error = await raised_by(foreign.ask(Collect()))
        assert isinstance(error, ActorStoppedError)


# -- both kinds of references beside each other ----------------------------------------


async def test_pykkas_own_references_work_beside_ours() -> None:
    """Proxies and asks of Pykka still work for an actor behind a reference."""
    async with System() as system:
        actor = Foreign.start(note)
        foreign: ActorRef[Any] = system.bridge(actor, "foreign", Carry, stop=True)
        proxy: Any = actor.proxy()
        hello = await asyncio.to_thread(partial(proxy.hello().get, timeout=PATIENCE))
        assert hello == "hello"
        ask: Any = partial(actor.ask, {"a": 1}, timeout=PATIENCE)
        assert await asyncio.to_thread(ask) == Note("x")
        assert await foreign.ask(Carry("y")) == Note("x")


async def test_dict_through_our_references() -> None:
    """A Pykka actor cannot ask ours with a message that is no request."""
    async with System() as system:
        raised: list[BaseException] = []

        def ask(_message: Any) -> Note:
            anything: Any = {"a": 1}
            try:
                system.ref("diary").ask(anything, block=True)
            except TypeError as error:
                raised.append(error)
            return Note("x")

        system.spawn(Diary(), "diary")
        foreign: ActorRef[Any] = system.bridge(
            Foreign.start(ask), "foreign", Carry, stop=True
        )
        await foreign.ask(Carry("x"))
        assert "dict does not say what answers it" in str(raised[0])
