"""Single-decree Paxos: servers agree on one value, whoever leads.

Source: Stateright 0.31.0, examples/paxos.rs, whose test asserts the number of states of
two clients and three servers. The actors are those of `examples.explore.paxos`. A
leader that puts its own value, whatever was accepted before, breaks it.

python examples/explore/published/paxos.py
"""

from typing import Any

from ccw_actors.explore import explore
from ccw_actors.scenarios import paxos as register

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""

paxos = register(clients=2, servers=3)
hasty = register(clients=2, servers=3, hasty=True)


def main() -> None:
    """Explore it, and a leader that does not ask what was accepted."""
    result = explore(paxos, **HOW)
    print(result.states, "states;", result)
    print("A hasty leader:", explore(hasty, **HOW))


if __name__ == "__main__":
    main()
