"""The stepping dispatcher: choices, deliveries and snapshots."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.errors import ActorFailedError, DispatcherError
from ccw_actors.runtime import (
    Actor,
    Choice,
    Delivery,
    Message,
    ReplyTo,
    Restart,
    Snapshot,
    SteppingDispatcher,
    Stop,
    System,
    receive,
)
from tests.runtime.cast import (
    Blow,
    Carry,
    Collect,
    Deliver,
    Diary,
    Note,
    Notes,
    Send,
    SetTimer,
    texts_of,
)

DELIVERIES: tuple[Delivery, ...] = ("mailbox", "channel")


def race(delivery: Delivery) -> tuple[SteppingDispatcher, Diary]:
    """Let two actors send to a third; the first one's message is sent first."""
    dispatcher = SteppingDispatcher(delivery)
    system = System(dispatcher)
    diary = Diary()
    ref = system.spawn(diary, "diary")
    for name in ("a", "b"):
        sender = system.spawn(Diary(), name)
        sender.tell(Send((f"{name}1", f"{name}2"), (ref,)))
        dispatcher.step(Choice(name, ""))
    return dispatcher, diary


def orders(
    dispatcher: SteppingDispatcher, outcome: Callable[[], tuple[str, ...]]
) -> set[tuple[str, ...]]:
    """Return the outcomes of all schedules, using snapshots."""
    found: set[tuple[str, ...]] = set()
    here = dispatcher.snapshot()
    choices = dispatcher.enabled()
    if not choices:
        found.add(outcome())
    for choice in choices:
        dispatcher.step(choice)
        found |= orders(dispatcher, outcome)
        dispatcher.restore(here)
    return found


def test_mailbox_delivery() -> None:
    """Under mailbox delivery the first message sent is always handled first."""
    dispatcher, diary = race("mailbox")
    found = orders(dispatcher, lambda: tuple(texts_of(diary)))
    assert found == {("a1", "a2", "b1", "b2")}


def test_channel_delivery() -> None:
    """Under channel delivery only the messages of each sender keep their order."""
    dispatcher, diary = race("channel")
    found = orders(dispatcher, lambda: tuple(texts_of(diary)))
    assert found == {
        ("a1", "a2", "b1", "b2"),
        ("a1", "b1", "a2", "b2"),
        ("a1", "b1", "b2", "a2"),
        ("b1", "a1", "a2", "b2"),
        ("b1", "a1", "b2", "a2"),
        ("b1", "b2", "a1", "a2"),
    }


def test_channel_delivery_lets_a_third_party_overtake() -> None:
    """A message from a to b by way of c may overtake an earlier direct one."""

    def outcomes(delivery: Delivery) -> set[tuple[str, ...]]:
        dispatcher = SteppingDispatcher(delivery)
        system = System(dispatcher)
        diary = Diary()
        b, c = system.spawn(diary, "b"), system.spawn(Diary(), "c")
        system.spawn(Sender(b, c), "a").tell(Note("go"))
        return orders(dispatcher, lambda: tuple(texts_of(diary)))

    in_order = ("direct", "by way of c")
    assert outcomes("mailbox") == {in_order}
    assert outcomes("channel") == {in_order, in_order[::-1]}


class Sender(Actor):
    """Sends to b, and then to b by way of c."""

    def __init__(self, b: Any, c: Any) -> None:
        self._b, self._c = b, c

    @receive
    def note(self, _message: Note) -> None:
        """Send."""
        self._b.tell(Note("direct"))
        self._c.tell(Send(("by way of c",), (self._b,)))


def test_stop_keeps_its_place_in_the_channel() -> None:
    """A stop comes after what its sender sent before, and may overtake the others."""
    dispatcher, diary = race("channel")
    diary.ref.stop()
    found = orders(dispatcher, lambda: tuple(texts_of(diary)))
    assert ("stopped",) in found
    assert ("a1", "a2", "b1", "b2", "stopped") in found


def test_peek() -> None:
    """`peek` shows what a choice would handle, and changes nothing."""
    dispatcher, _ = race("channel")
    before = dispatcher.snapshot().key()
    messages = [dispatcher.peek(choice).payload for choice in dispatcher.enabled()]
    assert [msgspec.msgpack.decode(one) for one in messages] == [
        ["Note", "a1"],
        ["Note", "b1"],
    ]
    assert dispatcher.snapshot().key() == before


def test_choice_that_is_not_enabled() -> None:
    """An unknown choice is refused, naming the enabled ones; nothing changes."""
    dispatcher, diary = race("mailbox")
    message = r"\('diary', 'b', 0\) is not enabled; enabled: \('diary', 'a', 0\)"
    for call in (dispatcher.step, dispatcher.peek):
        with pytest.raises(DispatcherError, match=message):
            call(Choice("diary", "b"))
    for wrong in (Choice("nobody", "a"), Choice("diary", "diary", 1)):
        with pytest.raises(DispatcherError, match="is not enabled"):
            dispatcher.step(wrong)
    assert texts_of(diary) == []


