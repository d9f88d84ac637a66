"""A lock with a lease, and why its holder needs a fencing token.

One client at a time has the lock, until its lease ends; then the next one gets it. The
first one may not know that yet, so its write may come late. A number that grows
with each lease (a fencing token) lets the store refuse that write.

python examples/explore/lease.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explain, explore
from ccw_actors.runtime import Actor, ActorRef, Message, receive


class Acquire(Message, frozen=True):
    """Asks for the lock."""


class Lease(Message, frozen=True):
    """The lock is yours until the lease ends; `token` grows with each lease."""

    token: int


class Expired(Message, frozen=True):
    """The lease with that token ends."""

    token: int


class Write(Message, frozen=True):
    """A value for the store, written by the holder of a lease."""

    token: int


class LockState(Struct):
    """The token of the last lease, whether it is valid, and which clients wait."""

    token: int = 0
    is_held: bool = False
    waiting: tuple[str, ...] = ()


class Lock(Actor[Acquire | Expired]):
    """Gives leases, one after the other."""

    state: LockState

    def __init__(self) -> None:
        self.state = LockState()

    @receive
    def acquire(self, _message: Acquire) -> None:
        """Put the client into the queue."""
        assert self.sender is not None, "clients are actors"
        self.state.waiting = (*self.state.waiting, self.sender.path)
        self._give()

    @receive
    def expired(self, message: Expired) -> None:
        """Give the lock to the next one."""
        assert message.token == self.state.token, "leases end one by one"
        self.state.is_held = False
        self._give()

    def _give(self) -> None:
        state = self.state
        if state.is_held or not state.waiting:
            return
        client, *rest = state.waiting
        state.waiting = tuple(rest)
        state.is_held = True
        state.token += 1
        self.system.ref(client).tell(Lease(state.token))
        self.after(30.0, Expired(state.token))


class Client(Actor[Lease]):
    """Writes once it has the lock."""

    def on_start(self) -> None:
        """Ask for the lock."""
        self.system.ref("lock").tell(Acquire())

    @receive
    def lease(self, message: Lease) -> None:
        """Write."""
        self.system.ref("store").tell(Write(message.token))


class StoreState(Struct):
    """The tokens of the writes, in order."""

    written: tuple[int, ...] = ()


class Store(Actor[Write]):
    """Keeps values; a careful one refuses tokens older than the newest it has seen."""

    state: StoreState

    def __init__(self, *, careful: bool) -> None:
        self.state = StoreState()
        self._careful = careful

    @receive
    def write(self, message: Write) -> None:
        """Keep the value, unless its token is too old."""
        newest = max(self.state.written, default=0)
        if not self._careful or message.token >= newest:
            self.state.written = (*self.state.written, message.token)


def leases(*, careful: bool) -> Scenario:
    """Return two clients, a lock and a store."""

    def scenario(world: World) -> None:
        store: ActorRef[Write] = world.spawn(Store(careful=careful), "store")
        world.spawn(Lock(), "lock")
        for name in ("alice", "bob"):
            world.spawn(Client(), name)
        world.invariant(
            store,
            "no write of an old lease comes after one of a newer",
            lambda state: list(state.written) == sorted(state.written),
        )
        world.sometimes("both write", lambda s: len(s.written) == 2, of=store)

    return scenario


def careless(world: World) -> None:
    """Two clients take leases one after the other; the store accepts every write."""
    leases(careful=False)(world)


def careful(world: World) -> None:
    """Two clients take leases one after the other; the store checks the token."""
    leases(careful=True)(world)


def main() -> None:
    """Find the late write, and see that the careful store has none."""
    result = explore(careless)
    print(explain(careless, result))
    assert result.verdict == "refuted"
    fixed = explore(careful)
    print(fixed.verdict.upper(), fixed.scope)
    assert fixed.verdict == "verified"


if __name__ == "__main__":
    main()
