"""redis-py: a cancelled command leaves its answer to the next one on the connection.

Source: https://github.com/redis/redis-py/issues/2624 (and #2665). A command was
cancelled after it had been sent and before its answer was read, and its connection went
back to the pool. The next command on that connection read the answer of the cancelled
one, and from then on every command read that of its predecessor: data of one user were
shown to another. Cured, the connection is closed when a command is cancelled, which
drops the unread answer.

python examples/explore/published/redis_connection.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, Message, receive


class Execute(Message, frozen=True):
    """Sends a command of a task over the connection, and reads the answer."""

    key: str


class Cancelled(Message, frozen=True):
    """The task no longer reads the answer."""


class Get(Message, frozen=True):
    """A command on its way to the server, over a socket of that number."""

    key: str
    socket: int


class Answer(Message, frozen=True):
    """The answer of the server, over the same socket."""

    value: str
    socket: int


class Read(Message, frozen=True):
    """The answer that a task has read."""

    value: str


class Cancel(Message, frozen=True):
    """Cancels a task."""


class ConnectionState(Struct):
    """The socket, the task that reads, those that wait, and the unread answers."""

    socket: int = 0
    reader: str = ""
    waiting: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()


class Connection(Actor[Execute | Cancelled | Answer]):
    """A pool with one connection, which one task uses at a time."""

    state: ConnectionState

    def __init__(self, *, cured: bool) -> None:
        self.state = ConnectionState()
        self._cured = cured

    def _sender(self) -> str:
        assert self.sender is not None, "only actors send here"
        return self.sender.path

    @receive
    def execute(self, message: Execute) -> None:
        """Send the command when it is its turn."""
        self.state.waiting = (*self.state.waiting, (self._sender(), message.key))
        self._go_on()

    @receive
    def cancelled(self, _message: Cancelled) -> None:
        """Take the connection back from a task that has not read its answer."""
        state = self.state
        if self._sender() != state.reader:
            return
        state.reader = ""
        if self._cured:
            state.socket += 1
            state.unread = ()
        self._go_on()

    @receive
    def answer(self, message: Answer) -> None:
        """Keep the answer until a task reads it."""
        if message.socket == self.state.socket:
            self.state.unread = (*self.state.unread, message.value)
            self._read()

    def _go_on(self) -> None:
        state = self.state
        if not state.reader and state.waiting:
            (state.reader, key), *rest = state.waiting
            state.waiting = tuple(rest)
            self.system.ref("server").tell(Get(key, state.socket))
            self._read()

    def _read(self) -> None:
        state = self.state
        if state.reader and state.unread:
            value, *rest = state.unread
            state.unread = tuple(rest)
            self.system.ref(state.reader).tell(Read(value))
            state.reader = ""
            self._go_on()


class Server(Actor[Get]):
    """Has for each key a value, which is here its name."""

    @receive
    def get(self, message: Get) -> Answer:
        """Answer."""
        return Answer(message.key, message.socket)


class TaskState(Struct):
    """The key that a task gets, what it has read, and whether it waits for that."""

    key: str
    value: str = ""
    is_waiting: bool = True


class Task(Actor[Read | Cancel]):
    """Gets the value of one key."""

    state: TaskState

    def __init__(self, key: str) -> None:
        self.state = TaskState(key)

    def on_start(self) -> None:
        """Get the value."""
        self.system.ref("connection").tell(Execute(self.state.key))

    @receive
    def read(self, message: Read) -> None:
        """Take the answer."""
        if self.state.is_waiting:
            self.state.value, self.state.is_waiting = message.value, False

    @receive
    def be_cancelled(self, _message: Cancel) -> None:
        """End, and give the connection back."""
        if self.state.is_waiting:
            self.state.is_waiting = False
            self.system.ref("connection").tell(Cancelled())


def two_gets(*, cured: bool) -> Scenario:
    """Return two tasks that use one connection; the first is cancelled at some time."""

    def scenario(world: World) -> None:
        """Two tasks that each get a value over one connection."""
        world.spawn(Server(), "server")
        world.spawn(Connection(cured=cured), "connection")
        for name, key in (("first", "foo"), ("second", "bar")):
            task = world.spawn(Task(key), name)
            world.invariant(
                task,
                "the value is that of its key",
                lambda state: state.value in ("", state.key),
            )
            world.sometimes(f"{name} has a value", lambda s: s.value != "", of=task)
        world.inject(world.system.ref("first"), Cancel(), source="caller")

    return scenario


uncured = two_gets(cured=False)
cured = two_gets(cured=True)


def main() -> None:
    """Refute the uncured scenario, and verify the cured one."""
    print(explore(uncured))
    print(explore(cured))


if __name__ == "__main__":
    main()
