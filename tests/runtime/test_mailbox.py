"""Bounded mailboxes: each policy, uncounted messages, and waits for room."""

import asyncio
from typing import get_args

import pytest

from ccw_actors.errors import AskTimeoutError, MailboxFullError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    Mailbox,
    System,
    Terminated,
    VirtualDispatcher,
    receive,
)
from ccw_actors.runtime._values.mailbox import WhenFull
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes, Send, SetTimer
from tests.runtime.test_messages import Losses


def full(when_full: WhenFull) -> tuple[System, ActorRef[Note | Collect | Carry]]:
    """Return a diary whose mailbox holds its two notes, in virtual time."""
    system = System(VirtualDispatcher())
    ref = system.spawn(Diary(), "diary", mailbox=Mailbox(2, when_full))
    for text in ("0", "1"):
        ref.tell(Note(text))
    return system, ref


def test_refuse() -> None:
    """The sender gets an error that names message, recipient and bound."""
    system, ref = full("refuse")
    with pytest.raises(MailboxFullError, match=r"^Note to diary: .* bound of 2 messag"):
        ref.tell(Note("2"))
    with pytest.raises(MailboxFullError, match="Collect to diary"):
        ref.ask(Collect(), block=True)
    counts = system.statistics()
    assert (counts.refused, counts.pending_asks, counts.waiting_messages) == (2, 0, 2)


def test_wait_under_a_virtual_clock() -> None:
    """With "wait" an ask waits for room as well; a `tell` from outside raises."""
    system, ref = full("wait")
    with pytest.raises(MailboxFullError, match=r"^Note to diary: .* bound of 2 messag"):
        ref.tell(Note("2"))
    assert ref.ask(Collect(), block=True) == Notes(("0", "1"))
    counts = system.statistics()
    assert (counts.refused, counts.pending_asks, counts.waiting_messages) == (1, 0, 0)


@pytest.mark.parametrize(
    ("when_full", "left", "lost"),
    [("drop oldest", ("1", "2"), "0"), ("drop newest", ("0", "1"), "2")],
)
def test_drop(when_full: WhenFull, left: tuple[str, ...], lost: str) -> None:
    """One message becomes a dead letter, which the sender does not notice."""
    system, ref = full(when_full)
    losses = Losses()
    system.observe(losses)
    ref.tell(Note("2"))
    dispatcher = system.dispatcher
    assert isinstance(dispatcher, VirtualDispatcher)
    dispatcher.run()
    assert ref.ask(Collect(), block=True) == Notes(left)
    assert system.statistics().dropped == 1
    observed = [what for _, what, _ in losses.dead_letters]
    assert observed == (["Note"] if lost == "2" else [])


def test_dropped_ask_fails() -> None:
    """An ask that a full mailbox drops ends with `MailboxFullError`."""
    _, ref = full("drop newest")
    with pytest.raises(
        MailboxFullError, match="Collect to diary: the mailbox was full"
    ):
        ref.ask(Collect(), block=True)


class Watcher(Diary):
    """Tells requests with more answers than its own mailbox holds."""

    @receive
    def ended(self, message: Terminated) -> None:
        """Keep the message."""
        self.state.texts.append(f"{message.ref.path} ended")


def test_what_does_not_count() -> None:
    """Replies, timer messages and notices pass a full mailbox."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    other = system.spawn(Diary(), "other")
    watcher = Watcher()
    ref = system.spawn(watcher, "watcher", mailbox=Mailbox(1))
    ref.tell(SetTimer(1.0, "timer"))
    dispatcher.advance(0.5)
    watcher.watch(other)
    dispatcher.advance(0.1)
    other.stop()
    ref.tell(Note("fills it"))
    dispatcher.run()
    texts = watcher.state.texts
    assert sorted(texts) == ["fills it", "other ended", "timer at 1"]
    assert system.statistics().refused == 0


@pytest.mark.asyncio
async def test_offers_wait_in_order() -> None:
    """Offers wait for room, and enter the mailbox in their order."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary", mailbox=Mailbox(2, "wait"))
        texts = tuple(str(number) for number in range(20))
        offers = [asyncio.ensure_future(ref.offer(Note(text))) for text in texts]
        await asyncio.gather(*offers)
        assert await ref.ask(Collect()) == Notes(texts)
        assert system.statistics().refused == 0


