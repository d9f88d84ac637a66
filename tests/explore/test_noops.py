"""What happens to a message that changes nothing, on an unordered network."""

from collections.abc import Callable

import pytest
from msgspec import Struct

from ccw_actors.explore import (
    Engine,
    Event,
    Network,
    Noops,
    Scenario,
    UnsoundError,
    World,
    explore,
)
from ccw_actors.runtime import Actor, Message, receive

NOOPS: tuple[Noops, ...] = ("consumed", "kept")
DELIVERIES: tuple[Network, ...] = ("channel", "mailbox", "unordered")


class Ask(Message, frozen=True):
    """A request."""


class Ready(Message, frozen=True):
    """A server says to itself that it is ready."""


class Reply(Message, frozen=True):
    """An answer."""


class Desk(Struct):
    """Whether it is busy, and how much it has got."""

    busy: bool = False
    got: int = 0


class Server(Actor[Ask | Ready]):
    """Drops requests while it is busy with one."""

    state: Desk

    def __init__(self) -> None:
        self.state = Desk()

    @receive
    def ask(self, _message: Ask) -> None:
        """Answer, unless busy."""
        if not self.state.busy:
            self.state.busy = True
            self.ref.tell(Ready())
            assert self.sender is not None
            self.sender.tell(Reply())

    @receive
    def ready(self, _message: Ready) -> None:
        """Be ready."""
        self.state.busy = False


class Client(Actor[Ask | Reply]):
    """Asks once."""

    state: Desk

    def __init__(self) -> None:
        self.state = Desk()

    @receive
    def ask(self, message: Ask) -> None:
        """Ask."""
        self.system.ref("server").tell(message)

    @receive
    def replied(self, _message: Reply) -> None:
        """Count."""
        self.state.got += 1


def clients(world: World) -> None:
    """Put up a server and two clients."""
    world.spawn(Server(), "server")
    for path in ("one", "other"):
        world.inject(world.spawn(Client(), path), Ask())


def served(world: World) -> None:
    """Say that both are served, which a server that drops requests cannot promise."""
    clients(world)
    names = ("one", "other")
    world.final("both are served", lambda v: all(v[name].got for name in names))


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("engine", ["states", "brute force"])
def test_lost_request(delivery: Network, engine: Engine) -> None:
    """A request that a server drops is lost, and each delivery finds that."""
    result = explore(served, delivery=delivery, engine=engine)
    assert result.violation == "both are served"


def test_kept_refuses_what_sees_each_message() -> None:
    """If noops are kept, nothing rests, and a monitor would miss messages."""

    def monitored(world: World) -> None:
        clients(world)
        world.monitor(0, lambda value, _event: value)

    def followed(world: World) -> None:
        clients(world)
        world.monitor(0, lambda value, _event: value, only_changes=True)

    wrong: tuple[tuple[Scenario, str, Network], ...] = (
        (served, "both are served", "unordered"),
        (monitored, "the monitor", "unordered"),
        (clients, "anything", "channel"),
    )
    for scenario, name, delivery in wrong:
        with pytest.raises(UnsoundError, match="noops 'kept'") as caught:
            explore(scenario, delivery=delivery, noops="kept")
        assert caught.value.names == (name,)
    assert explore(followed, delivery="unordered", noops="kept").verdict == "verified"


@pytest.mark.parametrize("noops", NOOPS)
def test_scope(noops: Noops) -> None:
    """The scope names the kind of noops."""
    result = explore(clients, delivery="unordered", noops=noops)
    says = {
        "consumed": "a message that changes nothing being handled like any other",
        "kept": "a message that changes nothing staying in the network",
    }
    assert says[noops] in result.scope
    assert result.noops == noops


def test_fewer_states() -> None:
    """A request that is never dropped needs fewer states, for each engine."""
    states: dict[Noops, set[int | None]] = {}
    engines: tuple[Engine, ...] = ("states", "brute force")
    for noops in NOOPS:
        states[noops] = {
            explore(clients, delivery="unordered", noops=noops, engine=engine).states
            for engine in engines
        }
    (consumed,), (kept,) = states["consumed"], states["kept"]
    assert kept is not None
    assert consumed is not None
    assert kept < consumed


class Set(Message, frozen=True):
    """A value for a register."""

    value: int


class Get(Message, frozen=True):
    """A request for it."""


class Register(Actor[Set | Get]):
    """Keeps a value."""

    state: Desk

    def __init__(self) -> None:
        self.state = Desk()

    @receive
    def set(self, message: Set) -> None:
        """Set it."""
        self.state.got = message.value

    @receive
    def get(self, _message: Get) -> None:
        """Answer."""
        assert self.sender is not None
        self.sender.tell(Set(self.state.got))


class Reader(Actor[Set | Get]):
    """Reads, and keeps nothing of it."""

    @receive
    def get(self, message: Get) -> None:
        """Read."""
        self.system.ref("register").tell(message)

    @receive
    def set(self, _message: Set) -> None:
        """Take note of nothing."""


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_monitor_sees_what_changes_nothing(delivery: Network) -> None:
    """A monitor sees also a message that changes no actor."""

    def read(value: int, event: Event) -> int:
        is_answer = event.actor == "reader" and isinstance(event.message, Set)
        return event.message.value if is_answer else value  # type: ignore[union-attr]

    def scenario(world: World) -> None:
        register = world.spawn(Register(), "register")
        world.inject(register, Set(1), source="x")
        world.inject(world.spawn(Reader(), "reader"), Get(), source="y")
        world.monitor(-1, read)
        world.system_invariant("0 is never read", lambda view: view.monitor != 0)

    assert explore(scenario, delivery=delivery).violation == "0 is never read"


# -- a monitor that follows changes ---------------------------------------------------


class Alarm(Actor[Set | Get]):
    """Sets a timer, which is all that it does."""

    @receive
    def set(self, _message: Set) -> None:
        """Set it."""
        self.after(1.0, Get())

    @receive
    def get(self, _message: Get) -> None:
        """Do nothing."""


class Slow(Actor[Get]):
    """Waits in the middle of a handler."""

    @receive
    async def get(self, _message: Get) -> None:
        """Wait."""
        await self.sleep(1.0)


def quiet(_world: World) -> None:
    """Have nobody wait."""


def waiting(world: World) -> None:
    """Have somebody wait."""
    world.inject(world.spawn(Slow(), "slow"), Get(), source="slow")


@pytest.mark.parametrize("beside", [quiet, waiting])
def test_timer_is_a_change(beside: Callable[[World], None]) -> None:
    """A monitor of changes follows a step that sets a timer, even if an actor waits."""

    def scenario(world: World) -> None:
        beside(world)
        alarm = world.spawn(Alarm(), "alarm")
        world.inject(alarm, Set(1), source="x")

        def count(value: int, event: Event) -> int:
            return value + isinstance(event.message, Set)

        world.monitor(0, count, of=alarm, only_changes=True)
        world.final("it was seen", lambda view: view.monitor == 1)

    assert explore(scenario).verdict == "verified"
