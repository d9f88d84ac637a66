"""asyncio.Queue: an item is handed to a task that is cancelled, and is lost.

Source: https://github.com/python/asyncio/pull/256 (bpo-23812), and
https://github.com/python/asyncio/issues/201. An item that was put into an empty queue
was handed to the first task that waited for one, by setting the result of its future.
If the task was cancelled before it ran, the item went with it. Cured, as in
https://github.com/python/asyncio/pull/269 and since: the item goes into the queue and
the first task is woken to take it; a task that is cancelled after it was woken wakes
the next one.

python examples/explore/published/asyncio_queue.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explore
from ccw_actors.runtime import Actor, Message, receive


class Put(Message, frozen=True):
    """An item for the queue."""

    item: str


class Handed(Message, frozen=True):
    """An item for the task that waits."""

    item: str


class Woken(Message, frozen=True):
    """There is an item: take it."""


class Take(Message, frozen=True):
    """Takes an item."""


class NoItem(Message, frozen=True):
    """The item is gone: wait again."""


class Gone(Message, frozen=True):
    """The task no longer waits."""


class Cancel(Message, frozen=True):
    """Cancels a task."""


class QueueState(Struct):
    """The items, and the tasks that wait and have not been woken."""

    items: tuple[str, ...] = ()
    getters: tuple[str, ...] = ()


class Queue(Actor[Put | Take | Gone]):
    """Hands items to tasks, or lets tasks take them."""

    state: QueueState

    def __init__(self, getters: tuple[str, ...], *, cured: bool) -> None:
        self.state = QueueState(getters=getters)
        self._cured = cured

    def _sender(self) -> str:
        assert self.sender is not None, "tasks are actors"
        return self.sender.path

    @receive
    def put(self, message: Put) -> None:
        """Hand an item on, or keep it."""
        state = self.state
        if state.getters and not self._cured:
            first, *rest = state.getters
            state.getters = tuple(rest)
            self.system.ref(first).tell(Handed(message.item))
        else:
            state.items = (*state.items, message.item)
            self._wake()

    @receive
    def take(self, _message: Take) -> Handed | NoItem:
        """Hand an item over, or let the task wait again."""
        state = self.state
        if not state.items:
            state.getters = (*state.getters, self._sender())
            return NoItem()
        item, *rest = state.items
        state.items = tuple(rest)
        return Handed(item)

    @receive
    def gone(self, _message: Gone) -> None:
        """Forget a task; if it was woken before, wake the next one."""
        state = self.state
        if self._sender() in state.getters:
            others = [one for one in state.getters if one != self._sender()]
            state.getters = tuple(others)
        else:
            self._wake()

    def _wake(self) -> None:
        state = self.state
        if state.items and state.getters:
            first, *rest = state.getters
            state.getters = tuple(rest)
            self.system.ref(first).tell(Woken())


class TaskState(Struct):
    """The item a task has, and whether it waits for one, or takes one."""

    item: str = ""
    is_waiting: bool = True
    is_taking: bool = False


class Task(Actor[Handed | Woken | NoItem | Cancel]):
    """Waits for one item; the queue knows from the beginning."""

    state: TaskState

    def __init__(self) -> None:
        self.state = TaskState()

    @receive
    def handed(self, message: Handed) -> None:
        """Take the item, unless cancelled."""
        if self.state.is_waiting:
            self.state = TaskState(message.item, is_waiting=False)

    @receive
    def woken(self, _message: Woken) -> None:
        """Take an item: a task that runs cannot be cancelled in between."""
        if self.state.is_waiting:
            self.state.is_taking = True
            self.system.ref("queue").tell(Take())

    @receive
    def no_item(self, _message: NoItem) -> None:
        """Wait again."""
        self.state.is_taking = False

    @receive
    def be_cancelled(self, _message: Cancel) -> None:
        """Stop waiting."""
        if self.state.is_waiting and not self.state.is_taking:
            self.state.is_waiting = False
            self.system.ref("queue").tell(Gone())


def two_getters(*, cured: bool) -> Scenario:
    """Return two tasks that wait for one item; the first is cancelled at some time."""

    def scenario(world: World) -> None:
        """Two tasks and one item."""
        names = ("first", "second")
        world.spawn(Queue(names, cured=cured), "queue")
        for name in names:
            world.spawn(Task(), name)
        world.inject(world.system.ref("queue"), Put("item"), source="producer")
        world.inject(world.system.ref("first"), Cancel(), source="caller")

        def is_somewhere(view: View) -> bool:
            held = [view[name].item for name in names if view[name].item]
            return [*held, *view["queue"].items] == ["item"]

        world.final("the item is not lost", is_somewhere)
        world.final(
            "nobody waits while there is an item",
            lambda view: not (view["queue"].items and view["queue"].getters),
        )
        for name in names:
            task = world.system.ref(name)
            world.sometimes(f"{name} has it", lambda s: s.item != "", of=task)

    return scenario


uncured = two_getters(cured=False)
cured = two_getters(cured=True)


def main() -> None:
    """Refute the uncured scenario, and verify the cured one."""
    print(explore(uncured))
    print(explore(cured))


if __name__ == "__main__":
    main()
