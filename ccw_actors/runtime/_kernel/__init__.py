"""Delivering, invoking, supervising, asking, timing; without threads or event loop."""
