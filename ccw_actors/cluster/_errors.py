"""Errors of work in several processes."""

from ccw_actors.errors import CcwActorsError

__all__ = ["CallLostError", "ClusterError", "ShareLostError"]


class ClusterError(CcwActorsError):
    """A cluster cannot be used, or has lost a call; the text says why."""


class CallLostError(ClusterError):
    """The workers that made a call have died, one after the other."""


class ShareLostError(ClusterError):
    """The process with one share of the states has ended, so the states are lost."""
