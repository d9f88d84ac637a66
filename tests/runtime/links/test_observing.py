"""What observers and propagators see of messages that come over a link."""

import asyncio
import contextvars

import pytest

from ccw_actors.runtime import Actor, Handled, Observer, System, receive
from tests.runtime.cast import Carry, Collect, Deliver, Diary, Note, Notes, Send
from tests.runtime.links.pairs import Pair, linked
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


class Record(Observer):
    """Keeps what was handled, by type."""

    def __init__(self, system: System) -> None:
        self.events: list[Handled] = []
        system.observe(self)

    def handled(self, event: Handled) -> None:
        """Keep."""
        self.events.append(event)

    def the(self, kind: type) -> Handled:
        """Return the only event of a type."""
        (event,) = [one for one in self.events if one.message_type is kind]
        return event


async def sent(pair: Pair) -> tuple[Record, Record]:
    """Let an actor of `one` tell one of `two`; return both records."""
    records = Record(pair.one), Record(pair.two)
    diary = Diary()
    there = await pair.there(diary, "diary")
    pair.one.spawn(Diary(), "sends").tell(Send(("x",), (there,)))
    await until(lambda: diary.state.texts == ["x"])
    return records


@loop
async def test_cause() -> None:
    """The cause of a message is the one that its sender handled, in its System."""
    async with linked() as pair:
        here, there = await sent(pair)
        event = there.the(Note)
        assert event.cause == here.the(Send).number
        assert event.cause_system == "one"
        assert (event.sender, event.recipient) == ("sends", "diary")
        assert here.the(Send).cause_system == ""


@loop
async def test_cause_of_an_answer() -> None:
    """That of an answer is the request, in the System that answers."""
    async with linked() as pair:
        here, there = Record(pair.one), Record(pair.two)
        ref = await pair.there(Diary(), "diary")
        assert await ref.ask(Collect()) == Notes(())
        answer = here.the(Notes)
        assert answer.cause == there.the(Collect).number
        assert answer.cause_system == "two"


@loop
async def test_cause_of_a_late_answer() -> None:
    """That of a late answer is the message that its actor handled then."""
    async with linked() as pair:
        here, there = Record(pair.one), Record(pair.two)
        diary = Diary()
        ref = await pair.there(diary, "diary")
        asking = asyncio.ensure_future(ref.ask(Carry("x")))
        await until(lambda: bool(diary.state.carried))
        pair.two.ref("diary").tell(Deliver())
        assert await asking == Note("x")
        assert here.the(Note).cause == there.the(Deliver).number
        assert here.the(Note).cause_system == "two"


@loop
async def test_time() -> None:
    """A message counts as sent when it came: clocks of two hosts differ."""
    async with linked() as pair:
        _, there = await sent(pair)
        event = there.the(Note)
        assert event.sent_at <= event.handled_at


trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="")


class Tracer:
    """A propagator whose trace is a text in a variable."""

    def inject(self) -> str:
        """Return it."""
        return trace.get()

    def attach(self, traceparent: str) -> contextvars.Token[str]:
        """Set it."""
        return trace.set(traceparent)

    def detach(self, token: contextvars.Token[str]) -> None:
        """Restore it."""
        trace.reset(token)


class Looks(Actor[Note | Carry]):
    """Keeps the trace that it is in."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @receive
    def note(self, _message: Note) -> None:
        """Look."""
        self.seen.append(trace.get())

    @receive
    def carry(self, _message: Carry) -> Note:
        """Look, and answer."""
        self.seen.append(trace.get())
        return Note(trace.get())


@loop
async def test_trace() -> None:
    """A message is handled in the trace of its sender, also over a link."""
    async with linked() as pair:
        for system in (pair.one, pair.two):
            system.propagate(Tracer())
        looks = Looks()
        ref = await pair.there(looks, "looks")
        token = trace.set("a trace")
        ref.tell(Note("x"))
        assert await ref.ask(Carry("y")) == Note("a trace")
        await ref.offer(Note("z"))
        trace.reset(token)
        await until(lambda: len(looks.seen) == 3)
        assert looks.seen == ["a trace"] * 3
