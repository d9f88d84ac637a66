"""The windows that columns are about: where an I/O is when something comes.

They are asked of a rack, which knows where things are in its layers.
"""

from collections.abc import Callable
from typing import Protocol

from ccw_actors.channel import Fctl
from ccw_actors.explore import View

__all__ = [
    "Entered",
    "Windows",
    "attention_amidst",
    "clear_while_owned",
    "clear_while_pending",
    "clear_while_queued",
    "halt_while_owned",
    "halt_while_queued",
    "owned",
    "queued",
    "raw_start_while_queued",
    "reset_amidst",
    "returned",
    "second_start",
    "start_while_queued",
    "started",
    "two_reports",
]


class Windows(Protocol):
    """What a rack tells of where an I/O is, whatever its layers are."""

    def owned(self, view: View) -> bool:
        """Whether the channel owns a program."""
        ...

    def queued(self, view: View) -> bool:
        """Whether status was taken from the host's subchannel and not handed on."""
        ...

    def started(self, view: View) -> int:
        """How many programs the host's subchannel has accepted."""
        ...

    def unsolicited(self, view: View) -> bool:
        """Whether unsolicited status has been taken and cannot be shown yet."""
        ...


Entered = Callable[[Windows, View], bool]


def queued(windows: Windows, view: View) -> bool:
    """Whether status is on its way up."""
    return windows.queued(view)


def owned(windows: Windows, view: View) -> bool:
    """Whether the channel owns a program."""
    return windows.owned(view)


def started(windows: Windows, view: View) -> bool:
    """Whether a program has been accepted."""
    return windows.started(view) > 0


def returned(_windows: Windows, view: View) -> bool:
    """Whether the first writer has been answered."""
    return bool(view["writer0"].returned)


def two_reports(_windows: Windows, view: View) -> bool:
    """Whether there are two channel reports at once."""
    return len(view["host"].reports) > 1


def start_while_queued(windows: Windows, view: View) -> bool:
    """Whether START comes while a CLEAR's status is on its way up."""
    cleared = bool(view.monitor.functions & Fctl.CLEAR)
    return cleared and windows.queued(view) and view.monitor.newest == "StartSubchannel"


def clear_while_queued(windows: Windows, view: View) -> bool:
    """Whether CLEAR comes while status is on its way up."""
    return view.monitor.newest == "ClearSubchannel" and windows.queued(view)


def clear_while_owned(windows: Windows, view: View) -> bool:
    """Whether CLEAR comes while the channel owns a program."""
    return view.monitor.newest == "ClearSubchannel" and windows.owned(view)


def clear_while_pending(_windows: Windows, view: View) -> bool:
    """Whether CLEAR has come while status was pending."""
    return bool(view.monitor.met == "ClearSubchannel")


def raw_start_while_queued(windows: Windows, view: View) -> bool:
    """Whether START is written while status is on its way up."""
    writer = view["writer1"]
    return writer.made > len(writer.returned) and windows.queued(view)


def reset_amidst(windows: Windows, view: View) -> bool:
    """Whether RESET is under way while the channel owns a program."""
    writer = view["writer1"]
    return writer.made == 1 and not writer.returned and windows.owned(view)


def second_start(windows: Windows, view: View) -> bool:
    """Whether two programs have been accepted."""
    return windows.started(view) == 2


def halt_while_queued(windows: Windows, view: View) -> bool:
    """Whether HALT comes while status is on its way up."""
    return view.monitor.newest == "HaltSubchannel" and windows.queued(view)


def halt_while_owned(windows: Windows, view: View) -> bool:
    """Whether HALT comes while the channel owns a program."""
    return view.monitor.newest == "HaltSubchannel" and windows.owned(view)


def attention_amidst(windows: Windows, view: View) -> bool:
    """Whether unsolicited status was taken while START is in progress."""
    asked = bool(view.monitor.functions) or bool(view.monitor.asked)
    return asked and windows.unsolicited(view)
