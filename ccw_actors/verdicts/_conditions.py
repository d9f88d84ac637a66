"""The conditions that scenarios have to reach: how far an I/O is when an event comes.

A scenario that never reaches a condition has tested nothing. A `VerdictMachine` answers
how far an I/O is in its layers.
"""

from collections.abc import Callable
from typing import TypeAlias

from ccw_actors.channel import Fctl
from ccw_actors.explore import View
from ccw_actors.verdicts._machine import VerdictMachine

__all__ = [
    "Condition",
    "attention_amidst",
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
    "while_other_hangs",
]

Condition: TypeAlias = Callable[[VerdictMachine, View], bool]


def queued(machine: VerdictMachine, view: View) -> bool:
    """Whether status is on its way up."""
    return machine.queued(view)


def owned(machine: VerdictMachine, view: View) -> bool:
    """Whether the channel owns a program."""
    return machine.owned(view)


def started(machine: VerdictMachine, view: View) -> bool:
    """Whether a program has been accepted."""
    return machine.started(view) > 0


def two_starts(_machine: VerdictMachine, view: View) -> bool:
    """Whether two threads have a START in the kernel at the same time."""
    writers = view["writer0"], view["writer1"]
    return all(one.made > len(one.returned) for one in writers)


def queued_amidst(machine: VerdictMachine, view: View) -> bool:
    """Whether status is on its way up while the channel owns the program."""
    return machine.owned(view) and machine.queued(view)


def cancel_while_owned(machine: VerdictMachine, view: View) -> bool:
    """Whether XSCH comes while the channel owns the program."""
    return view.monitor.newest == "CancelSubchannel" and machine.owned(view)


def disable_while_owned(machine: VerdictMachine, view: View) -> bool:
    """Whether MSCH comes while the channel owns the program."""
    return view.monitor.newest == "ModifySubchannel" and machine.owned(view)


def lost_late(machine: VerdictMachine, view: View) -> bool:
    """Whether the device is lost after a program has been accepted."""
    return machine.lost(view) and machine.started(view) > 0


def guest_reset_amidst(machine: VerdictMachine, view: View) -> bool:
    """Whether the guest is being reset while the channel owns the program."""
    return view["operator"].waits and machine.owned(view)


def while_other_hangs(machine: VerdictMachine, view: View) -> bool:
    """Whether a program is accepted while that of the other device hangs."""
    return machine.hangs(view) and machine.started(view) > 0


def changed_amidst(machine: VerdictMachine, view: View) -> bool:
    """Whether the first IDAW has been changed while its program is translated."""
    return machine.changed(view) and machine.translating(view)


def returned(_machine: VerdictMachine, view: View) -> bool:
    """Whether the first writer has been answered."""
    return bool(view["writer0"].returned)


def two_reports(_machine: VerdictMachine, view: View) -> bool:
    """Whether two channel reports wait to be read."""
    return len(view["host"].reports) > 1


def start_while_queued(machine: VerdictMachine, view: View) -> bool:
    """Whether START comes while a CLEAR's status is on its way up."""
    cleared = bool(view.monitor.functions & Fctl.CLEAR)
    return cleared and machine.queued(view) and view.monitor.newest == "StartSubchannel"


def clear_while_queued(machine: VerdictMachine, view: View) -> bool:
    """Whether CLEAR comes while status is on its way up."""
    return view.monitor.newest == "ClearSubchannel" and machine.queued(view)


def clear_while_owned(machine: VerdictMachine, view: View) -> bool:
    """Whether CLEAR comes while the channel owns a program."""
    return view.monitor.newest == "ClearSubchannel" and machine.owned(view)


def clear_while_pending(_machine: VerdictMachine, view: View) -> bool:
    """Whether CLEAR has come while status was pending."""
    return bool(view.monitor.met == "ClearSubchannel")


def raw_start_while_queued(machine: VerdictMachine, view: View) -> bool:
    """Whether START is written while status is on its way up."""
    writer = view["writer1"]
    return writer.made > len(writer.returned) and machine.queued(view)


def reset_amidst(machine: VerdictMachine, view: View) -> bool:
    """Whether RESET is in progress while the channel owns a program."""
    writer = view["writer1"]
    return writer.made == 1 and not writer.returned and machine.owned(view)


def second_start(machine: VerdictMachine, view: View) -> bool:
    """Whether two programs have been accepted."""
    return machine.started(view) == 2


def halt_while_queued(machine: VerdictMachine, view: View) -> bool:
    """Whether HALT comes while status is on its way up."""
    return view.monitor.newest == "HaltSubchannel" and machine.queued(view)


def halt_while_owned(machine: VerdictMachine, view: View) -> bool:
    """Whether HALT comes while the channel owns a program."""
    return view.monitor.newest == "HaltSubchannel" and machine.owned(view)


def attention_amidst(machine: VerdictMachine, view: View) -> bool:
    """Whether unsolicited status was taken while a START is in progress."""
    asked = bool(view.monitor.functions) or bool(view.monitor.asked)
    return asked and machine.unsolicited(view)
