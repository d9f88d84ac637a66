"""Handlers of the actors are named after the messages that they take."""

import re
from typing import Any

from ccw_actors import actors
from ccw_actors.runtime import Actor, spec_of
from tests.actors.handlers import Handlers, handlers_of, handlers_of_driver

ACTORS: list[type[Actor[Any]]] = [
    kind
    for name in actors.__all__
    if isinstance(kind := getattr(actors, name), type) and issubclass(kind, Actor)
]

EXCEPTIONS = {
    "Subchannel.cancel_start takes CancelSubchannel": (
        "every actor has a method `cancel`, which cancels a timer"
    ),
}
"""Handlers with another word in their names, and why."""


def misnamed(owner: str, handlers: Handlers) -> set[str]:
    """Return the handlers with a word in their name that their message does not have.

    A handler of a union is named after what its messages have in common.
    """
    methods = list(handlers.values())
    return {
        f"{owner}.{method.__name__} takes {message.__name__}"
        for message, method in handlers.items()
        if methods.count(method) == 1
        and not set(method.__name__.split("_")) <= words(message.__name__)
    }


def words(name: str) -> set[str]:
    """Return the words of a name in capitals."""
    return {word.lower() for word in re.findall("[A-Z][a-z]*", name)}


def test_handlers_are_named_after_messages() -> None:
    """Every word in the name of a handler is one of the message that it takes."""
    found = misnamed("Driver", handlers_of_driver())
    for actor in ACTORS:
        found |= misnamed(actor.__name__, handlers_of(actor))
    assert found == set(EXCEPTIONS)


def test_other_names_are_found() -> None:
    """A handler with another name is found."""

    class Misnaming(actors.MemoryVolume):
        """Reads by another name."""

    always = spec_of(Misnaming).always
    read = next(kind for kind in always if kind.__name__ == "ReadTrack")

    def fetched(_self: object, _message: object) -> None: ...

    always[read] = fetched
    found = misnamed("Misnaming", handlers_of(Misnaming))
    assert found == {"Misnaming.fetched takes ReadTrack"}
