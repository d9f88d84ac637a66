"""Actors written for Pykka: their ends, and asks in both directions."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pykka
import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Mailbox,
    Request,
    System,
    receive,
)
from tests.concurrency.cast import (
    PATIENCE,
    Blocked,
    Story,
    Watcher,
    raised_by,
    rest,
    until,
)
from tests.runtime.cast import Blow, Carry, Collect, Deliver, Diary, Note, Notes

pytestmark = pytest.mark.asyncio


class Fetch(Request[Notes], frozen=True):
    """Makes an actor tell a note, and ask for all notes."""

    text: str


ACCEPTS = Note | Carry | Blow | Collect | Deliver


class Clerk(pykka.ThreadingActor):
    """Keeps notes; a `Carry` waits for the gate; a `Blow` raises what it names."""

    use_daemon_thread = True
    raises: type[BaseException] = ValueError

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self.gate = gate
        self.texts: list[str] = []

    def on_receive(self, message: Any) -> Any:
        """Act on the type of the message."""
        match message:
            case Note(text):
                self.texts.append(text)
                return None
            case Carry(text):
                self.gate.wait(PATIENCE)
                return Note(text)
            case Blow(reason):
                raise self.raises(reason)
            case _:
                return Notes(tuple(self.texts))


class Desk:
    """A clerk behind a reference, and its gate."""

    def __init__(
        self,
        system: System,
        *,
        kind: type[Clerk] = Clerk,
        stop: bool = True,
        mailbox: Mailbox | None = None,
    ) -> None:
        self.gate = threading.Event()
        self.clerk = kind.start(self.gate)
        self.ref: ActorRef[Any] = system.bridge(
            self.clerk, "clerk", ACCEPTS, stop=stop, mailbox=mailbox
        )


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """End every clerk of a test, so that none affects the next one."""
    yield
    pykka.ActorRegistry.stop_all()


# -- ends -----------------------------------------------------------------------


async def test_what_waits_when_it_stops() -> None:
    """Messages not handled when it stops are dead letters, and asks fail."""
    async with System() as system:
        story, desk = Story(system), Desk(system, stop=False)
        carried = asyncio.ensure_future(desk.ref.ask(Carry("x")))
        await rest()
        _ = desk.clerk.stop(block=False)
        desk.ref.tell(Note("too late"))
        asked = asyncio.ensure_future(raised_by(desk.ref.ask(Collect())))
        await rest()
        desk.gate.set()
        assert await carried == Note("x")
        error = await asked
        assert isinstance(error, ActorStoppedError)
        assert "clerk was asked Collect: the Pykka actor has stopped" in str(error)
        assert "too late: the Pykka actor has stopped" in story.lost
        await desk.ref.stopped()


async def test_ask_of_a_dead_one() -> None:
    """An ask to an actor that Pykka stopped fails, known to the System or not."""
    async with System() as system:
        desk = Desk(system, stop=False)
        desk.clerk.stop()
        for _ in range(2):
            error = await raised_by(desk.ref.ask(Collect()))
            assert isinstance(error, ActorStoppedError)
            await desk.ref.stopped()


async def test_draining_stop() -> None:
    """A draining stop comes after earlier messages, and before later ones."""
    async with System() as system:
        story, desk = Story(system), Desk(system)
        asked = asyncio.ensure_future(desk.ref.ask(Carry("x")))
        await rest()
        desk.ref.stop()
        desk.ref.tell(Note("too late"))
        assert desk.ref.is_alive
        desk.gate.set()
        assert await asked == Note("x")
        await desk.ref.stopped()
        assert story.lost == ["too late: the actor has stopped"]
        assert await asyncio.to_thread(partial(desk.clerk.actor_stopped.wait, PATIENCE))


async def test_stop() -> None:
    """A stop that does not drain ends the reference at once, and asks with it."""
    async with System() as system:
        desk = Desk(system)
        asked = asyncio.ensure_future(raised_by(desk.ref.ask(Carry("x"))))
        await rest()
        desk.ref.stop(drain=False)
        assert isinstance(await asked, ActorStoppedError)
        assert not desk.ref.is_alive
        desk.gate.set()


async def test_actor_that_is_not_ours_to_stop() -> None:
    """Without `stop` it lives on when its reference and its System have ended."""
    async with System() as system:
        desk = Desk(system, stop=False)
        desk.ref.stop()
        await desk.ref.stopped()
    assert desk.clerk.is_alive()
    assert desk.clerk.ask(Collect(), block=True, timeout=PATIENCE) == Notes(())


@pytest.mark.parametrize("drain", [True, False])
async def test_shutdown(*, drain: bool) -> None:
    """With `drain` a shutdown lets it answer first; without, asks end at once."""
    system = System()
    desk = Desk(system)
    asked = asyncio.ensure_future(desk.ref.ask(Carry("x")))
    await rest()
    ending = asyncio.ensure_future(system.shutdown(drain=drain))
    await rest()
    assert asked.done() is not drain
    desk.gate.set()
    assert await ending == []
    if drain:
        assert await asked == Note("x")
    else:
        assert isinstance(await raised_by(asked), ActorStoppedError)
    assert not desk.clerk.is_alive()


async def test_shutdown_while_it_blocks() -> None:
    """A blocked actor is named after the deadline."""
    system = System()
    desk = Desk(system)
    asked = asyncio.ensure_future(raised_by(desk.ref.ask(Carry("x"))))
    await rest()
    assert await system.shutdown(timeout=0.01) == ["clerk"]
    assert isinstance(await asked, ActorStoppedError)
    desk.gate.set()


# -- what it raises ----------------------------------------------------------------


class Misled(Clerk):
    """Asks another Pykka actor, which is dead, and lets the error out."""

    raises = pykka.ActorDeadError


class Fatal(Clerk):
    """Raises an error that ends it, and every other Pykka actor of the process."""

    raises = SystemExit


async def test_death_of_another_is_no_death() -> None:
    """Meeting a dead actor is its own failure, after which it continues."""
    async with System() as system:
        desk = Desk(system, kind=Misled)
        error = await raised_by(desk.ref.ask(Blow("another one is dead")))
        assert isinstance(error, ActorFailedError)
        assert error.reason == "ActorDeadError: another one is dead"
        assert await desk.ref.ask(Collect()) == Notes(())


async def test_failure_of_what_was_told(caplog: pytest.LogCaptureFixture) -> None:
    """A failure without an ask is logged, kept and observed; the actor continues."""
    async with System() as system:
        story, desk = Story(system), Desk(system)
        desk.ref.tell(Blow("loud"))
        assert await desk.ref.ask(Collect()) == Notes(())
        ((actor, message, error),) = story.failures
        assert (actor, message, str(error)) == ("clerk", "Blow", "loud")
        assert [one.actor for one in system.failures] == ["clerk"]
        assert "clerk failed on Blow: ValueError: loud" in caplog.text


async def test_exit() -> None:
    """An actor that raises SystemExit ends; its asks fail, ours are unaffected."""
    async with System() as system:
        desk = Desk(system, kind=Fatal, stop=False)
        diary = system.spawn(Diary(), "diary")
        error = await raised_by(desk.ref.ask(Blow("exit")))
        assert isinstance(error, ActorStoppedError)
        await desk.ref.stopped()
        assert await diary.ask(Collect()) == Notes(())


# -- watching, bounds, and the other direction -------------------------------------


async def test_watching() -> None:
    """A watch of it begins and ends as for any actor."""
    async with System() as system:
        watching = Watcher()
        watcher = system.spawn(watching, "watcher")
        for texts in (("clerk", "-clerk"), ("clerk",)):
            desk = Desk(system)
            for text in texts:
                watcher.tell(Note(text))
            await rest()
            desk.ref.stop()
            await desk.ref.stopped()
        await until(lambda: watching.ends)
        assert watching.ends == ["clerk: the actor has stopped"]
        assert watching.failures == []


async def test_offers_wait_for_room() -> None:
    """Its bound counts what it has not handled; offers wait, and keep their order."""
    async with System() as system:
        desk = Desk(system, mailbox=Mailbox(2, "wait"))
        texts = tuple(str(number) for number in range(20))
        carried = asyncio.ensure_future(desk.ref.ask(Carry("x")))
        await rest()
        offers = [asyncio.ensure_future(desk.ref.offer(Note(text))) for text in texts]
        await rest()
        assert [offer.done() for offer in offers].count(True) == 1
        desk.gate.set()
        await asyncio.gather(carried, *offers)
        assert await desk.ref.ask(Collect()) == Notes(texts)


async def test_what_cannot_be_dropped() -> None:
    """A mailbox that drops its oldest message is refused: Pykka holds that message."""
    async with System() as system:
        with pytest.raises(ValueError, match="another policy than 'drop oldest'"):
            Desk(system, mailbox=Mailbox(2, "drop oldest"))
        assert not system.is_alive("clerk")


class Caller(Clerk):
    """A Pykka actor that tells and asks one of ours."""

    our: ActorRef[Any]

    def on_receive(self, message: Any) -> Any:
        """Tell and ask our actor."""
        self.our.tell(Note(message.text))
        return self.our.ask(Collect(), block=True)


class Front(Actor[Fetch]):
    """Asks the caller for us."""

    @receive
    async def fetch(self, message: Fetch) -> Notes:
        """Return the caller's answer."""
        notes: Notes = await self.system.ref("clerk").ask(message)
        return notes


async def test_it_tells_and_asks_us() -> None:
    """From its thread it uses our references directly, while we wait for it."""
    async with System() as system:
        Caller.our = system.spawn(Diary(), "diary")
        system.bridge(Caller.start(threading.Event()), "clerk", Fetch, stop=True)
        front = system.spawn(Front(), "front")
        assert await front.ask(Fetch("hello")) == Notes(("hello",))


async def test_loop_is_never_blocked() -> None:
    """While actors in threads block, ours and foreign ones, the loop keeps running."""
    async with System() as system:
        desk, blocked = Desk(system), Blocked()
        asks = [
            asyncio.ensure_future(ref.ask(Carry("x")))
            for ref in (desk.ref, system.spawn_thread(blocked, "blocked"))
        ]
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not any(ask.done() for ask in asks)
        desk.gate.set()
        blocked.gate.set()
        assert await asyncio.gather(*asks) == [Note("x")] * 2
