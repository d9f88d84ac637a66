"""What an exploration has found: the verdict, its scope, counts, a way to a fault."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from ccw_actors.explore.coverage import Coverage

__all__ = [
    "NEVER",
    "Engine",
    "Limits",
    "Network",
    "Progress",
    "Result",
    "Step",
    "Tick",
    "Time",
    "Verdict",
]

Verdict = Literal["verified", "refuted", "incomplete"]
Engine = Literal["states", "orders", "brute force", "random", "pos"]
Network = Literal["mailbox", "channel", "unordered"]
"""How messages are delivered.

`mailbox`: an actor handles messages in the order in which they were sent to it.
`channel`: only what one sender has sent one actor stays in order.
`unordered`: nothing stays in order, and what would change nothing is not taken.
"""

Time = Literal["untimed", "ordered"]
"""When timers fire.

`untimed`: at any time after they are set, whatever the delays.
`ordered`: messages take no time, so the timer that is due first fires when nothing
else is left to do; of those due at the same time, any.
"""


NEVER: Final = "never: "
"""What a violation begins with if something should happen and never does."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When to give up; the verdict is then "incomplete".

    `depth` bounds the length of one order of messages, which only the engines that
    follow one order at a time need: where an actor goes on for ever they would, too.
    `orders` are taken by the engines that take them by lot, which `seed` decides.
    """

    states: int = 2_000_000
    steps: int = 20_000_000
    seconds: float = 600.0
    depth: int = 2_000
    orders: int = 10_000
    seed: int = 0


class Progress(NamedTuple):
    """How far an exploration has come, and with which engine.

    `found` counts states, or orders for an engine that takes one order after another.
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

    With `crash` it fails instead. `message` is text. In a plain transition system that
    is the action, and the rest is empty.
    """

    actor: str
    sender: str
    message: str
    timer: int = 0
    crash: bool = False

    @property
    def name(self) -> str:
        """Who sent to whom, or whose timer fired: enough to find the step again."""
        if not self.actor:
            return self.message
        crash = "!" if self.crash else ""
        if self.timer:
            return f"{self.actor}@{self.timer}{crash}"
        return f"{self.sender}>{self.actor}{crash}"

    def __str__(self) -> str:
        if not self.actor:
            return self.message
        what = f"crashes on {self.message}" if self.crash else self.message
        if self.timer:
            return f"{self.actor} timer {self.timer}: {what}"
        return f"{self.sender or '(outside)'} > {self.actor}: {what}"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one exploration.

    `scope` says in one sentence what the verdict is about, `violation` what is wrong
    ("" if nothing is known to be). `schedules` is the number of orders of all steps,
    None where it is infinite or was not counted. `classes` is the number of orders
    that differ for some actor, and `states` the number of different states of the
    whole system; None where the engine does not count them. `steps` were taken;
    `blocked` of the orders begun turned out to be known already. `coverage` is of what
    was explored, None for a plain transition system. `counterexample` is
    empty if nothing is wrong, or if what is wrong is that something never happens.
    """

    verdict: Verdict
    scope: str
    engine: Engine
    delivery: Network | None
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

    @property
    def has_way(self) -> bool:
        """Whether there is a way to what is wrong, of no steps if it begins so.

        There is none if something should happen and never does.
        """
        never = not self.counterexample and self.violation.startswith(NEVER)
        return self.verdict == "refuted" and not never

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
