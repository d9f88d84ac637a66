"""Handlers of the actors are named after the messages that they take."""

import re
from typing import Any

import pytest

from ccw_actors import actors
from ccw_actors.runtime import Actor, spec_of

ACTORS: list[type[Actor[Any]]] = [
    kind
    for name in actors.__all__
    if isinstance(kind := getattr(actors, name), type) and issubclass(kind, Actor)
]

NOT_YET = {
    "Subchannel.cancel_start takes CancelSubchannel",
    "Subchannel.storage_read takes StorageData",
}
"""Those of actors that are being taken apart; without them this is empty."""


def misnamed(actor: type[Actor]) -> set[str]:
    """Return the handlers of an actor that have a word which their message has not.

    One that takes a union is named after what its messages have in common.
    """
    always = spec_of(actor).always
    methods: list[Any] = list(always.values())
    return {
        f"{actor.__name__}.{method.__name__} takes {message.__name__}"
        for message, method in always.items()
        if methods.count(method) == 1
        and not set(method.__name__.split("_")) <= words(message.__name__)
    }


def words(name: str) -> set[str]:
    """Return the words of a name in capitals."""
    return {word.lower() for word in re.findall("[A-Z][a-z]*", name)}


@pytest.mark.parametrize("actor", ACTORS)
def test_handlers_are_named_after_messages(actor: type[Actor]) -> None:
    """Every word in the name of a handler is one of the message that it takes."""
    assert misnamed(actor) <= NOT_YET


def test_other_names_are_found() -> None:
    """A handler with another name is found."""

    class Misnaming(actors.MemoryVolume):
        """Reads by another name."""

    always = spec_of(Misnaming).always
    read = next(kind for kind in always if kind.__name__ == "ReadTrack")

    def fetched(_self: object, _message: object) -> None: ...

    always[read] = fetched
    assert misnamed(Misnaming) == {"Misnaming.fetched takes ReadTrack"}
