"""Probes: expected messages, and the errors if others come."""

import asyncio
import math
from collections.abc import Sequence

import pytest

from ccw_actors.errors import AskTimeoutError, CcwActorsError, DispatcherError
from ccw_actors.runtime import (
    Choice,
    Failure,
    Mailbox,
    Message,
    System,
    Terminated,
)
from ccw_actors.testkit import (
    ExpectationError,
    Probe,
    ProbeFactory,
    SteppingSystem,
    VirtualSystem,
)
from tests.testkit.cast import (
    Blow,
    Courier,
    Greeter,
    Later,
    Note,
    Other,
    Question,
)

A, B, C = Note("a"), Note("b"), Note("c")


class Box(Message, frozen=True):
    """A message that cannot be encoded, if its content cannot."""

    content: object


def probe_told(*messages: Message) -> Probe:
    """Return a probe without an event loop that received these from outside."""
    system = VirtualSystem()
    probe = Probe(system, Note | Other, Question)
    for message in messages:
        probe.ref.tell(message)
    system.clock.run()
    return probe


def texts(messages: Sequence[Message]) -> str:
    """Return the texts of notes, joined."""
    return "".join(one.text for one in messages if isinstance(one, Note))


# -- without an event loop ---------------------------------------------------------


def test_expect() -> None:
    """Messages are taken one by one, by type, by value and by condition."""
    probe = probe_told(A, B, Other())
    everything: tuple[Message, ...] = (A, B, Other())
    assert probe.received == probe.queued == everything
    assert probe.expect_now(Note) == A
    assert probe.queued == everything[1:]
    assert probe.expect_now(Note, where=lambda note: note.text > "a") == B
    assert probe.expect_now(Other()) == Other()
    probe.expect_nothing_now()
    assert probe.received == everything


def test_unexpected_message() -> None:
    """The error names expected, received, queued and refused messages."""
    probe = probe_told(A, B)
    with pytest.raises(ExpectationError) as caught:
        probe.expect_now(Other)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, CcwActorsError)
    assert caught.value.expected == "Other"
    assert caught.value.came == (A,)
    assert caught.value.queued == (B,)
    assert str(caught.value).splitlines() == [
        "probe-1 expected Other",
        "came:",
        "  Note(text='a') from the outside at 0 s",
        "still queued:",
        "  Note(text='b') from the outside at 0 s",
        "it takes Note, Other, Question, Terminated and refuses all others",
    ]


def test_condition_that_does_not_hold() -> None:
    """A message of the right type is not enough, and the condition is named."""

    def is_long(note: Note) -> bool:
        return len(note.text) > 1

    with pytest.raises(ExpectationError, match="expected Note where is_long"):
        probe_told(A).expect_now(Note, where=is_long)


def test_unequal_message() -> None:
    """A message of the right type with other contents is not the one expected."""
    with pytest.raises(ExpectationError, match=r"expected Note\(text='b'\)"):
        probe_told(A).expect_now(B)


def test_missing_message() -> None:
    """A `..._now` method does not wait."""
    with pytest.raises(ExpectationError, match="expected Note now\ncame: nothing"):
        probe_told().expect_now(Note)


def test_fish() -> None:
    """Other messages are skipped; those behind the wanted one stay."""
    probe = probe_told(Other(), A, B, C)
    assert probe.fish_now(Note, where=lambda note: note == B) == B
    assert probe.queued == (C,)
    with pytest.raises(ExpectationError) as caught:
        probe.fish_now(Other)
    assert caught.value.came == (C,)


def test_expect_all() -> None:
    """Several messages may come in any order; they are returned as listed."""
    probe = probe_told(C, A, Other(), B)
    assert probe.expect_all_now(Note, A, Other) == (C, A, Other())
    assert probe.queued == (B,)


def test_expect_all_once() -> None:
    """One message never counts as two expected ones."""
    with pytest.raises(ExpectationError) as caught:
        probe_told(A, A).expect_all_now(A, B)
    assert caught.value.expected == "Note(text='a') and Note(text='b')"
    assert caught.value.came == (A, A)


def test_expect_all_in_order() -> None:
    """In order means the order listed."""
    assert probe_told(A, B).expect_all_now(A, B, in_order=True) == (A, B)
    with pytest.raises(ExpectationError, match=r"'a'\), then Note\(text='b'\)"):
        probe_told(B, A).expect_all_now(A, B, in_order=True)


def test_expect_nothing() -> None:
    """An unchecked message is not nothing."""
    with pytest.raises(ExpectationError, match="expected nothing") as caught:
        probe_told(A).expect_nothing_now()
    assert caught.value.queued == (A,)


