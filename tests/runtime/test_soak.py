"""Actors fail and restart under load, and every guarantee holds."""

import asyncio
import os
import random  # noqa: TID251 - a soak wants other histories each time; it prints its seed
from collections import Counter
from time import perf_counter

import msgspec
import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError, MailboxFullError
from ccw_actors.runtime import (
    Actor,
    Handled,
    Mailbox,
    Message,
    Observer,
    Request,
    Restart,
    System,
    receive,
)

SECONDS = float(os.environ.get("CCW_SOAK_SECONDS", "120"))


class Job(Message, frozen=True):
    """One piece of work, by number; `fatal` makes the worker fail on it."""

    number: int
    fatal: bool


class Done(Message, frozen=True):
    """The number of the finished job."""

    number: int


class Ask(Request[Done], frozen=True):
    """The same as a request."""

    number: int
    fatal: bool


class WorkerState(msgspec.Struct):
    """The number of jobs done in this life."""

    count: int = 0


class Worker(Actor[Job | Ask]):
    """Does jobs, some of them in a waiting handler."""

    def __init__(self, done: Counter[int]) -> None:
        self.done = done
        self.state = WorkerState()

    @receive
    def job(self, message: Job) -> None:
        """Do the job, or fail."""
        self.done[message.number] += 1
        self.state.count += 1
        if message.fatal:
            raise ValueError(str(message.number))

    @receive
    async def ask(self, message: Ask) -> Done:
        """Do the job in two parts."""
        await asyncio.sleep(0)
        self.done[message.number] += 1
        if message.fatal:
            raise ValueError(str(message.number))
        return Done(message.number)


class Losses(Observer):
    """Counts dead letters by the number of their job."""

    def __init__(self) -> None:
        self.lost: Counter[int] = Counter()

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Count."""
        del reason
        if event.message_type in (Job, Ask):
            number: int = msgspec.msgpack.decode(event.payload)[1]
            self.lost[number] += 1


async def soak(  # noqa: C901, PLR0915 - one history, and what it must have come to
    seconds: float, seed: int
) -> None:
    """Send jobs to workers that fail, stop and are replaced; account for each job.

    A job that was told was done once, or is a dead letter, or was refused. An ask has
    had one answer or one typed error; its job was done at most once.
    """
    choose = random.Random(seed)  # noqa: S311
    done: Counter[int] = Counter()
    refused: set[int] = set()
    told: set[int] = set()
    answered: Counter[int] = Counter()
    asks: set[asyncio.Task[None]] = set()
    losses = Losses()
    number = 0

    async def ask(system: System, path: str, number: int, *, fatal: bool) -> None:
        try:
            answer = await system.ref(path).ask(Ask(number, fatal), timeout=60.0)
            assert answer == Done(number)
        except (ActorFailedError, ActorStoppedError, MailboxFullError):
            pass
        answered[number] += 1

    async with System() as system:
        system.observe(losses)
        began = perf_counter()
        while perf_counter() - began < seconds:
            path = f"worker/{choose.randrange(8)}"
            if not system.is_alive(path):
                box = Mailbox(16, choose.choice(("refuse", "drop oldest", "wait")))
                supervision = Restart(limit=choose.randrange(1, 4))
                system.spawn(Worker(done), path, supervision=supervision, mailbox=box)
            number += 1
            fatal = choose.random() < 0.05
            if choose.random() < 0.3:
                task = asyncio.ensure_future(ask(system, path, number, fatal=fatal))
                asks.add(task)
                task.add_done_callback(asks.discard)
            else:
                told.add(number)
                try:
                    system.ref(path).tell(Job(number, fatal))
                except MailboxFullError:
                    refused.add(number)
            if choose.random() < 0.02:
                system.ref(path).stop(drain=choose.random() < 0.5)
            if choose.random() < 0.2:
                await asyncio.sleep(0)
        await system.shutdown(drain=True)
        await asyncio.gather(*asks)
        for job in range(1, number + 1):
            ends = done[job] + losses.lost[job]
            if job in told:
                assert ends + (job in refused) == 1, (seed, job)
            else:
                assert answered[job] == 1, (seed, job)
                assert ends <= 1, (seed, job)
        counts = system.statistics()
        assert (counts.pending_asks, counts.expired_asks) == (0, 0)
        assert counts.restarts > 0, seed


@pytest.mark.asyncio
@pytest.mark.filterwarnings("error")
async def test_two_seconds() -> None:
    """Run for two seconds."""
    await soak(2.0, random.randrange(1 << 32))  # noqa: S311


@pytest.mark.slow
@pytest.mark.asyncio
async def test_minutes() -> None:
    """Minutes of it: `CCW_SOAK_SECONDS`, 120 unless set."""
    seed = random.randrange(1 << 32)  # noqa: S311
    print(f"seed {seed}")  # noqa: T201 - to repeat it
    await soak(SECONDS, seed)
