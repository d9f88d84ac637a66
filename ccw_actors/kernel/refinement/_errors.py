"""What is wrong with a trace of a kernel."""

from ccw_actors.errors import StreamError

__all__ = ["KernelTraceError"]


class KernelTraceError(StreamError):
    """A file is not a trace of a kernel, has another version, or is cut short."""
