"""RemoteHost: the host's parts of guests, in the process that runs the machine."""

import math
from typing import Any

from ccw_actors.errors import AttachmentError
from ccw_actors.machine._config import Machine, PassedThrough, QemuGuest
from ccw_actors.machine._host_part import BuildHostPart, HostPart
from ccw_actors.machine.processes._messages import TAKES_NO_DISKS, asked
from ccw_actors.runtime import ActorRef
from ccw_actors.runtime.links import Link

__all__ = ["RemoteHost"]


class RemoteHost:
    """Has `parts`, an actor at the other end of a link, build them; see `GuestHost`."""

    def __init__(self, link: Link, parts: ActorRef[BuildHostPart]) -> None:
        self._link = link
        self._parts = parts

    async def build(self, request: BuildHostPart) -> HostPart:
        """Have the host's part of a guest spawned; see `GuestHost.build`."""
        part: HostPart = await asked(self._parts, request)
        return part

    async def add_device(
        self,
        machine: Machine,
        guest: QemuGuest,
        passed: PassedThrough,
        number: int,
        emulator: ActorRef[Any],
    ) -> ActorRef[Any]:
        """Refuse; see `GuestHost.add_device`."""
        del machine, guest, passed, number, emulator
        raise AttachmentError(TAKES_NO_DISKS)

    async def ref(self, path: str) -> ActorRef[Any]:
        """Return the actor at a path there."""
        return await self._link.ref(path, timeout=math.inf)
