"""Delivery, handlers, supervision, asks and timers, without threads or event loop."""