def test_failure_is_raised_by_its_step() -> None:
    """`step` raises the failure of the handler."""
    dispatcher, diary = race("mailbox")
    dispatcher.run()
    diary.ref.tell(Blow("loud"))
    with pytest.raises(ActorFailedError, match="diary failed on Blow: ValueError"):
        dispatcher.step()


def test_run_is_bounded() -> None:
    """`run` gives up after the allowed steps."""

    class Endless(Actor):
        @receive
        def note(self, message: Note) -> None:
            """Continue forever."""
            self.ref.tell(message)

    dispatcher = SteppingDispatcher()
    System(dispatcher).spawn(Endless(), "endless").tell(Note("again"))
    with pytest.raises(DispatcherError, match="not at rest after 10 steps"):
        dispatcher.run(steps_max=10)


# -- going back -----------------------------------------------------------------


class Apprentice(Diary):
    """A diary that stops, spawns and sets timers as its notes say."""

    @receive
    def note(self, message: Note) -> None:
        """Do what the note says."""
        super().note(message)
        match message.text:
            case "spawn" if not self.system.is_alive("child"):
                self.system.spawn(Diary(), "child").tell(Note("born"))
            case "stop":
                self.system.ref("child").stop()
            case "timer":
                self.after(len(self.state.texts), Note("spawn"))
            case "cancel":
                self.cancel(1)
            case _:
                pass


def workshop(delivery: Delivery) -> tuple[System, SteppingDispatcher]:
    """Return a System with many choices: messages, timers, ends, failures."""
    dispatcher = SteppingDispatcher(delivery)
    system = System(dispatcher)
    refs = tuple(system.spawn(Apprentice(), name) for name in ("a", "b"))
    refs[0].tell(Send(("timer", "spawn", "stop", "cancel"), refs))
    refs[1].tell(Send(("spawn", "timer", "stop"), refs))
    refs[1].tell(Carry("told from outside"))
    refs[0].tell(Deliver())
    refs[0].tell(SetTimer(3, "wake"))
    refs[1].tell(Blow("loud"))
    return system, dispatcher


def walk(dispatcher: SteppingDispatcher, picks: list[int]) -> list[tuple[Any, ...]]:
    """Step by the picks while there is a choice; return everything observed."""
    seen: list[tuple[Any, ...]] = []
    for pick in picks:
        choices = dispatcher.enabled()
        if not choices:
            break
        choice = choices[pick % len(choices)]
        try:
            dispatcher.step(choice)
            raised = ""
        except ActorFailedError as error:
            raised = str(error)
        key = dispatcher.snapshot().key()
        seen.append((tuple(choices), choice, raised, key, dispatcher.now()))
    return seen


PICKS = st.lists(st.integers(0, 11), max_size=40)


@given(st.sampled_from(DELIVERIES), PICKS, PICKS, PICKS)
def test_restore_gives_the_same_future(
    delivery: Delivery, before: list[int], first: list[int], second: list[int]
) -> None:
    """After `restore` the key is the same, and the same choices do the same again."""
    system, dispatcher = workshop(delivery)
    walk(dispatcher, before)
    here = dispatcher.snapshot()
    failures = list(system.failures)
    future = walk(dispatcher, first)
    dispatcher.restore(here)
    assert dispatcher.snapshot().key() == here.key()
    assert system.failures == failures
    walk(dispatcher, second)
    dispatcher.restore(here)
    assert walk(dispatcher, first) == future


@given(st.sampled_from(DELIVERIES), PICKS)
def test_key_is_that_of_any_equal_system(delivery: Delivery, picks: list[int]) -> None:
    """Two Systems after the same steps have equal, hashable keys."""
    (_, one), (_, other) = workshop(delivery), workshop(delivery)
    assert walk(one, picks) == walk(other, picks)
    keys = {one.snapshot().key(), other.snapshot().key()}
    assert len(keys) == 1


def test_key_tells_apart_what_matters() -> None:
    """State, mailbox, sender, timer and time each make another key."""

    def key_after(*messages: Message, steps: int = 0) -> tuple[object, ...]:
        dispatcher = SteppingDispatcher()
        ref = System(dispatcher).spawn(Diary(), "diary")
        for message in messages:
            ref.tell(message)
        for _ in range(steps):
            dispatcher.step()
        return dispatcher.snapshot().key()

    keys = [
        key_after(),
        key_after(Note("x")),
        key_after(Note("y")),
        key_after(Note("x"), Note("y")),
        key_after(Note("y"), Note("x")),
        key_after(Note("x"), steps=1),
        key_after(SetTimer(1, "x"), steps=1),
        key_after(SetTimer(2, "x"), steps=1),
        key_after(SetTimer(1, "x"), steps=2),
        key_after(SetTimer(2, "x"), steps=2),
    ]
    assert len(set(keys)) == len(keys)


