"""Errors: a QEMU cannot be tested at all, or not with a scenario."""

from ccw_actors.errors import CcwActorsError

__all__ = ["EmulatorTestError", "NotApplicableError"]


class EmulatorTestError(CcwActorsError):
    """The QEMU, the compiler or the guest is missing, does not start, or has ended."""


class NotApplicableError(CcwActorsError):
    """The QEMU does not let a guest do what a scenario is about."""
