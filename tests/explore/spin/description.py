"""Models of a few actors as plain data: what both the explorer and Spin are given.

An actor is a few small integers and, for each kind of message, a list of cases. The
first case whose tests all hold is carried out: it sets variables, all at once, and
sends messages. If none holds, the message is dropped. A message carries `fuel`, and is
answered by others only while it has some, so that every model ends.
"""

from collections import Counter
from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

from ccw_actors.explore import Network, Noops

__all__ = [
    "KINDS",
    "SEMANTICS",
    "SENDER",
    "SIZE",
    "Assign",
    "Case",
    "Check",
    "First",
    "Letter",
    "Model",
    "Operator",
    "Plan",
    "Property",
    "Rule",
    "Semantics",
    "Send",
    "Sum",
    "Term",
    "bounds_of",
]

SIZE = 5
"""Variables and fields are below this; sums are taken modulo it."""

KINDS = 3
"""How many kinds of messages there are; that of number 0 has no field."""

SENDER = -1
"""Stands for the number of the sender of the message that is being handled."""

Operator: TypeAlias = Literal["==", "!=", "<", ">="]


class Semantics(NamedTuple):
    """How messages travel, and what happens to those that would change nothing."""

    delivery: Network
    noops: Noops = "consumed"

    def __str__(self) -> str:
        return self.delivery if self.noops == "consumed" else f"{self.delivery}, kept"


SEMANTICS: Final = (
    Semantics("channel"),
    Semantics("mailbox"),
    Semantics("unordered"),
    Semantics("unordered", "kept"),
)


class Term(NamedTuple):
    """A number: a constant, a variable, or what the message being handled has.

    `variable` is that of `actor`, or in a handler the actor's own. `field` and `sender`
    belong to handlers, `history` to properties.
    """

    what: Literal["constant", "variable", "field", "sender", "history"]
    number: int = 0
    actor: int = SENDER


Sum: TypeAlias = tuple[Term, ...]
"""Terms that are added up."""


class Check(NamedTuple):
    """A comparison of a sum, as it is and not modulo anything, with a constant."""

    left: Sum
    operator: Operator
    right: int


class Assign(NamedTuple):
    """Sets a variable of the actor to a sum, modulo `SIZE`."""

    variable: int
    value: Sum


class Send(NamedTuple):
    """Sends a message to an actor, or to the `SENDER` if that is one."""

    to: int
    kind: int
    field: Sum = ()


class Case(NamedTuple):
    """What to do if all tests hold. Each variable is set at most once."""

    tests: tuple[Check, ...] = ()
    assigns: tuple[Assign, ...] = ()
    sends: tuple[Send, ...] = ()


class Plan(NamedTuple):
    """An actor: its first values, and its cases for each kind of message."""

    start: tuple[int, ...]
    handlers: tuple[tuple[Case, ...], ...]


class Letter(NamedTuple):
    """A message on its way; `sender` is the number of an actor or a source."""

    sender: int
    kind: int
    field: int
    fuel: int


class First(NamedTuple):
    """A message that comes from outside."""

    to: int
    letter: Letter


class Rule(NamedTuple):
    """How the history moves: by a message of a kind that an actor has handled.

    It moves from the value `when` to `then`. The first rule that fits decides.
    """

    actor: int
    kind: int
    when: int
    then: int


class Property(NamedTuple):
    """What has to hold: one of the tests at least.

    It does so always, of one actor or of all together, or in the end.
    """

    scope: Literal["actor", "system", "final"]
    tests: tuple[Check, ...]


class Model(NamedTuple):
    """All of it. Actors have the numbers from 0, and sources those that follow.

    The history is a value that begins with 0 and follows `rules`, for which only the
    actor `follows` counts, or all for `SENDER`.
    """

    plans: tuple[Plan, ...]
    sources: int
    firsts: tuple[First, ...]
    properties: tuple[Property, ...]
    rules: tuple[Rule, ...] = ()
    follows: int = SENDER


Pair: TypeAlias = tuple[int, int]


def bounds_of(model: Model) -> Counter[Pair]:
    """Return how many messages each actor can ever send each actor, at most.

    Every case is taken to be possible whenever a message of its kind comes.
    """

    @cache
    def caused(to: int, sender: int, kind: int, fuel: int) -> Counter[Pair]:
        worst: Counter[Pair] = Counter()
        for case in model.plans[to].handlers[kind] if fuel else ():
            ways: Counter[Pair] = Counter()
            for send in case.sends:
                other = sender if send.to == SENDER else send.to
                if other < len(model.plans):
                    ways[to, other] += 1
                    ways += caused(other, to, send.kind, fuel - 1)
            worst |= ways
        return worst

    total: Counter[Pair] = Counter()
    for to, letter in model.firsts:
        total += caused(to, letter.sender, letter.kind, letter.fuel)
    return total
