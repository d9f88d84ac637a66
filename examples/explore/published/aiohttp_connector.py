"""aiohttp: a limit on connections that is exceeded, and then one that is never used up.

Source: https://github.com/aio-libs/aiohttp/issues/4936 (fixed by #4937). When a
connection is released, the connector wakes the first request of those that wait. Before
that one runs, a new request finds the connection free and takes it. Then the first one
also takes it. Cured, a new request waits behind those that wait.

Source: https://github.com/aio-libs/aiohttp/issues/9670 (fixed by #9671). The request
that was woken times out before it runs. It is no longer among those that wait, so
nobody wakes the next one: a connection is free, and requests wait for it until they
time out. Cured, a request that was woken and times out wakes the next one.

python examples/explore/published/aiohttp_connector.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explore
from ccw_actors.runtime import Actor, Message, receive


class Connect(Message, frozen=True):
    """Asks for a connection."""


class Granted(Message, frozen=True):
    """A connection."""


class Woken(Message, frozen=True):
    """A connection is free: ask again."""


class Take(Message, frozen=True):
    """Takes the connection for which the request was woken."""


class TimedOut(Message, frozen=True):
    """The request has waited for too long."""


class Release(Message, frozen=True):
    """Gives a connection back."""


class Go(Message, frozen=True):
    """Starts a request."""


class ConnectorState(Struct):
    """How many connections are in use, which requests wait, and whether a line exists.

    The line exists until the last request in it has run, woken or not.
    """

    in_use: int = 0
    waiters: tuple[str, ...] = ()
    is_line: bool = False


class Connector(Actor[Connect | Take | Release | TimedOut]):
    """Has one connection, in three versions.

    Without `in_line` new requests do not check whether others wait; without `passes_on`
    one that times out does not check whether it was woken.
    """

    state: ConnectorState

    def __init__(self, *, in_line: bool, passes_on: bool) -> None:
        self.state = ConnectorState()
        self._in_line = in_line
        self._passes_on = passes_on

    def _sender(self) -> str:
        assert self.sender is not None, "requests are actors"
        return self.sender.path

    @receive
    def connect(self, _message: Connect) -> None:
        """Grant a connection, or let the request wait."""
        state = self.state
        if state.in_use or (state.is_line and self._in_line):
            state.waiters = (*state.waiters, self._sender())
            state.is_line = True
        else:
            self._grant()

    @receive
    def take(self, _message: Take) -> None:
        """Grant the connection to the one that was woken."""
        self._leave_line()
        self._grant()

    def _leave_line(self) -> None:
        self.state.is_line = bool(self.state.waiters)

    def _grant(self) -> None:
        self.state.in_use += 1
        self.system.ref(self._sender()).tell(Granted())

    @receive
    def release(self, _message: Release) -> None:
        """Take a connection back."""
        self.state.in_use -= 1
        self._wake()

    @receive
    def timed_out(self, _message: TimedOut) -> None:
        """Forget a request that waits, or that was woken before."""
        state = self.state
        if self._sender() in state.waiters:
            others = [one for one in state.waiters if one != self._sender()]
            state.waiters = tuple(others)
        elif self._passes_on:
            self._wake()
        self._leave_line()

    def _wake(self) -> None:
        """Wake the first request that waits."""
        state = self.state
        if not state.in_use and state.waiters:
            first, *rest = state.waiters
            state.waiters = tuple(rest)
            self.system.ref(first).tell(Woken())


class RequestState(Struct):
    """Whether a request waits for a connection, and whether it had one."""

    is_waiting: bool = True
    is_answered: bool = False


class Request(Actor[Go | Granted | Woken | TimedOut]):
    """Uses a connection; one that is `hurried` does not wait forever."""

    state: RequestState

    def __init__(self, *, hurried: bool) -> None:
        self.state = RequestState()
        self._hurried = hurried

    @receive
    def go(self, _message: Go) -> None:
        """Ask for a connection."""
        self.system.ref("connector").tell(Connect())
        if self._hurried:
            self.after(5.0, TimedOut())

    @receive
    def woken(self, _message: Woken) -> None:
        """Take the connection that is free."""
        if self.state.is_waiting:
            self.state.is_waiting = False
            self.system.ref("connector").tell(Take())

    @receive
    def granted(self, _message: Granted) -> None:
        """Use the connection, and give it back."""
        self.state = RequestState(is_waiting=False, is_answered=True)
        self.system.ref("connector").tell(Release())

    @receive
    def timed_out(self, message: TimedOut) -> None:
        """Stop waiting."""
        if self.state.is_waiting:
            self.state.is_waiting = False
            self.system.ref("connector").tell(message)


def requests(*, in_line: bool, passes_on: bool) -> Scenario:
    """Return three requests for one connection; the second may time out."""

    def scenario(world: World) -> None:
        """Three requests and one connection."""
        connector = world.spawn(
            Connector(in_line=in_line, passes_on=passes_on), "connector"
        )
        names = ("first", "second", "third")
        for name in names:
            world.inject(world.spawn(Request(hurried=name == "second"), name), Go())

        def is_served(view: View) -> bool:
            return not any(view[name].is_waiting for name in names)

        world.final("nobody waits for a free connection", is_served)
        world.invariant(
            connector, "one connection at most", lambda state: state.in_use <= 1
        )
        for name in names:
            request = world.system.ref(name)
            world.sometimes(f"{name} is answered", lambda s: s.is_answered, of=request)

    return scenario


exceeded = requests(in_line=False, passes_on=True)
unused = requests(in_line=True, passes_on=False)
cured = requests(in_line=True, passes_on=True)


def main() -> None:
    """Refute both uncured scenarios."""
    print(explore(exceeded))
    print(explore(unused))
    print(explore(cured))


if __name__ == "__main__":
    main()
