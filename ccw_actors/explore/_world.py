"""What a scenario receives: a place for actors, first messages, and properties."""

import inspect
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from ccw_actors.explore._coverage import Label
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._result import DeadLetter, Network
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Delivery,
    Message,
    SteppingDispatcher,
    System,
)
from ccw_actors.runtime.stepping import Envelope
from ccw_actors.transport import tag_of

if TYPE_CHECKING:
    from ccw_actors.explore._view import View
    from ccw_actors.runtime import Mailbox, Supervision

__all__ = ["Event", "Follower", "Properties", "Scenario", "World"]


Q = TypeVar("Q", bound=Message)


class Event(NamedTuple):
    """One step as a monitor sees it: who handled what from whom, and what was sent.

    `sent` has pairs of a recipient's path and a message. With `crash` the actor has
    failed on the message, or between two: then `message` is None.
    """

    actor: str
    sender: str
    message: Message | None
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
    only_changes: bool = False


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
        self.forbids_dead_letters = False

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
        self.unhandled: dict[DeadLetter, None] = {}
        self.lost: list[DeadLetter] = []
        self.dispatcher.on_lost(self._note_lost)

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

        It may come at any time. What one actor is sent from one `source` keeps its
        order, but on an unordered network. Nobody gets it if the actor has ended,
        whoever is spawned at its path then. An answer goes to the actor at the path
        `source`, if there is one. Raises `ExploreError` if the actor of the reference
        is not there.
        """
        if not ref.is_alive:
            raise ExploreError(f"cannot inject into {ref.path!r}: no actor is there")
        payload = self.system.codec.encode(message)
        self.injected.append((ref.address, source, payload))
        tables = self.dispatcher.handlers_at(ref.path)
        if not any(type(message) in table for table in tables):
            name = type(message).__name__
            self.unhandled[DeadLetter(ref.path, name, "no handler takes it")] = None

    def invariant(self, ref: ActorRef[Any], name: str, predicate: Predicate) -> None:
        """Have `predicate` hold for the state of one actor, whenever it is alive.

        An actor without `state` is given itself. Raises `ExploreError` for a predicate
        that is async, as every property does.
        """
        _check_plain(name, predicate)
        self.properties.invariants.setdefault(ref.path, []).append((name, predicate))

    def system_invariant(self, name: str, predicate: SystemPredicate) -> None:
        """Have `predicate` hold for all actors together, between any two messages."""
        _check_plain(name, predicate)
        self.properties.system_invariants.append((name, predicate))

    def final(self, name: str, predicate: SystemPredicate) -> None:
        """Have `predicate` hold for all actors together when nothing is left to do."""
        _check_plain(name, predicate)
        self.properties.finals.append((name, predicate))

    def sometimes(
        self,
        name: str,
        predicate: Callable[[Any], object],
        *,
        of: ActorRef[Any] | None = None,
    ) -> None:
        """Have `predicate` hold at least once; otherwise the scenario tests nothing.

        It is given the state of one actor (`of`), or all actors together. Raises
        `ExploreError` for a name that another one has.
        """
        _check_plain(name, predicate)
        if name in self.properties.sometimes or name in self.properties.sometimes_of:
            raise ExploreError(f"there is a `sometimes` {name!r} already")
        if of is None:
            self.properties.sometimes[name] = predicate
        else:
            self.properties.sometimes_of[name] = (of.path, predicate)

    def monitor(
        self,
        initial: Hashable,
        update: Update,
        *,
        of: ActorRef[Any] | None = None,
        only_changes: bool = False,
    ) -> None:
        """Have `update` follow every step; `View.monitor` is what it returned last.

        `update(value, event)` returns the next value, immutable and hashable. A monitor
        `of` one actor follows the steps of that one only, and so comes to the same in
        all orders that differ for no actor. With `only_changes` it does not follow a
        step that changes no actor and sends nothing; where `noops` are kept no other
        monitor is possible. Raises `ExploreError` if there is a monitor already.
        """
        _check_plain("the monitor", update)
        if self.properties.monitor is not None:
            raise ExploreError("there is a monitor already: have one follow all")
        path = None if of is None else of.path
        self.properties.monitor = Follower(initial, update, path, only_changes)

    def _note_lost(self, path: str, envelope: Envelope, reason: str) -> None:
        self.lost.append(DeadLetter(path, tag_of(envelope.payload), reason))

    def no_dead_letters(self) -> None:
        """Have no message be lost, whoever it was for: a dead letter is a fault then.

        Otherwise those are listed in `Result.dead_letters`.
        """
        self.properties.forbids_dead_letters = True

    def may_fail(self, ref: ActorRef[Any]) -> None:
        """Let an actor's handlers raise: its supervision then decides.

        Any other actor that raises refutes the scenario.
        """
        self.properties.may_fail.add(ref.path)

    def label(self, ref: ActorRef[Any], label: Label) -> None:
        """Have `label` name the states of an actor in `Result.coverage`."""
        self.properties.labels[ref.path] = label

    def may_crash(self, *refs: ActorRef[Any], budget: int = 1) -> None:
        """Let these actors crash, `budget` times all together and at any time.

        One that crashes on a message fails before it has done anything, and the message
        is lost. One that crashes between two messages loses none but what a handler of
        it has in hand that waits; that happens as long as something else is to come.
        Its supervision decides what comes then: an actor that begins again has its
        first `state`, and what it had in `persistent`. Each call has a budget of its
        own.
        """
        if not refs or budget < 1:
            raise ExploreError("crashes need an actor and a budget of at least 1")
        self.properties.crashes.append((frozenset(r.path for r in refs), budget))


def _check_plain(name: str, predicate: object) -> None:
    """Raise `ExploreError` for a coroutine function: what it returns is always true."""
    call = getattr(type(predicate), "__call__", None)  # noqa: B004 - an instance's class
    if inspect.iscoroutinefunction(predicate) or inspect.iscoroutinefunction(call):
        raise ExploreError(f"{name!r} is async, and nobody awaits it: make it plain")


Scenario: TypeAlias = Callable[[World], None]
