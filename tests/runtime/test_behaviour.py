"""Behaviours and the stash."""

import msgspec
import pytest

from ccw_actors.errors import MessageError, StashError
from ccw_actors.runtime import (
    Actor,
    Choice,
    Mailbox,
    Restart,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import Blow, Collect, Deliver, Note, Notes


class DoorState(msgspec.Struct):
    """The state of a door."""

    texts: list[str]


class Door(Actor):
    """Closed, it stashes notes and cannot answer; open, it keeps them."""

    def __init__(self) -> None:
        self.state = DoorState([])

    def on_start(self) -> None:
        """Start closed."""
        self.become("closed")

    @receive(state="closed")
    def wait(self, _message: Note) -> None:
        """Stash the message."""
        self.stash()

    @receive(state="closed")
    def open(self, _message: Deliver) -> None:
        """Open."""
        self.become("open")
        self.unstash()

    @receive(state="open")
    def note(self, message: Note) -> None:
        """Keep the note; some notes are special."""
        self.state.texts.append(message.text)
        if message.text == "twice":
            self.stash()
            self.stash()

    @receive(state="open")
    def collect(self, _message: Collect) -> Notes:
        """Tell."""
        return Notes(tuple(self.state.texts))

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail, open or closed."""
        raise ValueError(message.reason)


def test_stash_comes_first() -> None:
    """Stashed messages are handled in order, before later ones."""
    ref = System(VirtualDispatcher()).spawn(Door(), "door")
    for message in (Note("1"), Note("2"), Deliver(), Note("3")):
        ref.tell(message)
    assert ref.ask(Collect(), block=True) == Notes(("1", "2", "3"))


def test_behaviour_refuses() -> None:
    """A message without a handler in a behaviour is refused, naming the behaviour."""
    ref = System(VirtualDispatcher()).spawn(Door(), "door")
    with pytest.raises(MessageError, match=r"Collect: .* in behaviour 'closed'"):
        ref.ask(Collect(), block=True)


def test_unknown_behaviour() -> None:
    """A behaviour that no handler names is refused, naming the existing ones."""
    door = Door()
    System(VirtualDispatcher()).spawn(door, "door")
    with pytest.raises(
        ValueError, match="no behaviour 'ajar'; it has 'closed', 'open'"
    ):
        door.become("ajar")
    door.become("")
    assert door.behaviour == ""


def test_stash_without_a_message() -> None:
    """A hook has no message to stash."""

    class Early(Door):
        def on_start(self) -> None:
            """Stash."""
            self.stash()

    with pytest.raises(StashError, match="has no current message"):
        System(VirtualDispatcher()).spawn(Early(), "door")


def test_stash_twice() -> None:
    """A message can be stashed once."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    ref = system.spawn(Door(), "door")
    ref.tell(Deliver())
    ref.tell(Note("twice"))
    dispatcher.run()
    assert "has already stashed this message" in str(system.failures[0])


def test_stash_is_bounded() -> None:
    """The stash holds as many messages as the mailbox may."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    ref = system.spawn(Door(), "door", mailbox=Mailbox(2))
    for text in ("1", "2", "3"):
        ref.tell(Note(text))
        dispatcher.run()
    assert "its stash is full: 2 messages" in str(system.failures[0])


def test_restart_begins_with_the_first_behaviour() -> None:
    """A restart puts the stash back and the behaviour to that of `on_start`."""
    ref = System(VirtualDispatcher()).spawn(Door(), "door", supervision=Restart())
    for message in (Note("1"), Blow("loud"), Note("2"), Deliver()):
        ref.tell(message)
    assert ref.ask(Collect(), block=True) == Notes(("1", "2"))


def test_behaviour_and_stash_are_in_a_snapshot() -> None:
    """Restoring a snapshot restores both."""
    steps = SteppingDispatcher()
    door = Door()
    ref = System(steps).spawn(door, "door")
    for message in (Note("1"), Deliver()):
        ref.tell(message)
    steps.step(Choice("door", ""))
    here = steps.snapshot()
    steps.run()
    assert (door.behaviour, door.state.texts) == ("open", ["1"])
    assert steps.snapshot().key() != here.key()
    steps.restore(here)
    assert (door.behaviour, door.state.texts) == ("closed", [])
    assert steps.snapshot().key() == here.key()
    steps.run()
    assert door.state.texts == ["1"]


class LostState(msgspec.Struct):
    """The hook that ran last."""

    hook: str = ""


class Lost(Actor):
    """Notes the hook with which it started."""

    state: LostState

    def __init__(self) -> None:
        self.state = LostState()

    def on_start(self) -> None:
        """Note the first start."""
        self.state.hook = "on_start"

    def on_restart(self) -> None:
        """Note a restart."""
        self.state.hook = "on_restart"

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell the hook."""
        return Notes((self.state.hook,))

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise RuntimeError(message.reason)


def test_restart_has_a_hook_of_its_own() -> None:
    """An override of `on_restart` does not run `on_start` again."""
    ref = System(VirtualDispatcher()).spawn(Lost(), "lost", supervision=Restart())
    assert ref.ask(Collect(), block=True) == Notes(("on_start",))
    ref.tell(Blow("loud"))
    assert ref.ask(Collect(), block=True) == Notes(("on_restart",))
