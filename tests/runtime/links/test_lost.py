"""A lost link: what each side sees, and what a new link begins."""

import asyncio

import pytest

from ccw_actors.errors import (
    ActorStoppedError,
    LinkError,
    LinkLostError,
    MailboxFullError,
)
from ccw_actors.runtime import Actor, Handled, Mailbox, Observer, System, receive
from ccw_actors.runtime.links import LinkOptions
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes
from tests.runtime.links.pairs import Add, Gate, Meet, Sum, Watcher, join, linked
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


@loop
async def test_asks() -> None:
    """Each ask ends with an error that says so, also one of an async handler."""

    class Asks(Watcher):
        @receive
        async def meet(self, message: Meet) -> None:
            """Ask and keep the error."""
            try:
                await message.ref.ask(Add(1))
            except ActorStoppedError as error:
                self.heard.append(Note(str(error)))

    async with linked() as pair:
        gate, asks = Gate(), Asks()
        ref = await pair.there(gate, "gate")
        asking = asyncio.ensure_future(ref.ask(Add(1)))
        pair.one.spawn(asks, "asks").tell(Meet(ref))
        await until(lambda: pair.one.statistics().pending_asks == 2)
        await gate.entered.wait()
        gone = await pair.cut()
        with pytest.raises(LinkLostError) as raised:
            await asking
        text = f"gate of two was asked Add: {gone}"
        assert str(raised.value) == text
        await until(lambda: asks.heard == [Note(text)])
        assert isinstance(raised.value, ActorStoppedError)


@loop
async def test_everything_else_that_waits() -> None:
    """Queries and waits for a start end as well; the one for an end returns."""
    async with linked() as pair:
        gate = Gate()
        ref = await pair.there(gate, "gate")

        class Slow(Diary):
            async def on_start(self) -> None:
                """Never end."""
                await asyncio.Event().wait()

        slow = await pair.there(Slow(), "slow")
        waits = [
            asyncio.ensure_future(slow.started()),
            asyncio.ensure_future(ref.stopped()),
        ]
        await asyncio.sleep(0)
        gone = await pair.cut()
        with pytest.raises(LinkLostError, match=gone):
            await waits[0]
        await waits[1]
        pair.two.ref("slow").stop(drain=False)


@loop
async def test_dead_references() -> None:
    """Nothing reaches anybody over a lost link; each way of sending says so."""
    async with linked() as pair:
        diary = Diary()
        ref = await pair.there(diary, "diary")
        alive = [ref.is_alive]
        gone = await pair.cut()
        assert [*alive, ref.is_alive] == [True, False]
        assert (pair.one.links, pair.link.is_up) == ((), False)
        ref.tell(Note("x"))
        assert pair.one.statistics().dead_letters == 1
        ref.stop()
        ref.stop(drain=False)
        await ref.stopped()
        for use in (ref.ask(Collect()), ref.offer(Note("x")), ref.started()):
            with pytest.raises(LinkLostError, match=gone):
                await use
        with pytest.raises(LinkLostError, match=f"diary of two: {gone}"):
            await pair.link.ref("diary")
        assert pair.two.is_alive("diary")
        assert diary.state.texts == []


class Lost(Observer):
    """Keeps the dead letters."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str, str]] = []

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Keep."""
        text = event.payload.decode(errors="replace")
        self.letters.append((event.recipient, text[-1], reason))


@loop
async def test_unsent_messages() -> None:
    """They are dead letters, in order; their senders hear of it."""
    async with linked() as pair:
        ref = await pair.there(Diary(), "diary")
        lost = Lost()
        pair.one.observe(lost)

        class Sends(Watcher):
            @receive
            def meet(self, message: Meet) -> None:
                """Send two notes, and cut the link before they leave."""
                for text in "ab":
                    message.ref.tell(Note(text))
                pair.link.lose("cut at once")

        sends = Sends()
        pair.one.spawn(sends, "sends").tell(Meet(ref))
        await until(lambda: len(sends.failures) == 2)
        reason = "the link to two has ended: cut at once"
        assert lost.letters == [("diary", "a", reason), ("diary", "b", reason)]
        assert {one.reason for one in sends.failures} == {reason}
        assert await pair.back.ended() == "the other end closed the connection"
        assert await pair.two.ref("diary").ask(Collect()) == Notes(())


@loop
async def test_new_session() -> None:
    """Linking again works; references from before stay dead, new ones live."""
    async with linked() as pair:
        diary = Diary()
        old = await pair.there(diary, "diary")
        old.tell(Note("first"))
        await old.ask(Collect())
        gone = await pair.cut()
        await until(lambda: not pair.two.links)
        again = await join(pair.one, pair.two)
        assert (pair.link.session, again.link.session) == (1, 2)
        new = await again.link.ref("diary")
        old.tell(Note("lost"))
        new.tell(Note("second"))
        assert await new.ask(Collect()) == Notes(("first", "second"))
        with pytest.raises(LinkLostError, match=gone):
            await old.ask(Collect())
        assert (old.is_alive, new.is_alive) == (False, True)


