"""Actors and asks that come and go in a System: each function does one round.

`number` counts the rounds. Paths are reused, except where the docstring says so.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pykka

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskTimeoutError,
    OfferTimeoutError,
    StartTimeoutError,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Mailbox,
    Message,
    Request,
    Restart,
    System,
    Terminated,
    receive,
)

Round: TypeAlias = Callable[[System, int], Awaitable[None]]


class Note(Message, frozen=True):
    """A note."""

    text: str = ""


class Ask(Request[Note], frozen=True):
    """Asks for a note."""


class Late(Request[Note], frozen=True):
    """Asks for one that never comes."""


class Fail(Message, frozen=True):
    """Makes an actor fail."""


class Member(Actor[Note | Ask | Late | Fail | Terminated]):
    """Does the usual actions of actors; `other` is one that stays."""

    def __init__(self, other: ActorRef[Any] | None = None) -> None:
        self.other = other
        self.held = bytearray(1000)

    @receive
    def note(self, message: Note) -> None:
        """Stash a note, or not."""
        if message.text == "stash":
            self.stash()

    @receive
    async def ask(self, _message: Ask) -> Note:
        """Ask the other one, if there is one."""
        if self.other is not None:
            answer: Note = await self.other.ask(Ask())
            return answer
        return Note("x")

    @receive
    def late(self, _message: Late) -> None:
        """Keep `reply_to`, for a later answer."""
        assert self.reply_to.ask

    @receive
    def fail(self, message: Fail) -> None:
        """Raise."""
        raise ValueError(message)

    @receive
    def ended(self, _message: Terminated) -> None:
        """Note the end."""


async def end(ref: ActorRef[Any]) -> None:
    """Stop an actor and wait for its end."""
    ref.stop()
    await ref.stopped()


def there(system: System) -> ActorRef[Any]:
    """Return an actor that stays."""
    return staying(system, Member, "there")


def staying(system: System, kind: type[Member], path: str) -> ActorRef[Any]:
    """Return an actor of a class at a path, which restarts after every failure."""
    if not system.is_alive(path):
        for_ever = Restart(limit=1 << 30, within=1e-9)
        system.spawn(kind, path, supervision=for_ever)
    return system.ref(path)


async def distinct_paths(system: System, number: int) -> None:
    """An actor at a new path."""
    ref = system.spawn(Member(), f"session/{number}")
    ref.tell(Note())
    await end(ref)


async def one_path(system: System, _number: int) -> None:
    """An actor at a reused path."""
    await end(system.spawn(Member(), "session"))


class WithTimers(Member):
    """An actor with armed timers at its end."""

    def on_start(self) -> None:
        """Set the timers."""
        self.after(600.0, Note())
        self.every(600.0, Note())
        self.cancel(self.after(600.0, Note()))


async def timers(system: System, number: int) -> None:
    """An actor with timers."""
    await end(system.spawn(WithTimers(), f"session/{number % 50}"))


async def failures(system: System, number: int) -> None:
    """An actor that fails."""
    ref = system.spawn(Member(), f"session/{number % 50}")
    ref.tell(Fail())
    await ref.stopped()


async def restarts(system: System, _number: int) -> None:
    """A life of an actor that fails and begins again."""
    ref = there(system)
    ref.tell(Fail())
    await ref.ask(Ask())


class FailsToStart(Member):
    """An actor whose `on_start` fails."""

    async def on_start(self) -> None:
        """Raise."""
        await asyncio.sleep(0)
        raise OSError("no database")


async def failed_starts(system: System, number: int) -> None:
    """An actor that does not start, while a task waits for its start."""
    ref = system.spawn(FailsToStart(), f"session/{number % 50}")
    with contextlib.suppress(OSError):
        await ref.started()
    await ref.stopped()


async def asks_from_tasks(system: System, number: int) -> None:
    """An ask from outside, with a deadline that is far away."""
    ref = system.spawn(Member(), f"session/{number % 50}")
    await ref.ask(Ask(), timeout=100.0 + number % 7)
    await end(ref)


async def asks_from_actors(system: System, number: int) -> None:
    """An ask of an actor."""
    ref = system.spawn(Member(there(system)), f"session/{number % 50}")
    await ref.ask(Ask())
    await end(ref)


async def asks_without_answer(system: System, number: int) -> None:
    """An ask that is not answered before the actor's end."""
    ref = system.spawn(Member(), f"session/{number % 50}")
    asking = asyncio.ensure_future(ref.ask(Late()))
    await asyncio.sleep(0)
    await end(ref)
    with contextlib.suppress(ActorStoppedError):
        await asking


async def asks_that_are_late(system: System, _number: int) -> None:
    """An ask whose deadline passes, and one that is given up."""
    ref = there(system)
    with contextlib.suppress(AskTimeoutError):
        await ref.ask(Late(), timeout=0.0)
    asking = asyncio.ensure_future(ref.ask(Late()))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait((asking,))


async def given_up_stops(system: System, _number: int) -> None:
    """A task that waited for an end, and gave up."""
    ref = there(system)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await ref.stopped()
    with contextlib.suppress(AskTimeoutError):
        await ref.stopped(timeout=0.0)


class NeverStarts(Member):
    """An actor whose `on_start` never ends."""

    async def on_start(self) -> None:
        """Wait."""
        await asyncio.get_running_loop().create_future()


async def given_up_starts(system: System, _number: int) -> None:
    """A task that waited for a start, and gave up."""
    with contextlib.suppress(StartTimeoutError):
        await staying(system, NeverStarts, "starts").started(timeout=0.0)


class Watcher(Member):
    """An actor that watches the other."""

    def on_start(self) -> None:
        """Watch."""
        assert self.other is not None
        self.watch(self.other)


