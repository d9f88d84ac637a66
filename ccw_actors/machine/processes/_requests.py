"""Answers the requests of a machine's control socket by those of its processes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ccw_actors.control import DumpActors, DumpedActors, Handler
from ccw_actors.errors import AttachmentError, CcwActorsError
from ccw_actors.machine._attachment import (
    AttachDisk,
    Attached,
    DetachDisk,
    Detached,
    Paused,
    PauseGuest,
    Resumed,
    ResumeGuest,
)
from ccw_actors.machine._config import Machine
from ccw_actors.machine._fault_requests import (
    AddFault,
    ClearFaults,
    DeviceFaults,
    FaultAdded,
    FaultDesk,
    FaultList,
    FaultsCleared,
    ListFaults,
)
from ccw_actors.machine.processes._messages import PARENT, TAKES_NO_DISKS
from ccw_actors.machine.processes._process import PartProcess
from ccw_actors.runtime import ActorDump, AskDump, Dump, Request, System

__all__ = ["Forwarding"]


class Forwarding:
    """Hands a request to the process of the guest, or of the device, that it names.

    With a `shared_host`, which returns the System of all devices, requests about these
    are answered there.
    """

    def __init__(
        self,
        machine: Machine,
        processes: Callable[[], Sequence[PartProcess]],
        shared_host: Callable[[], System | None] | None = None,
    ) -> None:
        self._machine = machine
        self._processes = processes
        self._shared_host = shared_host

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return the handlers of the requests."""
        forwarded: dict[type[Request[Any]], Handler] = {
            DumpActors: self._dump,
            AttachDisk: self._attach,
            DetachDisk: self._detach,
            PauseGuest: self._pause,
            ResumeGuest: self._resume,
            AddFault: self._add,
            ListFaults: self._list,
            ClearFaults: self._clear,
        }
        if self._shared_host is None:
            return forwarded
        desk = FaultDesk(lambda: self._machine, self._shared_host)
        return {**forwarded, **desk.handlers()}

    def _of_guest(self, guest: str) -> PartProcess:
        """Return the process of a guest."""
        for process in self._processes():
            if guest in process.part.guests:
                return process
        known = ", ".join(one.name for one in self._machine.guests) or "none"
        raise AttachmentError(f"there is no guest {guest}; there is {known}")

    def _of_device(self, number: str) -> PartProcess:
        """Return the process of a device; any for one that no guest has.

        Each knows the whole machine, so any can say what is wrong with the number.
        """
        for guest in self._machine.guests:
            if any(str(passed.host) == number for passed in guest.devices):
                return self._of_guest(guest.name)
        return self._processes()[0]

    async def _dump(self, request: DumpActors) -> DumpedActors:
        """Dump the actors of all Systems of the machine, each under its name."""
        actors: list[ActorDump] = []
        asks: list[AskDump] = []

        def add(name: str, dump: Dump) -> None:
            actors.extend(
                replace(one, path=f"{name}: {one.path}") for one in dump.actors
            )
            asks.extend(
                replace(one, target=f"{name}: {one.target}") for one in dump.asks
            )

        if self._shared_host is not None and (system := self._shared_host()):
            add(PARENT, system.dump())
        for process in self._processes():
            try:
                answer: DumpedActors = await process.ask(request)
            except CcwActorsError:
                continue
            add(process.part.process, answer.dump)
        return DumpedActors(Dump(tuple(actors), tuple(asks)))

    async def _attach(self, request: AttachDisk) -> Attached:
        self._of_guest(request.guest)
        raise AttachmentError(TAKES_NO_DISKS)

    async def _detach(self, request: DetachDisk) -> Detached:
        answer: Detached = await self._of_guest(request.guest).ask(request)
        return answer

    async def _pause(self, request: PauseGuest) -> Paused:
        answer: Paused = await self._of_guest(request.guest).ask(request)
        return answer

    async def _resume(self, request: ResumeGuest) -> Resumed:
        answer: Resumed = await self._of_guest(request.guest).ask(request)
        return answer

    async def _add(self, request: AddFault) -> FaultAdded:
        answer: FaultAdded = await self._of_device(request.device).ask(request)
        return answer

    async def _clear(self, request: ClearFaults) -> FaultsCleared:
        answer: FaultsCleared = await self._of_device(request.device).ask(request)
        return answer

    async def _list(self, request: ListFaults) -> FaultList:
        """List the faults; of all devices, those whose processes run."""
        if request.device:
            answer: FaultList = await self._of_device(request.device).ask(request)
            return answer
        found: dict[str, DeviceFaults] = {}
        for process in self._processes():
            try:
                part: FaultList = await process.ask(request)
            except CcwActorsError:
                continue
            found |= {one.device: one for one in part.devices}
        numbers = [str(device.number) for device in self._machine.devices]
        return FaultList(tuple(found[one] for one in numbers if one in found))
