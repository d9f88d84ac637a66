"""Refused messages, answers of a wrong type, and missing answers."""

import logging
from typing import Any

import pytest

from ccw_actors.errors import ActorFailedError, MessageError, NoAnswerError
from ccw_actors.runtime import (
    Actor,
    Failure,
    Message,
    Request,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes
from tests.runtime.worlds import World

loop = pytest.mark.asyncio

DERIVED = (
    "log refused Clicked: Log has no handler for it, only for Event, from which it is"
    " derived"
)
OTHER = "other refused Note: Log has no handler for it, only for Event"


class Event(Message, frozen=True):
    """An event."""

    at: float


class Clicked(Event, frozen=True):
    """An event with one more field."""

    button: int


class Log(Actor[Event]):
    """Keeps events, and handles `Failure`."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @receive
    def event(self, message: Event) -> None:
        """Keep."""
        self.events.append(message)


class Sender(Actor[Note | Failure]):
    """Tells a log of a click for each note; keeps failures."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    @receive
    def note(self, _message: Note) -> None:
        """Tell."""
        self.system.ref("log").tell(Clicked(1.0, 2))

    @receive
    def failure(self, message: Failure) -> None:
        """Keep."""
        self.failures.append(message)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the logged warnings."""
    found = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    caplog.clear()
    return found


# -- messages that nobody handles ------------------------------------------------


@loop
async def test_subclass_of_what_is_handled(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Handlers match the exact type: the refusal is a warning that says so.

    Type checkers accept such a message, so nothing else would report it.
    """
    log = Log()
    ref = world.system.spawn(log, "log")
    ref.tell(Clicked(1.0, 2))
    ref.tell(Event(1.0))
    await world.rest()
    assert log.events == [Event(1.0)]
    assert warnings(caplog) == [f"{DERIVED} (sent by the outside)"]
    assert world.system.statistics().dead_letters == 1


@loop
async def test_warning_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """One warning for each actor and type; each sender receives a `Failure`.

    A sender that handles `Failure` receives one for each.
    """
    sender = Sender()
    refs = [world.system.spawn(Log(), path) for path in ("log", "other")]
    back = world.system.spawn(sender, "sender")
    for _ in range(3):
        back.tell(Note("go"))
    for _ in range(2):
        untyped: Any = refs[1]
        untyped.tell(Note("x"))
    await world.rest()
    assert sorted(warnings(caplog)) == [
        f"{DERIVED} (sent by sender)",
        f"{OTHER} (sent by the outside)",
    ]
    assert [one.kind for one in sender.failures] == ["MessageError"] * 3
    assert world.system.statistics().dead_letters == 5


@loop
async def test_asking_who_has_no_handler(world: World) -> None:
    """The ask raises an error that names the handled types."""
    ref: Any = world.system.spawn(Log(), "log")
    text = "^log refused Collect: Log has no handler for it, only for Event$"
    with pytest.raises(MessageError, match=text):
        await world.ask(ref, Collect())
    assert ref.is_alive


@loop
async def test_wrong_field(world: World) -> None:
    """A field of the wrong type is named with its place."""
    wrong: Any = "noon"
    ref: Any = world.system.spawn(Log(), "log")
    ref.tell(Event(wrong))
    await world.rest()

    class Read(Request[Notes], frozen=True):
        at: float

    class Reader(Actor[Read]):
        @receive
        def read(self, _message: Read) -> Notes:
            """Answer."""
            return Notes(())

    reader = world.system.spawn(Reader(), "reader")
    with pytest.raises(
        MessageError, match=r"^reader refused Read: Expected `float`, go"
    ):
        await world.ask(reader, Read(wrong))


@pytest.mark.parametrize("what", [3, {"x": 1}, "text", None, (1, 2)])
def test_what_is_no_message(what: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A told value that is no message is refused, with a warning."""
    clock = VirtualDispatcher()
    system = System(clock)
    ref: Any = system.spawn(Log(), "log")
    ref.tell(what)
    clock.run()
    (text,) = warnings(caplog)
    assert text.startswith("log refused")
    assert system.statistics().dead_letters == 1


@loop
async def test_asking_with_what_is_no_request(world: World) -> None:
    """It raises at the ask, because it names no answer."""
    ref: Any = world.system.spawn(Log(), "log")
    with pytest.raises(TypeError, match=r"^Event does not say what answers it"):
        await world.ask(ref, Event(1.0))  # type: ignore[arg-type]
    assert world.system.statistics().handled == 0


class Moody(Actor[Note]):
    """Handles `Failure` in only one behaviour."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    @receive
    def note(self, message: Note) -> None:
        """Send to nobody, in that behaviour."""
        self.become(message.text)
        self.system.ref("nobody").tell(message)

    @receive(state="careful")
    def failure(self, message: Failure) -> None:
        """Keep."""
        self.failures.append(message)

    @receive(state="careless")
    def collect(self, _message: Collect) -> Notes:
        """Answer."""
        return Notes(())


@loop
async def test_failure_in_a_behaviour(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Only an actor that handles `Failure` in its current behaviour receives one."""
    moody = Moody()
    ref = world.system.spawn(moody, "moody")
    for mood in ("careful", "careless"):
        ref.tell(Note(mood))
        await world.rest()
    assert [one.actor for one in moody.failures] == ["nobody"]
    assert not [text for text in warnings(caplog) if "refused" in text]


# -- answers ---------------------------------------------------------------------


def answering(answer: Any) -> type[Actor[Any]]:
    """Return a class of actors that answer with that, without a return annotation."""

    class Answering(Actor[Collect | Note]):
        @receive
        def collect(self, _message: Collect) -> Any:
            """Answer."""
            return answer

        @receive
        def note(self, _message: Note) -> Any:
            """Also answer to nobody."""
            return answer

    return Answering


@loop
async def test_wrong_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The error names actor, request, answer, and the expected type.

    It is also a warning, once, because the mistake is not the asker's.
    """
    ref = world.system.spawn(answering(Note("x")), "a")
    text = "a answered Collect with Note; expected Notes"
    for _ in range(2):
        with pytest.raises(MessageError, match=f"^{text}$"):
            await world.ask(ref, Collect())
    assert warnings(caplog) == [f"{text} (asked by the outside)"]
    assert world.system.failures == []
    assert ref.is_alive


@loop
async def test_wrong_field_in_an_answer(world: World) -> None:
    """An answer of the right type with a wrong field says which."""
    wrong: Any = (1,)
    ref = world.system.spawn(answering(Notes(wrong)), "a")
    with pytest.raises(
        MessageError, match=r"with Notes: Expected `str`, got `int` - at"
    ):
        await world.ask(ref, Collect())


@loop
async def test_answer_that_is_no_message(world: World) -> None:
    """The answering actor fails; the error names the given and expected types."""
    ref = world.system.spawn(answering("text"), "a")
    with pytest.raises(ActorFailedError) as caught:
        await world.ask(ref, Collect())
    assert str(caught.value) == (
        "a failed on Collect: TypeError: Collect was answered with 'text', which is a"
        " str, not a message; expected Notes"
    )
    await world.rest()
    assert not ref.is_alive


@loop
async def test_answer_that_never_comes(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler that returns None without reading `reply_to` forgot to answer."""
    ref = world.system.spawn(answering(None), "a")
    with pytest.raises(NoAnswerError, match=r"^a does not answer Collect: .*got None$"):
        await world.ask(ref, Collect())
    ref.tell(Collect())
    ref.tell(Note("nothing is owed for that"))
    await world.rest()
    assert ref.is_alive
    assert len(warnings(caplog)) == 1


# -- what is found when the class is made ----------------------------------------


class Either(Request[Note | Notes], frozen=True):
    """A request with one of two answers."""


class Vague(Request[Any], frozen=True):
    """A request with any answer."""


@pytest.mark.parametrize(
    ("request_type", "answer"),
    [
        (Collect, Notes),
        (Collect, Notes | None),
        (Collect, None),
        (Collect, Any),
        (Collect, Message),
        (Collect, object),
        (Either, Note),
        (Either, Note | Notes),
        (Either, Notes | None),
        (Vague, Note),
        (Note, Notes),
    ],
)
def test_answers_that_are_right(request_type: Any, answer: Any) -> None:
    """A return annotation that fits the request, or says nothing, is accepted."""

    def handler(self: Actor, message: Any) -> Any:
        """Do nothing."""

    handler.__annotations__ |= {"message": request_type, "return": answer}
    type("Right", (Actor,), {"handle": receive(handler)})


@pytest.mark.parametrize(
    ("request_type", "answer", "text"),
    [
        (Collect, Note, "answers Collect with Note, expected Notes"),
        (Collect, Notes | Note, "answers Collect with Note, expected Notes"),
        (Collect, str, "answers Collect with str, expected Notes"),
        (Either, Event, r"answers Either with Event, expected Note \| Notes"),
        (
            Carry | Collect,
            Notes | Event,
            r"answers Carry \| Collect with Event, expected Note \| Notes",
        ),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
def test_answers_that_are_wrong(
    request_type: Any, answer: Any, text: str, *, is_async: bool
) -> None:
    """A return annotation is checked against the request, async or not."""

    def handler(self: Actor, message: Any) -> Any:
        """Do nothing."""

    async def later(self: Actor, message: Any) -> Any:
        """Do nothing."""

    method = later if is_async else handler
    method.__annotations__ |= {"message": request_type, "return": answer}
    with pytest.raises(TypeError, match=rf"^Wrong\.handle {text}"):
        type("Wrong", (Actor,), {"handle": receive(method)})


def test_named_request_that_is_not_that_of_the_parameter() -> None:
    """`@receive(Collect)` on a handler of something else is a mistake."""

    def handler(self: Actor, message: Carry) -> Notes:
        """Answer."""
        raise NotImplementedError

    with pytest.raises(
        TypeError, match=r"^Wrong\.handle is marked as the handler of Co"
    ):
        type("Wrong", (Actor,), {"handle": receive(Collect)(handler)})


def test_receive_of_what_is_no_request() -> None:
    """Only a request can be named."""
    with pytest.raises(TypeError, match=r"^receive\(Note\): expected a Request"):
        receive(Note)


def test_diary_is_as_it_was() -> None:
    """The handlers of a correct class are found, whatever was refused before."""
    system = System(VirtualDispatcher())
    assert system.spawn(Diary()).ask(Collect(), block=True) == Notes(())
