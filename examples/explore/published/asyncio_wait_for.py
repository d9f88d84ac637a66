"""asyncio.wait_for: a task cancelled after its awaited operation ended continues.

Source: https://github.com/python/cpython/issues/86296 (bpo-42130). A task waits for
something in a loop, with a timeout. It is cancelled after that has ended and before the
task has run: wait_for saw a result, returned it, and the cancellation was gone. A
caller that waited for the task to end waited forever. Cured, as in Python 3.12: a
cancelled task ends, even if it has a result.

python examples/explore/published/asyncio_wait_for.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, Message, receive


class Wait(Message, frozen=True):
    """The task waits for the next operation to end."""


class Ended(Message, frozen=True):
    """The operation that the task waits for has ended; the task will run."""


class Run(Message, frozen=True):
    """The loop runs the task."""


class Cancel(Message, frozen=True):
    """Cancels the task."""


class SourceState(Struct):
    """Whether the operation has ended."""

    has_ended: bool = False


class Source(Actor[Wait]):
    """Ends once: there is one operation to wait for, and no second one."""

    state: SourceState

    def __init__(self) -> None:
        self.state = SourceState()

    @receive
    def wait(self, _message: Wait) -> None:
        """End, the first time."""
        if not self.state.has_ended:
            self.state.has_ended = True
            self.system.ref("task").tell(Ended())


class TaskState(Struct):
    """How many results it has had, whether one is there, and whether it has ended."""

    results: int = 0
    is_result_there: bool = False
    is_cancelled: bool = False


class Task(Actor[Ended | Run | Cancel]):
    """Waits for one operation after the other until it is cancelled."""

    state: TaskState

    def __init__(self, *, cured: bool) -> None:
        self.state = TaskState()
        self._cured = cured

    def on_start(self) -> None:
        """Wait for the first operation."""
        self.system.ref("source").tell(Wait())

    @receive
    def ended(self, _message: Ended) -> None:
        """Let the loop run the task."""
        self.state.is_result_there = True
        self.system.ref(self.path).tell(Run())

    @receive
    def run(self, _message: Run) -> None:
        """Take the result and wait for the next operation."""
        if self.state.is_result_there and not self.state.is_cancelled:
            self._go_on()

    @receive
    def be_cancelled(self, _message: Cancel) -> None:
        """End, or return the result if there is one."""
        if self.state.is_result_there and not self._cured:
            self._go_on()
        else:
            self.state.is_cancelled = True

    def _go_on(self) -> None:
        self.state.is_result_there = False
        self.state.results += 1
        self.system.ref("source").tell(Wait())


def one_task(*, cured: bool) -> Scenario:
    """Return a task that waits in a loop and is cancelled at some time."""

    def scenario(world: World) -> None:
        """A task that waits in a loop, and is cancelled."""
        world.spawn(Source(), "source")
        task = world.spawn(Task(cured=cured), "task")
        world.inject(task, Cancel(), source="caller")
        world.final(
            "a task that was cancelled ends", lambda view: view[task].is_cancelled
        )
        world.sometimes("a result is had", lambda s: s.results == 1, of=task)

    return scenario


uncured = one_task(cured=False)
cured = one_task(cured=True)


def main() -> None:
    """Refute the uncured scenario, and verify the cured one."""
    print(explore(uncured))
    print(explore(cured))


if __name__ == "__main__":
    main()
