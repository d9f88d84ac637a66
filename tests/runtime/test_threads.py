"""Actors in threads: order, blocking, all kinds of ends. Nothing may hang."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pykka
import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskTimeoutError,
    DispatcherError,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Handled,
    Observer,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import (
    Blow,
    Carry,
    Collect,
    Deliver,
    Diary,
    Note,
    Notes,
    Send,
    Wake,
    texts_of,
)
from tests.runtime.worlds import until

JOIN = 10.0  # Seconds that no test should reach.


class Caller(Actor):
    """Answers `Carry` by a blocking ask of another actor, on its own thread."""

    def __init__(self, other: ActorRef[Any], timeout: float | None = None) -> None:
        self._other = other
        self._timeout = timeout
        self.raised: list[BaseException] = []

    @receive
    def carry(self, message: Carry) -> Note:
        """Ask, and answer with the answer."""
        try:
            return self._other.ask(message, timeout=self._timeout, block=True)
        except Exception as error:
            self.raised.append(error)
            raise


class Gate(Actor):
    """Blocks in a handler until the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.texts: list[str] = []

    @receive
    def carry(self, message: Carry) -> Note:
        """Wait, then answer."""
        self.entered.set()
        self.opened.wait(JOIN)
        return Note(message.text)

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        self.texts.append(message.text)

    def on_stop(self) -> None:
        """Remember the end, and which thread it came on."""
        self.texts.append(threading.current_thread().name)


async def entered(gate: Gate) -> None:
    """Wait until the gate's thread is in its handler."""
    assert await asyncio.to_thread(gate.entered.wait, JOIN)


@pytest.mark.asyncio
async def test_order() -> None:
    """Messages reach a thread, and come back from it, in the order sent."""
    texts = tuple(f"{number}" for number in range(500))
    async with System() as system:
        there, here = Diary(), Diary()
        thread = system.spawn_thread(there, "thread")
        ref = system.spawn(here, "here")
        for text in texts:
            thread.tell(Note(text))
        assert await thread.ask(Collect()) == Notes(texts)
        thread.tell(Send(texts, (ref,)))
        await thread.ask(Collect())
        assert await ref.ask(Collect()) == Notes(texts)


@pytest.mark.asyncio
async def test_blocking_ask() -> None:
    """A thread may block in an ask while the loop answers it."""
    async with System() as system:
        carrier = Diary()
        diary = system.spawn(carrier, "diary")
        caller = system.spawn_thread(Caller(diary), "caller")
        ask = asyncio.ensure_future(caller.ask(Carry("there and back")))
        await until(lambda: bool(carrier.state.carried))
        diary.tell(Deliver())
        assert await ask == Note("there and back")


@pytest.mark.asyncio
async def test_blocking_ask_from_any_thread() -> None:
    """A thread that is no actor may tell and ask."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary")

        def outside() -> Notes:
            ref.tell(Note("from outside"))
            return ref.ask(Collect(), block=True)

        assert await asyncio.to_thread(outside) == Notes(("from outside",))


@pytest.mark.asyncio
async def test_blocking_ask_of_a_failing_actor() -> None:
    """The exception of the asked actor reaches the asking thread."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")

        def outside() -> None:
            diary.ask(Blow("loud"), block=True)

        with pytest.raises(ActorFailedError, match="diary failed on Blow"):
            await asyncio.to_thread(outside)


