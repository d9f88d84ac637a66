"""Offers that wait for room: their deadlines, and the cycles they may close."""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pykka
import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskCycleError,
    CycleError,
    MailboxFullError,
    OfferCycleError,
    OfferTimeoutError,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Mailbox,
    Message,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)
from tests.concurrency.cast import (
    PATIENCE,
    Blocked,
    Waiter,
    in_a_thread,
    raised_by,
    rest,
    until,
    virtual_time,
)
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes

loop = pytest.mark.asyncio

ONE = Mailbox(1, "wait")


class Go(Message, frozen=True):
    """Starts an actor."""


class Does(Actor[Go | Note | Carry | Collect]):
    """Does one action for each `Go` or `Carry`; keeps its exception."""

    def __init__(self, does: Callable[["Does"], Any]) -> None:
        self.does = does
        self.texts: list[str] = []
        self.raised: list[BaseException] = []

    async def do(self) -> None:
        """Do the action."""
        try:
            await self.does(self)
        except Exception as error:
            self.raised.append(error)
            raise

    @receive
    async def go(self, _message: Go) -> None:
        """Do the action."""
        await self.do()

    @receive
    async def carry(self, message: Carry) -> Note:
        """Do the action, and answer."""
        await self.do()
        return Note(message.text)

    @receive
    def note(self, message: Note) -> None:
        """Keep."""
        self.texts.append(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell."""
        return Notes(tuple(self.texts))


async def fill(ref: ActorRef[Any]) -> None:
    """Offer a note, which must find room at once."""
    async with asyncio.timeout(PATIENCE):
        await ref.offer(Note("fills it"))


# -- deadlines -------------------------------------------------------------------


@loop
@virtual_time
@pytest.mark.parametrize("by", ["task", "handler"])
async def test_offer_that_finds_no_room_in_time(by: str) -> None:
    """It ends with an error that names recipient, message and waiting time.

    It is a `TimeoutError` and a `MailboxFullError`; the message is never sent.
    """
    async with System() as system:
        waiter = Waiter()
        full = system.spawn(waiter, "full", mailbox=ONE)
        full.tell(Carry("busy"))
        await waiter.inside.wait()
        await fill(full)
        if by == "task":
            error = await raised_by(full.offer(Note("late"), timeout=2.0))
        else:
            does = Does(lambda _: full.offer(Note("late"), timeout=2.0))
            system.spawn(does, "offering").tell(Go())
            await asyncio.sleep(2.5)
            (error,) = does.raised
        assert isinstance(error, OfferTimeoutError)
        assert isinstance(error, TimeoutError)
        assert isinstance(error, MailboxFullError)
        assert (error.target, error.message, error.age) == ("full", "Note", 2.0)
        assert str(error).startswith(
            "there was no room for Note in the mailbox of full"
        )
        waiter.gate.set()
        await until(lambda: "fills it" in waiter.texts)
        assert "late" not in waiter.texts


@loop
@virtual_time
async def test_deadline_of_the_system() -> None:
    """Without a timeout an offer has that of an ask; `math.inf` waits forever."""
    async with System(ask_timeout=3.0) as system:
        waiter = Waiter()
        full = system.spawn(waiter, "full", mailbox=ONE)
        full.tell(Carry("busy"))
        await waiter.inside.wait()
        await fill(full)
        patient = asyncio.ensure_future(full.offer(Note("patient"), timeout=math.inf))
        error = await raised_by(full.offer(Note("late")))
        assert isinstance(error, OfferTimeoutError)
        assert error.age == 3.0
        await asyncio.sleep(1000.0)
        assert not patient.done()
        waiter.gate.set()
        await patient


@loop
async def test_offer_of_a_thread_that_finds_no_room_in_time() -> None:
    """A blocking thread gets the same error, and is no longer blocked."""
    async with System() as system:
        waiter = Waiter()
        full = system.spawn(waiter, "full", mailbox=ONE)
        full.tell(Carry("busy"))
        await waiter.inside.wait()
        await fill(full)

        def late() -> None:
            full.offer(Note("late"), timeout=0.01, block=True)

        # Not in the loop's own executor, for which the virtual clock would stand still.
        with ThreadPoolExecutor(1) as pool:
            blocked = asyncio.wrap_future(pool.submit(late))
            with pytest.raises(
                OfferTimeoutError, match="no room for Note in the mailbox of"
            ):
                await blocked
        waiter.gate.set()


@loop
async def test_what_a_full_actor_waits_for() -> None:
    """The error says what the full actor itself waits for."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        does = Does(lambda _: diary.ask(Carry("never"), timeout=math.inf))
        full = system.spawn(does, "full", mailbox=ONE)
        full.tell(Go())
        await rest()
        await fill(full)
        error = await raised_by(full.offer(Note("late"), timeout=0.0))
        assert isinstance(error, OfferTimeoutError)
        assert error.waits_for == "diary to answer Carry"
        assert "it waits for diary to answer Carry" in str(error)


# -- circles ---------------------------------------------------------------------


@loop
async def test_two_that_offer_each_other() -> None:
    """The offer that would close the cycle raises at once, and names the cycle.

    The other one continues: it finds that the first has failed.
    """

    def three(path: str) -> Callable[[Does], Any]:
        async def offer(one: Does) -> None:
            for number in range(3):
                await one.system.ref(path).offer(Note(str(number)))

        return offer

    async with System() as system:
        both = {path: Does(three(other)) for path, other in ("ab", "ba")}
        refs = [system.spawn(does, path, mailbox=ONE) for path, does in both.items()]
        for ref in refs:
            ref.tell(Go())
        await refs[1].stopped()
        (error,) = both["b"].raised
        assert isinstance(error, OfferCycleError)
        assert isinstance(error, CycleError)
        assert (error.cycle, error.message) == (("b", "a", "b"), "Note")
        assert str(error) == "b offers a Note and would wait for itself: b -> a -> b"
        await rest()
        assert (both["a"].raised, refs[0].is_alive) == ([], True)


@loop
async def test_offer_to_oneself() -> None:
    """It raises as soon as there is no room: no other actor would make any."""

    async def offer(one: Does) -> None:
        for number in range(5):
            await one.ref.offer(Note(str(number)))

    async with System() as system:
        does = Does(offer)
        ref = system.spawn(does, "selfish", mailbox=Mailbox(2, "wait"))
        ref.tell(Go())
        await ref.stopped()
        (error,) = does.raised
        assert isinstance(error, OfferCycleError)
        assert error.cycle == ("selfish", "selfish")


@loop
async def test_start_that_offers_itself_work() -> None:
    """An `on_start` that does so fails without hanging; `started` raises the error."""

    class Starting(Diary):
        async def on_start(self) -> None:
            """Offer more messages than fit."""
            for number in range(3):
                await self.ref.offer(Note(str(number)))

    async with System() as system:
        ref = system.spawn(Starting(), "a", mailbox=ONE)
        with pytest.raises(OfferCycleError, match="a offers a Note and would wait"):
            await ref.started()
        assert not ref.is_alive


@loop
async def test_circle_that_is_caught() -> None:
    """An actor that catches the error continues, and others are unaffected."""

    async def offer(one: Does) -> None:
        try:
            for number in range(3):
                await one.ref.offer(Note(str(number)))
        except OfferCycleError:
            one.texts.append("enough")

    async with System() as system:
        ref = system.spawn(Does(offer), "selfish", mailbox=ONE)
        ref.tell(Go())
        await rest()
        assert await ref.ask(Collect()) == Notes(("enough", "0"))


@loop
async def test_offer_that_closes_a_circle_with_an_ask() -> None:
    """An asked actor that offers to the asker's full mailbox would wait forever."""

    async def ask(one: Does) -> None:
        await fill(one.ref)
        await one.system.ref("b").ask(Carry("x"), timeout=math.inf)

    async def offer(one: Does) -> None:
        await one.system.ref("a").offer(Note("x"))

    async with System() as system:
        offers = Does(offer)
        a = system.spawn(Does(ask), "a", mailbox=ONE)
        system.spawn(offers, "b")
        a.tell(Go())
        await a.stopped()
        (error,) = offers.raised
        assert isinstance(error, OfferCycleError)
        assert error.cycle == ("b", "a", "b")


@loop
async def test_ask_that_closes_a_circle_with_an_offer() -> None:
    """So would an actor that asks one that waits for room in its mailbox."""
    gate = asyncio.Event()

    async def ask(one: Does) -> None:
        await fill(one.ref)
        await gate.wait()
        await one.system.ref("b").ask(Carry("x"), timeout=math.inf)

    async def offer(one: Does) -> None:
        await one.system.ref("a").offer(Note("x"))

    async with System() as system:
        asks = Does(ask)
        a = system.spawn(asks, "a", mailbox=ONE)
        b = system.spawn(Does(offer), "b")
        for ref in (a, b):
            ref.tell(Go())
        await rest()
        gate.set()
        await a.stopped()
        (error,) = asks.raised
        assert isinstance(error, AskCycleError)
        assert error.cycle == ("a", "b", "a")
        await rest()
        assert b.is_alive


@loop
async def test_circle_through_a_thread() -> None:
    """A blocking offer of an actor in a thread counts as well."""

    class Offering(Actor[Carry]):
        def __init__(self, to: ActorRef[Any]) -> None:
            self.to = to

        @receive
        def carry(self, message: Carry) -> Note:
            """Offer."""
            self.to.offer(Note(message.text), block=True)
            return Note(message.text)

    async def ask(one: Does) -> None:
        await fill(one.ref)
        await one.system.ref("thread").ask(Carry("x"), timeout=math.inf)

    async with System() as system:
        does = Does(ask)
        ref = system.spawn(does, "a", mailbox=ONE)
        system.spawn_thread(Offering(ref), "thread")
        ref.tell(Go())
        await ref.stopped()
        (error,) = does.raised
        assert isinstance(error, ActorFailedError)
        assert "thread offers a Note and would wait for itself" in error.reason
        assert "thread -> a -> thread" in error.reason


@loop
async def test_circle_through_a_pykka_actor() -> None:
    """So does one of an actor written for Pykka."""

    class Foreign(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_receive(self, message: Carry) -> Note:
            """Offer."""
            system.ref("a").offer(Note(message.text), block=True)
            return Note(message.text)

    async def ask(one: Does) -> None:
        await fill(one.ref)
        await one.system.ref("foreign").ask(Carry("x"), timeout=math.inf)

    async with System() as system:
        system.bridge(Foreign.start(), "foreign", Carry, stop=True)
        does = Does(ask)
        ref = system.spawn(does, "a", mailbox=ONE)
        ref.tell(Go())
        await ref.stopped()
        (error,) = does.raised
        assert isinstance(error, ActorFailedError)
        assert "foreign -> a -> foreign" in error.reason


@loop
async def test_offers_from_outside_are_in_no_circle() -> None:
    """Tasks and threads of the application close no cycle."""
    async with System() as system:
        blocked = Blocked()
        ref = system.spawn_thread(blocked, "blocked", mailbox=ONE)
        ref.tell(Carry("x"))
        assert await asyncio.to_thread(partial(blocked.inside.wait, PATIENCE))
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(ref.offer(Note(t))) for t in "abc"
        ]
        waits.append(in_a_thread(partial(ref.offer, Note("d"), block=True)))
        await rest()
        blocked.gate.set()
        await asyncio.gather(*waits)


# -- who offers, and where -------------------------------------------------------


@loop
async def test_dump_names_the_mailbox() -> None:
    """The dump says in whose mailbox an actor waits for room, also in a thread."""

    class Offering(Actor[Note]):
        def __init__(self, to: ActorRef[Any]) -> None:
            self.to = to

        @receive
        def note(self, message: Note) -> None:
            """Offer."""
            self.to.offer(message, block=True)

    async with System() as system:
        waiter = Waiter()
        full = system.spawn(waiter, "full", mailbox=ONE)
        full.tell(Carry("busy"))
        await waiter.inside.wait()
        await fill(full)
        system.spawn(Does(lambda _: full.offer(Note("x"))), "async").tell(Go())
        system.spawn_thread(Offering(full), "thread").tell(Note("y"))

        def waits() -> dict[str, str]:
            return {one.path: one.waits_for for one in system.dump().actors}

        await until(lambda: waits()["async"] and waits()["thread"])
        text = "room in the mailbox of full"
        assert waits()["async"].startswith(text)
        assert waits()["thread"].startswith(text)
        assert f"async (Does): waiting, 0 queued, waits for {text}" in str(
            system.dump()
        )
        waiter.gate.set()


@loop
async def test_stop_of_who_offers() -> None:
    """A stop that does not drain ends the wait, and nothing is sent."""
    async with System() as system:
        waiter = Waiter()
        full = system.spawn(waiter, "full", mailbox=ONE)
        full.tell(Carry("busy"))
        await waiter.inside.wait()
        await fill(full)
        offering = system.spawn(Does(lambda _: full.offer(Note("x"))), "offering")
        offering.tell(Go())
        await rest()
        offering.stop(drain=False)
        await offering.stopped()
        waiter.gate.set()
        await until(lambda: "fills it" in waiter.texts)
        assert await full.ask(Collect()) == Notes(
            ("begin busy", "end busy", "fills it")
        )


@loop
async def test_offer_to_one_who_ends() -> None:
    """When the full actor ends, the offer ends: its message is a dead letter."""
    async with System() as system:
        waiter = Waiter()
        full = system.spawn(waiter, "full", mailbox=ONE)
        full.tell(Carry("busy"))
        await waiter.inside.wait()
        await fill(full)
        offer = asyncio.ensure_future(full.offer(Note("x")))
        await rest()
        full.stop(drain=False)
        await offer
        assert system.statistics().dead_letters == 2


def test_offers_under_a_virtual_clock() -> None:
    """Handlers also wait for room there; it takes no time."""

    async def offer(one: Does) -> None:
        for number in range(5):
            await one.system.ref("diary").offer(Note(str(number)))

    clock = VirtualDispatcher()
    system = System(clock)
    diary = system.spawn(Diary(), "diary", mailbox=ONE)
    system.spawn(Does(offer), "offering").tell(Go())
    clock.run()
    assert clock.now() == 0.0
    assert diary.ask(Collect(), block=True) == Notes(tuple("01234"))


def test_deadline_under_a_virtual_clock() -> None:
    """It is one of that clock."""

    async def sleep(one: Does) -> None:
        await one.sleep(60.0)

    clock = VirtualDispatcher()
    system = System(clock)
    full = system.spawn(Does(sleep), "full", mailbox=ONE)
    does = Does(lambda _: full.offer(Note("late"), timeout=2.0))
    offering = system.spawn(does, "offering")
    full.tell(Go())
    clock.advance(0.0)
    full.tell(Note("fills it"))
    offering.tell(Go())
    clock.advance(10.0)
    (error,) = does.raised
    assert isinstance(error, OfferTimeoutError)
    assert error.age == 2.0


def test_offers_under_the_stepping_dispatcher() -> None:
    """Offers never wait there: one to a full mailbox raises."""

    async def offer(one: Does) -> None:
        for number in range(2):
            await one.system.ref("diary").offer(Note(str(number)))

    dispatcher = SteppingDispatcher()
    system = System(dispatcher)
    system.spawn(Diary(), "diary", mailbox=ONE)
    does = Does(offer)
    system.spawn(does, "offering").tell(Go())
    with pytest.raises(ActorFailedError):
        dispatcher.run()
    (error,) = does.raised
    assert isinstance(error, MailboxFullError)
    assert not isinstance(error, ActorStoppedError | AskCycleError)


@loop
async def test_offers_to_one_that_starts() -> None:
    """While an `on_start` waits, offers do, however small the mailbox is."""

    class Starting(Diary):
        async def on_start(self) -> None:
            """Wait."""
            await gate.wait()

    gate = asyncio.Event()
    async with System() as system:
        ref = system.spawn(Starting(), "a", mailbox=ONE)
        offers = [asyncio.ensure_future(ref.offer(Note(text))) for text in "abcde"]
        await rest()
        assert [offer.done() for offer in offers].count(True) == 1
        gate.set()
        await asyncio.gather(*offers)
        assert await ref.ask(Collect()) == Notes(tuple("abcde"))
