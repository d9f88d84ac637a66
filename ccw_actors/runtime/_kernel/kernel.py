"""The kernel of a System: creates its parts and connects them."""

from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.running import Running, RunningHere
from ccw_actors.runtime._kernel.answers import Answers
from ccw_actors.runtime._kernel.back_pressure import BackPressure, Offers
from ccw_actors.runtime._kernel.contexts import Contexts
from ccw_actors.runtime._kernel.dead_letters import DeadLetters
from ccw_actors.runtime._kernel.death_watch import DeathWatch
from ccw_actors.runtime._kernel.delivery import Delivery
from ccw_actors.runtime._kernel.ending import Ending
from ccw_actors.runtime._kernel.failures import Failures
from ccw_actors.runtime._kernel.invoker import Invoker
from ccw_actors.runtime._kernel.lost_messages import LostMessages
from ccw_actors.runtime._kernel.message_counts import MessageCounts
from ccw_actors.runtime._kernel.missing_children import MissingChildren
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import PendingAsks
from ccw_actors.runtime._kernel.ports import Dispatcher, Suspend
from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._kernel.supervisor import Supervisor
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from ccw_actors.runtime._kernel.timers import Timers
from ccw_actors.runtime._kernel.wait_graph import WaitGraph
from ccw_actors.runtime._values.address import is_remote
from ccw_actors.runtime._values.envelope import SIGNAL, TICK, UNBOUNDED, Envelope
from ccw_actors.runtime._values.notices import Terminated
from ccw_actors.runtime._values.provider import Remote
from ccw_actors.runtime._values.reference import ActorRef
from ccw_actors.runtime._values.timer import SLEEP, Timer, TimerKey
from ccw_actors.transport import Codec

__all__ = ["Kernel"]


