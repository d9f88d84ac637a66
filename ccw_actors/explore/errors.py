"""What the explorer refuses, and why."""

from ccw_actors.errors import CcwActorsError

__all__ = [
    "ClockError",
    "CounterexampleError",
    "ExploreError",
    "HiddenStateError",
    "ReplayError",
    "UnsoundError",
]


class ExploreError(CcwActorsError):
    """A scenario does something that no engine here can explore."""


class CounterexampleError(ExploreError):
    """A file is no counterexample that can be read, or there is none to be kept."""


class UnsoundError(ExploreError):
    """An engine was given a property that it cannot check in every order.

    `engine` is its name, `names` are the properties.
    """

    def __init__(self, engine: str, names: tuple[str, ...], reason: str) -> None:
        self.engine = engine
        self.names = names
        listed = ", ".join(map(repr, names))
        super().__init__(f"engine {engine!r} cannot check {listed}: {reason}")


class HiddenStateError(ExploreError):
    """A handler is no function of state and message, so nothing can be proved of it.

    `attributes` are those of the actor, or of its class, that changed outside `state`;
    empty if the cause is elsewhere.
    """

    def __init__(self, actor: str, what: str, attributes: tuple[str, ...]) -> None:
        self.actor = actor
        self.attributes = attributes
        if attributes:
            where = f"it keeps state in {', '.join(attributes)}; move that into `state`"
        else:
            where = (
                "it did something else from the same state, so it reads what is outside"
                " of both: a global, a closure, a clock, random numbers"
            )
        super().__init__(f"{actor} on {what}: {where}")


class ClockError(ExploreError):
    """A handler has read the clock, which is neither in its state nor in a message."""

    def __init__(self, actor: str, what: str) -> None:
        self.actor = actor
        super().__init__(
            f"{actor} on {what} reads the clock, which stands still here; have a timer"
            " of its own tell it that time is over (`self.after`)"
        )


class ReplayError(ExploreError):
    """A step of a counterexample cannot be taken any more.

    `number` (from 1) and `name` are its, `possible` are the names of those that can.
    """

    def __init__(self, number: int, name: str, possible: list[str]) -> None:
        self.number = number
        self.name = name
        self.possible = possible
        listed = ", ".join(possible) or "nothing"
        super().__init__(f"step {number}, {name}, is not possible; possible: {listed}")
