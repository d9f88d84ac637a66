"""Bounds of mailboxes in the other System, and what the sender sees of them."""

import asyncio
from typing import Any

import pytest

from ccw_actors.errors import MailboxFullError, OfferTimeoutError
from ccw_actors.runtime import ActorRef, Mailbox, receive
from tests.runtime.cast import Diary, Note, Send
from tests.runtime.links.pairs import Add, Gate, Meet, Pair, Sum, Watcher, linked
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


async def full(pair: Pair, mailbox: Mailbox) -> tuple[Gate, ActorRef[Any]]:
    """Return an actor of `two` that handles "first", with two notes in its mailbox."""
    gate = Gate()
    ref = await pair.there(gate, "gate", mailbox=mailbox)
    ref.tell(Note("first"))
    await gate.entered.wait()
    for text in ("a", "b"):
        ref.tell(Note(text))
    return gate, ref


async def all_of(pair: Pair, gate: Gate) -> list[str]:
    """Let the actor handle everything; return the texts."""
    gate.opens.set()
    home = pair.two.ref("gate")
    home.stop()
    await home.stopped()
    return gate.texts


@loop
async def test_wait() -> None:
    """Offers and asks wait for room there; they enter it as they came."""
    async with linked() as pair:
        gate, ref = await full(pair, Mailbox(2, "wait"))
        offers = [asyncio.ensure_future(ref.offer(Note(text))) for text in "cd"]
        await asyncio.sleep(0)
        asking = asyncio.ensure_future(ref.ask(Add(5)))
        await asyncio.sleep(0)
        await pair.link.ref("gate")  # Now all of them are there.
        assert not any(one.done() for one in (*offers, asking))
        gate.opens.set()
        await asyncio.gather(*offers)
        assert await asking == Sum(5)
        assert await all_of(pair, gate) == ["first", "a", "b", "c", "d"]


@loop
async def test_offer_without_room_in_time() -> None:
    """Its message is never handled."""
    async with linked() as pair:
        gate, ref = await full(pair, Mailbox(2, "wait"))
        with pytest.raises(OfferTimeoutError, match="gate"):
            await ref.offer(Note("late"), timeout=0.01)
        assert await all_of(pair, gate) == ["first", "a", "b"]


@loop
async def test_offer_of_an_actor() -> None:
    """An async handler can also offer."""

    class Offers(Watcher):
        @receive
        async def meet(self, message: Meet) -> None:
            """Offer."""
            for text in "cdef":
                await message.ref.offer(Note(text))
            self.heard.append(Note("done"))

    async with linked() as pair:
        gate, ref = await full(pair, Mailbox(2, "wait"))
        offers = Offers()
        pair.one.spawn(offers, "offers").tell(Meet(ref))
        gate.opens.set()
        await until(lambda: bool(offers.heard))
        assert await all_of(pair, gate) == ["first", *"abcdef"]


@loop
async def test_offer_to_one_who_ends() -> None:
    """It ends when the actor does."""
    async with linked() as pair:
        _, ref = await full(pair, Mailbox(2, "wait"))
        offering = asyncio.ensure_future(ref.offer(Note("c")))
        await asyncio.sleep(0)
        await pair.link.ref("gate")
        ref.stop(drain=False)
        await offering
        await until(lambda: pair.two.statistics().dead_letters == 3)


@loop
async def test_refuse() -> None:
    """An ask fails; what was told is a dead letter, and its sender hears of it."""
    async with linked() as pair:
        gate, ref = await full(pair, Mailbox(2, "refuse"))

        class Tells(Watcher):
            @receive
            def meet(self, message: Meet) -> None:
                """Tell."""
                message.ref.tell(Note("c"))

        watcher = Tells()
        pair.one.spawn(watcher, "watcher").tell(Meet(ref))
        await until(lambda: bool(watcher.failures))
        (failure,) = watcher.failures
        assert (failure.actor, failure.request, failure.full) == ("gate", "Note", True)
        with pytest.raises(
            MailboxFullError, match=r"Add to gate: .* bound of 2 messag"
        ):
            await ref.ask(Add(1))
        with pytest.raises(MailboxFullError, match="bound of 2 messages"):
            await ref.offer(Note("d"))
        ref.tell(Note("e"))  # The outside cannot hear of it any longer.
        await until(lambda: pair.two.statistics().dead_letters == 2)
        assert await all_of(pair, gate) == ["first", "a", "b"]


@loop
@pytest.mark.parametrize(
    ("policy", "texts"),
    [("drop oldest", ["first", "b", "c"]), ("drop newest", ["first", "a", "b"])],
)
async def test_drop(policy: str, texts: list[str]) -> None:
    """The mailbox drops one, and the asker of a dropped ask is told."""
    async with linked() as pair:
        gate, ref = await full(pair, Mailbox(2, policy))  # type: ignore[arg-type]
        ref.tell(Note("c"))
        if policy == "drop newest":
            with pytest.raises(MailboxFullError, match="Add to gate"):
                await ref.ask(Add(1))
        else:
            await pair.link.ref("gate")
        assert await all_of(pair, gate) == texts


@loop
async def test_flood() -> None:
    """An actor that tells more than the mailbox holds does not fail, and loses some."""
    async with linked() as pair:
        gate, ref = await full(pair, Mailbox(2, "refuse"))
        home = pair.one.spawn(Diary(), "diary")
        home.tell(Send(tuple(map(str, range(1000))), (ref,)))
        await until(lambda: pair.two.statistics().refused == 1000)
        assert pair.one.statistics().failures == 0
        assert await all_of(pair, gate) == ["first", "a", "b"]
