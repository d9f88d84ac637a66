"""Debian's packages of any architecture and release, fetched as an ordinary user."""

__all__: list[str] = []
