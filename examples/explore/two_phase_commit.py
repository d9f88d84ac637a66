"""Two-phase commit as actors: a coordinator asks, resource managers vote.

A manager that has not voted may give up on its own, at any time. The coordinator may
lose patience while votes are missing, and then aborts. A hasty one does not wait for
the last vote before it commits. The explorer verifies `commit`, and refutes
`commit_hasty`: the last manager can still give up. published/two_phase.py has the same
protocol as a plain transition system.

    ccw-actors explore examples/explore/two_phase_commit.py:commit_hasty

python examples/explore/two_phase_commit.py
"""

from typing import Any, Literal

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explain, explore
from ccw_actors.runtime import Actor, ActorRef, Message, receive

Phase = Literal["working", "prepared", "committed", "aborted"]


class Prepare(Message, frozen=True):
    """Asks for a vote."""


class Vote(Message, frozen=True):
    """Promises to commit if all do, or says that this manager has given up."""

    yes: bool


class Decide(Message, frozen=True):
    """Announces the decision."""

    commit: bool


class GiveUp(Message, frozen=True):
    """A manager that has not voted gives up; one that has does not."""


class Impatience(Message, frozen=True):
    """The coordinator stops waiting for votes."""


class ManagerState(Struct):
    """The state of a manager."""

    phase: Phase = "working"


class Manager(Actor[Prepare | Decide | GiveUp]):
    """Votes, and carries out the decision."""

    state: ManagerState

    def __init__(self) -> None:
        self.state = ManagerState()

    def on_start(self) -> None:
        """Make it possible to give up at any time."""
        self.after(1.0, GiveUp())

    @receive
    def prepare(self, _message: Prepare) -> Vote:
        """Vote."""
        if self.state.phase == "working":
            self.state.phase = "prepared"
        return Vote(self.state.phase == "prepared")

    @receive
    def give_up(self, _message: GiveUp) -> None:
        """Give up, unless it has promised."""
        if self.state.phase == "working":
            self.state.phase = "aborted"

    @receive
    def decide(self, message: Decide) -> None:
        """Carry out the decision."""
        self.state.phase = "committed" if message.commit else "aborted"


class CoordinatorState(Struct):
    """The state of the coordinator, and which managers have voted yes."""

    phase: Phase = "working"
    votes: int = 0


class Coordinator(Actor[Vote | Impatience]):
    """Asks all managers, and decides when `needed` of them have voted yes."""

    state: CoordinatorState

    def __init__(self, managers: tuple[ActorRef[Any], ...], needed: int) -> None:
        self.state = CoordinatorState()
        self._managers = managers
        self._needed = needed

    def on_start(self) -> None:
        """Ask for votes."""
        for manager in self._managers:
            manager.tell(Prepare())
        self.after(1.0, Impatience())

    @receive
    def vote(self, message: Vote) -> None:
        """Count."""
        if self.state.phase != "working":
            return
        self.state.votes += message.yes
        if not message.yes:
            self._decide(commit=False)
        elif self.state.votes == self._needed:
            self._decide(commit=True)

    @receive
    def impatience(self, _message: Impatience) -> None:
        """Abort, if nothing has been decided."""
        if self.state.phase == "working":
            self._decide(commit=False)

    def _decide(self, *, commit: bool) -> None:
        self.state.phase = "committed" if commit else "aborted"
        for manager in self._managers:
            manager.tell(Decide(commit))


def commits(*, managers: int = 3, hasty: bool = False) -> Scenario:
    """Return a scenario; a `hasty` coordinator does not wait for the last vote."""

    def scenario(world: World) -> None:
        refs = tuple(
            world.spawn(Manager(), f"manager/{number}")
            for number in range(1, managers + 1)
        )
        world.spawn(Coordinator(refs, managers - hasty), "coordinator")

        def phases(view: View) -> set[Phase]:
            return {view[ref].phase for ref in refs}

        world.system_invariant(
            "all decide the same",
            lambda view: not {"committed", "aborted"} <= phases(view),
        )
        world.final("all are decided", lambda view: len(phases(view)) == 1)
        world.sometimes("all commit", lambda view: phases(view) == {"committed"})
        world.sometimes("all abort", lambda view: phases(view) == {"aborted"})

    return scenario


def commit(world: World) -> None:
    """Three managers vote; all of them commit, or none does."""
    commits()(world)


def commit_hasty(world: World) -> None:
    """Three managers vote; two votes are enough for the coordinator."""
    commits(hasty=True)(world)


def main() -> None:
    """Verify that all decide the same; refute it for a hasty coordinator."""
    result = explore(commit)
    print(result.states, "states;", result.verdict.upper(), result.scope)
    assert result.verdict == "verified"
    refuted = explore(commit_hasty)
    print(explain(commit_hasty, refuted))
    assert refuted.violation == "all decide the same"


if __name__ == "__main__":
    main()
