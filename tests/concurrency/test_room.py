"""Waits for room in a mailbox: their order, their ends, and their effects."""

import asyncio
from functools import partial

import pytest

from ccw_actors.errors import AskTimeoutError, DispatcherError, MailboxFullError
from ccw_actors.runtime import Actor, ActorRef, Mailbox, System, receive
from ccw_actors.runtime._values.mailbox import WhenFull
from tests.concurrency.cast import (
    PATIENCE,
    Blocked,
    Story,
    Waiter,
    in_a_thread,
    raised_by,
    rest,
    until,
    virtual_time,
)
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes, texts_of

pytestmark = pytest.mark.asyncio


class Full:
    """A busy actor, whose mailbox is full of the notes "0", "1", ..."""

    def __init__(self, system: System, mailbox: Mailbox) -> None:
        self.actor = Waiter()
        self.ref: ActorRef[Note | Carry | Collect]
        self.ref = system.spawn(self.actor, "waiter", mailbox=mailbox)
        self.ref.tell(Carry("busy"))
        self._bound = mailbox.bound

    async def fill(self) -> None:
        """Fill the mailbox, when the first message has been taken out of it."""
        await self.actor.inside.wait()
        for number in range(self._bound):
            self.ref.tell(Note(str(number)))

    async def texts(self) -> tuple[str, ...]:
        """Let it continue, and return the notes that it handled."""
        self.actor.gate.set()
        notes = await self.ref.ask(Collect())
        return tuple(text for text in notes.texts if "busy" not in text)


class Offering(Actor[Note]):
    """Offers each note to another actor, then tells it one more."""

    def __init__(self, to: ActorRef[Note]) -> None:
        self._to = to

    @receive
    async def note(self, message: Note) -> None:
        """Offer and tell."""
        await self._to.offer(message)
        await self._to.offer(Note(f"{message.text}, again"))


async def test_order_of_coming() -> None:
    """Offers and asks enter the mailbox in their order; later ones wait behind them."""
    async with System() as system:
        full = Full(system, Mailbox(4, "wait"))
        await full.fill()
        early = [asyncio.ensure_future(full.ref.offer(Note(t))) for t in "abcdef"]
        await rest()
        full.actor.gate.set()
        await until(lambda: any(offer.done() for offer in early))
        late = [asyncio.ensure_future(full.ref.offer(Note(t))) for t in "xyz"]
        await asyncio.gather(*early, *late)
        assert await full.texts() == (*"0123", *"abcdef", *"xyz")


async def test_newcomer_when_there_is_little_room() -> None:
    """Room too small to wake waiting offers is not for a new one."""

    class Counted(Diary):
        @receive
        async def note(self, message: Note) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Keep the note when the gate opens."""
            await leaves.acquire()
            super().note(message)

    leaves = asyncio.Semaphore(0)
    async with System() as system:
        counted = Counted()
        ref = system.spawn(counted, "counted", mailbox=Mailbox(4, "wait"))
        for text in ("first", "1", "2", "3"):
            ref.tell(Note(text))
        await rest()
        ref.tell(Note("4"))
        waits = asyncio.ensure_future(ref.offer(Note("waits")))
        await rest()
        leaves.release()
        await until(lambda: texts_of(counted) == ["first"])
        await rest()
        newcomer = asyncio.ensure_future(ref.offer(Note("newcomer")))
        for _ in range(9):
            leaves.release()
        await asyncio.gather(waits, newcomer)
        await until(lambda: len(texts_of(counted)) == 7)
        assert texts_of(counted)[-2:] == ["waits", "newcomer"]


async def test_offers_of_an_actor() -> None:
    """An actor's offers come from it, and each waits for the one before."""
    async with System() as system:
        story = Story(system)
        full = Full(system, Mailbox(1, "wait"))
        offering = system.spawn(Offering(full.ref), "offering")
        await full.fill()
        for text in ("a", "b"):
            offering.tell(Note(text))
        await rest()
        full.actor.gate.set()
        await until(lambda: len(full.actor.texts) == 7)
        assert await full.texts() == ("0", "a", "a, again", "b", "b, again")
        senders = [one.sender for one in story.events if one.recipient == "waiter"]
        assert senders.count("offering") == 4


