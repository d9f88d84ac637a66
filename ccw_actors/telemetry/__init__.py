"""Metrics and traces of a System for OpenTelemetry; needs the extra `otel`."""

from ccw_actors.telemetry._metrics import MetricsObserver as MetricsObserver
from ccw_actors.telemetry._trace_context import (
    TraceContextPropagator as TraceContextPropagator,
)

__all__ = ["MetricsObserver", "TraceContextPropagator"]