def test_probe_speaks_for_itself() -> None:
    """A probe is the sender of its messages, and knows the sender of received ones."""
    system = VirtualSystem()
    probe = Probe(system, Note, path="probe")
    greeter = system.spawn(Greeter(), "greeter")
    assert probe.sender is None
    probe.tell(greeter, Note("you"))
    system.clock.run()
    probe.expect_now(Note("hello you"))
    assert probe.sender == greeter
    probe.ref.tell(A)
    system.clock.run()
    probe.expect_now(A)
    assert probe.sender is None


def test_reply() -> None:
    """`reply` answers the last checked request, and no other."""
    system = VirtualSystem()
    probe = Probe(system, Question, Note)
    first, second, third = askers = [Probe(system, Note) for _ in range(3)]
    for asker in askers:
        asker.tell(probe.ref, Question("?"))
    probe.ref.tell(A)
    system.clock.run()
    probe.expect_all_now(A, Question, Question)
    probe.reply(B)
    system.clock.run()
    second.expect_now(B)
    assert second.sender == probe.ref
    assert first.received == third.received == ()


def test_reply_to_nothing() -> None:
    """Without a checked request there is nothing to answer."""
    probe = probe_told(A, Question("?"))
    probe.expect_now(Note)
    with pytest.raises(ExpectationError, match="expected a request"):
        probe.reply(A)


def test_watch() -> None:
    """A probe that watches an actor receives its end, also if it does not exist."""
    system = VirtualSystem()
    probe = Probe(system, path="probe")
    greeter = system.spawn(Greeter(), "greeter")
    probe.watch(greeter)
    system.clock.run()
    probe.expect_nothing_now()
    greeter.stop()
    system.clock.run()
    assert probe.expect_now(Terminated).ref == greeter
    probe.watch(system.ref("nobody"))
    system.clock.run()
    assert probe.expect_now(Terminated).reason == "there is no such actor"


def test_what_a_probe_refuses() -> None:
    """A probe refuses messages of other types; the sender is notified."""
    system = VirtualSystem()
    picky, sender = Probe(system, Note, path="picky"), Probe(system, Failure)
    sender.tell(picky.ref, Other())
    system.clock.run()
    assert picky.received == ()
    assert sender.expect_now(Failure).refused


@pytest.mark.parametrize("accepts", [("Note",), (int,), (Note | int,), (None,)])
def test_no_message_type(accepts: tuple[object, ...]) -> None:
    """A probe of a type that is not a message is refused."""
    with pytest.raises(TypeError, match="a probe takes message types"):
        Probe(VirtualSystem(), *accepts)


def test_failed_probe() -> None:
    """An exception in an action of the probe is the cause of the next error."""
    system = VirtualSystem()
    probe = Probe(system, Note)
    probe.tell(probe.ref, Box(object()))
    system.clock.run()
    with pytest.raises(ExpectationError, match="Note, and has failed") as caught:
        probe.expect_now(Note)
    assert isinstance(caught.value.__cause__, TypeError)
    with pytest.raises(ExpectationError, match="nothing, and has failed"):
        probe.expect_nothing_now()


def test_bounded_mailboxes() -> None:
    """A probe takes all messages, however small the mailboxes of its System are."""
    system = VirtualSystem(mailbox=Mailbox(1, "drop newest"))
    probe = Probe(system, Note)
    for note in (A, B, C):
        probe.tell(probe.ref, note)
    system.clock.run()
    probe.expect_all_now(A, B, C, in_order=True)


def test_stepping_back() -> None:
    """Restoring a System also restores its probes."""
    system = SteppingSystem()
    probe = Probe(system, Note, path="probe")
    for note in (A, B, C):
        probe.ref.tell(note)
    system.steps.step()
    system.steps.step(Choice("probe", ""))
    probe.expect_now(A)
    before = system.steps.snapshot()
    probe.expect_now(B)
    assert system.steps.snapshot().key() != before.key()
    system.steps.step()
    assert texts(probe.received) == "abc"
    system.steps.restore(before)
    assert system.steps.snapshot().key() == before.key()
    assert texts(probe.received) == "ab"
    assert texts(probe.queued) == "b"


def test_factory() -> None:
    """A factory makes probes in its System, or in the one given."""
    system, other = VirtualSystem(), VirtualSystem()
    make = ProbeFactory(system)
    assert make(Note).ref.path == "probe-1"
    assert make(Note, path="named").ref.path == "named"
    assert make(Note, path="there", system=other).ref.is_alive
    assert not system.is_alive("there")
    with pytest.raises(CcwActorsError, match="a probe needs a System"):
        ProbeFactory(None)(Note)


