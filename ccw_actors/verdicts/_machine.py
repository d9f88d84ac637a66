"""What a scenario asks of the actors it has wired, whatever design they are."""

from typing import Protocol

from ccw_actors.explore import View

__all__ = ["VerdictMachine"]


class VerdictMachine(Protocol):
    """Where things are in a world, and what is wrong there by the host's state."""

    def owned(self, view: View) -> bool:
        """Whether the channel owns a program."""

    def queued(self, view: View) -> bool:
        """Whether status was taken from the host's subchannel and not handed on."""

    def started(self, view: View) -> int:
        """How many programs the host's subchannel has accepted."""

    def unsolicited(self, view: View) -> bool:
        """Whether unsolicited status has been taken and cannot be shown yet."""

    def translating(self, view: View) -> bool:
        """Whether the kernel is working at a START that is not at the channel yet."""

    def lost(self, view: View) -> bool:
        """Whether the device is gone."""

    def hangs(self, view: View) -> bool:
        """Whether the neighbour's START hangs in the kernel."""

    def changed(self, view: View) -> bool:
        """Whether the first IDAW has been changed."""

    def broken(self, view: View) -> tuple[str, ...]:
        """What has been broken on the host's side: ids, colons, and what happened."""

    def left(self, view: View) -> str:
        """What is wrong on the host's side when nothing is left to do."""
