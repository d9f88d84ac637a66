"""Messages that nobody handles are named, and may be forbidden."""

import pytest

from ccw_actors.explore import DeadLetter, Engine, Network, World, explore
from ccw_actors.runtime import Actor, Message, receive

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")
DELIVERIES: tuple[Network, ...] = ("channel", "mailbox", "unordered")


class Ask(Message, frozen=True):
    """A request."""


class Reply(Message, frozen=True):
    """An answer."""


class End(Message, frozen=True):
    """Has a client end."""


class Server(Actor[Ask]):
    """Answers."""

    @receive
    def ask(self, _message: Ask) -> None:
        """Answer."""
        assert self.sender is not None
        self.sender.tell(Reply())


class Client(Actor[Ask | Reply | End]):
    """Asks, and may end before it has an answer."""

    @receive
    def ask(self, message: Ask) -> None:
        """Ask."""
        self.system.ref("server").tell(message)

    @receive
    def replied(self, _message: Reply) -> None:
        """Take it."""

    @receive
    def end(self, _message: End) -> None:
        """End."""
        self.stop()


def asking(world: World, *, ends: bool = True) -> None:
    """Have a client ask, which may end."""
    world.spawn(Server(), "server")
    client = world.spawn(Client(), "client")
    world.inject(client, Ask(), source="x")
    if ends:
        world.inject(client, End(), source="y")


def strictly(world: World, *, ends: bool = True) -> None:
    """Also forbid dead letters."""
    asking(world, ends=ends)
    world.no_dead_letters()


@pytest.mark.parametrize("engine", ENGINES)
def test_listed(engine: Engine) -> None:
    """They are listed in the result, each once, and are not faults on their own."""
    result = explore(asking, engine=engine)
    assert result.verdict == "verified"
    known = {(one.actor, one.message) for one in result.dead_letters}
    assert known == {("client", "Ask"), ("client", "Reply")}
    assert len(set(result.dead_letters)) == len(result.dead_letters)
    assert explore(lambda world: asking(world, ends=False)).dead_letters == ()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_forbidden(engine: Engine, delivery: Network) -> None:
    """If they are forbidden, one of them is a fault, with its counterexample."""
    result = explore(strictly, engine=engine, delivery=delivery)
    assert result.verdict == "refuted"
    assert result.violation.startswith("a dead letter: ")
    assert result.counterexample
    fine = explore(lambda world: strictly(world, ends=False), engine=engine)
    assert fine.verdict == "verified"


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("source", ["elsewhere", "client"])
def test_answer_to_a_source(delivery: Network, source: str) -> None:
    """An answer to the outside is none; an answer to an ended actor is one."""

    def scenario(world: World) -> None:
        server = world.spawn(Server(), "server")
        world.inject(server, Ask(), source=source)
        world.inject(world.spawn(Client(), "client"), End(), source="x")
        world.no_dead_letters()

    expected = "verified" if source == "elsewhere" else "refuted"
    assert explore(scenario, delivery=delivery).verdict == expected


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_signal_is_no_letter(delivery: Network) -> None:
    """Stopping or watching an ended actor makes no dead letter."""

    class Boss(Actor[Ask]):
        @receive
        def ask(self, _message: Ask) -> None:
            self.system.ref("client").stop()
            self.system.ref("client").stop()

    def scenario(world: World) -> None:
        world.spawn(Client(), "client")
        world.inject(world.spawn(Boss(), "boss"), Ask())
        world.no_dead_letters()

    result = explore(scenario, delivery=delivery)
    assert (result.verdict, result.dead_letters) == ("verified", ())


def test_in_the_scenario_itself() -> None:
    """A message of the scenario to nobody is one from the start."""

    def scenario(world: World) -> None:
        asking(world, ends=False)
        world.system.ref("nobody").tell(Ask())

    (letter,) = explore(scenario).dead_letters
    assert letter == DeadLetter("nobody", "Ask", "there is no such actor")

    def strict(world: World) -> None:
        scenario(world)
        world.no_dead_letters()

    result = explore(strict)
    assert (result.verdict, result.counterexample) == ("refuted", ())
