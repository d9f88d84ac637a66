"""The parents of OpenTelemetry spans in a handler."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pykka
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    Tracer,
    TraceState,
    get_current_span,
    use_span,
)

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    Request,
    Restart,
    System,
    VirtualDispatcher,
    receive,
)
from ccw_actors.telemetry import MetricsObserver, TraceContextPropagator
from tests.runtime.worlds import until


class Done(Message, frozen=True):
    """A query is done."""


class Query(Request[Done], frozen=True):
    """A query for a user, which takes a while."""

    who: str
    seconds: float = 0.0


class Fail(Request[Done], frozen=True):
    """Makes it fail."""


class Spans:
    """A tracer and its ended spans."""

    def __init__(self) -> None:
        self.provider = TracerProvider()
        self.exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer: Tracer = self.provider.get_tracer("test")

    def ended(self) -> tuple[ReadableSpan, ...]:
        """Return all ended spans, in order."""
        return self.exporter.get_finished_spans()

    def parents(self) -> dict[str, str]:
        """Return the name of the parent of each span, "" for none, by its own."""
        ended = self.ended()
        contexts = [(span.get_span_context(), span.name) for span in ended]
        names = {one.span_id: name for one, name in contexts if one is not None}
        return {
            span.name: "" if span.parent is None else names[span.parent.span_id]
            for span in ended
        }


@pytest.fixture
def spans(caplog: pytest.LogCaptureFixture) -> Iterator[Spans]:
    """Make a tracer; fail if OpenTelemetry logs a warning."""
    made = Spans()
    with caplog.at_level(logging.WARNING, "opentelemetry"):
        yield made
    made.provider.shutdown()
    records = caplog.get_records("call")
    assert [one.message for one in records if one.name.startswith("opentel")] == []


class Worker(Actor[Query | Fail]):
    """Handles a query within a span, and asks the next one, if there is one."""

    def __init__(self, tracer: Tracer, other: ActorRef[Any] | None = None) -> None:
        self.tracer = tracer
        self.other = other

    @receive
    async def query(self, message: Query) -> Done:
        """Make a span around a wait, and one after it."""
        with self.tracer.start_as_current_span(f"handle {message.who}"):
            if self.other is not None:
                await self.other.ask(Query(f"other of {message.who}"))
            await self.sleep(message.seconds)
            with self.tracer.start_as_current_span(f"query of {message.who}"):
                pass
        return Done()

    @receive
    async def fail(self, _message: Fail) -> Done:
        """Fail after a wait."""
        with self.tracer.start_as_current_span("fails"):
            await self.sleep(0)
            raise ValueError("as told")

    def on_failure(self, error: BaseException) -> None:
        """Make a span."""
        del error
        self.tracer.start_span("on_failure").end()

    def on_stop(self) -> None:
        """Make a span."""
        self.tracer.start_span("on_stop").end()


@pytest.mark.asyncio
@pytest.mark.parametrize("asked_for", [False, True])
async def test_actors_that_wait_at_once(spans: Spans, *, asked_for: bool) -> None:
    """Spans have a parent in their own handler, whose parent is the request.

    Without a request the handler's span has no parent.
    """
    async with System() as system:
        if asked_for:
            system.propagate(TraceContextPropagator())
        a, b = system.spawn(Worker(spans.tracer)), system.spawn(Worker(spans.tracer))
        with spans.tracer.start_as_current_span("request"):
            await asyncio.gather(a.ask(Query("alice", 0.002)), b.ask(Query("bob")))
        assert not get_current_span().get_span_context().is_valid
        await a.ask(Query("carol"))
        found = spans.parents()
    assert found == {
        "request": "",
        "handle alice": "request" if asked_for else "",
        "handle bob": "request" if asked_for else "",
        "handle carol": "",
        "query of alice": "handle alice",
        "query of bob": "handle bob",
        "query of carol": "handle carol",
    }


def test_chain_of_asks_under_a_virtual_clock(spans: Spans) -> None:
    """A trace goes from actor to actor, and ends at a failed handler."""
    system = System(clock := VirtualDispatcher())
    system.propagate(TraceContextPropagator())
    system.observe(MetricsObserver())
    other = system.spawn(Worker(spans.tracer))

    def make() -> Worker:
        return Worker(spans.tracer, other)

    ref = system.spawn(make, supervision=Restart())
    with spans.tracer.start_as_current_span("request"):
        ref.ask(Query("alice"), block=True)
        with pytest.raises(ActorFailedError):
            ref.ask(Fail(), block=True)
    clock.run()
    assert spans.parents() == {
        "request": "",
        "handle alice": "request",
        "handle other of alice": "handle alice",
        "query of other of alice": "handle other of alice",
        "query of alice": "handle alice",
        "fails": "request",
        "on_failure": "request",
        "on_stop": "",
    }
    (fails,) = (span for span in spans.ended() if span.name == "fails")
    assert not fails.status.is_ok


@pytest.mark.asyncio
async def test_pykka_in_both_directions(spans: Spans) -> None:
    """A foreign actor's span is a child of its sender's, and the parent of its asks."""

    class Foreign(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_receive(self, message: Query) -> Done:
            with spans.tracer.start_as_current_span("foreign"):
                return ref.ask(message, block=True)

    async with System() as system:
        system.propagate(TraceContextPropagator())
        ref = system.spawn(Worker(spans.tracer))
        actor = Foreign.start()
        foreign: ActorRef[Query] = system.bridge(actor, "foreign", Query, stop=True)
        with spans.tracer.start_as_current_span("request"):
            await foreign.ask(Query("alice"))
        found = spans.parents()
        await asyncio.to_thread(actor.ask, Query("bob"))
    assert found == {
        "request": "",
        "foreign": "request",
        "handle alice": "foreign",
        "query of alice": "handle alice",
    }
    own = [span for span in spans.ended() if span.name == "foreign"]
    assert [span.parent is None for span in own] == [False, True]


@pytest.mark.asyncio
async def test_whole_trace_context_travels(spans: Spans) -> None:
    """Trace, flags and `tracestate` travel, as in W3C Trace Context."""
    seen: list[SpanContext] = []

    class Looks(Actor[Done]):
        @receive
        def done(self, _message: Done) -> None:
            seen.append(get_current_span().get_span_context())

    sent = [
        SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(flags))
        for flags in (0, 1)
    ]
    state = TraceState([("ot", "th:8;rv:1f"), ("vendor", "a value with spaces")])
    sent.append(
        SpanContext(
            0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(1), trace_state=state
        )
    )
    async with System() as system:
        system.propagate(TraceContextPropagator())
        ref = system.spawn(Looks())
        for one in sent:
            with use_span(NonRecordingSpan(one)):
                ref.tell(Done())
        ref.tell(Done())
        await until(lambda: len(seen) == 4)
    assert spans.ended() == ()
    for one, other in zip(sent, seen, strict=False):
        assert other.is_remote
        assert other.trace_id == one.trace_id
        assert other.span_id == one.span_id
        assert other.trace_flags == one.trace_flags
        assert other.trace_state == one.trace_state
    assert not seen[3].is_valid


@pytest.mark.asyncio
async def test_what_is_not_sampled_stays_so() -> None:
    """A handler's span is sampled if that of the request is."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0.0)))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    async with System() as system:
        system.propagate(TraceContextPropagator())
        ref = system.spawn(Worker(tracer))
        with tracer.start_as_current_span("request"):
            await ref.ask(Query("alice"))
        sampled = SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(1))
        with use_span(NonRecordingSpan(sampled)):
            await ref.ask(Query("bob"))
    names = [span.name for span in exporter.get_finished_spans()]
    assert names == ["query of bob", "handle bob"]
    provider.shutdown()