@pytest.mark.asyncio
async def test_timeout_counts_the_queue() -> None:
    """The error of an ask counts the messages that its actor has not handled."""
    async with System() as system:
        gate = Gate()
        ref = system.spawn_thread(gate, "gate")
        ref.tell(Carry("blocks"))
        await entered(gate)
        ref.tell(Note("one"))
        ref.tell(Note("two"))
        with pytest.raises(AskTimeoutError, match="its mailbox holds 3 messages"):
            await ref.ask(Carry("late"), timeout=0.001)
        gate.opened.set()


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
async def test_failure_stays_with_its_actor(error: type[BaseException]) -> None:
    """Any exception in a handler ends this actor, and no other Pykka actor."""

    class Exiting(Diary):
        @receive
        def blow(self, message: Blow) -> Note:
            """Raise."""
            raise error(message.reason)

    class Bystander(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_receive(self, message: object) -> object:
            return message

    bystander = Bystander.start()
    try:
        async with System(escalate=()) as system:
            diary = Exiting()
            ref = system.spawn_thread(diary, "diary")
            neighbour = system.spawn_thread(Diary(), "neighbour")
            with pytest.raises(ActorFailedError, match=f"Blow: {error.__name__}: out"):
                await ref.ask(Blow("out"))
            with pytest.raises(ActorStoppedError, match="no such actor"):
                await ref.ask(Collect())
            assert await neighbour.ask(Collect()) == Notes(())
        assert bystander.ask("alive", timeout=JOIN) == "alive"
        assert texts_of(diary) == ["failed: out", "stopped"]
    finally:
        bystander.stop()


@pytest.mark.asyncio
async def test_on_start_that_raises() -> None:
    """A thread whose `on_start` raises has failed: asks of it end."""

    class Stillborn(Diary):
        def on_start(self) -> None:
            """Raise."""
            raise SystemExit("in on_start")

    async with System(escalate=()) as system:
        diary = Stillborn()
        with pytest.raises(ActorStoppedError):
            await system.spawn_thread(diary, "diary").ask(Collect())
        (failure,) = system.failures
        assert failure.message == "on_start"
        assert texts_of(diary) == ["failed: in on_start"]


class Lost(Observer):
    """An observer that keeps dead letters and what was handled."""

    def __init__(self) -> None:
        self.dead_letters: list[str] = []
        self.handled_by: list[tuple[str, int, int]] = []
        self.threads: set[int] = set()

    def handled(self, event: Handled) -> None:
        """Keep it."""
        self.threads.add(threading.get_ident())
        self.handled_by.append((event.recipient, event.number, event.cause))

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Keep it."""
        self.dead_letters.append(f"{event.message_type.__name__}: {reason}")

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Keep nothing."""


@pytest.mark.asyncio
async def test_queue_of_a_failed_thread() -> None:
    """Messages that wait when a thread fails become dead letters."""
    async with System() as system:
        lost, diary = Lost(), Diary()
        system.observe(lost)
        ref = system.spawn_thread(diary, "diary")
        for message in (Blow("loud"), Note("never"), Note("never")):
            ref.tell(message)
        await until(lambda: not ref.is_alive)
        assert lost.dead_letters == ["Note: the actor failed"] * 2
    assert texts_of(diary) == ["failed: loud", "stopped"]


@pytest.mark.asyncio
async def test_registry_of_pykka() -> None:
    """Stopping all Pykka actors of the process stops none of a System."""
    async with System() as system:
        ref = system.spawn_thread(Diary(), "diary")
        await ref.ask(Collect())
        await asyncio.to_thread(pykka.ActorRegistry.stop_all)
        assert await ref.ask(Collect()) == Notes(())


@pytest.mark.asyncio
async def test_thread_that_somebody_else_stops() -> None:
    """A thread ended through Pykka has ended for the System; nothing hangs."""
    async with System() as system:
        ref = system.spawn_thread(Diary(), "diary")
        await ref.ask(Collect())
        cell: Any = system._kernel.cells["diary"]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        cell._ref.stop()  # noqa: SLF001
        ref.tell(Note("to nobody"))
        with pytest.raises(ActorStoppedError):
            await ref.ask(Collect())
        assert not ref.is_alive


@pytest.mark.asyncio
async def test_stop() -> None:
    """A stopped thread handles earlier messages, runs `on_stop` itself, and ends."""
    async with System() as system:
        gate = Gate()
        ref = system.spawn_thread(gate, "gate")
        ref.tell(Note("before"))
        ref.stop()
        ref.tell(Note("after"))
        await until(lambda: not ref.is_alive)
    assert gate.texts == ["before", "actor gate"]


@pytest.mark.asyncio
async def test_shutdown_joins() -> None:
    """Shutdown waits until a thread has run `on_stop`."""

    class Slow(Diary):
        def on_stop(self) -> None:
            """Take a while: until the loop has continued after stopping everything."""
            self.ref.is_alive  # noqa: B018
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(JOIN)
            super().on_stop()

    loop = asyncio.get_running_loop()
    system, diary = System(), Slow()
    system.spawn_thread(diary, "diary")
    assert await system.shutdown() == []
    assert texts_of(diary) == ["stopped"]


@pytest.mark.asyncio
async def test_shutdown_reports_who_does_not_end() -> None:
    """Shutdown gives up at its deadline and names the threads that are left."""
    system, gate = System(), Gate()
    ref = system.spawn_thread(gate, "gate")
    system.spawn_thread(Diary(), "diary")
    ask = asyncio.ensure_future(ref.ask(Carry("blocks")))
    await entered(gate)
    assert await system.shutdown(timeout=0.01) == ["gate"]
    with pytest.raises(ActorStoppedError, match="the System shut down"):
        await ask
    gate.opened.set()


@pytest.mark.asyncio
async def test_shutdown_while_a_thread_asks() -> None:
    """The shutdown wakes a thread that blocks in an ask; that is no failure."""
    system = System()
    carrier = Diary()
    diary = system.spawn(carrier, "diary")
    caller = Caller(diary)
    ref = system.spawn_thread(caller, "caller")
    ref.tell(Carry("never"))
    await until(lambda: bool(carrier.state.carried))
    assert await system.shutdown() == []
    (error,) = caller.raised
    assert isinstance(error, ActorStoppedError)
    assert system.failures == []


def on_a_loop_then_closed(make: Callable[[System], Any]) -> Any:
    """Return the result of `make` in a System whose loop is then closed."""

    async def main() -> Any:
        return make(System())

    return asyncio.run(main())


def raised_in_a_thread(call: Callable[[], object]) -> BaseException | None:
    """Return the exception of a call in its own thread, which must end."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(JOIN)
    assert not thread.is_alive(), "it hangs"
    return raised[0] if raised else None


def test_closed_loop() -> None:
    """When the loop is closed, telling and asking from a thread raise, every time."""
    ref = on_a_loop_then_closed(lambda system: system.spawn(Diary(), "diary"))
    for _ in range(2):
        for call in (
            lambda: ref.tell(Note("x")),
            lambda: ref.ask(Collect(), block=True),
        ):
            error = raised_in_a_thread(call)
            assert isinstance(error, ActorStoppedError)
            assert "loop of this System is closed" in str(error)


def test_loop_closed_during_an_ask() -> None:
    """A thread that waits for an answer when the loop is closed gets an error."""
    raised: list[BaseException | None] = []
    asked = threading.Event()

    async def main() -> threading.Thread:
        ref = System().spawn(Diary(), "diary")

        def outside() -> None:
            loop.call_soon_threadsafe(asked.set)
            raised.append(
                raised_in_a_thread(lambda: ref.ask(Carry("never"), block=True))
            )

        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=outside)
        thread.start()
        await until(asked.is_set)
        return thread

    asyncio.run(main()).join(JOIN)
    (error,) = raised
    assert isinstance(error, ActorStoppedError)


def test_loop_that_does_not_run() -> None:
    """An ask of a loop that is stopped, but not closed, ends after its deadline."""
    loop = asyncio.new_event_loop()

    async def main() -> ActorRef[Any]:
        return System().spawn(Diary(), "diary")

    ref = loop.run_until_complete(main())
    try:
        error = raised_in_a_thread(lambda: ref.ask(Collect(), timeout=-1.0, block=True))
    finally:
        loop.close()
    assert isinstance(error, AskTimeoutError)
    assert "diary did not answer Collect" in str(error)


@pytest.mark.asyncio
async def test_only_its_own_thread_spawns_and_awaits() -> None:
    """Spawning and awaiting from another thread are refused."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary")

        def elsewhere() -> None:
            with pytest.raises(DispatcherError, match="not on the System's thread"):
                system.spawn(Diary(), "other")

            async def ask() -> None:
                await ref.ask(Collect())

            with pytest.raises(DispatcherError, match="ask with block=True"):
                asyncio.run(ask())

        await asyncio.to_thread(elsewhere)
        assert not system.is_alive("other")