class Kernel:
    """The parts that deliver, invoke, supervise, ask and time, for one System.

    Dispatchers and threads use it. Call methods on the System's own thread except where
    one says "on any thread": an actor's thread handles its messages itself and passes
    everything else on through `calls`. `ref_of` returns the reference of an address,
    `suspend` the turn of an async handler. `ask_timeout` is the default for asks
    (seconds). `observed` is called whenever an observer or a propagator is added or
    removed. `raise_escalated` raises `unraised`. `remote` has the links to other
    Systems; without one there are no remote addresses.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        codec: Codec,
        *,
        ref_of: Callable[[str], ActorRef[Any]],
        suspend: Suspend,
        observed: Callable[[], None],
        ask_timeout: float,
        failures_with_payload: bool = False,
    ) -> None:
        self.dispatcher = dispatcher
        self.ask_timeout = ask_timeout
        self.unraised: BaseException | None = None
        self.remote: Remote | None = None
        self.counts = MessageCounts()
        self.running = Running(own=True, counts=self.counts.own)
        self.own_thread = get_ident()
        self._here = RunningHere()
        dispatcher.begin()
        self.ref_of = ref_of
        self.calls = ThreadCalls(dispatcher, self.own_thread)
        self.observers = Observers(dispatcher.now, observed, self.calls)
        self.registry = Registry()
        self.cells = self.registry.cells
        self.graph = WaitGraph()
        self.asks = PendingAsks(
            codec,
            dispatcher.clock,
            dispatcher.call_at_clock,
            self.queue_length,
            self.graph,
        )
        self.timers = Timers(dispatcher.call_at, self._fire)
        self._make_delivery(codec, with_payload=failures_with_payload)
        self.death_watch = DeathWatch(ref_of, self._send_notice, self._may_be_there)
        self._make_supervision(codec, suspend)
        self._make_invoker(suspend)
        dispatcher.attach(self)

    def _make_delivery(self, codec: Codec, *, with_payload: bool) -> None:
        """Create the parts that deliver messages and report lost ones."""
        dispatcher = self.dispatcher
        self.lost = LostMessages(self.observers)
        self.answers = Answers(self.asks, self.observers, self.lost)
        self.dead_letters = DeadLetters(
            lost=self.lost,
            answers=self.answers,
            asks=self.asks,
            observers=self.observers,
            encode=codec.encode,
            find=self.cells.get,
            deliver=self._deliver,
            refuse_watch=self._refuse_watch,
            with_payload=with_payload,
        )
        self.missing = MissingChildren(
            registry=self.registry,
            dead_letters=self.dead_letters,
            observers=self.observers,
            encode=codec.encode,
        )
        self.pressure = BackPressure(
            self.cells.get,
            partial(self.dead_letters.add, full=True),
            may_wait=not dispatcher.restores,
            strict=dispatcher.restores,
        )
        self.offers = Offers(
            self.pressure, self.graph, dispatcher.clock, dispatcher.call_at_clock
        )
        self.delivery = Delivery(
            cells=self.cells,
            pressure=self.pressure,
            dead_letters=self.dead_letters,
            answers=self.answers,
            asks=self.asks,
            observers=self.observers,
            calls=self.calls,
            encode=codec.encode,
            quick_encode=codec.quick_encode,
            absent=self._absent,
        )

    def _make_supervision(self, codec: Codec, suspend: Suspend) -> None:
        """Create the parts that start, restart and end actors."""
        dispatcher = self.dispatcher
        self.failures = Failures(self.observers, keeps_causes=dispatcher.restores)
        self.contexts = Contexts(self.running_here)
        self.ending = Ending(
            registry=self.registry,
            asks=self.asks,
            timers=self.timers,
            pressure=self.pressure,
            dead_letters=self.dead_letters,
            death_watch=self.death_watch,
            missing=self.missing,
            observers=self.observers,
            contexts=self.contexts,
            may_return=dispatcher.restores,
        )
        self.supervisor = Supervisor(
            registry=self.registry,
            dispatcher=dispatcher,
            calls=self.calls,
            asks=self.asks,
            timers=self.timers,
            pressure=self.pressure,
            dead_letters=self.dead_letters,
            failures=self.failures,
            observers=self.observers,
            contexts=self.contexts,
            ending=self.ending,
            suspend=suspend,
            encode=codec.encode,
        )
        self.observers.raised = self.supervisor.escalate

    def _make_invoker(self, suspend: Suspend) -> None:
        """Create the part that runs the handlers of actors."""
        self.invoker = Invoker(
            running=self.running,
            supervisor=self.supervisor,
            delivery=self.delivery,
            dead_letters=self.dead_letters,
            lost=self.lost,
            asks=self.asks,
            timers=self.timers,
            death_watch=self.death_watch,
            missing=self.missing,
            contexts=self.contexts,
            observers=self.observers,
            calls=self.calls,
            suspend=suspend,
        )

    def running_here(self) -> Running:
        """Return the state of the calling thread."""
        own = get_ident() == self.own_thread
        return self.running if own else self._here.running

    def queue_length(self, address: str) -> int:
        """Return how many messages wait in a mailbox, 0 if there is none."""
        cell = self.cells.get(address)
        return cell.waiting() if cell is not None else 0

    def raise_escalated(self) -> None:
        """Raise the error that has escalated, if no event loop runs this System."""
        error, self.unraised = self.unraised, None
        if error is not None:
            raise error

    # -- timers -------------------------------------------------------------------

    def set_timer(self, cell: Cell, timer: Timer) -> int:
        """Arm a timer of an actor; return its number, 0 if the actor has ended."""
        if not self.registry.has(cell):
            return 0
        key = self.timers.next_key(cell.path)

        def arm() -> None:
            if self.registry.has(cell):
                self.timers.arm(key, timer)

        self.calls.call(arm)
        return key[1]

    def cancel_timer(self, cell: Cell, number: int) -> None:
        """Disarm a timer of an actor, but none of the next actor at its path."""

        def take() -> None:
            if self.registry.has(cell):
                self.timers.take((cell.path, number))

        self.calls.call(take)

    def timer_envelope(self, key: TimerKey, timer: Timer) -> Envelope | None:
        """Return the envelope of a timer that fires now, None without one.

        This wakes a sleeping handler and arms a periodic timer again.
        """
        path, number = key
        cell = self.registry.at(path)
        if cell is None:
            return None
        if timer.kind == SLEEP:
            if cell.turn is not None:
                cell.turn.wake()
            return None
        if timer.kind != TICK:
            return Envelope(timer.payload, cell.address, 0, timer.stamp, timer.kind)
        self.timers.again(key, timer)
        if timer.waiting:
            return None
        return Envelope(timer.payload, cell.address, number, timer.stamp, TICK)

    def _fire(self, key: TimerKey) -> None:
        """Put a timer's message into its actor's mailbox, unless it was cancelled."""
        timer = self.timers.take(key)
        cell = self.registry.at(key[0])
        if timer is None or cell is None:
            return
        envelope = self.timer_envelope(key, timer)
        if envelope is None:
            return
        if envelope.kind > SIGNAL:
            cell.signal(envelope)
        else:
            cell.put(envelope)

    # -- callbacks of earlier parts -------------------------------------------------

    def _deliver(self, address: str, envelope: Envelope) -> None:
        self.delivery.deliver(address, envelope)

    def _absent(self, address: str, envelope: Envelope) -> None:
        if self.remote is not None and is_remote(address):
            self.remote.deliver(address, envelope)
        else:
            self.missing.absent(address, envelope)

    def _may_be_there(self, address: str) -> bool:
        return address in self.cells or is_remote(address)

    def _refuse_watch(self, watcher: str, address: str, reason: str) -> None:
        self.death_watch.tell(watcher, address, reason)

    def _send_notice(self, watcher: str, path: str, notice: Terminated) -> None:
        stamp = None
        if self.observers.stamps:
            # An end belongs to no trace, not even to that of the code that notices it.
            stamp = self.observers.stamp(Running(path), Terminated, "")
        payload = self.delivery.encode(notice)
        self.delivery.deliver(watcher, Envelope(payload, path, 0, stamp, UNBOUNDED))
