"""Clients that do everything at once get all answers, and no other client waits."""

import asyncio
import errno
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._uapi import Ioctl
from tests.vfio.programs import IOVA, SIZE, opened, put_sense_id
from tests.vfio.random_calls import Calls
from tests.vfio.rig import PAGE, Rig, descriptors, rigs

pytestmark = pytest.mark.asyncio

_SECONDS_MAX: Final = 5.0
_MEMORY_MAX: Final = 64 << 20
_THREADS: Final = 4
_MAP_DMA: Final = uapi.request_of(Ioctl.IOMMU_MAP_DMA)
_FEW, _MANY = 150, 3000
_ANSWERS: Final = {
    *(errno.EBADF, errno.EFAULT, errno.EINVAL, errno.ENODEV, errno.ENOTTY),
    *(errno.EBUSY, errno.EAGAIN, errno.EEXIST, errno.EBADFD, errno.ENOENT),
    *(errno.EOPNOTSUPP, errno.EACCES, errno.EMFILE, errno.ESPIPE),
}


class Chaos:
    """A client with two devices, in two copies each, and lists of calls for it."""

    def __init__(self, made: Rig, seed: int) -> None:
        self._made = made
        self._calls = Calls(seed, 0, SIZE, 2)
        self.pick = self._calls.pick
        self._numbers: list[int] = []
        self._copies: list[int] = []
        self._events: list[int] = []
        self._container = 0
        self.memory = 0
        self._scratch = 0

    async def open(self) -> None:
        """Open everything."""
        made = self._made
        self._container, device, self.memory = await opened(made)
        group = await made.do("open", "/dev/vfio/1")
        joined = self._container.to_bytes(4, "little")
        await made.ioctl(group, Ioctl.GROUP_SET_CONTAINER, joined)
        second = await made.open_device(group, 1)
        self._calls = Calls(self.pick.getrandbits(32), self.memory, SIZE, 2)
        self._events = [await made.do("eventfd") for _ in range(4)]
        self._scratch = await made.do("map", 4 * PAGE)
        kept = [self._container, group, device, second]
        self._copies = [await made.do("dup", one) for one in kept * 3]
        self._numbers = [*kept, device, second, *self._copies, *self._events, 999]

    def lists(self, length: int) -> list[list[list[Any]]]:
        """Return a list of calls for each of several threads."""
        lists = [[self._call() for _ in range(length)] for _ in range(_THREADS)]
        for copy in self._copies:  # close each once: its number may be reused
            some = self.pick.choice(lists)
            some.insert(self.pick.randrange(len(some)), ["close", copy])
        self._copies = []
        return lists

    def _call(self) -> list[Any]:
        pick = self.pick
        name = pick.choice(("ioctl",) * 8 + ("region",) * 8 + ("other",) * 3)
        number = pick.choice(self._numbers)
        if name == "ioctl":
            return self._ioctl(number)
        if name == "region":
            return self._region(number)
        return self._other(number)

    def _ioctl(self, number: int) -> list[Any]:
        kind = self.pick.choice(("Container", "Group", "Device", "Device"))
        request, argument = self._calls.ioctl(
            kind, self._numbers, [self._container], self._events
        )
        if isinstance(argument, bytes):
            if self.pick.random() < 0.1:
                return ["ioctl", number, request, self._somewhere()]
            return ["ioctl", number, request, argument.hex()]
        return ["ioctl", number, request, 8 if argument == -1 else argument]

    def _somewhere(self) -> int:
        return self._scratch + self.pick.choice((0, PAGE - 4, 2 * PAGE - 8, 8))

    def _region(self, number: int) -> list[Any]:
        pick = self.pick
        index, at, size = self._calls.place()
        offset = self._calls.offset(pick.randrange(2), index, at)
        chance = pick.random()
        if chance < 0.15:
            name = pick.choice(("pread_at", "pwrite_at"))
            return [name, number, self._somewhere(), size, offset]
        if chance < 0.5:
            return ["pread", number, size, offset]
        return ["pwrite", number, self._calls.data(index, at, size).hex(), offset]

    def _other(self, number: int) -> list[Any]:
        pick = self.pick
        page = self._scratch + pick.randrange(4) * PAGE
        in_child = [self._region(number)]
        if (ioctl := self._ioctl(number))[2] & 0xFF != _MAP_DMA & 0xFF:
            in_child.append(ioctl)  # a range of its own would fail when it ends
        return pick.choice(
            (
                ["mprotect", page, PAGE, pick.choice((0, 1, 3, 3))],
                ["open", f"/dev/vfio/{pick.choice(('vfio', '0', '1', '7'))}"],
                ["link", "/sys/bus/css/devices/0.0.0000/chpids"],
                ["in_child", in_child],
                ["in_child", [["own_files"], ["close", number], ["die"]]],
            )
        )


