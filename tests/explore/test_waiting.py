"""Handlers that wait for answers are explored."""

import itertools
from collections.abc import Callable

import pytest
from msgspec import Struct

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskCycleError,
    AskTimeoutError,
    NoAnswerError,
)
from ccw_actors.explore import (
    Engine,
    ExploreError,
    Network,
    Result,
    Time,
    View,
    World,
    explore,
    replay,
)
from ccw_actors.runtime import Actor, ActorRef, Message, Request, Restart, receive
from tests.explore.cast import note_ends

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")
DELIVERIES: tuple[Network, ...] = ("channel", "mailbox")


class Amount(Message, frozen=True):
    """How much there is."""

    amount: int


class Read(Request[Amount], frozen=True):
    """Asks how much there is."""


class Write(Request[Amount], frozen=True):
    """Says how much there is from now on; answered by what there is then."""

    amount: int


class Go(Message, frozen=True):
    """Begin."""


class CellState(Struct):
    """How much there is, and whether requests stay unanswered."""

    amount: int = 0


class Shelf(Actor[Read | Write]):
    """Keeps an amount.

    It `fails` on a write; on a read it only says that it answers later (`sulks`), or
    not even that (`forgets`).
    """

    state: CellState

    def __init__(
        self, *, fails: bool = False, sulks: bool = False, forgets: bool = False
    ) -> None:
        self.state = CellState()
        self._fails = fails
        self._sulks = sulks
        self._forgets = forgets

    @receive
    def read(self, _message: Read) -> Amount | None:
        """Answer, or not."""
        if self._sulks:
            _ = self.reply_to
        return None if self._sulks or self._forgets else Amount(self.state.amount)

    @receive
    def write(self, message: Write) -> Amount:
        """Keep it."""
        if self._fails:
            raise ValueError("no")
        self.state.amount = message.amount
        return Amount(message.amount)


class AdderState(Struct):
    """How often it has added, and what went wrong."""

    done: int = 0
    error: str = ""


class Adder(Actor):
    """Reads, adds one, and writes: all in one handler that waits twice."""

    state: AdderState

    def __init__(self, shelf: ActorRef[Read | Write]) -> None:
        self.state = AdderState()
        self._shelf = shelf

    @receive
    async def go(self, _message: Go) -> None:
        """Add one."""
        state = self.state
        try:
            there = await self._shelf.ask(Read())
            await self._shelf.ask(Write(there.amount + 1))
        except (ActorStoppedError, ActorFailedError, NoAnswerError) as error:
            state.error = type(error).__name__
        state.done += 1


class Pair(Actor):
    """Does the same without waiting, in a handler for each answer."""

    state: AdderState

    def __init__(self, shelf: ActorRef[Read | Write]) -> None:
        self.state = AdderState()
        self._shelf = shelf

    @receive
    def go(self, _message: Go) -> None:
        """Begin."""
        self.state.error = "reads"
        self._shelf.tell(Read())

    @receive
    def amount(self, message: Amount) -> None:
        """Go on, or be done."""
        if self.state.error == "reads":
            self.state.error = ""
            self._shelf.tell(Write(message.amount + 1))
        else:
            self.state.done += 1


def added(
    kind: Callable[[ActorRef[Read | Write]], Actor],
    engine: Engine,
    delivery: Network,
    adders: int = 2,
) -> tuple[Result, set[int]]:
    """Return the amounts that there may be when so many have added one."""
    amounts: set[int] = set()

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(), "shelf")
        refs = [world.spawn(kind(shelf), f"adder/{n}") for n in range(adders)]
        for ref in refs:
            world.inject(ref, Go())
        note_ends(world, amounts, lambda view: view[shelf].amount)
        for ref in refs:
            world.invariant(ref, "adds once", lambda state: state.done <= 1)
        world.final("all are done", lambda v: all(v[ref].done for ref in refs))

    return explore(scenario, engine=engine, delivery=delivery), amounts


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_lost_update(engine: Engine, delivery: Network) -> None:
    """A handler that waits has the same ends as two handlers."""
    waiting, amounts = added(Adder, engine, delivery)
    assert waiting.verdict == "verified"
    assert amounts == {1, 2}
    assert added(Pair, engine, delivery)[1] == amounts


def test_three() -> None:
    """So do three handlers."""
    assert added(Adder, "states", "channel", 3)[1] == {1, 2, 3}


def test_two_handlers_at_a_time() -> None:
    """While a handler waits, its actor takes no other message."""

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(), "shelf")
        adder = world.spawn(Adder(shelf), "adder")
        for source in ("x", "y", "z"):
            world.inject(adder, Go(), source=source)
        world.final("none is lost", lambda view: view[shelf].amount == 3)
        world.sometimes("done twice", lambda state: state.done == 2, of=adder)

    for engine, delivery in itertools.product(ENGINES, DELIVERIES):
        result = explore(scenario, engine=engine, delivery=delivery)
        assert result.verdict == "verified", str(result)


