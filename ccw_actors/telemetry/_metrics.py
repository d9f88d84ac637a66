"""An observer that counts and measures through the OpenTelemetry metrics API."""

from opentelemetry.metrics import Meter, get_meter

from ccw_actors.runtime import Handled, Observer

__all__ = ["MetricsObserver"]


class MetricsObserver(Observer):
    """Reports what happens in a System to a meter.

    | instrument | kind, unit | attributes |
    |---|---|---|
    | ccw_actors.actors | up-down counter, {actor} | |
    | ccw_actors.messages | counter, {message} | message: its type |
    | ccw_actors.latency | histogram, s: from sent to handled | message |
    | ccw_actors.dead_letters | counter, {message} | message |
    | ccw_actors.failures | counter, {failure} | error: its type |
    | ccw_actors.restarts | counter, {restart} | |

    Paths of actors are not attributes, because their number has no limit.
    """

    def __init__(self, meter: Meter | None = None) -> None:
        """Create the instruments, in this package's meter if none is given."""
        if meter is None:
            meter = get_meter("ccw_actors")
        name = "ccw_actors."
        self._actors = meter.create_up_down_counter(f"{name}actors", "{actor}")
        self._messages = meter.create_counter(f"{name}messages", "{message}")
        self._latency = meter.create_histogram(f"{name}latency", "s")
        self._dead = meter.create_counter(f"{name}dead_letters", "{message}")
        self._failures = meter.create_counter(f"{name}failures", "{failure}")
        self._restarts = meter.create_counter(f"{name}restarts", "{restart}")

    def spawned(self, actor: str) -> None:
        """Count an actor."""
        del actor
        self._actors.add(1)

    def handled(self, event: Handled) -> None:
        """Count a message and measure how long it waited."""
        attributes = {"message": event.message_type.__name__}
        self._messages.add(1, attributes)
        self._latency.record(event.handled_at - event.sent_at, attributes)

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Count a message that no actor handled."""
        del reason
        self._dead.add(1, {"message": event.message_type.__name__})

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Count a failure."""
        del actor, message
        self._failures.add(1, {"error": type(error).__name__})

    def restarted(self, actor: str) -> None:
        """Count a restart."""
        del actor
        self._restarts.add(1)

    def stopped(self, actor: str, reason: str) -> None:
        """Subtract an ended actor from the count."""
        del actor, reason
        self._actors.add(-1)
