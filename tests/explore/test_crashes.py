"""Crashes: an actor fails on any message, as often as the scenario allows."""

import pytest
from msgspec import Struct

from ccw_actors.explore import (
    Engine,
    Event,
    ExploreError,
    Network,
    Result,
    World,
    explore,
    replay,
)
from ccw_actors.runtime import (
    Actor,
    Message,
    Restart,
    Supervision,
    Terminated,
    receive,
)
from tests.explore.cast import note_ends

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")
DELIVERIES: tuple[Network, ...] = ("channel", "mailbox")


class Add(Message, frozen=True):
    """A number to be added."""

    number: int


class Sum(Struct):
    """What has been added."""

    total: int = 0


class Why(Struct):
    """Why an actor has ended."""

    reason: str = ""


class Adder(Actor[Add]):
    """Adds what it is told, and tells the next one or, after a delay, itself."""

    state: Sum

    def __init__(self, to: str = "", delay: float = 0.0) -> None:
        self.state = Sum()
        self._to = to
        self._delay = delay

    @receive
    def add(self, message: Add) -> None:
        """Add it, and pass it on."""
        self.state.total += message.number
        if self._delay and message.number < 10:
            self.after(self._delay, Add(message.number * 10))
        elif self._to:
            self.system.ref(self._to).tell(message)


def added(
    *numbers: int,
    budget: int,
    engine: Engine = "states",
    delivery: Network = "channel",
    supervision: Supervision | None = None,
) -> tuple[Result, set[object]]:
    """Explore an adder that may crash; return the sums it may end with."""
    sums: set[object] = set()

    def scenario(world: World) -> None:
        adder = world.spawn(Adder(), "adder", supervision=supervision)
        for number in numbers:
            world.inject(adder, Add(number))
        if budget:
            world.may_crash(adder, budget=budget)
        note_ends(world, sums, lambda v: v[adder].total if adder in v else "gone")

    return explore(scenario, engine=engine, delivery=delivery), sums


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_crash_loses_message_and_state(engine: Engine, delivery: Network) -> None:
    """A restarted actor has lost its state, and the message that it crashed on."""
    again = Restart()
    result, sums = added(
        1, 2, 4, budget=1, engine=engine, delivery=delivery, supervision=again
    )
    assert result.verdict == "verified"
    assert sums == {7, 6, 4, 0}
    assert added(1, 2, 4, budget=0, engine=engine, supervision=again)[1] == {7}


@pytest.mark.parametrize("engine", ENGINES)
def test_crash_without_supervision(engine: Engine) -> None:
    """Without a restart the actor has ended."""
    assert added(1, 2, budget=1, engine=engine)[1] == {3, "gone"}


def test_scope_names_the_crashes() -> None:
    """The scope says how many crashes it covers, and of which actors."""
    assert "with at most 1 crash of adder, one" in added(1, budget=1)[0].scope
    assert "with at most 2 crashes of adder, one" in added(1, budget=2)[0].scope
    assert "crash" not in added(1, budget=0)[0].scope


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_crash_in_a_counterexample(delivery: Network) -> None:
    """A crash is a step with its own name, and can be replayed."""

    def scenario(world: World) -> None:
        one = world.spawn(Adder("two"), "one", supervision=Restart())
        two = world.spawn(Adder(), "two")
        world.inject(one, Add(1))
        world.inject(one, Add(2))
        world.may_crash(one)
        world.final("all came", lambda view: view[two].total == 3)

    result = explore(scenario, delivery=delivery)
    assert result.violation == "all came"
    crashes = [step for step in result.counterexample if step.crash]
    assert [str(step) for step in crashes] == [
        f"(outside) > one: crashes on Add(number={3 - result_total(result)})"
    ]
    assert [step.name for step in crashes] == [">one!"]
    again = replay(scenario, result.names, delivery=delivery)
    assert (again.steps, again.violation) == (result.counterexample, "all came")


def result_total(result: Result) -> int:
    """Return the sum of what was handled from the outside."""
    handled = [
        one
        for one in result.counterexample
        if not (one.sender or one.crash or one.arrives)
    ]
    return sum(int(one.message[-2]) for one in handled)


def test_crash_on_a_timer() -> None:
    """An actor may crash on the message of its own timer."""
    ends: set[int] = set()

    def scenario(world: World) -> None:
        adder = world.spawn(Adder(delay=1.0), "adder", supervision=Restart())
        world.inject(adder, Add(1))
        world.may_crash(adder)
        note_ends(world, ends, lambda view: view[adder].total)
        world.sometimes("crashes", lambda view: view.monitor == 1)

        def update(value: int, event: Event) -> int:
            return value + (event.crash and event.message == Add(10))

        world.monitor(0, update)

    assert explore(scenario).verdict == "verified"
    assert ends == {11, 0}


def test_budgets_are_apart() -> None:
    """Each call of `may_crash` has its own budget, which its actors share."""
    crashes: set[tuple[str, ...]] = set()

    def scenario(world: World) -> None:
        refs = [
            world.spawn(Adder(), path, supervision=Restart())
            for path in ("a", "b", "c")
        ]
        for ref in (*refs, refs[2], refs[2]):
            world.inject(ref, Add(1))
        world.may_crash(refs[0], refs[1])
        world.may_crash(refs[2], budget=2)

        def update(value: tuple[str, ...], event: Event) -> tuple[str, ...]:
            return tuple(sorted((*value, event.actor))) if event.crash else value

        world.monitor((), update)
        note_ends(world, crashes, lambda view: view.monitor)

    assert explore(scenario).verdict == "verified"
    ones = {(), ("a",), ("b",)}
    assert crashes == {one + ("c",) * times for one in ones for times in (0, 1, 2)}