@pytest.mark.parametrize("engine", ENGINES)
def test_asker_of_one_that_never_answers(engine: Engine) -> None:
    """At rest, a handler that still waits is a fault, which says what it waits for."""

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(sulks=True), "shelf")
        world.inject(world.spawn(Adder(shelf), "adder"), Go())

    result = explore(scenario, engine=engine)
    assert result.violation == "adder: at rest, and waits for shelf to answer Read"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_asker_of_one_that_forgets_to_answer(engine: Engine, delivery: Network) -> None:
    """An asker hears that no answer comes, whatever else the actor owes it."""
    ends: set[object] = set()

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(forgets=True), "shelf")
        adders = [world.spawn(Adder(shelf), name) for name in ("one", "other")]
        for adder in adders:
            world.inject(adder, Go())

        def end(view: View) -> tuple[tuple[int, str], ...]:
            return tuple((view[one].done, view[one].error) for one in adders)

        note_ends(world, ends, end)

    result = explore(scenario, engine=engine, delivery=delivery)
    assert result.verdict == "verified", str(result)
    assert ends == {((1, "NoAnswerError"), (1, "NoAnswerError"))}


class Clerk(Actor[Read]):
    """Sleeps, and then answers on its own, if it has promised that (`promises`)."""

    def __init__(self, *, promises: bool) -> None:
        self._promises = promises

    @receive
    async def read(self, _message: Read) -> None:
        """Answer when it is time, or never."""
        to = self.reply_to if self._promises else None
        await self.sleep(1.0)
        await self.sleep(1.0)
        if to is not None:
            self.reply(to, Amount(5))


class Reader(Actor[Go]):
    """Asks a clerk, and remembers the answer, or that there is none."""

    def __init__(self, clerk: ActorRef[Read]) -> None:
        self.state = AdderState()
        self._clerk = clerk

    @receive
    async def go(self, _message: Go) -> None:
        """Ask."""
        try:
            self.state.done = (await self._clerk.ask(Read())).amount
        except NoAnswerError:
            self.state.error = "none"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("promises", [True, False])
def test_what_a_handler_has_promised_before_it_waits(
    engine: Engine, *, promises: bool
) -> None:
    """A handler that is run again owes the answers that it has promised before."""
    ends: set[str] = set()

    def scenario(world: World) -> None:
        reader = world.spawn(Reader(world.spawn(Clerk(promises=promises))), "reader")
        world.inject(reader, Go())
        note_ends(world, ends, lambda view: f"{view[reader].done}{view[reader].error}")

    assert explore(scenario, engine=engine).verdict == "verified"
    assert ends == ({"5"} if promises else {"0none"})


@pytest.mark.parametrize("engine", ENGINES)
def test_asked_one_fails(engine: Engine) -> None:
    """The failure of the actor asked is raised where the handler waits."""
    ends: set[str] = set()

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(fails=True), "shelf")
        adder = world.spawn(Adder(shelf), "adder")
        world.may_fail(shelf)
        world.inject(adder, Go())
        note_ends(world, ends, lambda view: view[adder].error)

    assert explore(scenario, engine=engine).verdict == "verified"
    assert ends == {"ActorFailedError"}


@pytest.mark.parametrize("engine", ENGINES)
def test_asked_one_crashes(engine: Engine) -> None:
    """Either actor can crash at any point."""
    ends: set[str] = set()

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(), "shelf", supervision=Restart())
        adder = world.spawn(Adder(shelf), "adder", supervision=Restart())
        world.may_crash(shelf, adder)
        world.inject(adder, Go())

        def end(view: View) -> str:
            state = view[adder]
            return f"{state.done}{state.error} {view[shelf].amount}"

        note_ends(world, ends, end)

    assert explore(scenario, engine=engine).verdict == "verified"
    assert ends == {"1 1", "1ActorFailedError 0", "0 0", "0 1", "1 0"}


class Asker(Actor):
    """Asks another actor by its path, and answers every ask."""

    def __init__(self, other: str) -> None:
        self.state = AdderState()
        self._other = other

    @receive
    async def go(self, _message: Go) -> None:
        """Ask the other one."""
        try:
            await self.system.ref(self._other).ask(Read())
        except AskCycleError:
            self.state.error = "cycle"
        self.state.done += 1

    @receive
    def read(self, _message: Read) -> Amount:
        """Answer."""
        return Amount(0)