def test_key_leaves_out_the_order_of_spawning() -> None:
    """The order in which actors were spawned is not in the key."""
    keys: set[tuple[object, ...]] = set()
    for names in (("a", "b"), ("b", "a")):
        dispatcher = SteppingDispatcher()
        system = System(dispatcher)
        for name in names:
            system.spawn(Diary(), name)
        keys.add(dispatcher.snapshot().key())
    assert len(keys) == 1


class HeapState(msgspec.Struct):
    """A state of every shape that must be restored exactly."""

    by_number: dict[int, tuple[int, ...]]
    by_name: dict[str, bytes]
    waiting: list[tuple[ReplyTo, str]]
    best: float = 0.5
    last: bytes | None = None


class Heap(Actor):
    """Has state."""

    state: HeapState

    def __init__(self, state: HeapState) -> None:
        self.state = state


@given(
    st.builds(
        HeapState,
        st.dictionaries(st.integers(0, 9), st.tuples(st.integers(0, 9))),
        st.dictionaries(st.text(max_size=3), st.binary(max_size=3)),
        st.just([]),
        st.floats(allow_nan=False),
        st.none() | st.binary(max_size=3),
    )
)
def test_state_comes_back_as_it_was(state: HeapState) -> None:
    """A restored state is equal to the original, including dict order, and new."""
    dispatcher = SteppingDispatcher()
    actor = Heap(state)
    ref = System(dispatcher).spawn(actor, "heap")
    state.waiting.append((ReplyTo(ref, 3), "x"))
    here = dispatcher.snapshot()
    kept = msgspec.structs.asdict(state)
    orders = [list(state.by_number), list(state.by_name)]
    dispatcher.restore(here)
    assert actor.state is not state
    assert msgspec.structs.asdict(actor.state) == kept
    assert [list(actor.state.by_number), list(actor.state.by_name)] == orders


def test_snapshot_is_out_of_reach() -> None:
    """Actions after a snapshot do not change it."""
    dispatcher, diary = race("mailbox")
    here: Snapshot = dispatcher.snapshot()
    key = here.key()
    dispatcher.run()
    diary.ref.ask(Collect(), block=True)
    assert here.key() == key
    dispatcher.restore(here)
    assert texts_of(diary) == []


class Doomed(Diary):
    """Has a child, so that it does not end in the step in which it fails."""

    def on_start(self) -> None:
        """Spawn it."""
        self.spawn(Diary(), "child")


@pytest.mark.parametrize("supervision", [Stop(), Restart(delay=1.0)])
def test_failure_is_in_a_snapshot(supervision: Stop | Restart) -> None:
    """A failed actor is restored as failed, with `on_stop` still to come."""
    dispatcher = SteppingDispatcher()
    actor = Doomed()
    ref = System(dispatcher).spawn(actor, "doomed", supervision=supervision)
    ref.tell(Blow("loud"))
    with pytest.raises(ActorFailedError):
        dispatcher.step()
    texts_of(actor).clear()
    here = dispatcher.snapshot()
    for _ in range(2):
        ref.stop(drain=False)
        dispatcher.run()
        assert not ref.is_alive
        assert texts_of(actor) == ["stopped"]
        texts_of(actor).clear()
        dispatcher.restore(here)
    assert dispatcher.snapshot().key() == here.key()


def test_end_of_a_child_is_in_a_snapshot() -> None:
    """A child whose end its parent does not know yet is restored like that."""
    dispatcher = SteppingDispatcher()
    system = System(dispatcher)
    ref = system.spawn(Doomed(), "parent")
    before = dispatcher.snapshot()
    system.ref("parent/child").stop()
    dispatcher.step()
    ended = dispatcher.snapshot()
    assert not system.is_alive("parent/child")
    for snapshot in (before, ended):
        dispatcher.restore(snapshot)
    ref.stop()
    dispatcher.run()
    assert not ref.is_alive


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_crash(delivery: Delivery) -> None:
    """A crashed actor fails on that message, and its ask fails."""
    dispatcher = SteppingDispatcher(delivery)
    system = System(dispatcher)
    diary = system.spawn(Diary(), "diary", supervision=Restart())
    diary.tell(Note("lost"))
    diary.tell(Note("kept"))
    (choice,) = dispatcher.enabled()
    with pytest.raises(ActorFailedError, match="diary failed on Note: CrashedError"):
        dispatcher.step(choice._replace(crash=True))
    dispatcher.run()
    assert diary.ask(Collect(), block=True) == Notes(("kept",))


def test_crash_of_what_is_not_handled_by_the_actor() -> None:
    """Signals of the System cannot make an actor crash."""
    dispatcher = SteppingDispatcher()
    system = System(dispatcher)
    system.spawn(Diary(), "diary").stop()
    (choice,) = dispatcher.enabled()
    with pytest.raises(DispatcherError, match=r"a crash on .* is not enabled"):
        dispatcher.step(choice._replace(crash=True))
