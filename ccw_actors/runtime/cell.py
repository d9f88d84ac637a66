"""An actor's place in a System: its mailbox and what the System knows of it."""

from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from ccw_actors.errors import ActorFailedError
from ccw_actors.transport import Message

if TYPE_CHECKING:
    from ccw_actors.runtime.actor import Actor
    from ccw_actors.runtime.handlers import Handlers
    from ccw_actors.runtime.life import Life
    from ccw_actors.runtime.mailbox import Mailbox
    from ccw_actors.runtime.supervision import Supervision
    from ccw_actors.runtime.turn import Turn

__all__ = [
    "CHILD_ENDED",
    "ESCALATED",
    "IDLE",
    "NOBODY",
    "PARKED",
    "QUEUED",
    "RESTART",
    "SIGNAL",
    "START",
    "STOP",
    "STOP_NOW",
    "TICK",
    "UNBOUNDED",
    "UNWATCH",
    "WATCH",
    "Cell",
    "Envelope",
    "Letter",
    "Phase",
    "Stamp",
    "wrapped",
]

# What an envelope is. A plain message (0) counts against the bound of a mailbox,
# nothing else does. From SIGNAL on, it is for the System and carries no message.
UNBOUNDED: Final = 1  # a reply, a timer's message, a notice of the System
TICK: Final = 2  # a periodic timer's message; `ask` is the number of the timer
SIGNAL: Final = 3
STOP: Final = 3  # keeps its place among the messages, as WATCH and UNWATCH do
WATCH: Final = 4
UNWATCH: Final = 5
STOP_NOW: Final = 6  # from here on they are in the system lane
START: Final = 7
RESTART: Final = 8
CHILD_ENDED: Final = 9
ESCALATED: Final = 10

# Whether an actor is in the run queue. A PARKED one is not, and messages do not put
# it there: only a signal, or what its handler waits for.
IDLE: Final = 0
QUEUED: Final = 1
PARKED: Final = 2


class Phase(IntEnum):
    """Where an actor is in its life."""

    RUNNING = 0
    RESTARTING = 1
    STOPPING = 2
    ENDED = 3


