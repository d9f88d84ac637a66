"""The result of an exploration: verdict, scope, counts, and a counterexample."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from ccw_actors.explore._coverage import Coverage

__all__ = [
    "CLOCK_EVERY",
    "DeadLetter",
    "Engine",
    "Limits",
    "Network",
    "Noops",
    "Progress",
    "Result",
    "Step",
    "Tick",
    "Time",
    "Verdict",
]

Verdict = Literal["verified", "refuted", "incomplete", "vacuous"]
"""The outcome.

`verified`: everything was covered, and no property is broken. `refuted`: there is a
counterexample. `incomplete`: a limit was reached. `vacuous`: everything was covered,
but the scenario does not test what it says it tests.
"""

Engine = Literal["states", "orders", "brute force", "random", "pos"]
Network = Literal["mailbox", "channel", "unordered"]
"""How messages are delivered.

`mailbox`: an actor handles messages in the order in which they were sent to it.
`channel`: only messages from one sender to one actor stay in order.
`unordered`: nothing stays in order.

Injected messages come from outside, at any time, under each of them.
"""

Noops = Literal["consumed", "kept"]
"""What happens to a message that changes nothing on an unordered network.

`consumed`: it is handled like any other, and leaves the network. `kept`: handling it is
not a step, and it stays in the network, where it may change something later.
"""

Time = Literal["untimed", "ordered"]
"""When timers fire.

`untimed`: at any time after they are set, whatever the delays.
`ordered`: messages take no time, so the timer that is due first fires when nothing
else is left to do. Of timers due at the same time, any may fire first.
"""


CLOCK_EVERY: Final = 256
"""How many steps an engine takes before it reads the clock again, which costs time."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When to give up; the verdict is then "incomplete".

    `depth` bounds the length of one schedule. Only the engines that follow one schedule
    at a time need it: without a bound they never leave an endless one. The engines
    "random" and "pos" take that many `schedules`; `seed` decides which.
    """

    states: int = 2_000_000
    steps: int = 20_000_000
    seconds: float = 600.0
    depth: int = 2_000
    schedules: int = 10_000
    seed: int = 0


class Progress(NamedTuple):
    """How far an exploration has come, and with which engine.

    `found` counts states for the engine "states", classes for "orders", and schedules
    for all others. `left` is the number of known states, branches or schedules still to
    be explored. More may be found on the way, except of random schedules.
    """

    engine: Engine
    found: int
    steps: int
    left: int


Tick: TypeAlias = Callable[[Progress], object]
"""Called at intervals during an exploration."""


class Step(NamedTuple):
    """One step: an actor handles a message from a sender ("" is outside), or a timer.

    With `crash` the actor fails on the message instead, or between two messages if
    `message` is empty. With `arrives` a message from outside only enters the actor's
    mailbox, or is lost if no actor is there. `message` is text. In a plain transition
    system it is the action, and the other fields are empty.
    """

    actor: str
    sender: str
    message: str
    timer: int = 0
    crash: bool = False
    arrives: bool = False

    @property
    def name(self) -> str:
        """The sender and the recipient, or whose timer fired: what `replay` needs."""
        if not self.actor:
            return self.message
        if self.crash and not self.message:
            return f"{self.actor}!"
        end = "!" if self.crash else "+" if self.arrives else ""
        if self.timer:
            return f"{self.actor}@{self.timer}{end}"
        return f"{self.sender}>{self.actor}{end}"

    def __str__(self) -> str:
        if not self.actor:
            return self.message
        if self.crash and not self.message:
            return f"{self.actor} crashes between two messages"
        what = f"crashes on {self.message}" if self.crash else self.message
        what = f"{what} arrives" if self.arrives else what
        if self.timer:
            return f"{self.actor} timer {self.timer}: {what}"
        return f"{self.sender or '(outside)'} > {self.actor}: {what}"


class DeadLetter(NamedTuple):
    """A message that nobody has handled: its recipient, its type, and the reason."""

    actor: str
    message: str
    reason: str

    def __str__(self) -> str:
        return f"{self.message or '(a signal)'} for {self.actor}: {self.reason}"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one exploration.

    `scope` says in one sentence what the verdict covers. `violation` says which
    property is broken, or what was not tested ("" if neither is the case). `schedules`
    counts the complete orders in which the messages can be handled, None if there are
    infinitely many or the engine does not count them. `classes` counts the classes of
    schedules, which differ for some actor, and `states` the different states of the
    whole system; None if the engine does not count them. `steps` were taken; `blocked`
    schedules were begun and left, because they belong to a known class. `coverage` is
    that of all actors, None for a plain transition system. `dead_letters` are the
    messages that nobody handles in some schedule. `counterexample` has the steps to the
    fault, none if the initial state already has it.
    """

    verdict: Verdict
    scope: str
    engine: Engine
    delivery: Network | None
    noops: Noops
    time: Time | None
    violation: str
    counterexample: tuple[Step, ...]
    schedules: int | None
    classes: int | None
    states: int | None
    steps: int
    blocked: int
    seconds: float
    coverage: Coverage | None
    dead_letters: tuple[DeadLetter, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the steps of the counterexample, for `replay`."""
        return tuple(step.name for step in self.counterexample)

    def __bool__(self) -> bool:
        return self.verdict == "verified"

    def __str__(self) -> str:
        text = f"{self.verdict.upper()}: {self.violation or self.scope}"
        lines = [f"{n:4} {step}" for n, step in enumerate(self.counterexample, 1)]
        return "\n".join([text, *lines])