def is_answer(value: Any) -> bool:
    """Return whether a call may have ended so."""
    if isinstance(value, int):
        return value >= 0 or -value in _ANSWERS
    if isinstance(value, str):
        return True
    return all(map(is_answer, value))


async def work(made: Rig, count: int, until: "asyncio.Task[Any]") -> list[float]:
    """Do I/O until a task is done, `count` times at least; return each one's time."""
    _, device, memory = await opened(made)
    orb = await put_sense_id(made, memory)
    event = await made.event(device, 0)
    loop = asyncio.get_running_loop()
    seconds: list[float] = []
    while len(seconds) < count or not until.done():
        begun = loop.time()
        assert await made.write_io(device, orb) == 124
        assert await made.do("wait", event) == 1
        assert (await made.read_irb(device)).scsw.dstat == 0x0C
        seconds.append(loop.time() - begun)
    return seconds


def memory_in_use() -> int:
    """Return the bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def disorder(folder: Path, seed: int, length: int) -> None:
    """Let one client do everything at once, and another one its work."""
    async with rigs(folder, "hostile", "honest", devices=2) as (hostile, honest):
        chaos = Chaos(hostile, seed)
        await chaos.open()
        before = descriptors()
        size = memory_in_use()
        task = asyncio.create_task(
            hostile.every(["threads", *(lists := chaos.lists(length))])
        )
        seconds = await work(honest, 20, task)
        results = await task
        assert [len(one) for one in results] == [len(one) for one in lists]
        for calls, values in zip(lists, results, strict=True):
            for call, value in zip(calls, values, strict=True):
                assert is_answer(value), (seed, call, value)
        assert max(seconds) < _SECONDS_MAX
        assert descriptors() - before < 120
        assert memory_in_use() - size < _MEMORY_MAX


async def killed(folder: Path, seed: int, length: int) -> None:
    """Kill a client while it does everything, and another one works."""
    async with rigs(folder, "hostile", "honest", devices=2) as (hostile, honest):
        chaos = Chaos(hostile, seed)
        await chaos.open()
        lists: Sequence[Any] = chaos.lists(length)
        end = chaos.pick.randrange(3)
        if end == 0:
            lists = [*lists, [["die"]]]
        elif end == 1:  # the next program finds no memory
            lists = [*lists, [["munmap", chaos.memory, SIZE], ["munmap", IOVA, PAGE]]]
        await hostile.send("threads", *lists)
        task = asyncio.create_task(hostile.ended())
        for _ in range(chaos.pick.randrange(200)):
            await asyncio.sleep(0)
        if end:
            os.kill(hostile.pid, signal.SIGKILL)
        seconds = await work(honest, 10, task)
        assert (await task).error is not None
        assert max(seconds) < _SECONDS_MAX


@pytest.mark.parametrize("seed", range(3))
async def test_disorder(tmp_path: Path, seed: int) -> None:
    """Calls of several threads at once are all answered; another client goes on."""
    await disorder(tmp_path, seed, _FEW)


@pytest.mark.parametrize("seed", range(6))
async def test_killed_in_disorder(tmp_path: Path, seed: int) -> None:
    """The same holds when the client is killed in between; nothing of it is left."""
    await killed(tmp_path, seed, _FEW)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 108))
async def test_disorder_for_long(tmp_path: Path, seed: int) -> None:
    """The same holds for many more calls."""
    await disorder(tmp_path, seed, _MANY)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
async def test_killed_in_disorder_often(tmp_path: Path, seed: int) -> None:
    """The same holds for kills at many other moments."""
    await killed(tmp_path, seed, 60)
