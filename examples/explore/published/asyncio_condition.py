"""asyncio.Condition: a task comes back from wait() without the lock, and releases it.

Source: https://github.com/python/asyncio/pull/346 (bpo-22970). A task that waits for a
condition is notified and has to acquire the lock again. If it was cancelled before it
had the lock, it came back without it. Leaving `async with condition`, it released the
lock that another task had by then. Cured: it is cancelled when it has the lock again.

python examples/explore/published/asyncio_condition.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, Message, receive


class Acquire(Message, frozen=True):
    """Asks for the lock."""


class Acquired(Message, frozen=True):
    """The lock."""


class Forget(Message, frozen=True):
    """No longer asks for the lock."""


class Wait(Message, frozen=True):
    """Gives the lock back and waits for the condition."""


class Notify(Message, frozen=True):
    """Makes the first task that waits for the condition acquire the lock again."""


class Notified(Message, frozen=True):
    """The condition may hold."""


class Release(Message, frozen=True):
    """Gives the lock back."""


class Cancel(Message, frozen=True):
    """Cancels the task that waits."""


class Leave(Message, frozen=True):
    """The task that has notified another one ends."""


class ConditionState(Struct):
    """Which tasks have the lock, ask for it, wait, and released another's lock."""

    holder: str = ""
    asking: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    trespasser: str = ""


class Condition(Actor[Acquire | Forget | Wait | Notify | Release]):
    """A condition and its lock."""

    state: ConditionState

    def __init__(self) -> None:
        self.state = ConditionState()

    def _sender(self) -> str:
        assert self.sender is not None, "tasks are actors"
        return self.sender.path

    @receive
    def acquire(self, _message: Acquire) -> None:
        """Give the lock to a task when it is its turn."""
        self.state.asking = (*self.state.asking, self._sender())
        self._give()

    @receive
    def forget(self, _message: Forget) -> None:
        """Take a task out of those that ask."""
        sender = self._sender()
        self.state.asking = tuple(one for one in self.state.asking if one != sender)

    @receive
    def wait(self, _message: Wait) -> None:
        """Let a task wait without the lock."""
        self.state.waiting = (*self.state.waiting, self._sender())
        self._take_back()

    @receive
    def notify(self, _message: Notify) -> None:
        """Notify the first that waits."""
        if self.state.waiting:
            first, *rest = self.state.waiting
            self.state.waiting = tuple(rest)
            self.system.ref(first).tell(Notified())

    @receive
    def release(self, _message: Release) -> None:
        """Take the lock back from any task: in asyncio it has no owner."""
        if self._sender() != self.state.holder:
            self.state.trespasser = self._sender()
        self._take_back()

    def _take_back(self) -> None:
        self.state.holder = ""
        self._give()

    def _give(self) -> None:
        state = self.state
        if not state.holder and state.asking:
            state.holder, *rest = state.asking
            state.asking = tuple(rest)
            self.system.ref(state.holder).tell(Acquired())


class WaiterState(Struct):
    """The phase of the task that waits, and whether it has been cancelled."""

    at: str = "acquiring"
    is_cancelled: bool = False


class Waiter(Actor[Acquired | Notified | Cancel]):
    """Acquires the lock, waits for the condition, and releases the lock."""

    state: WaiterState

    def __init__(self, *, cured: bool) -> None:
        self.state = WaiterState()
        self._cured = cured

    def on_start(self) -> None:
        """Acquire the lock."""
        self.system.ref("condition").tell(Acquire())

    @receive
    def acquired(self, _message: Acquired) -> None:
        """Wait; the second time, finish."""
        condition = self.system.ref("condition")
        if self.state.at == "acquiring":
            self.state.at = "waiting"
            condition.tell(Wait())
        elif self.state.at == "acquiring again":
            self.state.at = "done"
            condition.tell(Release())

    @receive
    def notified(self, _message: Notified) -> None:
        """Acquire the lock again."""
        self.state.at = "acquiring again"
        self.system.ref("condition").tell(Acquire())

    @receive
    def be_cancelled(self, _message: Cancel) -> None:
        """Note a cancellation while the task acquires the lock again."""
        if self.state.at == "acquiring again":
            self.state.is_cancelled = True
            if not self._cured:
                self.state.at = "done"
                condition = self.system.ref("condition")
                condition.tell(Forget())
                condition.tell(Release())


class Notifier(Actor[Acquired | Leave]):
    """Acquires the lock, notifies, and releases it."""

    def on_start(self) -> None:
        """Acquire the lock."""
        self.system.ref("condition").tell(Acquire())

    @receive
    def acquired(self, _message: Acquired) -> None:
        """Notify."""
        self.system.ref("condition").tell(Notify())
        self.system.ref(self.path).tell(Leave())

    @receive
    def leave(self, _message: Leave) -> None:
        """Release the lock, some time later."""
        self.system.ref("condition").tell(Release())


def a_condition(*, cured: bool) -> Scenario:
    """Return a task that waits and is cancelled, and one that notifies it."""

    def scenario(world: World) -> None:
        """A task waits for a condition, and another one notifies it."""
        condition = world.spawn(Condition(), "condition")
        waiter = world.spawn(Waiter(cured=cured), "waiter")
        world.spawn(Notifier(), "notifier")
        world.inject(waiter, Cancel(), source="caller")
        world.invariant(
            condition,
            "a lock is released by its holder",
            lambda state: not state.trespasser,
        )
        world.sometimes(
            "a task is cancelled as it acquires the lock again",
            lambda s: s.is_cancelled and s.at == "done",
            of=waiter,
        )

    return scenario


uncured = a_condition(cured=False)
cured = a_condition(cured=True)


def main() -> None:
    """Refute the uncured scenario, and verify the cured one."""
    print(explore(uncured))
    print(explore(cured))


if __name__ == "__main__":
    main()
