"""Linux' answers to calls for VFIO, as a function of arguments and state.

Written from drivers/vfio (container.c, group.c, vfio_main.c, vfio_iommu_type1.c) and
drivers/s390/cio (vfio_ccw_ops.c, _async.c, _chp.c) of Linux 6.6 and later, for devices
whose IOMMU is emulated. It shares no code with the implementation that it is compared
with. A comment with `here` marks each documented difference of that implementation.
"""

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

__all__ = ["UNREADABLE", "Argument", "Linux", "Result"]

PAGE: Final = 4096
_END: Final = 1 << 64
_BASE: Final = 0x3B64
_REGIONS: Final = (124, 8, 52, 8)
_START, _HALT, _CLEAR = 4, 2, 1
_ADDRESS_MASK: Final = 0xFFF

UNREADABLE: Final = b""
"""Stands for an argument at an address that cannot be read."""

Argument: TypeAlias = int | bytes
Result: TypeAlias = int | str
"""A value; "new" for a descriptor, "any" if it depends on a device."""

ANY: Final = "any"
NEW: Final = "new"


@dataclass(eq=False)
class Container:
    """A container: the number of its descriptors, and its content."""

    has_iommu: bool = False
    groups: "set[Group]" = field(default_factory=set["Group"])
    ranges: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


@dataclass(eq=False)
class Group:
    """A group, with its device."""

    index: int
    container: Container | None = None
    opened: int = 0
    devices: int = 0


@dataclass(eq=False)
class Device:
    """A device's descriptor; there may be several."""

    group: Group


@dataclass(eq=False)
class Event:
    """An event descriptor."""


@dataclass(eq=False)
class Other:
    """Any other file."""


File: TypeAlias = "Container | Group | Device | Event | Other"


