"""Requests for faults of a running machine's devices, and who answers them."""

from collections.abc import Callable, Mapping
from typing import Any

from ccw_actors.control import Handler
from ccw_actors.errors import FaultError
from ccw_actors.faults import (
    DropFaults,
    Fault,
    FaultMessage,
    PlanFault,
    PlannedFault,
    ReportFaults,
    check_fault,
)
from ccw_actors.machine._build import host_path
from ccw_actors.machine._config import HostDevice, Machine
from ccw_actors.runtime import ActorRef, Message, Request, System

__all__ = [
    "AddFault",
    "ClearFaults",
    "DeviceFaults",
    "FaultAdded",
    "FaultDesk",
    "FaultList",
    "FaultsCleared",
    "ListFaults",
]


class FaultAdded(Message, frozen=True):
    """The device has the fault, under this number."""

    number: int


class AddFault(Request[FaultAdded], frozen=True):
    """Have a fault of the host's device of that number."""

    device: str
    fault: Fault


class DeviceFaults(Message, frozen=True):
    """The faults of the host's device of that number."""

    device: str
    faults: tuple[PlannedFault, ...]


class FaultList(Message, frozen=True):
    """The faults of every device that takes any."""

    devices: tuple[DeviceFaults, ...]


class ListFaults(Request[FaultList], frozen=True):
    """List the faults of a device, or with "" of all devices."""

    device: str = ""


class FaultsCleared(Message, frozen=True):
    """The device no longer has the faults with these numbers."""

    numbers: tuple[int, ...]


class ClearFaults(Request[FaultsCleared], frozen=True):
    """Forget the faults of a device with these numbers; without numbers all of them."""

    device: str
    numbers: tuple[int, ...] = ()


class FaultDesk:
    """Answers these requests for a machine, which `machine` and `system` return.

    Each answer raises `FaultError` if the device is not there, or takes no faults.
    """

    def __init__(
        self, machine: Callable[[], Machine], system: Callable[[], System | None]
    ) -> None:
        self._machine = machine
        self._system = system

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return the handlers of the requests."""
        return {AddFault: self._add, ListFaults: self._list, ClearFaults: self._clear}

    async def _add(self, request: AddFault) -> FaultAdded:
        faulty = self._named(request.device)
        check_fault(request.fault)
        return FaultAdded((await faulty.ask(PlanFault(request.fault))).number)

    async def _list(self, request: ListFaults) -> FaultList:
        """List the faults; of all devices, those that have started."""
        if request.device:
            faulty = {request.device: self._named(request.device)}
        else:
            refs = {str(one.number): self._ref(one) for one in self._machine().devices}
            faulty = {number: ref for number, ref in refs.items() if ref is not None}
        found = [
            (number, await ref.ask(ReportFaults())) for number, ref in faulty.items()
        ]
        return FaultList(
            tuple(DeviceFaults(number, its.faults) for number, its in found)
        )

    async def _clear(self, request: ClearFaults) -> FaultsCleared:
        faulty = self._named(request.device)
        return FaultsCleared((await faulty.ask(DropFaults(request.numbers))).numbers)

    def _named(self, number: str) -> ActorRef[FaultMessage]:
        devices = {str(one.number): one for one in self._machine().devices}
        device = devices.get(number)
        if device is None:
            known = ", ".join(devices) or "none"
            raise FaultError(f"there is no device {number}; there is {known}")
        if not device.is_faulty:
            raise FaultError(
                f"device {number} takes no faults; run the machine with --faults, or"
                " set takes_faults of the device"
            )
        faulty = self._ref(device)
        if faulty is None:
            raise FaultError(f"device {number} has not started, or has ended")
        return faulty

    def _ref(self, device: HostDevice) -> ActorRef[FaultMessage] | None:
        """Return the actor of a device; None if it is not there, or takes no faults."""
        system = self._system()
        if system is None or not device.is_faulty:
            return None
        faulty = system.ref(f"{host_path(device.number)}/device")
        return faulty if faulty.is_alive else None
