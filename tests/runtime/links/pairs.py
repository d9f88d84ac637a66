"""Linked Systems in one process, and their actors."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    Message,
    Request,
    System,
    Terminated,
    receive,
)
from ccw_actors.runtime.links import Link, LinkOptions
from tests.runtime.cast import Note
from tests.runtime.worlds import until

PATIENCE = 20.0


class Pair(NamedTuple):
    """Two linked Systems; `link` is that of `one` to `two`, `back` the other end."""

    one: System
    two: System
    link: Link
    back: Link

    async def there(self, actor: Any, path: str, **spawn: Any) -> ActorRef[Any]:
        """Spawn an actor in `two`; return the reference that `one` has."""
        self.two.spawn(actor, path, **spawn)
        return await self.link.ref(path)

    async def cut(self) -> str:
        """Break the connection; return what `one` says of it from now on."""
        self.back.lose("the test cut it")
        return f"the link to two has ended: {await self.link.ended()}"


async def link_of(system: System, name: str) -> Link:
    """Return the link to a System, as soon as it is up."""
    await until(lambda: any(one.system == name for one in system.links))
    return next(one for one in system.links if one.system == name)


async def join(one: System, two: System, options: LinkOptions | None = None) -> Pair:
    """Link two Systems over a socket; both ends have the same options."""
    options = options or LinkOptions(timeout=PATIENCE)
    with tempfile.TemporaryDirectory() as folder:
        listener = await two.listen(f"unix:{folder}/s", options)
        link = await one.connect(listener.address, options)
        await listener.close()
    return Pair(one, two, link, await link_of(two, one.name))


@asynccontextmanager
async def linked(
    options: LinkOptions | None = None, **system: Any
) -> AsyncGenerator[Pair]:
    """Make two linked Systems."""
    async with System(name="one", **system) as one, System(name="two", **system) as two:
        yield await join(one, two, options)


class Trio(NamedTuple):
    """Three Systems, each linked with the others."""

    one: System
    two: System
    three: System


@asynccontextmanager
async def three_linked() -> AsyncGenerator[Trio]:
    """Make three Systems, and link each with the others."""
    async with AsyncExitStack() as stack:
        names = ("one", "two", "three")
        made = [await stack.enter_async_context(System(name=name)) for name in names]
        for first, second in itertools.combinations(made, 2):
            await join(first, second)
        yield Trio(*made)


class Meet(Message, frozen=True):
    """Introduces an actor."""

    ref: ActorRef[Any]


class Sum(Message, frozen=True):
    """The answer to `Add`."""

    number: int


class Add(Request[Sum], frozen=True):
    """Asks for the sum of all numbers so far."""

    number: int


class Watcher(Actor[Meet | Failure | Terminated | Note | Sum]):
    """Watches whom it meets, and keeps everything that comes."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []
        self.refs: list[ActorRef[Any]] = []
        self.failures: list[Failure] = []
        self.heard: list[Message] = []

    @receive
    def meet(self, message: Meet) -> Awaitable[None] | None:
        """Watch."""
        self.refs.append(message.ref)
        self.watch(message.ref)
        return None

    @receive
    def terminated(self, message: Terminated) -> None:
        """Keep."""
        self.ends.append((f"{message.ref.system}:{message.ref.path}", message.reason))

    @receive
    def failure(self, message: Failure) -> None:
        """Keep."""
        self.failures.append(message)

    @receive
    def note(self, message: Note) -> None:
        """Keep."""
        self.heard.append(message)

    @receive
    def sum(self, message: Sum) -> None:
        """Keep."""
        self.heard.append(message)


class Gate(Actor[Note | Add]):
    """Handles nothing until `opens` is set, and keeps the texts."""

    def __init__(self) -> None:
        self.opens = asyncio.Event()
        self.entered = asyncio.Event()
        self.texts: list[str] = []

    @receive
    async def note(self, message: Note) -> None:
        """Wait, then keep."""
        self.entered.set()
        await self.opens.wait()
        self.texts.append(message.text)

    @receive
    async def add(self, message: Add) -> Sum:
        """Wait, then answer."""
        self.entered.set()
        await self.opens.wait()
        return Sum(message.number)


class Adder(Actor[Add | Note]):
    """Adds numbers; a note makes it start again from the text."""

    def __init__(self) -> None:
        self.total = 0

    @receive
    def add(self, message: Add) -> Sum:
        """Add."""
        self.total += message.number
        return Sum(self.total)

    @receive
    def note(self, message: Note) -> None:
        """Start again."""
        self.total = int(message.text)


def socket_in(folder: Path) -> str:
    """Return an address in a folder."""
    return f"unix:{folder}/s"
