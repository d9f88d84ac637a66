"""The parts of the kernel that most others need, without a System."""

from typing import Any

from ccw_actors.runtime import (
    Actor,
    Failure,
    Mailbox,
    Supervision,
    Terminated,
)
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.answers import Answers
from ccw_actors.runtime._kernel.back_pressure import BackPressure
from ccw_actors.runtime._kernel.contexts import Contexts
from ccw_actors.runtime._kernel.dead_letters import DeadLetters
from ccw_actors.runtime._kernel.death_watch import DeathWatch
from ccw_actors.runtime._kernel.delivery import Delivery
from ccw_actors.runtime._kernel.ending import Ending
from ccw_actors.runtime._kernel.failures import Failures
from ccw_actors.runtime._kernel.invoker import Invoker
from ccw_actors.runtime._kernel.lost_messages import LostMessages
from ccw_actors.runtime._kernel.missing_children import MissingChildren
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import Pending, PendingAsks
from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._kernel.supervisor import Supervisor
from ccw_actors.runtime._kernel.timers import Timers
from ccw_actors.runtime._kernel.wait_graph import WaitGraph
from ccw_actors.runtime._values.envelope import SIGNAL, Envelope
from ccw_actors.runtime._values.timer import TimerKey
from ccw_actors.transport import Codec
from tests.runtime.kernel.cast import (
    ByHand,
    Read,
    Steps,
    Told,
    calls_of,
    envelope_of,
    make_cell,
    ref_of,
)


class Parts:
    """Everything from the run queue to the invoker, with its observable effects.

    `told` is an observer; messages are stamped only when it is added. `outcomes` is
    the results of asks from outside, by number. `notices` are watchers that were told,
    of whom. `escalated` are escalated errors.
    """

    def __init__(
        self,
        *,
        restores: bool = False,
        with_payload: bool = False,
        observed: bool = False,
    ) -> None:
        self.dispatcher = dispatcher = ByHand(restores=restores)
        self.running = Running(own=True)
        self.told = Told()
        self.outcomes: dict[int, Any] = {}
        self.notices: list[tuple[str, Terminated]] = []
        self.escalated: list[BaseException] = []
        self.ended: list[str] = []
        codec = Codec()
        self.calls = calls_of(dispatcher)
        self.observers = Observers(dispatcher.now, lambda: None, self.calls)
        if observed:
            self.observers.add(self.told)
        self.registry = Registry()
        cells = self.registry.cells
        self.graph = WaitGraph()
        self.asks = PendingAsks(
            codec,
            dispatcher.clock,
            dispatcher.call_at_clock,
            lambda address: cells[address].waiting() if address in cells else 0,
            self.graph,
        )
        self.timers = Timers(dispatcher.call_at, self._fire)
        self.lost = LostMessages(self.observers)
        self.answers = Answers(self.asks, self.observers, self.lost)
        self.death_watch = DeathWatch(ref_of, self._notice, cells.__contains__)
        self.dead_letters = DeadLetters(
            lost=self.lost,
            answers=self.answers,
            asks=self.asks,
            observers=self.observers,
            encode=codec.encode,
            find=cells.get,
            deliver=self._deliver,
            refuse_watch=self.death_watch.tell,
            with_payload=with_payload,
        )
        self.pressure = BackPressure(
            cells.get,
            self._full,
            may_wait=not restores,
            strict=restores,
        )
        self.missing = MissingChildren(
            registry=self.registry,
            dead_letters=self.dead_letters,
            observers=self.observers,
            encode=codec.encode,
        )
        self.delivery = Delivery(
            cells=cells,
            pressure=self.pressure,
            dead_letters=self.dead_letters,
            answers=self.answers,
            asks=self.asks,
            observers=self.observers,
            calls=self.calls,
            encode=codec.encode,
            quick_encode=codec.quick_encode,
            absent=self.missing.absent,
        )
        self.failures = Failures(self.observers, keeps_causes=restores)
        self.contexts = Contexts(lambda: self.running)
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
            suspend=Steps,
            encode=codec.encode,
        )
        self.supervisor.escalated = self.escalated.append
        self.ending.ended = self.ended.append
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
            suspend=Steps,
        )
        dispatcher.attach(self)

    def add(
        self,
        path: str,
        actor: Actor[Any] | None = None,
        *,
        supervision: Supervision | None = None,
        policy: Mailbox | None = None,
        parent: Cell | None = None,
        incarnation: int = 1,
        runs: bool = True,
    ) -> Cell:
        """Add an actor."""
        cell = make_cell(
            path,
            actor,
            dispatcher=self.dispatcher,
            supervision=supervision,
            policy=policy,
            incarnation=incarnation,
            runs=runs,
        )
        if parent is not None:
            cell.parent = parent
            parent.children = (parent.children or {}) | {path: cell}
        self.registry.add(cell)
        return cell

    def ask(self, target: str = "a", asker: str = "", timeout: float = 60.0) -> Pending:
        """Return an ask that is not registered, with its outcome in `outcomes`."""

        def settle(answer: Any, error: Exception | None) -> None:
            self.outcomes[pending.number] = answer if error is None else error

        pending = self.asks.question(target, asker, Read, timeout, settle)
        return pending

    def put_ask(self, target: str = "a") -> int:
        """Register an ask from outside; return its number."""
        pending = self.ask(target)
        self.asks.add(pending)
        return pending.number

    def asked(self, target: str = "a", asker: str = "") -> int:
        """Ask, and return the number of the ask."""
        pending = self.ask(target, asker)
        envelope = envelope_of(Read(), asker, pending.number)
        self.delivery.ask(pending, envelope)
        return pending.number

    def run(self) -> None:
        """Handle everything that waits."""
        self.dispatcher.run()

    def failures_told(self, cell: Cell) -> list[Failure]:
        """Take an actor's `Failure` messages out of its mailbox."""
        decode = Codec().raw_decoder(Failure)
        mailbox, cell.mailbox = cell.mailbox, None
        return [
            decode(one.payload) for one in mailbox or () if isinstance(one, Envelope)
        ]

    def _deliver(self, address: str, envelope: Envelope) -> None:
        self.delivery.deliver(address, envelope)

    def _full(
        self, address: str, envelope: Envelope, reason: str, *, quiet: bool = False
    ) -> None:
        self.dead_letters.add(address, envelope, reason, full=True, quiet=quiet)

    def _notice(self, watcher: str, _path: str, notice: Terminated) -> None:
        self.notices.append((watcher, notice))

    def _fire(self, key: TimerKey) -> None:
        timer, cell = self.timers.take(key), self.registry.at(key[0])
        if timer is not None and cell is not None:
            envelope = Envelope(timer.payload, cell.address, 0, None, timer.kind)
            if timer.kind > SIGNAL:
                cell.signal(envelope)
            else:
                cell.put(envelope)
