"""Two messages on a network: their order, and messages that change nothing.

Source: Stateright 0.31.0, the tests in src/actor/model.rs. One actor counts down, 2 and
then 1: there are three states on an ordered network, five on an unordered one. Another
sends a message that its listener ignores, then one that it waits for: there are three
states on an ordered network and two on an unordered one, where a message that would
change nothing stays in the network.

python examples/explore/published/network.py
"""

from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, World, explore
from ccw_actors.runtime import Actor, Message, receive

ORDERED: dict[str, Any] = {"delivery": "channel"}
UNORDERED: dict[str, Any] = {"delivery": "unordered", "noops": "kept"}
"""Keywords for `explore`."""


class Number(Message, frozen=True):
    """A number."""

    number: int


class Ignored(Message, frozen=True):
    """Changes nothing."""


class Heeded(Message, frozen=True):
    """The listener waits for it."""


class Heard(Struct):
    """The numbers heard, in order, and whether others were heeded or ignored."""

    numbers: tuple[int, ...] = ()
    has_heeded: bool = False
    is_disturbed: bool = False


class Listener(Actor[Number | Ignored | Heeded]):
    """Hears numbers, and heeds one message; one that is `touchy` ignores nothing."""

    state: Heard

    def __init__(self, *, touchy: bool = False) -> None:
        self.state = Heard()
        self._touchy = touchy

    @receive
    def number(self, message: Number) -> None:
        """Note the message."""
        self.state.numbers = (*self.state.numbers, message.number)

    @receive
    def ignored(self, _message: Ignored) -> None:
        """Change nothing."""
        self.state.is_disturbed = self._touchy

    @receive
    def heeded(self, _message: Heeded) -> None:
        """Note the message."""
        self.state.has_heeded = True


class Speaker(Actor):
    """Sends its messages when it starts."""

    def __init__(self, *words: Message) -> None:
        self._words = words

    def on_start(self) -> None:
        """Send the messages."""
        for word in self._words:
            self.system.ref("listener").tell(word)


def count_down(world: World) -> None:
    """Two numbers, one after the other, which must arrive in that order."""
    listener = world.spawn(Listener(), "listener")
    world.spawn(Speaker(Number(2), Number(1)), "speaker")
    world.invariant(
        listener,
        "it counts down",
        lambda state: state.numbers == tuple(sorted(state.numbers, reverse=True)),
    )
    world.sometimes("all is heard", lambda s: len(s.numbers) == 2, of=listener)


def count_anyhow(world: World) -> None:
    """Two numbers, one after the other, which must arrive."""
    listener = world.spawn(Listener(), "listener")
    world.spawn(Speaker(Number(2), Number(1)), "speaker")
    world.sometimes("all is heard", lambda s: len(s.numbers) == 2, of=listener)


def messages(*, touchy: bool = False) -> Scenario:
    """Return a scenario of a listener and two messages to it."""

    def scenario(world: World) -> None:
        """One message that is ignored, and one that is heeded."""
        listener = world.spawn(Listener(touchy=touchy), "listener")
        world.spawn(Speaker(Ignored(), Heeded()), "speaker")
        world.invariant(
            listener,
            "what is ignored changes nothing",
            lambda state: not state.is_disturbed,
        )
        world.sometimes("one is heeded", lambda s: s.has_heeded, of=listener)

    return scenario


ignoring = messages()
disturbed = messages(touchy=True)


def main() -> None:
    """Explore both on both networks."""
    for how in (ORDERED, UNORDERED):
        counted, ignored = explore(count_anyhow, **how), explore(ignoring, **how)
        print(f"{counted.delivery}: {counted.states} states, and {ignored.states}")
        print("Counting down:", explore(count_down, **how))
    print("Disturbed:", explore(disturbed, **UNORDERED))


if __name__ == "__main__":
    main()
