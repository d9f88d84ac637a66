"""Nothing ended stays in memory, and the cost of an end does not grow."""

import asyncio
import gc
import logging
import os
import sys
import tracemalloc
import weakref
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from types import FrameType
from typing import Any, Self

import pytest

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    FairDispatcher,
    Message,
    Observer,
    Request,
    Restart,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime import churn
from tests.runtime.churn import Late, Member, Note, Round, WithTimers
from tests.runtime.worlds import until

_SPAN, _SPANS = 100, 3
MILLION = int(os.environ.get("CCW_CHURN_ACTORS", "1000000"))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Make pytest keep no failures for its report."""
    caplog.set_level(logging.CRITICAL, "ccw_actors")


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    """Trace memory; return a function that measures it, in bytes."""

    def measure() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    # What other tests have left is large, and a collection would look at all of it.
    gc.collect()
    gc.freeze()
    tracemalloc.start()
    yield measure
    tracemalloc.stop()


async def rounds(system: System, do: Round, first: int, count: int) -> None:
    """Do n rounds of a function."""
    for number in range(first, first + count):
        await do(system, number)
    await asyncio.sleep(0)


async def growth(
    system: System, do: Round, traced: Callable[[], int], *, before: int
) -> float:
    """Return how many bytes a round leaves, after a number of rounds.

    The minimum over several hundred rounds, as tables grow now and then.
    """
    await rounds(system, do, 0, before)
    held = [traced()]
    for number in range(_SPANS):
        await rounds(system, do, before + number * _SPAN, _SPAN)
        held.append(traced())
    return min(after - before for before, after in pairwise(held)) / _SPAN


# -- what comes and goes -----------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("do", churn.ROUNDS)
async def test_what_comes_and_goes(do: Round, traced: Callable[[], int]) -> None:
    """A round leaves nothing, not even the size of a table entry."""
    async with System() as system:
        # The interpreter itself keeps some memory of the first thousand `match`es.
        assert await growth(system, do, traced, before=300) < 50


async def all_that_leave_a_text(system: System, number: int) -> None:
    """Do a round of each."""
    for do in churn.ROUNDS_THAT_LEAVE_A_TEXT:
        await do(system, number)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_what_leaves_a_text(traced: Callable[[], int]) -> None:
    """When the last thousand are kept, further ones leave nothing."""
    async with System() as system:
        # A failure is a text, and so is a warning that is logged once.
        assert await growth(system, all_that_leave_a_text, traced, before=520) < 30
        assert len(system.failures) == 1000


@pytest.mark.asyncio
@pytest.mark.parametrize("do", churn.ROUNDS_IN_THREADS)
async def test_threads(do: Round, traced: Callable[[], int]) -> None:
    """Fewer than a hundred ended ones are still known."""
    async with System() as system:
        await rounds(system, do, 0, 150)
        before = traced()
        await rounds(system, do, 150, 150)
        assert traced() - before < 100 * 3000


@pytest.mark.asyncio
async def test_parties_that_are_gone(traced: Callable[[], int]) -> None:
    """A dispatcher with parties forgets those without actors."""

    def party_of(path: str) -> str:
        return f"party of {path}"

    async with System(FairDispatcher(party_of)) as system:
        # The last 16,384 unused paths are remembered.
        assert await growth(system, churn.distinct_paths, traced, before=2000) < 100


@pytest.mark.asyncio
async def test_observers_and_traces(traced: Callable[[], int]) -> None:
    """Observers and propagators make no difference."""

    class Tracer:
        def inject(self) -> str:
            return "00-1-1-01"

        def attach(self, traceparent: str) -> object:
            return traceparent

        def detach(self, token: object) -> None:
            del token

    async with System() as system:
        system.observe(Observer())
        system.propagate(Tracer())
        assert await growth(system, churn.asks_from_actors, traced, before=300) < 50


async def generation(system: System, number: int, size: int) -> None:
    """Let actors of several kinds come and go together, at their own paths."""
    asks: list[Awaitable[object]] = []
    refs: list[ActorRef[Any]] = []
    for one in range(size):
        kind = one % 5
        actor = WithTimers() if kind == 0 else Member()
        ref = system.spawn(actor, f"session/{number}/{one}")
        refs.append(ref)
        if kind == 1:
            asks.append(ref.ask(churn.Ask()))
        elif kind == 2:
            asks.append(ref.ask(Late()))
        elif kind == 3 and number % 8 == 0:
            ref.tell(churn.Fail())
        elif kind == 4:
            asks.append(ref.stopped(timeout=0.0))
    asked = asyncio.gather(*asks, return_exceptions=True)
    await asyncio.sleep(0)
    for ref in refs:
        ref.stop()
    for ref in refs:
        await ref.stopped()
    await asked


async def generations(
    traced: Callable[[], int], count: int, size: int
) -> tuple[int, int]:
    """Return the objects held after n, at the maximum and at the end."""
    async with System() as system:
        await generation(system, 0, size)
        before = highest = traced()
        for number in range(1, count):
            await generation(system, number, size)
            if number % 64 == 0:
                highest = max(highest, traced())
        return highest - before, traced() - before


@pytest.mark.slow
@pytest.mark.asyncio
async def test_twenty_thousand_actors(traced: Callable[[], int]) -> None:
    """Only the last unused paths, and texts, stay."""
    highest, left = await generations(traced, 100, 200)
    assert max(highest, left) < 5_000_000


@pytest.mark.slow
@pytest.mark.asyncio
async def test_million_actors(traced: Callable[[], int]) -> None:
    """The same for a million (`CCW_CHURN_ACTORS`)."""
    highest, left = await generations(traced, MILLION // 1000, 1000)
    assert max(highest, left) < 5_000_000


# -- what ended actors have held ---------------------------------------------------


class Held:
    """An object to search for."""


class Upload(Message, frozen=True):
    """A large message."""

    data: bytes


class Do(Request[Note], frozen=True):
    """Makes it do something."""

    fails: bool = False


class Holder(Actor[Do | Upload]):
    """Holds an object, and uses another one while it handles a message."""

    def __init__(self, held: "list[weakref.ref[Held]]") -> None:
        self.held = Held()
        self.all = held
        held.append(weakref.ref(self.held))

    @receive
    def do(self, message: Do) -> Note:
        """Fail, or not."""
        local = Held()
        self.all.append(weakref.ref(local))
        if message.fails:
            raise ValueError(local)
        return Note()

    @receive
    def upload(self, _message: Upload) -> None:
        """Fail."""
        raise ValueError("bad upload")


class AsyncHolder(Holder):
    """Fails after a wait."""

    @receive
    async def do(self, message: Do) -> Note:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Fail, or not."""
        local = Held()
        self.all.append(weakref.ref(local))
        await asyncio.sleep(0)
        if message.fails:
            raise ValueError(local)
        return Note()


