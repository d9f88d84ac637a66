"""Has the explorer and Spin judge the same model, and says where they differ."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ccw_actors.explore import (
    Engine,
    Limits,
    Network,
    Result,
    Scenario,
    UnsoundError,
    explore,
)
from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._global_state import State
from ccw_actors.explore._states import explore_states
from tests.explore.spin.channels import Waiting, channels_of, line_of
from tests.explore.spin.description import Letter, Model, Semantics
from tests.explore.spin.pan import Judgement, judge
from tests.explore.spin.players import (
    Kind,
    holds,
    letter_of,
    names_of,
    react,
    scenario_of,
)
from tests.explore.spin.promela import translate

__all__ = ["Comparison", "Own", "compare", "differences", "explored"]

STATES_MAX = 3_000
"""Models with more are left out: Spin prints each state whenever it comes to it."""

TINY = Limits(steps=2_000)
"""What other engines than States may spend on a property; they may then give up."""

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")


class Own(NamedTuple):
    """What the explorer has found, in the terms of a `Judgement`.

    `verdicts` has for each property and each engine that could check it whether it is
    violated, `bad` in which share of the states (of the ends, if it is of these). In
    `drops` of the steps a message changes nothing; with `twins` two that are alike are
    in progress at the same time.
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

    def __init__(self, model: Model, semantics: Semantics) -> None:
        delivery, noops = semantics
        scenario = scenario_of(model, (), noops)
        super().__init__(scenario, delivery, recheck=7, noops=noops)
        self.model = model
        self.names = names_of(model)
        self.channels = channels_of(model, delivery)
        codec = self.world.system.codec
        self.letters: dict[int, Letter] = {}
        self.decode: Callable[[bytes], Kind] = codec.raw_decoder(Kind)
        self.lines: set[str] = set()
        self.ends: set[str] = set()
        self.wrong = [0] * len(model.properties)
        self.drops = 0
        self.twins = False

    def violation(self, state: State) -> str:
        """Note the state; nothing is wrong with it."""
        values = self.values(state)
        waiting = [self.waiting(state, actor) for actor in range(len(values))]
        self.lines.add(self._line(state, values, waiting))
        self._count(state, values, ends=False)
        for offer in self.offers(state):
            actor = self.names.index(self.compact.path_of[offer.owner])
            letter = self.letter(offer.envelope)
            if not offer.arrives:
                reaction = react(self.model, actor, values[actor], letter)
                self.drops += reaction == (values[actor], ())
        for one in waiting:
            letters = (*one.inside, *one.outside)
            self.twins |= len(set(letters)) < len(letters)
        return super().violation(state)

    def rest(self, state: State) -> str:
        """Note that it is an end; nothing is wrong with it."""
        values = self.values(state)
        waiting = [self.waiting(state, actor) for actor in range(len(values))]
        self.ends.add(self._line(state, values, waiting))
        self._count(state, values, ends=True)
        return ""

    def _line(
        self, state: State, values: list[tuple[int, ...]], waiting: list[Waiting]
    ) -> str:
        history = self.monitored(state) or 0
        return line_of(self.channels, values, history, waiting)

    def _count(
        self, state: State, values: list[tuple[int, ...]], *, ends: bool
    ) -> None:
        history = self.monitored(state) or 0
        for number, wanted in enumerate(self.model.properties):
            if (wanted.scope == "final") == ends:
                of_all = dict(enumerate(values))
                self.wrong[number] += not holds(wanted, of_all, history)

    def values(self, state: State) -> list[tuple[int, ...]]:
        """Return the variables of all actors."""
        view = self.checks.view(state)
        return [view[name].values for name in self.names[: len(self.model.plans)]]

    def waiting(self, state: State, actor: int) -> Waiting:
        """Return what is on its way to an actor."""
        compact = self.compact
        owner = compact.paths[self.names[actor]]

        def letters(slots: Iterable[int]) -> list[Letter]:
            return [
                self.letter(number)
                for slot in slots
                if slot < len(state)
                for number in compact.waiting(state[slot])
            ]

        inside = compact.queue_slots(owner)
        outside = compact.outside.difference(inside)
        ours = (slot for slot in outside if compact.owners[slot] == owner)
        return Waiting(letters(inside), letters(ours))

    def letter(self, number: int) -> Letter:
        """Return a message by its number."""
        letter = self.letters.get(number)
        if letter is None:
            envelope = self.compact.envelopes[number]
            sender = self.names.index(envelope.sender)
            letter = letter_of(sender, self.decode(envelope.payload))
            self.letters[number] = letter
        return letter


