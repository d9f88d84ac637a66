"""Who has the host's parts of guests that run in other processes.

| placement | host's part of a guest | when its process dies |
|---|---|---|
| with-guest | in the guest's process | it is gone, too |
| shared-host | here | each subchannel is given up, then no page is pinned |
"""

import asyncio
import contextlib
import math
from pathlib import Path
from typing import Any, Protocol

from ccw_actors.actors.protocol import CloseDevice, Detach, Gone
from ccw_actors.errors import CcwActorsError
from ccw_actors.machine._build import guest_path, host_path, paths_of
from ccw_actors.machine._config import GuestConfiguration, Machine, QemuGuest
from ccw_actors.machine._guest_run import Defects
from ccw_actors.machine._host_part import (
    BuildHostPart,
    HostPart,
    LocalHost,
    left_of,
)
from ccw_actors.runtime import ActorRef, Handled, Observer, System

__all__ = ["HostParts", "SharedHost", "WithGuests"]


class HostParts(Protocol):
    """What a process of guests needs to know of the host's parts of these."""

    def defect(self, guest: str, /) -> asyncio.Future[str]:
        """Return a future of the first failure of an actor of that guest's part.

        Without a part it is not done: why there is none is an answer to the guest.
        """
        ...

    async def release(self, guest: str, /) -> list[str] | None:
        """Free the part of a guest whose process has died.

        Return what is left all the same, a line for each; None if there is no part.
        """
        ...


class WithGuests:
    """No part of the host is here: each is with its guest."""

    def defect(self, _guest: str) -> asyncio.Future[str]:
        """Return a future that is never done."""
        return asyncio.get_running_loop().create_future()

    async def release(self, _guest: str) -> list[str] | None:
        """Do nothing: the part has died with its process."""
        return None


class SharedHost:
    """The host's parts of all guests of a machine, in one System; see `HostParts`.

    Images are unpacked into `scratch`.
    """

    def __init__(self, system: System, machine: Machine, scratch: Path) -> None:
        self._system = system
        self._guests = {guest.name: guest for guest in machine.guests}
        self._host = LocalHost(system, machine, scratch)
        self._built: set[str] = set()
        self._released: set[str] = set()
        self._changes = {name: asyncio.Lock() for name in self._guests}
        self._defects = Defects()
        system.observe(self._defects)
        loop = asyncio.get_running_loop()
        self._failed = {name: loop.create_future() for name in self._guests}

    def defect(self, guest: str) -> asyncio.Future[str]:
        """Return a future of the first failure of an actor of that guest's part."""
        return self._failed[guest]

    async def build(self, request: BuildHostPart) -> HostPart:
        """Spawn the part of a guest; see `GuestHost.build`."""
        async with self._changes[request.guest]:
            if request.guest in self._released:
                raise CcwActorsError(f"the process of guest {request.guest} has died")
            found = self._guests[request.guest]
            hosts = [host_path(passed.host) for passed in found.devices]
            defect = self._defects.watch(guest_path(found), *hosts)
            part = await self._host.build(request)
            self._built.add(found.name)
            failed = self._failed[found.name]
            defect.add_done_callback(lambda done: failed.set_result(done.result()))
            return part

    async def release(self, guest: str) -> list[str] | None:
        """Free the part of a guest, as a kernel closes the files of a dead process."""
        self._released.add(guest)
        async with self._changes[guest]:
            if guest not in self._built:
                return None
            found = self._guests[guest]
            with contextlib.suppress(CcwActorsError):
                for driver in self._drivers(found):
                    await self._give_up(found, driver)
            return await self._left(found)

    def _drivers(self, guest: GuestConfiguration | QemuGuest) -> list[ActorRef[Any]]:
        paths = [paths_of(guest, passed).vfio_ccw for passed in guest.devices]
        drivers = [self._system.ref(path) for path in paths]
        # A device that was detached has none.
        return [driver for driver in drivers if driver.is_alive]

    async def _give_up(
        self, guest: GuestConfiguration | QemuGuest, driver: ActorRef[Any]
    ) -> None:
        """Wait until a driver has no work at the host, and has given up its pins."""
        if isinstance(guest, QemuGuest):
            await driver.ask(CloseDevice(), timeout=math.inf)
            return
        end = _End(driver.path)
        self._system.observe(end)
        try:
            driver.tell(Detach())
            await end.come
        finally:
            self._system.unobserve(end)

    async def _left(self, guest: GuestConfiguration | QemuGuest) -> list[str]:
        """Return what is left; a line also for an actor that does not answer."""
        find = self._system.ref
        subchannels = {
            passed.host: find(f"{host_path(passed.host)}/subchannel")
            for passed in guest.devices
            if find(paths_of(guest, passed).vfio_ccw).is_alive
        }
        try:
            return await left_of(find(f"{guest_path(guest)}/storage"), subchannels)
        except CcwActorsError as error:
            return [str(error)]


class _End(Observer):
    """Sees when a VfioCcw hears that nothing of it is in progress at the host.

    It then gives up its pins in the same turn. `come` is also done if it has ended.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.come: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def handled(self, event: Handled) -> None:
        """Note that the host's subchannel is gone."""
        if event.recipient == self._path and event.message_type is Gone:
            self._note()

    def stopped(self, actor: str, reason: str) -> None:
        """Note the end of the VfioCcw."""
        del reason
        if actor == self._path:
            self._note()

    def _note(self) -> None:
        if not self.come.done():
            self.come.set_result(None)
