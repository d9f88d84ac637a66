"""Implements the methods of actors that need their System."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec

from ccw_actors.errors import ActorStoppedError, DispatcherError, StashError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.handlers import spec_of
from ccw_actors.runtime._drive.owned_tasks import TaskSet
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._references import References
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.envelope import (
    TICK,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Envelope,
    sender_of,
)
from ccw_actors.runtime._values.notices import Terminated
from ccw_actors.runtime._values.reference import ActorRef, ReplyTo
from ccw_actors.runtime._values.timer import SLEEP, Timer
from ccw_actors.transport import Message

__all__ = ["ActorServices"]


class ActorServices:
    """Answers, sets timers, watches, stashes and starts tasks for actors.

    Each method implements the method of `Actor` of that name.
    """

    def __init__(self, kernel: Kernel, references: References) -> None:
        self._kernel = kernel
        self._references = references

    def reply(self, to: ReplyTo[Any], message: Message) -> None:
        """Answer a request; see `Actor.reply`."""
        kernel, ref = self._kernel, to.ref
        running = kernel.running_here()
        asker = self._references.asker(to.system, to.ask)
        if asker and to.ask:
            answer = kernel.delivery.envelope(running, message, to.ask, UNBOUNDED)
            kernel.delivery.send(running, asker, answer)
            return
        address = "" if ref is None else self._references.address_here(ref)
        kernel.delivery.reply(running, address, to.ask, message)

    @property
    def sender(self) -> ActorRef[Any] | None:
        """The sender of the current message; None for the outside."""
        return self._ref_of(sender_of(self._kernel.running_here().letter))

    def reply_to(self, cell: Cell) -> ReplyTo[Any]:
        """The address for a later answer to an actor's current message."""
        letter = self._kernel.running_here().letter
        ask = letter.ask if type(letter) is Envelope else 0
        if ask:
            cell.owe(ask, self._kernel.asks.is_pending)
        return ReplyTo(self._ref_of(sender_of(letter)), ask, self._references.name)

    def set_timer(
        self, cell: Cell, delay: float, message: Message, interval: float = 0.0
    ) -> int:
        """Send a message to an actor after `delay` seconds; see `Actor.after`."""
        kernel = self._kernel
        envelope = kernel.delivery.envelope(kernel.running_here(), message)
        kind, stamp = UNBOUNDED, envelope.stamp
        if interval:
            kind = TICK
            if stamp is not None:  # The trace in which it was set would never end.
                stamp = msgspec.structs.replace(stamp, traceparent="")
        due = self._kernel.dispatcher.now() + delay
        timer = Timer(due, envelope.payload, stamp, kind, interval)
        return kernel.set_timer(cell, timer)

    def set_sleep(self, cell: Cell, delay: float) -> int:
        """Wake the handler of an actor after `delay` seconds; see `Actor.sleep`."""
        due = self._kernel.dispatcher.now() + delay
        return self._kernel.set_timer(cell, Timer(due, b"", None, SLEEP))

    def cancel_timer(self, cell: Cell, number: int) -> None:
        """Disarm a timer; see `Actor.cancel`."""
        self._kernel.cancel_timer(cell, number)

    def start_task(
        self, cell: Cell, coroutine: Coroutine[Any, Any, Any], name: str
    ) -> "asyncio.Task[Any]":
        """Start a task that an actor owns; see `Actor.start_task`."""
        loop = self._kernel.dispatcher.loop
        if loop is None or not self._kernel.running_here().own:
            coroutine.close()
            raise DispatcherError(
                f"{cell.path}: a task needs the event loop that runs the System,"
                " on its own thread"
            )
        if not self._kernel.registry.has(cell):
            coroutine.close()
            raise ActorStoppedError(f"{cell.path} has ended, and starts no task")
        tasks = cell.tasks
        if tasks is None:
            tasks = cell.tasks = TaskSet(self._task_done)
        assert isinstance(tasks, TaskSet), "there is no other kind of tasks"
        return tasks.start(cell, loop, coroutine, name)

    def watch(self, watcher: Cell, ref: ActorRef[Any], *, watches: bool) -> None:
        """Notify an actor of another one's end; see `Actor.watch`."""
        tables = spec_of(watcher.actor).all()
        if watches and not any(Terminated in handlers for handlers in tables):
            name = type(watcher.actor).__name__
            raise TypeError(
                f"{name} watches {ref.path} but has no handler for Terminated"
            )
        kind = WATCH if watches else UNWATCH
        kernel = self._kernel
        envelope = Envelope(b"", watcher.address, 0, None, kind)
        address = self._references.address_here(ref)
        kernel.delivery.send(kernel.running_here(), address, envelope)

    def stash(self, cell: Cell) -> None:
        """Put an actor's current message aside; see `Actor.stash`."""
        running = self._kernel.running_here()
        envelope = running.envelope
        if envelope is None or running.address != cell.address:
            raise StashError(f"{cell.path} has no current message to stash")
        stash = cell.stash
        if stash and stash[-1] is envelope:
            raise StashError(f"{cell.path} has already stashed this message")
        if len(stash or ()) >= cell.bound:
            raise StashError(f"{cell.path}: its stash is full: {cell.bound} messages")
        running.letter = envelope
        cell.set_aside(envelope)

    def _ref_of(self, sender: str) -> ActorRef[Any] | None:
        """Return the reference of a sender; None for the outside of any System."""
        return self._references.of_address(sender) if path_of(sender) else None

    def _task_done(
        self, cell: Cell, name: str, value: Any, error: BaseException | None
    ) -> None:
        """Deliver the result of an actor's task: a message, or a failure."""
        kernel = self._kernel
        if error is None and not isinstance(value, Message):
            error = TypeError(f"it returned {value!r}, expected a message or None")
        if error is not None:
            kernel.supervisor.fail(cell, f"the task {name}", error)
            return
        envelope = kernel.delivery.envelope(
            kernel.running_here(), value, kind=UNBOUNDED
        )
        own = Envelope(envelope.payload, cell.address, 0, envelope.stamp, UNBOUNDED)
        kernel.delivery.deliver(cell.address, own)
