"""When an actor fails, nobody waits forever, and the guest's report says why."""

import asyncio
import contextlib
import errno
import os
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.actors import VfioCcwRegions
from ccw_actors.actors.host import Driver
from ccw_actors.errors import ActorStoppedError
from ccw_actors.runtime import System
from ccw_actors.vfio import ClientProcess, ProcessStorage
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._call_reader import CallReader
from ccw_actors.vfio._container_front import ContainerFront
from ccw_actors.vfio._region_layouts import offset_of
from ccw_actors.vfio._uapi import Ioctl
from tests.vfio.programs import IOVA, SIZE, opened, put_read, put_sense_id
from tests.vfio.rig import CRW, IO, SCHIB, Rig, descriptors, io_region

pytestmark = pytest.mark.asyncio

_RESTARTS = 5


def _fail(*_arguments: Any, **_more: Any) -> None:
    raise ZeroDivisionError("on purpose")


def _wait_for_the_end_of(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            os.sched_yield()


def _do_nothing(_actor: object) -> None:
    """Take the place of a method, and do nothing."""


@asynccontextmanager
async def client(folder: Path, devices: int = 1) -> AsyncGenerator[Rig]:
    """Start a client whose actors may fail: only its process has to end."""
    before = descriptors()
    async with System() as system:
        made = Rig(system, folder)
        await made.start(devices)
        try:
            yield made
        finally:
            made.hang_up()
            await asyncio.to_thread(_wait_for_the_end_of, made.pid)
    assert descriptors() <= before


async def test_regions_fail_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that makes a device's actor fail ends in EIO; other devices go on."""
    async with client(tmp_path, devices=2) as made:
        container, device, memory = await opened(made)
        group = await made.do("open", "/dev/vfio/1")
        joined = struct.pack("=i", container)
        assert (await made.ioctl(group, Ioctl.GROUP_SET_CONTAINER, joined))[0] == 0
        second = await made.open_device(group, 1)
        orb = await put_sense_id(made, memory)
        with monkeypatch.context() as patch:
            patch.setattr(Driver, "io_request", _fail)
            assert await made.write_io(device, orb) == -errno.EIO
        with monkeypatch.context() as patch:
            patch.setattr(Driver, "look", _fail)
            read = ["pread", second, 52, offset_of(1, SCHIB)]
            results = await made.every(["threads", *[[read]] * 3])
            answers = [one for (one,) in results]
            assert answers.count(-errno.EIO) >= 1
            assert set(answers) <= {-errno.EIO, -errno.ENODEV}
        # The failed actor gives its subchannel up.
        assert await made.write_io(device, orb) == -errno.ENODEV
        await made.send(["exit", 0])
        report = await made.ended()
        assert report.error is None
        assert (await made.pins()).pages == 0


async def test_regions_fail_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a device's actor has ended, the client ends, and its report says why."""
    async with client(tmp_path) as made:
        _, device, memory = await opened(made)
        orb = await put_read(made, memory)
        assert await made.write_io(device, orb) == 124
        monkeypatch.setattr(VfioCcwRegions, "_signal_report", _fail)
        read = ["pread", device, 8, offset_of(0, CRW)]
        reset = ["ioctl", device, uapi.request_of(Ioctl.DEVICE_RESET)]
        await made.send("threads", [reset] * 3, [read] * (2 * _RESTARTS))
        report = await asyncio.wait_for(made.ended(), 10)
        assert report.error is not None
        assert "guest/0/vfio-ccw has ended" in report.error


@pytest.mark.parametrize("what", ["_memory_of", "_use", "_located", "_read"])
async def test_storage_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """When MAP, UNMAP or I/O makes storage fail, the client ends with a reason."""
    async with client(tmp_path) as made:
        container, device, memory = await opened(made)
        orb = await put_sense_id(made, memory)
        monkeypatch.setattr(ProcessStorage, what, _fail)
        raw = struct.pack("=IIQQQ", 32, 3, memory, 1 << 40, SIZE).hex()
        await made.send(
            ["pwrite", device, io_region(orb), offset_of(0, IO)],
            ["ioctl", container, uapi.request_of(Ioctl.IOMMU_MAP_DMA), raw],
            [
                *("ioctl", container, uapi.request_of(Ioctl.IOMMU_UNMAP_DMA)),
                struct.pack("=IIQQ", 24, 0, IOVA, SIZE).hex(),
            ],
        )
        report = await asyncio.wait_for(made.ended(), 10)
        assert report.error is not None
        assert "guest/storage has ended" in report.error


@pytest.mark.parametrize("what", ["_memory_of", "_use"])
async def test_call_that_storage_fails_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A call that waits for failed storage is answered, if the client still runs."""
    async with client(tmp_path) as made:
        container, _, memory = await opened(made)
        monkeypatch.setattr(ClientProcess, "_kill", _do_nothing)
        monkeypatch.setattr(ProcessStorage, what, _fail)
        if what == "_use":
            assert (await made.unmap(container, IOVA, SIZE))[0] == -errno.EIO
        else:
            assert await made.map(container, 1 << 40, memory, SIZE) == -errno.EIO


async def test_client_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a client's actor fails, its process ends; waiting callers get an error."""
    async with client(tmp_path) as made:
        container, _, _ = await opened(made)
        ended = asyncio.create_task(made.ended())
        await asyncio.sleep(0)
        monkeypatch.setattr(ContainerFront, "ioctl", _fail)
        request = uapi.request_of(Ioctl.GET_API_VERSION)
        await made.send(["ioctl", container, request])
        with pytest.raises(ActorStoppedError, match="the actor failed"):
            await asyncio.wait_for(ended, 10)


async def test_call_that_is_not_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect in the reading of a call is answered EIO, and raised."""
    seen: list[Any] = []
    async with client(tmp_path) as made:
        assert await made.do("pid") == made.pid
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: seen.append(context))
        monkeypatch.setattr(CallReader, "read", _fail)
        assert await made.do("open", "/dev/vfio/vfio") == -errno.EIO
        monkeypatch.undo()
        assert await made.do("open", "/dev/vfio/vfio") >= 0
        loop.set_exception_handler(None)
    assert [str(one["exception"]) for one in seen] == ["on purpose"]
