"""Spawns actors: creates them and their cells."""

import inspect
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, cast

import pykka

from ccw_actors.errors import ActorStoppedError, CcwActorsError, DispatcherError
from ccw_actors.runtime._actor import Actor
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.handlers import spec_of
from ccw_actors.runtime._cell.host import Host
from ccw_actors.runtime._cell.own_context import own_context
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._kernel.missing_children import accepts_missing
from ccw_actors.runtime._provider import KernelProvider
from ccw_actors.runtime._references import References
from ccw_actors.runtime._shutdown import Shutdown
from ccw_actors.runtime._threads.pykka_cell import PykkaCell
from ccw_actors.runtime._threads.thread_cell import ThreadCell
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.supervision import (
    Escalate,
    Stop,
    Supervision,
    check_supervision,
)

if TYPE_CHECKING:
    from ccw_actors.runtime._actor import Q

__all__ = ["Spawner"]


class Spawner:
    """Spawns the actors of one System; `System` says what each method raises.

    `mailbox` is the default.
    """

    def __init__(
        self,
        *,
        system: Host,
        kernel: Kernel,
        references: References,
        provider: KernelProvider,
        shutdown: Shutdown,
        mailbox: Mailbox,
    ) -> None:
        self._system = system
        self._kernel = kernel
        self._references = references
        self._provider = provider
        self._shutdown = shutdown
        self._mailbox = mailbox

    def actor(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        name: str | None,
        parent: Cell | None,
        supervision: Supervision | None,
        mailbox: Mailbox | None,
    ) -> Cell:
        """Start an actor at a path, or as a child of another; see `System.spawn`."""
        cell = self._cell(actor, name, parent, supervision, mailbox)
        if parent is not None:
            children = parent.children
            if children is None:
                parent.children = children = {}
            children[cell.path] = cell
        if self._kernel.observers.present:
            self._kernel.observers.spawned(cell.path)
        self._kernel.supervisor.start(cell)
        self._kernel.missing.spawned(cell)
        return cell

    def thread(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        path: str | None,
        supervision: Supervision | None,
        mailbox: Mailbox | None,
    ) -> Cell:
        """Start an actor in its own thread; see `System.spawn_thread`."""
        context = own_context()
        made = _made(actor, context)
        self._check_threads(type(made).__name__, path)
        _check_blocks(made)
        cell = self._cell(
            actor, path, None, supervision, mailbox, context=context, made=made
        )
        assert isinstance(cell, ThreadCell), "it is an actor in a thread"
        self._shutdown.add(cell)
        self._kernel.observers.spawned(cell.path)
        try:
            cell.start()
        except RuntimeError as error:
            self._kernel.ending.end(cell, "its thread cannot be started")
            raise CcwActorsError(
                f"{cell.path}: its thread cannot be started: {error}"
            ) from error
        self._kernel.missing.spawned(cell)
        return cell

    def bridge(
        self,
        actor: "pykka.ActorRef[Any]",
        path: str,
        accepts: Any,
        *,
        stop: bool,
        mailbox: Mailbox | None,
    ) -> Cell:
        """Give a foreign Pykka actor a cell; see `System.bridge`."""
        self._check_threads(type(actor).__name__, path)
        self._check_may_spawn(path)
        self._kernel.registry.check_free(path)
        cell = PykkaCell(
            path,
            self._references.decoder(accepts),
            self._kernel,
            policy=mailbox or self._mailbox,
            foreign=actor,
            incarnation=self._kernel.registry.next_incarnation(path),
            stops=stop,
        )
        self._kernel.registry.add(cell)
        self._shutdown.add(cell)
        self._provider.add_foreign(cell)
        self._kernel.observers.spawned(path)
        cell.look_after()
        self._kernel.missing.spawned(cell)
        return cell

    def _cell(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        name: str | None,
        parent: Cell | None,
        supervision: Supervision | None,
        mailbox: Mailbox | None,
        *,
        context: Context | None = None,
        made: "Actor[Q] | None" = None,
    ) -> Cell:
        """Create a cell and register it; with a thread if the actor is already `made`.

        An actor that is created here is created in its own `context`.
        """
        if context is None:
            context = own_context()
        thread = made is not None
        if made is None:
            made = _made(actor, context)
        registry = self._kernel.registry
        if parent is not None and not registry.has(parent):
            raise ActorStoppedError(f"{parent.path} has ended and cannot spawn")
        path = self._free_path(name, type(made).__name__, parent)
        decision = Stop() if supervision is None else supervision
        make = self._thread_cell if thread else self._plain_cell
        policy = self._mailbox if mailbox is None else mailbox
        cell = make(path, made, policy, decision, context)
        if parent is not None:
            cell.parent = parent
        made.bind(self._system, cell)
        if not isinstance(decision, Stop | Escalate):
            cell.make = _maker(actor, made)
            cell.origin = own_context()
        self._keep_for_children(cell)
        registry.add(cell)
        return cell

    def _plain_cell(
        self,
        path: str,
        made: "Actor[Any]",
        policy: Mailbox,
        supervision: Supervision,
        context: Context,
    ) -> Cell:
        """Create a cell whose actor the dispatcher runs."""
        decode = self._references.decoder(spec_of(made).accepts)
        check_supervision(supervision)
        return Cell(
            path,
            made,
            decode,
            queue=self._kernel.dispatcher,
            policy=policy,
            supervision=supervision,
            incarnation=self._kernel.registry.next_incarnation(path),
            context=context,
        )

    def _thread_cell(
        self,
        path: str,
        made: "Actor[Any]",
        policy: Mailbox,
        supervision: Supervision,
        context: Context,
    ) -> Cell:
        """Create a cell with its own thread, which runs the actor."""
        decode = self._references.decoder(spec_of(made).accepts)
        check_supervision(supervision)
        return ThreadCell(
            path,
            made,
            decode,
            self._kernel,
            policy=policy,
            supervision=supervision,
            incarnation=self._kernel.registry.next_incarnation(path),
            context=context,
        )

    def _free_path(self, name: str | None, kind: str, parent: Cell | None) -> str:
        """Return the path of a new actor, from its class if it has no name."""
        registry = self._kernel.registry
        self._check_may_spawn(kind if name is None else name)
        if name is None:
            name = registry.free_name(kind, parent)
        path = name if parent is None else f"{parent.path}/{name}"
        registry.check_free(path if name else "")
        return path

    def _check_may_spawn(self, path: str) -> None:
        if not self._kernel.running_here().own:
            raise DispatcherError(f"cannot spawn {path!r}: not on the System's thread")
        if self._shutdown.begun:
            raise CcwActorsError(f"cannot spawn {path!r}: the System is shutting down")

    def _keep_for_children(self, cell: Cell) -> None:
        """Keep references to children that are not there, if an actor accepts that.

        Raises `DispatcherError` if letters for them cannot be kept, or not be used.
        """
        if not accepts_missing(cell.actor):
            return
        why = ""
        if self._kernel.dispatcher.restores:
            why = (
                "no snapshot of the stepping dispatcher has the letters for children"
                " that are not there: spawn an actor whose children are there from the"
                " start"
            )
        elif isinstance(cell, ThreadCell):
            why = "an actor in its own thread cannot spawn children: spawn it here"
        if why:
            name = type(cell.actor).__name__
            raise DispatcherError(
                f"{cell.path}: {name} accepts MissingChild, but {why}"
            )
        self._kernel.registry.keep(cell.path)

    def _check_threads(self, name: str, path: str | None) -> None:
        if self._kernel.dispatcher.loop is None:
            raise DispatcherError(
                f"{path or ''}: {name} needs a thread, and only a System on the"
                " event loop has threads: use a form of it that does not block, or, to"
                " explore schedules, an actor in its place whose answers are messages"
                " (docs/explore/pykka.md)"
            )


