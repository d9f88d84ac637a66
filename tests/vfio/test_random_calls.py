"""Random calls, one after the other, end as they do in Linux."""

import errno
import struct
from pathlib import Path
from typing import Any, Final

import pytest

from ccw_actors.vfio._shown_files import uuid_of
from tests.vfio.linux_reference import (
    Container,
    Device,
    Event,
    Group,
    Linux,
    Other,
    Result,
)
from tests.vfio.programs import SIZE
from tests.vfio.random_calls import Calls
from tests.vfio.rig import Rig, rig

pytestmark = pytest.mark.asyncio

_DEVICES: Final = 2
_FEW, _MANY = 700, 20_000
_NOWHERE: Final = 8
_BASE: Final = 0x3B64
_OF_A_REQUEST: Final = {
    -errno.EBUSY,
    -errno.EACCES,
    -errno.ENODEV,
    -errno.EOPNOTSUPP,
    -errno.EINVAL,
}


class Compared:
    """A client that makes random calls, compared with Linux' answers."""

    def __init__(self, made: Rig, calls: Calls) -> None:
        self._made = made
        self._calls = calls
        self._linux = Linux(uuid_of(index) for index in range(_DEVICES))
        self._images = {
            (index, region): bytearray(size)
            for index in range(_DEVICES)
            for region, size in enumerate((124, 8))
        }
        self.seen: dict[str, int] = {}

    async def step(self) -> None:
        """Make a call, and compare."""
        kinds = ["ioctl"] * 14 + ["pread", "pwrite"] * 3
        kinds += ["open", "open", "close", "dup", "eventfd", "other", "way"]
        name = self._calls.pick.choice(kinds)
        await getattr(self, f"_{name}")()

    def _number(self) -> int:
        """Choose a descriptor: mostly one of VFIO's."""
        files = self._linux.files
        pick = self._calls.pick
        ours = [
            n for n, f in files.items() if isinstance(f, Container | Group | Device)
        ]
        devices = [n for n, f in files.items() if isinstance(f, Device)]
        chance = pick.random()
        if devices and chance < 0.3:
            return pick.choice(devices)
        if ours and chance < 0.9:
            return pick.choice(ours)
        return pick.choice([*files, 999])

    def _check(self, what: str, got: Any, wanted: Result) -> None:
        answer = f"{' '.join(what.split()[:3])}: {wanted}"
        self.seen[answer] = self.seen.get(answer, 0) + 1
        if wanted == "new":
            assert got >= 0, (what, got)
        elif wanted != "any":
            assert got == wanted, (what, got, wanted)

    async def _open(self) -> None:
        name = self._calls.pick.choice(("vfio", "0", "1", "2", "vfio/x", "", "-1"))
        got = await self._made.do("open", f"/dev/vfio/{name}")
        wanted = self._linux.open(name)
        if len(self._linux.files) > 20 and got >= 0:
            await self._made.do("close", got)
            return
        self._check(f"open {name}", got, wanted)
        if got >= 0:
            self._linux.opened(name, got)

    async def _close(self) -> None:
        if self._calls.pick.random() < 0.4 and len(self._linux.files) < 15:
            return
        number = self._number()
        self._check(
            "close", await self._made.do("close", number), self._close_of(number)
        )

    def _close_of(self, number: int) -> Result:
        return self._linux.close(number)

    async def _dup(self) -> None:
        number = self._number()
        if number in self._linux.files and len(self._linux.files) < 12:
            self._linux.duplicated(number, await self._made.do("dup", number))

    async def _eventfd(self) -> None:
        if len(self._linux.files) < 8:
            self._linux.files[await self._made.do("eventfd")] = Event()

    async def _other(self) -> None:
        if len(self._linux.files) < 6:
            self._linux.files[await self._made.do("open", "/dev/null")] = Other()

    async def _ioctl(self) -> None:
        files = self._linux.files
        number = self._number()
        events = [one for one, file in files.items() if isinstance(file, Event)]
        containers = [n for n, file in files.items() if isinstance(file, Container)]
        kind = type(files.get(number)).__name__
        request, argument = self._calls.ioctl(kind, [*files, 999], containers, events)
        await self._make(number, request, argument)

    async def _make(self, number: int, request: int, argument: int | bytes) -> None:
        """Make an ioctl; an argument of -1 is a bad address."""
        if isinstance(argument, bytes):
            value, _ = await self._made.do("ioctl", number, request, argument.hex())
        else:
            at = _NOWHERE if argument == -1 else argument
            value = await self._made.do("ioctl", number, request, at)
            argument = b"" if argument == -1 else argument
        kind = type(self._linux.files.get(number)).__name__
        wanted = self._linux.ioctl(number, request, argument)
        shown = argument.hex() if isinstance(argument, bytes) else argument
        self._check(f"{kind} ioctl {request - _BASE} {shown}", value, wanted)
        if wanted == "new":
            self._linux.device_opened(number, value)

    async def _way(self) -> None:
        """Open container, group and device in order, as far as that works."""
        pick, files = self._calls.pick, self._linux.files
        index = pick.randrange(_DEVICES)
        if len(files) > 20:
            return
        for name in ("vfio", str(index)):
            got = await self._made.do("open", f"/dev/vfio/{name}")
            self._check(f"open {name}", got, self._linux.open(name))
            if got >= 0:
                self._linux.opened(name, got)
        containers = {n: one for n, one in files.items() if isinstance(one, Container)}
        groups = {n: one for n, one in files.items() if isinstance(one, Group)}
        for group, file in groups.items():
            joined = [n for n, one in containers.items() if one is file.container]
            number = pick.choice(joined or [*containers])
            await self._make(group, _BASE + 4, struct.pack("=i", number))
            await self._make(number, _BASE + 2, 3)
            named = uuid_of(file.index).encode() + b"\0"
            await self._make(group, _BASE + 6, named)
            await self._make(number, _BASE + 13, self._calls.argument(13))

    async def _pread(self) -> None:
        number = self._number()
        file = self._linux.files.get(number)
        if isinstance(file, Event | Other):
            return
        device = file.group.index if isinstance(file, Device) else 0
        index, at, size = self._calls.place()
        offset = self._calls.offset(device, index, at)
        got = await self._made.do("pread", number, size, offset)
        got = got if isinstance(got, int) else len(got) // 2
        self._check("pread", got, self._linux.pread(number, index, at, size))

    async def _pwrite(self) -> None:
        number = self._number()
        file = self._linux.files.get(number)
        if isinstance(file, Event | Other):
            return
        device = file.group.index if isinstance(file, Device) else 0
        index, at, size = self._calls.place()
        data = self._calls.data(index, at, size)
        image = self._images.get((device, index), bytearray(124))
        if isinstance(file, Device) and at + size <= len(image):
            image[at : at + size] = data
        wanted = self._linux.pwrite(number, index, at, data, bytes(image))
        offset = self._calls.offset(device, index, at)
        got = await self._made.do("pwrite", number, data.hex(), offset)
        self._check(f"pwrite {index}", got, wanted)
        if wanted == "any":
            assert got == size or got in _OF_A_REQUEST, got


async def compare(folder: Path, seed: int, steps: int) -> dict[str, int]:
    """Make random calls and compare each; count the kinds of answers."""
    async with rig(folder, devices=_DEVICES) as made:
        memory = await made.do("map", SIZE)
        compared = Compared(made, Calls(seed, memory, SIZE, _DEVICES))
        for step in range(steps):
            try:
                await compared.step()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, step {step}: {error}") from error
        return compared.seen


@pytest.mark.parametrize("seed", range(4))
async def test_as_in_linux(tmp_path: Path, seed: int) -> None:
    """Each call ends with Linux' answer."""
    seen = await compare(tmp_path, seed, _FEW)
    assert sum(seen.values()) > _FEW // 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 106))
async def test_as_in_linux_for_long(tmp_path: Path, seed: int) -> None:
    """So does each of many more calls, with almost every kind of answer."""
    seen = await compare(tmp_path, seed, _MANY)
    assert len(seen) > 120, sorted(seen)
