"""The cell of an actor: its mailbox and the System's data about it."""

from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final, Generic, TypeVar, overload

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime._cell.handlers import ActorSpec, Handlers, spec_of
from ccw_actors.runtime._cell.lifecycle import Event, State, next_state
from ccw_actors.runtime._cell.ports import Hosted, OwnedTasks, Suspended
from ccw_actors.runtime._values.address import address_of, split
from ccw_actors.runtime._values.envelope import Envelope, Letter
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.provider import QUEUED, RunQueue
from ccw_actors.runtime._values.supervision import Stop, Supervision
from ccw_actors.transport import Message

__all__ = ["CLOSED", "IDLE", "Cell"]

# The status of a mailbox has two bits, QUEUED and CLOSED. A message puts an actor into
# the run queue only if it is IDLE. A signal, or the end of a handler's wait, always
# does.
IDLE: Final = 0
CLOSED: Final = 2  # A handler is suspended, a signal waits, or the actor has ended.

T = TypeVar("T")


class _Extra(Generic[T]):
    """A field that few actors need: `Cell.extras` holds it once it is set."""

    def __init__(self, default: T) -> None:
        self._default = default

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, cell: None, _owner: type) -> "_Extra[T]": ...

    @overload
    def __get__(self, cell: "Cell", _owner: type) -> T: ...

    def __get__(self, cell: "Cell | None", _owner: type) -> "T | _Extra[T]":
        if cell is None:
            return self
        extras = cell.extras
        return (
            self._default if extras is None else extras.get(self._name, self._default)
        )

    def __set__(self, cell: "Cell", value: T) -> None:
        if cell.extras is None:
            if value == self._default:
                return
            cell.extras = {}
        cell.extras[self._name] = value