@pytest.mark.asyncio
async def test_offers_of_a_thread() -> None:
    """An offering thread blocks until there is room; its order is kept."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary", mailbox=Mailbox(3, "wait"))
        texts = tuple(str(number) for number in range(50))

        def offer() -> None:
            for text in texts:
                ref.offer(Note(text), block=True)

        await asyncio.to_thread(offer)
        assert await ref.ask(Collect()) == Notes(texts)


class Slow(Actor[Note | Collect]):
    """Waits in the handler of a note until it is released."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    @receive
    async def note(self, _message: Note) -> None:
        """Wait."""
        await self.gate.wait()

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Answer."""
        return Notes(())


@pytest.mark.asyncio
async def test_ask_that_finds_no_room_in_time() -> None:
    """An ask waits for room within its timeout, whose error names the request."""
    async with System() as system:
        actor = Slow()
        ref = system.spawn(actor, "slow", mailbox=Mailbox(1, "wait"))
        ref.tell(Note("is handled"))
        await asyncio.sleep(0)
        ref.tell(Note("waits"))
        with pytest.raises(AskTimeoutError) as caught:
            await ref.ask(Collect(), timeout=0.001)
        assert (caught.value.target, caught.value.message) == ("slow", "Collect")
        assert system.statistics().expired_asks == 1
        asked = asyncio.ensure_future(ref.ask(Collect()))
        offered = asyncio.ensure_future(ref.offer(Note("later")))
        await asyncio.sleep(0)
        assert not asked.done()
        actor.gate.set()
        assert await asked == Notes(())
        await offered


@pytest.mark.asyncio
async def test_end_of_who_is_full() -> None:
    """A wait for room ends when the actor ends."""
    async with System() as system:
        losses = Losses()
        system.observe(losses)
        ref = system.spawn(Slow(), "slow", mailbox=Mailbox(1, "wait"))
        ref.tell(Note("is handled"))
        await asyncio.sleep(0)
        ref.tell(Note("waits"))
        offered = asyncio.ensure_future(ref.offer(Note("later")))
        await asyncio.sleep(0)
        ref.stop(drain=False)
        await offered
        assert [what for _, what, _ in losses.dead_letters] == ["Note", "Note"]


def test_wrong_mailbox() -> None:
    """A bound below 1 and an unknown policy are refused, naming valid values."""
    with pytest.raises(ValueError, match="a bound of 1 or more, not 0"):
        Mailbox(0)
    with pytest.raises(
        ValueError, match=f"one of {', '.join(get_args(WhenFull))}; got"
    ):
        Mailbox(1, "explode")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_default_of_the_system() -> None:
    """Actors spawned without a mailbox have the System's."""
    system = System(VirtualDispatcher(), mailbox=Mailbox(1))
    ref = system.spawn(Diary(), "diary")
    ref.tell(Send((), ()))
    with pytest.raises(MailboxFullError):
        ref.tell(Note("too many"))


class SlowReader(Actor[Note]):
    """Takes a minute for each note."""

    @receive
    async def note(self, _message: Note) -> None:
        """Sleep."""
        await self.sleep(60.0)


class Publisher(Actor[Note | Failure]):
    """Forwards notes to others; keeps failures."""

    def __init__(self, to: tuple[ActorRef[Note], ...]) -> None:
        self.to = to
        self.failures: list[Failure] = []

    @receive
    def note(self, message: Note) -> None:
        """Forward the note."""
        for ref in self.to:
            ref.tell(message)

    @receive
    def failure(self, message: Failure) -> None:
        """Keep."""
        self.failures.append(message)


def test_slow_subscriber(caplog: pytest.LogCaptureFixture) -> None:
    """A full mailbox does not fail the publisher, which continues and gets a `Failure`.

    Messages without room are dead letters, with one warning.
    """
    clock = VirtualDispatcher()
    system = System(clock)
    slow, quick = SlowReader(), Diary()
    refs = (
        system.spawn(slow, "slow", mailbox=Mailbox(2)),
        system.spawn(quick, "quick"),
    )
    publisher = Publisher(refs)
    ref = system.spawn(publisher, "publisher")
    for number in range(6):
        ref.tell(Note(str(number)))
    clock.advance(0.0)
    assert ref.is_alive
    assert quick.state.texts == list("012345")
    assert [(one.actor, one.full, one.kind) for one in publisher.failures] == [
        ("slow", True, "MailboxFullError")
    ] * len(publisher.failures)
    counts = system.statistics()
    assert counts.dead_letters == counts.refused == len(publisher.failures) == 3
    assert caplog.messages == [
        "Note from publisher to slow is lost: the mailbox was full with 2 messages"
    ]


def test_actor_that_asks_a_full_mailbox() -> None:
    """An ask differs: it raises in the waiting code."""

    class Asking(Actor[Note]):
        @receive
        async def note(self, _message: Note) -> None:
            """Ask."""
            try:
                await self.system.ref("slow").ask(Collect())
            except MailboxFullError as error:
                raised.append(str(error))

    clock, raised = VirtualDispatcher(), list[str]()
    system = System(clock)
    slow = system.spawn(SlowReader(), "slow", mailbox=Mailbox(1))
    slow.tell(Note("handled for a minute"))
    clock.advance(0.0)
    slow.tell(Note("fills it"))
    system.spawn(Asking(), "asking").tell(Note("x"))
    clock.advance(0.0)
    assert raised == [
        "Collect to slow: its mailbox has reached its bound of 1 messages"
    ]
