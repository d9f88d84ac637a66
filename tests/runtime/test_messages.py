"""Messages, answers, failures and ends, under every dispatcher."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    CcwActorsError,
    MessageError,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    Handled,
    Message,
    Observer,
    Request,
    receive,
)
from ccw_actors.transport import message_id
from tests.runtime.cast import (
    Blow,
    Carry,
    Collect,
    Deliver,
    Diary,
    Note,
    Notes,
    Send,
    texts_of,
)
from tests.runtime.worlds import World

pytestmark = pytest.mark.asyncio

TEXTS = tuple(f"{number}" for number in range(200))
REFUSED = "MessageError"
WRONG: Any = 7


class Begin(Message, frozen=True):
    """Starts a `Secretary`."""


class Secretary(Actor):
    """Tells some messages to another actor, and keeps all replies."""

    def __init__(self, other: ActorRef[Any], *messages: Message) -> None:
        self._other = other
        self._messages = messages
        self.back: list[Message] = []

    @receive
    def begin(self, _message: Begin) -> None:
        """Tell the messages."""
        for message in self._messages:
            self._other.tell(message)

    @receive
    def came_back(self, message: Note | Notes | Failure) -> None:
        """Keep the message."""
        self.back.append(message)


class Losses(Observer):
    """An observer that keeps lost messages."""

    def __init__(self) -> None:
        self.dead_letters: list[tuple[str, str, str]] = []
        self.failures: list[tuple[str, str, str]] = []

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Keep recipient, type and reason."""
        what = event.message_type.__name__
        self.dead_letters.append((event.recipient, what, reason))

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Keep actor, message and error."""
        self.failures.append((actor, message, str(error)))


def sent_through(world: World, *messages: Message) -> Secretary:
    """Let an actor tell messages to a diary; return it to check the replies."""
    secretary = Secretary(world.system.spawn(Diary(), "diary"), *messages)
    world.system.spawn(secretary, "secretary").tell(Begin())
    return secretary


async def test_order_of_one_sender(world: World) -> None:
    """Messages of each sender arrive in the order sent."""
    diary = Diary()
    ref = world.system.spawn(diary, "diary")
    world.system.spawn(Diary(), "other").tell(Send(TEXTS, (ref,)))
    for text in TEXTS:
        ref.tell(Note(f"outside {text}"))
    await world.rest()
    outside = [text for text in texts_of(diary) if text.startswith("outside")]
    assert outside == [f"outside {text}" for text in TEXTS]
    assert tuple(text for text in texts_of(diary) if text not in outside) == TEXTS


async def test_ask(world: World) -> None:
    """An ask returns the message that the handler returns."""
    ref = world.system.spawn(Diary(), "diary")
    ref.tell(Note("one"))
    assert await world.ask(ref, Collect()) == Notes(("one",))


async def test_answers_keep_their_place(world: World) -> None:
    """The answer to a told request arrives in order with other messages."""
    back = world.system.ref("secretary")
    before, after = Send(("before",), (back,)), Send(("after",), (back,))
    secretary = sent_through(world, before, Collect(), after)
    await world.rest()
    assert secretary.back == [Note("before"), Notes(()), Note("after")]


async def test_late_answer_to_an_actor(world: World) -> None:
    """A later handler may answer a request told by an actor."""
    secretary = sent_through(world, Carry("slow"))
    await world.rest()
    assert secretary.back == []
    world.system.ref("diary").tell(Deliver())
    await world.rest()
    assert secretary.back == [Note("slow")]


async def test_reference_in_a_message(world: World) -> None:
    """A reference that came in a message is equal to the one sent, and works."""
    diary = Diary()
    ref = world.system.spawn(diary, "diary")
    world.system.spawn(Diary(), "other").tell(Send(("hello",), (ref,)))
    await world.rest()
    assert texts_of(diary) == ["hello"]


async def test_message_is_a_copy(world: World) -> None:
    """The sender and the recipient have different objects."""

    class Keeper(Actor):
        kept: Message | None = None

        @receive
        def notes(self, message: Notes) -> None:
            """Keep the object itself."""
            self.kept = message

    keeper, sent = Keeper(), Notes(("a", "b"))
    world.system.spawn(keeper, "keeper").tell(sent)
    await world.rest()
    assert keeper.kept == sent
    assert keeper.kept is not sent


async def test_unencodable_value_is_the_senders_error(world: World) -> None:
    """Sending a value that cannot travel raises, and reaches nobody."""
    diary = Diary()
    ref = world.system.spawn(diary, "diary")
    with pytest.raises(TypeError, match="object cannot travel"):
        ref.tell(Note(object()))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await world.rest()
    assert texts_of(diary) == []


async def test_failure(world: World) -> None:
    """A handler that raises ends its actor; the asker and the System get the reason."""
    losses, diary = Losses(), Diary()
    world.system.observe(losses)
    ref = world.system.spawn(diary, "diary")
    with pytest.raises(ActorFailedError) as caught:
        await world.ask(ref, Blow("loud"))
    error = caught.value
    found = (error.actor, error.message, error.reason)
    assert found == ("diary", "Blow", "ValueError: loud")
    (failure,) = world.system.failures
    assert "raise ValueError(message.reason)" in failure.traceback
    assert losses.failures == [("diary", "Blow", "loud")]
    assert texts_of(diary) == ["failed: loud", "stopped"]
    assert not ref.is_alive


async def test_queue_of_a_failed_actor(world: World) -> None:
    """Messages that wait when their actor fails are dead letters."""
    losses = Losses()
    world.system.observe(losses)
    ref = world.system.spawn(Diary(), "diary")
    ref.tell(Blow("loud"))
    ref.tell(Note("too late"))
    try:
        await world.rest()
    except ActorFailedError:
        await world.rest()
    assert losses.dead_letters == [("diary", "Note", "the actor failed")]


async def test_ask_of_an_absent_actor(world: World) -> None:
    """Asking an absent actor fails at once."""
    with pytest.raises(
        ActorStoppedError, match=r"^diary was asked Collect: there is no"
    ):
        await world.ask(world.system.ref("diary"), Collect())


async def test_stop(world: World) -> None:
    """A stopped actor handles earlier messages, and no later ones."""
    losses, diary = Losses(), Diary()
    world.system.observe(losses)
    ref = world.system.spawn(diary, "diary")
    ref.tell(Note("before"))
    ref.stop()
    ref.tell(Note("after"))
    await world.rest()
    assert texts_of(diary) == ["before", "stopped"]
    assert losses.dead_letters == [("diary", "Note", "the actor has stopped")]
    assert not ref.is_alive


async def test_ask_of_an_actor_that_stops(world: World) -> None:
    """An ask unanswered when its actor stops fails then."""
    ref = world.system.spawn(Diary(), "diary")
    stopper = world.system.spawn(Stopper(ref), "stopper")
    stopper.tell(Begin())
    with pytest.raises(ActorStoppedError, match="diary was asked Carry"):
        await world.ask(ref, Carry("never"))


class Stopper(Actor):
    """Stops another actor."""

    def __init__(self, other: ActorRef[Any]) -> None:
        self._other = other

    @receive
    def begin(self, _message: Begin) -> None:
        """Stop it."""
        self._other.stop()


async def test_path_is_free_after_a_stop(world: World) -> None:
    """A new actor may use the path of a stopped one; the old reference is dead."""
    ref = world.system.spawn(Diary(), "diary")
    with pytest.raises(CcwActorsError, match="'diary': the path is taken"):
        world.system.spawn(Diary(), "diary")
    ref.stop()
    await world.rest()
    new = world.system.spawn(Diary(), "diary")
    assert await world.ask(new, Collect()) == Notes(())
    assert new == world.system.ref("diary") != ref
    assert (ref.is_alive, new.is_alive) == (False, True)
    with pytest.raises(ActorStoppedError):
        await world.ask(ref, Collect())
    ref.stop()
    await world.rest()
    assert new.is_alive


async def test_refused_ask(world: World) -> None:
    """Asking with a message that the actor cannot decode raises MessageError."""
    ref = world.system.spawn(Diary(), "diary")
    with pytest.raises(MessageError, match=r"diary refused Carry: Expected `str`"):
        await world.ask(ref, Carry(WRONG))
    assert ref.is_alive


async def test_refused_tell(world: World) -> None:
    """A message of a type that the actor does not accept is a dead letter."""
    losses = Losses()
    world.system.observe(losses)
    ref = world.system.spawn(Diary(), "diary")
    ref.tell(Begin())
    await world.rest()
    ((recipient, what, reason),) = losses.dead_letters
    assert (recipient, what) == ("diary", "Begin")
    assert reason.startswith("refused: Begin: Diary has no handler for it, only for")
    assert ref.is_alive


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            Carry(WRONG),
            Failure(
                "diary", "Carry", "Carry: Expected", refused=True, kind="MessageError"
            ),
        ),
        (
            Begin(),
            Failure(
                "diary",
                "Begin",
                "Begin: Diary has no handler",
                refused=True,
                kind="MessageError",
            ),
        ),
        (Blow("loud"), Failure("diary", "Blow", "ValueError: loud", kind="ValueError")),
    ],
    ids=["refused", "not accepted", "raised"],
)
async def test_sender_is_told(
    world: World, message: Message, expected: Failure
) -> None:
    """An actor that handles Failure receives one for its failed message."""
    secretary = sent_through(world, message)
    try:
        await world.rest()
    except ActorFailedError:
        await world.rest()
    (told,) = secretary.back
    assert isinstance(told, Failure)
    assert told.reason.startswith(expected.reason)
    sent = message_id(world.system.codec.encode(message))
    assert told == msgspec.structs.replace(
        expected, reason=told.reason, message_id=sent
    )


async def test_sender_is_told_of_a_dead_letter(world: World) -> None:
    """An actor that handles Failure receives one for a message that reached nobody."""
    secretary = Secretary(world.system.ref("nobody"), Note("hello"))
    world.system.spawn(secretary, "secretary").tell(Begin())
    await world.rest()
    (told,) = secretary.back
    assert told == Failure(
        "nobody",
        "Note",
        "there is no such actor",
        kind="ActorStoppedError",
        message_id=message_id(world.system.codec.encode(Note("hello"))),
    )


async def test_answer_that_the_request_does_not_know(world: World) -> None:
    """An answer of another type than the request promises fails the ask."""

    class Liar(Actor):
        @receive
        def collect(self, _message: Collect) -> Any:
            """Answer with the wrong type."""
            return Note("no notes")

    ref = world.system.spawn(Liar(), "liar")
    expected = "liar answered Collect with Note; expected Notes"
    with pytest.raises(MessageError, match=expected):
        await world.ask(ref, Collect())


async def test_handler_that_raises_message_error_has_failed(world: World) -> None:
    """A MessageError raised inside a handler is a failure, not a refusal."""

    class Reader(Actor):
        @receive
        def note(self, message: Note) -> None:
            """Meet bad bytes."""
            raise MessageError(message.text)

    ref = world.system.spawn(Reader(), "reader")
    ref.tell(Note("bad bytes"))
    with suppress(ActorFailedError):
        await world.rest()
    assert not ref.is_alive
    assert len(world.system.failures) == 1


async def test_request_that_names_no_answer(world: World) -> None:
    """Asking with a type that does not say what answers it raises at the asker."""

    class Vague(Request, frozen=True):  # type: ignore[type-arg]
        """Does not name its answer."""

    ref = world.system.spawn(Diary(), "diary")
    with pytest.raises(TypeError, match=r"derive it from Request\[\.\.\.\]"):
        await world.ask(ref, Vague())


async def test_hooks_that_raise(world: World) -> None:
    """An `on_stop` or `on_failure` that raises does not prevent the clean-up."""

    class Fragile(Diary):
        def on_stop(self) -> None:
            """Raise."""
            raise ValueError("in on_stop")

        def on_failure(self, error: BaseException) -> None:
            """Raise."""
            raise ValueError("in on_failure") from error

    losses = Losses()
    world.system.observe(losses)
    for path in ("stops", "fails"):
        world.system.spawn(Fragile(), path)
    world.system.ref("stops").stop()
    world.system.ref("stops").tell(Note("late"))
    world.system.ref("fails").tell(Blow("loud"))
    for _ in range(3):
        try:
            await world.rest()
        except ActorFailedError:
            continue
    assert losses.dead_letters == [("stops", "Note", "the actor has stopped")]
    assert sorted(losses.failures) == [
        ("fails", "Blow", "loud"),
        ("fails", "on_stop", "in on_stop"),
        ("stops", "on_stop", "in on_stop"),
    ]
    assert await world.ask(world.system.spawn(Diary(), "alive"), Collect()) == Notes(())


async def test_on_start_that_raises(world: World) -> None:
    """`spawn` raises what `on_start` raises, and leaves nothing behind."""

    class Stillborn(Diary):
        def on_start(self) -> None:
            """Send itself a message, then raise."""
            self.ref.tell(Note("never handled"))
            self.after(0, Note("never sent"))
            raise ValueError("in on_start")

    with pytest.raises(ValueError, match="in on_start"):
        world.system.spawn(Stillborn(), "diary")
    await world.rest()
    diary = Diary()
    world.system.spawn(diary, "diary")
    await world.rest()
    assert texts_of(diary) == []


class Breaking(Losses):
    """An observer that raises for each message."""

    calls = 0

    def handled(self, event: Handled) -> None:
        """Raise."""
        self.calls += 1
        raise OSError(f"disk full at {event.number}")


async def test_observer_that_raises(world: World) -> None:
    """An observer that raises is not called again, and nothing else is affected."""
    breaking, losses = Breaking(), Losses()
    world.system.observe(breaking)
    world.system.observe(losses)
    ref = world.system.spawn(Diary(), "diary")
    ref.tell(Note("one"))
    ref.tell(Note("two"))
    assert await world.ask(ref, Collect()) == Notes(("one", "two"))
    world.system.ref("nobody").tell(Note("lost"))
    assert breaking.calls == 1
    assert breaking.dead_letters == []
    assert len(losses.dead_letters) == 1