async def do(ref: ActorRef[Any], *, fails: bool) -> None:
    """Make a holder fail, or not."""
    with pytest.raises(ActorFailedError) if fails else nullcontext():
        await ref.ask(Do(fails))


def alive(held: "Sequence[weakref.ref[Held] | weakref.ref[System]]") -> int:
    """Return how many of the objects are still held."""
    gc.collect()
    return sum(one() is not None for one in held)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [Holder, AsyncHolder])
@pytest.mark.parametrize("fails", [False, True])
async def test_ended_actor_is_freed(kind: type[Holder], *, fails: bool) -> None:
    """Also while its reference is kept, and after it has failed."""
    held: list[weakref.ref[Held]] = []
    async with System() as system:
        refs: list[ActorRef[Any]] = []
        for _ in range(5):
            ref = system.spawn(kind(held))
            await do(ref, fails=fails)
            ref.stop()
            await ref.stopped()
            refs.append(ref)
        await asyncio.sleep(0)
        assert len(held) == 10
        assert alive(held) == 0
        assert len(system.failures) == (5 if fails else 0)
        assert not any(ref.is_alive for ref in refs)


@pytest.mark.asyncio
async def test_ended_thread_is_freed() -> None:
    """The same for an actor in a thread."""
    held: list[weakref.ref[Held]] = []
    async with System() as system:
        for fails in (False, True):
            ref = system.spawn_thread(Holder(held))
            await do(ref, fails=fails)
            ref.stop()
            await ref.stopped()
        await until(lambda: not alive(held))
        assert len(held) == 4


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [Holder, AsyncHolder])
@pytest.mark.parametrize("thread", [False, True])
async def test_earlier_life_is_freed(kind: type[Holder], *, thread: bool) -> None:
    """After a restart nothing holds objects of the last life."""
    if thread and kind is AsyncHolder:
        return
    held: list[weakref.ref[Held]] = []
    async with System() as system:
        spawn = system.spawn_thread if thread else system.spawn
        ref = spawn(lambda: kind(held), supervision=Restart(limit=100))
        for _ in range(5):
            with pytest.raises(ActorFailedError):
                await ref.ask(Do(fails=True))
        assert await ref.ask(Do()) == Note()
        await until(lambda: alive(held) == 1)
        assert len(held) == 12


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [Holder, AsyncHolder])
async def test_failures_wait_for_no_collector(kind: type[Holder]) -> None:
    """Objects of a failed handler are not in a reference cycle."""
    held: list[weakref.ref[Held]] = []
    async with System() as system:
        ref = system.spawn(lambda: kind(held), supervision=Restart(limit=100))
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                ref.tell(Do(fails=True))
            assert await ref.ask(Do()) == Note()
            assert sum(one() is not None for one in held) == 1
        finally:
            gc.enable()


@pytest.mark.asyncio
async def test_failures_hold_no_messages(traced: Callable[[], int]) -> None:
    """A thousand failures are texts, however large their messages are."""
    async with System() as system:
        supervision = Restart(limit=1000)
        ref = system.spawn(lambda: Holder([]), supervision=supervision)
        before = traced()
        for _ in range(50):
            ref.tell(Upload(bytes(1_000_000)))
            await asyncio.sleep(0)
        assert await ref.ask(Do()) == Note()
        assert len(system.failures) == 50
        assert traced() - before < 1_000_000