@pytest.mark.parametrize("dispatcher", [VirtualDispatcher, SteppingDispatcher])
def test_no_threads_where_order_is_decided(
    dispatcher: type[VirtualDispatcher | SteppingDispatcher],
) -> None:
    """Other dispatchers refuse threads, as actors and as senders."""
    system = System(dispatcher())
    with pytest.raises(DispatcherError, match="Diary needs a thread"):
        system.spawn_thread(Diary(), "diary")
    ref = system.spawn(Diary(), "diary")
    error = raised_in_a_thread(lambda: ref.tell(Note("x")))
    assert isinstance(error, DispatcherError)


@pytest.mark.asyncio
async def test_timers() -> None:
    """Timers of a thread fire there, except cancelled ones."""

    class Fickle(Diary):
        @receive
        def note(self, message: Note) -> None:
            """Set two timers, and cancel the first one."""
            self.cancel(self.after(0.0, Wake("cancelled")))
            self.after(0.0, Wake(message.text))
            decided.set()

    decided = threading.Event()
    async with System() as system:
        diary = Fickle()
        system.spawn_thread(diary, "diary").tell(Note("fired"))
        assert decided.wait(JOIN), "the loop stands still during it"
        await until(lambda: bool(texts_of(diary)))
        assert texts_of(diary)[0].startswith("fired at")


@pytest.mark.asyncio
async def test_observed_in_order() -> None:
    """Observers are called on the System's thread, causes before their effects."""
    async with System() as system:
        lost = Lost()
        system.observe(lost)
        here = system.spawn(Diary(), "here")
        thread = system.spawn_thread(Diary(), "thread")
        thread.tell(Send(("one", "two"), (here,)))
        await thread.ask(Collect())
        await here.ask(Collect())
        first = lost.handled_by[0]
        assert first == ("thread", 1, 0)
        caused = [recipient for recipient, _, cause in lost.handled_by if cause == 1]
        assert caused == ["here", "here"]
        assert lost.threads == {threading.get_ident()}
