"""Names: those of `Actor` itself, those of actors, and slashes in paths."""

import copy
import inspect
from typing import Any

import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError, CcwActorsError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    Restart,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes
from tests.runtime.worlds import World


class Collecting(Actor[Collect]):
    """Answers with its `texts`."""

    def texts(self) -> object:
        """Return them."""
        return ""

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Answer."""
        return Notes((str(self.texts()),))


# -- the names of Actor ---------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["stop", "snapshot", "restore", "spawn", "path", "state", "system", "on_stop"],
)
def test_handler_named_like_a_name_of_actor(name: str) -> None:
    """Defining the class is refused: the handler would hide that name."""

    def handler(self: Actor, message: Note) -> None:
        """Do nothing."""

    handler.__name__ = name
    methods: dict[str, Any] = {name: receive(handler)}
    if name == "state":
        type("Fine", (Actor,), methods)  # It may be set, and is not tested here.
        return
    with pytest.raises(
        TypeError, match=rf"^Wrong\.{name}: a handler cannot be named '{name}'"
    ):
        type("Wrong", (Actor,), methods)


@pytest.mark.asyncio
async def test_names_that_are_free(world: World) -> None:
    """`handlers` is not reserved, and `state` is the actor's own."""

    class Free(Collecting):
        def __init__(self) -> None:
            self.handlers: dict[str, str] = {}
            self.state = "open"

        def texts(self) -> object:
            """Return both."""
            return self.handlers, self.state

    ref = world.system.spawn(Free(), "free", supervision=Restart())
    assert await world.ask(ref, Collect()) == Notes(("({}, 'open')",))


@pytest.mark.parametrize(
    "name",
    [
        *("path", "children", "system", "ref", "sender"),
        *("stash", "cancel", "after", "snapshot", "become", "stop", "start_task"),
    ],
)
def test_setting_a_name(name: str) -> None:
    """Setting it raises, and says whose name it is."""

    class Setting(Diary):
        def __init__(self) -> None:
            super().__init__()
            setattr(self, name, "mine")

    with pytest.raises(
        AttributeError, match=f"^Setting cannot set '{name}', a reserved name of Actor"
    ):
        Setting()


def test_methods_look_like_methods() -> None:
    """The check of names hides neither signatures nor docstrings."""
    diary = Diary()
    assert list(inspect.signature(diary.after).parameters) == ["delay", "message"]
    assert inspect.getdoc(diary.after) == inspect.getdoc(Actor.after)
    assert str(inspect.getdoc(Actor.after)).startswith("Send the message to this")
    assert Diary.after is Actor.after


@pytest.mark.parametrize("name", ["children", "stash", "ref"])
def test_value_in_a_class(name: str) -> None:
    """A class value that hides a name of `Actor` is refused at its definition."""
    with pytest.raises(TypeError, match=rf"^Wrong\.{name} is \[\], but '{name}' is a"):
        type("Wrong", (Diary,), {name: []})


class Stopping(Diary):
    """Overrides `stop`, and calls it at a note."""

    def stop(self) -> None:
        """Note it first."""
        self.state.texts.append("on its way")
        super().stop()

    @receive
    def note(self, message: Note) -> None:
        """Stop."""
        super().note(message)
        self.stop()


def test_methods_may_be_overridden() -> None:
    """A subclass may override a method and call it."""
    clock, stopping = VirtualDispatcher(), Stopping()
    System(clock).spawn(stopping).tell(Note("x"))
    clock.run()
    assert stopping.state.texts == ["x", "on its way", "stopped"]


def test_before_the_spawn() -> None:
    """Attributes that need a System say so; other names work as usual."""

    class Early(Diary):
        def __init__(self, what: str) -> None:
            super().__init__()
            getattr(self, what)

    text = "^Early has not been spawned: its path, System, timers and children"
    for name in ("path", "ref", "system", "children", "sender", "reply_to"):
        with pytest.raises(AttributeError, match=text):
            Early(name)
    with pytest.raises(AttributeError, match="'Early' object has no attribute 'pat'"):
        Early("pat")
    assert copy.copy(Diary()).state.texts == []


def test_timer_before_the_spawn() -> None:
    """So does a method that needs a System."""
    with pytest.raises(AttributeError, match="Diary has not been spawned"):
        Diary().after(1.0, Note("x"))


# -- actors ---------------------------------------------------------------------


