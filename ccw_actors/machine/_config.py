"""The parts of a machine: host devices, guests, and what is passed to each guest."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from msgspec import Meta, Struct, field

from ccw_actors._sizes import read_size
from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.channel import bus_id, parse_device_number
from ccw_actors.errors import ChannelDataError
from ccw_actors.faults import Fault
from ccw_actors.machine._guest_program import GuestProgram
from ccw_actors.machine._own_model import OwnModel

__all__ = [
    "STORAGE_MAX",
    "UNPACKED_MAX",
    "Binary",
    "ConsoleTarget",
    "DeviceNumber",
    "FileSize",
    "GuestConfiguration",
    "HostDevice",
    "Machine",
    "PassedThrough",
    "Placement",
    "QemuGuest",
    "StorageSize",
]

STORAGE_MAX: Final = 1 << 44
UNPACKED_MAX: Final = 1 << 30
"""The default bound on the bytes that a gzipped image unpacks to."""

_DEFAULT_SUBCHANNEL_SET = re.compile(r"0{1,2}\.0\.|[^.]*$")

GuestName = Annotated[str, Meta(pattern=r"^(?!host$)[A-Za-z0-9_-]+$")]
Placement: TypeAlias = Literal["shared-host", "with-guest"]
"""Where the host's parts are if guests have several processes.

With "shared-host" the process that runs the machine has them all, and with "with-guest"
the process of each guest has those of its devices.
"""

ProcessName = Annotated[str, Meta(pattern=r"^(?!host$)[A-Za-z0-9_-]{1,64}$")]


class DeviceNumber(int):
    """A device number, 0 to FFFF; prints as a bus id, "0.0.0150"."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> Self:
        """Take "0.0.0150", "0150" (hexadecimal) or an integer such as 0x0150.

        Raises:
            ValueError: `value` is none of them.
        """
        if isinstance(value, str) and _DEFAULT_SUBCHANNEL_SET.match(value):
            try:
                return cls(parse_device_number(value))
            except ChannelDataError:
                pass
        elif type(value) is int and 0 <= value <= 0xFFFF:
            return cls(value)
        raise ValueError(
            f'expected a device number such as "0.0.0150", "0150" or 0x0150,'
            f" got {value!r}"
        )

    def __str__(self) -> str:
        return bus_id(int(self))


class FileSize(int):
    """A size of a file in bytes, at least 1."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> Self:
        """Take what `read_size` takes.

        Raises:
            ValueError: It is not a size, or less than 1.
        """
        size = read_size(value)
        if size < 1:
            raise ValueError(f"expected a size of 1 byte at least, got {value!r}")
        return cls(size)


class StorageSize(int):
    """A size of storage in bytes: whole pages of 4096 bytes, at most 16 TiB."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> Self:
        """Take what `read_size` takes.

        Raises:
            ValueError: It is not a size, or not such a number of pages.
        """
        size = read_size(value)
        if size % PAGE_SIZE or not PAGE_SIZE <= size <= STORAGE_MAX:
            raise ValueError(
                f"expected whole pages of {PAGE_SIZE} bytes, at least one and at most"
                f" {STORAGE_MAX} bytes, got {value!r}"
            )
        return cls(size)


class Binary(str):
    """A program: a name to find on PATH, or a path, which has a slash in it."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """Take a name or a path, which is relative to `folder`.

        Raises:
            ValueError: It is neither.
        """
        if not isinstance(value, str) or not value:
            raise ValueError(f"expected the name or path of a program, got {value!r}")
        return cls(folder / value if "/" in value else value)


class ConsoleTarget:
    """Where a guest's console is: a file, which is appended to; None for the terminal.

    The terminal is that of the process that started the machine; one guest can have it.
    """

    __slots__ = ("file",)

    def __init__(self, file: Path | None) -> None:
        self.file = file

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """Take "terminal", or the path of a file, relative to `folder`.

        Raises:
            ValueError: It is neither.
        """
        if not isinstance(value, str) or not value:
            raise ValueError(f'expected "terminal" or a file, got {value!r}')
        return cls(None if value == "terminal" else folder / value)


class HostDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """A device of the host, with the image of its volume.

    An image whose name ends in ".gz" is unpacked, to `unpacked_max` bytes at most, into
    a temporary copy when the machine starts. What guests write to it is lost when the
    machine stops. Any other image is written in place unless the device is `read_only`.
    With `sync`, data are on the host's disk before the device presents device end, and
    without it in the image before the end of the channel program is shown. With the
    name of its `shadow` files, such as "disk_*.img", a compressed image is not written
    but the topmost of them (see `open_image`). A disk is behind the `control_unit` of
    that name, or behind its default one.

    A device with a `model` of the user's own need not have an image; `type` is then
    the name that the model and the summary of a run have for it.

    A `process` that it names is that of its guest; it names none with a shared host.

    A device with `faults`, or one that `takes_faults` while it runs, has a
    `FaultyDevice` in front of it, and a channel path that can be configured off.
    """

    number: DeviceNumber
    device_type: str = field(name="type")
    image: Path | None = None
    read_only: bool = False
    sync: bool = False
    shadow: str = ""
    unpacked_max: FileSize = FileSize(UNPACKED_MAX)
    control_unit: str = ""
    model: OwnModel | None = None
    takes_faults: bool = False
    faults: tuple[Fault, ...] = field(name="fault", default=())
    process: ProcessName | None = None

    @property
    def is_faulty(self) -> bool:
        """Whether faults can happen to it."""
        return self.takes_faults or bool(self.faults)


class PassedThrough(Struct, frozen=True, forbid_unknown_fields=True):
    """A device of a guest: the guest's number for it, and the host's."""

    number: DeviceNumber
    host: DeviceNumber


class GuestConfiguration(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="emulator",
    tag="python",
):
    """A guest that is a program in Python: its name, storage, program and devices.

    The name is part of the paths of its actors. `arguments` are passed to the program
    as keyword arguments, after the cpu. `process` is the operating-system process that
    the guest runs in; see `processes`.
    """

    name: GuestName
    storage: StorageSize
    program: GuestProgram
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    devices: tuple[PassedThrough, ...] = field(name="device", default=())
    process: ProcessName | None = None


class QemuGuest(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="emulator",
    tag="qemu",
):
    """A guest in its own QEMU, with `storage` in whole MiB and `cpus` CPUs.

    `binary` is that QEMU, or the folder where it was built; by default the one on PATH.
    `arguments` are passed to QEMU after all others. Without a `console`, output of the
    guest's console is lost. A kernel that knows only the SCLP's line-mode console needs
    `line_mode`. `boot` is the device that the guest is IPLed from. `process` is the
    operating-system process that its actors run in.
    """

    name: GuestName
    storage: StorageSize
    binary: Binary | None = None
    cpus: Annotated[int, Meta(ge=1, le=248)] = 1
    kernel: Path | None = None
    initrd: Path | None = None
    append: str | None = None
    arguments: tuple[str, ...] = ()
    console: ConsoleTarget | None = None
    line_mode: bool = False
    boot: DeviceNumber | None = None
    devices: tuple[PassedThrough, ...] = field(name="device", default=())
    process: ProcessName | None = None


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """Host devices and guests that run together.

    Each device needs a thread and each guest some actors, so both have a bound. The
    `placement` matters only in several processes; None is "with-guest".
    """

    devices: tuple[HostDevice, ...] = field(name="device", default=())
    guests: tuple[GuestConfiguration | QemuGuest, ...] = field(name="guest", default=())
    devices_max: int = 2048
    guests_max: int = 1024
    placement: Placement | None = None
