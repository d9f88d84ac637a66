"""Dispatchers that run a System on an event loop or a virtual clock."""
