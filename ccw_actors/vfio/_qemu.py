"""QEMU's command line, and the checks of a QEMU before it is started."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from ccw_actors.errors import ClientError

__all__ = [
    "QemuOptions",
    "command_line",
    "device_name",
    "device_option",
    "devno_of",
    "find_qemu",
]

_NAME: Final = "qemu-system-s390x"
_DEVICE: Final = "vfio-ccw"
_CSSID: Final = "fe"
_MIB: Final = 1 << 20


class QemuOptions(Protocol):
    """The options of a guest of QEMU; `arguments` are passed to QEMU last.

    `storage` is in bytes, whole MiB. `line_mode` is for kernels that have only the
    SCLP's line-mode console.
    """

    @property
    def storage(self) -> int: ...
    @property
    def cpus(self) -> int: ...
    @property
    def kernel(self) -> Path | None: ...
    @property
    def initrd(self) -> Path | None: ...
    @property
    def append(self) -> str | None: ...
    @property
    def line_mode(self) -> bool: ...
    @property
    def arguments(self) -> tuple[str, ...]: ...


def find_qemu(wanted: str = _NAME) -> Path:
    """Find a QEMU that has vfio-ccw.

    `wanted` is the name of a program on PATH, or the path of a program or of a build
    folder.

    Raises:
        ClientError: There is no such program, or it has no vfio-ccw.
    """
    program = _located(wanted)
    if f"{_DEVICE} options" not in _options(program):
        raise ClientError(
            f"{program}: expected a QEMU for s390x that has the device vfio-ccw;"
            f" '{program.name} -device {_DEVICE},help' does not know it"
        )
    return program.absolute()


def _located(wanted: str) -> Path:
    is_path = "/" in wanted
    found = None if is_path else shutil.which(wanted)
    program = Path(found or wanted)
    if program.is_dir():
        program /= _NAME
    if not program.is_file():
        hint = "" if is_path else " on PATH (Debian: apt install qemu-system-s390x)"
        raise ClientError(f"there is no {program}{hint}")
    return program


def _options(program: Path) -> str:
    """Return the device's options; to list all devices, QEMU would load all modules."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own program
            [program, "-device", f"{_DEVICE},help"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise ClientError(
            f"{program}: does not answer -device {_DEVICE},help"
        ) from None
    except OSError as error:
        raise ClientError(f"{program}: {error.strerror}") from error
    return done.stdout


def command_line(
    program: Path, options: QemuOptions, devices: list[str], *, console: int, qmp: int
) -> list[str]:
    """Return QEMU's arguments; `console` and `qmp` are descriptors of sockets."""
    sclp = "sclplmconsole" if options.line_mode else "sclpconsole"
    return [
        str(program),
        *("-machine", "s390-ccw-virtio", "-cpu", "max"),
        *("-m", f"{options.storage // _MIB}M", "-smp", str(options.cpus)),
        *("-nodefaults", "-display", "none"),
        *("-chardev", f"socket,id=ccw-actors-console,fd={console}"),
        *("-device", f"{sclp},chardev=ccw-actors-console"),
        *("-chardev", f"socket,id=ccw-actors-qmp,fd={qmp}"),
        *("-mon", "chardev=ccw-actors-qmp,mode=control"),
        *(part for device in devices for part in ("-device", device)),
        *_kernel(options),
        *options.arguments,
    ]


def _kernel(options: QemuOptions) -> Iterator[str]:
    """Yield the arguments for the kernel to load, if any."""
    named = (
        ("-kernel", options.kernel),
        ("-initrd", options.initrd),
        ("-append", options.append),
    )
    for name, value in named:
        if value is not None:
            yield from (name, str(value))


def device_option(number: int, sysfsdev: str, *, boot: bool = False) -> str:
    """Return the argument of -device that passes the device `number` through."""
    bootindex = ",bootindex=0" if boot else ""
    # A comma within a value is written twice.
    place = sysfsdev.replace(",", ",,")
    return (
        f"{_DEVICE},id={device_name(number)},sysfsdev={place},"
        f"devno={devno_of(number)}{bootindex}"
    )


def device_name(number: int) -> str:
    """Return QEMU's id of the device with that number: "ccw-0190"."""
    return f"ccw-{number:04x}"


def devno_of(number: int) -> str:
    """Return QEMU's form of a device number, in subchannel set 0: "fe.0.0190"."""
    return f"{_CSSID}.0.{number:04x}"
