"""What a scenario asks of its actors, whatever the design."""

from typing import Protocol

from ccw_actors.explore import View

__all__ = ["VerdictMachine"]


class VerdictMachine(Protocol):
    """How far an I/O is in a world, and what is wrong there."""

    def owned(self, view: View) -> bool:
        """Whether the channel owns a program."""
        ...

    def queued(self, view: View) -> bool:
        """Whether status was taken from the host's subchannel and not delivered yet."""
        ...

    def started(self, view: View) -> int:
        """How many programs the host's subchannel has accepted."""
        ...

    def unsolicited(self, view: View) -> bool:
        """Whether unsolicited status has been taken and cannot be shown yet."""
        ...

    def translating(self, view: View) -> bool:
        """Whether the kernel translates a program that the channel does not own yet."""
        ...

    def lost(self, view: View) -> bool:
        """Whether the device is gone."""
        ...

    def hangs(self, view: View) -> bool:
        """Whether the START of the other device hangs in the kernel."""
        ...

    def changed(self, view: View) -> bool:
        """Whether the first IDAW has been changed."""
        ...

    def broken(self, view: View) -> tuple[str, ...]:
        """The faults on the host's side: each an id, a colon, and what happened."""
        ...

    def left(self, view: View) -> str:
        """The fault on the host's side when no message is left, "" if there is none."""
        ...
