"""Tries faults of a real QEMU, by a guest without an operating system."""

__all__: list[str] = []
