"""One copy of a register that clients put values into and read.

Source: Stateright 0.31.0, examples/single-copy-register.rs, whose test asserts the
number of states of two clients and one server. Each client puts one value and, once
that is acknowledged, gets it from the next server. With a second server, and no
replication, Stateright refutes that the register is linearizable, in four steps.

python examples/explore/published/single_copy.py
"""

import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, receive

if __name__ != "examples.explore.published.single_copy":  # run, from anywhere
    sys.path.insert(0, str(Path(__file__).parents[3]))

from examples.explore.published.register import Get, GetOk, Put, PutOk, watch_clients

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""


class Register(Struct):
    """The last value put; "" for none."""

    value: str = ""


class Server(Actor[Put | Get]):
    """Keeps a register, and answers each request at once."""

    state: Register

    def __init__(self) -> None:
        self.state = Register()

    @receive
    def put(self, message: Put) -> PutOk:
        """Keep a value."""
        self.state.value = message.value
        return PutOk(message.request)

    @receive
    def get(self, message: Get) -> GetOk:
        """Answer with the value."""
        return GetOk(message.request, self.state.value)


def copies(clients: int = 2, servers: int = 1) -> Scenario:
    """Return a scenario of clients and servers, each with its own copy."""

    def scenario(world: World) -> None:
        """Clients of a register that every server has a copy of."""
        for number in range(servers):
            world.spawn(Server(), f"s{number}")
        watch_clients(world, servers, clients)

    return scenario


single_copy = copies()
two_copies = copies(servers=2)


def main() -> None:
    """Verify one copy, and refute two."""
    one = explore(single_copy, **HOW)
    print(one.states, "states with one server;", one)
    print("Two servers:", explore(two_copies, **HOW))


if __name__ == "__main__":
    main()