class Stamp(msgspec.Struct, frozen=True):
    """What observers are told of a message besides its envelope.

    Its number, that of its cause, the time it was sent (seconds), and its type.
    """

    number: int
    cause: int
    sent_at: float
    message_type: type[Message]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One message in a mailbox.

    A message that was told from outside while nobody observed needs none: it may
    stand in the mailbox as its bytes alone. `wrapped` makes an envelope of either.

    `sender` is a path, "" for the outside. `ask` is nonzero if an answer is waited
    for. `stamp` is None while nobody observes. `kind` is one of the constants above.
    """

    payload: bytes
    sender: str
    ask: int
    stamp: Stamp | None
    kind: int = 0


Letter: TypeAlias = Envelope | bytes
"""What stands in a mailbox."""


def wrapped(letter: Letter) -> Envelope:
    """Return the envelope that something in a mailbox is, or stands for."""
    return Envelope(letter, "", 0, None) if isinstance(letter, bytes) else letter


class Cell:
    """Mailbox, actor and decoder of one path; owned by the System.

    An idle actor should be small: what most actors never need (`mailbox` before the
    first message, too) is None until it is needed. Of `exempt_in` and `exempt_out`
    only the difference counts, the number of envelopes that the bound does not
    concern; there are two because each is written by one thread only.

    `held` is True while messages have to wait: for a handler that is suspended, for
    the end of the actor, or behind a signal.
    """

    __slots__ = (
        "actor",
        "behaviour",
        "bound",
        "children",
        "decode",
        "exempt_in",
        "exempt_out",
        "failed",
        "handled",
        "handlers",
        "held",
        "mailbox",
        "make",
        "may_restart",
        "parent",
        "path",
        "phase",
        "policy",
        "ready",
        "restarts",
        "signals",
        "spawned",
        "stash",
        "status",
        "supervision",
        "turn",
        "watchers",
    )

    catches: tuple[type[BaseException], ...] = (Exception, CancelledError)
    """What counts as a failure of a handler; anything else ends the loop."""

    def __init__(
        self,
        path: str,
        actor: "Actor[Any]",
        decode: Callable[[bytes], Any],
        *,
        ready: Callable[["Cell"], None],
        policy: "Mailbox",
        supervision: "Supervision",
    ) -> None:
        self.path = path
        self.decode: Callable[[bytes], Message] = decode
        self.ready = ready
        self.policy = policy
        self.bound = policy.bound
        self.supervision = supervision
        self.actor = actor
        self.handlers: Handlers = actor.handlers
        self.behaviour = ""
        self.make: Callable[[], Actor[Any]] | None = None
        self.may_restart = False
        self.parent: Cell | None = None
        self.mailbox: deque[Letter] | None = None
        self.signals: deque[Envelope] | None = None
        self.stash: deque[Envelope] | None = None
        self.children: dict[str, Cell] | None = None
        self.watchers: dict[str, None] | None = None
        self.restarts: tuple[float, ...] = ()
        self.turn: Turn | None = None
        self.failed: ActorFailedError | None = None
        self.phase = Phase.RUNNING
        self.status = IDLE
        self.held = False
        self.spawned = 0
        self.handled = 0
        self.exempt_in = 0
        self.exempt_out = 0

    def put(self, envelope: Envelope) -> None:
        """Put an envelope into the mailbox, whatever its bound says."""
        if self.mailbox is None:
            self.mailbox = deque()
        if envelope.kind:
            self.exempt_in += 1
        self.mailbox.append(envelope)
        if self.status == IDLE:
            self.status = QUEUED
            self.ready(self)

    def signal(self, envelope: Envelope) -> None:
        """Put a signal into the system lane, which comes before all messages."""
        if self.signals is None:
            self.signals = deque()
        self.signals.append(envelope)
        self.held = True
        self.wake()

    def wake(self) -> None:
        """Put the actor into the run queue if it is not there."""
        if self.status != QUEUED:
            self.status = QUEUED
            self.ready(self)

    def settle(self) -> bool:
        """Set `held` and `status` after a run; True if it is to stay in the queue."""
        turn = self.turn
        busy = turn is not None or self.phase is not Phase.RUNNING
        self.held = busy or bool(self.signals)
        if self.signals or (turn is not None and turn.is_ready):
            return True
        if busy:
            self.status = PARKED
            return False
        if self.mailbox:
            return True
        self.status = IDLE
        return False

    def waiting(self) -> int:
        """Return how many messages wait in the mailbox."""
        return len(self.mailbox) if self.mailbox is not None else 0

    def is_full(self) -> bool:
        """Whether one more message would be more than the bound."""
        return self.waiting() - (self.exempt_in - self.exempt_out) >= self.bound

    def set_aside(self, envelope: Envelope) -> None:
        """Put the message being handled into the stash."""
        if self.stash is None:
            self.stash = deque()
        self.stash.append(envelope)

    def put_back(self) -> None:
        """Put the stash before all that waits in the mailbox."""
        if not self.stash:
            return
        if self.mailbox is None:
            self.mailbox = deque()
        self.exempt_in += sum(1 for envelope in self.stash if envelope.kind)
        self.mailbox.extendleft(reversed(self.stash))
        self.stash = None

    def behave(self, actor: "Actor[Any]", behaviour: str) -> None:
        """Use that actor's handlers for that behaviour from now on."""
        self.actor = actor
        self.behaviour = behaviour
        self.handlers = actor.behaviours[behaviour] if behaviour else actor.handlers

    def begin_again(self, life: "Life") -> None:
        """Have the actor begin again, where it runs."""
        life.begin_again(self)

    def stop_hook(self) -> Coroutine[Any, Any, None] | None:
        """Run `on_stop`, where the actor runs."""
        return self.actor.on_stop()

    def finish(self, *, stopped: bool) -> None:
        """End what runs the actor besides the System: nothing here, a thread there."""


class _Nobody:
    """What a reference knows of its actor before it has sent anything."""

    mailbox = None
    bound = 0
    status = PARKED


NOBODY: Final[Any] = _Nobody()