class Cell:
    """Mailbox, actor and decoder of one address; the System owns it.

    An idle actor should be small: fields that few actors need (and `mailbox` before the
    first message) are None until then. Only the difference of `exempt_in` and
    `exempt_out` matters: the number of envelopes that do not count against the bound.
    There are two because one thread writes each.

    `life` is the state in the actor's life cycle. `status` says whether it is in the
    run `queue` and takes messages. `turn` is an async handler, or hook, in progress.
    `context` is the context that the actor runs in.

    `failure` is the error that the actor fails with, once it does, and `cause` the
    exception itself. `start_error` is the exception of `on_start`. `owed` are the
    numbers of asks that the actor has promised to answer later. `may_begin` is True
    when the pause before a restart has ended, and `has_stopped` once `on_stop` has
    begun. `leave_trace` ends the trace of the current message.
    """

    __slots__ = (
        "actor",
        "address",
        "behaviour",
        "bound",
        "context",
        "decode",
        "exempt_in",
        "exempt_out",
        "extras",
        "handled",
        "handlers",
        "life",
        "mailbox",
        "path",
        "policy",
        "queue",
        "signals",
        "status",
        "supervision",
        "turn",
    )

    parent = _Extra["Cell | None"](None)
    children = _Extra["dict[str, Cell] | None"](None)
    watchers = _Extra["dict[str, None] | None"](None)
    spawned = _Extra(0)
    stash = _Extra[deque[Envelope] | None](None)
    owed = _Extra[set[int] | None](None)
    tasks = _Extra[OwnedTasks | None](None)
    make = _Extra[Callable[[], Hosted] | None](None)
    origin = _Extra[Context | None](None)
    restarts = _Extra[tuple[float, ...]](())
    may_begin = _Extra(False)  # noqa: FBT003
    has_stopped = _Extra(False)  # noqa: FBT003
    is_cancelling = _Extra(False)  # noqa: FBT003
    stop_alarm = _Extra[Any](None)
    failure = _Extra[ActorFailedError | None](None)
    cause = _Extra[BaseException | None](None)
    start_error = _Extra[BaseException | None](None)
    on_started = _Extra[list[Callable[[], None]] | None](None)
    warned = _Extra[set[str] | None](None)
    leave_trace = _Extra[Callable[[], None] | None](None)

    def __init__(
        self,
        path: str,
        actor: Hosted,
        decode: Callable[[bytes], Any],
        *,
        queue: RunQueue,
        policy: Mailbox,
        supervision: Supervision,
        incarnation: int = 1,
        context: Context | None = None,
    ) -> None:
        self.path = path
        self.address = address_of(path, incarnation)
        self.decode: Callable[[bytes], Message] = decode
        self.queue = queue
        self.policy = policy
        self.bound = policy.bound
        self.supervision = supervision
        self.actor = actor
        self.handlers: Handlers = spec_of(actor).always
        self.behaviour = ""
        self.context = Context() if context is None else context
        self.mailbox: deque[Letter] | None = None
        self.signals: deque[Envelope] | None = None
        self.turn: Suspended | None = None
        self.extras: dict[str, Any] | None = None
        self.life = State.STARTING
        self.status = IDLE
        self.handled = 0
        self.exempt_in = 0
        self.exempt_out = 0

    @property
    def incarnation(self) -> int:
        """The number of the actor among those at its path, counted from 1."""
        return split(self.address)[1]

    def set_incarnation(self, incarnation: int) -> None:
        """Set the number of the actor at its path, as a snapshot says."""
        if incarnation != self.incarnation:
            self.address = address_of(self.path, incarnation)

    # -- the mailbox ------------------------------------------------------------

    def put(self, envelope: Envelope) -> None:
        """Put an envelope into the mailbox regardless of its bound."""
        if self.mailbox is None:
            self.mailbox = deque[Letter]()
        if envelope.kind:
            self.exempt_in += 1
        self.mailbox.append(envelope)
        if not self.status:
            self.status = QUEUED
            self.queue.enqueue(self)

    def accept(self, envelope: Envelope) -> bool:
        """Put a message into the mailbox if it certainly has room for it."""
        mailbox = self.mailbox
        if mailbox is None:
            self.mailbox = mailbox = deque[Letter]()
        if len(mailbox) >= self.bound:
            return False
        mailbox.append(envelope)
        if not self.status:
            self.status = QUEUED
            self.queue.enqueue(self)
        return True

    def signal(self, envelope: Envelope) -> None:
        """Put a signal into the system lane, ahead of all messages."""
        if self.signals is None:
            self.signals = deque[Envelope]()
        self.signals.append(envelope)
        self.close()
        self.wake()

    def waiting(self) -> int:
        """Return how many messages wait in the mailbox."""
        return len(self.mailbox) if self.mailbox is not None else 0

    def is_full(self) -> bool:
        """Whether one more message would exceed the bound."""
        return self.waiting() - (self.exempt_in - self.exempt_out) >= self.bound

    def set_aside(self, envelope: Envelope) -> None:
        """Put the current message into the stash."""
        stash = self.stash
        if stash is None:
            self.stash = stash = deque[Envelope]()
        stash.append(envelope)

    def put_back(self) -> None:
        """Put the stash before all messages in the mailbox."""
        stash = self.stash
        if not stash:
            return
        if self.mailbox is None:
            self.mailbox = deque[Letter]()
        self.exempt_in += sum(1 for envelope in stash if envelope.kind)
        self.mailbox.extendleft(reversed(stash))
        self.stash = None

    # -- the run queue ----------------------------------------------------------

    def wake(self) -> None:
        """Put the actor into the run queue if it is not in it."""
        status = self.status
        if not status & QUEUED:
            self.status = status | QUEUED
            self.queue.enqueue(self)

    def close(self) -> None:
        """Take no message until `settle` finds no reason left."""
        self.status |= CLOSED

    def settle(self) -> bool:
        """Set `status` after a run; True if the actor must stay in the run queue."""
        turn = self.turn
        busy = turn is not None or self.life is not State.RUNNING
        if self.signals or (turn is not None and turn.is_ready):
            self.status = CLOSED | QUEUED
            return True
        if busy:
            self.status = CLOSED
            return False
        self.status = QUEUED if self.mailbox else IDLE
        return bool(self.mailbox)

    # -- the life ---------------------------------------------------------------

    def go_through(self, event: Event) -> None:
        """Change the state in the life cycle, as its table says."""
        self.life = next_state(self.life, event)

    def behave(self, actor: Hosted, behaviour: str) -> None:
        """Use that actor's handlers of that behaviour from now on."""
        self.actor = actor
        self.behaviour = behaviour
        spec = spec_of(actor)
        self.handlers = spec.behaviours[behaviour] if behaviour else spec.always

    def asks_in_hand(self) -> tuple[int, ...]:
        """Return the numbers of the asks that the actor is handling now."""
        turn = self.turn
        if turn is None or turn.envelope is None:
            return ()
        return (turn.envelope.ask,)

    def owe(self, ask: int, is_pending: Callable[[int], bool]) -> None:
        """Note that the actor itself answers an ask, now or later.

        Forgets asks that no longer wait when there are many.
        """
        owed = self.owed
        if owed is None:
            self.owed = owed = set[int]()
        if len(owed) >= _OWED_MAX and len(owed) & (len(owed) - 1) == 0:
            owed.intersection_update([one for one in owed if is_pending(one)])
        owed.add(ask)

    def begin_again(self, begin: Callable[["Cell"], None]) -> None:
        """Restart the actor, where it runs."""
        begin(self)

    def run_on_stop(
        self, within: Callable[[Callable[[], Any]], Any]
    ) -> Coroutine[Any, Any, None] | None:
        """Run `on_stop` where the actor runs: here, `within` its context."""
        stopping: Coroutine[Any, Any, None] | None = within(self.actor.on_stop)
        return stopping

    def finish(self) -> None:
        """End the actor's own thread, if it has one."""

    def forget(self) -> None:
        """Release the ended actor: references may still hold the cell."""
        self.mailbox = None  # References that hold this cell look again.
        self.actor = _GONE
        self.handlers = {}
        error = self.start_error
        self.extras = None
        self.start_error = error
        self.context = Context()
        self.supervision = _STOP


_OWED_MAX: Final = 64
_STOP: Final = Stop()


class _Gone:
    """Takes the place of an actor that has ended."""

    __actor_spec__ = ActorSpec({}, {}, {}, Message)
    persistent: Any = None
    system: Any = None

    def on_start(self) -> None:
        """Do nothing."""

    on_restart = on_stop = on_start

    def on_failure(self, error: BaseException) -> None:
        """Do nothing."""

    def snapshot(self) -> object:
        """Return None: an ended actor has no state."""
        return None

    def restore(self, snapshot: object) -> None:
        """Do nothing."""

    def bind(self, system: Any, cell: Any) -> None:
        """Do nothing."""


_GONE: Final = _Gone()
