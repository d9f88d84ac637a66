"""The error of a picture that is too long for a format."""

from ccw_actors.errors import CcwActorsError

__all__ = ["TooLongError"]


class TooLongError(CcwActorsError):
    """A picture has too many events for a format; the text says what to do."""
