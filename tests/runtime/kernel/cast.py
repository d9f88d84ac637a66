"""The surroundings of one part of the kernel in its tests, without a System."""

from collections import deque
from collections.abc import Callable, Coroutine
from threading import get_ident
from typing import Any

import msgspec

from ccw_actors.errors import ActorStoppedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Handled,
    Mailbox,
    Message,
    Observer,
    Request,
    Stop,
    Supervision,
    receive,
    spec_of,
)
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import Event
from ccw_actors.runtime._cell.parking import Parking
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.alarms import Alarm, Alarms
from ccw_actors.runtime._kernel.ports import Finished
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.envelope import SIGNAL, Envelope, Stamp, wrapped
from ccw_actors.transport import Codec

ENCODE = Codec().encode
CODEC = Codec(lambda ref: ref.address, lambda _kind, value: value)


class Note(Message, frozen=True):
    """A told message."""

    text: str


class Count(Message, frozen=True):
    """An answer."""

    number: int


class Read(Request[Count], frozen=True):
    """A request."""


class Blow(Request[Count], frozen=True):
    """Makes the handler raise the named error."""

    error: str = "ValueError"


class Keeper(Actor[Note | Read | Blow]):
    """Keeps notes and the calls of its hooks."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @receive
    def note(self, message: Note) -> None:
        """Keep."""
        self.texts.append(message.text)

    @receive
    def read(self, _message: Read) -> Count:
        """Count."""
        return Count(len(self.texts))

    @receive
    def blow(self, message: Blow) -> Count:
        """Raise."""
        kinds = {
            one.__name__: one for one in (ValueError, TypeError, KeyboardInterrupt)
        }
        raise kinds[message.error]("boom")

    def on_start(self) -> None:
        """Keep that."""
        self.texts.append("on_start")

    def on_stop(self) -> None:
        """Keep that."""
        self.texts.append("on_stop")

    def on_failure(self, error: BaseException) -> None:
        """Keep that."""
        self.texts.append(f"on_failure {error}")


class ByHand:
    """A dispatcher that a test runs by hand: a run queue and a clock.

    `woken` are the calls from other threads.
    """

    def __init__(self, *, restores: bool = False) -> None:
        self.loop: Any = None
        self.restores = restores
        self.budget = 64
        self.queue: deque[Cell] = deque()
        self.woken: list[Callable[[], None]] = []
        self.alarms = Alarms()
        self.time = 0.0
        self.is_closed = False
        self.kernel: Any = None
        self.clock: Callable[[], float] = self.now

    def begin(self) -> None:
        """Do nothing."""

    def attach(self, system: Any) -> None:
        """Keep the kernel."""
        self.kernel = system

    def end(self) -> None:
        """Keep the kernel."""

    def enqueue(self, cell: Cell) -> None:
        """Queue the cell."""
        self.queue.append(cell)

    def now(self) -> float:
        """Return the time that the test has set."""
        return self.time

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back in `go_to`."""
        return self.alarms.add(when, callback)

    call_at_clock = call_at

    def go_to(self, when: float) -> None:
        """Set the clock, and make the calls due by then, each at its time."""
        while (due := self.alarms.next_due()) is not None and due <= when:
            self.time = due
            self.alarms.pop()()
        self.time = when

    def hold(self) -> None:
        """Do nothing: this clock never runs."""

    release = hold

    def run_until(self, done: Callable[[], bool]) -> bool:
        """Run everything queued, and return whether that was enough."""
        self.run()
        return done()

    def run(self) -> None:
        """Handle the messages of the queued actors."""
        while self.queue:
            cell = self.queue.popleft()
            cell.context.run(self.kernel.invoker.run, cell, self.budget)
            self.kernel.running.leave()
            if cell.settle():
                self.queue.append(cell)
            self.kernel.pressure.freed(cell)

    def check_awake(self) -> None:
        """Raise if it is closed."""
        if self.is_closed:
            raise ActorStoppedError("closed")

    def wake(self, callback: Callable[[], None]) -> None:
        """Keep the call, or raise if it is closed."""
        self.check_awake()
        self.woken.append(callback)


