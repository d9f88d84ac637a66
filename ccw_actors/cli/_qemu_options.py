"""Reads the values of the options of `ccw-actors qemu`.

Every function raises `typer.BadParameter` for a value that cannot be used.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import typer

from ccw_actors.actors.hardware.image import open_image
from ccw_actors.cli._inputs import UnusableFileError, reading
from ccw_actors.cli._sizes import size_option
from ccw_actors.errors import ImageError
from ccw_actors.machine import DeviceNumber, HostDevice, StorageSize

__all__ = [
    "read_boot",
    "read_device_number",
    "read_disk",
    "read_disks",
    "read_storage",
]

_MIB = 1 << 20
_CONTROL_UNITS = {"3380": "2107", "3390": "2107"}
"""The control units that disks have by default: those that Linux meets today."""

_DISK = re.compile(
    r"(?P<number>[^=,]+)=(?P<image>.+?)"
    r"(?P<options>(?:,(?:(?:type|control-unit)=[^,=]*|read-only))*)"
)


def read_disks(texts: Sequence[str]) -> tuple[HostDevice, ...]:
    """Read the values of --disk; no number may occur twice."""
    devices = tuple(map(read_disk, texts))
    numbers = [one.number for one in devices]
    for number in {one for one in numbers if numbers.count(one) > 1}:
        raise typer.BadParameter(
            f"two disks have the number {number}", param_hint="--disk"
        )
    return devices


def read_storage(memory: str) -> StorageSize:
    """Read the value of --memory."""
    size = size_option(memory, "--memory", least=_MIB)
    if size % _MIB:
        raise typer.BadParameter(
            f"expected whole MiB, got {memory!r}", param_hint="--memory"
        )
    return StorageSize(size)


def read_boot(text: str, devices: Sequence[HostDevice]) -> DeviceNumber:
    """Read the value of --boot, which has to be the number of a disk."""
    number = read_device_number(text, "--boot")
    numbers = [one.number for one in devices]
    if number not in numbers:
        known = ", ".join(map(str, numbers)) or "none"
        raise typer.BadParameter(
            f"expected the number of a --disk ({known}), got {number}",
            param_hint="--boot",
        )
    return number


def read_disk(text: str) -> HostDevice:
    """Read one value of --disk."""
    match = _DISK.fullmatch(text)
    if match is None:
        raise typer.BadParameter(
            f"expected DEVNO=IMAGE, as in 0190=disk.img, got {text!r}",
            param_hint="--disk",
        )
    image = Path(match["image"])
    options = _options(match["options"])
    kind = options.get("type") or _kind(image)
    return HostDevice(
        read_device_number(match["number"], "--disk"),
        kind,
        image,
        read_only="read-only" in options,
        control_unit=options.get("control-unit", _CONTROL_UNITS.get(kind, "")),
    )


def _options(text: str) -> dict[str, str]:
    """Return the options that follow an image, each after a comma, by name."""
    options: dict[str, str] = {}
    for one in text.split(",")[1:]:
        option, _, value = one.partition("=")
        options[option] = value
    return options


def read_device_number(text: str, option: str) -> DeviceNumber:
    """Read a device number, which is the value of that option."""
    try:
        return DeviceNumber.read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _kind(image: Path) -> str:
    """Return the device type that an image says.

    Raises:
        typer.BadParameter: It says none, or cannot be read.
    """
    try:
        with reading(image, "a disk image"):
            file = open_image(image, read_only=True)
    except (ImageError, UnusableFileError) as error:
        hint = f" (give raw blocks a type, as in {image},type=3370)"
        is_read = isinstance(error, ImageError) and image.is_file()
        text = f"{error}{hint if is_read else ''}"
        raise typer.BadParameter(text, param_hint="--disk") from error
    try:
        return file.geometry.device_type
    finally:
        file.close()
