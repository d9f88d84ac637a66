"""Deadlines of asks, and asks in invalid places."""

import asyncio
import math

import pytest

from ccw_actors.errors import ActorStoppedError, AskTimeoutError, DispatcherError
from ccw_actors.runtime import (
    Actor,
    Message,
    Request,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import (
    Carry,
    Collect,
    Deliver,
    Diary,
    Note,
    Notes,
    SetTimer,
    texts_of,
)


def test_timeout_names_what_was_waited_for() -> None:
    """The error of an ask names target, message, age and queue length."""
    dispatcher = VirtualDispatcher()
    ref = System(dispatcher).spawn(Diary(), "diary")
    with pytest.raises(AskTimeoutError) as caught:
        ref.ask(Carry("never"), timeout=5.0, block=True)
    assert str(caught.value) == (
        "diary did not answer Carry for 5.000 s; its mailbox holds 0 messages"
    )
    assert isinstance(caught.value, TimeoutError)
    assert dispatcher.now() == 5.0


def test_default_timeout() -> None:
    """Without a timeout the System's own holds."""
    dispatcher = VirtualDispatcher()
    ref = System(dispatcher, ask_timeout=2.5).spawn(Diary(), "diary")
    with pytest.raises(AskTimeoutError, match=r"for 2\.500 s"):
        ref.ask(Carry("never"), block=True)


def test_endless_ask() -> None:
    """An ask with an infinite timeout fails only when no step is left."""
    dispatcher = VirtualDispatcher()
    ref = System(dispatcher).spawn(Diary(), "diary")
    ref.tell(SetTimer(1e6, "late"))
    with pytest.raises(ActorStoppedError, match="no step is left that could answer"):
        ref.ask(Carry("never"), timeout=math.inf, block=True)
    assert dispatcher.now() == 1e6


def test_answered_ask_leaves_the_clock_alone() -> None:
    """The clock does not wait for the deadline of an answered ask."""
    dispatcher = VirtualDispatcher()
    ref = System(dispatcher).spawn(Diary(), "diary")
    assert ref.ask(Collect(), timeout=5.0, block=True) == Notes(())
    dispatcher.run()
    assert dispatcher.now() == 0.0


def test_late_answer_is_lost() -> None:
    """An answer after the deadline has no effect."""
    dispatcher = VirtualDispatcher()
    ref = System(dispatcher).spawn(Diary(), "diary")
    with pytest.raises(AskTimeoutError):
        ref.ask(Carry("late"), block=True)
    ref.tell(Deliver())
    assert ref.ask(Collect(), block=True) == Notes(())


def test_ask_that_nobody_answers_under_the_stepping_dispatcher() -> None:
    """If asks never expire, an ask fails when the System is at rest."""
    ref = System(SteppingDispatcher()).spawn(Diary(), "diary")
    with pytest.raises(ActorStoppedError, match="no step is left that could answer"):
        ref.ask(Carry("never"), block=True)


@pytest.mark.parametrize("dispatcher", [VirtualDispatcher, SteppingDispatcher])
def test_handler_must_not_wait(
    dispatcher: type[VirtualDispatcher | SteppingDispatcher],
) -> None:
    """A blocking ask inside a handler is refused and not sent."""

    class Waiter(Actor):
        @receive
        def carry(self, _message: Carry) -> Note:
            """Ask, which would handle other messages in the middle of this one."""
            try:
                diary.ask(Carry("x"), block=True)
            except DispatcherError as error:
                return Note(str(error))
            raise AssertionError

    system = System(dispatcher())
    actor = Diary()
    diary = system.spawn(actor, "diary")
    answer = system.spawn(Waiter(), "waiter").ask(Carry("now"), block=True)
    assert answer.text.startswith("waiter asks diary and would block inside a handler")
    assert actor.state.carried == []


def test_awaiting_without_a_loop() -> None:
    """Awaiting an ask is refused if no loop runs the System."""
    ref = System(VirtualDispatcher()).spawn(Diary(), "diary")

    async def ask() -> None:
        await ref.ask(Collect())

    with pytest.raises(DispatcherError, match="ask with block=True"):
        asyncio.run(ask())


@pytest.mark.asyncio
async def test_blocking_on_the_loop() -> None:
    """A blocking ask on the loop's own thread is refused, and not sent."""
    async with System() as system:
        actor = Diary()
        ref = system.spawn(actor, "diary")
        with pytest.raises(DispatcherError, match="await the ask"):
            ref.ask(Carry("x"), block=True)
        await ref.ask(Collect())
        assert actor.state.carried == []


@pytest.mark.asyncio
async def test_asks_at_once() -> None:
    """Each of many asks gets its own answer, in any order."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary")
        asks = [asyncio.ensure_future(ref.ask(Carry(f"{i}"))) for i in range(50)]
        await asyncio.sleep(0)
        ref.tell(Deliver())
        answers = await asyncio.gather(*asks)
        assert [answer.text for answer in answers] == [f"{i}" for i in range(50)]


@pytest.mark.asyncio
async def test_cancelled_ask() -> None:
    """An ask may be cancelled: the answer is lost, and the actor is unaffected."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary")
        ask = asyncio.ensure_future(ref.ask(Carry("unwanted")))
        await asyncio.sleep(0)
        ask.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ask
        ref.tell(Deliver())
        assert await ref.ask(Collect()) == Notes(())
        assert diary.state.carried == []
        assert texts_of(diary) == []


@pytest.mark.asyncio
async def test_timeout_on_the_loop() -> None:
    """On the loop the deadline is kept by the loop's clock, the earliest first."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary")
        late = asyncio.ensure_future(ref.ask(Carry("a"), timeout=60))
        with pytest.raises(AskTimeoutError, match="diary did not answer Carry"):
            await ref.ask(Carry("b"), timeout=0.001)
        assert not late.done()
        ref.tell(Deliver())
        assert await late == Note("a")


@pytest.mark.asyncio
async def test_shutdown_ends_asks() -> None:
    """Asks pending at the shutdown fail, and name the request."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary")
        ask = asyncio.ensure_future(ref.ask(Carry("never")))
        await asyncio.sleep(0)
    with pytest.raises(ActorStoppedError, match="Carry: the System shut down"):
        await ask


def test_loop_system_needs_a_loop() -> None:
    """A System on the event loop cannot be created without a running loop."""
    with pytest.raises(DispatcherError, match="no event loop is running"):
        System()


class Early(Request["Late"], frozen=True):
    """A request whose answer is defined below it."""


class Wrong(Request["Nowhere"], frozen=True):  # type: ignore[name-defined] # pyright: ignore[reportUndefinedVariable]
    """A request whose answer is defined nowhere."""


class Late(Message, frozen=True):
    """An answer."""


class Prompt(Actor):
    """Answers."""

    @receive
    def early(self, _message: Early) -> Late:
        """Answer."""
        return Late()


def test_answer_named_in_quotes() -> None:
    """A request may name only an answer that its module defines later."""
    ref = System(VirtualDispatcher()).spawn(Prompt())
    assert ref.ask(Early(), block=True) == Late()
    with pytest.raises(TypeError, match="Wrong is answered by name 'Nowhere' is not"):
        ref.ask(Wrong(), block=True)
