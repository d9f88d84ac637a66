"""Interfaces between the parts of the kernel and the dispatchers."""

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.ports import Suspended
from ccw_actors.runtime._kernel.alarms import Alarm
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Dispatcher", "Driven", "Finished", "Suspend"]

Finished = Callable[[Any, Any, BaseException | None], None]
"""Called once with a turn, and its coroutine's return value and None, or None and the
exception."""


class Suspend(Protocol):
    """Creates the turn of a coroutine from a handler, or from a hook (None)."""

    def __call__(
        self,
        cell: Cell,
        envelope: Envelope | None,
        coroutine: Coroutine[Any, Any, Any],
        finished: Finished,
    ) -> Suspended: ...


class Driven(Protocol):
    """A System as its dispatcher sees it."""

    def run(self, cell: Cell, limit: int) -> int:
        """Handle at most `limit` messages of an actor; see `Invoker.run`."""
        ...

    def leave(self) -> None:
        """Note that no other actor runs at once after the last one."""

    def freed(self, cell: Cell) -> None:
        """Let messages enter that wait for room in an actor's mailbox."""

    @property
    def offers(self) -> object:
        """True if a message waits for room in some mailbox."""
        ...

    def tidy(self) -> None:
        """Forget deadlines of answered asks, so that no clock jumps to them."""


class Dispatcher(Protocol):
    """Runs a System: on an event loop, on a virtual clock, or step by step."""

    loop: Any
    """The event loop that runs the System, None without one."""

    budget: int
    """How many messages, or calls from other threads, one turn may handle."""

    clock: Callable[[], float]
    """The clock of `call_at_clock`, in seconds from its own zero."""

    restores: bool
    """Whether actors that have ended may come back."""

    @abstractmethod
    def begin(self) -> None:
        """Find what runs the System, and set `clock`; called once, first."""

    @abstractmethod
    def attach(self, system: Any) -> None:
        """Run one System from now on; called once, with its kernel."""

    @property
    @abstractmethod
    def enqueue(self) -> Callable[[Cell], None]:
        """The function that takes a cell that was idle and has something to handle."""
        ...

    @abstractmethod
    def now(self) -> float:
        """Return the seconds since the System was created."""

    @abstractmethod
    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back once at that time; those due at the same time run as given."""

    @abstractmethod
    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Do the same, at a time of `clock`."""

    @abstractmethod
    def hold(self) -> None:
        """Note that another thread works for the System, which takes real time.

        Until `release` an event loop with a virtual clock stands still. On any thread.
        """

    @abstractmethod
    def release(self) -> None:
        """Take one `hold` back; on any thread."""

    @abstractmethod
    def end(self) -> None:
        """Note that the System has ended and needs no more timers."""

    @abstractmethod
    def run_until(self, done: Callable[[], bool]) -> bool:
        """Handle messages until `done()`; False if nothing is left before that.

        Raises `DispatcherError` where the event loop decides, not the caller.
        """

    @abstractmethod
    def check_awake(self) -> None:
        """Raise the error of `wake`, if nothing can wake the System."""

    @abstractmethod
    def wake(self, callback: Callable[[], None]) -> None:
        """Call back soon on the System's own thread; called from other threads.

        Raises `ActorStoppedError` if the event loop is closed, and `DispatcherError`
        without one.
        """
