"""The errors for what the explorer refuses."""

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
    """A scenario, or an option, that no engine can explore."""


class CounterexampleError(ExploreError):
    """A file is not a counterexample, or a result has none."""


class UnsoundError(ExploreError):
    """An engine was given a property that it cannot check in every schedule.

    `engine` is its name, `names` are the properties.
    """

    def __init__(self, engine: str, names: tuple[str, ...], reason: str) -> None:
        self.engine = engine
        self.names = names
        listed = ", ".join(map(repr, names))
        super().__init__(f"engine {engine!r} cannot check {listed}: {reason}")


class PropertyError(ExploreError):
    """The predicate of a property has raised an exception.

    `name` is that of the property. The cause is the exception.
    """

    def __init__(self, name: str, error: Exception) -> None:
        self.name = name
        super().__init__(
            f"{name!r} cannot be evaluated: {type(error).__name__}: {error}"
        )


class HiddenStateError(ExploreError):
    """A handler is not a function of state and message, so nothing can be verified.

    `attributes` are those of the actor, or of its class, that changed outside `state`;
    empty if the cause is elsewhere. For a plain transition system `actor` is empty and
    `what` is the state. With `is_variant` the handler ran from two equal states that
    came about in different ways.
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
            where = f"it keeps data in {', '.join(attributes)}; move that into `state`"
        elif is_variant:
            where = (
                "it did something else from an equal state, so it depends on the order"
                " in which a dict or a set was filled; sort what it iterates over"
            )
        else:
            where = (
                "it did something else from the same state and message, so it depends"
                " on something else: a global, a closure, a clock, random numbers"
            )
        super().__init__(f"{f'{actor} on {what}' if actor else what}: {where}")


class ClockError(ExploreError):
    """A handler has read the clock, which is neither in its state nor in a message."""

    def __init__(self, actor: str, what: str) -> None:
        self.actor = actor
        super().__init__(
            f"{actor} on {what} reads the clock, which stands still in an exploration;"
            " set a timer instead (`self.after`)"
        )


class EventLoopError(ExploreError):
    """A handler awaits asyncio itself, but no event loop runs in an exploration."""

    def __init__(self, actor: str, what: str) -> None:
        self.actor = actor
        super().__init__(
            f"{actor} on {what} awaits asyncio itself, but no event loop runs during an"
            " exploration: await asks and `self.sleep` only"
        )


class ReplayError(ExploreError):
    """A step of a counterexample is not possible.

    `number` (from 1) and `name` are those of the step. `possible` has the names of the
    steps that are possible instead.
    """

    def __init__(self, number: int, name: str, possible: list[str]) -> None:
        self.number = number
        self.name = name
        self.possible = possible
        listed = ", ".join(possible) or "nothing"
        super().__init__(f"step {number}, {name}, is not possible; possible: {listed}")
