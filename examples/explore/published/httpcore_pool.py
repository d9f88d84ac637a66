"""httpcore: a request is cancelled when it has been given a new connection.

Source: https://github.com/encode/httpcore/issues/1093, and #550, #658, #830. The pool
gives a request a new connection, and the request opens it. If the request is cancelled
between the two, the pool forgets the request and keeps the connection: it is not open,
so nobody can use it, and not closed, so nobody removes it. When the pool is full of
such connections, every request waits until it times out. Cured, the pool drops a
connection that its request has not opened.

python examples/explore/published/httpcore_pool.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explore
from ccw_actors.runtime import Actor, Message, receive


class Ask(Message, frozen=True):
    """Asks for a connection."""


class Given(Message, frozen=True):
    """A connection of that number."""

    connection: int


class Done(Message, frozen=True):
    """The request has opened its connection, and has closed it after the response."""

    connection: int


class Withdrawn(Message, frozen=True):
    """The request was cancelled."""


class Cancel(Message, frozen=True):
    """Cancels a request."""


class PoolState(Struct):
    """The requests, each with its connection or 0, and the connections, by number."""

    requests: dict[str, int] = {}
    connections: tuple[int, ...] = ()
    begun: int = 0


class Pool(Actor[Ask | Done | Withdrawn]):
    """Has one connection at most."""

    state: PoolState

    def __init__(self, *, cured: bool) -> None:
        self.state = PoolState()
        self._cured = cured

    def _sender(self) -> str:
        assert self.sender is not None, "requests are actors"
        return self.sender.path

    @receive
    def ask(self, _message: Ask) -> None:
        """Queue a request."""
        self.state.requests[self._sender()] = 0
        self._assign()

    @receive
    def done(self, message: Done) -> None:
        """Remove a connection that is closed."""
        del self.state.requests[self._sender()]
        self._take_out(message.connection)
        self._assign()

    def _take_out(self, connection: int) -> None:
        left = [one for one in self.state.connections if one != connection]
        self.state.connections = tuple(left)

    @receive
    def withdrawn(self, _message: Withdrawn) -> None:
        """Forget a request; its connection may never be opened."""
        connection = self.state.requests.pop(self._sender(), 0)
        if self._cured:
            self._take_out(connection)
        self._assign()

    def _assign(self) -> None:
        """Give a new connection to the first request without one, if there is room."""
        state = self.state
        for path, connection in state.requests.items():
            if not connection and not state.connections:
                state.begun += 1
                state.requests[path] = state.begun
                state.connections = (state.begun,)
                self.system.ref(path).tell(Given(state.begun))


class RequestState(Struct):
    """Whether a request waits, was cancelled, and has its response."""

    is_waiting: bool = True
    is_answered: bool = False


class Request(Actor[Given | Cancel]):
    """Opens the connection it is given, and gets its response."""

    state: RequestState

    def __init__(self) -> None:
        self.state = RequestState()

    def on_start(self) -> None:
        """Ask for a connection."""
        self.system.ref("pool").tell(Ask())

    @receive
    def given(self, message: Given) -> None:
        """Open the connection, get the response, and close it."""
        if self.state.is_waiting:
            self.state = RequestState(is_waiting=False, is_answered=True)
            self.system.ref("pool").tell(Done(message.connection))

    @receive
    def be_cancelled(self, _message: Cancel) -> None:
        """End the request."""
        if self.state.is_waiting:
            self.state.is_waiting = False
            self.system.ref("pool").tell(Withdrawn())


def two_requests(*, cured: bool) -> Scenario:
    """Return two requests for one connection; the first is cancelled at some time."""

    def scenario(world: World) -> None:
        """Two requests and a pool with room for one connection."""
        world.spawn(Pool(cured=cured), "pool")
        for name in ("first", "second"):
            world.spawn(Request(), name)
        world.inject(world.system.ref("first"), Cancel(), source="caller")

        def is_served(view: View) -> bool:
            return not any(view[name].is_waiting for name in ("first", "second"))

        world.final("nobody waits forever", is_served)
        world.final(
            "no connection is left that nobody has",
            lambda view: not view["pool"].connections,
        )
        for name in ("first", "second"):
            request = world.system.ref(name)
            world.sometimes(f"{name} is answered", lambda s: s.is_answered, of=request)

    return scenario


uncured = two_requests(cured=False)
cured = two_requests(cured=True)


def main() -> None:
    """Refute the uncured scenario, and verify the cured one."""
    print(explore(uncured))
    print(explore(cured))


if __name__ == "__main__":
    main()
