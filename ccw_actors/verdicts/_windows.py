"""The windows that columns are about: where an I/O is when something comes.

They are asked of a `Rack`, which knows where things are in its layers.
"""

from collections.abc import Callable

from ccw_actors.channel import Fctl
from ccw_actors.explore import View

__all__ = [
    "Entered",
    "Rack",
    "attention_amidst",
    "beside_hanging",
    "cancel_while_owned",
    "changed_amidst",
    "clear_while_owned",
    "clear_while_pending",
    "clear_while_queued",
    "disable_while_owned",
    "guest_reset_amidst",
    "halt_while_owned",
    "halt_while_queued",
    "lost_late",
    "owned",
    "queued",
    "queued_amidst",
    "raw_start_while_queued",
    "reset_amidst",
    "returned",
    "second_start",
    "start_while_queued",
    "started",
    "two_reports",
    "two_starts",
]


class Rack:
    """Where things are in a world, and what is wrong there by the host's state."""

    def owned(self, view: View) -> bool:
        """Whether the channel owns a program."""
        raise NotImplementedError

    def queued(self, view: View) -> bool:
        """Whether status was taken from the host's subchannel and not handed on."""
        raise NotImplementedError

    def started(self, view: View) -> int:
        """How many programs the host's subchannel has accepted."""
        raise NotImplementedError

    def unsolicited(self, view: View) -> bool:
        """Whether unsolicited status has been taken and cannot be shown yet."""
        raise NotImplementedError

    def translating(self, view: View) -> bool:
        """Whether the kernel is working at a START that is not at the channel yet."""
        raise NotImplementedError

    def lost(self, view: View) -> bool:
        """Whether the device is gone."""
        raise NotImplementedError

    def hangs(self, view: View) -> bool:
        """Whether the neighbour's START hangs in the kernel."""
        raise NotImplementedError

    def changed(self, view: View) -> bool:
        """Whether the first IDAW has been changed."""
        raise NotImplementedError

    def broken(self, view: View) -> tuple[str, ...]:
        """What has been broken on the host's side: ids, colons, and what happened."""
        raise NotImplementedError

    def left(self, view: View) -> str:
        """What is wrong on the host's side when nothing is left to do."""
        raise NotImplementedError


Entered = Callable[[Rack, View], bool]


def queued(rack: Rack, view: View) -> bool:
    """Whether status is on its way up."""
    return rack.queued(view)


def owned(rack: Rack, view: View) -> bool:
    """Whether the channel owns a program."""
    return rack.owned(view)


def started(rack: Rack, view: View) -> bool:
    """Whether a program has been accepted."""
    return rack.started(view) > 0


def two_starts(_rack: Rack, view: View) -> bool:
    """Whether two threads have a START in the kernel at once."""
    writers = view["writer0"], view["writer1"]
    return all(one.made > len(one.returned) for one in writers)


def queued_amidst(rack: Rack, view: View) -> bool:
    """Whether status is on its way up while the channel owns the program."""
    return rack.owned(view) and rack.queued(view)


def cancel_while_owned(rack: Rack, view: View) -> bool:
    """Whether XSCH comes while the channel owns the program."""
    return view.monitor.newest == "CancelSubchannel" and rack.owned(view)


def disable_while_owned(rack: Rack, view: View) -> bool:
    """Whether MSCH comes while the channel owns the program."""
    return view.monitor.newest == "ModifySubchannel" and rack.owned(view)


def lost_late(rack: Rack, view: View) -> bool:
    """Whether the device is lost when a program has been accepted."""
    return rack.lost(view) and rack.started(view) > 0


def guest_reset_amidst(rack: Rack, view: View) -> bool:
    """Whether the guest is being reset while the channel owns the program."""
    return view["operator"].waits and rack.owned(view)


def beside_hanging(rack: Rack, view: View) -> bool:
    """Whether a program is accepted while the neighbour's hangs."""
    return rack.hangs(view) and rack.started(view) > 0


def changed_amidst(rack: Rack, view: View) -> bool:
    """Whether the first IDAW has been changed while its program is translated."""
    return rack.changed(view) and rack.translating(view)


def returned(_rack: Rack, view: View) -> bool:
    """Whether the first writer has been answered."""
    return bool(view["writer0"].returned)


def two_reports(_rack: Rack, view: View) -> bool:
    """Whether there are two channel reports at once."""
    return len(view["host"].reports) > 1


def start_while_queued(rack: Rack, view: View) -> bool:
    """Whether START comes while a CLEAR's status is on its way up."""
    cleared = bool(view.monitor.functions & Fctl.CLEAR)
    return cleared and rack.queued(view) and view.monitor.newest == "StartSubchannel"


def clear_while_queued(rack: Rack, view: View) -> bool:
    """Whether CLEAR comes while status is on its way up."""
    return view.monitor.newest == "ClearSubchannel" and rack.queued(view)


def clear_while_owned(rack: Rack, view: View) -> bool:
    """Whether CLEAR comes while the channel owns a program."""
    return view.monitor.newest == "ClearSubchannel" and rack.owned(view)


def clear_while_pending(_rack: Rack, view: View) -> bool:
    """Whether CLEAR has come while status was pending."""
    return bool(view.monitor.met == "ClearSubchannel")


def raw_start_while_queued(rack: Rack, view: View) -> bool:
    """Whether START is written while status is on its way up."""
    writer = view["writer1"]
    return writer.made > len(writer.returned) and rack.queued(view)


def reset_amidst(rack: Rack, view: View) -> bool:
    """Whether RESET is under way while the channel owns a program."""
    writer = view["writer1"]
    return writer.made == 1 and not writer.returned and rack.owned(view)


def second_start(rack: Rack, view: View) -> bool:
    """Whether two programs have been accepted."""
    return rack.started(view) == 2


def halt_while_queued(rack: Rack, view: View) -> bool:
    """Whether HALT comes while status is on its way up."""
    return view.monitor.newest == "HaltSubchannel" and rack.queued(view)


def halt_while_owned(rack: Rack, view: View) -> bool:
    """Whether HALT comes while the channel owns a program."""
    return view.monitor.newest == "HaltSubchannel" and rack.owned(view)


def attention_amidst(rack: Rack, view: View) -> bool:
    """Whether unsolicited status was taken while START is in progress."""
    asked = bool(view.monitor.functions) or bool(view.monitor.asked)
    return asked and rack.unsolicited(view)
