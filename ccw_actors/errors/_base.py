"""The base of every error of this package."""

__all__ = ["CcwActorsError"]


class CcwActorsError(Exception):
    """Base of every error that this package raises on purpose."""
