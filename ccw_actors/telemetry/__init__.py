"""Metrics of a System for OpenTelemetry; needs the extra `otel`."""

from ccw_actors.telemetry.metrics import MetricsObserver as MetricsObserver

__all__ = ["MetricsObserver"]
