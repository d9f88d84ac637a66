"""What can be wrong with a kernel to build."""

from ccw_actors.errors import CcwActorsError

__all__ = [
    "BuildFailedError",
    "ChangeError",
    "KernelSourceError",
    "ToolMissingError",
]


class KernelSourceError(CcwActorsError):
    """There is no such package or tree, or the folder is no Linux that can be built."""


class ChangeError(CcwActorsError):
    """There is no such change, or its file is not an edit script."""


class ToolMissingError(CcwActorsError):
    """A program that a build needs is missing; the text names Debian's package."""


class BuildFailedError(CcwActorsError):
    """This kernel cannot be built as wanted; the text has the reason."""
