"""The monitor of a real QEMU, whose guest runs no program."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from ccw_actors.errors import QmpCommandError, QmpConnectionError
from ccw_actors.vfio import Qmp

QEMU = "qemu-system-s390x"

pytestmark = [
    pytest.mark.linux,
    pytest.mark.asyncio,
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"there is no {QEMU}"),
]


@contextlib.asynccontextmanager
async def running(
    **options: Any,
) -> AsyncGenerator[tuple[Qmp, asyncio.subprocess.Process]]:
    """Start a QEMU with stopped virtual CPUs, connected by an inherited socket."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            QEMU,
            *("-S", "-display", "none", "-nodefaults", "-no-user-config"),
            *("-machine", "s390-ccw-virtio", "-m", "128M"),
            *("-action", "panic=none"),
            *("-chardev", f"socket,id=qmp,fd={theirs.fileno()}"),
            *("-mon", "chardev=qmp,mode=control"),
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
        )
    try:
        async with Qmp(ours, **options) as qmp:
            yield qmp, process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_cpus_stop_and_go_on() -> None:
    """The state of QEMU's virtual CPUs follows the commands, and so do events."""
    async with running() as (qmp, _):
        assert (await qmp.execute("query-status"))["running"] is False
        with qmp.events("RESUME", "STOP") as events:
            await qmp.cont()
            assert (await qmp.execute("query-status"))["running"] is True
            await qmp.stop()
            assert (await qmp.execute("query-status"))["running"] is False
            names = [(await events.next(timeout=30))["event"] for _ in range(2)]
        assert names == ["RESUME", "STOP"]


async def test_device_comes_and_goes() -> None:
    """A device exists between the two calls, and can be added again."""

    async def devices(qmp: Qmp) -> list[str]:
        return [
            one["name"]
            for one in await qmp.execute("qom-list", path="/machine/peripheral")
            if one["name"] == "d"
        ]

    async with running() as (qmp, _):
        for _ in range(3):
            await qmp.execute(
                "device_add", driver="virtio-balloon-ccw", id="d", devno="fe.0.0190"
            )
            assert await devices(qmp) == ["d"]
            await qmp.remove_device("d", timeout=30)
            assert await devices(qmp) == []


async def test_what_qemu_refuses() -> None:
    """The error has QEMU's own text."""
    async with running() as (qmp, _):
        with pytest.raises(QmpCommandError) as caught:
            await qmp.remove_device("d")
        assert caught.value.error_class == "DeviceNotFound"
        assert str(caught.value) == "QEMU refuses device_del: Device 'd' not found"
        with pytest.raises(QmpCommandError) as caught:
            await qmp.add_vfio_ccw("d", sysfsdev="/nowhere", devno="fe.0.0190")
        assert "/nowhere" in caught.value.desc
        with pytest.raises(QmpCommandError) as caught:
            await qmp.execute("no-such-command")
        assert caught.value.error_class == "CommandNotFound"


async def test_end() -> None:
    """A guest that does not react gets its grace, and then QEMU quits."""
    async with running() as (qmp, process):
        assert await qmp.shut_down(grace=0.1) is False
        assert qmp.is_gone
        assert await process.wait() == 0


async def test_killed_in_the_middle() -> None:
    """A call that waits for a QEMU that is killed gets an error."""
    async with running() as (qmp, process):
        waiting = asyncio.create_task(qmp.wait_for_event("SHUTDOWN"))
        await qmp.execute("query-status")
        process.kill()
        with pytest.raises(QmpConnectionError, match="QEMU has ended the connection"):
            await waiting
        with pytest.raises(QmpConnectionError):
            await qmp.execute("query-status")


async def test_answer_that_is_too_long() -> None:
    """A line beyond the limit ends the connection; with a higher limit it is read."""
    async with running() as (qmp, _):
        with pytest.raises(QmpConnectionError):
            await qmp.execute("query-qmp-schema")
        await qmp.wait_until_gone(timeout=30)
    async with running(line_size_max=1 << 22) as (qmp, _):
        assert len(await qmp.execute("query-qmp-schema")) > 100
