"""What is seen of one scenario is seen of another one, or is not."""

from collections.abc import Hashable

import pytest
from msgspec import Struct

from ccw_actors.explore import (
    Event,
    ExploreError,
    Network,
    Reference,
    Scenario,
    World,
    explore,
    refines,
)
from ccw_actors.runtime import Actor, ActorRef, Message, Request, receive

DELIVERIES: tuple[Network, ...] = ("channel", "mailbox")


class Value(Message, frozen=True):
    """What is in the register."""

    value: int


class Read(Request[Value], frozen=True):
    """Asks for the value."""


class Write(Request[Value], frozen=True):
    """Sets the value; answered by it."""

    value: int


class Copied(Message, frozen=True):
    """A value that another one has."""

    value: int


class Cell(Struct):
    """A value."""

    value: int = 0


class Register(Actor[Read | Write | Copied]):
    """Keeps a value, and sends each to a copy if there is one."""

    state: Cell

    def __init__(self, copy: ActorRef[Copied] | None = None) -> None:
        self.state = Cell()
        self._copy = copy

    @receive
    def read(self, _message: Read) -> Value:
        """Answer."""
        return Value(self.state.value)

    @receive
    def write(self, message: Write) -> Value:
        """Keep it."""
        self.state.value = message.value
        if self._copy is not None:
            self._copy.tell(Copied(message.value))
        return Value(message.value)

    @receive
    def copied(self, message: Copied) -> None:
        """Keep it."""
        self.state.value = message.value


class Progress(Struct):
    """How many requests have been answered."""

    answers: int = 0


class Client(Actor[Value]):
    """Sends its requests one after the other, reads to one register, writes to another.

    With `hurries` it does not wait for answers.
    """

    state: Progress

    def __init__(
        self,
        requests: tuple[Read | Write, ...],
        reads: ActorRef[Read],
        writes: ActorRef[Write],
        *,
        hurries: bool = False,
    ) -> None:
        self.state = Progress()
        self._requests = requests
        self._reads = reads
        self._writes = writes
        self._hurries = hurries

    def on_start(self) -> None:
        """Send the first one."""
        if self._hurries:
            for number in range(len(self._requests)):
                self._send(number)
        else:
            self._send(0)

    @receive
    def value(self, _message: Value) -> None:
        """Send the next one."""
        self.state.answers += 1
        if not self._hurries:
            self._send(self.state.answers)

    def _send(self, number: int) -> None:
        for request in self._requests[number : number + 1]:
            if isinstance(request, Read):
                self._reads.tell(request)
            else:
                self._writes.tell(request)


def answers(event: Event) -> Hashable | None:
    """See what the clients are answered."""
    return (event.actor, event.message) if event.actor.startswith("client") else None


def scenario(
    *, copies: bool, readers: int = 1, hurries: bool = False, write: int = 1
) -> Scenario:
    """Return a writer that reads what it has written, and readers."""

    def build(world: World) -> None:
        copy = world.spawn(Register(), "copy") if copies else None
        register = world.spawn(Register(copy), "register")
        from_ = copy if copy is not None else register
        world.spawn(Client((Write(write), Read()), from_, register), "client/0")
        for number in range(1, readers + 1):
            world.spawn(
                Client((Read(), Read()), from_, register, hurries=hurries),
                f"client/{number}",
            )

    return build


def compared(one: Scenario, reference: Reference) -> Scenario:
    """Return a scenario that has to refine a reference."""

    def build(world: World) -> None:
        one(world)
        refines(world, "register", reference)

    return build


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_scenario_refines_itself(delivery: Network) -> None:
    """What is seen of a scenario is seen of it."""
    one = scenario(copies=False)
    reference = Reference(one, answers, delivery=delivery)
    result = explore(compared(one, reference), delivery=delivery)
    assert result.verdict == "verified", str(result)


def test_copy_that_lags_behind() -> None:
    """A writer that reads from a copy may not see what it has written.

    Where a message cannot be overtaken by another way, it does.
    """
    reference = Reference(scenario(copies=False), answers)
    copies = scenario(copies=True, readers=0)
    alone = Reference(scenario(copies=False, readers=0), answers)
    assert explore(compared(copies, alone), delivery="mailbox").verdict == "verified"
    result = explore(compared(scenario(copies=True), reference))
    assert result.verdict == "refuted"
    assert result.violation == "register: the reference shows the same"
    last = result.counterexample[-1]
    assert (last.actor, last.message) == ("client/0", "Value(value=0)")


def test_order_between_clients_is_seen() -> None:
    """A client that reads twice after the other one was answered sees what it wrote."""
    reference = Reference(scenario(copies=False), answers)
    first = reference.after(reference.first, ("client/0", Value(1)))
    stale = reference.after(first, ("client/1", Value(0)))
    assert stale, "the answer may have been under way"
    assert reference.after(stale, ("client/1", Value(0))) == 0
    assert reference.after(stale, ("client/1", Value(1))) != 0


def test_reference_with_fewer_orders() -> None:
    """A reference under mailbox delivery shows less than channel delivery does."""
    one = scenario(copies=False, readers=2, hurries=True)
    wide = Reference(one, answers, delivery="channel")
    narrow = Reference(one, answers, delivery="mailbox")
    assert explore(compared(one, wide), delivery="mailbox").verdict == "verified"
    assert explore(compared(one, narrow), delivery="channel").verdict == "refuted"


def test_run_that_ends_too_early() -> None:
    """A run that is over has shown all that the reference has to show."""
    reference = Reference(scenario(copies=False), answers)

    def silent(world: World) -> None:
        world.spawn(Register(), "register")

    result = explore(compared(silent, reference))
    assert result.violation == "register: the reference may have ended"


def test_labels_say_what_was_possible() -> None:
    """What the reference would have shown next can be asked for."""
    reference = Reference(scenario(copies=False, readers=0, write=7), answers)
    label = ("client/0", Value(7))
    assert reference.labels(reference.first) == {label}
    then = reference.after(reference.first, label)
    assert reference.labels(then) == {label}
    assert not reference.may_be_over(then)
    assert reference.may_be_over(reference.after(then, label))
    assert reference.after(then, ("client/0", Value(8))) == 0


def test_reference_that_is_wrong() -> None:
    """A reference that breaks a property of its own is no reference."""

    def wrong(world: World) -> None:
        scenario(copies=False)(world)
        ref = world.system.ref("register")
        world.invariant(ref, "stays 0", lambda state: state.value == 0)

    with pytest.raises(
        ExploreError, match="reference itself is refuted: register: stays 0"
    ):
        explore(compared(scenario(copies=False), Reference(wrong, answers)))


def test_reference_that_is_too_large() -> None:
    """A reference of more states than it may have is not cut off silently."""
    with pytest.raises(ExploreError, match="more than 3 states"):
        Reference(scenario(copies=False), answers, states_max=3)
