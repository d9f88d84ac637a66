"""What the explorer refuses, and why."""

from ccw_actors.errors import CcwActorsError

__all__ = [
    "ClockError",
    "CounterexampleError",
    "EventLoopError",
    "ExploreError",
    "HiddenStateError",
    "PropertyError",
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


class PropertyError(ExploreError):
    """A property of a scenario could not be evaluated: its predicate has raised.

    `name` is that of the property; the cause is what was raised.
    """

    def __init__(self, name: str, error: Exception) -> None:
        self.name = name
        super().__init__(
            f"{name!r} cannot be evaluated: {type(error).__name__}: {error}"
        )


class HiddenStateError(ExploreError):
    """A handler is no function of state and message, so nothing can be proved of it.

    `attributes` are those of the actor, or of its class, that changed outside `state`;
    empty if the cause is elsewhere. For a plain transition system `actor` is empty and
    `what` is the state. With `is_variant` it was another one of two equal states.
    """

    def __init__(
        self,
        actor: str,
        what: str,
        attributes: tuple[str, ...] = (),
        *,
        is_variant: bool = False,
    ) -> None:
        self.actor = actor
        self.attributes = attributes
        if attributes:
            where = f"it keeps state in {', '.join(attributes)}; move that into `state`"
        elif is_variant:
            where = (
                "it did something else from an equal state, so it depends on the order"
                " in which a dict or a set was filled; sort what it goes through"
            )
        else:
            where = (
                "it did something else from the same state, so it reads what is outside"
                " of both: a global, a closure, a clock, random numbers"
            )
        super().__init__(f"{f'{actor} on {what}' if actor else what}: {where}")


class ClockError(ExploreError):
    """A handler has read the clock, which is neither in its state nor in a message."""

    def __init__(self, actor: str, what: str) -> None:
        self.actor = actor
        super().__init__(
            f"{actor} on {what} reads the clock, which stands still here; have a timer"
            " of its own tell it that time is over (`self.after`)"
        )


class EventLoopError(ExploreError):
    """A handler awaits asyncio itself, and there is no event loop here."""

    def __init__(self, actor: str, what: str) -> None:
        self.actor = actor
        super().__init__(
            f"{actor} on {what} awaits something of asyncio, and no event loop runs"
            " while orders are explored: await asks and `self.sleep` only"
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
