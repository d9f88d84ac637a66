"""What an operator asks of a `FaultyDevice`, and what that sends itself."""

from typing import TypeAlias

from ccw_actors.faults._fault import Fault
from ccw_actors.faults._plan import PlannedFault
from ccw_actors.runtime import Message, Request

__all__ = [
    "BusyOver",
    "DropFaults",
    "FaultDue",
    "FaultMessage",
    "FaultPlanned",
    "FaultsDropped",
    "FaultsReported",
    "HeldOver",
    "PathBack",
    "PlanFault",
    "ReportFaults",
]


class FaultPlanned(Message, frozen=True):
    """The device has the fault, under this number."""

    number: int


class PlanFault(Request[FaultPlanned], frozen=True):
    """Have a fault from now on, behind those that the device has."""

    fault: Fault


class FaultsReported(Message, frozen=True):
    """The faults that the device has, in the order in which a command meets them."""

    faults: tuple[PlannedFault, ...]


class ReportFaults(Request[FaultsReported], frozen=True):
    """Say which faults the device has, and how often each has happened."""


class FaultsDropped(Message, frozen=True):
    """The device no longer has these faults; what has begun comes to its end."""

    numbers: tuple[int, ...]


class DropFaults(Request[FaultsDropped], frozen=True):
    """Forget the faults with these numbers; without numbers all of them."""

    numbers: tuple[int, ...] = ()


class FaultDue(Message, frozen=True):
    """The time of the fault with this number has come."""

    number: int


class HeldOver(Message, frozen=True):
    """The time is over for which a command or its end was held."""

    number: int


class BusyOver(Message, frozen=True):
    """The time is over for which the device was busy."""


class PathBack(Message, frozen=True):
    """The time is over for which the channel path was off."""


FaultMessage: TypeAlias = PlanFault | ReportFaults | DropFaults
"""What an operator sends to a FaultyDevice."""
