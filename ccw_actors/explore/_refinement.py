"""Checks that a scenario shows nothing that its reference does not show.

A run shows the labels of its steps, in order. A scenario refines its reference if the
reference can show each sequence of labels that the scenario shows, in some schedule,
and can have ended wherever the scenario has. While a scenario is explored, its monitor
holds all states of the reference that are possible after the labels so far. If there is
none, the scenario has shown a sequence that the reference never shows.
"""

from collections.abc import Callable, Hashable, Iterable
from threading import local

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._result import Network
from ccw_actors.explore._view import View
from ccw_actors.explore._world import Event, Scenario, World

__all__ = ["Reference", "Visible"]

Visible = Callable[[Event], Hashable | None]
"""Returns the label that a step shows; None for nothing."""

_STATES_MAX = 1_000_000


class Reference(local):
    """The states of a reference scenario, explored as far as necessary.

    Each thread that uses it explores it for itself, and has its own numbers: a System
    under the stepping dispatcher belongs to one thread.

    A set of states has a number; 0 is the empty one. `steps` is how many steps of the
    reference have been taken. Raises `ExploreError` if the reference breaks one of its
    own properties, has a monitor, or has more than `states_max` states.
    """

    def __init__(
        self,
        scenario: Scenario,
        visible: Visible,
        *,
        delivery: Network = "channel",
        states_max: int = _STATES_MAX,
    ) -> None:
        def watched(world: World) -> None:
            scenario(world)
            if world.properties.monitor is not None:
                raise ExploreError("a reference must not have a monitor")
            world.monitor(None, lambda _last, event: visible(event))

        self.visible = visible
        self.steps = 0
        self._model = ActorModel(watched, delivery, 0)
        self._states_max = states_max
        self._silent: dict[State, frozenset[State]] = {}
        self._moves: dict[State, tuple[tuple[Hashable | None, State], ...]] = {}
        self._sets: list[frozenset[State]] = [frozenset()]
        self._numbers: dict[frozenset[State], int] = {frozenset(): 0}
        self._after: dict[tuple[int, Hashable], int] = {}
        self.first = self._number(self._model.initial())

    def after(self, number: int, label: Hashable) -> int:
        """Return the set of states possible after one of that set has shown a label."""
        key = (number, label)
        found = self._after.get(key)
        if found is None:
            states = self._sets[number]
            targets = {
                after
                for state in states
                for shown, after in self._moves_of(state)
                if shown == label
            }
            found = self._after[key] = self._number(targets)
        return found

    def may_be_over(self, number: int) -> bool:
        """Whether nothing is left to do in one of the states of a set."""
        return any(not self._moves_of(state) for state in self._sets[number])

    def labels(self, number: int) -> set[Hashable]:
        """Return what the reference may show next."""
        return {
            shown
            for state in self._sets[number]
            for shown, _ in self._moves_of(state)
            if shown is not None
        }

    def _number(self, states: Iterable[State]) -> int:
        """Return the number of these states and all that silent steps lead to."""
        every = frozenset[State]().union(*map(self._closure, states))
        number = self._numbers.get(every)
        if number is None:
            number = self._numbers[every] = len(self._sets)
            self._sets.append(every)
        return number

    def _closure(self, state: State) -> frozenset[State]:
        found = self._silent.get(state)
        if found is None:
            seen = {state}
            open_ = [state]
            while open_:
                for shown, after in self._moves_of(open_.pop()):
                    if shown is None and after not in seen:
                        seen.add(after)
                        open_.append(after)
            found = self._silent[state] = frozenset(seen)
        return found

    def _moves_of(self, state: State) -> tuple[tuple[Hashable | None, State], ...]:
        moves = self._moves.get(state)
        if moves is None:
            taken: list[tuple[Offer, State]] = self._model.moves(state)
            self.steps += len(taken)
            for _, after in taken:
                violation = self._model.violation(after)
                if violation:
                    raise ExploreError(f"the reference itself is refuted: {violation}")
            moves = self._moves[state] = tuple(map(self._shown, taken))
            if len(self._moves) > self._states_max:
                raise ExploreError(
                    f"the reference has more than {self._states_max} states"
                )
        return moves

    def _shown(self, move: tuple[Offer, State]) -> tuple[Hashable | None, State]:
        """Return the label of a step, and the state without it."""
        after = move[1]
        return self._model.monitored(after), self._model.unmonitored(after)


def refines(world: World, name: str, reference: Reference) -> None:
    """Require that a world shows nothing that the reference does not show.

    Adds a monitor, a system invariant and a final property to the world.
    """

    def update(number: int, event: Event) -> int:
        label = reference.visible(event)
        return number if label is None else reference.after(number, label)

    def is_known(view: View) -> bool:
        return bool(view.monitor)

    def may_be_over(view: View) -> bool:
        return reference.may_be_over(view.monitor)

    world.monitor(reference.first, update)
    world.system_invariant(f"{name}: the reference shows the same", is_known)
    world.final(f"{name}: the reference may have ended", may_be_over)
