"""The channels that a program for Spin has, and its states as lines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ccw_actors.explore import Network
from tests.explore.spin.description import SENDER, Letter, Model, bounds_of

__all__ = [
    "OUTSIDE",
    "Channel",
    "Waiting",
    "channels_of",
    "line_of",
    "marked",
    "name_of",
]


OUTSIDE: Final = 64
"""Is added to the number of a sender outside, as long as a message is there.

Otherwise two states, one with a message of an actor and one with the same of a source
that has its name, would be one to Spin once the message is taken and not yet handled,
and what follows would be counted as one step.
"""


class Waiting(NamedTuple):
    """What is on its way to an actor: from actors, and from sources.

    Both are in the order of sending as far as the delivery keeps it.
    """

    inside: Sequence[Letter]
    outside: Sequence[Letter]


class Channel(NamedTuple):
    """A channel: who sends (`SENDER` for all), to whom, and how many at most.

    What is `outside` has been sent by a source.
    """

    sender: int
    to: int
    size: int
    outside: bool = False
    is_sorted: bool = False

    @property
    def name(self) -> str:
        """What it is called in Promela."""
        return name_of(self.sender, self.to, outside=self.outside)

    def of(self, waiting: Waiting) -> Sequence[Letter]:
        """Return those of the messages to its recipient that are in it, in order."""
        if self.is_sorted:
            return sorted((*waiting.inside, *waiting.outside))
        if self.outside:
            return [marked(one) for one in waiting.outside if one.sender == self.sender]
        return [one for one in waiting.inside if self.sender in (SENDER, one.sender)]


def marked(letter: Letter) -> Letter:
    """Return a message as it is outside."""
    return letter._replace(sender=letter.sender + OUTSIDE)


def name_of(sender: int, to: int, *, outside: bool = False) -> str:
    """Return what a channel is called in Promela."""
    name = f"from_{'all' if sender == SENDER else sender}_to_{to}"
    return f"{name}_outside" if outside else name


def channels_of(model: Model, delivery: Network) -> list[Channel]:
    """Return the channels through which something may ever come."""
    sent = bounds_of(model)
    injected = Counter((letter.sender, to) for to, letter in model.firsts)
    outside = [
        Channel(*pair, size, outside=True) for pair, size in sorted(injected.items())
    ]
    if delivery == "channel":
        return [
            *(Channel(*pair, size) for pair, size in sorted(sent.items())),
            *outside,
        ]
    sizes = [0] * len(model.plans)
    for (_, to), size in (sent + injected).items():
        sizes[to] += size
    bag = delivery == "unordered"
    into = [
        Channel(SENDER, to, size, is_sorted=bag)
        for to, size in enumerate(sizes)
        if size
    ]
    return into if bag else [*into, *outside]


def line_of(
    channels: Iterable[Channel],
    values: Iterable[tuple[int, ...]],
    history: int,
    waiting: Sequence[Waiting],
) -> str:
    """Return the line that the program prints for a state, without its mark.

    `waiting` is what is on its way to each actor.
    """
    words = [str(number) for one in values for number in one]
    words.append(str(history))
    for channel in channels:
        words.append(channel.name)
        words += [",".join(map(str, one)) for one in channel.of(waiting[channel.to])]
    return " ".join(words)
