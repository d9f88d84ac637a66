"""A walk through a scenario: the picture of a way, and the steps that come next."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeGuard

from msgspec.structs import replace

from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import (
    Network,
    Noops,
    Replayed,
    ReplayError,
    Scenario,
    Step,
    Time,
    TransitionSystem,
    View,
    World,
    replay,
)
from ccw_actors.show import (
    Picture,
    RecordingError,
    picture_of_actions,
    picture_of_way,
    scenario_after,
)

__all__ = ["BrowseError", "Place", "Walk"]

_NO_STEP: Final = "\0"
"""The name of no step: asking for it makes the explorer say what is possible."""


class BrowseError(CcwActorsError):
    """A scenario that cannot be walked, or a step of a way that is not possible."""


class Seen(NamedTuple):
    """What the explorer says of the end of a way.

    `names` are the steps that are possible there, none after a fault. `taken` is the
    number of steps up to the first fault, or of all. `violation` is "" without a fault.
    """

    names: tuple[str, ...]
    taken: int
    violation: str


class Place(NamedTuple):
    """Where a way leads: its steps up to the first fault, and their picture.

    `violation` is the fault, "" for none. `is_over` is True if nothing is left to do.
    """

    way: tuple[str, ...]
    picture: Picture
    violation: str
    is_over: bool


class Walk:
    """A scenario that somebody walks, with the name that the page gives it.

    A way is the names of its steps from the beginning. Under each delivery allowed here
    at most one step has a name. Raises `BrowseError` for an unordered network, on which
    several can have the same.
    """

    def __init__(
        self,
        scenario: Scenario | TransitionSystem[Any, Any],
        name: str,
        *,
        delivery: Network = "channel",
        time: Time = "untimed",
        noops: Noops = "consumed",
    ) -> None:
        if delivery == "unordered":
            raise BrowseError(
                "delivery: expected 'channel' or 'mailbox', got 'unordered', where"
                " several steps can have one name"
            )
        self.scenario = scenario
        self.name = name
        self.delivery: Network = delivery
        self.time: Time = time
        self.noops: Noops = noops

    def at(self, way: Sequence[str]) -> Place:
        """Return the place to which a way leads; it ends at the first fault.

        Raises:
            BrowseError: A step is not possible.
        """
        seen = self.look(way)
        names = tuple(way[: seen.taken])
        picture = self._picture(names, seen)
        choices = tuple(
            replace(one, violation=self.look([*names, one.name]).violation)
            for one in picture.choices
        )
        is_over = not seen.names and not seen.violation
        return Place(
            names,
            replace(
                picture,
                title=self.name,
                verdict="fault" if seen.violation else "at rest" if is_over else "",
                tone="bad" if seen.violation else "good",
                summary=seen.violation,
                facts=self._facts(),
                choices=choices,
            ),
            seen.violation,
            is_over,
        )

    def look(self, way: Sequence[str]) -> Seen:
        """Return what is possible at the end of a way, or the first fault on it.

        Raises:
            BrowseError: A step is not possible.
        """
        try:
            again = self._replay(self.scenario, [*way, _NO_STEP])
        except ReplayError as lost:
            if lost.number <= len(way):
                raise BrowseError(str(lost)) from lost
            if lost.possible:
                return Seen(tuple(lost.possible), len(way), "")
            # Nothing is left to do, so the final properties have to hold.
            again = self._replay(self.scenario, way)
        return Seen((), len(again.steps), again.violation)

    def fault_after(self, way: Sequence[str]) -> str:
        """Return the fault at the end of a way, "" for none.

        It may also be that an actor waits while others go on forever.
        """
        return self._replay(self.scenario, way).violation

    def scenario_after(
        self, way: Sequence[str]
    ) -> Scenario | TransitionSystem[Any, Any]:
        """Return the scenario that begins at the end of a way without a fault.

        `RecordingError` is raised here or by that scenario if there can be none.
        """
        if _is_plain(self.scenario):
            return _Later(self.scenario, way)
        assert not isinstance(self.scenario, TransitionSystem), "`_is_plain` says so"
        return scenario_after(self.scenario, way, lambda: self._monitored(way))

    # -- parts ----------------------------------------------------------------------

    def _picture(self, names: Sequence[str], seen: Seen) -> Picture:
        if isinstance(self.scenario, TransitionSystem):
            return picture_of_actions(names, seen.names)
        try:
            return picture_of_way(self.scenario, names, seen.names, self.delivery)
        except RecordingError as error:
            picture = picture_of_actions(names, seen.names)
            notes = (f"States and fields are missing: {error}",)
            return replace(picture, notes=notes)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        if isinstance(self.scenario, TransitionSystem):
            return ()
        return (("delivery", self.delivery), ("time", self.time))

    def _replay(self, scenario: Any, names: Sequence[str]) -> Replayed:
        return replay(
            scenario,
            names,
            delivery=self.delivery,
            time=self.time,
            noops=self.noops,
        )

    def _monitored(self, way: Sequence[str]) -> Any:
        """Return the value of the scenario's monitor after a way."""
        seen: list[Any] = []
        scenario = self.scenario
        assert not isinstance(scenario, TransitionSystem), "it has no monitor"

        def note(view: View) -> bool:
            seen.append(view.monitor)
            return True

        def watched(world: World) -> None:
            scenario(world)
            world.system_invariant("the monitor's value is noted", note)

        try:
            self._replay(watched, [*way, _NO_STEP])
        except ReplayError as lost:
            if lost.number <= len(way):
                raise
        return seen[-1]


def _is_plain(scenario: object) -> TypeGuard[TransitionSystem[Any, Any]]:
    return isinstance(scenario, TransitionSystem)


class _Later(TransitionSystem[Any, Any]):
    """A plain transition system from the end of a way on."""

    def __init__(self, system: TransitionSystem[Any, Any], way: Sequence[str]) -> None:
        states = list(system.initial())
        for name in way:
            states = [
                after
                for state in states
                for action, after in system.moves(state)
                if system.step(state, action).name == name
            ]
        self._system = system
        super().__init__(states, lambda _: (), lambda _, __: None)

    def forget(self) -> None:
        """Forget which properties have held, and which were checked."""
        self._system.forget()

    def moves(self, state: Any) -> list[tuple[Any, Any]]:
        """Return all possible steps, and the states that they lead to."""
        return self._system.moves(state)

    def violation(self, state: Any) -> str:
        """Return what is wrong with a state, "" for nothing."""
        return self._system.violation(state)

    def rest(self, state: Any) -> str:
        """Return what is wrong with a state without possible steps."""
        return self._system.rest(state)

    def vacuous(self) -> tuple[str, ...]:
        """Return what has not been tested."""
        return self._system.vacuous()

    def step(self, state: Any, action: Any) -> Step:
        """Return an action in words."""
        return self._system.step(state, action)
