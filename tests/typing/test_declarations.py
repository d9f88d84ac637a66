"""Type checkers check actors, their supervision and mailboxes; the code is not run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Coroutine
from typing import Any, assert_type

import pytest

from ccw_actors.runtime import (
    Actor,
    Escalate,
    Mailbox,
    ReplyTo,
    Restart,
    Stop,
    Supervision,
    System,
    Terminated,
    receive,
)
from tests.typing.cast import Add, Counter, Foreign, Pick, Read, Total


class Door(Actor[Add | Read]):
    """Handles messages in two behaviours."""

    @receive
    def read(self, _message: Read) -> Total:
        """Answer."""
        return Total(0)

    @receive(state="open")
    def add(self, message: Add) -> None:
        """Use the message as its type allows, and once as it does not."""
        assert_type(message.value, int)
        message.text  # type: ignore[attr-defined] # noqa: B018
        message.value = 7  # type: ignore[misc]


def handlers_keep_their_types(door: Door, counter: Counter) -> None:
    """A marked method keeps its type for direct calls."""
    assert_type(door.read(Read()), Total)
    door.add(Add(1))
    door.add(Foreign())  # type: ignore[arg-type]
    coroutine: Coroutine[Any, Any, object] = counter.pick(Pick())
    coroutine.close()


def decided(error: BaseException) -> Stop | Restart | Escalate:
    """Decide by the error."""
    return Restart(limit=1) if isinstance(error, OSError) else Escalate()


def supervised(system: System) -> None:
    """Supervision is a decision, or a function that takes one."""
    for supervision in (Stop(), Restart(then=Escalate()), Escalate()):
        system.spawn(Counter, supervision=supervision)
    system.spawn(Counter, supervision=decided)
    alias: Supervision = decided
    system.spawn(Counter, supervision=alias)
    system.spawn(Counter, supervision=str)  # type: ignore[arg-type]
    system.spawn(Counter, supervision="stop")  # type: ignore[arg-type]
    Restart(then=Restart())  # type: ignore[arg-type]


def bounded(system: System) -> None:
    """The policy of a mailbox is one of four words."""
    system.spawn(Counter, mailbox=Mailbox(7, "drop oldest"))
    Mailbox(7, "drop all")  # type: ignore[arg-type]


class Waiting(Actor[Terminated]):
    """Uses the methods of every actor."""

    @receive
    async def ended(self, message: Terminated) -> None:
        """Check types."""
        assert_type(message.reason, str)
        assert_type(self.reply_to, ReplyTo)
        key = self.after(1.0, message)
        assert_type(key, int)
        self.cancel(key)
        await self.sleep(1.0)


async def ended(system: System) -> None:
    """A shutdown returns the actors that did not stop; `async with` gives a System."""
    assert_type(await system.shutdown(), list[str])
    async with System() as another:
        assert_type(another, System)


def test_decision() -> None:
    """The function that type checkers accept also decides at run time."""
    assert decided(OSError()) == Restart(limit=1)
    assert decided(ValueError()) == Escalate()
    with pytest.raises(ValueError, match="drop all"):
        Mailbox(7, "drop all")  # type: ignore[arg-type]
