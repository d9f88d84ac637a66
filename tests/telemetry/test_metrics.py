"""The OpenTelemetry metrics of a System."""

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from ccw_actors.runtime import Restart, System, VirtualDispatcher
from ccw_actors.telemetry import MetricsObserver
from tests.runtime.cast import Blow, Collect, Diary, Note, SetTimer


def points_of(reader: InMemoryMetricReader) -> dict[str, dict[str, Any]]:
    """Return each instrument's data points, by the value of their one attribute."""
    data = reader.get_metrics_data()
    assert data is not None
    found: dict[str, dict[str, Any]] = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        found[metric.name.removeprefix("ccw_actors.")] = {
            str(next(iter((point.attributes or {}).values()), "")): point
            for point in metric.data.data_points
        }
    return found


def play(system: System, dispatcher: VirtualDispatcher) -> None:
    """Let an actor wake, fail and stop, ask another one, and lose a message."""
    diary = system.spawn(Diary, "diary", supervision=Restart())
    system.spawn(Diary, "other")
    diary.tell(SetTimer(2.0, "later"))
    diary.tell(Blow("loud"))
    diary.tell(SetTimer(2.0, "later"))
    dispatcher.run()
    system.ref("nobody").tell(Note("lost"))
    diary.stop()
    dispatcher.run()
    assert diary.is_alive is False
    system.ref("other").ask(Collect(), block=True)


def test_metrics() -> None:
    """Actors, messages, waiting times, dead letters, failures and restarts."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    system.observe(MetricsObserver(provider.get_meter("test")))
    play(system, dispatcher)
    points = points_of(reader)
    assert points["actors"][""].value == 1
    assert points["messages"]["SetTimer"].value == 2
    assert points["messages"]["Wake"].value == 1
    assert points["latency"]["Wake"].sum == 2.0
    assert points["dead_letters"]["Note"].value == 3  # two of them unasked answers
    assert points["failures"]["ValueError"].value == 1
    assert points["restarts"][""].value == 1
    provider.shutdown()
