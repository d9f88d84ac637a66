"""Implements references: sending, asking, offering, and waiting for starts and ends."""

import asyncio
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Final, TypeVar

from ccw_actors.errors import (
    ActorStoppedError,
    DispatcherError,
    MailboxFullError,
)
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._drive.asyncio_internals import EAGER_TASKS
from ccw_actors.runtime._drive.task_waits import settle, start_error, start_of
from ccw_actors.runtime._kernel.back_pressure import Offer
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._shutdown import Shutdown
from ccw_actors.runtime._threads.blocking import BlockedThread
from ccw_actors.runtime._threads.pykka_asks import calling_pykka_actor
from ccw_actors.runtime._threads.pykka_cell import PykkaCell
from ccw_actors.runtime._values.address import is_remote
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.provider import NOBODY, Remote, Target
from ccw_actors.transport import ENCODE_ERRORS, Message, Request

__all__ = ["KernelProvider"]

R = TypeVar("R")

_FOREIGN_MIN: Final = 64


class KernelProvider:
    """Serves the references to the actors of one System; see `ActorRef`.

    The answer itself resumes a waiting async handler, a Future resumes a task of the
    event loop, and a queue a thread. Plain code under a virtual clock or the stepping
    dispatcher runs the System until the answer arrives.
    """

    def __init__(self, name: str, kernel: Kernel, shutdown: Shutdown) -> None:
        self.name = name
        self.encode: Callable[[object], bytes] = kernel.delivery.encode
        self.quick_encode: Callable[[object], bytes] = kernel.delivery.quick_encode
        self.running = kernel.running
        self.quick_thread = kernel.own_thread
        self._kernel = kernel
        self._own_thread = kernel.own_thread
        self._asks = kernel.asks
        self._delivery = kernel.delivery
        self._shutdown = shutdown
        self._foreign: dict[str, str] = {}
        self._foreign_max = _FOREIGN_MIN

    def observed(self) -> None:
        """Note whether messages are stamped: then no thread takes the quick path."""
        stamps = self._kernel.observers.stamps
        self.quick_thread = 0 if stamps else self._kernel.own_thread

    def add_foreign(self, cell: PykkaCell) -> None:
        """Register a Pykka actor under its URN."""
        if len(self._foreign) >= self._foreign_max:
            cells = self._kernel.cells
            there = {urn: one for urn, one in self._foreign.items() if one in cells}
            self._foreign_max = max(_FOREIGN_MIN, 2 * len(there))
            self._foreign = there
        self._foreign[cell.actor_urn] = cell.address

    def tell(self, address: str, message: Message) -> Target:
        """Encode a message and put it into a mailbox; on any thread.

        Returns its target for more messages through the same reference, or `NOBODY`.
        """
        kernel = self._kernel
        running = kernel.running_here()
        envelope = kernel.delivery.envelope(running, message)
        kernel.delivery.send(running, address, envelope)
        nobody: Target = NOBODY
        if not running.own or kernel.dispatcher.restores:
            return nobody
        remote = self._remote(address)
        if remote is not None:
            return remote.target(address)
        return kernel.cells.get(address) or nobody

    def deliver(self, address: str, envelope: Envelope) -> None:
        """Put an envelope into a mailbox; on the System's own thread."""
        self._kernel.delivery.deliver(address, envelope)

    def stop(self, address: str, *, drain: bool) -> None:
        """Stop an actor; on any thread."""
        kernel = self._kernel
        kernel.delivery.stop(kernel.running_here(), address, drain=drain)

    def is_alive(self, address: str) -> bool:
        """Whether an actor exists; on any thread."""
        remote = self._remote(address)
        return (
            address in self._kernel.cells if remote is None else remote.is_up(address)
        )

    # -- asking -------------------------------------------------------------------

    async def ask(self, address: str, request: Request[R], timeout: float | None) -> R:
        """Send a request and wait for its answer."""
        # One coroutine for handlers and tasks: a second one would cost measurable time.
        own = get_ident() == self._own_thread
        running = self.running if own else self._kernel.running_here()
        wait = self._kernel.ask_timeout if timeout is None else timeout
        turn, what = running.turn, type(request)
        future: asyncio.Future[R] | None = None
        if turn is None or (EAGER_TASKS and not turn.is_current()):
            future = self._loop_of(running).create_future()
            settled = partial(settle, future)
            pending = self._asks.begin(address, "", what, wait, None, settled)
        else:
            pending = self._asks.begin(address, running.address, what, wait, turn)
        try:
            if self.quick_thread:
                try:
                    payload = self.quick_encode(request)
                except ENCODE_ERRORS:
                    payload = self.encode(request)
                envelope = Envelope(payload, running.address, pending.number, None)
            else:
                envelope = self._delivery.envelope(running, request, pending.number)
            self._delivery.put_ask(pending, envelope)
            if future is not None:
                return await future
            answer: R = await pending
        except BaseException:
            pending.leave()
            raise
        return answer

    def _loop_of(self, running: Running) -> asyncio.AbstractEventLoop:
        """Return the event loop on which a task may wait for this System."""
        loop: asyncio.AbstractEventLoop | None = self._kernel.dispatcher.loop
        if loop is None:
            raise DispatcherError("no event loop runs this System: ask with block=True")
        if not running.own:
            raise DispatcherError(
                "another thread's event loop runs this System: ask with block=True"
            )
        return loop

    def ask_blocking(
        self, address: str, request: Request[R], timeout: float | None
    ) -> R:
        """Send a request and block until its answer."""
        kernel = self._kernel
        running = kernel.running_here()
        if running.own:
            self._check_may_run(address)
        waiting: BlockedThread[R] = BlockedThread(running.work)
        wait = self._kernel.ask_timeout if timeout is None else timeout
        asker = self._caller(running)
        pending = kernel.asks.question(
            address, asker, type(request), wait, waiting.settle
        )
        envelope = kernel.delivery.envelope(running, request, pending.number)
        if running.own:
            self._run_until_answered(pending, envelope, waiting.is_settled)
            return waiting.outcome()

        def ask() -> None:
            waiting.begin()
            kernel.delivery.ask_late(pending, envelope, block=bool(asker))

        kernel.calls.call(ask)
        return waiting.wait(
            kernel.dispatcher,
            wait,
            lambda age: kernel.asks.timeout_error(pending, age),
        )

    def _run_until_answered(
        self, pending: Pending, envelope: Envelope, is_settled: Callable[[], bool]
    ) -> None:
        """Ask, and run the System until the answer arrives, or cannot arrive."""
        kernel = self._kernel
        kernel.delivery.ask(pending, envelope)
        try:
            if not kernel.dispatcher.run_until(is_settled):
                reason = "no step is left that could answer"
                kernel.asks.stopped(pending.number, reason)
        finally:
            kernel.asks.forget(pending.number)

    def _caller(self, running: Running) -> str:
        """Return the address of the actor whose thread calls, "" for the outside."""
        if running.own or running.address or not self._foreign:
            return running.address
        return self._foreign.get(calling_pykka_actor(), "")

    def _check_may_run(self, address: str) -> None:
        if self._kernel.dispatcher.loop is not None:
            raise DispatcherError("the event loop runs this System: await the ask")
        if asker := self._kernel.running.address:
            raise DispatcherError(
                f"{asker} asks {address} and would block inside a handler: make it"
                " async and await the ask, or tell the request and handle the answer"
            )

    # -- offering -----------------------------------------------------------------

    async def offer(
        self, address: str, message: Message, timeout: float | None
    ) -> None:
        """Tell a message when the mailbox has room for it."""
        kernel = self._kernel
        running = kernel.running_here()
        remote = self._remote(address)
        if remote is not None:
            wait = kernel.ask_timeout if timeout is None else timeout
            envelope = kernel.delivery.envelope(running, message)
            await remote.offer(address, envelope, wait)
            return
        turn = running.turn
        if turn is not None and EAGER_TASKS and not turn.is_current():
            turn = None
        can_wait = turn is not None or kernel.dispatcher.loop is not None
        if not (running.own and can_wait and kernel.pressure.lacks_room(address)):
            self.tell(address, message)
            return
        wait = self._kernel.ask_timeout if timeout is None else timeout
        envelope = kernel.delivery.envelope(running, message)
        deliver = partial(kernel.delivery.deliver, address, envelope)
        what = type(message).__name__
        if turn is None:
            await self._offer_of_task(address, what, deliver, wait)
            return
        offer = kernel.offers.make(address, running.address, what, deliver, turn=turn)
        kernel.offers.add(offer, wait)
        await offer

    async def _offer_of_task(
        self, address: str, what: str, deliver: Callable[[], None], wait: float
    ) -> None:
        """Wait for room in a task that is not a handler."""
        offers = self._kernel.offers
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        settled = partial(settle, future, None)
        offer = offers.make(address, "", what, deliver, settle=settled)
        offers.add(offer, wait)
        try:
            await future
        finally:
            offer.leave()

    def offer_blocking(
        self, address: str, message: Message, timeout: float | None
    ) -> None:
        """Do the same from another thread, which blocks."""
        kernel = self._kernel
        running = kernel.running_here()
        if running.own:
            raise DispatcherError(f"the System's own thread cannot block for {address}")
        wait = self._kernel.ask_timeout if timeout is None else timeout
        envelope = kernel.delivery.envelope(running, message)
        remote = self._remote(address)
        if remote is not None:
            offering = remote.offer(address, envelope, wait)
            asyncio.run_coroutine_threadsafe(offering, kernel.dispatcher.loop).result()
            return
        waiting: BlockedThread[None] = BlockedThread(running.work)
        offer = kernel.offers.make(
            address,
            self._caller(running),
            type(message).__name__,
            partial(kernel.delivery.deliver, address, envelope),
            settle=lambda error: waiting.settle(None, error),
        )

        kernel.calls.call(partial(self._begin_offer, offer, wait, waiting))
        waiting.wait(
            kernel.dispatcher, wait, lambda _age: _no_room(address, offer.what)
        )

    def _begin_offer(
        self, offer: Offer, wait: float, waiting: BlockedThread[None]
    ) -> None:
        """Let a message wait for room, if there is none; on the System's thread."""
        waiting.begin()
        if not self._kernel.pressure.lacks_room(offer.target):
            offer.enter()
            return
        try:
            self._kernel.offers.add(offer, wait)
        except Exception as error:  # noqa: BLE001 - for the thread that waits
            waiting.settle(None, error)

    # -- starts and ends ----------------------------------------------------------

    async def started(self, address: str, known: Target, timeout: float | None) -> None:
        """Wait until `on_start` of an actor has ended."""
        kernel = self._kernel
        remote = self._remote(address)
        if remote is not None:
            wait = kernel.ask_timeout if timeout is None else timeout
            await remote.started(address, wait)
            return
        found = kernel.cells.get(address)
        cell = found if found is not None else known
        if not isinstance(cell, Cell):
            raise ActorStoppedError(f"{address} does not exist, so it does not start")
        error = cell.start_error
        if cell.life is State.STARTING or cell.life is State.RESTARTING:
            wait = self._kernel.ask_timeout if timeout is None else timeout
            error = await start_of(self._kernel, cell, wait)
        if error is not None:
            raise start_error(cell, error)
        if cell.life is State.ENDED:
            raise ActorStoppedError(f"{address} has ended")

    async def stopped(self, address: str, timeout: float | None) -> None:
        """Wait for the end of an actor."""
        wait = self._kernel.ask_timeout if timeout is None else timeout
        remote = self._remote(address)
        if remote is not None:
            await remote.stopped(address, wait)
            return
        await self._shutdown.wait_for(address, wait)

    def _remote(self, address: str) -> Remote | None:
        """Return what takes messages to an address of a linked System, else None."""
        return self._kernel.remote if is_remote(address) else None


def _no_room(address: str, what: str) -> MailboxFullError:
    return MailboxFullError(f"{what} to {address}: the event loop does not run")
