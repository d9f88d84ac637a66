"""Periodic timers and their messages."""

import math

import msgspec
import pytest

from ccw_actors.errors import AskTimeoutError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Choice,
    Mailbox,
    Message,
    Request,
    Restart,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)


class Begin(Message, frozen=True):
    """Starts the ticking."""


class Tick(Message, frozen=True):
    """The message of the timer."""


class Count(Message, frozen=True):
    """How many ticks there were."""

    ticks: int


class Ask(Request[Count], frozen=True):
    """Asks for something that never comes."""


class ClockState(msgspec.Struct):
    """The state of a clock."""

    ticks: int = 0


class Stop(Message, frozen=True):
    """Ends the ticking."""


class Nap(Message, frozen=True):
    """Makes a handler wait for some seconds."""

    seconds: float


class TimesState(msgspec.Struct):
    """The state of a metronome."""

    times: list[float]
    key: int = 0


class Clock(Actor[Begin | Tick | Ask]):
    """Answers each tick, as if it were a request."""

    def __init__(self) -> None:
        self.state = ClockState()

    @receive
    def begin(self, _message: Begin) -> None:
        """Tick."""
        self.every(1.0, Tick())

    @receive
    def tick(self, _message: Tick) -> Count:
        """Count it; the answer goes to the actor of the timer, which refuses it."""
        self.state.ticks += 1
        return Count(self.state.ticks)

    @receive
    def ask(self, _message: Ask) -> None:
        """Answer nothing, but read `reply_to`."""
        self.answered_later = self.reply_to


def test_answer_to_a_tick_answers_no_ask() -> None:
    """A handler's result for a tick does not end an ask with the timer's number."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    actor = Clock()
    system.spawn(actor, "clock").tell(Begin())
    with pytest.raises(AskTimeoutError):
        system.spawn(Clock(), "silent").ask(Ask(), timeout=3.5, block=True)
    assert actor.state.ticks == 3


class Metronome(Actor[Begin | Tick | Stop | Nap]):
    """Notes the times of its ticks; every nap blocks it for some seconds."""

    def __init__(self) -> None:
        self.state = TimesState([])

    @receive
    def begin(self, _message: Begin) -> None:
        """Tick every second."""
        self.state.key = self.every(1.0, Tick())

    @receive
    def tick(self, _message: Tick) -> None:
        """Note the time."""
        self.state.times.append(self.now())

    @receive
    def stop_ticking(self, _message: Stop) -> None:
        """Cancel."""
        self.cancel(self.state.key)

    @receive
    async def nap(self, message: Nap) -> None:
        """Sleep; then fail, if the time was 0."""
        await self.sleep(message.seconds)
        if not message.seconds:
            raise ValueError("overslept")


def metronome(
    *, mailbox: Mailbox | None = None
) -> tuple[VirtualDispatcher, Metronome, ActorRef[Begin | Stop | Nap]]:
    """Return a metronome that has not started, in virtual time."""
    dispatcher, actor = VirtualDispatcher(), Metronome()
    ref = System(dispatcher).spawn(
        actor, "metronome", supervision=Restart(), mailbox=mailbox
    )
    ref.tell(Begin())
    return dispatcher, actor, ref


def test_times() -> None:
    """Ticks come at each multiple of the interval, and do not drift."""
    dispatcher, actor, _ = metronome()
    dispatcher.advance(3.5)
    assert actor.state.times == [1.0, 2.0, 3.0]


def test_slow_actor_is_not_buried() -> None:
    """While one tick waits no other is sent; later the beat is kept."""
    dispatcher, actor, ref = metronome()
    dispatcher.advance(1.5)
    ref.tell(Nap(10.2))
    dispatcher.advance(9.0)
    assert actor.system.statistics().waiting_messages == 1
    dispatcher.advance(3.0)
    assert actor.state.times == [1.0, 11.7, 12.0, 13.0]


def test_cancel() -> None:
    """A cancelled timer sends no more ticks; one that already waits stays."""
    dispatcher, actor, ref = metronome()
    dispatcher.advance(1.5)
    for message in (Nap(1.0), Stop(), Stop()):
        ref.tell(message)
    dispatcher.run()
    assert actor.state.times == [1.0, 2.5]
    assert dispatcher.now() == 2.5


def test_restart() -> None:
    """Ticks end with the life of the actor that has set the timer."""
    dispatcher, actor, ref = metronome()
    dispatcher.advance(1.5)
    ref.tell(Nap(0.0))
    dispatcher.run()
    assert actor.state.times == []
    assert [one.reason for one in actor.system.failures] == ["ValueError: overslept"]
    ref.tell(Begin())
    dispatcher.advance(2.0)
    assert actor.state.times == [2.5, 3.5]


def test_full_mailbox() -> None:
    """Ticks pass a full mailbox, and take no room there."""
    dispatcher, actor, ref = metronome(mailbox=Mailbox(1))
    dispatcher.advance(0.5)
    ref.tell(Nap(2.0))
    dispatcher.advance(0.1)
    ref.tell(Nap(0.5))
    dispatcher.advance(2.0)
    ref.tell(Nap(0.1))
    dispatcher.advance(1.0)
    assert actor.state.times == [3.0]
    assert actor.system.statistics().refused == 0


@pytest.mark.parametrize("interval", [0.0, -1.0, math.nan])
def test_wrong_interval(interval: float) -> None:
    """An interval that is not above 0 is refused, naming the actor."""
    _, actor, _ = metronome()
    with pytest.raises(ValueError, match="metronome: an interval is above 0 s, not"):
        actor.every(interval, Tick())


def test_stepping() -> None:
    """Under the stepping dispatcher a tick is a recurring choice."""
    dispatcher, actor = SteppingDispatcher(), Metronome()
    System(dispatcher).spawn(actor, "metronome").tell(Begin())
    dispatcher.step()
    for _ in range(3):
        (choice,) = dispatcher.enabled()
        assert choice == Choice("metronome", "metronome", 1)
        dispatcher.step(choice)
    assert actor.state.times == [1.0, 2.0, 3.0]
    here = dispatcher.snapshot()
    dispatcher.step()
    dispatcher.restore(here)
    assert dispatcher.snapshot().key() == here.key()
    dispatcher.step()
    assert actor.state.times[3:] == [4.0]


class Moody(Actor[Tick]):
    """Ticks, and changes its behaviour at the first tick."""

    def __init__(self) -> None:
        self.ticks: list[str] = []

    def on_start(self) -> None:
        """Tick in one behaviour."""
        self.every(1.0, Tick())
        self.become("glad")

    @receive(state="glad")
    def glad(self, _message: Tick) -> None:
        """Change."""
        self.ticks.append("glad")
        self.become("sad")

    @receive(state="sad")
    def sad(self, _message: Tick) -> None:
        """Stay."""
        self.ticks.append("sad")


def test_change_of_behaviour() -> None:
    """A periodic timer continues: each tick is for the current behaviour."""
    clock, moody = VirtualDispatcher(), Moody()
    System(clock).spawn(moody)
    clock.advance(3.5)
    assert moody.ticks == ["glad", "sad", "sad"]
