"""Actors that do what a model says, and the scenario of a model."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from ccw_actors.explore import Event, Noops, Scenario, View, World
from ccw_actors.runtime import Actor, ActorRef, Message, receive
from tests.explore.spin.description import (
    SENDER,
    SIZE,
    Case,
    Letter,
    Model,
    Operator,
    Property,
    Sum,
    Term,
)

__all__ = [
    "Kind",
    "Player",
    "Reaction",
    "holds",
    "letter_of",
    "message_of",
    "names_of",
    "react",
    "scenario_of",
]


class Get(Message, frozen=True):
    """Kind 0."""

    fuel: int


class Put(Message, frozen=True):
    """Kind 1."""

    value: int
    fuel: int


class Ack(Message, frozen=True):
    """Kind 2."""

    value: int
    fuel: int


Kind = Get | Put | Ack


class Registers(msgspec.Struct):
    """The variables of an actor."""

    values: tuple[int, ...]


class Reaction(NamedTuple):
    """What a message does: the variables afterwards, and who is sent what."""

    values: tuple[int, ...]
    sends: tuple[tuple[int, Letter], ...]


class Player(Actor[Kind]):
    """The actor of a number in a model; it looks up what to do."""

    state: Registers

    def __init__(self, model: Model, number: int) -> None:
        self.state = Registers(model.plans[number].start)
        self._model = model
        self._number = number
        self._names = names_of(model)

    @receive
    def get(self, message: Get) -> None:
        """Do it."""
        self._handle(message)

    @receive
    def put(self, message: Put) -> None:
        """Do it."""
        self._handle(message)

    @receive
    def ack(self, message: Ack) -> None:
        """Do it."""
        self._handle(message)

    def _handle(self, message: Kind) -> None:
        assert self.sender is not None, "every source has a name"
        letter = letter_of(self._names.index(self.sender.path), message)
        reaction = react(self._model, self._number, self.state.values, letter)
        self.state.values = reaction.values
        for to, sent in reaction.sends:
            ref: ActorRef[Kind] = self.system.ref(self._names[to])
            ref.tell(message_of(sent))


def react(model: Model, me: int, values: tuple[int, ...], letter: Letter) -> Reaction:
    """Return what an actor with these values does on a message.

    Nothing is sent to a source: nobody is there to receive it.
    """

    def value_of(term: Term) -> int:
        if term.what == "variable":
            return values[term.number]
        return {
            "constant": term.number,
            "field": letter.field,
            "sender": letter.sender,
        }[term.what]

    def total(terms: Sum) -> int:
        return sum(map(value_of, terms))

    def fits(case: Case) -> bool:
        return all(
            _compare(total(one.left), one.operator, one.right) for one in case.tests
        )

    cases = model.plans[me].handlers[letter.kind]
    case = next((one for one in cases if fits(one)), Case())
    after = list(values)
    for variable, value in case.assigns:
        after[variable] = total(value) % SIZE
    sends: list[tuple[int, Letter]] = []
    for send in case.sends if letter.fuel else ():
        to = letter.sender if send.to == SENDER else send.to
        if to < len(model.plans):
            field = total(send.field) % SIZE
            sends.append((to, Letter(me, send.kind, field, letter.fuel - 1)))
    return Reaction(tuple(after), tuple(sends))


def _compare(left: int, operator: Operator, right: int) -> bool:
    return {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        ">=": left >= right,
    }[operator]


def names_of(model: Model) -> tuple[str, ...]:
    """Return the paths of the actors, and the names of the sources behind them."""
    actors = (f"actor{number}" for number in range(len(model.plans)))
    sources = (f"source{number}" for number in range(model.sources))
    return (*actors, *sources)


def message_of(letter: Letter) -> Kind:
    """Return a message as actors send it."""
    if letter.kind == 0:
        return Get(letter.fuel)
    return (Put, Ack)[letter.kind - 1](letter.field, letter.fuel)


def letter_of(sender: int, message: Message) -> Letter:
    """Return a message as the model has it."""
    if isinstance(message, Get):
        return Letter(sender, 0, 0, message.fuel)
    assert isinstance(message, Put | Ack), "there are three kinds"
    kind = 1 if isinstance(message, Put) else 2
    return Letter(sender, kind, message.value, message.fuel)


def scenario_of(
    model: Model, asked: tuple[Property, ...], noops: Noops = "consumed"
) -> Scenario:
    """Return the scenario of a model, which is asked some of its properties.

    There is a monitor if one of them looks at the history, or none is asked. Where
    `noops` are kept, it sees none.
    """
    names = names_of(model)
    actors = names[: len(model.plans)]
    looks = any(_looks_back(one) for one in asked) or not asked

    def scenario(world: World) -> None:
        refs = [
            world.spawn(Player(model, number), name)
            for number, name in enumerate(actors)
        ]
        for to, letter in model.firsts:
            world.inject(refs[to], message_of(letter), source=names[letter.sender])
        if model.rules and looks:
            one = None if model.follows == SENDER else refs[model.follows]
            update = _history_of(model, actors)
            world.monitor(0, update, of=one, only_changes=noops == "kept")
        for number, wanted in enumerate(asked):
            name = f"property {number}"
            if wanted.scope == "actor":
                actor = wanted.tests[0].left[0].actor
                world.invariant(refs[actor], name, _of_one(wanted, actor))
            elif wanted.scope == "system":
                world.system_invariant(name, _of_all(wanted, actors))
            else:
                world.final(name, _of_all(wanted, actors))

    return scenario


def _looks_back(wanted: Property) -> bool:
    return any(term.what == "history" for one in wanted.tests for term in one.left)


def _history_of(model: Model, actors: tuple[str, ...]) -> Callable[[int, Event], int]:
    def update(value: int, event: Event) -> int:
        assert event.message is not None, "nobody crashes"
        kind = letter_of(0, event.message).kind
        for rule in model.rules:
            here = actors[rule.actor], rule.kind, rule.when
            if here == (event.actor, kind, value):
                return rule.then
        return value

    return update


def holds(
    wanted: Property, values: Mapping[int, tuple[int, ...]], history: int
) -> bool:
    """Whether a property holds of the variables of all actors, and the history."""

    def value_of(term: Term) -> int:
        if term.what == "history":
            return history
        return values[term.actor][term.number]

    return any(
        _compare(sum(map(value_of, one.left)), one.operator, one.right)
        for one in wanted.tests
    )


def _of_one(wanted: Property, actor: int) -> Callable[[Registers], bool]:
    def check(state: Registers) -> bool:
        return holds(wanted, {actor: state.values}, 0)

    return check


def _of_all(wanted: Property, actors: tuple[str, ...]) -> Callable[[View], bool]:
    def check(view: View) -> bool:
        values = {n: view[name].values for n, name in enumerate(actors)}
        return holds(wanted, values, view.monitor or 0)

    return check
