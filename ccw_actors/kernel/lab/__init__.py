"""Boots a kernel on this package's subchannel, and forces orders of events."""

__all__: list[str] = []
