"""redis-py: a client deletes the lock that another client already has.

Source: https://github.com/redis/redis-py/pull/1031. To release a lock that expires, a
client got the key, saw that the token was still its own, and deleted the key: two
commands, which were not one transaction as intended. Between them the lock
expired and was given to a second client, and the first one deleted it. Cured, the
server compares and deletes in one command.

python examples/explore/published/redis_lock.py
"""

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, Message, receive

SECONDS = 10.0


class Acquire(Message, frozen=True):
    """Sets the key to a token, unless it is set."""

    token: str


class Acquired(Message, frozen=True):
    """Whether the key was set."""

    done: bool


class Get(Message, frozen=True):
    """Asks for the token."""


class Value(Message, frozen=True):
    """The token; "" for none."""

    token: str


class Delete(Message, frozen=True):
    """Deletes the key, whatever its token."""


class DeleteIf(Message, frozen=True):
    """Deletes the key if it has that token."""

    token: str


class Expire(Message, frozen=True):
    """The time of that token has ended."""

    token: str


class Go(Message, frozen=True):
    """Has a client acquire the lock."""


class ServerState(Struct):
    """The token in the key, and whose key was deleted by another client."""

    token: str = ""
    robbed: str = ""


class Server(Actor[Acquire | Get | Delete | DeleteIf | Expire]):
    """Has one key, which expires some time after it was set."""

    state: ServerState

    def __init__(self) -> None:
        self.state = ServerState()

    @receive
    def acquire(self, message: Acquire) -> Acquired:
        """Set the key."""
        if self.state.token:
            return Acquired(done=False)
        self.state.token = message.token
        self.after(SECONDS, Expire(message.token))
        return Acquired(done=True)

    @receive
    def get(self, _message: Get) -> Value:
        """Answer."""
        return Value(self.state.token)

    @receive
    def delete(self, _message: Delete) -> None:
        """Delete the key."""
        assert self.sender is not None, "clients are actors"
        if self.state.token != self.sender.path:
            self.state.robbed = self.state.token
        self.state.token = ""

    @receive
    def delete_if(self, message: DeleteIf) -> None:
        """Compare, and delete."""
        if self.state.token == message.token:
            self.state.token = ""

    @receive
    def expire(self, message: Expire) -> None:
        """Forget the key."""
        if self.state.token == message.token:
            self.state.token = ""


class Client(Actor[Go | Acquired | Value]):
    """Acquires the lock and releases it; the token is its path."""

    def __init__(self, *, cured: bool) -> None:
        self._cured = cured

    @receive
    def go(self, _message: Go) -> None:
        """Acquire the lock."""
        self.system.ref("server").tell(Acquire(self.path))

    @receive
    def acquired(self, message: Acquired) -> None:
        """Release the lock, if it was acquired."""
        if message.done:
            release = DeleteIf(self.path) if self._cured else Get()
            self.system.ref("server").tell(release)

    @receive
    def value(self, message: Value) -> None:
        """Delete the key if it has this client's token."""
        if message.token == self.path:
            self.system.ref("server").tell(Delete())


def two_clients(*, cured: bool) -> Scenario:
    """Return two clients that acquire one lock and release it."""

    def scenario(world: World) -> None:
        """Two clients and a lock that expires."""
        server = world.spawn(Server(), "server")
        for name in ("first", "second"):
            world.inject(world.spawn(Client(cured=cured), name), Go())
        world.invariant(
            server, "a lock is deleted by its holder", lambda state: not state.robbed
        )
        second = world.system.ref("second")
        world.sometimes(
            "second has it", lambda state: state.token == second.path, of=server
        )

    return scenario


uncured = two_clients(cured=False)
cured = two_clients(cured=True)


def main() -> None:
    """Refute the uncured scenario, and verify the cured one."""
    print(explore(uncured))
    print(explore(cured))


if __name__ == "__main__":
    main()
