"""Type checkers check references. The functions below are checked, not run.

A comment that silences no error is itself an error, so each comment marks what mypy and
pyright must reject.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

import asyncio
from typing import Any, assert_type

from ccw_actors.runtime import Actor, ActorRef, Message, System, receive, spec_of
from tests.typing.cast import (
    Add,
    Bare,
    Counter,
    Foreign,
    Nothing,
    Pick,
    Read,
    Total,
)

Declared = ActorRef[Add | Read | Pick]


def spawned(system: System) -> None:
    """A reference takes what the actor's class declares, however it is spawned."""
    assert_type(system.spawn(Counter()), Declared)
    assert_type(system.spawn(Counter, "path"), Declared)
    assert_type(system.spawn(lambda: Counter(7)), Declared)
    assert_type(system.spawn_thread(Counter()), Declared)
    assert_type(system.spawn_thread(Counter), Declared)


def spawned_bare(system: System) -> None:
    """A reference to an actor that declares nothing takes anything."""
    assert_type(system.spawn(Bare()), ActorRef[Any])
    assert_type(system.ref("path"), ActorRef[Any])


class Parent(Actor[Add]):
    """Spawns children, and refers to itself."""

    @receive
    def add(self, message: Add) -> None:
        """Spawn."""
        child = self.spawn(Counter, "child")
        assert_type(child, Declared)
        assert_type(self.ref, ActorRef[Any])
        assert_type(self.sender, ActorRef[Any] | None)
        child.tell(message)
        self.ref.tell(message)


def told(ref: Declared) -> None:
    """A reference can be told the declared messages only."""
    ref.tell(Add(1))
    ref.tell(Read())
    ref.tell(Foreign())  # type: ignore[arg-type]
    ref.tell(7)  # type: ignore[arg-type]
    ref.tell(Add("one"))  # type: ignore[arg-type]


async def offered(ref: Declared) -> None:
    """A reference can be offered the declared messages only."""
    await ref.offer(Add(1))
    ref.offer(Add(1), block=True)
    await ref.offer(Foreign())  # type: ignore[call-overload]


async def asked(ref: Declared) -> None:
    """An answer has the type that its request names, or one of the types."""
    assert_type(await ref.ask(Read()), Total)
    assert_type(await ref.ask(Pick(), timeout=1.0), Total | Nothing)
    task = asyncio.ensure_future(ref.ask(Read()))
    assert_type(await task, Total)
    match await ref.ask(Pick()):
        case Total(value):
            assert_type(value, int)
        case Nothing():
            pass


def asked_blocking(ref: Declared) -> None:
    """With `block=True` the answer itself is returned."""
    assert_type(ref.ask(Read(), block=True), Total)
    assert_type(ref.ask(Pick(), timeout=1.0, block=True), Total | Nothing)


async def asked_in_vain(ref: Declared) -> None:
    """A message that is not a request has no answer to wait for."""
    await ref.ask(Add(1))  # type: ignore[call-overload]


def handed_on(ref: Declared, narrow: ActorRef[Add], anything: ActorRef[Any]) -> None:
    """A reference that takes more can replace one that takes less, not vice versa."""

    def needs_add(_ref: ActorRef[Add]) -> None: ...

    def needs_all(_ref: Declared) -> None: ...

    def needs_any_message(_ref: ActorRef[Message]) -> None: ...

    needs_add(ref)
    needs_add(narrow)
    needs_all(ref)
    needs_all(anything)
    needs_all(narrow)  # type: ignore[arg-type]
    needs_any_message(ref)  # type: ignore[arg-type]
    needs_any_message(anything)


def test_functions_above_are_checked() -> None:
    """The classes that the checked functions use exist, and declare their messages."""
    assert set(spec_of(Counter).always) == {Add, Read, Pick}
    assert set(spec_of(Parent).always) == {Add}
