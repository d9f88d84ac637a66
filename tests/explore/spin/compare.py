"""Has the explorer and Spin judge the same model, and says where they differ."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ccw_actors.explore import Engine, Limits, Network, Scenario, UnsoundError, explore
from ccw_actors.explore.actors import ActorModel
from ccw_actors.explore.compact import FIRST, State
from ccw_actors.explore.states import explore_states
from tests.explore.spin.description import Letter, Model
from tests.explore.spin.pan import Judgement, judge
from tests.explore.spin.players import Kind, letter_of, names_of, scenario_of
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
    violated.
    """

    judgement: Judgement
    verdicts: dict[tuple[int, Engine], bool]


class Comparison(NamedTuple):
    """What both have found, and how they differ: in nothing, as a rule."""

    own: Own
    spin: Judgement
    differences: tuple[str, ...]


class Noted(ActorModel):
    """The actors of a model, with every state that is met noted as a line."""

    def __init__(self, model: Model, delivery: Network) -> None:
        super().__init__(scenario_of(model, ()), delivery, recheck=7)
        self.model = model
        self.names = names_of(model)
        self.lines: set[str] = set()
        self.decode = self.world.system.codec.raw_decoder(Kind)

    def violation(self, state: State) -> str:
        """Note the state; nothing is wrong with it."""
        self.lines.add(self.line(state))
        return super().violation(state)

    def rest(self, state: State) -> str:
        """Find nothing wrong."""
        del state
        return ""

    def line(self, state: State) -> str:
        """Return a state as the program for Spin prints it."""
        actors = self.names[: len(self.model.plans)]
        view = self.checks.view(state)
        values = [view[name].values for name in actors]
        waiting = [self.waiting(state, name) for name in actors]
        delivery = self.world.delivery
        return line_of(self.model, delivery, values, view.monitor or 0, waiting)

    def waiting(self, state: State, name: str) -> list[Letter]:
        """Return what waits for an actor, those of each sender in order."""
        compact = self.compact
        letters: list[Letter] = []
        for slot in compact.queue_slots(compact.paths[name]):
            for number in compact.waiting(state[slot]) if slot < len(state) else ():
                envelope = compact.envelopes[number]
                sender = self.names.index(envelope.sender)
                letters.append(letter_of(sender, self.decode(envelope.payload)))
        return letters


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
    return Own(own, verdicts)


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
