"""Decides whether a model allows what a kernel did."""

__all__: list[str] = []