@pytest.mark.parametrize("engine", ENGINES)
def test_cycle(engine: Engine) -> None:
    """Two that ask each other would wait forever: one is refused, as in production."""
    ends: set[str] = set()

    def scenario(world: World) -> None:
        left = world.spawn(Asker("right"), "left")
        right = world.spawn(Asker("left"), "right")
        world.inject(left, Go())
        world.inject(right, Go())
        note_ends(world, ends, lambda view: f"{view[left].error}-{view[right].error}")

    assert explore(scenario, engine=engine).verdict == "verified"
    assert ends == {"-", "cycle-", "-cycle"}


class Sleeper(Actor):
    """Sleeps, then writes for how long."""

    def __init__(self, delay: float, to: ActorRef[Write]) -> None:
        self._delay = delay
        self._to = to

    @receive
    async def go(self, _message: Go) -> None:
        """Sleep, and write."""
        await self.sleep(self._delay)
        self._to.tell(Write(int(self._delay)))


def test_handler_that_sleeps() -> None:
    """A handler that sleeps continues at any time, or in the order of times."""
    expected: dict[Time, set[int]] = {"untimed": {1, 2}, "ordered": {2}}
    for time, last in expected.items():
        ends: set[int] = set()

        def scenario(world: World, ends: set[int] = ends) -> None:
            shelf = world.spawn(Shelf(), "shelf")
            for delay in (2, 1):
                sleeper = world.spawn(Sleeper(delay, shelf), f"sleeper/{delay}")
                world.inject(sleeper, Go())
            note_ends(world, ends, lambda view: view[shelf].amount)

        assert explore(scenario, time=time).verdict == "verified"
        assert ends == last


def test_replay_of_a_handler_that_waits() -> None:
    """A counterexample has the answers as steps."""

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(), "shelf")
        for number in (1, 2):
            world.inject(world.spawn(Adder(shelf), f"adder/{number}"), Go())
        world.final("none is lost", lambda view: view[shelf].amount == 2)

    result = explore(scenario)
    assert result.violation == "none is lost"
    again = replay(scenario, result.names)
    assert (again.steps, again.violation) == (result.counterexample, "none is lost")


def test_handler_that_differs_when_it_is_run_again() -> None:
    """A handler that waits must be a function of state, message and answers."""
    numbers = itertools.count()

    class Random(Actor):
        def __init__(self, shelf: ActorRef[Read]) -> None:
            self.state = AdderState()
            self._shelf = shelf

        @receive
        async def go(self, _message: Go) -> None:
            """Remember something that is new each time."""
            self.state.done = next(numbers)
            await self._shelf.ask(Read())

    def scenario(world: World) -> None:
        shelf = world.spawn(Shelf(), "shelf")
        world.inject(world.spawn(Random(shelf), "random"), Go())

    with pytest.raises(ExploreError, match="random on Go: it did something else"):
        explore(scenario)


class Impatient(Actor):
    """Asks a shelf, and remembers that the answer was late."""

    def __init__(self, shelf: ActorRef[Read], timeout: float | None) -> None:
        self.state = AdderState()
        self._shelf = shelf
        self._timeout = timeout

    @receive
    async def go(self, _message: Go) -> None:
        """Ask, and tell the result."""
        try:
            await self._shelf.ask(Read(), timeout=self._timeout)
        except AskTimeoutError:
            self.state.error = "late"
        self.state.done += 1


@pytest.mark.parametrize("engine", ENGINES)
def test_ask_with_a_timeout_of_its_own(engine: Engine) -> None:
    """An ask may expire at its timeout; the System's patience never ends."""
    for timeout, expected in ((2.0, {"", "late"}), (None, {""})):
        ends: set[str] = set()

        def scenario(
            world: World, timeout: float | None = timeout, ends: set[str] = ends
        ) -> None:
            shelf = world.spawn(Shelf(), "shelf")
            one = world.spawn(Impatient(shelf, timeout), "one")
            world.inject(one, Go())
            note_ends(world, ends, lambda view: view[one].error)

        result = explore(scenario, engine=engine)
        assert result.verdict == "verified"
        assert ends == expected


class Patient(Actor):
    """Asks a shelf for three seconds, and remembers that it was late."""

    def __init__(self, shelf: ActorRef[Read]) -> None:
        self.state = AdderState()
        self._shelf = shelf

    @receive
    async def go(self, _message: Go) -> None:
        """Ask one that may answer, or not."""
        try:
            await self._shelf.ask(Read(), timeout=3.0)
        except AskTimeoutError:
            self.state.error = "late"


def test_expiry_in_the_order_of_times() -> None:
    """Under ordered time an ask expires only if nothing else is left to do."""
    for sulks in (False, True):

        def scenario(world: World, sulks: bool = sulks) -> None:  # noqa: FBT001
            shelf = world.spawn(Shelf(sulks=sulks), "shelf")
            one = world.spawn(Patient(shelf), "one")
            world.inject(one, Go())
            late = "late" if sulks else ""
            world.final("as expected", lambda view: view[one].error == late)

        assert explore(scenario, time="ordered").verdict == "verified"