class Steps:
    """Runs a coroutine of a handler or hook that awaits only `Pause`."""

    def __init__(
        self,
        cell: Cell,
        envelope: Envelope | None,
        coroutine: Coroutine[Any, Any, Any],
        finished: Finished,
    ) -> None:
        self.cell: Any = cell
        self.envelope = envelope
        self.is_ready = False
        self.reply: Envelope | None = None
        self.value: Any = None
        self.error: BaseException | None = None
        self.waits_for: Any = None
        self.cancels = 0
        self.cancel_next = False
        self.coroutine = coroutine
        self._finished = finished

    def step(self, running: Any) -> None:
        """Run until the coroutine waits or ends."""
        self.is_ready = False
        running.turn, running.letter = self, self.envelope
        value, error = self.value, self.error
        if self.reply is not None:
            value, error = self.waits_for.outcome(self.reply.payload)
        self.value = self.error = self.reply = None
        try:
            if error is not None:
                self.waits_for = self.coroutine.throw(error)
            else:
                self.waits_for = self.coroutine.send(value)
        except StopIteration as stop:
            self._end(stop.value, None)
        except BaseException as raised:  # noqa: BLE001 - a failure, whatever it is
            self._end(None, raised)
        else:
            self.cell.turn = self
            self.cell.close()
        finally:
            running.turn = None

    def _end(self, value: Any, error: BaseException | None) -> None:
        self.cell.turn = None
        self.error = error
        self._finished(self, value, error)

    def wake(self, value: Any = None, error: BaseException | None = None) -> None:
        """Continue with that the next time the actor runs."""
        self.value, self.error, self.is_ready = value, error, True
        if self.cell.turn is self:
            self.cell.wake()

    def answer(self, envelope: Envelope) -> None:
        """Continue with the answer."""
        self.reply, self.is_ready = envelope, True
        self.cell.wake()

    def cancel(self, msg: Any = None) -> bool:
        """Continue with the error that represents a cancellation here."""
        del msg
        self.cancels += 1
        self.wake(error=Cancelled())
        return True

    def cancelled(self) -> bool:
        """Whether it has ended in that error."""
        return isinstance(self.error, Cancelled)

    def close(self) -> None:
        """Close the coroutine."""
        self.coroutine.close()

    def describe(self) -> str:
        """Return what it waits for."""
        waits_for: Parking | None = self.waits_for
        return "to be resumed" if waits_for is None else waits_for.describe()


class Cancelled(BaseException):
    """Raised in a coroutine that `Steps` has cancelled."""


class Pause(Parking):
    """Waits until the test wakes the turn."""

    def leave(self) -> None:
        """Do nothing."""

    def describe(self) -> str:
        """Return the text."""
        return "the test"


class Told(Observer):
    """Keeps the events of an observer, as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def spawned(self, actor: str) -> None:
        """Keep the actor."""
        self.lines.append(f"spawned {actor}")

    def handled(self, event: Handled) -> None:
        """Keep the message and the recipient."""
        kind = event.message_type.__name__
        self.lines.append(f"handled {event.number} {kind} at {event.recipient}")

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Keep the message and the reason."""
        self.lines.append(f"lost {event.message_type.__name__}: {reason}")

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Keep the actor, the message and the error."""
        self.lines.append(f"failed {actor} on {message}: {error!r}")

    def restarted(self, actor: str) -> None:
        """Keep the actor."""
        self.lines.append(f"restarted {actor}")

    def stopped(self, actor: str, reason: str) -> None:
        """Keep the actor and the reason."""
        self.lines.append(f"stopped {actor}: {reason}")


class NoProvider:
    """Serves references that are only compared here."""

    name = "none"
    quick_thread = 0


def ref_of(address: str) -> ActorRef[Any]:
    """Return a reference by its address."""
    provider: Any = NoProvider()
    return ActorRef(provider, path_of(address), address)


def calls_of(dispatcher: ByHand) -> ThreadCalls:
    """Return the queue of calls from other threads; this thread calls at once."""
    return ThreadCalls(dispatcher, get_ident())


def make_cell(
    path: str = "keeper",
    actor: Actor[Any] | None = None,
    *,
    dispatcher: ByHand | None = None,
    policy: Mailbox | None = None,
    supervision: Supervision | None = None,
    incarnation: int = 1,
    runs: bool = True,
) -> Cell:
    """Return the cell of an actor (a `Keeper`), which `runs` or is still starting."""
    actor = Keeper() if actor is None else actor
    queue = ByHand() if dispatcher is None else dispatcher
    cell = Cell(
        path,
        actor,
        CODEC.raw_decoder(spec_of(actor).accepts),
        queue=queue,
        policy=Mailbox() if policy is None else policy,
        supervision=Stop() if supervision is None else supervision,
        incarnation=incarnation,
    )
    actor.bind(_NO_SYSTEM, cell)
    if runs:
        cell.go_through(Event.STARTED)
    return cell


_NO_SYSTEM: Any = None


def envelope_of(
    message: Message,
    sender: str = "",
    ask: int = 0,
    kind: int = 0,
    number: int = 0,
) -> Envelope:
    """Return the mailbox entry of a message; with a `number` it is observed."""
    stamp = Stamp(number, 0, 0.0, type(message)) if number else None
    return Envelope(ENCODE(message), sender, ask, stamp, kind)


def turn_of(address: str) -> Steps:
    """Return the turn of a handler that waits."""

    async def wait() -> None:
        await Pause()

    def ended(*_: object) -> None:
        """Do nothing."""

    turn = Steps(make_cell(address), None, wait(), ended)
    turn.cell.turn = turn
    return turn


def messages_in(cell: Cell) -> list[str]:
    """Return the waiting messages: the texts of notes, or the names of other types."""
    found: list[str] = []
    for letter in cell.mailbox or ():
        envelope = wrapped(letter)
        if envelope.kind >= SIGNAL:
            found.append(f"signal {envelope.kind}")
            continue
        tag, *fields = msgspec.msgpack.decode(envelope.payload)
        found.append(fields[0] if tag == "Note" else tag)
    return found


def running_as(address: str = "", envelope: Envelope | None = None) -> Running:
    """Return the state of the System's own thread while it runs an actor."""
    return Running(address, envelope, own=True)


def sizes_in(part: object) -> list[int]:
    """Return the size of each dict, list, set and deque of a part."""
    kept: list[Any] = list(vars(part).values())
    return [len(one) for one in kept if type(one) in (dict, list, set, deque)]