def explored(
    model: Model, semantics: Semantics, states_max: int = STATES_MAX
) -> Own | None:
    """Have the explorer judge a model; None if it has so many states, or more."""
    noted = Noted(model, semantics)
    found = explore_states(noted, Limits(states=states_max))
    if found.limit:
        return None
    violated: dict[int, int] = {}
    verdicts: dict[tuple[int, Engine], bool] = {}
    for number, wanted in enumerate(model.properties):
        scenario = scenario_of(model, (wanted,), semantics.noops)
        for engine in ENGINES:
            result = _result(scenario, semantics, engine)
            if result is not None:
                verdicts[number, engine] = result.verdict == "refuted"
                if result.verdict == "refuted" and engine == "states":
                    violated[number] = len(result.counterexample)
    bad = tuple(
        wrong / len(noted.ends if wanted.scope == "final" else noted.lines)
        for wrong, wanted in zip(noted.wrong, model.properties, strict=True)
    )
    assert found.states == len(noted.lines), "a state was counted twice"
    lines, ends = frozenset(noted.lines), frozenset(noted.ends)
    judgement = Judgement(violated, lines, ends, found.steps)
    return Own(judgement, verdicts, bad, noted.drops, noted.twins)


def _result(scenario: Scenario, semantics: Semantics, engine: Engine) -> Result | None:
    """Return what an engine finds; None if it cannot check that, or gives up."""
    delivery, noops = semantics
    limits = None if engine == "states" else TINY
    try:
        result = explore(
            scenario, engine=engine, delivery=delivery, noops=noops, limits=limits
        )
    except UnsoundError:
        return None
    assert result.verdict != "vacuous", result.violation
    return None if result.verdict == "incomplete" else result


def compare(
    model: Model, semantics: Semantics, folder: Path, states_max: int = STATES_MAX
) -> Comparison | None:
    """Have both judge a model; None if it has so many states, or more.

    Spin works in a folder that is there.
    """
    own = explored(model, semantics, states_max)
    if own is None:
        return None
    spin = judge(translate(model, semantics), folder)
    return Comparison(own, spin, tuple(differences(own, spin, semantics.delivery)))


def differences(own: Own, spin: Judgement, delivery: Network) -> Iterator[str]:
    """Say how the two differ.

    States, ends and what is violated after how many steps are always the same; of
    properties that States refuses, nothing is said. So is the number of steps, but for
    an unordered network: there the explorer takes one of two messages that are alike.
    """
    ours = own.judgement
    asked = {number for number, _ in own.verdicts}
    violated = {
        number: steps for number, steps in spin.violated.items() if number in asked
    }
    for what, one, other in (
        ("states", ours.states, spin.states),
        ("ends", ours.ends, spin.ends),
    ):
        if one != other:
            yield _sets(what, one - other, other - one)
    if delivery != "unordered" and ours.steps != spin.steps:
        yield f"steps: {ours.steps} here, {spin.steps} in Spin"
    if ours.violated != violated:
        yield f"violated after: {ours.violated} here, {violated} in Spin"
    for (number, engine), refuted in own.verdicts.items():
        if refuted != (number in spin.violated):
            yield f"property {number}: {engine} alone has it {_word(refuted)}"


def _sets(what: str, ours: frozenset[str], theirs: frozenset[str]) -> str:
    one = min(ours or theirs, key=len)
    return f"{what}: {len(ours)} here alone, {len(theirs)} in Spin alone, such as {one}"


def _word(refuted: bool) -> str:  # noqa: FBT001
    return "refuted" if refuted else "verified"
