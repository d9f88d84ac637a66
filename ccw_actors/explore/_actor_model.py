"""The actors of a scenario as a transition system, step by step."""

from array import array
from collections.abc import Callable
from typing import Any

from ccw_actors.explore._checks import Checks
from ccw_actors.explore._compact import Compact
from ccw_actors.explore._coverage import Coverage
from ccw_actors.explore._crashes import crashes
from ccw_actors.explore._effects import Effect
from ccw_actors.explore._far import FarSteps
from ccw_actors.explore._global_state import FIRST, Offer, State, trimmed
from ccw_actors.explore._known import print_of
from ccw_actors.explore._monitor import Monitor
from ccw_actors.explore._near import FAR, NearSteps
from ccw_actors.explore._noops import check_noops, without
from ccw_actors.explore._ordered_time import later, soonest
from ccw_actors.explore._pruning import Pruner
from ccw_actors.explore._queues import is_over, is_too_much, send
from ccw_actors.explore._report import Report
from ccw_actors.explore._result import DeadLetter, Network, Noops, Step, Time
from ccw_actors.explore._step_runner import StepRunner
from ccw_actors.explore._view import View
from ccw_actors.explore._words import Words
from ccw_actors.explore._world import Scenario, World
from ccw_actors.explore._worlds import FAILED, Worlds

__all__ = ["ActorModel"]