async def watchers(system: System, number: int) -> None:
    """An actor that watched another one, which stays."""
    ref = system.spawn(Watcher(there(system)), f"session/{number % 50}")
    await there(system).ask(Ask())
    await end(ref)


class Parent(Member):
    """An actor that spawns a child for each ask."""

    hired = 0
    watches = False

    @receive
    async def ask(self, _message: Ask) -> Note:
        """Spawn a child."""
        self.hired += 1
        child = self.spawn(Member(), f"child-{self.hired % 50}")
        if self.watches:
            self.watch(child)
        child.tell(Note())
        child.stop()
        return Note("x")


class Guardian(Parent):
    """A child that watches its parent."""

    watches = True


async def children(system: System, _number: int) -> None:
    """A child of an actor that stays, and watches it."""
    await staying(system, Guardian, "parent").ask(Ask())
    await asyncio.sleep(0)


async def families(system: System, number: int) -> None:
    """An actor that has children when it ends."""
    ref = system.spawn(Parent(), f"family/{number % 50}")
    await ref.ask(Ask())
    await end(ref)


async def stashes(system: System, number: int) -> None:
    """An actor with messages in its stash and its mailbox."""
    ref = system.spawn(Member(), f"session/{number % 50}")
    for _ in range(3):
        ref.tell(Note("stash"))
    await asyncio.sleep(0)
    ref.stop(drain=False)
    ref.tell(Note())
    await ref.stopped()


async def offers(system: System, number: int) -> None:
    """Offers to a full mailbox that are given up, and that end with the actor."""
    ref = system.spawn(NeverStarts(), f"full/{number % 50}", mailbox=Mailbox(1, "wait"))
    await ref.offer(Note())
    with contextlib.suppress(OfferTimeoutError):
        await ref.offer(Note(), timeout=0.0)
    offering = asyncio.ensure_future(ref.offer(Note()))
    await asyncio.sleep(0)
    ref.stop(drain=False)
    await ref.stopped()
    await offering


class Owner(Member):
    """An actor that owns tasks, and waits in `on_stop`."""

    def on_start(self) -> None:
        """Start tasks, one of which ends on its own."""
        _ = self.start_task(asyncio.sleep(3600))
        _ = self.start_task(asyncio.sleep(0))

    async def on_stop(self) -> None:
        """Wait a moment."""
        await asyncio.sleep(0)


async def tasks(system: System, number: int) -> None:
    """An actor that owns tasks."""
    ref = system.spawn(Owner(), f"session/{number % 50}")
    await ref.ask(Ask())
    await end(ref)


async def owner_restarts(system: System, _number: int) -> None:
    """A life of an actor that owns tasks."""
    ref = staying(system, Owner, "owner")
    ref.tell(Fail())
    await ref.ask(Ask())


class Waits(Member):
    """An actor that is cancelled in a handler."""

    @receive
    async def note(self, _message: Note) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Wait."""
        await asyncio.get_running_loop().create_future()


async def cancelled_handlers(system: System, number: int) -> None:
    """An actor that is stopped while its handler waits."""
    ref = system.spawn(Waits(), f"session/{number % 50}")
    ref.tell(Note())
    await asyncio.sleep(0)
    ref.stop(drain=False)
    await ref.stopped()


async def nobody(system: System, number: int) -> None:
    """A message to a path without an actor."""
    system.ref(f"nobody/{number}").tell(Note())
    with contextlib.suppress(ActorStoppedError):
        await system.ref(f"nobody/{number}").ask(Ask())


class FailsToAnswer(Member):
    """An actor that fails when it is asked."""

    @receive
    async def ask(self, _message: Ask) -> Note:
        """Raise."""
        await asyncio.sleep(0)
        raise ValueError(self.held)


async def failed_asks(system: System, number: int) -> None:
    """An ask of an actor that fails on it."""
    ref = system.spawn(FailsToAnswer(), f"session/{number % 50}")
    with contextlib.suppress(ActorFailedError):
        await ref.ask(Ask())
    await ref.stopped()


class InThread(Actor[Ask]):
    """One in a thread."""

    def __init__(self) -> None:
        self.held = bytearray(1000)

    @receive
    def ask(self, _message: Ask) -> Note:
        """Answer."""
        return Note()


async def threads(system: System, number: int) -> None:
    """An actor in a thread."""
    ref = system.spawn_thread(InThread(), f"thread/{number % 50}")
    await ref.ask(Ask())
    await end(ref)


class Foreign(pykka.ThreadingActor):
    """A Pykka actor."""

    use_daemon_thread = True

    def on_receive(self, message: Any) -> Any:
        """Answer."""
        del message
        return Note()


async def foreigners(system: System, number: int) -> None:
    """A foreign Pykka actor."""
    path = f"foreign/{number % 50}"
    ref: ActorRef[Any] = system.bridge(Foreign.start(), path, Ask, stop=True)
    await ref.ask(Ask())
    await end(ref)


ROUNDS: tuple[Round, ...] = (
    *(one_path, timers, asks_from_tasks, asks_from_actors, asks_without_answer),
    *(asks_that_are_late, given_up_stops, given_up_starts, watchers, children),
    *(families, stashes, tasks, cancelled_handlers),
)
"""Rounds that leave nothing at all."""

ROUNDS_THAT_LEAVE_A_TEXT: tuple[Round, ...] = (
    *(failures, restarts, failed_starts, failed_asks, owner_restarts, nobody, offers),
)
"""Rounds with failures or warnings, of which the last thousand are kept."""

ROUNDS_IN_THREADS: tuple[Round, ...] = (threads, foreigners)
"""Rounds with threads, of which some ended ones are known for a while."""