def test_crash_needs_an_actor() -> None:
    """A budget of 0, or no actor, is an error of the scenario."""

    def scenario(world: World) -> None:
        world.may_crash()

    with pytest.raises(ExploreError, match="an actor and a budget of at least 1"):
        explore(scenario)


# -- between two messages -------------------------------------------------------------


class Put(Message, frozen=True):
    """A number to be kept."""

    number: int


class Done(Message, frozen=True):
    """It is."""


class Get(Message, frozen=True):
    """Asks for it."""


class Got(Message, frozen=True):
    """What was kept."""

    number: int


class Memory(Actor[Put | Get]):
    """Keeps a number where a crash loses it, or on something like a disk."""

    state: Sum
    persistent: Sum | None

    def __init__(self, *, on_disk: bool) -> None:
        self.state = Sum()
        self.persistent = None
        self._on_disk = on_disk

    @receive
    def put(self, message: Put) -> None:
        """Keep it."""
        if self._on_disk:
            self.persistent = Sum(message.number)
        else:
            self.state.total = message.number
        assert self.sender is not None
        self.sender.tell(Done())

    @receive
    def get(self, _message: Get) -> None:
        """Tell."""
        assert self.sender is not None
        kept = self.persistent if self.persistent is not None else self.state
        self.sender.tell(Got(kept.total))


class Client(Actor[Put | Done | Got]):
    """Has a number kept, and reads it once that is done."""

    state: Sum

    def __init__(self) -> None:
        self.state = Sum(-1)

    @receive
    def put(self, message: Put) -> None:
        """Have it kept."""
        self.system.ref("memory").tell(message)

    @receive
    def done(self, _message: Done) -> None:
        """Read it."""
        self.system.ref("memory").tell(Get())

    @receive
    def got(self, message: Got) -> None:
        """Take it."""
        self.state.total = message.number


def kept(world: World, *, on_disk: bool, crashes: bool = True) -> None:
    """Have a number kept and read, and say that what was acknowledged is read."""
    memory = world.spawn(
        lambda: Memory(on_disk=on_disk), "memory", supervision=Restart()
    )
    client = world.spawn(Client(), "client")
    world.inject(client, Put(5))
    world.invariant(client, "what was done is read", lambda s: s.total in {-1, 5})
    if crashes:
        world.may_crash(memory)


@pytest.mark.parametrize(
    ("engine", "delivery"),
    [
        *((engine, delivery) for engine in ENGINES for delivery in DELIVERIES),
        ("states", "unordered"),
        ("brute force", "unordered"),
    ],
)
def test_crash_between_two_messages(engine: Engine, delivery: Network) -> None:
    """It loses no message, only data in memory; persistent data stays."""

    def run(*, on_disk: bool, crashes: bool = True) -> Result:
        return explore(
            lambda world: kept(world, on_disk=on_disk, crashes=crashes),
            engine=engine,
            delivery=delivery,
        )

    result = run(on_disk=False)
    assert result.violation == "client: what was done is read"
    (crash,) = [step for step in result.counterexample if step.crash]
    assert (crash.name, str(crash)) == (
        "memory!",
        "memory crashes between two messages",
    )
    assert run(on_disk=True).verdict == "verified"
    assert run(on_disk=False, crashes=False).verdict == "verified"


def test_crash_between_two_messages_is_replayed() -> None:
    """A crash between messages has its own name, and can be replayed."""

    def scenario(world: World) -> None:
        kept(world, on_disk=False)

    result = explore(scenario)
    again = replay(scenario, result.names)
    assert (again.steps, again.violation) == (result.counterexample, result.violation)


class Watch(Message, frozen=True):
    """Has an end watched for."""


class Watcher(Actor[Watch | Terminated]):
    """Notes why another actor has ended."""

    state: Why

    def __init__(self) -> None:
        self.state = Why()

    @receive
    def watch_it(self, _message: Watch) -> None:
        """Watch."""
        self.watch(self.system.ref("adder"))

    @receive
    def terminated(self, message: Terminated) -> None:
        """Note it."""
        self.state.reason = message.reason


class Stopper(Actor[Watch]):
    """Stops another actor at once."""

    @receive
    def stop_it(self, _message: Watch) -> None:
        """Stop it."""
        self.system.ref("adder").stop(drain=False)


def test_crash_while_a_stop_is_under_way() -> None:
    """An actor that crashes before a stop reaches it ends as failed."""
    reasons: set[object] = set()

    def scenario(world: World) -> None:
        adder = world.spawn(Adder(), "adder", supervision=Restart())
        watcher = world.spawn(Watcher(), "watcher")
        world.inject(watcher, Watch(), source="x")
        world.inject(world.spawn(Stopper(), "stopper"), Watch(), source="y")
        world.may_crash(adder)
        note_ends(world, reasons, lambda view: view[watcher].reason)

    assert explore(scenario).verdict == "verified"
    assert reasons == {
        "the actor has stopped",
        "the actor failed",
        "there is no such actor",
    }
