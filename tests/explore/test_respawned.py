"""An actor at the path of an earlier one is another actor."""

from collections.abc import Callable

import pytest
from msgspec import Struct

from ccw_actors.explore import Engine, Scenario, World, explore
from ccw_actors.runtime import (
    Actor,
    Mailbox,
    Message,
    Restart,
    Stop,
    Supervision,
    receive,
)
from tests.explore.cast import note_ends

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")


class Hire(Message, frozen=True):
    """Has a worker spawned, of that kind, if there is none."""

    kind: int


class Work(Message, frozen=True):
    """Has the worker at work."""


class Done(Message, frozen=True):
    """Which kind of worker has worked."""

    kind: int


class Kinds(Struct):
    """What was done."""

    done: tuple[int, ...] = ()


class Worker(Actor[Work]):
    """Does what it was made for, which is no part of its state."""

    def __init__(self, kind: int) -> None:
        self._kind = kind

    @receive
    def work(self, _message: Work) -> None:
        """Say so, or fail if that is what it was made for."""
        if self._kind < 0:
            raise ValueError(self._kind)
        self.system.ref("book").tell(Done(self._kind))


class Boss(Actor[Hire]):
    """Has one worker at a time, at one path."""

    def __init__(
        self,
        make: Callable[[int], Actor[Work]] = Worker,
        supervision: Callable[[int], Supervision] = lambda _kind: Stop(),
        bound: Callable[[int], int] = lambda _kind: 9,
    ) -> None:
        self._make = make
        self._supervision = supervision
        self._bound = bound

    @receive
    def hire(self, message: Hire) -> None:
        """Hire it."""
        kind = message.kind
        if not self.children:
            mailbox = Mailbox(self._bound(kind), "drop newest")
            self.spawn(
                lambda: self._make(kind),
                "worker",
                supervision=self._supervision(kind),
                mailbox=mailbox,
            )


class Foreman(Actor[Work]):
    """Has the worker at work, some times in a row."""

    def __init__(self, times: int) -> None:
        self._times = times

    @receive
    def work(self, message: Work) -> None:
        """Pass it on."""
        for _ in range(self._times):
            self.system.ref("boss/worker").tell(message)


class Book(Actor[Done]):
    """Notes what was done."""

    state: Kinds

    def __init__(self) -> None:
        self.state = Kinds()

    @receive
    def done(self, message: Done) -> None:
        """Note it."""
        self.state.done = (*self.state.done, message.kind)


def hired(boss: Boss, found: set[object], *kinds: int, times: int = 1) -> Scenario:
    """Put up a scenario in which workers of these kinds are hired, in any order."""

    def scenario(world: World) -> None:
        ref = world.spawn(boss, "boss")
        book = world.spawn(Book(), "book")
        for kind in kinds:
            world.inject(ref, Hire(kind), source=f"of kind {kind}")
        world.inject(world.spawn(Foreman(times), "foreman"), Work(), source="work")
        world.may_fail(world.system.ref("boss/worker"))
        note_ends(world, found, lambda v: (v[book].done, "boss/worker" in v))

    return scenario


@pytest.mark.parametrize("engine", ENGINES)
def test_child_made_otherwise(engine: Engine) -> None:
    """An actor with other attributes is another one, even without a state."""
    found: set[object] = set()
    scenario = hired(Boss(), found, 1, 2)
    assert explore(scenario, engine=engine).verdict == "verified"
    assert found == {((), True), ((1,), True), ((2,), True)}


def test_child_that_begins_again() -> None:
    """A restart makes the actor that this one was spawned as, not an earlier one."""
    found: set[object] = set()

    def scenario(world: World) -> None:
        hired(Boss(supervision=lambda _kind: Restart()), set(), 1, 2)(world)
        world.may_crash(world.system.ref("boss/worker"))
        world.monitor(0, lambda crashed, event: crashed or int(event.crash))
        note_ends(world, found, lambda view: (view.monitor, view["book"].done))

    assert explore(scenario).verdict == "verified"
    assert found >= {(1, (1,)), (1, (2,))}


def test_child_with_another_supervision() -> None:
    """The supervision of a failed worker is that of its own spawn."""
    found: set[object] = set()
    boss = Boss(lambda _kind: Worker(-1), lambda kind: Restart() if kind else Stop())

    def scenario(world: World) -> None:
        hired(boss, set(), 0, 1)(world)
        world.monitor((), lambda seen, e: (*seen, e.message) if e.message else seen)
        note_ends(world, found, lambda v: (v.monitor, "boss/worker" in v))

    assert explore(scenario).verdict == "verified"
    work = (Work(), Work())  # The foreman's, and the worker's.
    assert ((Hire(1), Hire(0), *work), True) in found
    assert ((Hire(0), Hire(1), *work), False) in found


def test_child_with_another_bound() -> None:
    """The bound of its mailbox is that of its own spawn."""
    found: set[object] = set()
    boss = Boss(bound=lambda kind: kind)
    assert explore(hired(boss, found, 1, 2, times=3)).verdict == "verified"
    assert found == {((), True), ((1,), True), ((2, 2), True)}
