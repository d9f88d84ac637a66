"""Celery on Redis: a task that is to run later than its visibility timeout runs twice.

Source: https://github.com/celery/kombu/issues/337 (and celery#2599, celery#3270). A
worker keeps a task until it is due and acknowledges it when it has run. The broker
gives a task that is not acknowledged in time to another worker: the timeout, 2 s in the
thread, is counted from when the task was fetched, and the task is due 5 s after it was
sent. The issue is open, and Celery advises a timeout that is longer than any delay.
Cured here, the timeout is counted from when the task is due.

Time is ordered here: it matters which delay is longer.

python examples/explore/published/kombu_visibility.py
"""

from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, Message, receive

HOW: dict[str, Any] = {"time": "ordered"}
"""Keywords for `explore`."""

VISIBILITY_TIMEOUT = 2.0
DUE_IN = 5.0


class Fetch(Message, frozen=True):
    """A worker asks for a task."""


class Task(Message, frozen=True):
    """A task, and how many seconds after it was sent it is to run."""

    due_in: float


class Run(Message, frozen=True):
    """The task is due."""


class Acknowledge(Message, frozen=True):
    """The worker has run the task."""


class Restore(Message, frozen=True):
    """The task was not acknowledged in time."""


class BrokerState(Struct):
    """The queued task, whether it is unacknowledged, and which workers ask for one.

    Time advances by whole timeouts: `waited` are the seconds since the task was sent.
    """

    queued: bool = True
    is_unacknowledged: bool = False
    waited: float = 0.0
    idle: tuple[str, ...] = ()
    runs: int = 0


class Broker(Actor[Fetch | Acknowledge | Restore]):
    """Has one task, and gives it to every worker that asks."""

    state: BrokerState

    def __init__(self, *, cured: bool) -> None:
        self.state = BrokerState()
        self._cured = cured

    @receive
    def fetch(self, _message: Fetch) -> None:
        """Give the task to a worker, or let it wait."""
        assert self.sender is not None, "workers are actors"
        self.state.idle = (*self.state.idle, self.sender.path)
        self._give()

    def _give(self) -> None:
        state = self.state
        if state.queued and state.idle:
            first, *rest = state.idle
            state.idle, state.queued, state.is_unacknowledged = tuple(rest), False, True
            left = DUE_IN - state.waited
            self.system.ref(first).tell(Task(left))
            timeout = VISIBILITY_TIMEOUT + (left if self._cured else 0.0)
            self.after(timeout, Restore())

    @receive
    def acknowledge(self, _message: Acknowledge) -> None:
        """Note that the task has run."""
        self.state.is_unacknowledged = False
        self.state.runs += 1

    @receive
    def queue_again(self, _message: Restore) -> None:
        """Queue the task again, unless it was acknowledged."""
        state = self.state
        state.waited += VISIBILITY_TIMEOUT
        if state.is_unacknowledged:
            state.queued, state.is_unacknowledged = True, False
            self._give()


class Worker(Actor[Task | Run]):
    """Keeps a task until it is due, and runs it."""

    def on_start(self) -> None:
        """Ask for a task."""
        self.system.ref("broker").tell(Fetch())

    @receive
    def task(self, message: Task) -> None:
        """Wait until it is due."""
        self.after(message.due_in, Run())

    @receive
    def run(self, _message: Run) -> None:
        """Run it, and acknowledge."""
        self.system.ref("broker").tell(Acknowledge())


def two_workers(*, cured: bool) -> Scenario:
    """Return two workers and one task that is due later."""

    def scenario(world: World) -> None:
        """Two workers and one task."""
        broker = world.spawn(Broker(cured=cured), "broker")
        for name in ("worker/1", "worker/2"):
            world.spawn(Worker(), name)
        world.invariant(broker, "a task runs once", lambda state: state.runs <= 1)
        world.sometimes("it runs", lambda s: s.runs == 1, of=broker)

    return scenario


uncured = two_workers(cured=False)
cured = two_workers(cured=True)


def main() -> None:
    """Refute the uncured scenario, and verify the cured one."""
    print(explore(uncured, **HOW))
    print(explore(cured, **HOW))


if __name__ == "__main__":
    main()
