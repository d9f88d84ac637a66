"""An actor's `persistent` data survives a restart, under every dispatcher."""

from collections.abc import Callable

import msgspec
import pytest

from ccw_actors.errors import ActorFailedError, DispatcherError
from ccw_actors.runtime import (
    Actor,
    Choice,
    Message,
    Request,
    Restart,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.worlds import World


class Write(Message, frozen=True):
    """A number to keep, in both places."""

    number: int


class WriteAndFail(Write, frozen=True):
    """A number to keep, and a failure after that."""


class Kept(Message, frozen=True):
    """The number in memory and the persistent one; -1 for none."""

    in_memory: int
    persistent: int


class Read(Request[Kept], frozen=True):
    """Asks for both."""


class Cell(msgspec.Struct):
    """A number."""

    number: int = 0


class Store(Actor[Write | WriteAndFail | Read]):
    """Keeps a number in memory, and on something like a disk."""

    state: Cell
    persistent: Cell | None

    def __init__(self) -> None:
        self.state = Cell()
        self.persistent = Cell()

    @receive
    def write(self, message: Write) -> None:
        """Keep it."""
        self.state.number = message.number
        assert self.persistent is not None
        self.persistent.number = message.number

    @receive
    def fail(self, message: WriteAndFail) -> None:
        """Keep it, and fail."""
        self.write(message)
        raise ValueError(message.number)

    @receive
    def read(self, _message: Read) -> Kept:
        """Tell."""
        kept = self.persistent
        return Kept(self.state.number, -1 if kept is None else kept.number)


class Late(Store):
    """Starts without `persistent`, and sets it at the first write."""

    def __init__(self) -> None:
        super().__init__()
        self.persistent = None

    @receive
    def write(self, message: Write) -> None:
        """Keep it."""
        if self.persistent is None:
            self.persistent = Cell()
        super().write(message)


class Waiting(Store):
    """Waits in `on_restart`, and reads `persistent` there."""

    async def on_restart(self) -> None:
        """Start with the persistent number."""
        await self.sleep(0.0)
        assert self.persistent is not None
        self.state.number = self.persistent.number + 100


RESTARTS = (
    pytest.param(Store, id="made by its class"),
    pytest.param(lambda: Late(), id="made by a function"),  # noqa: PLW0108 - as said
    pytest.param(Store(), id="given back its first state"),
)


@pytest.mark.asyncio
@pytest.mark.parametrize("actor", RESTARTS)
async def test_restart(world: World, actor: Store | Callable[[], Store]) -> None:
    """A restart resets only `state`."""
    if isinstance(actor, Store):
        actor = Store()
    ref = world.system.spawn(actor, "store", supervision=Restart())
    ref.tell(Write(1))
    assert await world.ask(ref, Read()) == Kept(1, 1)
    ref.tell(WriteAndFail(2))
    if isinstance(world.system.dispatcher, SteppingDispatcher):
        with pytest.raises(ActorFailedError):
            await world.rest()
    assert await world.ask(ref, Read()) == Kept(0, 2)
    ref.tell(Write(3))
    assert await world.ask(ref, Read()) == Kept(3, 3)


@pytest.mark.asyncio
@pytest.mark.parametrize("make", [Store, Late])
async def test_restart_in_a_thread(make: type[Store]) -> None:
    """The same for an actor in its own Pykka thread."""
    async with System() as system:
        ref = system.spawn_thread(make, "store", supervision=Restart())
        ref.tell(Write(1))
        ref.tell(WriteAndFail(2))
        assert await ref.ask(Read()) == Kept(0, 2)
        ref.tell(Write(3))
        assert await ref.ask(Read()) == Kept(3, 3)


@pytest.mark.asyncio
async def test_hook_that_waits_in_a_thread() -> None:
    """An async hook in a thread is refused."""
    async with System() as system:
        with pytest.raises(DispatcherError, match="on_restart is async"):
            system.spawn_thread(Waiting, "store", supervision=Restart())


def test_hook_that_waits() -> None:
    """A waiting `on_restart` finds the data."""
    system = System(VirtualDispatcher())
    ref = system.spawn(Waiting, "store", supervision=Restart())
    ref.tell(WriteAndFail(7))
    assert ref.ask(Read(), block=True) == Kept(107, 7)


def test_none_without_a_restart() -> None:
    """Another actor at the same path begins with nothing."""
    system = System(VirtualDispatcher())
    ref = system.spawn(Late(), "store")
    ref.tell(WriteAndFail(7))
    dispatcher = system.dispatcher
    assert isinstance(dispatcher, VirtualDispatcher)
    dispatcher.run()
    assert not ref.is_alive
    again = system.spawn(Late(), "store")
    assert again.ask(Read(), block=True) == Kept(0, -1)


@pytest.mark.parametrize("make", [Store, Late])
def test_snapshot_and_restore(make: type[Store]) -> None:
    """A restored System has the persistent data of the snapshot, if any."""
    dispatcher = SteppingDispatcher()
    system = System(dispatcher)
    ref = system.spawn(make, "store", supervision=Restart())
    first = dispatcher.snapshot()
    ref.tell(Write(1))
    dispatcher.run()
    second = dispatcher.snapshot()
    assert first.key() != second.key()
    dispatcher.restore(first)
    assert ref.ask(Read(), block=True) == Kept(0, -1 if make is Late else 0)
    dispatcher.restore(second)
    assert ref.ask(Read(), block=True) == Kept(1, 1)
    ref.tell(Write(2))
    with pytest.raises(ActorFailedError):
        dispatcher.step(Choice("store", "", crash=True))
    dispatcher.run()
    assert ref.ask(Read(), block=True) == Kept(0, 1)
