"""A reference means one actor, even if another one follows at its path."""

from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.explore import Engine, Limits, Network, Scenario, World, explore
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    SteppingDispatcher,
    System,
    Terminated,
    receive,
)
from ccw_actors.runtime.stepping import Past
from tests.explore.cast import note_ends

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")
DELIVERIES: tuple[Network, ...] = ("mailbox", "channel", "unordered")


class Hire(Message, frozen=True):
    """Has a worker spawned."""


class Work(Message, frozen=True):
    """Has a worker end."""


class Poison(Message, frozen=True):
    """Is for the first worker alone."""


class Carry(Message, frozen=True):
    """Comes back to its sender, with a reference."""

    to: ActorRef[Any] | None


class Seen(Struct):
    """How many a boss has hired, and the first of them."""

    hired: int = 0
    first: ActorRef[Any] | None = None
    poisoned: bool = False


class Worker(Actor[Work | Poison]):
    """Ends when it has worked."""

    @receive
    def work(self, _message: Work) -> None:
        """End."""
        self.stop()

    @receive
    def poison(self, _message: Poison) -> None:
        """Say so."""
        self.system.ref("boss").tell(Poison())


class Boss(Actor[Hire | Carry | Poison | Terminated]):
    """Hires one worker after the other, `times` times or forever.

    It keeps a reference to the first `in_state`, or in a message that goes round, or
    not at all, and sends poison there each time.
    """

    state: Seen

    def __init__(self, times: int | None, keeps: str = "") -> None:
        self.state = Seen()
        self._times = times
        self._keeps = keeps

    @receive
    def hire(self, _message: Hire) -> None:
        """Hire the next one."""
        state = self.state
        worker = self.spawn(Worker(), "worker")
        self.watch(worker)
        if self._times is not None:
            state.hired += 1
        if self._keeps == "in state":
            state.first = state.first or worker
            state.first.tell(Poison())
        elif self._keeps == "under way" and state.hired == 1:
            self.ref.tell(Carry(worker))
        worker.tell(Work())

    @receive
    def carry(self, message: Carry) -> None:
        """Have it go round once more."""
        if message.to is not None and self.state.hired == self._times:
            message.to.tell(Poison())
        else:
            self.ref.tell(message)

    @receive
    def poison(self, _message: Poison) -> None:
        """Take notice."""
        self.state.poisoned = True

    @receive
    def ended(self, _message: Terminated) -> None:
        """Hire again."""
        if self.state.hired != self._times:
            self.ref.tell(Hire())


def company(boss: Boss, found: set[Any] | None = None) -> Scenario:
    """Have a boss begin to hire."""

    def scenario(world: World) -> None:
        ref = world.spawn(boss, "boss")
        world.inject(ref, Hire())
        if found is not None:
            note_ends(world, found, lambda view: view[ref].poisoned)

    return scenario


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("keeps", ["", "in state"])
def test_respawning_for_ever_closes(keeps: str, delivery: Network) -> None:
    """An ended actor without references frees its number, so there are few states."""
    result = explore(
        company(Boss(None, keeps)), delivery=delivery, limits=Limits(states=100)
    )
    assert result.verdict == "verified", result


@pytest.mark.parametrize(
    ("keeps", "engine"),
    # A message that goes round forever has endless schedules.
    [*(("in state", engine) for engine in ENGINES), ("under way", "states")],
)
def test_reference_to_the_first_reaches_no_other(keeps: str, engine: Engine) -> None:
    """Only the first worker is poisoned, before it works or never."""
    found: set[Any] = set()
    times = 3 if keeps == "in state" else 2
    scenario = company(Boss(times, keeps), found)
    assert explore(scenario, engine=engine).verdict == "verified"
    assert found == {keeps == "in state"}


def test_dead_letter_names_the_first() -> None:
    """A message to the first when the second is there is a dead letter."""
    result = explore(company(Boss(2, "in state")))
    (lost,) = result.dead_letters
    assert (lost.actor, lost.message) == ("boss/worker", "Poison"), lost


def test_number_that_something_refers_to() -> None:
    """An actor keeps its number while it is referred to; then the number is free."""
    dispatcher = SteppingDispatcher()
    system = System(dispatcher)
    boss = system.spawn(Boss(3, "in state"), "boss")
    boss.tell(Hire())
    dispatcher.run()
    assert dispatcher.snapshot().past == Past(frozenset({"boss/worker"}))


def test_next_number_is_the_smallest_that_is_free() -> None:
    """Ended actors that are referred to keep their numbers."""
    past = Past(frozenset({"a", "a#3", "b#2"}))
    assert [past.next_at(path) for path in ("a", "b", "c")] == [2, 1, 1]


def test_promised_number() -> None:
    """A reference to the next one means the next, even if a smaller number is free."""
    nobody: set[str] = set()
    past = Past(frozenset({"a"}))
    assert past.in_question(nobody.__contains__) == {"a", "a#2"}
    left = past.pruned({"a#2"}, nobody.__contains__)
    assert left == Past(frozenset(), frozenset({"a#2"}))
    assert left.next_at("a") == 2
    assert left.pruned({"a#2"}, nobody.__contains__) == left
    assert left.pruned(nobody, nobody.__contains__) == Past()
    assert left.pruned({"a#2"}, {"a"}.__contains__) == Past()
