"""Coverage: which messages were handled in which states, and which never were."""

from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from typing import Any, Literal, NamedTuple, get_origin

import msgspec

from ccw_actors.runtime import Actor, spec_of

__all__ = ["Combination", "Coverage", "Label", "covered", "label_of"]

Label = Callable[[Any], object]
"""Returns a name for the state of an actor, such as its phase."""


class Combination(NamedTuple):
    """An actor by path, the name of a state it was in, and a type of message."""

    actor: str
    state: str
    message: str

    def __str__(self) -> str:
        state = f" ({self.state})" if self.state else ""
        return f"{self.actor}{state}: {self.message}"


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """The messages that were handled, and those that have a handler but never were.

    `missed` has every state that an actor was seen in with every message type for
    which its class has a handler in any behaviour, except those that were handled. The
    name of a state is that of the behaviour and of the values of the state's
    enumerations, unless `World.label` gives another.
    """

    handled: tuple[Combination, ...]
    missed: tuple[Combination, ...]

    def __str__(self) -> str:
        of = len(self.handled) + len(self.missed)
        lines = [f"{len(self.handled)} of {of} combinations handled; never:"]
        return "\n".join(lines + [f"  {one}" for one in self.missed])


def covered(
    seen: Iterable[tuple[str, str, Actor[Any]]], handled: set[Combination]
) -> Coverage:
    """Return the coverage of actors seen in states of these names."""
    missed = {
        Combination(path, label, message.__name__)
        for path, label, actor in seen
        for table in spec_of(actor).all()
        for message in table
    }
    return Coverage(
        handled=tuple(sorted(handled)), missed=tuple(sorted(missed - handled))
    )


def label_of(label: Label | None, behaviour: str, state: object) -> str:
    """Return the name of an actor's state: the scenario's label, if it has one."""
    if label is not None:
        return _text(label(state))
    kind: Any = type(state)
    words = [behaviour] if behaviour else []
    words += [_text(getattr(state, name)) for name in _enumerations(kind)]
    return " ".join(words)


def _text(value: object) -> str:
    if isinstance(value, Enum):
        return value.name.lower()
    return "-" if value is None else str(value)


@cache
def _enumerations(state_type: Any) -> tuple[str, ...]:
    """Return the fields of a state that are enumerations or literals."""
    if not issubclass(state_type, msgspec.Struct):
        return ()
    try:
        fields = msgspec.structs.fields(state_type)
    except NameError:
        return ()  # Annotated with names that exist only inside a function.
    return tuple(one.name for one in fields if _is_enumeration(one.type))


def _is_enumeration(hint: Any) -> bool:
    kind = isinstance(hint, type) and issubclass(hint, Enum)
    return kind or get_origin(hint) is Literal
