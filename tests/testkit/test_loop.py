"""The loop in virtual time: its clock, the order of callbacks, and holds."""

import asyncio
import math
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.errors import AskTimeoutError, DispatcherError
from ccw_actors.runtime import Actor, System, receive
from ccw_actors.testkit import Probe, VirtualTimeLoop, virtual_time_loop
from tests.testkit.cast import Courier, Later, Note, Question

R = TypeVar("R")

AGES = 100_000  # Reads of the clock: far longer than an idle loop needs to jump.


@pytest.fixture(scope="module", autouse=True)
def nimble_threads() -> Iterator[None]:
    """Switch threads so often that an idle loop would jump."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture(autouse=True)
def patience(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Collect the warnings of loops that lose patience; normally there are none."""
    expected: list[str] = []
    yield expected
    assert [one.getMessage() for one in caplog.get_records("call")] == expected


def run(
    main: Callable[[VirtualTimeLoop], Coroutine[Any, Any, R]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = virtual_time_loop,
    *,
    debug: bool = False,
) -> R:
    """Run a coroutine on a virtual loop, with the loop as argument."""

    async def started() -> R:
        return await main(cast("VirtualTimeLoop", asyncio.get_running_loop()))

    with asyncio.Runner(loop_factory=loop_factory, debug=debug) as runner:
        return runner.run(started())


def latest(loop: VirtualTimeLoop) -> float:
    """Read the clock for a long time; return its last value."""
    return max(loop.time() for _ in range(AGES))


@pytest.mark.parametrize("debug", [False, True])
def test_clock_jumps(*, debug: bool) -> None:
    """Time begins at 0, and each wait advances it exactly."""

    async def main(loop: VirtualTimeLoop) -> list[float]:
        times = [loop.time()]
        for delay in (3600, 0.1, 1e9):
            await asyncio.sleep(delay)
            times.append(loop.time())
        return times

    assert run(main, debug=debug) == [0, 3600, 3600.1, 3600.1 + 1e9]


@given(st.lists(st.floats(0, 1e15), max_size=20))
def test_timers(whens: list[float]) -> None:
    """Timers fire in the order due, each at its time, however far away that is."""

    async def main(loop: VirtualTimeLoop) -> list[tuple[float, float]]:
        fired: list[tuple[float, float]] = []

        def fire(when: float) -> None:
            fired.append((when, loop.time()))

        for when in whens:
            loop.call_at(when, fire, when)
        await asyncio.sleep(1e15)
        return fired

    assert run(main) == [(when, when) for when in sorted(whens)]


def test_cancelled_timer() -> None:
    """The clock does not jump to a cancelled timer."""

    async def main(loop: VirtualTimeLoop) -> float:
        loop.call_later(1, print).cancel()
        await loop.run_in_executor(None, str)
        return loop.time()

    assert run(main) == 0


def test_ready_callbacks_come_first() -> None:
    """No time passes while anything is ready."""

    async def main(loop: VirtualTimeLoop) -> float:
        async with asyncio.timeout(1e-9):
            for _ in range(1000):
                await asyncio.sleep(0)
        return loop.time()

    assert run(main) == 0


def test_io_comes_first() -> None:
    """Available data is read before time passes."""

    async def main(loop: VirtualTimeLoop) -> tuple[bytes, float]:
        near, far = socket.socketpair()
        with near, far:
            near.settimeout(0)
            async with asyncio.timeout(1e-9):
                reading = loop.create_task(loop.sock_recv(near, 9))
                await asyncio.sleep(0)
                far.send(b"read")
                return await reading, loop.time()

    assert run(main) == (b"read", 0)


@pytest.mark.parametrize("forever", [False, True])
def test_nothing_scheduled(*, forever: bool) -> None:
    """Without a timer, or with one at infinity alone, a thread can end the wait."""

    async def main(loop: VirtualTimeLoop) -> float:
        sleeping = loop.create_task(asyncio.sleep(math.inf if forever else 0))
        woken = loop.create_future()

        def wake() -> None:
            latest(loop)
            loop.call_soon_threadsafe(woken.set_result, None)

        thread = threading.Thread(target=wake)
        thread.start()
        await woken
        thread.join()
        assert sleeping.done() is not forever
        return loop.time()

    assert run(main) == 0


def test_sleep_for_ever() -> None:
    """An endless sleeper does not stop other timers."""

    async def main(loop: VirtualTimeLoop) -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(math.inf), 3)
        return loop.time()

    assert run(main) == 3


def test_executor_holds_the_clock() -> None:
    """No timeout expires while a function runs in a thread."""

    async def main(loop: VirtualTimeLoop) -> tuple[float, float]:
        seen = await asyncio.wait_for(asyncio.to_thread(latest, loop), 1e-9)
        await asyncio.sleep(2)
        return seen, loop.time()

    assert run(main) == (0, 2)