class ActorModel:
    """The actors of a scenario, explored from the effects of single steps.

    A handler is a function of state and message, so it is run once for each pair, and
    its effect is looked up from then on. The first `recheck` pairs, and one in
    `recheck` of all other steps, are run again to check that (0 for none). `bounds` has
    the bounds of mailboxes that are smaller than the default, by the slots of their
    actors.

    No step is taken from a state that is not `within`, and none that puts more than
    `capacity` messages into a channel (0 for any number).

    Raises `UnsoundError` for properties that cannot be checked on a network that keeps
    messages which would change nothing.
    """

    def __init__(
        self,
        scenario: Scenario,
        delivery: Network,
        recheck: int,
        time: Time = "untimed",
        noops: Noops = "consumed",
        *,
        within: Callable[[View], object] | None = None,
        capacity: int = 0,
    ) -> None:
        self.world = World(delivery)
        scenario(self.world)
        self.time: Time = time
        self.noops: Noops = noops
        self.left_out, self.has_waiting = False, True
        self._keeps = noops == "kept"
        self._ordered = time == "ordered"
        self._within = within
        self._capacity = capacity
        self._make_parts(delivery, recheck)
        if self._keeps:
            check_noops(self._properties, delivery)
        self._initial = self._far.first()
        if not self._worlds.note_lost(self._runner.lost.before()):
            lost = self.dead_letters[0]
            self._initial = self._worlds.failed(f"a dead letter: {lost}")
        self._is_empty = True

    def _make_parts(self, delivery: Network, recheck: int) -> None:
        """Make the parts that take the steps of the actors, and that check them."""
        self.compact = Compact(delivery)
        self._runner = StepRunner(self.world, self.compact)
        self._properties = self.world.properties
        words = Words(self._runner.cells)
        self._monitor = Monitor(self._properties.monitor, self.compact, words)
        self._worlds = Worlds(self._properties, self.compact)
        self._rough_known: dict[State, list[Offer]] = {}
        self.checks = Checks(self.compact, self._properties, self._monitor.values)
        self._far = FarSteps(
            self.world,
            self._runner,
            self._worlds,
            self._monitor,
            self.checks,
            recheck=recheck,
        )
        self._near = NearSteps(self._runner, self._worlds, self.checks, recheck)
        self._pruner = Pruner(self._worlds, self.world.dispatcher)
        self.bounds = self._far.bounds
        self._report = Report(self._worlds, words, self._properties, self.checks)

    # -- as a transition system -----------------------------------------------------

    def initial(self) -> tuple[State, ...]:
        """Return the state in which the scenario has left the actors."""
        return (self._initial,)

    def moves(self, state: State) -> list[tuple[Offer, State]]:
        """Return all possible steps, and the states that they lead to.

        `left_out` says afterwards whether there are more steps, which an option leaves
        out.
        """
        found: list[tuple[Offer, State]] = []
        self.left_out = self._within is not None and not self.checks.holds(
            "within", self._within, state
        )
        if self.left_out:
            return found
        for offer in self.offers(state):
            after, effect = self.take(state, offer)
            if after is None:
                continue
            if self._capacity and is_too_much(
                self.compact, after, effect, self._capacity
            ):
                self.left_out = True
                continue
            found.append((offer, after))
        return found

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The messages that nobody handles in some schedule."""
        return tuple(sorted(self._worlds.dead_letters))

    @property
    def is_cut(self) -> bool:
        """Whether an option leaves out steps."""
        return self._within is not None or self._capacity > 0

    def is_optional(self, action: Offer) -> bool:
        """Whether a step need not happen, even if no other is possible: a crash."""
        return action.crash

    def violation(self, state: State) -> str:
        """Return what is wrong with a state, "" for nothing."""
        if state[0] == FAILED:
            return self._worlds.failures[state[1]]
        return self.checks.violation(state)

    def rest(self, state: State) -> str:
        """Return what is wrong with a state in which nothing is left to do."""
        return self.checks.rest(state)

    def fingerprint(self, state: State) -> int:
        """Return 64 bits that differ for different states, almost certainly."""
        return print_of(array("q", state).tobytes())

    def endless(self, states: list[State]) -> str:
        """Return what is wrong with states that go round forever, "" for nothing.

        An actor that takes no step in any of them waits forever.
        """
        waits = self.checks.waiting(states[0], ignores_network=self._keeps)
        moved: set[str] = set()
        for state in states:
            for offer in self.offers(state):
                if not offer.arrives and not offer.crash:
                    moved.add(self.compact.path_of[offer.owner])
        for path, what in waits.items():
            if path not in moved:
                return f"{path}: {what} forever"
        return ""

    def monitored(self, state: State) -> Any:
        """Return the value of the scenario's monitor."""
        return self._monitor.values[state[1]]

    def unmonitored(self, state: State) -> State:
        """Return the state with the monitor's first value."""
        return (state[0], self._monitor.first, *state[2:])

    def vacuous(self) -> tuple[str, ...]:
        """Return what the scenario has not tested, once all states are visited."""
        if not self.compact.paths:
            return ("there is no actor",)
        if self._is_empty:
            return ("nothing ever happens",)
        never = self._report.never(self.world.unhandled)
        return (*self.checks.vacuous(), *never)

    def coverage(self) -> Coverage:
        """Return which messages were handled in which state, and which never were."""
        return self._report.coverage()

    def step(self, state: State, action: Offer) -> Step:
        """Return an action in words."""
        return self._report.step(state, action)

    # -- one step -------------------------------------------------------------------

    def offers(self, state: State) -> list[Offer]:
        """Return all possible steps."""
        world = state[0]
        if world == FAILED:
            return []
        if self._worlds.rough[world]:
            found = self._rough_known.get(state)
            if found is None:
                found = self._rough_known[state] = self._far.offers(state)
        else:
            found = self._near_offers(state)
        if self._ordered:
            found = soonest(found)
        if found and any(self._worlds.left[world]):
            found = found + crashes(self._worlds, state, found)
        return found

    def _near_offers(self, state: State) -> list[Offer]:
        """Return all possible steps where every actor takes its next message."""
        table = self.compact.offers
        found: list[Offer] = []
        for slot in range(FIRST, len(state)):
            item = state[slot]
            if item:
                here = table[item]
                if here is None:
                    here = self.compact.find_offers(item)
                found += here
        if self._worlds.has_strangers(state[0], self.bounds):
            arriving, bounds = self._worlds.arriving, self.bounds
            found = [arriving(state, one, bounds) for one in found]
        return found

    def take(self, state: State, offer: Offer) -> tuple[State | None, Effect]:
        """Return the state after a step, and the effect of the step.

        The state is None for a message that is kept, as nothing would change.
        """
        self._is_empty = False
        if offer.arrives:
            return self._settled(state, offer, *self._arrive(state, offer))
        if self._ordered and offer.due:
            state = later(self.compact, state, offer.due)
            offer = offer._replace(due=0.0)
            self.checks.look_at_fresh()
        effect = FAR if offer.crash else self._near.effect(state, offer)
        after = None if effect.is_far else self._take_near(state, offer, effect)
        if after is None:
            effect = effect._replace(is_far=True)
            after = self._far.take(state, offer, effect)
        if self.compact.fresh_variants:
            self._near.check_variants()
        return self._settled(state, offer, after, effect)

    def _settled(
        self, state: State, offer: Offer, after: State, effect: Effect
    ) -> tuple[State | None, Effect]:
        """Return the state after a step, and the effect of the step.

        The state is None if the message is kept instead. A step after which an ended
        actor is forgotten may change the effect of any other step: the actor that is
        spawned next gets another number.
        """
        if not effect.is_far and after[0] != FAILED:
            before, after = after, self._pruner.pruned(after)
            if after is not before:
                effect = effect._replace(is_far=True)
        is_kept = self._keeps and after == without(state, offer)
        return (None if is_kept else after), effect

    def _take_near(self, state: State, offer: Offer, effect: Effect) -> State | None:
        """Return the state after a step of one actor.

        None if a mailbox would hold more than its bound, which needs another kind of
        step.
        """
        after = list(state)
        if not offer.timer:
            after[offer.slot] = offer.rest
        local, sends, puts_back, _, _, lost = effect
        after[offer.owner] = local
        if sends or puts_back:
            send(self.compact, after, sends, puts_back)
            if self.bounds and is_over(self.compact, self.bounds, after):
                return None
        if lost and not self._worlds.note_lost(lost):
            return self._worlds.failed(f"a dead letter: {lost[0]}")
        if self._properties.monitor is not None:
            after[1] = self._monitor.follow(state, offer, effect)
        return trimmed(after)

    def _arrive(self, state: State, offer: Offer) -> tuple[State, Effect]:
        """Put a message from outside into a mailbox; without an actor it is lost."""
        owner = offer.owner
        envelope = self.compact.envelopes[offer.envelope]
        after = list(state)
        after[offer.slot] = offer.rest
        effect = Effect(0)
        address = self.compact.to[offer.slot]
        if self._worlds.is_there(state, address):
            slot = self.compact.queue_slot(owner, envelope.sender, address)
            effect = Effect(state[owner], ((slot, offer.envelope),))
            send(self.compact, after, effect.sends, ())
            if self.bounds and is_over(self.compact, self.bounds, after):
                effect = effect._replace(is_far=True)
                return self._far.arrive(state, offer), effect
        elif self._worlds.is_told(state, envelope):
            effect = effect._replace(is_far=True)
            return self._far.arrive(state, offer), effect
        elif not self._keeps:
            lost = self._runner.lost.nobody(self.compact.path_of[owner], envelope)
            if not self._worlds.note_lost(lost):
                return self._worlds.failed(f"a dead letter: {lost[0]}"), effect
        return trimmed(after), effect
