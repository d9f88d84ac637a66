"""What a scenario receives: a place for actors, first messages, and properties."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ccw_actors.explore.coverage import Label
from ccw_actors.explore.errors import ExploreError
from ccw_actors.explore.result import Network
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Delivery,
    Message,
    SteppingDispatcher,
    System,
)

if TYPE_CHECKING:
    from ccw_actors.explore.view import View
    from ccw_actors.runtime import Mailbox, Supervision
    from ccw_actors.runtime.actor import Q

__all__ = ["Event", "Follower", "Properties", "Scenario", "World"]


class Event(NamedTuple):
    """One step as a monitor sees it: who handled what from whom, and what was sent.

    `sent` has pairs of a recipient's path and a message. With `crash` the actor has
    failed on the message.
    """

    actor: str
    sender: str
    message: Message
    sent: tuple[tuple[str, Message], ...]
    crash: bool = False


Predicate: TypeAlias = Callable[[Any], object]
SystemPredicate: TypeAlias = "Callable[[View], object]"
Update: TypeAlias = Callable[[Any, Event], Hashable]


class Follower(NamedTuple):
    """A monitor as it was declared; `of` is the path of the one actor it follows."""

    initial: Hashable
    update: Update
    of: str | None = None


class ClockWatch(System):
    """A System that notes whether a handler reads its clock."""

    was_read = False

    def now(self) -> float:
        """Return the time, which stands at 0."""
        self.was_read = True
        return super().now()


class Properties:
    """What is to hold; each property has a name, under which a fault is reported."""

    def __init__(self) -> None:
        self.invariants: dict[str, list[tuple[str, Predicate]]] = {}
        self.system_invariants: list[tuple[str, SystemPredicate]] = []
        self.finals: list[tuple[str, SystemPredicate]] = []
        self.sometimes: dict[str, SystemPredicate] = {}
        self.sometimes_of: dict[str, tuple[str, Predicate]] = {}
        self.monitor: Follower | None = None
        self.may_fail: set[str] = set()
        self.labels: dict[str, Label] = {}
        self.crashes: list[tuple[frozenset[str], int]] = []

    def over_several(self) -> tuple[str, ...]:
        """Return the names of those that look at several actors at once."""
        names = [name for name, _ in self.system_invariants]
        names += self.sometimes
        return (*names, *self.follows_several())

    def follows_several(self) -> tuple[str, ...]:
        """Return a name for the monitor if it follows every actor."""
        follows = self.monitor is not None and self.monitor.of is None
        return ("the monitor",) if follows else ()


class World:
    """Where a scenario puts its actors, and says what has to be true of them.

    Predicates must not change what they are given. `system` is a System that nothing
    moves but the explorer; `delivery` is how it will deliver.
    """

    def __init__(self, delivery: Network) -> None:
        self.delivery = delivery
        stepping: Delivery = "mailbox" if delivery == "mailbox" else "channel"
        self.dispatcher = SteppingDispatcher(stepping)
        self.system = ClockWatch(self.dispatcher)
        self.properties = Properties()
        self.injected: list[tuple[str, str, bytes]] = []

    def spawn(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        path: str | None = None,
        *,
        supervision: "Supervision | None" = None,
        mailbox: "Mailbox | None" = None,
    ) -> "ActorRef[Q]":
        """Start an actor; see `System.spawn`."""
        return self.system.spawn(actor, path, supervision=supervision, mailbox=mailbox)

    def inject(self, ref: ActorRef[Any], message: Message, source: str = "") -> None:
        """Send a message from outside.

        What comes from one `source` keeps its order; under channel delivery different
        sources do not. An answer goes to the actor at that path, if there is one.
        """
        if not self.system.is_alive(ref.path):
            raise ExploreError(f"cannot inject into {ref.path!r}: no actor is there")
        payload = self.system.codec.encode(message)
        self.injected.append((ref.path, source, payload))

    def invariant(self, ref: ActorRef[Any], name: str, predicate: Predicate) -> None:
        """Have `predicate` hold for the state of one actor, whenever it is alive.

        An actor without `state` is given itself.
        """
        self.properties.invariants.setdefault(ref.path, []).append((name, predicate))

    def system_invariant(self, name: str, predicate: SystemPredicate) -> None:
        """Have `predicate` hold for all actors together, between any two messages."""
        self.properties.system_invariants.append((name, predicate))

    def final(self, name: str, predicate: SystemPredicate) -> None:
        """Have `predicate` hold for all actors together when nothing is left to do."""
        self.properties.finals.append((name, predicate))

    def sometimes(
        self,
        name: str,
        predicate: Callable[[Any], object],
        *,
        of: ActorRef[Any] | None = None,
    ) -> None:
        """Have `predicate` hold at least once; otherwise the scenario tests nothing.

        It is given the state of one actor (`of`), or all actors together.
        """
        if of is None:
            self.properties.sometimes[name] = predicate
        else:
            self.properties.sometimes_of[name] = (of.path, predicate)

    def monitor(
        self, initial: Hashable, update: Update, *, of: ActorRef[Any] | None = None
    ) -> None:
        """Have `update` follow every step; `View.monitor` is what it returned last.

        `update(value, event)` returns the next value, immutable and hashable. A monitor
        `of` one actor follows the steps of that one only, and so comes to the same in
        all orders that differ for no actor.
        """
        path = None if of is None else of.path
        self.properties.monitor = Follower(initial, update, path)

    def may_fail(self, ref: ActorRef[Any]) -> None:
        """Let an actor's handlers raise: its supervision then decides.

        Any other actor that raises refutes the scenario.
        """
        self.properties.may_fail.add(ref.path)

    def label(self, ref: ActorRef[Any], label: Label) -> None:
        """Have `label` name the states of an actor in `Result.coverage`."""
        self.properties.labels[ref.path] = label

    def may_crash(self, *refs: ActorRef[Any], budget: int = 1) -> None:
        """Let these actors crash, `budget` times all together and at any message.

        One that crashes fails on the message before it has done anything, and its
        supervision decides what comes then. Each call has a budget of its own.
        """
        if not refs or budget < 1:
            raise ExploreError("crashes need an actor and a budget of at least 1")
        self.properties.crashes.append((frozenset(r.path for r in refs), budget))


Scenario: TypeAlias = Callable[[World], None]
