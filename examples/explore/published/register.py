"""Clients of a register, their history, and whether that is linearizable.

They do the same as those of Stateright (src/actor/register.rs): each puts one value
and, once that is acknowledged, gets it from the next server. Their history is part of
the state, as in Stateright.
"""

from typing import Any, NamedTuple

from msgspec import Struct

from ccw_actors.explore import Event, World
from ccw_actors.runtime import Actor, ActorRef, Message, receive

__all__ = ["Get", "GetOk", "Put", "PutOk", "watch_clients"]


class Put(Message, frozen=True):
    """Writes a value."""

    request: int
    value: str


class Get(Message, frozen=True):
    """Asks for the value."""

    request: int


class PutOk(Message, frozen=True):
    """A value has been written."""

    request: int


class GetOk(Message, frozen=True):
    """The value; "" for none."""

    request: int
    value: str


class ClientState(Struct):
    """The request without an answer yet, 0 for none, and how many were made."""

    awaits: int
    count: int = 1


class Client(Actor[PutOk | GetOk]):
    """Puts a value into one server, then gets it from the next."""

    state: ClientState

    def __init__(self, number: int, servers: int) -> None:
        self.state = ClientState(number)
        self._number = number
        self._servers = servers

    def on_start(self) -> None:
        """Put the value."""
        value = value_of(self._number, self._servers)
        self._server(0).tell(Put(self._number, value))

    def _server(self, count: int) -> ActorRef[Any]:
        return self.system.ref(f"s{(self._number + count) % self._servers}")

    @receive
    def put_ok(self, message: PutOk) -> None:
        """Get the value."""
        if message.request == self.state.awaits:
            self.state = ClientState(2 * self._number, 2)
            self._server(1).tell(Get(self.state.awaits))

    @receive
    def get_ok(self, message: GetOk) -> None:
        """Finish."""
        if message.request == self.state.awaits:
            self.state = ClientState(0, 3)


def value_of(number: int, servers: int) -> str:
    """Return the value that a client puts: A, B and so on."""
    return chr(ord("A") + number - servers)


class Operation(NamedTuple):
    """A put or a get of a client, with the value that was put or got.

    `after` has, by path, how many operations of each other client had ended when it
    began. If it has not ended, it may have happened or not, and a get has no value.
    """

    value: str
    is_put: bool
    after: tuple[tuple[str, int], ...] = ()
    is_over: bool = False


History = tuple[tuple[str, tuple[Operation, ...]], ...]
"""The operations of each client, by path, in order."""


def record(history: History, event: Event) -> History:
    """Note which operations a step has ended and begun."""
    every = dict(history)
    mine = every.get(event.actor)
    if mine is None:
        return history
    message, last = event.message, mine[-1]
    if isinstance(message, PutOk) and last.is_put:
        last = last._replace(is_over=True)
    elif isinstance(message, GetOk) and not last.is_put:
        last = last._replace(is_over=True, value=message.value)
    mine = (*mine[:-1], last)
    for _, sent in event.sent:
        if isinstance(sent, Get):
            mine = (*mine, _begun_get(history, event.actor))
    every[event.actor] = mine
    return tuple(sorted(every.items()))


def _begun_get(history: History, path: str) -> Operation:
    counts = [
        (other, sum(one.is_over for one in operations))
        for other, operations in history
        if other != path
    ]
    return Operation("", is_put=False, after=tuple(one for one in counts if one[1]))


def is_linearizable(history: History) -> bool:
    """Whether one register could show this history in some order."""
    return _fits(dict(history), dict.fromkeys(dict(history), 0), "")


def _fits(
    every: dict[str, tuple[Operation, ...]], done: dict[str, int], now: str
) -> bool:
    """Whether the operations not `done` can follow, if the value is `now`."""
    left = [(path, every[path][count:]) for path, count in done.items()]
    if not any(one.is_over for _, operations in left for one in operations):
        return True
    for path, operations in left:
        if not operations:
            continue
        one = operations[0]
        if any(done[other] < count for other, count in one.after):
            continue
        if one.is_put or not one.is_over or one.value == now:
            then = one.value if one.is_put else now
            if _fits(every, done | {path: done[path] + 1}, then):
                return True
    return False


def watch_clients(world: World, servers: int, clients: int) -> None:
    """Add clients that put and get, and require their history to be linearizable.

    The servers are at `s0`, `s1` and so on.
    """
    numbers = range(servers, servers + clients)
    for number in numbers:
        world.spawn(Client(number, servers), f"c{number}")
    begun = tuple(
        (f"c{number}", (Operation(value_of(number, servers), is_put=True),))
        for number in numbers
    )
    world.monitor(begun, record, only_changes=True)
    world.system_invariant("linearizable", lambda view: is_linearizable(view.monitor))
    world.sometimes(
        "a value is read",
        lambda view: any(view[f"c{number}"].count == 3 for number in numbers),
    )
