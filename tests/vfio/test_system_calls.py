"""Answers to calls that have gone, and to more calls than may wait."""

import asyncio
import ctypes
import errno
import os
import socket
import struct
from pathlib import Path

import pytest

from ccw_actors.actors import VfioCcwRegions
from ccw_actors.actors.protocol import ResetDevice
from ccw_actors.vfio import SystemCalls
from ccw_actors.vfio import _changes as changes
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._messages import RegionRead
from ccw_actors.vfio._notifications import Listener
from ccw_actors.vfio._uapi import Ioctl
from tests.vfio.programs import opened
from tests.vfio.rig import descriptors, rig

pytestmark = pytest.mark.asyncio


class Gone(Listener):
    """A listener all of whose calls have gone."""

    def is_valid(self, key: int) -> bool:
        """Return False."""
        del key
        return False


def _is_not(_calls: SystemCalls, _key: int) -> bool:
    """Return False."""
    return False


def _do_nothing(*_arguments: object, **_more: object) -> None:
    """Ignore a message."""


async def test_result_of_a_call_that_is_gone() -> None:
    """Nothing is stored for a thread that has ended: its number may be another's."""
    ours, theirs = socket.socketpair()
    buffer = ctypes.create_string_buffer(8)
    with theirs:
        calls = SystemCalls(Gone(ours.detach()))
        calls.begin(lambda _message: None)
        call = RegionRead(1, os.getpid(), 1, 0, ctypes.addressof(buffer), 8)
        assert calls.store(call, b"\xff" * 8, 8) == -errno.EFAULT
        assert buffer.raw == bytes(8)
        calls.end()


async def test_event_of_a_call_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No eventfd is taken from a thread that has the number of one that has ended."""
    async with rig(tmp_path) as made:
        _, device, _ = await opened(made)
        raw = struct.pack("=IIIIIi", 24, 0x24, 0, 0, 1, await made.do("eventfd"))
        before = descriptors()
        with monkeypatch.context() as patch:
            patch.setattr(SystemCalls, "is_waiting", _is_not)
            answer, _ = await made.ioctl(device, Ioctl.DEVICE_SET_IRQS, raw)
        assert answer == -errno.EBADF
        assert descriptors() == before


async def test_everybody_is_gone() -> None:
    """A listener without processes is not polled again and again."""
    ours, theirs = socket.socketpair()
    listener = Listener(ours.detach())
    assert listener.take() is None
    theirs.close()
    pipe, other = os.pipe()
    listener.close()
    os.dup2(pipe, listener.descriptor)  # hangs up, without a call to read
    os.close(other)
    with pytest.raises(EOFError):
        listener.take()
    calls = SystemCalls(listener)
    calls.begin(lambda _message: None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    assert not loop.remove_reader(listener.descriptor)
    calls.end()
    os.close(pipe)


async def test_more_calls_than_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While enough RESETs wait, others end in EAGAIN; all are answered."""
    monkeypatch.setattr(changes, "WAITING_MAX", 3)
    async with rig(tmp_path) as made:
        _, device, _ = await opened(made)
        with monkeypatch.context() as patch:
            patch.setattr(VfioCcwRegions, "_quiesce", _do_nothing)
            before = made.calls.count
            reset = ["ioctl", device, uapi.request_of(Ioctl.DEVICE_RESET)]
            await made.send("threads", *[[reset]] * 8)
            while made.calls.count < before + 8:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0)
            await made.pins()
        await made.regions().ask(ResetDevice())
        answers = [one for (one,) in await made.answer()]
        assert sorted(answers) == [-errno.EAGAIN] * 5 + [0] * 3
        assert await made.ioctl(device, Ioctl.DEVICE_RESET) == 0
