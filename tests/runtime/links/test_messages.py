"""Messages over a link: tell, ask, offer, and what happens to those that fail."""

import asyncio
import math

import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskTimeoutError,
    LinkError,
    MailboxFullError,
    MessageError,
    NoAnswerError,
    StartTimeoutError,
)
from ccw_actors.runtime import Actor, Restart, System, receive
from tests.runtime.cast import Blow, Carry, Collect, Diary, Note, Notes, Send
from tests.runtime.links.pairs import Add, Adder, Gate, Meet, Sum, Watcher, linked
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


@loop
async def test_tell_and_ask() -> None:
    """They work as in one System, in both directions."""
    async with linked() as pair:
        diary = await pair.there(Diary(), "diary")
        diary.tell(Note("hello"))
        assert await diary.ask(Collect()) == Notes(("hello",))
        pair.one.spawn(Adder(), "adder")
        assert await (await pair.back.ref("adder")).ask(Add(3)) == Sum(3)


@loop
async def test_who_it_is() -> None:
    """A reference names the System, the path and the incarnation."""
    async with linked() as pair:
        ref = await pair.there(Diary(), "a/b")
        assert (ref.system, ref.path, ref.incarnation) == ("two", "a/b", 1)
        assert repr(ref) == "<ActorRef a/b of two>"
        assert ref == pair.two.ref("a/b")
        assert hash(ref) == hash(pair.two.ref("a/b"))
        assert ref != pair.one.ref("a/b")


@loop
async def test_reference_to_the_next_one() -> None:
    """The reference of a free path means the next actor there, and only that."""
    async with linked() as pair:
        ref = await pair.link.ref("diary")
        first = pair.two.spawn(Diary(), "diary")
        assert await ref.ask(Collect()) == Notes(())
        first.stop()
        await first.stopped()
        pair.two.spawn(Diary(), "diary")
        with pytest.raises(ActorStoppedError, match="Collect to diary: there is no"):
            await ref.ask(Collect())
        assert (await pair.link.ref("diary")).incarnation == 2


@loop
async def test_tell_from_an_actor() -> None:
    """The recipient knows the sender, and can answer what was told."""
    async with linked() as pair:
        adder = await pair.there(Adder(), "adder")

        class Hears(Watcher):
            @receive
            def meet(self, message: Meet) -> None:
                """Tell a request."""
                message.ref.tell(Add(4))

        hears = Hears()
        pair.one.spawn(hears, "hears").tell(Meet(adder))
        await until(lambda: hears.heard == [Sum(4)])


@loop
async def test_tell_from_a_thread() -> None:
    """Another thread tells, also asks and offers."""
    async with linked() as pair:
        diary = await pair.there(Diary(), "diary")

        def use() -> Notes:
            diary.tell(Note("told"))
            diary.offer(Note("offered"), block=True)
            answer: Notes = diary.ask(Collect(), block=True)
            return answer

        assert await asyncio.to_thread(use) == Notes(("told", "offered"))


@loop
async def test_errors_of_an_ask() -> None:
    """They are those of an ask in one System."""
    async with linked() as pair:
        diary = await pair.there(Diary(), "diary")
        nobody = await pair.link.ref("nobody")
        with pytest.raises(ActorFailedError, match="too loud") as failed:
            await diary.ask(Blow("too loud"))
        assert (failed.value.actor, failed.value.message) == ("diary", "Blow")
        await pair.there(Diary(), "second")
        second = await pair.link.ref("second")
        with pytest.raises(MessageError, match="second refused Add"):
            await second.ask(Add(1))
        with pytest.raises(ActorStoppedError, match="there is no such actor"):
            await nobody.ask(Collect())


class Silent(Actor[Add]):
    """Does not answer."""

    @receive
    def add(self, _message: Add) -> None:
        """Forget it."""


@loop
async def test_ask_without_an_answer() -> None:
    """If the handler does not answer, the ask fails at once."""
    async with linked() as pair:
        silent = await pair.there(Silent(), "silent")
        with pytest.raises(NoAnswerError, match="silent does not answer"):
            await silent.ask(Add(1))


@loop
async def test_deadline_of_an_ask() -> None:
    """The asker keeps it, and the late answer is counted there."""
    async with linked() as pair:
        gate = Gate()
        ref = await pair.there(gate, "gate")
        with pytest.raises(AskTimeoutError, match="gate of two did not answer Add"):
            await ref.ask(Add(1), timeout=0.01)
        gate.opens.set()
        assert await ref.ask(Add(2), timeout=math.inf) == Sum(2)


@loop
async def test_actor_that_stops_before_it_answers() -> None:
    """The ask fails when the actor ends."""
    async with linked() as pair:
        gate = Gate()
        ref = await pair.there(gate, "gate")
        asking = asyncio.ensure_future(ref.ask(Add(1)))
        await gate.entered.wait()
        ref.stop(drain=False)
        with pytest.raises(ActorStoppedError, match="gate"):
            await asking


