"""A program of both kinds: Pykka actors ask ours and are asked, in circles, too.

And what Pykka does to all of its actors, it does to none of ours.
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
    """Asks another one what it is asked."""

    def __init__(self, to: ActorRef[Any]) -> None:
        self.to = to

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask."""
        answer: Note = await self.to.ask(message, timeout=PATIENCE)
        return answer


class Widow(Actor[Terminated]):
    """Watches one, and keeps why it has ended."""

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
    """End every Pykka actor of a test, so that none waits into the next one."""
    yield
    pykka.ActorRegistry.stop_all()


def note(_message: Any) -> Note:
    """Answer anything."""
    return Note("x")


def ask_through(system: System, path: str) -> Callable[[Any], Any]:
    """Return what asks an actor of ours, blocking, from a Pykka actor's thread."""
    return lambda message: system.ref(path).ask(message, block=True, timeout=PATIENCE)


# -- circles ----------------------------------------------------------------------


async def test_circle_through_a_pykka_actor() -> None:
    """The ask that closes it fails at once and names it, and all who wait are told.

    Nobody waits for a timeout, and both can be asked afterwards.
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
    """By its reference of a System, too: it would never come to answer."""
    async with System() as system:
        actor = Foreign.start(ask_through(system, "foreign"))
        foreign: ActorRef[Any] = system.bridge(actor, "foreign", Carry, stop=True)
        error = await raised_by(foreign.ask(Carry("x")))
        assert isinstance(error, ActorFailedError)
        assert "foreign -> foreign" in error.reason


async def test_longer_circle() -> None:
    """With two of each kind in it, in whatever order."""
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
    """A Pykka actor that asks somebody else has its answer, while it is waited for."""
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
    """A thread that such an actor has started asks from outside, in no circle."""
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
    """An actor of ours in a thread is not in Pykka's registry: it lives on, untouched.

    Its `on_stop` does not run, and who watches it is told of no end.
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
    """One that was written for it is Pykka's to end: asks fail, watchers are told."""
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
        # Pykka's thread does not hold a virtual clock: any deadline would be over.
        await foreign.stopped(timeout=math.inf)
        await until(lambda: widow.reasons)
        assert widow.reasons == ["the Pykka actor has stopped"]
        assert await first == Note("x")
        assert await second is not None
        error = await raised_by(foreign.ask(Collect()))
        assert isinstance(error, ActorStoppedError)


# -- both kinds of references beside each other ----------------------------------------


async def test_pykkas_own_references_work_beside_ours() -> None:
    """Proxies and asks of Pykka go on: a reference of a System takes nothing away."""
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
    """What is no request cannot be asked of ours, from a Pykka actor either."""
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