def test_actor_that_lives_already() -> None:
    """An actor lives at one path: its state must not be reachable from two."""
    clock = VirtualDispatcher()
    system, diary = System(clock), Diary()
    ref = system.spawn(diary, "diary")
    with pytest.raises(CcwActorsError, match="this Diary lives at 'diary' already"):
        system.spawn(diary, "another")
    assert not system.is_alive("another")
    ref.stop()
    clock.run()
    assert system.spawn(diary, "another").ask(Collect(), block=True).texts == (
        "stopped",
    )


@pytest.mark.parametrize("what", [object(), 3, lambda: 3, Note("x"), None])
def test_what_is_no_actor(what: Any) -> None:
    """It is refused, and the error says what was expected."""
    system = System(VirtualDispatcher())
    with pytest.raises(TypeError, match="expected an Actor, or a function without arg"):
        system.spawn(what)


# -- paths ----------------------------------------------------------------------


def test_automatic_names_pass_over_taken_ones() -> None:
    """A class and a counter make a name that is not taken."""
    system = System(VirtualDispatcher())
    system.spawn(Diary(), "diary-1")
    system.spawn(Diary(), "diary-3")
    paths = [system.spawn(Diary()).path for _ in range(3)]
    assert paths == ["diary-2", "diary-4", "diary-5"]
    with pytest.raises(
        CcwActorsError, match="cannot spawn at 'diary-4': the path is t"
    ):
        system.spawn(Diary(), "diary-4")


class Parent(Actor[Note | Carry]):
    """Spawns a child for each note, by that name."""

    @receive
    def note(self, message: Note) -> None:
        """Spawn one."""
        self.spawn(Diary(), message.text)

    @receive
    def carry(self, _message: Carry) -> Note:
        """Answer with the children."""
        return Note(" ".join(child.path for child in self.children))


@pytest.mark.asyncio
async def test_slash_in_a_path(world: World) -> None:
    """An actor spawned by its path "p/x" is no child of "p", and outlives it.

    What an actor has spawned itself is its child, and ends with it; a name of a child
    may also have a slash.
    """
    system = world.system
    stranger = system.spawn(Diary(), "p/stranger")
    parent = system.spawn(Parent(), "p")
    for name in ("x", "y/z"):
        parent.tell(Note(name))
    assert await world.ask(parent, Carry("")) == Note("p/x p/y/z")
    parent.stop()
    await world.rest()
    assert stranger.is_alive
    assert not any(system.is_alive(path) for path in ("p", "p/x", "p/y/z"))


@pytest.mark.asyncio
async def test_child_at_a_path_that_is_taken(world: World) -> None:
    """A path is taken by any actor there, child or not."""
    world.system.spawn(Diary(), "p/x")
    parent = world.system.spawn(Parent(), "p")
    parent.tell(Note("x"))
    try:
        await world.rest()
    except ActorFailedError:
        await world.rest()
    (failure,) = world.system.failures
    assert "cannot spawn at 'p/x': the path is taken" in failure.reason


def test_parent_that_has_ended() -> None:
    """An ended actor cannot spawn: the child would have no parent."""
    clock, parent = VirtualDispatcher(), Parent()
    system = System(clock)
    system.spawn(parent, "p").stop()
    clock.run()
    with pytest.raises(ActorStoppedError, match="p has ended and cannot spawn"):
        parent.spawn(Diary(), "x")
    assert not system.is_alive("p/x")


@pytest.mark.parametrize("path", ["", "a#2", "#"])
def test_what_is_no_path(path: str) -> None:
    """No actor can be spawned there, and no reference to it made."""
    system = System(VirtualDispatcher())
    with pytest.raises(CcwActorsError, match="cannot spawn at"):
        system.spawn(Diary(), path)
    with pytest.raises(CcwActorsError, match="no actor can be at"):
        system.ref(path)


def test_reference_from_outside_to_what_is_no_path() -> None:
    """Bytes that contain such a path are no message."""

    class Pass(Message, frozen=True):
        to: ActorRef[Note]

    system = System(VirtualDispatcher(), name="here")
    encode, decode = system.codec.encode, system.codec.decoder(Pass)
    assert decode(encode(Pass(system.ref("a")))) == Pass(system.ref("a"))
    payload = encode(Pass(system.ref("aab2")))
    assert b"aab2" in payload
    with pytest.raises(CcwActorsError, match="expected a field of type"):
        decode(payload.replace(b"aab2", b"aa#2"))
