"""anyio.CapacityLimiter: a token that is lost, and one that two tasks have.

Source: https://github.com/agronholm/anyio/issues/947. A token that is released is meant
for the first task that waits, which is woken and takes it when it runs. If it is
cancelled before, the token is free and the next task waits. Cured, a task that is
cancelled after it was woken wakes the next one.

Source: https://github.com/agronholm/anyio/issues/1170. Before the task that was woken
runs, another one acquires without waiting, and finds the token free. Then both have it.
Cured, the token is the task's from the moment it is woken.

python examples/explore/published/anyio_limiter.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explore
from ccw_actors.runtime import Actor, Message, receive


class AcquireNowait(Message, frozen=True):
    """Takes a token if there is one."""


class Granted(Message, frozen=True):
    """Whether the token was taken."""

    done: bool


class Woken(Message, frozen=True):
    """There is a token for a task that waits."""


class Take(Message, frozen=True):
    """Takes the token for which the task was woken."""


class Cancelled(Message, frozen=True):
    """A task no longer waits."""


class Release(Message, frozen=True):
    """Gives a token back."""


class Cancel(Message, frozen=True):
    """Cancels a task."""


class Go(Message, frozen=True):
    """Starts a task."""


class LimiterState(Struct):
    """The task that has the token, and those that wait for it."""

    borrowers: tuple[str, ...]
    waiting: tuple[str, ...]


class Limiter(Actor[AcquireNowait | Take | Cancelled | Release]):
    """Has one token.

    One that `hands_on` wakes the next task when one is cancelled that was woken; one
    that `reserves` gives the token to a task as it wakes it.
    """

    state: LimiterState

    def __init__(
        self, borrower: str, waiting: tuple[str, ...], *, hands_on: bool, reserves: bool
    ) -> None:
        self.state = LimiterState((borrower,), waiting)
        self._hands_on = hands_on
        self._reserves = reserves

    def _sender(self) -> str:
        assert self.sender is not None, "tasks are actors"
        return self.sender.path

    @receive
    def acquire_nowait(self, _message: AcquireNowait) -> Granted:
        """Give the token to a task if no other has it or waits for it."""
        state = self.state
        is_free = not state.borrowers and not state.waiting
        if is_free:
            state.borrowers = (self._sender(),)
        return Granted(is_free)

    @receive
    def take(self, _message: Take) -> None:
        """Give the token to the task that was woken."""
        if not self._reserves:
            self.state.borrowers = (*self.state.borrowers, self._sender())

    @receive
    def cancelled(self, _message: Cancelled) -> None:
        """Forget a task; it may have been woken before."""
        state, sender = self.state, self._sender()
        if sender in state.waiting:
            state.waiting = tuple(one for one in state.waiting if one != sender)
        elif self._hands_on:
            self._take_back(sender)

    @receive
    def release(self, _message: Release) -> None:
        """Take a token back."""
        self._take_back(self._sender())

    def _take_back(self, path: str) -> None:
        state = self.state
        state.borrowers = tuple(one for one in state.borrowers if one != path)
        if state.waiting and not state.borrowers:
            first, *rest = state.waiting
            state.waiting = tuple(rest)
            if self._reserves:
                state.borrowers = (first,)
            self.system.ref(first).tell(Woken())


class Borrower(Actor[Go]):
    """Has the token, and gives it back."""

    @receive
    def go(self, _message: Go) -> None:
        """Give the token back."""
        self.system.ref("limiter").tell(Release())


class WaiterState(Struct):
    """Whether a task waits, and whether it had the token."""

    is_waiting: bool = True
    had_token: bool = False


class Waiter(Actor[Woken | Cancel]):
    """Waits for the token; the limiter knows from the beginning."""

    state: WaiterState

    def __init__(self) -> None:
        self.state = WaiterState()

    @receive
    def woken(self, _message: Woken) -> None:
        """Take the token, and give it back."""
        if self.state.is_waiting:
            self.state = WaiterState(is_waiting=False, had_token=True)
            limiter = self.system.ref("limiter")
            limiter.tell(Take())
            limiter.tell(Release())

    @receive
    def be_cancelled(self, _message: Cancel) -> None:
        """Stop waiting."""
        if self.state.is_waiting:
            self.state.is_waiting = False
            self.system.ref("limiter").tell(Cancelled())


class Passer(Actor[Go | Granted]):
    """Tries to have the token, without waiting for it."""

    @receive
    def go(self, _message: Go) -> None:
        """Try to take the token."""
        self.system.ref("limiter").tell(AcquireNowait())

    @receive
    def granted(self, message: Granted) -> None:
        """Give the token back."""
        if message.done:
            self.system.ref("limiter").tell(Release())


def limiters(
    *waiting: str, hands_on: bool, reserves: bool, cancels: bool = True
) -> Scenario:
    """Return a limiter and tasks that wait for its one token.

    The first that waits is cancelled at some time, or one more task comes along and
    does not wait.
    """

    def scenario(world: World) -> None:
        """Tasks and a limiter with one token."""
        limiter = world.spawn(
            Limiter("borrower", waiting, hands_on=hands_on, reserves=reserves),
            "limiter",
        )
        world.inject(world.spawn(Borrower(), "borrower"), Go())
        for name in waiting:
            world.spawn(Waiter(), name)
        if cancels:
            world.inject(world.system.ref(waiting[0]), Cancel(), source="caller")
        else:
            world.inject(world.spawn(Passer(), "passer"), Go())

        def is_served(view: View) -> bool:
            return not any(view[name].is_waiting for name in waiting)

        world.invariant(
            limiter, "one token at most", lambda state: len(state.borrowers) <= 1
        )
        world.final("nobody waits for a free token", is_served)
        for name in waiting:
            waiter = world.system.ref(name)
            world.sometimes(f"{name} has the token", lambda s: s.had_token, of=waiter)

    return scenario


lost = limiters("first", "second", hands_on=False, reserves=False)
handed_on = limiters("first", "second", hands_on=True, reserves=False)
granted_twice = limiters("first", hands_on=True, reserves=False, cancels=False)
reserved = limiters("first", hands_on=True, reserves=True, cancels=False)


def main() -> None:
    """Refute both uncured scenarios, and verify the cured ones."""
    for one in (lost, handed_on, granted_twice, reserved):
        print(explore(one))


if __name__ == "__main__":
    main()