@loop
async def test_answer_of_an_old_session() -> None:
    """It reaches no ask of the new one."""
    async with linked() as pair:
        diary = Diary()
        old = await pair.there(diary, "diary")
        asking = asyncio.ensure_future(old.ask(Carry("old")))
        await until(lambda: bool(diary.state.carried))
        await pair.cut()
        with pytest.raises(LinkLostError):
            await asking
        await until(lambda: not pair.two.links)
        again = await join(pair.one, pair.two)
        gate = Gate()
        new = await again.there(gate, "gate")
        second = asyncio.ensure_future(new.ask(Add(5)))
        await gate.entered.wait()
        (owed, _) = diary.state.carried.pop()

        class Answers(Actor[Note]):
            @receive
            def note(self, message: Note) -> None:
                """Answer for the diary."""
                self.reply(owed, message)

        home = pair.two.spawn(Answers(), "answers")
        home.tell(Note("late"))
        await until(lambda: pair.two.statistics().handled >= 3)
        gate.opens.set()
        assert await second == Sum(5)


@loop
async def test_offer_of_an_old_session() -> None:
    """An offer that waited in the other System is not handled after its link."""
    async with linked() as pair:
        gate = Gate()
        ref = await pair.there(gate, "gate", mailbox=Mailbox(1, "wait"))
        ref.tell(Note("first"))
        await gate.entered.wait()
        ref.tell(Note("second"))
        offering = asyncio.ensure_future(ref.offer(Note("third")))
        await asyncio.sleep(0)
        await pair.link.ref("gate")  # Now the offer is there.
        await pair.cut()
        with pytest.raises(LinkLostError):
            await offering
        gate.opens.set()
        await until(lambda: len(gate.texts) >= 2)
        for number in (1, 2):  # An offer that still waited would be handled by now.
            assert await pair.two.ref("gate").ask(Add(number)) == Sum(number)
        assert gate.texts == ["first", "second"]


@loop
async def test_close() -> None:
    """What was sent before arrives; both ends know why the link has ended."""
    async with linked() as pair:
        diary = Diary()
        ref = await pair.there(diary, "diary")
        texts = [str(number) for number in range(3000)]
        for text in texts:
            ref.tell(Note(text * 100))
        await pair.link.close("enough")
        assert await pair.link.ended() == "enough"
        assert await pair.back.ended() == "enough"
        assert (pair.one.links, pair.two.links) == ((), ())
        await pair.two.ref("diary").ask(Collect())
        assert diary.state.texts == [text * 100 for text in texts]
        await pair.link.close()


@loop
async def test_close_while_both_send() -> None:
    """The last messages arrive although the other end sends without a pause."""
    async with linked() as pair:
        diaries = [Diary(), Diary()]
        there = await pair.there(diaries[0], "diary")
        pair.one.spawn(diaries[1], "diary")
        here = await pair.back.ref("diary")
        for number in range(2000):
            there.tell(Note(str(number)))
            here.tell(Note("x" * 1000))
        await pair.link.close("enough")
        assert await pair.back.ended() == "enough"
        await pair.two.ref("diary").ask(Collect())
        assert len(diaries[0].state.texts) == 2000


@loop
@pytest.mark.parametrize("shuts", ["one", "two"])
async def test_shutdown(shuts: str) -> None:
    """A System that ends closes its links, and the other one knows why."""
    async with System(name="one") as one, System(name="two") as two:
        pair = await join(one, two)
        gate = Gate()
        ref = await pair.there(gate, "gate")
        asking = asyncio.ensure_future(ref.ask(Add(1)))
        await gate.entered.wait()
        ends, stays = (
            (pair.link, pair.back) if shuts == "one" else (pair.back, pair.link)
        )
        await (one if shuts == "one" else two).shutdown()
        assert await ends.ended() == "the System shut down"
        assert await stays.ended() == "the System shut down"
        with pytest.raises(ActorStoppedError, match="the System shut down"):
            await asking


@loop
async def test_shutdown_ends_the_listeners() -> None:
    """Nobody links to a System that has ended, and it links to nobody."""
    async with System(name="one") as one:
        two = System(name="two")
        listener = await two.listen("tcp:0")
        await two.shutdown()
        with pytest.raises(LinkError, match="Connection refused"):
            await one.connect(listener.address)
        other = await one.listen("tcp:0")
        for use in (two.connect(other.address), two.listen("tcp:0")):
            with pytest.raises(LinkError, match="the System shut down"):
                await use


@loop
async def test_bound_of_a_link() -> None:
    """Messages that wait here are bounded, as in a mailbox."""
    options = LinkOptions(waiting_max=3)
    async with linked(options) as pair:
        diary = await pair.there(Diary(), "diary")
        for text in "abc":
            diary.tell(Note(text))
        with pytest.raises(MailboxFullError) as raised:
            diary.tell(Note("d"))
        assert str(raised.value) == (
            "Note to diary of two: the link has reached its bound of 3 messages"
        )
        with pytest.raises(MailboxFullError, match="Collect to diary of two: the link"):
            await diary.ask(Collect())
        await diary.offer(Note("e"))
        assert await diary.ask(Collect()) == Notes(("a", "b", "c", "e"))
