"""The `World` of a scenario: its actors, first messages, and properties."""

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
    """One step as a monitor sees it: actor, sender, message, and the messages sent.

    `sent` has pairs of a recipient's path and a message. With `crash` the actor has
    failed on the message, or between two messages: then `message` is None.
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
    """A System that records whether a handler reads its clock."""

    was_read = False

    def now(self) -> float:
        """Return the time, which is always 0."""
        self.was_read = True
        return super().now()


class Properties:
    """The properties of a scenario, each with the name under which it is reported."""

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
        """Return the names of the properties over several actors."""
        names = [name for name, _ in self.system_invariants]
        names += self.sometimes
        return (*names, *self.follows_several())

    def follows_several(self) -> tuple[str, ...]:
        """Return a name for the monitor if it follows every actor."""
        follows = self.monitor is not None and self.monitor.of is None
        return ("the monitor",) if follows else ()


class World:
    """Where a scenario spawns its actors, and states what must be true of them.

    Predicates must not change their argument. `system` is a System in which only the
    explorer takes steps; `delivery` is its kind of delivery.
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

        It may come at any time. Messages from one `source` to one actor keep their
        order, except on an unordered network. If the actor has ended, the message is
        lost, even if another actor was spawned at its path. An answer goes to the actor
        at the path `source`, if there is one. Raises `ExploreError` if the actor of the
        reference does not exist.
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
        """Require `predicate` of the state of one actor, whenever it is alive.

        An actor without `state` is itself the argument. Raises `ExploreError` for an
        async predicate, as every property does.
        """
        _check_plain(name, predicate)
        self.properties.invariants.setdefault(ref.path, []).append((name, predicate))

    def system_invariant(self, name: str, predicate: SystemPredicate) -> None:
        """Require `predicate` of all actors together, between any two messages."""
        _check_plain(name, predicate)
        self.properties.system_invariants.append((name, predicate))

    def final(self, name: str, predicate: SystemPredicate) -> None:
        """Require `predicate` of all actors together, when nothing is left to do."""
        _check_plain(name, predicate)
        self.properties.finals.append((name, predicate))

    def sometimes(
        self,
        name: str,
        predicate: Callable[[Any], object],
        *,
        of: ActorRef[Any] | None = None,
    ) -> None:
        """Require that `predicate` holds once; otherwise the scenario is vacuous.

        Its argument is the state of one actor (`of`), or all actors together. Raises
        `ExploreError` for a name that another `sometimes` has.
        """
        _check_plain(name, predicate)
        if name in self.properties.sometimes or name in self.properties.sometimes_of:
            raise ExploreError(f"a `sometimes` {name!r} exists already")
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
        """Call `update` after every step; `View.monitor` is the last value.

        `update(value, event)` returns the next value, immutable and hashable. A monitor
        `of` one actor follows the steps of that one only, so its values are the same in
        all schedules of a class. With `only_changes` it does not follow a step that
        changes no actor and sends nothing; where `noops` are kept, no other monitor is
        possible. Raises `ExploreError` if there is a monitor already.
        """
        _check_plain("the monitor", update)
        if self.properties.monitor is not None:
            raise ExploreError("a monitor exists already: let one follow everything")
        path = None if of is None else of.path
        self.properties.monitor = Follower(initial, update, path, only_changes)

    def _note_lost(self, path: str, envelope: Envelope, reason: str) -> None:
        self.lost.append(DeadLetter(path, tag_of(envelope.payload), reason))

    def no_dead_letters(self) -> None:
        """Forbid lost messages: each dead letter is a fault.

        Without this, `Result.dead_letters` only lists them.
        """
        self.properties.forbids_dead_letters = True

    def may_fail(self, ref: ActorRef[Any]) -> None:
        """Allow an actor's handlers to raise: its supervision decides what follows.

        Any other actor that raises refutes the scenario.
        """
        self.properties.may_fail.add(ref.path)

    def label(self, ref: ActorRef[Any], label: Label) -> None:
        """Use `label` to name the states of an actor in `Result.coverage`."""
        self.properties.labels[ref.path] = label

    def may_crash(self, *refs: ActorRef[Any], budget: int = 1) -> None:
        """Let these actors crash at any time, in total `budget` times.

        An actor that crashes on a message fails before it has done anything, and the
        message is lost. A crash between two messages loses only the message of a
        handler that waits; it happens only while other steps are possible. The actor's
        supervision decides what follows: an actor that restarts has its first
        `state`, and keeps `persistent`. Each call has its own budget.
        """
        if not refs or budget < 1:
            raise ExploreError("crashes need an actor and a budget of at least 1")
        self.properties.crashes.append((frozenset(r.path for r in refs), budget))


def _check_plain(name: str, predicate: object) -> None:
    """Raise `ExploreError` for a coroutine function: its result is always true."""
    call = getattr(type(predicate), "__call__", None)  # noqa: B004 - an instance's class
    if inspect.iscoroutinefunction(predicate) or inspect.iscoroutinefunction(call):
        raise ExploreError(
            f"{name!r} is async, and nobody awaits it: make it a plain function"
        )


Scenario: TypeAlias = Callable[[World], None]
