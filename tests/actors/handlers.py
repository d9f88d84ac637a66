"""The messages for which an actor, or a part of one, has a method."""

from collections.abc import Callable
from inspect import getmembers, isfunction
from typing import Any, get_args, get_type_hints

from ccw_actors.actors.host import Driver
from ccw_actors.runtime import Actor, Message, spec_of

__all__ = ["handlers_of", "handlers_of_driver"]

Handlers = dict[type[Message], Callable[..., Any]]


def handlers_of(actor: type[Actor]) -> Handlers:
    """Return the handlers of an actor, by type of message."""
    return dict(spec_of(actor).always)


def handlers_of_driver() -> Handlers:
    """Return the methods of a Driver that take its state and one type of message."""
    found: Handlers = {}
    for name, method in getmembers(Driver, isfunction):
        hints = get_type_hints(method)
        kind = hints.get("message", hints.get("_message"))
        if not name.startswith("_") and kind is not None and not get_args(kind):
            found[kind] = method
    return found
