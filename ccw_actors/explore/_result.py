"""What an exploration has found: the verdict, its scope, counts, a way to a fault."""

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
"""What was found.

`verified`: all was covered, and nothing is wrong. `refuted`: there is a way to what is
wrong. `incomplete`: a limit was reached. `vacuous`: all was covered, and something that
was to be tested was not.
"""

Engine = Literal["states", "orders", "brute force", "random", "pos"]
Network = Literal["mailbox", "channel", "unordered"]
"""How messages are delivered.

`mailbox`: an actor handles messages in the order in which they were sent to it.
`channel`: only what one sender has sent one actor stays in order.
`unordered`: nothing stays in order.

What is injected comes from outside, at any time, under each of them.
"""

Noops = Literal["consumed", "kept"]
"""What becomes of a message that changes nothing on an unordered network.

`consumed`: it is handled, as any other, and leaves the network. `kept`: its handling is
no step, and it stays in the network, where it may change something later.
"""

Time = Literal["untimed", "ordered"]
"""When timers fire.

`untimed`: at any time after they are set, whatever the delays.
`ordered`: messages take no time, so the timer that is due first fires when nothing
else is left to do; of those due at the same time, any.
"""


CLOCK_EVERY: Final = 256
"""How many steps an engine takes between two looks at the clock: each costs time."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When to give up; the verdict is then "incomplete".

    `depth` bounds the length of one order of messages, which only the engines that
    follow one order at a time need: where an actor goes on for ever they would, too.
    `schedules` are taken by the engines that take them at random, which `seed` decides.
    """

    states: int = 2_000_000
    steps: int = 20_000_000
    seconds: float = 600.0
    depth: int = 2_000
    schedules: int = 10_000
    seed: int = 0


class Progress(NamedTuple):
    """How far an exploration has come, and with which engine.

    `found` counts states; for the engine "orders", which takes one order of each class,
    classes; and for an engine that takes one order after another, orders.
    `left` of what is known have still to be dealt with: states to be left, branches to
    be tried, orders to be taken. More may turn up, but of orders by lot.
    """

    engine: Engine
    found: int
    steps: int
    left: int


Tick: TypeAlias = Callable[[Progress], object]
"""Called now and then in the course of an exploration."""


class Step(NamedTuple):
    """One step: an actor handles a message of a sender ("" is the outside), or a timer.

    With `crash` it fails instead, and if there is no `message`, between two of them.
    With `arrives` the message comes from outside and reaches the actor's mailbox only,
    or nobody, if no actor is there. `message` is text. In a plain transition system
    that is the action, and the rest is empty.
    """

    actor: str
    sender: str
    message: str
    timer: int = 0
    crash: bool = False
    arrives: bool = False

    @property
    def name(self) -> str:
        """Who sent to whom, or whose timer fired: enough to find the step again."""
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
    """A message that nobody has handled: for whom, its type, and why."""

    actor: str
    message: str
    reason: str

    def __str__(self) -> str:
        return f"{self.message or '(a signal)'} for {self.actor}: {self.reason}"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one exploration.

    `scope` says in one sentence what the verdict is about, `violation` what is wrong,
    or what was not tested ("" if nothing is known to be). `schedules` is the number of
    orders of all steps, None where it is infinite or was not counted. `classes` is the
    number of orders that differ for some actor, and `states` the number of different
    states of the whole system; None where the engine does not count them. `steps` were
    taken; `blocked` of the orders begun turned out to be known already. `coverage` is
    of what was explored, None for a plain transition system. `dead_letters` are the
    messages that nobody has handled in one order or another. `counterexample` are the
    steps to what is wrong, none if the scenario begins so.
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
