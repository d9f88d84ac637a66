"""A context variable that a handler leaves changed is hidden state, refused by name."""

import decimal
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.explore import Engine, HiddenStateError, View, World, explore
from ccw_actors.runtime import Actor, ActorRef, Message, Request, Restart, receive

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")

role = ContextVar("role", default="nobody")


class Poke(Message, frozen=True):
    """Has something done."""


class Answer(Message, frozen=True):
    """The role that the answering actor has."""

    role: str


class Ask(Request[Answer], frozen=True):
    """Asks for it."""


class Seen(Struct):
    """Which roles were seen."""

    roles: tuple[str, ...] = ()


class Poked(Actor[Poke]):
    """Notes its role when it is poked."""

    state: Seen

    def __init__(self) -> None:
        self.state = Seen()

    @receive
    def poke(self, _message: Poke) -> None:
        """Note it."""
        self.note()

    def note(self) -> None:
        """Note the present role."""
        self.state.roles = (*self.state.roles, role.get())


class Leaves(Poked):
    """Leaves the variable changed."""

    @receive
    def poke(self, _message: Poke) -> None:
        """Set it."""
        role.set("poked")


class SetsBack(Poked):
    """Sets it back."""

    @receive
    def poke(self, _message: Poke) -> None:
        """Set it for a while."""
        token = role.set("poked")
        self.note()
        role.reset(token)


class Divides(Poked):
    """Uses decimal's settings as they are."""

    @receive
    def poke(self, _message: Poke) -> None:
        """Divide, which puts decimal's settings into the context, and raises flags."""
        self.state.roles = (str(decimal.Decimal(1) / 3),)


class Rounds(Poked):
    """Changes decimal's settings for good."""

    @receive
    def poke(self, _message: Poke) -> None:
        """Have three digits from now on."""
        decimal.getcontext().prec = 3


class Teller(Actor[Ask]):
    """Tells its role."""

    @receive
    def ask(self, _message: Ask) -> Answer:
        """Tell it."""
        return Answer(role.get())


class Waits(Poked):
    """Asks in the middle of a role; `leaves` says whether it stays in it."""

    def __init__(self, *, leaves: bool = False) -> None:
        super().__init__()
        self._leaves = leaves

    @receive
    async def poke(self, _message: Poke) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Ask."""
        token = role.set("asker")
        answer = await self.system.ref("teller").ask(Ask())
        self.note()
        self.state.roles = (*self.state.roles, answer.role)
        if not self._leaves:
            role.reset(token)


class WaitsFirst(Poked):
    """Notes its role before and after a role that it waits in."""

    @receive
    async def poke(self, _message: Poke) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Note, ask in a role, and note again."""
        self.note()
        token = role.set("asker")
        await self.system.ref("teller").ask(Ask())
        role.reset(token)
        self.note()


def explored(make: Callable[[], Actor[Any]], engine: Engine, **more: Any) -> None:
    """Explore an actor that is poked three times, beside one that is asked."""

    def scenario(world: World) -> None:
        world.spawn(Teller(), "teller")
        ref = world.spawn(make(), "poked", supervision=Restart())
        for _ in range(3):
            world.inject(ref, Poke())
        world.invariant(ref, "its own role", lambda state: "teller" not in state.roles)
        world.may_crash(ref)

    assert explore(scenario, engine=engine, **more).verdict == "verified"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Leaves, "the context variable 'role'"),
        (Rounds, "the context variable 'decimal_context'"),
        (lambda: Waits(leaves=True), "the context variable 'role'"),
    ],
    ids=["plain", "decimal", "async"],
)
def test_variable_is_named(
    make: Callable[[], Actor[Any]], name: str, engine: Engine
) -> None:
    """The error names the variable that a handler has left changed."""
    with pytest.raises(HiddenStateError, match="move that into `state`") as caught:
        explored(make, engine)
    assert caught.value.attributes == (name,)
    assert caught.value.actor == "poked"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("recheck", [1, 0])
@pytest.mark.parametrize(
    "make",
    [Poked, SetsBack, Divides, Waits, WaitsFirst],
    ids=lambda made: made.__name__,
)
def test_variable_that_is_set_back(
    make: Callable[[], Actor[Any]], recheck: int, engine: Engine
) -> None:
    """A variable that is reset in the end, even after a wait, is not state."""
    explored(make, engine, recheck=recheck)


@pytest.mark.parametrize("engine", ENGINES)
def test_abandoned_handlers_leave_nothing(engine: Engine) -> None:
    """No handler sees a variable that an abandoned handler has set."""

    def scenario(world: World) -> None:
        world.spawn(Teller(), "teller")
        ref = world.spawn(WaitsFirst(), "poked", supervision=Restart())
        for _ in range(2):
            world.inject(ref, Poke())
        world.invariant(ref, "nobody", lambda state: set(state.roles) <= {"nobody"})
        world.may_crash(ref, budget=2)

    result = explore(scenario, engine=engine)
    assert result.verdict == "verified"


def in_role(ref: ActorRef[Poke], name: str) -> Callable[[View], bool]:
    """Return a property: that an actor has been in that role alone."""
    return lambda view: view[ref].roles == (name,)


def test_spawner_in_another_role() -> None:
    """Each actor keeps the variables that it was spawned with, and differs by them."""

    def scenario(world: World) -> None:
        for name in ("a", "b"):
            token = role.set(name)
            ref = world.spawn(Poked(), name)
            role.reset(token)
            world.inject(ref, Poke())
            world.final(f"{name} in its role", in_role(ref, name))

    assert explore(scenario).verdict == "verified"