@loop
async def test_restart_of_the_one_asked() -> None:
    """An ask that a handler had taken fails; one in the mailbox is answered."""

    class Fragile(Gate):
        @receive
        async def add(self, message: Add) -> Sum:
            """Fail for 0."""
            self.entered.set()
            await self.opens.wait()
            if not message.number:
                raise ValueError("zero")
            return Sum(message.number)

    async with linked() as pair:
        gate = Fragile()
        ref = await pair.there(lambda: gate, "gate", supervision=Restart())
        asks = [asyncio.ensure_future(ref.ask(Add(number))) for number in (0, 7)]
        await gate.entered.wait()
        gate.opens.set()
        with pytest.raises(
            ActorFailedError, match="gate failed on Add: ValueError: zero"
        ):
            await asks[0]
        assert await asks[1] == Sum(7)
        assert ref.is_alive


@loop
async def test_owed_answer_at_a_restart() -> None:
    """An answer that an actor owes is lost with its life: the ask says so."""
    async with linked() as pair:
        ref = await pair.there(Diary, "diary", supervision=Restart())
        asking = asyncio.ensure_future(ref.ask(Carry("x")))
        await asyncio.sleep(0)  # Now it is sent.
        with pytest.raises(ActorFailedError, match="too loud"):
            await ref.ask(Blow("too loud"))
        with pytest.raises(ActorFailedError) as raised:
            await asking
        assert str(raised.value) == (
            "diary failed on Carry: it was restarted before it answered"
        )


@loop
async def test_started_and_stopped() -> None:
    """One can wait for both."""

    class Slow(Diary):
        def __init__(self) -> None:
            super().__init__()
            self.may_start = asyncio.Event()

        async def on_start(self) -> None:
            """Wait."""
            await self.may_start.wait()

    async with linked() as pair:
        slow = Slow()
        ref = await pair.there(slow, "slow")
        with pytest.raises(StartTimeoutError):
            await ref.started(timeout=0.01)
        slow.may_start.set()
        await ref.started()
        with pytest.raises(AskTimeoutError):
            await ref.stopped(timeout=0.01)
        ref.stop()
        await ref.stopped()
        await ref.stopped()
        with pytest.raises(ActorStoppedError):
            await ref.started()


@loop
@pytest.mark.parametrize("drain", [True, False])
async def test_stop(drain: bool) -> None:  # noqa: FBT001 - a table
    """A stop that drains comes after the messages, another one before them."""
    async with linked() as pair:
        gate = Gate()
        ref = await pair.there(gate, "gate")
        ref.tell(Note("a"))
        await gate.entered.wait()
        ref.tell(Note("b"))
        ref.stop(drain=drain)
        if drain:
            gate.opens.set()
        await ref.stopped()
        assert gate.texts == (["a", "b"] if drain else [])


@loop
async def test_dead_letter() -> None:
    """A sender that handles `Failure` hears of its lost messages, others nothing."""
    async with linked() as pair:
        nobody = await pair.link.ref("nobody")

        class Sends(Watcher):
            @receive
            def meet(self, message: Meet) -> None:
                """Send a note."""
                message.ref.tell(Note("x"))

        watcher = Sends()
        pair.one.spawn(watcher, "watcher").tell(Meet(nobody))
        quiet = pair.one.spawn(Diary(), "diary")
        quiet.tell(Send(("y",), (nobody,)))
        await until(lambda: bool(watcher.failures))
        (failure,) = watcher.failures
        assert (failure.actor, failure.request) == ("nobody", "Note")
        assert failure.kind == "ActorStoppedError"
        await until(lambda: pair.two.statistics().dead_letters == 2)
        assert pair.one.statistics().dead_letters == 0


@loop
async def test_message_that_is_too_large() -> None:
    """It is refused at the sender, and the link goes on."""
    async with linked() as pair:
        diary = await pair.there(Diary(), "diary")
        large = Note("x" * (1 << 24))
        with pytest.raises(MailboxFullError, match="Note to diary of two: it has 1677"):
            diary.tell(large)
        with pytest.raises(
            MailboxFullError, match="Carry to diary of two: it has 1677"
        ):
            await diary.ask(Carry(large.text))
        with pytest.raises(MailboxFullError, match="a link carries at most"):
            await diary.offer(large)
        assert await diary.ask(Collect()) == Notes(())


class Large(Actor[Carry]):
    """Answers with much text."""

    @receive
    def carry(self, message: Carry) -> Note:
        """Answer."""
        return Note("x" * int(message.text))


@loop
async def test_answer_that_is_too_large() -> None:
    """The ask fails and says so; the link goes on."""
    async with linked() as pair:
        large = await pair.there(Large(), "large")
        with pytest.raises(MailboxFullError, match="the answer Note is too large"):
            await large.ask(Carry(str(1 << 24)))
        assert await large.ask(Carry("3")) == Note("xxx")


@loop
async def test_many_large_answers() -> None:
    """Together they may be larger than a frame."""
    async with linked() as pair:
        large = await pair.there(Large(), "large")
        asks = [large.ask(Carry(str(1 << 20))) for _ in range(40)]
        assert {len(note.text) for note in await asyncio.gather(*asks)} == {1 << 20}


@loop
async def test_link_to_oneself() -> None:
    """There is none: a System that is asked for itself has its actors at hand."""
    async with System(name="one") as one:
        listener = await one.listen("tcp:0")
        with pytest.raises(LinkError, match="both Systems are named 'one'"):
            await one.connect(listener.address)