class Linux:
    """The state of a client's files: `files` by descriptor.

    `names` are the names of the devices, by their index.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.files: dict[int, File] = {}
        self._names = tuple(names)
        self._groups: dict[int, Group] = {}

    # -- open, close -------------------------------------------------------------------

    def open(self, name: str) -> Result:
        """Open a file in /dev/vfio."""
        if name == "vfio":
            return NEW
        if not name.isdigit() or int(name) >= len(self._names):
            return -errno.ENOENT
        return -errno.EBUSY if int(name) in self._groups else NEW

    def opened(self, name: str, number: int) -> None:
        """Note the descriptor that `open` returned."""
        if name == "vfio":
            self.files[number] = Container()
            return
        group = self._groups[int(name)] = Group(int(name), opened=1)
        self.files[number] = group

    def duplicated(self, old: int, new: int) -> None:
        """Note a second descriptor of the same file."""
        self.files[new] = self.files[old]

    def close(self, number: int) -> Result:
        """Close a descriptor."""
        file = self.files.pop(number, None)
        if file is None:
            return -errno.EBADF
        if file in self.files.values():
            return 0
        if isinstance(file, Device):
            file.group.devices -= 1
            self._release(file.group)
        elif isinstance(file, Group):
            file.opened = 0
            self._release(file)
        return 0

    def _release(self, group: Group) -> None:
        if not group.opened and not group.devices:
            del self._groups[group.index]
            self._detach(group)

    def _detach(self, group: Group) -> None:
        container, group.container = group.container, None
        if container is not None:
            container.groups.discard(group)
            if not container.groups:
                container.has_iommu = False
                container.ranges.clear()

    # -- ioctl -------------------------------------------------------------------------

    def ioctl(self, number: int, request: int, argument: Argument) -> Result:
        """Answer an ioctl of VFIO's type, and update the state."""
        file = self.files.get(number)
        nr = request - _BASE
        match file:
            case None:
                return -errno.EBADF
            case Container():
                return self._container(file, nr, argument)
            case Group():
                return self._group(file, nr, argument)
            case Device():
                return self._device(file, nr, argument)
            case _:
                return -errno.ENOTTY

    def _container(self, container: Container, nr: int, argument: Argument) -> Result:  # noqa: PLR0911
        value = argument if isinstance(argument, int) else None
        if nr == 0:
            return 0
        if nr == 1:
            if value is None:
                return 0
            return int(value in (1, 3, 9) or (value == 4 and container.has_iommu))
        if nr == 2:
            return self._set_iommu(container, value)
        if not container.has_iommu:
            return -errno.EINVAL
        match nr:
            case 12:
                return self._sized(argument, 16, 0)
            case 13:
                return self._map(container, argument)
            case 14:
                return self._unmap(container, argument)
            case _:
                return -errno.ENOTTY  # here: also DIRTY_PAGES

    def _set_iommu(self, container: Container, kind: int | None) -> Result:
        if not container.groups or container.has_iommu:
            return -errno.EINVAL
        if kind not in (1, 3):
            return -(errno.EINVAL if kind == 9 else errno.ENODEV)
        others = (one.container for one in self._groups.values())
        if any(one is not None and one.has_iommu for one in others):
            return -errno.ENODEV  # here: one IOMMU for a client
        container.has_iommu = True
        return 0

    @staticmethod
    def _sized(argument: Argument, size: int, answer: Result) -> Result:
        raw = argument if isinstance(argument, bytes) else UNREADABLE
        if len(raw) < size:
            return -errno.EFAULT
        return answer if struct.unpack_from("=I", raw)[0] >= size else -errno.EINVAL

    def _map(self, container: Container, argument: Argument) -> Result:
        if refused := self._sized(argument, 32, 0):
            return refused
        assert isinstance(argument, bytes), "its size has been checked"
        _, flags, vaddr, iova, size = struct.unpack_from("=IIQQQ", argument)
        if flags not in (1, 2, 3):  # here: VADDR is not known
            return -errno.EINVAL
        if not size or (size | iova | vaddr) % PAGE:
            return -errno.EINVAL
        if iova + size > _END or vaddr + size > _END:
            return -errno.EINVAL
        if any(at < iova + size and iova < at + long for at, long in container.ranges):
            return -errno.EEXIST
        container.ranges.append((iova, size))
        return 0

    def _unmap(self, container: Container, argument: Argument) -> Result:
        if refused := self._sized(argument, 24, 0):
            return refused
        assert isinstance(argument, bytes), "its size has been checked"
        _, flags, iova, size = struct.unpack_from("=IIQQ", argument)
        if flags not in (0, 2) or iova % PAGE:
            return -errno.EINVAL
        if flags:
            if iova or size:
                return -errno.EINVAL
            size = _END
        elif not size or size % PAGE or iova + size > _END:
            return -errno.EINVAL
        end = iova + size
        for at, long in container.ranges:
            if at < iova < at + long or at < end < at + long:
                return -errno.EINVAL
        container.ranges = [
            (at, long)
            for at, long in container.ranges
            if not (iova <= at and at + long <= end)
        ]
        return 0

    def _group(self, group: Group, nr: int, argument: Argument) -> Result:  # noqa: PLR0911
        raw = argument if isinstance(argument, bytes) else UNREADABLE
        match nr:
            case 3:
                return self._sized(argument, 8, 0)
            case 4:
                return self._set_container(group, raw)
            case 5:
                if group.container is None:
                    return -errno.EINVAL
                if group.devices:
                    return -errno.EBUSY
                self._detach(group)
                return 0
            case 6:
                return self._get_device(group, raw)
            case _:
                return -errno.ENOTTY

    def _set_container(self, group: Group, raw: bytes) -> Result:
        if len(raw) < 4:
            return -errno.EFAULT
        file = self.files.get(struct.unpack_from("=i", raw)[0])
        if file is None:
            return -errno.EBADF
        if group.container is not None:
            return -errno.EINVAL
        if not isinstance(file, Container):
            return -errno.EBADFD
        group.container = file
        file.groups.add(group)
        return 0

    def _get_device(self, group: Group, raw: bytes) -> Result:
        name, end, _ = raw[:PAGE].partition(b"\0")
        if not end:
            return -(errno.EINVAL if len(raw) >= PAGE else errno.EFAULT)
        if name.decode(errors="replace") != self._names[group.index]:
            return -errno.ENODEV
        if group.container is None or not group.container.has_iommu:
            return -errno.EINVAL
        return NEW

    def device_opened(self, group: int, number: int) -> None:
        """Note the descriptor that GET_DEVICE_FD returned."""
        file = self.files[group]
        assert isinstance(file, Group), "others have no device"
        file.devices += 1
        self.files[number] = Device(file)

    def _device(self, device: Device, nr: int, argument: Argument) -> Result:  # noqa: PLR0911
        del device
        raw = argument if isinstance(argument, bytes) else UNREADABLE
        match nr:
            case 7:
                return self._sized(argument, 16, 0)
            case 8 | 9:
                size, indexes = (32, 4) if nr == 8 else (16, 3)
                if refused := self._sized(argument, size, 0):
                    return refused
                (index,) = struct.unpack_from("=I", raw, 8)
                return 0 if index < indexes else -errno.EINVAL
            case 10:
                return self._set_irqs(raw)
            case 11:
                return 0
            case 17:
                return self._feature(argument, raw)
            case _:
                return -errno.ENOTTY

    def _feature(self, argument: Argument, raw: bytes) -> Result:
        if refused := self._sized(argument, 8, 0):
            return refused
        (flags,) = struct.unpack_from("=I", raw, 4)
        if flags >> 19 or flags >> 16 == 3:
            return -errno.EINVAL
        return -errno.ENOTTY

    def _set_irqs(self, raw: bytes) -> Result:  # noqa: PLR0911
        if len(raw) < 20:
            return -errno.EFAULT
        argsz, flags, index, start, count = struct.unpack_from("=IIIII", raw)
        sizes = {1: 0, 2: 1, 4: 4}
        kind = flags & 7
        if argsz < 20 or index >= 3 or flags >> 6 or start or count > 1:
            return -errno.EINVAL
        if kind not in sizes or argsz - 20 < count * sizes[kind] or not flags & 0x20:
            return -errno.EINVAL
        if len(raw) < 20 + sizes[kind]:
            return -errno.EFAULT
        if kind != 4:
            return 0
        (number,) = struct.unpack_from("=i", raw, 20)
        if number < 0:
            return 0 if number == -1 else -errno.EINVAL
        if number not in self.files:
            return -errno.EBADF
        return 0 if isinstance(self.files[number], Event) else -errno.EINVAL

    # -- regions -----------------------------------------------------------------------

    def region(self, number: int) -> Result | None:
        """Return the answer to a region call on any file but a device, else None."""
        file = self.files.get(number)
        if file is None:
            return -errno.EBADF
        if isinstance(file, Device):
            return None
        return -errno.EINVAL if isinstance(file, Container | Group) else ANY

    def pread(self, number: int, index: int, at: int, size: int) -> Result:
        """Read a region; `index` and `at` are from the offset."""
        if (other := self.region(number)) is not None:
            return other
        if index >= len(_REGIONS) or at + size > _REGIONS[index]:
            return -errno.EINVAL
        return size

    def pwrite(
        self, number: int, index: int, at: int, data: bytes, image: bytes
    ) -> Result:
        """Write to a region, whose content is `image` after that."""
        if (other := self.region(number)) is not None:
            return other
        if index > 1 or at + len(data) > _REGIONS[index]:
            return -errno.EINVAL
        if index == 1:
            (command,) = struct.unpack_from("=I", image)
            return ANY if command in (1, 2) else -errno.EINVAL
        fctl = struct.unpack_from("<H", image, 14)[0] >> 12 & 7
        if fctl & _START:
            return ANY
        # Here: EINVAL without a function; in Linux the writer's ret_code.
        return -(errno.EOPNOTSUPP if fctl else errno.EINVAL)