def _made(actor: Any, context: Context) -> Actor[Any]:
    made: object = actor
    if not isinstance(actor, Actor) and callable(actor):
        made = context.run(cast("Callable[[], object]", actor))
    if not isinstance(made, Actor):
        raise TypeError(
            "expected an Actor, or a function without arguments that makes one,"
            f" got {made!r}"
        )
    return made  # pyright: ignore[reportUnknownVariableType]


def _check_blocks(made: Actor[Any]) -> None:
    """Raise `DispatcherError` for an actor with async handlers or hooks."""
    tables = spec_of(made).tables.values()
    methods = [method for table in tables for method in table.values()]
    for method in (*methods, made.on_start, made.on_restart, made.on_stop):
        if inspect.iscoroutinefunction(method):
            raise DispatcherError(
                f"{type(made).__name__}.{method.__name__} is async, and no event"
                " loop runs in a thread: make it block, or spawn the actor here"
            )


def _maker(
    actor: "Actor[Q] | Callable[[], Actor[Q]]", made: "Actor[Q]"
) -> "Callable[[], Actor[Q]]":
    """Return the function that creates the actor again at a restart."""
    if not isinstance(actor, Actor):
        return actor
    if made.snapshot() is None:
        raise CcwActorsError(
            f"{made.path} has no state to restart with: spawn the class"
            f" {type(made).__name__}, or a function that makes one, or give it a state"
        )
    return made.first_again()
