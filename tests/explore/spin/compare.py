"""Has the explorer and Spin judge the same model, and says where they differ."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ccw_actors.explore import Engine, Limits, Network, Scenario, UnsoundError, explore
from ccw_actors.explore.actors import ActorModel
from ccw_actors.explore.compact import State
from ccw_actors.explore.states import explore_states
from tests.explore.spin.description import Letter, Model
from tests.explore.spin.pan import Judgement, judge
from tests.explore.spin.players import (
    Kind,
    holds,
    letter_of,
    names_of,
    react,
    scenario_of,
)
from tests.explore.spin.promela import line_of, translate

__all__ = ["Comparison", "Own", "compare", "differences", "explored"]

STATES_MAX = 3_000
"""Models with more are left out: Spin prints each state whenever it comes to it."""

TINY = Limits(steps=5_000)
"""What other engines than States may spend on a property; they may then give up."""

ENGINES: tuple[Engine, ...] = ("orders", "brute force")


class Own(NamedTuple):
    """What the explorer has found, in the terms of a `Judgement`.

    `verdicts` has for each property and each engine that could check it whether it is
    violated, `bad` in which share of the states (of the ends, if it is of these). In
    `drops` of the steps a message changes nothing; with `twins` two that are alike are
    under way at the same time.
    """

    judgement: Judgement
    verdicts: dict[tuple[int, Engine], bool]
    bad: tuple[float, ...]
    drops: int
    twins: bool


class Comparison(NamedTuple):
    """What both have found, and how they differ: in nothing, as a rule."""

    own: Own
    spin: Judgement
    differences: tuple[str, ...]


class Noted(ActorModel):
    """The actors of a model, with every state that is met noted as a line.

    `wrong` are how many states each property does not hold in.
    """

    def __init__(self, model: Model, delivery: Network) -> None:
        super().__init__(scenario_of(model, ()), delivery, recheck=7)
        self.model = model
        self.names = names_of(model)
        self.delivery: Network = delivery
        codec = self.world.system.codec
        self.decode: Callable[[bytes], Kind] = codec.raw_decoder(Kind)
        self.lines: set[str] = set()
        self.wrong = [0] * len(model.properties)
        self.drops = 0
        self.twins = False

    def violation(self, state: State) -> str:
        """Note the state; nothing is wrong with it."""
        self.lines.add(self.line(state))
        self._count(state, ends=False)
        values = self.values(state)
        for offer in self.offers(state):
            actor = self.names.index(self.compact.path_of[offer.owner])
            reaction = react(
                self.model, actor, values[actor], self.letter(offer.envelope)
            )
            self.drops += reaction == (values[actor], ())
        for actor in range(len(values)):
            letters = self.waiting(state, actor)
            self.twins = self.twins or len(set(letters)) < len(letters)
        return super().violation(state)

    def rest(self, state: State) -> str:
        """Note that it is an end; nothing is wrong with it."""
        self._count(state, ends=True)
        return ""

    def _count(self, state: State, *, ends: bool) -> None:
        values = dict(enumerate(self.values(state)))
        history = self.monitored(state) or 0
        for number, wanted in enumerate(self.model.properties):
            if (wanted.scope == "final") == ends:
                self.wrong[number] += not holds(wanted, values, history)

    def line(self, state: State) -> str:
        """Return a state as the program for Spin prints it."""
        values = self.values(state)
        waiting = [self.waiting(state, actor) for actor in range(len(values))]
        history = self.monitored(state) or 0
        return line_of(self.model, self.delivery, values, history, waiting)

    def values(self, state: State) -> list[tuple[int, ...]]:
        """Return the variables of all actors."""
        view = self.checks.view(state)
        return [view[name].values for name in self.names[: len(self.model.plans)]]

    def waiting(self, state: State, actor: int) -> list[Letter]:
        """Return what waits for an actor, those of each sender in order."""
        compact = self.compact
        return [
            self.letter(number)
            for slot in compact.queue_slots(compact.paths[self.names[actor]])
            if slot < len(state)
            for number in compact.waiting(state[slot])
        ]

    def letter(self, number: int) -> Letter:
        """Return a message by its number."""
        envelope = self.compact.envelopes[number]
        sender = self.names.index(envelope.sender)
        return letter_of(sender, self.decode(envelope.payload))


def explored(model: Model, delivery: Network) -> Own | None:
    """Have the explorer judge a model; None if it has too many states for Spin."""
    noted = Noted(model, delivery)
    found = explore_states(noted, Limits(states=STATES_MAX))
    if found.limit:
        return None
    violated: dict[int, int] = {}
    verdicts: dict[tuple[int, Engine], bool] = {}
    for number, wanted in enumerate(model.properties):
        scenario = scenario_of(model, (wanted,))
        result = explore(scenario, delivery=delivery, engine="states")
        verdicts[number, "states"] = result.verdict == "refuted"
        if result.verdict == "refuted":
            violated[number] = len(result.counterexample)
        for engine in ENGINES:
            verdict = _verdict(scenario, delivery, engine)
            if verdict is not None:
                verdicts[number, engine] = verdict
    ends = frozenset(map(noted.line, found.final))
    own = Judgement(violated, frozenset(noted.lines), ends, found.steps)
    bad = tuple(
        wrong / len(ends if wanted.scope == "final" else noted.lines)
        for wrong, wanted in zip(noted.wrong, model.properties, strict=True)
    )
    return Own(own, verdicts, bad, noted.drops, noted.twins)


def _verdict(scenario: Scenario, delivery: Network, engine: Engine) -> bool | None:
    """Whether an engine finds a violation; None if it cannot, or gives up, check it."""
    try:
        result = explore(scenario, delivery=delivery, engine=engine, limits=TINY)
    except UnsoundError:
        return None
    return None if result.verdict == "incomplete" else result.verdict == "refuted"


def compare(model: Model, delivery: Network, folder: Path) -> Comparison | None:
    """Have both judge a model; None if it has too many states for Spin.

    Spin works in a folder that is there.
    """
    own = explored(model, delivery)
    if own is None:
        return None
    spin = judge(translate(model, delivery), folder)
    return Comparison(own, spin, tuple(differences(own, spin, delivery)))


def differences(own: Own, spin: Judgement, delivery: Network) -> Iterator[str]:
    """Say how the two differ.

    States, ends and what is violated after how many messages are always the same. So is
    the number of steps, but for an unordered network: there the explorer takes one of
    two messages that are alike.
    """
    ours = own.judgement
    for what, one, other in (
        ("states", ours.states, spin.states),
        ("ends", ours.ends, spin.ends),
    ):
        if one != other:
            yield _sets(what, one - other, other - one)
    if delivery != "unordered" and ours.steps != spin.steps:
        yield f"steps: {ours.steps} here, {spin.steps} in Spin"
    if ours.violated != spin.violated:
        yield f"violated after: {ours.violated} here, {spin.violated} in Spin"
    for (number, engine), refuted in own.verdicts.items():
        if refuted != (number in spin.violated):
            yield f"property {number}: {engine} alone has it {_word(refuted)}"


def _sets(what: str, ours: frozenset[str], theirs: frozenset[str]) -> str:
    one = min(ours or theirs, key=len)
    return f"{what}: {len(ours)} here alone, {len(theirs)} in Spin alone, such as {one}"


def _word(refuted: bool) -> str:  # noqa: FBT001
    return "refuted" if refuted else "verified"
