"""What the parts of the kernel need of each other, and of what drives them."""

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.ports import Suspended
from ccw_actors.runtime._kernel.alarms import Alarm
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Dispatcher", "Driven", "Finished", "Suspend"]

Finished = Callable[[Any, Any, BaseException | None], None]
"""Called once with a turn, and what its coroutine returned and None, or None and what
it raised."""


class Suspend(Protocol):
    """Makes the turn of a coroutine that a handler, or a hook (None), has returned."""

    def __call__(
        self,
        cell: Cell,
        envelope: Envelope | None,
        coroutine: Coroutine[Any, Any, Any],
        finished: Finished,
    ) -> Suspended: ...


class Driven(Protocol):
    """A System as what drives it sees it."""

    def run(self, cell: Cell, limit: int) -> int:
        """Handle at most `limit` messages of an actor; see `Invoker.run`."""
        ...

    def leave(self) -> None:
        """Note that no actor is run at once after the last one."""

    def freed(self, cell: Cell) -> None:
        """Let those in who wait for room in an actor's mailbox."""

    @property
    def offers(self) -> object:
        """True if somebody waits for room in some mailbox."""
        ...

    def tidy(self) -> None:
        """Forget deadlines of asks that were answered, so that no clock goes there."""


class Dispatcher(Protocol):
    """The only part of a System that differs between the three worlds."""

    loop: Any
    """The event loop that runs the System; None where there is none."""

    budget: int
    """How many messages, or calls from other threads, one turn may handle."""

    clock: Callable[[], float]
    """What `call_at_clock` goes by: seconds, from a beginning of its own."""

    restores: bool
    """Whether actors that have ended may be there again."""

    @abstractmethod
    def begin(self) -> None:
        """Look for what is to run the System, and set `clock`; called once, first."""

    @abstractmethod
    def attach(self, system: Any) -> None:
        """Drive one System from now on; called once, with its kernel."""

    @property
    @abstractmethod
    def enqueue(self) -> Callable[[Cell], None]:
        """What is called with a cell that has something to handle and was idle."""
        ...

    @abstractmethod
    def now(self) -> float:
        """Return seconds since the System was made."""

    @abstractmethod
    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back once at that time; callbacks due at once run in order given."""

    @abstractmethod
    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Do the same, at a time of `clock`."""

    @abstractmethod
    def hold(self) -> None:
        """Note that another thread works for the System, and what it does takes time.

        An event loop with a virtual clock stands still meanwhile. On any thread.
        """

    @abstractmethod
    def release(self) -> None:
        """Take one `hold` back; on any thread."""

    @abstractmethod
    def end(self) -> None:
        """Note that the System has ended, so that nothing has to hold it any more."""

    @abstractmethod
    def run_until(self, done: Callable[[], bool]) -> bool:
        """Handle messages until `done()`; False if nothing is left to handle first.

        Raises `DispatcherError` where the event loop decides, not the caller.
        """

    @abstractmethod
    def check_awake(self) -> None:
        """Raise what `wake` would if the System can be woken no more."""

    @abstractmethod
    def wake(self, callback: Callable[[], None]) -> None:
        """Call back soon on the System's own thread; called from other threads.

        Raises `ActorStoppedError` if the event loop is closed, and `DispatcherError`
        where there is none.
        """