def test_waiting_without_a_loop() -> None:
    """Awaiting is refused if no event loop runs the System."""
    probe = probe_told(A)
    with pytest.raises(DispatcherError, match=r"use the method named \.\.\._now"):
        asyncio.run(probe.expect(Note))
    with pytest.raises(DispatcherError, match=r"use the method named \.\.\._now"):
        asyncio.run(probe.expect_nothing())
    assert probe.queued == (A,)


# -- on an event loop --------------------------------------------------------------


@pytest.mark.asyncio
async def test_wait() -> None:
    """A probe waits for messages, and for the right one of several."""
    async with System() as system:
        probe = Probe(system, Note)
        courier = system.spawn(Courier(probe.ref))
        courier.tell(A)
        assert await probe.expect(Note) == A
        for note in (A, C, B):
            courier.tell(note)
        assert await probe.fish(Note, where=lambda note: note != A) == C
        courier.tell(A)
        assert await probe.expect_all(A, B) == (A, B)
        probe.expect_nothing_now()


@pytest.mark.asyncio
async def test_timeout() -> None:
    """Waiting ends at the timeout, and the error says how long that was."""
    async with System() as system:
        probe = Probe(system, Note)
        probe.ref.tell(A)
        with pytest.raises(ExpectationError) as caught:
            await probe.fish(B, timeout=0.002)
        assert caught.value.expected == "Note(text='b') within 0.002 s"
        assert caught.value.came == (A,)
        assert system.now() >= 0.002


@pytest.mark.asyncio
async def test_endless_wait() -> None:
    """An infinite timeout waits forever."""
    async with System() as system:
        probe = Probe(system, Note)
        system.spawn(Courier(probe.ref)).tell(Later(0.002))
        assert await probe.expect(Note, timeout=math.inf) == Note("after 0.002 s")


@pytest.mark.asyncio
async def test_message_in_the_last_moment() -> None:
    """A message that is there at the deadline is in time."""
    async with System() as system:
        probe = Probe(system, Note)
        waiting = asyncio.ensure_future(probe.expect(Note, timeout=0))
        await asyncio.sleep(0)  # It begins to wait, and its time has passed.
        probe.ref.tell(A)
        assert await waiting == A


@pytest.mark.asyncio
async def test_quiet() -> None:
    """Expecting nothing ends with its time; later messages do not count."""
    async with System() as system:
        probe = Probe(system, Note)
        courier = system.spawn(Courier(probe.ref))
        await probe.expect_nothing(within=0.002)
        courier.tell(Later(60))
        await probe.expect_nothing(within=0.002)
        courier.tell(Later(0.001))
        with pytest.raises(ExpectationError, match="nothing within 30 s"):
            await probe.expect_nothing(within=30)


@pytest.mark.asyncio
async def test_answers() -> None:
    """A probe can answer the tested actor; without an answer the ask times out."""
    async with System() as system:
        probe = Probe(system, Question)
        courier = system.spawn(Courier(probe.ref))
        ask = asyncio.ensure_future(courier.ask(Question("how?")))
        assert (await probe.expect(Question)).text == "how?"
        assert probe.sender == courier
        probe.reply(Note("so"))
        assert await ask == Note("answer: so")
        with pytest.raises(AskTimeoutError):
            await courier.ask(Question("when?"), timeout=0.002)


@pytest.mark.asyncio
async def test_termination() -> None:
    """A probe waits for the end of an actor; other messages do not count as it."""
    async with System() as system:
        probe = Probe(system, Note)
        first, second = (system.spawn(Courier(probe.ref)) for _ in range(2))
        probe.watch(first)
        first.tell(Blow())
        notice = await probe.expect_terminated(first)
        assert notice == Terminated(first, "the actor failed")
        notice = await probe.expect_terminated(first)
        assert notice == Terminated(first, "there is no such actor")
        second.tell(A)
        second.stop()
        probe.watch(second)
        with pytest.raises(ExpectationError) as caught:
            await probe.expect_terminated(second)
        assert caught.value.came == (A,)
        assert (await probe.expect(Terminated)).ref == second


@pytest.mark.asyncio
async def test_no_termination() -> None:
    """The error names an actor that has not ended."""
    async with System() as system:
        probe = Probe(system)
        greeter = system.spawn(Greeter(), "greeter")
        with pytest.raises(ExpectationError, match="Terminated where ref is greeter"):
            await probe.expect_terminated(greeter, timeout=0.002)


@pytest.mark.asyncio
async def test_failure_ends_a_wait() -> None:
    """A wait for a failing probe ends before the timeout."""
    async with System() as system:
        probe = Probe(system, Note)
        waiting = asyncio.ensure_future(probe.expect(Note, timeout=math.inf))
        await asyncio.sleep(0)
        probe.tell(probe.ref, Box(object()))
        with pytest.raises(ExpectationError, match="has failed"):
            await waiting