async def test_cancelled_offer() -> None:
    """An offer that gives up sends nothing, and does not delay later ones."""
    async with System() as system:
        full = Full(system, Mailbox(1, "wait"))
        await full.fill()
        offers = [asyncio.ensure_future(full.ref.offer(Note(t))) for t in "abc"]
        await rest()
        offers[1].cancel()
        full.actor.gate.set()
        await asyncio.gather(offers[0], offers[2])
        with pytest.raises(asyncio.CancelledError):
            await offers[1]
        assert await full.texts() == ("0", "a", "c")


@virtual_time
async def test_ask_that_gives_up_waiting_for_room() -> None:
    """Its timeout counts from the ask, and the message is then never sent."""
    async with System() as system:
        story, full = Story(system), Full(system, Mailbox(1, "wait"))
        await full.fill()
        error = await raised_by(full.ref.ask(Collect(), timeout=2.0))
        assert isinstance(error, AskTimeoutError)
        assert (error.message, error.age, error.queue_length) == ("Collect", 2.0, 1)
        assert error.waits_for == ""
        assert await full.texts() == ("0",)
        handled = [one.message_type for one in story.events if one.recipient]
        assert handled.count(Collect) == 1


async def test_blocking_ask_waits_for_room() -> None:
    """A thread that asks, blocking, waits for room as well."""
    async with System() as system:
        full = Full(system, Mailbox(1, "wait"))
        await full.fill()
        asked = in_a_thread(partial(full.ref.ask, Collect(), block=True))
        await until(lambda: len(system.dump().asks) == 1)
        full.actor.gate.set()
        notes: Notes = await asked
        assert notes.texts[-1] == "0"


async def test_tell_does_not_wait() -> None:
    """A tell raises where an offer would wait, and takes room when there is some."""
    async with System() as system:
        full = Full(system, Mailbox(1, "wait"))
        await full.fill()
        offer = asyncio.ensure_future(full.ref.offer(Note("offered")))
        await rest()
        with pytest.raises(MailboxFullError):
            full.ref.tell(Note("told"))
        full.actor.gate.set()
        await offer
        assert await full.texts() == ("0", "offered")


@pytest.mark.parametrize("when_full", ["refuse", "drop newest"])
async def test_offer_to_a_mailbox_that_does_not_wait(when_full: WhenFull) -> None:
    """There an offer works like a tell: it raises, or the message is dropped."""
    async with System() as system:
        story = Story(system)
        full = Full(system, Mailbox(1, when_full))
        await full.fill()
        if when_full == "refuse":
            with pytest.raises(MailboxFullError):
                await full.ref.offer(Note("too many"))
        else:
            await full.ref.offer(Note("too many"))
            assert story.lost == ["too many: the mailbox was full with 1 messages"]
        full.actor.gate.set()


async def test_room_in_a_thread() -> None:
    """An actor in a thread lets waiting offers enter as soon as it continues."""
    async with System() as system:
        blocked = Blocked()
        mailbox = Mailbox(2, "wait")
        ref = system.spawn_thread(blocked, "blocked", mailbox=mailbox)
        ref.tell(Carry("x"))
        assert await asyncio.to_thread(partial(blocked.inside.wait, PATIENCE))
        texts = tuple(str(number) for number in range(50))
        offers = [asyncio.ensure_future(ref.offer(Note(text))) for text in texts]
        await rest()
        assert [offer.done() for offer in offers].count(True) == 2
        blocked.gate.set()
        await asyncio.gather(*offers)
        assert await ref.ask(Collect()) == Notes(texts)


async def test_own_thread_cannot_block_for_room() -> None:
    """A blocking offer on the loop's thread is refused, and nothing is sent."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary", mailbox=Mailbox(1, "wait"))
        with pytest.raises(DispatcherError, match="cannot block for diary"):
            ref.offer(Note("x"), block=True)
        assert await ref.ask(Collect()) == Notes(())