def test_holds_are_counted() -> None:
    """The clock stands still until every hold is released."""

    async def main(loop: VirtualTimeLoop) -> tuple[float, float]:
        seen: list[float] = []

        def work() -> None:
            seen.append(latest(loop))
            loop.release()

        loop.hold()
        with loop.held():
            loop.hold()
        loop.release()
        thread = threading.Thread(target=work)
        thread.start()
        await asyncio.sleep(5)
        thread.join()
        return seen[0], loop.time()

    assert run(main) == (0, 5)


def test_what_is_posted_before_a_release_comes_first() -> None:
    """A thread that posts and then releases is not overtaken by a timer."""

    async def main(loop: VirtualTimeLoop) -> list[float]:
        times: list[float] = []
        for _ in range(200):
            began = loop.time()
            loop.hold()
            posted = loop.create_future()

            def work(posted: asyncio.Future[None] = posted) -> None:
                loop.call_soon_threadsafe(posted.set_result, None)
                loop.release()

            thread = threading.Thread(target=work)
            thread.start()
            async with asyncio.timeout(1):
                await posted
            thread.join()
            times.append(loop.time() - began)
        return times

    assert run(main) == [0] * 200


def test_released_too_often() -> None:
    """A release without a hold is refused, and has no effect."""

    async def main(loop: VirtualTimeLoop) -> float:
        with pytest.raises(DispatcherError, match="released but not held"):
            loop.release()
        await asyncio.sleep(1)
        return loop.time()

    assert run(main) == 1


def test_release_after_the_end() -> None:
    """A thread that outlives the loop may still release it."""
    loop = virtual_time_loop()
    loop.hold()
    loop.close()
    loop.release()


def test_patience(patience: list[str]) -> None:
    """If the holder of the clock is blocked, the clock jumps, with a warning."""

    async def main(loop: VirtualTimeLoop) -> float:
        with loop.held():
            await asyncio.sleep(5)
        return loop.time()

    assert run(main, lambda: VirtualTimeLoop(patience=0.0)) == 5
    patience.append("the virtual clock jumps to 5 s: its holder is blocked")


def test_timers_that_do_not_end() -> None:
    """Code that sets timers for the current time until it has passed makes progress."""

    async def main(loop: VirtualTimeLoop) -> float:
        await asyncio.sleep(7)
        passed = loop.create_future()

        def look() -> None:
            if loop.time() > 7:
                passed.set_result(None)
            else:
                loop.call_at(7, look)

        look()
        await passed
        return loop.time()

    assert run(main) == math.nextafter(7, math.inf)


def test_runner_ends_everything() -> None:
    """At its end a Runner closes generators and waits for threads, as on any loop."""
    ended: list[object] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            ended.append("generator")

    async def main(loop: VirtualTimeLoop) -> None:
        iterator = numbers()
        ended.append(iterator)  # Kept alive, so that nothing else closes it.
        await anext(iterator)
        _ = loop.run_in_executor(None, lambda: ended.append(latest(loop)))

    run(main)
    assert ended[1:] in (["generator", 0], [0, "generator"])


def test_deadline_of_an_ask() -> None:
    """An unanswered ask ends at its deadline, and takes no real time."""

    async def main(loop: VirtualTimeLoop) -> float:
        async with System() as system:
            silent = Probe(system, Question)
            with pytest.raises(AskTimeoutError, match=r"for 3600\.000 s"):
                await silent.ref.ask(Question("?"), timeout=3600)
            return loop.time()

    assert run(main) == 3600


@given(st.floats(0, 10), st.floats(0, 10))
def test_system_made_at_some_time(origin: float, delay: float) -> None:
    """Timers of a System fire whenever it was created, despite rounding."""

    async def main(loop: VirtualTimeLoop) -> float:
        await asyncio.sleep(origin)
        async with System() as system:
            probe = Probe(system, Note)
            system.spawn(Courier(probe.ref)).tell(Later(delay))
            await probe.expect(Note, timeout=delay + 1)
            return loop.time()

    assert run(main) == pytest.approx(origin + delay)


def test_actor_in_a_thread() -> None:
    """No deadline passes while an actor works in its thread."""

    class Worker(Actor[Question]):
        @receive
        def question(self, _message: Question) -> Note:
            return Note(f"{latest(loop)}")

    loop = virtual_time_loop()

    async def main(loop: VirtualTimeLoop) -> tuple[Note, float]:
        async with System() as system:
            worker = system.spawn_thread(Worker())
            answer = await worker.ask(Question("?"), timeout=1e-9)
            return answer, loop.time()

    assert run(main, lambda: loop) == (Note("0.0"), 0)
