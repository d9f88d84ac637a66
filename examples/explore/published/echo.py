"""The echo algorithm: one node's wave goes through a graph, and its echo makes a tree.

Source: the repository tlaplus/Examples records 75 states for three nodes that all know
each other (specifications/echo/manifest.json, MCEcho.cfg). A node takes nothing from
the network before its first step, and nothing after it has heard from all its
neighbours. Then it takes a step on its own, and one more in which it answers its
parent. A node that answers before it has heard from all of them breaks it.

python examples/explore/published/echo.py
"""

from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explore
from ccw_actors.runtime import Actor, Message, receive

HOW: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""

ASLEEP, HEARING, COMPLETE, DONE = range(4)


class Own(Message, frozen=True):
    """Lets a node take its next step on its own."""


class Wave(Message, frozen=True):
    """Goes out to all neighbours."""


class Echo(Message, frozen=True):
    """Comes back from a child."""


class NodeState(Struct):
    """The phase of a node, its parent and children, and how many nodes it has heard."""

    at: int = ASLEEP
    parent: str = ""
    children: tuple[str, ...] = ()
    heard: int = 0


class Node(Actor[Own | Wave | Echo]):
    """Waits for all its neighbours; a hasty one answers after the first."""

    state: NodeState

    def __init__(
        self, neighbours: tuple[str, ...], *, first: bool, hasty: bool
    ) -> None:
        self.state = NodeState()
        self._neighbours = neighbours
        self._is_first = first
        self._needed = 1 if hasty else len(neighbours)

    def _send_wave(self, besides: str = "") -> None:
        for name in self._neighbours:
            if name != besides:
                self.system.ref(name).tell(Wave())

    @receive
    def own(self, _message: Own) -> None:
        """Wake up, complete the wave, or answer the parent."""
        state = self.state
        if state.at == ASLEEP:
            state.at = HEARING
            if self._is_first:
                self._send_wave()
        elif state.at == HEARING:
            state.at = COMPLETE
            self.system.ref(self.path).tell(Own())
        else:
            state.at = DONE
            if not self._is_first:
                self.system.ref(state.parent).tell(Echo())

    @receive
    def wave(self, _message: Wave) -> None:
        """Hear a neighbour."""
        self._hear()

    @receive
    def echo(self, _message: Echo) -> None:
        """Hear a child."""
        assert self.sender is not None, "nodes are told by nodes"
        if self.state.at == HEARING:
            children = {*self.state.children, self.sender.path}
            self.state.children = tuple(sorted(children))
        self._hear()

    def _hear(self) -> None:
        state = self.state
        if state.at != HEARING or state.heard == self._needed:
            return
        assert self.sender is not None, "nodes are told by nodes"
        state.heard += 1
        if not self._is_first and state.heard == 1:
            state.parent = self.sender.path
            self._send_wave(besides=state.parent)
        if state.heard == self._needed:
            self.system.ref(self.path).tell(Own())


def waves(*names: str, hasty: str = "") -> Scenario:
    """Return nodes of these names that all know each other; the first begins."""

    def scenario(world: World) -> None:
        """A wave through a graph, and its echo."""
        for name in names:
            others = tuple(one for one in names if one != name)
            node = Node(others, first=name == names[0], hasty=name == hasty)
            world.inject(world.spawn(node, name), Own())

        def parents_know(view: View) -> bool:
            every: dict[str, Any] = {name: view[name] for name in names}
            return all(
                (parent.at != DONE or name in parent.children)
                for name, node in every.items()
                if (parent := every.get(node.parent)) is not None
            )

        def is_tree(view: View) -> bool:
            if any(view[name].at != DONE for name in names):
                return True
            return all(_root(view, name, len(names)) == names[0] for name in names)

        world.system_invariant("a parent that is done knows its children", parents_know)
        world.system_invariant("when all are done they are a tree", is_tree)
        world.sometimes(
            "all are done", lambda view: all(view[name].at == DONE for name in names)
        )

    return scenario


def _root(view: View, name: str, steps: int) -> str:
    """Return the topmost ancestor of a node, at most so many steps away."""
    for _ in range(steps):
        name = view[name].parent or name
    return name


echo = waves("a", "b", "c")
hasty = waves("a", "b", "c", hasty="b")


def main() -> None:
    """Count the states, and refute a node that does not wait for its neighbours."""
    result = explore(echo, **HOW)
    print(result.states, "states;", result)
    print("Hasty:", explore(hasty, **HOW))


if __name__ == "__main__":
    main()