def test_text_of_a_failure_is_cut() -> None:
    """An error with a large message in its text is kept without the middle."""

    class Tells(Holder):
        @receive
        def upload(self, _message: Upload) -> None:
            raise ValueError(_message)

    system = System(clock := VirtualDispatcher())
    system.spawn(Tells([])).tell(Upload(bytes(100_000)))
    clock.run()
    (failure,) = system.failures
    assert len(failure.reason) < 11_000
    assert failure.reason.startswith("ValueError: Upload(data=b'\\x00\\x00")
    assert failure.reason.endswith("\\x00\\x00')")
    assert "characters]" in failure.reason
    assert len(failure.traceback) < 11_000


@pytest.mark.asyncio
async def test_system_is_freed() -> None:
    """After its shutdown nothing holds a System, nor its actors."""
    held: list[weakref.ref[Held]] = []
    systems: list[weakref.ref[System]] = []
    for _ in range(3):
        async with System() as system:
            ref = system.spawn(Holder(held))
            await ref.ask(Do())
            thread = system.spawn_thread(Holder(held))
            await thread.ask(Do())
            systems.append(weakref.ref(system))
        del system, ref, thread
    # The thread of the last System may still be on its way out of it.
    await until(lambda: not alive(held) and not alive(systems))


# -- what an end costs -------------------------------------------------------------


class Lines:
    """Counts the lines of this package that the thread runs."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        self._outer = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.settrace(self._outer)

    def _called(self, frame: FrameType, _event: str, _value: object) -> Any:
        if "ccw_actors" not in frame.f_code.co_filename:
            return None
        return self._stepped

    def _stepped(self, _frame: FrameType, event: str, _value: object) -> Any:
        if event == "line":
            self.count += 1
        return self._stepped


async def stop_all(refs: list[ActorRef[Any]]) -> None:
    """Stop actors, and wait for their ends."""
    for ref in refs:
        ref.stop()
    for ref in refs:
        await ref.stopped(timeout=60)


async def plain(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Actors that do nothing."""
    refs = [system.spawn(Member()) for _ in range(count)]
    return lambda: stop_all(refs)


async def with_timers(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Actors with armed timers."""
    refs = [system.spawn(WithTimers()) for _ in range(count)]
    return lambda: stop_all(refs)


async def beside_asks(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Actors, with as many asks that wait for another one."""
    slow = system.spawn(Member())
    asks = [asyncio.ensure_future(slow.ask(Late())) for _ in range(count)]
    await asyncio.sleep(0)
    refs = [system.spawn(Member()) for _ in range(count)]

    async def stop() -> None:
        await stop_all(refs)
        for ask in asks:
            ask.cancel()

    return stop


async def waited_for(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Actors whose ends tasks await, all at once."""
    refs = [system.spawn(Member()) for _ in range(count)]
    ends = asyncio.gather(*(ref.stopped(timeout=60) for ref in refs))
    await asyncio.sleep(0)

    async def stop() -> None:
        for ref in refs:
            ref.stop()
        await ends

    return stop


class Hirer(Member):
    """Spawns and watches children."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def on_start(self) -> None:
        """Spawn a child."""
        for _ in range(self.count):
            self.watch(self.spawn(Member()))


async def of_a_parent(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Children that stop with their parent, which watches them."""
    ref = system.spawn(Hirer(count))
    return lambda: stop_all([ref])


async def one_by_one(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Children that stop before their parent."""
    hirer = Hirer(count)
    system.spawn(hirer)
    await asyncio.sleep(0)
    return lambda: stop_all(list(hirer.children))


async def in_a_shutdown(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Actors that exist when the System is shut down."""
    for _ in range(count):
        system.spawn(WithTimers())
    return system.shutdown


async def that_fail(system: System, count: int) -> Callable[[], Awaitable[object]]:
    """Actors that fail."""
    refs = [system.spawn(Member()) for _ in range(count)]

    async def fail() -> None:
        for ref in refs:
            ref.tell(churn.Fail())
        for ref in refs:
            await ref.stopped()

    return fail


ENDS = (
    *(plain, with_timers, beside_asks, waited_for, of_a_parent, one_by_one),
    *(in_a_shutdown, that_fail),
)


@pytest.mark.asyncio
@pytest.mark.parametrize("ends", ENDS)
async def test_cost_of_an_end(
    ends: Callable[[System, int], Awaitable[Callable[[], Awaitable[object]]]],
) -> None:
    """Twice as many actors cost twice as much."""
    counts: list[int] = []
    for count in (100, 200, 400):
        async with System() as system:
            stop = await ends(system, count)
            with Lines() as lines:
                await stop()
            counts.append(lines.count)
    few, more, most = counts
    assert few > 100 * 10
    assert (most - more) / (more - few) < 2.2
